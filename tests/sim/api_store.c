/* Objects by name, their states, and what has happened to them. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

enum { FIRST_VERSION = 100 };

/* ---------------------------------------------------------------------------------------------------------------------
 * States */

static struct api_state *state_create(struct json_object *root, uint64_t version)
{
    struct api_state *state = mem_alloc(sizeof(*state));
    struct json_object *metadata = json_object_object_get(root, "metadata");

    *state = (struct api_state){.refs = 1,
                                .version = version,
                                .root = root,
                                .ns = api_json_text(metadata, "namespace"),
                                .name = api_json_text(metadata, "name")};
    return state;
}

struct api_state *api_state_hold(struct api_state *state)
{
    if (state)
        state->refs++;
    return state;
}

void api_state_drop(struct api_state *state)
{
    assert(!state || state->refs > 0);
    if (!state || --state->refs)
        return;
    json_object_put(state->root);
    free(state->text);
    free(state->meta_text);
    free(state);
}

static char *text_between(const char *head, struct json_object *value, const char *tail, size_t *ret_len)
{
    const char *text = json_text(value);
    size_t head_len = strlen(head), len = strlen(text), tail_len = strlen(tail);
    char *ret = mem_resize(NULL, head_len + len + tail_len + 1);

    memcpy(ret, head, head_len);
    memcpy(ret + head_len, text, len);
    memcpy(ret + head_len + len, tail, tail_len + 1);
    *ret_len = head_len + len + tail_len;
    return ret;
}

const char *api_state_text(const struct api_kind *kind, struct api_state *state, size_t *ret_len)
{
    if (!state->text)
        state->text = text_between("", state->root, "", &state->text_len);
    assert(!kind || strncmp(state->text, kind->head_text, strlen(kind->head_text)) == 0);
    *ret_len = state->text_len;
    return state->text;
}

