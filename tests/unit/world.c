/* The API server, and everybody but the operator who changes what is in it. */
#include "world.h"

#include <stdarg.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/status.h"

enum { ROLLOUT_MS = 2000, HEALS_SOON_MS = 90 * 1000, HEALS_LATE_MS = 30 * 60 * 1000 };

int option(const struct world *w, enum option option)
{
    return w->calm && option > OPT_START ? 0 : w->scenario->options[option];
}

int trouble(const struct world *w, enum option which)
{
    int v = option(w, which);
    bool lasts = v % 2 == 0, over = !lasts && w->now_ms >= w->heals_at;

    return over ? 0 : (v + 1) / 2;
}

void world_trace(struct world *w, const char *format, ...)
{
    va_list args;

    if (!w->trace)
        return;
    fprintf(w->trace, "%9.3f  ", (double)w->now_ms / 1000);
    va_start(args, format);
    vfprintf(w->trace, format, args);
    va_end(args);
    fputc('\n', w->trace);
}

void world_violate(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->journal.violation[0])
        return;
    va_start(args, format);
    vsnprintf(w->journal.violation, sizeof(w->journal.violation), format, args);
    va_end(args);
    world_trace(w, "VIOLATION %s", w->journal.violation);
}

const struct wish *world_wish(const struct world *w)
{
    return &w->scenario->wishes[w->api.wish];
}

const char *place_name(enum place place)
{
    static const char *const names[PLACES] = {"ci", "jobs", "other"};

    return names[place];
}

static enum place place_by_name(const char *name)
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

static const struct owner the_owner = {.ns = "ci", .name = "builds", .uid = "uid-1"};

struct object *api_find(struct api *api, const char *kind, const char *ns, const char *name)
{
    struct arena a cleanup_arena = {0};

    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (strcmp(child_kind(child), kind) == 0 && strcmp(child_name(child, &the_owner, &a), name) == 0)
            return &api->children[child][place_by_name(ns)];
    return NULL;
}

static void object_create(struct api *api, struct object *object, int owner)
{
    *object = (struct object){.exists = true, .owner = owner};
    object->uid = object->version = ++api->last;
}

static void object_gone(struct object *object)
{
    *object = (struct object){0};
}

