/* The API server, as far as the operator uses it. */
#include "world.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"

const char *place_name(enum place place)
{
    static const char *const names[PLACES] = {"ci", "jobs", "other"};

    return names[place];
}

enum place place_by_name(const char *name)
{
    enum place place = PLACE_OWN;

    while (place < PLACE_OTHER && strcmp(name, place_name(place)) != 0)
        place++;
    return place;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Objects.
 */
void api_copy(struct api *to, const struct api *from)
{
    json_ref(from->status);
    json_put_ptr(&to->status);
    *to = *from;
}

void api_finish(struct api *api)
{
    json_put_ptr(&api->status);
}

void api_set_status(struct api *api, struct json_object *status)
{
    json_ref(status);
    json_put_ptr(&api->status);
    api->status = status;
}

void api_copy_runner(struct api *to, const struct api *from)
{
    to->exists = from->exists;
    to->finalizer = from->finalizer;
    to->deleting = from->deleting;
    to->deletion_time = from->deletion_time;
    to->generation = from->generation;
    to->version = from->version;
    to->wish = from->wish;
    to->rotations = from->rotations;
    to->restarts = from->restarts;
    to->pause = from->pause;
    to->paused_until = from->paused_until;
    memcpy(to->set_at_gitlab, from->set_at_gitlab, sizeof(to->set_at_gitlab));
    to->force_delete = from->force_delete;
    api_set_status(to, from->status);
}

static const struct owner the_owner = {.ns = "ci", .name = "builds", .uid = "uid-1"};

struct object *api_find(struct api *api, const char *kind, const char *ns, const char *name)
{
    struct arena a cleanup_arena = {0};

    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (strcmp(child_kind(child), kind) == 0 && strcmp(child_name(child, &the_owner, &a), name) == 0)
            return &api->children[child][place_by_name(ns)];
    return NULL;
}

void object_create(struct api *api, struct object *object, int owner)
{
    *object = (struct object){.exists = true, .owner = owner};
    object->uid = object->version = ++api->last;
}

void object_gone(struct object *object)
{
    *object = (struct object){0};
}

void object_delete(struct object *object)
{
    if (object->held || object->pinned || object->draining)
        object->terminating = true;
    else
        object_gone(object);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What the operator may ask for.
 */
static bool refuse(struct err *err, enum err_kind kind, int code, const char *reason)
{
    err_set(err, kind, reason, "the API server answered %d", code);
    err->code = code;
    return false;
}

static int uid_number(const char *uid)
{
    int number = -1;

    return uid && sscanf(uid, "uid-%d", &number) == 1 ? number : -1;
}

static void put_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static const char *annotation(struct json_object *manifest, const char *key)
{
    struct json_object *value = json_member(json_get(manifest, "metadata.annotations"), key);

    return value ? json_string(value) : NULL;
}

static char *data(struct json_object *manifest, const char *key, struct arena *a)
{
    struct json_object *value = json_member(json_get(manifest, "data"), key);

    return value ? base64_decode(json_string(value), NULL, a) : NULL;
}

static void put_token_secret(struct object *object, struct json_object *manifest, struct arena *a)
{
    put_text(object->token, sizeof(object->token), data(manifest, KEY_RUNNER_TOKEN, a));
    put_text(object->url, sizeof(object->url), annotation(manifest, ANNOTATION_URL));
    put_text(object->authentication, sizeof(object->authentication), annotation(manifest, ANNOTATION_AUTHENTICATION));
    put_text(object->scope, sizeof(object->scope), annotation(manifest, ANNOTATION_SCOPE));
    put_text(object->told_hash, sizeof(object->told_hash), annotation(manifest, ANNOTATION_TOLD_HASH));
    put_text(object->expiration, sizeof(object->expiration), annotation(manifest, ANNOTATION_TOKEN_EXPIRATION));
    put_text(object->obtained, sizeof(object->obtained), annotation(manifest, ANNOTATION_TOKEN_OBTAINED));
    put_text(object->rotation, sizeof(object->rotation), annotation(manifest, ANNOTATION_ROTATE_TOKEN));
    object->runner_id =
        annotation(manifest, ANNOTATION_RUNNER_ID) ? atoll(annotation(manifest, ANNOTATION_RUNNER_ID)) : 0;
}

/* The token is found by its shape, wherever config.toml has it. */
static void put_config_secret(struct object *object, struct json_object *manifest, struct arena *a)
{
    const char *toml = data(manifest, KEY_CONFIG, a);
    const char *token = toml ? strstr(toml, "glrt-") : NULL;
    const char *ca = data(manifest, KEY_CA, a);

    put_text(object->token, sizeof(object->token), token ? arena_strndup(a, token, strcspn(token, "\"")) : NULL);
    object->ca = ca && strcmp(ca, "PEM") == 0;
}

static void put_content(struct object *object, enum child child, struct json_object *manifest)
{
    struct arena a cleanup_arena = {0};
    const char *inputs = annotation(manifest, ANNOTATION_INPUTS);
    bool same_pods = strcmp(object->hash, annotation(manifest, ANNOTATION_APPLIED_HASH)) == 0 &&
                     strcmp(object->inputs, inputs ? inputs : "") == 0;

    put_text(object->hash, sizeof(object->hash), annotation(manifest, ANNOTATION_APPLIED_HASH));
    put_text(object->inputs, sizeof(object->inputs), inputs);
    object->owner = uid_number(annotation(manifest, ANNOTATION_OWNER_UID));
    object->drifted = false;
    if (child == CHILD_TOKEN_SECRET)
        put_token_secret(object, manifest, &a);
    if (child == CHILD_CONFIG_SECRET)
        put_config_secret(object, manifest, &a);
    if (child == CHILD_DEPLOYMENT) {
        object->replicas = json_int_or(manifest, "spec.replicas", 1);
        object->rolled_out = object->rolled_out && same_pods;
    }
}

/* Server-side apply: creates or changes; a uid that is another one, or "create" where there is an object, is a
 * conflict. */
bool api_apply(struct world *w, const struct action *act, struct err *err)
{
    struct json_object *manifest = act->apply.manifest;
    enum place place = place_by_name(json_str_or(manifest, "metadata.namespace", ""));
    struct object *object = &w->api.children[act->apply.child][place];
    bool keeps_finalizer = json_len(json_get(manifest, "metadata.finalizers")) > 0 && !act->apply.release;

    if (w->api.places[place].missing)
        return refuse(err, ERR_NOT_FOUND, 404, "NotFound");
    if (act->apply.uid ? !object->exists || object->uid != uid_number(act->apply.uid) : object->exists)
        return refuse(err, ERR_CONFLICT, 409, "Conflict");
    if (!object->exists && w->api.places[place].terminating)
        return refuse(err, ERR_DENIED, 403, "Forbidden");
    if (object->terminating && keeps_finalizer && !object->held)
        return refuse(err, ERR_INVALID, 422, "Invalid");
    bool inherited = object->owner == FORMER_UID && act->apply.child == CHILD_TOKEN_SECRET &&
                     w->scenario->options[OPT_START] == START_RESTORED;
    if (object->exists && object->owner != OUR_UID && !inherited)
        world_violate(w, "somebody else's %s is changed", child_kind(act->apply.child));
    if (!object->exists)
        object_create(&w->api, object, OUR_UID);
    put_content(object, act->apply.child, manifest);
    object->version = ++w->api.last;
    object->held = keeps_finalizer;
    if (object->terminating)
        object_delete(object);
    return true;
}

bool api_delete(struct world *w, const struct stray *what, struct err *err)
{
    struct object *object = api_find(&w->api, what->kind, what->ns, what->name);

    if (!object || !object->exists)
        return refuse(err, ERR_NOT_FOUND, 404, "NotFound");
    if (object->uid != uid_number(what->uid))
        return refuse(err, ERR_CONFLICT, 409, "Conflict");
    if (object->owner != OUR_UID)
        world_violate(w, "somebody else's %s is deleted", what->kind);
    object->version = ++w->api.last;
    object->draining = what->foreground;
    object_delete(object);
    return true;
}

/* One entry a runner: a second time it is written over. */
bool api_record(struct world *w, const struct orphan *orphan, struct err *err)
{
    int at = 0;

    if (option(w, OPT_NO_LEDGER))
        return refuse(err, ERR_DENIED, 403, "Forbidden");
    while (at < LEDGER_MAX - 1 && w->api.ledger[at].runner_id &&
           (w->api.ledger[at].runner_id != orphan->runner_id || strcmp(w->api.ledger[at].url, orphan->url) != 0))
        at++;
    w->api.ledger[at].runner_id = orphan->runner_id;
    put_text(w->api.ledger[at].url, sizeof(w->api.ledger[at].url), orphan->url);
    put_text(w->api.ledger[at].token, sizeof(w->api.ledger[at].token), orphan->token);
    w->api.last++;
    return true;
}

void api_runner_gone(struct world *w)
{
    w->api.exists = w->api.finalizer = false;
    world_trace(w, "the object is gone");
}

bool api_finalizer(struct world *w, bool hold, struct err *err)
{
    if (!w->api.exists)
        return refuse(err, ERR_CONFLICT, 409, "Conflict");
    if (hold && w->api.deleting && !w->api.finalizer)
        return refuse(err, ERR_INVALID, 422, "Invalid");
    if (hold && w->observed.version && atoi(w->observed.version) != w->api.version)
        return refuse(err, ERR_CONFLICT, 409, "Conflict");
    if (hold != w->api.finalizer)
        w->api.version = ++w->api.last;
    w->api.finalizer = hold;
    if (!hold && w->api.deleting)
        api_runner_gone(w);
    return true;
}
