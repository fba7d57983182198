/* Everybody but the operator who changes what is in the API server. */
#include "world.h"

#include <string.h>

#include "base/json.h"
#include "runner/status.h"

enum { ROLLOUT_MS = 2000, JOB_MS = 5000 };

enum place world_place(const struct world *w, enum child child)
{
    const struct wish *wish = world_wish(w);

    return child_is_binding(child) && wish->valid ? place_by_name(wish->spec.namespace) : PLACE_OWN;
}

static void damage_content(struct object *object, enum damage damage, enum child child)
{
    bool token_secret = child == CHILD_TOKEN_SECRET;

    object->drifted = damage == DAMAGE_DRIFTED || (damage == DAMAGE_EMPTIED && !token_secret);
    if (damage == DAMAGE_REWRITTEN)
        snprintf(object->hash, sizeof(object->hash), "another");
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
    struct object *object = &w->api.children[child][world_place(w, child)];
    bool removes =
        damage == DAMAGE_DELETED || damage == DAMAGE_FORCED || damage == DAMAGE_PINNED || damage == DAMAGE_REPLACED;

    if (w->api.places[world_place(w, child)].missing || (damage != DAMAGE_REPLACED && !object->exists))
        return;
    world_trace(w, "user: damage %d to the %s", damage, child_kind(child));
    if (child == CHILD_TOKEN_SECRET && damage != DAMAGE_DRIFTED && damage != DAMAGE_REWRITTEN)
        gitlab_forsake(w, damage == DAMAGE_FORCED || damage == DAMAGE_REPLACED);
    if (object->exists)
        object->version = ++w->api.last;
    if (removes)
        damage_existence(w, object, damage);
    else
        damage_content(object, damage, child);
}

bool world_moves(const struct world *w)
{
    int edit = w->scenario->options[OPT_EDIT];

    return edit == EDIT_URL || edit == EDIT_MODE || edit == EDIT_MODE_BACK || edit == EDIT_SCOPE;
}

static void edit(struct world *w)
{
    if (!w->api.exists)
        return;
    world_trace(w, "user: edit %d", option(w, OPT_EDIT));
    w->journal.untraceable += world_moves(w) ? world_leaked(w).count : 0;
    w->api.wish = 1;
    w->api.generation++;
    w->api.version = ++w->api.last;
    w->edited_at = world_moves(w) ? w->now_ms / 1000 : 0;
}

static void delete_object(struct world *w)
{
    if (!w->api.exists)
        return;
    world_trace(w, "user: delete the object");
    w->api.deleting = true;
    w->api.deletion_time = w->now_ms / 1000;
    w->api.version = ++w->api.last;
    if (!w->api.finalizer)
        api_runner_gone(w);
}

