/* Exchanges are held in the order of the versions that came of them. Before each, the model's object is what the record
 * shows of it, with its very version, and so it is afterwards, whatever the model has made of it: a difference is told
 * once, and where it is. */
#include "tests/model/api_replay.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "tests/model/api_held.h"
#include "tests/model/api_told.h"
#include "tests/model/direct.h"

#define HOST "api.test"

enum { SECONDS_APART = 5, FORMERS = 64 };

/* What an object was, until it was another one, or none. */
struct former {
    const struct api_kind *kind;
    char *ns, *name;
    struct json_object *root; /* owned; NULL: it was not there */
    int64_t until_us;
};

struct api_replay {
    struct differences *differences;
    struct sim *sim;
    struct api *api;
    struct record record;
    struct told_check told;
    size_t compared;
    struct former formers[FORMERS]; /* a ring: the latest ones */
    size_t n_formers;
};

static const struct api_call nobody = {.user = "", .manager = "", .verb = "", .subresource = "", .replica = -1};

struct api_replay *api_replay_create(struct differences *differences)
{
    struct api_replay *r = mem_alloc(sizeof(*r));

    *r = (struct api_replay){.differences = differences, .sim = direct_create()};
    r->api = api_create(r->sim);
    r->api->version = 0;
    r->told = (struct told_check){.differences = differences, .sim = r->sim, .host = HOST};
    api_serve(r->api, HOST);
    return r;
}

static void forget_former(struct former *f)
{
    free(f->ns);
    free(f->name);
    json_object_put(f->root);
}