void object_delete(struct object *object)
{
    if (object->held || object->pinned)
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
    bool same = strcmp(object->hash, annotation(manifest, ANNOTATION_APPLIED_HASH)) == 0;

    put_text(object->hash, sizeof(object->hash), annotation(manifest, ANNOTATION_APPLIED_HASH));
    put_text(object->inputs, sizeof(object->inputs), annotation(manifest, ANNOTATION_INPUTS));
    object->owner = uid_number(annotation(manifest, ANNOTATION_OWNER_UID));
    object->drifted = false;
    if (child == CHILD_TOKEN_SECRET)
        put_token_secret(object, manifest, &a);
    if (child == CHILD_CONFIG_SECRET)
        put_config_secret(object, manifest, &a);
    if (child == CHILD_DEPLOYMENT) {
        object->replicas = json_int_or(manifest, "spec.replicas", 1);
        object->rolled_out = object->rolled_out && same;
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
    if (object->exists && object->owner != OUR_UID)
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
    object_delete(object);
    return true;
}

static void runner_gone(struct world *w)
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
    w->api.finalizer = hold;
    if (!hold && w->api.deleting)
        runner_gone(w);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What users do.
 */
static enum place place_of_child(const struct world *w, enum child child)
{
    const struct wish *wish = world_wish(w);

    return child == CHILD_ROLE_BINDING && wish->valid ? place_by_name(wish->spec.namespace) : PLACE_OWN;
}

static void damage_content(struct object *object, enum damage damage, enum child child)
{
    bool token_secret = child == CHILD_TOKEN_SECRET;

    object->drifted = damage == DAMAGE_DRIFTED || (damage == DAMAGE_EMPTIED && !token_secret);
    if (damage == DAMAGE_REWRITTEN)
        put_text(object->hash, sizeof(object->hash), "another");
    if (damage == DAMAGE_EMPTIED)
        object->token[0] = '\0';
    if (damage == DAMAGE_BARE)
        object->url[0] = object->authentication[0] = object->told_hash[0] = object->inputs[0] = '\0';
}

static void damage_existence(struct world *w, struct object *object, enum damage damage)
{
    if (damage == DAMAGE_FORCED || damage == DAMAGE_REPLACED)
        object_gone(object);
    if (damage == DAMAGE_PINNED)
        object->pinned = true;
    if (damage == DAMAGE_REPLACED)
        object_create(&w->api, object, NOBODY);
    else
        object_delete(object);
}

static void do_damage(struct world *w, enum damage damage, enum child child)
{
    struct object *object = &w->api.children[child][place_of_child(w, child)];
    bool removes =
        damage == DAMAGE_DELETED || damage == DAMAGE_FORCED || damage == DAMAGE_PINNED || damage == DAMAGE_REPLACED;

    if (w->api.places[place_of_child(w, child)].missing || (damage != DAMAGE_REPLACED && !object->exists))
        return;
    world_trace(w, "user: damage %d to the %s", damage, child_kind(child));
    if (object->exists)
        object->version = ++w->api.last;
    if (removes)
        damage_existence(w, object, damage);
    else
        damage_content(object, damage, child);
}

static void edit(struct world *w)
{
    if (!w->api.exists)
        return;
    world_trace(w, "user: edit %d", option(w, OPT_EDIT));
    w->api.wish = 1;
    w->api.generation++;
}

static void delete_object(struct world *w)
{
    if (!w->api.exists)
        return;
    world_trace(w, "user: delete the object");
    w->api.deleting = true;
    w->api.deletion_time = w->now_ms / 1000;
    if (!w->api.finalizer)
        runner_gone(w);
}

/* The namespace controller deletes everything in it, the object itself last. */
static void delete_namespace(struct world *w)
{
    world_trace(w, "user: delete the namespace");
    w->api.places[PLACE_OWN].terminating = true;
    w->api.places[PLACE_OWN].deletion_time = w->now_ms / 1000;
    for (enum child child = 0; child < CHILD_COUNT; child++) {
        struct object *object = &w->api.children[child][PLACE_OWN];
        object->version = ++w->api.last;
        if (object->exists)
            object_delete(object);
    }
}

/* True, once, when what falls before action `at` is due. */
static bool is_due(struct world *w, int what, enum option given, enum option at, bool now)
{
    if (w->happened[what] || !option(w, given) || (!now && w->journal.actions < option(w, at)))
        return false;
    return w->happened[what] = true;
}

/* What the status asks for. */
static bool heeds_the_status(struct world *w)
{
    const char *reason = condition_get(w->api.status, "Ready", "reason");
    struct object *secret = &w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN];
    bool asked = reason && (strcmp(reason, "TokenMissing") == 0 || strcmp(reason, "TokenSecretDamaged") == 0);

    if (!asked || !secret->exists || secret->terminating)
        return false;
    world_trace(w, "user: deletes the token Secret, as told");
    secret->version = ++w->api.last;
    object_delete(secret);
    return true;
}

bool world_users(struct world *w, bool now)
{
    bool edits = is_due(w, 0, OPT_EDIT, OPT_EDIT_AT, now);
    bool damages = is_due(w, 2, OPT_DAMAGE, OPT_DAMAGE_AT, now),
         damages_2 = is_due(w, 3, OPT_DAMAGE_2, OPT_DAMAGE_AT_2, now);
    bool deletes = is_due(w, 1, OPT_DELETE, OPT_DELETE_AT, now);

    if (edits)
        edit(w);
    if (damages)
        do_damage(w, (enum damage)option(w, OPT_DAMAGE), (enum child)option(w, OPT_DAMAGED_CHILD));
    if (damages_2)
        do_damage(w, (enum damage)option(w, OPT_DAMAGE_2), (enum child)option(w, OPT_DAMAGED_CHILD_2));
    if (deletes && option(w, OPT_DELETE) == 1)
        delete_object(w);
    else if (deletes)
        delete_namespace(w);
    return edits || damages || damages_2 || deletes || (now && heeds_the_status(w));
}

/* ------------------------------------------------------------------------------------------------------------------
 * What changes by itself.
 */
static void collect_garbage(struct world *w)
{
    for (enum child child = 0; child < CHILD_COUNT; child++) {
        struct object *object = &w->api.children[child][PLACE_OWN];
        if (object->exists && object->owner == OUR_UID && !object->terminating && !w->api.exists)
            object_delete(object);
    }
    if (w->api.places[PLACE_OWN].terminating && w->api.exists && !w->api.deleting)
        delete_object(w);
}