/* The namespace controller deletes everything in it, the object itself last. */
static void delete_namespace(struct world *w)
{
    world_trace(w, "user: delete the namespace");
    gitlab_forsake(w, false);
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

/* What somebody does at GitLab is found out by the next checks. */
static void meddle(struct world *w)
{
    enum { FOUND_OUT_MS = 60 * 60 * 1000 };

    gitlab_meddle(w, (enum remote)option(w, OPT_REMOTE));
    if (w->watched_until < w->now_ms + FOUND_OUT_MS)
        w->watched_until = w->now_ms + FOUND_OUT_MS;
}

static void annotated(struct world *w, const char *what)
{
    world_trace(w, "user: asks for %s", what);
    w->api.version = ++w->api.last;
}

/* … by annotations. */
static bool steer(struct world *w, bool now)
{
    static const int seconds[PAUSES] = {[PAUSE_SHORTLY] = 20, [PAUSE_FOR_LONG] = 1800};
    bool asks = is_due(w, 5, OPT_ROTATE, OPT_ROTATE_AT, now), pauses = is_due(w, 6, OPT_PAUSE, OPT_PAUSE_AT, now),
         resumes = is_due(w, 7, OPT_RESUME, OPT_RESUME_AT, now),
         restarts = is_due(w, 8, OPT_RESTART, OPT_RESTART_AT, now);

    if (!w->api.exists)
        return false;
    if (asks)
        w->api.rotations += option(w, OPT_ROTATE), annotated(w, "a new token");
    if (pauses) {
        w->api.pause = (enum pause)option(w, OPT_PAUSE);
        w->api.paused_until = w->now_ms / 1000 + seconds[w->api.pause];
        annotated(w, "a pause");
    }
    if (resumes)
        w->api.pause = PAUSE_NONE, annotated(w, "no pause");
    if (restarts)
        w->api.restarts += option(w, OPT_RESTART), annotated(w, "new pods");
    return asks || pauses || resumes || restarts;
}

bool world_users(struct world *w, bool now)
{
    bool edits = is_due(w, 0, OPT_EDIT, OPT_EDIT_AT, now);
    bool damages = is_due(w, 2, OPT_DAMAGE, OPT_DAMAGE_AT, now),
         damages_2 = is_due(w, 3, OPT_DAMAGE_2, OPT_DAMAGE_AT_2, now);
    bool deletes = is_due(w, 1, OPT_DELETE, OPT_DELETE_AT, now);

    bool meddles = is_due(w, 4, OPT_REMOTE, OPT_REMOTE_AT, now), steers = steer(w, now);

    if (edits)
        edit(w);
    if (meddles)
        meddle(w);
    if (damages)
        do_damage(w, (enum damage)option(w, OPT_DAMAGE), (enum child)option(w, OPT_DAMAGED_CHILD));
    if (damages_2)
        do_damage(w, (enum damage)option(w, OPT_DAMAGE_2), (enum child)option(w, OPT_DAMAGED_CHILD_2));
    if (deletes && option(w, OPT_DELETE) == 1)
        delete_object(w);
    else if (deletes)
        delete_namespace(w);
    return edits || damages || damages_2 || deletes || meddles || steers || (now && heeds_the_status(w));
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
            bool restored = object->owner == FORMER_UID && object->url[0];
            object->pinned = false;
            restored = restored && !object->terminating;
            if (object->exists && !restored && (object->terminating || leaves || object->owner == FORMER_UID))
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
void world_set_troubles(struct world *w)
{
    const struct wish *first = &w->scenario->wishes[0];
    enum place place = first->valid ? place_by_name(first->spec.namespace) : PLACE_OWN;

    for (int mode = 0; mode < 3; mode++)
        set_value(w, &w->api.credentials[mode], (enum value_trouble)trouble(w, OPT_CREDENTIAL));
    for (int kind = 0; kind < 2; kind++)
        set_value(w, &w->api.ca[kind], (enum value_trouble)trouble(w, OPT_CA_TROUBLE));
    set_value(w, &w->api.cache, (enum value_trouble)trouble(w, OPT_CACHE_TROUBLE));
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

static bool is_draining(const struct world *w)
{
    return w->api.children[CHILD_DEPLOYMENT][PLACE_OWN].draining;
}

/* The last job of a manager that was told to stop has ended. */
static void end_drain(struct world *w)
{
    deployment(w)->draining = false;
    deployment(w)->version = ++w->api.last;
    object_delete(deployment(w));
}

int64_t world_next_change(const struct world *w)
{
    if (is_draining(w))
        return w->now_ms + JOB_MS;
    if (is_rolling_out(w))
        return w->now_ms + ROLLOUT_MS;
    if (world_is_frozen(w))
        return w->thaws_at;
    return w->now_ms < w->heals_at && !w->calm ? w->heals_at : -1;
}

void world_change(struct world *w)
{
    collect_garbage(w);
    if (is_rolling_out(w))
        roll_out(w);
    if (is_draining(w))
        end_drain(w);
    gitlab_hear(w);
    world_set_troubles(w);
    if (w->now_ms >= w->heals_at)
        heal_objects(w);
}