const char *api_state_meta(struct api_state *state, size_t *ret_len)
{
    if (!state->meta_text)
        state->meta_text =
            text_between("{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":",
                         json_object_object_get(state->root, "metadata"), "}", &state->meta_len);
    *ret_len = state->meta_len;
    return state->meta_text;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Shelves */

static int order_of(const char *ns_a, const char *name_a, const char *ns_b, const char *name_b)
{
    int order = strcmp(ns_a, ns_b);

    return order ? order : strcmp(name_a, name_b);
}

/* Where the object is, or would be. */
static size_t place_of(const struct api_shelf *shelf, const char *ns, const char *name)
{
    size_t low = 0, high = shelf->len;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct api_object *o = shelf->objects[middle];
        if (order_of(o->ns, o->name, ns, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct api_object *api_find(const struct api *api, const struct api_kind *kind, const char *ns, const char *name)
{
    const struct api_shelf *shelf = api_shelf(api, kind);
    size_t i = place_of(shelf, kind->namespaced ? ns : "", name);
    struct api_object *o = i < shelf->len ? shelf->objects[i] : NULL;

    return o && order_of(o->ns, o->name, kind->namespaced ? ns : "", name) == 0 ? o : NULL;
}

struct api_object *api_find_by_uid(const struct api *api, const char *uid)
{
    return map_get(&api->by_uid, uid);
}

static struct api_object *shelve(struct api *api, const struct api_kind *kind, struct json_object *metadata)
{
    struct api_shelf *shelf = api_shelf(api, kind);
    struct api_object *object = mem_alloc(sizeof(*object));
    const char *ns = api_json_text(metadata, "namespace"), *name = api_json_text(metadata, "name");
    size_t i = place_of(shelf, ns, name);

    object->kind = kind;
    object->ns = mem_strdup(ns);
    object->name = mem_strdup(name);
    snprintf(object->uid, sizeof(object->uid), "%s", api_json_text(metadata, "uid"));
    if (shelf->len == shelf->size) {
        shelf->size = shelf->size ? shelf->size * 2 : 8;
        shelf->objects = mem_resize(shelf->objects, shelf->size * sizeof(struct api_object *));
    }
    memmove(&shelf->objects[i + 1], &shelf->objects[i], (shelf->len - i) * sizeof(struct api_object *));
    shelf->objects[i] = object;
    shelf->len++;
    map_set(&api->by_uid, object->uid, object);
    return object;
}

static void object_free(struct api_object *object)
{
    api_state_drop(object->state);
    json_object_put(object->template);
    free(object->ns);
    free(object->name);
    free(object);
}

static void unshelve(struct api *api, struct api_object *object)
{
    struct api_shelf *shelf = api_shelf(api, object->kind);
    size_t i = place_of(shelf, object->ns, object->name);

    assert(shelf->objects[i] == object);
    map_remove(&api->by_uid, object->uid);
    shelf->len--;
    memmove(&shelf->objects[i], &shelf->objects[i + 1], (shelf->len - i) * sizeof(struct api_object *));
    object_free(object);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Writes */

static void note_event(struct api *api, const struct api_kind *kind, struct api_state *before, struct api_state *after,
                       struct api_state *gone)
{
    struct api_shelf *shelf = api_shelf(api, kind);

    if (kind == &api_kinds[API_LEASES]) /* which nobody watches, and which are written all the time */
        return;
    if (shelf->events_len == shelf->events_size) {
        shelf->events_size = shelf->events_size ? shelf->events_size * 2 : 16;
        shelf->events = mem_resize(shelf->events, shelf->events_size * sizeof(struct api_event));
    }
    shelf->events[shelf->events_len++] =
        (struct api_event){api->version, api_state_hold(before), api_state_hold(after), api_state_hold(gone)};
}

static void tell_ears(struct api *api, const struct api_call *call, const struct api_kind *kind,
                      struct api_state *before, struct api_state *after)
{
    const struct api_write write = {.user = call->user,
                                    .verb = call->verb,
                                    .resource = kind->plural,
                                    .subresource = call->subresource,
                                    .before = before ? before->root : NULL,
                                    .after = after ? after->root : NULL,
                                    .replica = call->replica};

    for (size_t i = 0; i < api->ears_len; i++)
        api->ears[i].told(api->ears[i].arg, &write);
}

static void put_version(struct json_object *root, uint64_t version)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, version);
    json_object_object_add(json_object_object_get(root, "metadata"), "resourceVersion", json_object_new_string(text));
}

struct api_object *api_put(struct api *api, const struct api_call *call, const struct api_kind *kind,
                           struct api_object *object, struct json_object *root)
{
    struct api_state *before = object ? object->state : NULL;

    put_version(root, ++api->version);
    if (!object)
        object = shelve(api, kind, json_object_object_get(root, "metadata"));
    object->state = state_create(root, api->version);
    note_event(api, kind, before, object->state, NULL);
    tell_ears(api, call, kind, before, object->state);
    api_state_drop(before);
    api_watches_advance(api, api->lags ? NULL : kind);
    return object;
}

struct json_object *api_state_edit(const struct api_state *state)
{
    struct json_object *root = api_json_shallow(state->root);

    json_object_object_add(root, "metadata", api_json_shallow(json_object_object_get(root, "metadata")));
    return root;
}

struct api_state *api_take(struct api *api, const struct api_call *call, struct api_object *object)
{
    const struct api_kind *kind = object->kind;
    struct json_object *root = api_state_edit(object->state);

    put_version(root, ++api->version);
    struct api_state *gone = state_create(root, api->version);
    note_event(api, kind, object->state, NULL, gone);
    tell_ears(api, call, kind, object->state, NULL);
    unshelve(api, object);
    api_watches_advance(api, api->lags ? NULL : kind);
    return gone;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Views of the past */

static size_t place_in_view(struct api_state **view, size_t len, const struct api_state *state)
{
    size_t i = 0;

    while (i < len && order_of(view[i]->ns, view[i]->name, state->ns, state->name) < 0)
        i++;
    return i;
}

/* As if the event had not happened. */
static size_t undo_event(struct api_state **view, size_t len, const struct api_event *event)
{
    size_t i = place_in_view(view, len, event->after ? event->after : event->before);

    if (event->before && event->after) {
        view[i] = event->before;
        return len;
    }
    if (event->after) {
        memmove(&view[i], &view[i + 1], (len - i - 1) * sizeof(view[0]));
        return len - 1;
    }
    memmove(&view[i + 1], &view[i], (len - i) * sizeof(view[0]));
    view[i] = event->before;
    return len + 1;
}

struct api_state **api_view(const struct api *api, const struct api_kind *kind, uint64_t version, size_t *ret_len)
{
    const struct api_shelf *shelf = api_shelf(api, kind);
    struct api_state **view = mem_alloc((shelf->len + shelf->events_len + 1) * sizeof(view[0]));
    size_t len = shelf->len;

    for (size_t i = 0; i < len; i++)
        view[i] = shelf->objects[i]->state;
    for (size_t e = shelf->events_len; e > 0 && shelf->events[e - 1].version > version; e--)
        len = undo_event(view, len, &shelf->events[e - 1]);
    for (size_t i = 0; i < len; i++)
        api_state_hold(view[i]);
    *ret_len = len;
    return view;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

struct api *api_create(struct sim *sim)
{
    struct api *api = mem_alloc(sizeof(*api));

    api->sim = sim;
    api->version = FIRST_VERSION;
    api->by_uid.lent = true;
    for (size_t k = 0; k < API_KINDS; k++)
        list_init(&api->shelves[k].watches);
    return api;
}

static void shelf_finish(struct api_shelf *shelf)
{
    for (size_t i = 0; i < shelf->len; i++)
        object_free(shelf->objects[i]);
    for (size_t i = 0; i < shelf->events_len; i++) {
        api_state_drop(shelf->events[i].before);
        api_state_drop(shelf->events[i].after);
        api_state_drop(shelf->events[i].gone);
    }
    free(shelf->objects);
    free(shelf->events);
}

void api_destroy(struct api *api)
{
    if (!api)
        return;
    api_watches_finish(api);
    controllers_destroy(api);
    for (size_t k = 0; k < API_KINDS; k++)
        shelf_finish(&api->shelves[k]);
    map_finish(&api->by_uid);
    api_accept_token(api, NULL, NULL);
    free(api);
}

struct json_object *api_object(const struct api *api, const char *resource, const char *ns, const char *name)
{
    const struct api_object *object = api_find(api, api_kind_named(resource), ns, name);

    return object ? object->state->root : NULL;
}

void api_each(const struct api *api, const char *resource, void (*each)(void *arg, struct json_object *object),
              void *arg)
{
    const struct api_shelf *shelf = api_shelf(api, api_kind_named(resource));

    for (size_t i = 0; i < shelf->len; i++)
        each(arg, shelf->objects[i]->state->root);
}

uint64_t api_version(const struct api *api)
{
    return api->version;
}

void api_on_write(struct api *api, void (*told)(void *arg, const struct api_write *write), void *arg)
{
    assert(api->ears_len < API_TELLS_MAX);
    api->ears[api->ears_len++] = (struct api_ear){told, arg};
}