void api_replay_destroy(struct api_replay *r)
{
    api_destroy(r->api);
    direct_destroy(r->sim);
    record_finish(&r->record);
    map_finish(&r->told.known);
    for (size_t i = 0; i < FORMERS; i++)
        forget_former(&r->formers[i]);
    free(r);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The model's objects as the record has them */

static struct api_object *object_of(struct api_replay *r, const struct held *h)
{
    return api_find(r->api, h->kind, h->ns, h->name);
}

static void take_away(struct api_replay *r, struct api_object *object)
{
    if (object)
        api_state_drop(api_take(r->api, &nobody, object));
}

/* A copy, whose members come in the order that the model keeps. */
static struct json_object *laid_out(struct json_object *object)
{
    static const char *const first[] = {"kind", "apiVersion", "metadata"};
    struct json_object *copy = json_object_new_object();

    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        json_object_object_add(copy, first[i], json_copy(json_member(object, first[i])));
    json_each (it, object)
        if (!json_member(copy, it.key))
            json_object_object_add(copy, it.key, json_copy(it.value));
    return copy;
}

/* In the place of the state that the model has made of it, with its version. */
static void correct(struct api_replay *r, struct api_object *object, struct json_object *real)
{
    struct api_state *state = object->state;
    struct json_object *copy = laid_out(real);

    json_object_put(state->root);
    free(take(state->text));
    free(take(state->meta_text));
    state->root = copy;
    state->version = version_of_object(real);
    state->ns = json_str_or(copy, "metadata.namespace", "");
    state->name = json_str_or(copy, "metadata.name", "");
    if (map_get(&r->api->by_uid, object->uid) == object) /* lent: it is known by its uid */
        map_remove(&r->api->by_uid, object->uid);
    snprintf(object->uid, sizeof(object->uid), "%s", json_str_or(copy, "metadata.uid", ""));
    map_set(&r->api->by_uid, object->uid, object);
}

static bool is_metadata_alone(struct json_object *object)
{
    return strcmp(json_str_or(object, "kind", ""), "PartialObjectMetadata") == 0;
}

/* The metadata of the record, and the rest as the model has it. A reference of the caller's. */
static struct json_object *with_metadata(struct json_object *model, struct json_object *real)
{
    struct json_object *whole = json_copy(model);

    json_object_object_add(whole, "metadata", json_copy(json_get(real, "metadata")));
    return whole;
}

static void plant(struct api_replay *r, const struct held *h, struct json_object *answer)
{
    struct api_object *known = object_of(r, h);
    cleanup_json struct json_object *real =
        is_metadata_alone(answer) && known ? with_metadata(known->state->root, answer) : json_ref(answer);
    struct api_object *object = api_find(r->api, h->kind, h->ns, json_str_or(real, "metadata.name", ""));

    if (!object) {
        if (version_of_object(real) > r->api->version)
            r->api->version = version_of_object(real) - 1;
        object = api_put(r->api, &nobody, h->kind, NULL, laid_out(real));
    }
    correct(r, object, real);
}

/* The model's next version is that of the record, unless nothing has changed there. */
static void set_version(struct api_replay *r, const struct held *h)
{
    const struct api_object *object = object_of(r, h);

    if (h->version && (!object || object->state->version != h->version))
        r->api->version = h->version - 1;
}

/* What has come of it. */
static void follow_record(struct api_replay *r, const struct held *h)
{
    if (h->status >= 300 || !held_is_write(h))
        return;
    if (held_ends(h)) {
        set_version(r, h);
        take_away(r, object_of(r, h));
    } else if (version_of_object(held_answer(h)))
        plant(r, h, held_answer(h));
}

/* What it was until then. */
static void remember_former(struct api_replay *r, const struct held *h, const char *name)
{
    const struct api_object *object = api_find(r->api, h->kind, h->ns, name);
    struct former *f = &r->formers[r->n_formers++ % FORMERS];

    forget_former(f);
    *f = (struct former){.kind = h->kind,
                         .ns = mem_strdup(h->ns),
                         .name = mem_strdup(name),
                         .root = object ? json_copy(object->state->root) : NULL,
                         .until_us = h->until_us};
}

/* Its end is told of by itself. */
static bool has_end_of_its_own(const struct api_replay *r, const struct api_object *object)
{
    for (size_t i = 0; i < r->record.len; i++) {
        const struct held *h = &r->record.held[i];
        if (held_is_end(h) && h->version > object->state->version &&
            held_is_of(h, object->kind, object->ns, object->name))
            return true;
    }
    return false;
}

static void take_all_away(struct api_replay *r, const struct held *h)
{
    struct api_shelf *shelf = api_shelf(r->api, h->kind);

    for (size_t i = shelf->len; i > 0; i--) {
        struct api_object *object = shelf->objects[i - 1];
        if (strcmp(object->ns, h->ns) != 0 || has_end_of_its_own(r, object))
            continue;
        remember_former(r, h, object->name);
        take_away(r, object);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Requests */

static const char *content_type_of(const struct held *h)
{
    struct json_object *asked = json_member(h->line, "asked");
    const char *target = json_str_or(h->line, "target", "");
    bool whole = json_str(asked, "apiVersion") && json_str(asked, "kind");

    if (strcmp(h->verb, "patch") != 0)
        return "application/json";
    if (json_is_array(asked))
        return "application/json-patch+json";
    if (whole && strstr(target, "fieldManager=") && !strstr(target, "client-side-apply"))
        return "application/apply-patch+yaml";
    return "application/merge-patch+json";
}

static const char *method_of(const struct held *h)
{
    static const struct {
        const char *verb, *method;
    } methods[] = {{"create", "POST"}, {"update", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(h->verb, methods[i].verb) == 0)
            return methods[i].method;
    return "GET";
}

/* "apply deployments", "merge secrets", "update deployments/status" */
static const char *kind_of_exchange(const struct held *h, struct arena *a)
{
    const char *type = content_type_of(h), *verb = h->verb;

    if (strcmp(verb, "patch") == 0)
        verb = strstr(type, "apply") ? "apply" : strstr(type, "merge") ? "merge" : "json-patch";
    return arena_printf(a, "%s %s%s%s", verb, h->kind->plural, *h->subresource ? "/" : "", h->subresource);
}

static bool is_former(const struct former *f, const struct held *h)
{
    return f->name && held_is_of(h, f->kind, f->ns, f->name);
}

/* What was read came of a write of the record. */
static bool was_seen(struct api_replay *r, const struct held *h)
{
    const struct api_object *object = object_of(r, h);
    uint64_t version = version_of_object(held_answer(h));

    for (size_t i = 0; i < FORMERS; i++)
        if (is_former(&r->formers[i], h) && version_of_object(r->formers[i].root) == version)
            return true;
    return object && object->state->version == version;
}

/* Nothing is known of what it was asked of. */
static bool is_blind(struct api_replay *r, const struct held *h)
{
    struct json_object *asked = json_member(h->line, "asked");
    const struct api_object *object = object_of(r, h);
    uint64_t known = version_of_object(asked);
    bool by_itself = strcmp(h->subresource, "finalize") == 0; /* the model ends namespaces in one step */
    bool update = strcmp(h->verb, "update") == 0 || strcmp(h->verb, "patch") == 0 || strcmp(h->verb, "delete") == 0;

    if (by_itself)
        return true;
    if (strcmp(h->verb, "get") == 0 && h->status == 200)
        return !was_seen(r, h);
    if (strcmp(h->verb, "create") == 0)
        return json_str(asked, "metadata.generateName") && !json_str(asked, "metadata.name");
    if (update && h->status == 200 && !object)
        return true;
    return strcmp(h->verb, "update") == 0 && h->status == 200 && known && object->state->version != known;
}

/* The record says that it was not there. */
static void make_way(struct api_replay *r, const struct held *h)
{
    if (h->status == 201)
        take_away(r, object_of(r, h));
}

/* ------------------------------------------------------------------------------------------------------------------
 * Answers */

static bool is_near_time(const char *real, const char *model)
{
    int64_t apart = time_parse(real) - time_parse(model);

    return time_parse(real) >= 0 && time_parse(model) >= 0 && apart <= SECONDS_APART && apart >= -SECONDS_APART;
}

static bool is_same_in_cluster(const char *name, struct json_object *real, struct json_object *model)
{
    static const char *const times[] = {"time", "creationTimestamp", "deletionTimestamp", "lastUpdateTime"};
    const char *r = json_string(real), *m = json_string(model);

    if (!*r || !*m)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        if (strcmp(name, times[i]) == 0)
            return is_near_time(r, m);
    return strcmp(name, "uid") == 0;
}

static int by_owner(const void *a, const void *b)
{
    static const char *const keys[] = {"operation", "manager", "apiVersion", "subresource"};
    struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;
    int order = 0;

    for (size_t i = 0; !order && i < ARRAY_LEN(keys); i++)
        order = strcmp(json_str_or(x, keys[i], ""), json_str_or(y, keys[i], ""));
    return order;
}

/* Owners of one second and of the next are in an order that chance decides. */
static struct json_object *with_owners_in_order(struct json_object *object)
{
    struct json_object *copy = json_copy(object), *owners = json_get(copy, "metadata.managedFields");

    if (json_len(owners) > 1)
        json_object_array_sort(owners, by_owner);
    return copy;
}

static void compare_objects(const struct comparison *comparison, struct json_object *real, struct json_object *model)
{
    cleanup_json struct json_object *r = with_owners_in_order(real), *m = with_owners_in_order(model);
    bool part = is_metadata_alone(real);

    compare_trees(comparison, part ? json_get(r, "metadata") : r, part ? json_get(m, "metadata") : m);
}

static void compare(struct api_replay *r, const struct held *h, const struct api_answer *answer)
{
    cleanup_arena struct arena a = {0};
    const struct comparison comparison = {r->differences, kind_of_exchange(h, &a), is_same_in_cluster};

    r->compared++;
    if (h->status == answer->status && held_answer(h))
        compare_objects(&comparison, held_answer(h), answer->object);
    else if (h->status != answer->status)
        differences_found(r->differences, comparison.exchange,
                          arena_printf(&a, "status %d, not %d", h->status, answer->status), json_text(held_answer(h)),
                          json_text(answer->object));
}

static struct api_answer ask_model(struct api_replay *r, const struct held *h)
{
    return api_request(r->api, json_str_or(h->line, "agent", ""), method_of(h), json_str_or(h->line, "target", ""),
                       content_type_of(h), json_member(h->line, "asked"));
}

/* What has happened to the kind since was for trial alone. */
static void rewind_events(struct api_replay *r, const struct held *h, size_t len, uint64_t version)
{
    struct api_shelf *shelf = api_shelf(r->api, h->kind);

    while (shelf->events_len > len) {
        struct api_event *last = &shelf->events[--shelf->events_len];
        api_state_drop(last->before);
        api_state_drop(last->after);
        api_state_drop(last->gone);
    }
    r->api->version = version;
}

/* The object as it was, for one request. */
static struct api_answer ask_of_former(struct api_replay *r, const struct held *h, const struct former *f)
{
    uint64_t version = r->api->version;
    size_t events = api_shelf(r->api, h->kind)->events_len;
    struct api_object *object = object_of(r, h);
    cleanup_json struct json_object *now = object ? json_ref(object->state->root) : NULL;

    take_away(r, object);
    if (f->root)
        plant(r, h, f->root);
    struct api_answer answer = ask_model(r, h);
    take_away(r, object_of(r, h));
    if (now)
        plant(r, h, now);
    rewind_events(r, h, events, version);
    return answer;
}

static bool fits(const struct held *h, const struct api_answer *answer)
{
    bool read = strcmp(h->verb, "get") == 0 && h->status == 200;

    return h->status == answer->status &&
           (!read || version_of_object(held_answer(h)) == version_of_object(answer->object));
}

/* Its object may have gone by then, by what was answered later. */
static bool ends_meanwhile(const struct api_replay *r, const struct held *h)
{
    for (size_t i = 0; i < r->record.len; i++) {
        const struct held *other = &r->record.held[i];
        bool all = strcmp(other->verb, "deletecollection") == 0;
        if ((all || held_ends(other)) && other->from_us <= h->until_us && other->until_us >= h->from_us &&
            held_is_of(other, h->kind, h->ns, all ? other->name : h->name))
            return true;
    }
    return false;
}

/* What came of no version may have been asked of any state that there was meanwhile. */
static struct api_answer ask_of_any(struct api_replay *r, const struct held *h)
{
    struct api_answer answer = ask_model(r, h);

    for (size_t i = 0; i < FORMERS && i < r->n_formers && !h->version && !fits(h, &answer); i++) {
        const struct former *f = &r->formers[(r->n_formers - 1 - i) % FORMERS];
        if (f->until_us < h->from_us || !is_former(f, h))
            continue;
        json_object_put(answer.object);
        answer = ask_of_former(r, h, f);
    }
    if (!fits(h, &answer) && h->status == 404 && ends_meanwhile(r, h)) {
        json_object_put(answer.object);
        answer = ask_of_former(r, h, &(struct former){.root = NULL});
    }
    return answer;
}

/* A refusal leaves all as it was, whatever the model has made of it. */
static void restore(struct api_replay *r, const struct held *h, struct json_object *before)
{
    struct api_object *object = object_of(r, h);

    if (before && (!object || object->state->root != before))
        plant(r, h, before);
    else if (!before)
        take_away(r, object);
}

static void hold_reading(struct api_replay *r, const struct held *h)
{
    r->api->version = h->order;
    if (held_is_watch(h))
        told_check_initial(&r->told, h);
    else if (h->status == 200)
        told_check_list(&r->told, h);
    r->compared++;
}

static void hold(struct api_replay *r, const struct held *h)
{
    struct api_object *object = object_of(r, h);
    cleanup_json struct json_object *before = object ? json_ref(object->state->root) : NULL;
    size_t events = api_shelf(r->api, h->kind)->events_len;
    uint64_t version = r->api->version;

    if (held_is_watch(h) || held_is_list(h)) {
        hold_reading(r, h);
        return;
    }
    if (held_is_end(h)) {
        remember_former(r, h, h->name);
        set_version(r, h);
        take_away(r, object);
        return;
    }
    direct_set_time(r->sim, h->until_us / 1000);
    if (strcmp(h->verb, "deletecollection") == 0) {
        take_all_away(r, h);
        return;
    }
    make_way(r, h);
    if (held_is_write(h) && h->status < 300)
        remember_former(r, h, h->name);
    if (!is_blind(r, h)) {
        set_version(r, h);
        struct api_answer answer = ask_of_any(r, h);
        compare(r, h, &answer);
        json_object_put(answer.object);
    }
    if (h->status >= 300) {
        restore(r, h, before);
        rewind_events(r, h, events, version);
    }
    follow_record(r, h);
}

/* What the record has seen made: of nothing else the model knows. */
static void know(struct api_replay *r)
{
    char key[400];

    for (size_t i = 0; i < r->record.len; i++) {
        const struct held *h = &r->record.held[i];
        if (h->version && held_is_write(h))
            map_set(&r->told.known, told_key(key, h->kind, h->ns, h->name), r);
    }
}

void api_replay_line(struct api_replay *r, struct json_object *line)
{
    record_add(&r->record, line);
}

size_t api_replay_run(struct api_replay *r)
{
    const struct record *record = &r->record;

    record_put_in_order(&r->record);
    know(r);
    for (size_t i = 0; i < record->len; i++)
        hold(r, &record->held[i]);
    for (size_t i = 0; i < record->len; i++)
        if (held_is_watch(&record->held[i]))
            told_check_rest(&r->told, &record->held[i]);
    return r->compared;
}