static void heal_objects(struct world *w)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        for (enum place place = 0; place < PLACES; place++) {
            struct object *object = &w->api.children[child][place];
            bool leaves = object->owner != OUR_UID && !option(w, OPT_REPLACED_FOR_EVER);
            object->pinned = false;
            if (object->exists && (object->terminating || leaves || object->owner == FORMER_UID))
                object_delete(object);
        }
}

static void set_value(struct world *w, struct value *value, enum value_trouble trouble)
{
    if (value->trouble != trouble)
        value->version = ++w->api.last;
    value->trouble = trouble;
}

static void set_place(struct world *w, enum place place, int trouble)
{
    w->api.places[place].missing = trouble == 1;
    w->api.places[place].closed = trouble == 2;
    for (enum child child = 0; child < CHILD_COUNT && trouble == 1; child++)
        object_gone(&w->api.children[child][place]);
}

/* Users' objects are as the options say, until they heal. */
static void set_troubles(struct world *w)
{
    const struct wish *first = &w->scenario->wishes[0];
    enum place place = first->valid ? place_by_name(first->spec.namespace) : PLACE_OWN;

    for (int mode = 0; mode < 3; mode++)
        set_value(w, &w->api.credentials[mode], (enum value_trouble)trouble(w, OPT_CREDENTIAL));
    for (int kind = 0; kind < 2; kind++)
        set_value(w, &w->api.ca[kind], (enum value_trouble)trouble(w, OPT_CA_TROUBLE));
    if (place != PLACE_OWN)
        set_place(w, place, trouble(w, OPT_PLACE_TROUBLE));
}

static struct object *deployment(struct world *w)
{
    return &w->api.children[CHILD_DEPLOYMENT][PLACE_OWN];
}

static bool is_rolling_out(const struct world *w)
{
    const struct object *d = &w->api.children[CHILD_DEPLOYMENT][PLACE_OWN];

    return d->exists && !d->terminating && !d->rolled_out;
}

/* A manager with a token that works asks GitLab for jobs. */
static void roll_out(struct world *w)
{
    const struct object *config = &w->api.children[CHILD_CONFIG_SECRET][PLACE_OWN];

    deployment(w)->rolled_out = true;
    deployment(w)->version = ++w->api.last;
    for (int server = 0; server < SERVERS && config->exists; server++) {
        struct remote_runner *r = gitlab_runner(w, server_url(server), config->token);
        if (r)
            r->contacted = true;
    }
}

int64_t world_next_change(const struct world *w)
{
    if (is_rolling_out(w))
        return w->now_ms + ROLLOUT_MS;
    return w->now_ms < w->heals_at && !w->calm ? w->heals_at : -1;
}

void world_change(struct world *w)
{
    collect_garbage(w);
    if (is_rolling_out(w))
        roll_out(w);
    set_troubles(w);
    if (w->now_ms >= w->heals_at)
        heal_objects(w);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The beginning.
 */
static void leave_remains(struct world *w)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        object_create(&w->api, &w->api.children[child][place_of_child(w, child)], FORMER_UID);
}

static void begin(struct world *w)
{
    w->calm = false;
    w->heals_at = w->now_ms + (option(w, OPT_HEAL_LATE) ? HEALS_LATE_MS : HEALS_SOON_MS);
    w->journal = (struct journal){0};
    set_troubles(w);
    if (option(w, OPT_START) == START_RESTARTED)
        world_crash(w);
    if (option(w, OPT_START) == START_REMAINS)
        leave_remains(w);
}

void world_init(struct world *w, const struct scenario *s, struct crash crash, FILE *trace)
{
    *w = (struct world){.scenario = s, .random = s->seed, .calm = true, .crash.at = -1, .now_ms = 1000 * 1000};
    w->api = (struct api){.exists = true, .generation = 1, .last = 10};
    w->api.status = json_build("{observedGeneration: %d}", (int64_t)-1);
    for (int i = 0; i < 3; i++)
        w->api.credentials[i].version = ++w->api.last;
    for (int i = 0; i < 2; i++)
        w->api.ca[i].version = ++w->api.last;
    gitlab_init(w);
    world_crash(w);
    if (option(w, OPT_START) == START_CONVERGED || option(w, OPT_START) == START_RESTARTED)
        world_run(w);
    w->trace = trace;
    w->crash = crash;
    begin(w);
}

void world_finish(struct world *w)
{
    api_finish(&w->api);
    api_finish(&w->process.seen);
    arena_finish(&w->mem);
}
