/* What the operator's process sees: struct observed, from the store and from its own memory. */
#include "world.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "runner/namespaces.h"

static const char *uid_text(int uid, struct arena *a)
{
    return arena_printf(a, "uid-%d", uid);
}

static bool is_labelled(const struct object *object)
{
    return object->owner != NOBODY;
}

/* Of Secrets all are watched, of other kinds those that carry our label. */
bool world_is_watched(const struct object *object, enum child child)
{
    return object->exists && (is_labelled(object) || strcmp(child_kind(child), "Secret") == 0);
}

static enum place place_of_wish(const struct wish *wish, enum child child)
{
    enum place place = PLACE_OWN;

    if (child_is_binding(child) && wish->valid)
        while (place < PLACE_OTHER && strcmp(wish->spec.namespace, place_name(place)) != 0)
            place++;
    return place;
}

/* The spec as it was when the turn began. */
const struct wish *world_turn_wish(const struct world *w)
{
    return &w->scenario->wishes[w->turn_wish];
}

struct registration world_registration(const struct object *secret, struct arena *a)
{
    return (struct registration){
        .runner_id = secret->runner_id,
        .token = arena_strdup(a, secret->token),
        .url = arena_strdup(a, secret->url),
        .authentication = arena_strdup(a, secret->authentication),
        .scope = arena_strdup(a, secret->scope),
        .told_hash = arena_strdup(a, secret->told_hash),
        .inputs = arena_strdup(a, secret->inputs),
        .expiration = secret->expiration[0] ? arena_strdup(a, secret->expiration) : NULL,
        .obtained = secret->obtained[0] ? arena_strdup(a, secret->obtained) : NULL,
        .rotation = secret->rotation[0] ? arena_strdup(a, secret->rotation) : NULL,
    };
}

static void see_registration(struct observed *o, const struct object *secret, struct arena *a)
{
    o->registered = world_registration(secret, a);
    o->registered.token = NULL;
}

static void see_deployment(struct observed *o, const struct object *deployment)
{
    int64_t available = deployment->rolled_out ? deployment->replicas : 0;

    o->replicas = deployment->replicas;
    o->ready_replicas = o->available_replicas = o->updated_replicas = available;
    o->rollout_observed = deployment->rolled_out;
}

static void see_child(struct world *w, struct observed *o, enum child child)
{
    const struct object *object = &w->process.seen.children[child][place_of_wish(world_turn_wish(w), child)];
    struct observed_child *c = &o->children[child];

    *c = (struct observed_child){.foreign = w->process.memory.foreign[child]};
    if (!world_is_watched(object, child))
        return;
    c->foreign = object->owner != OUR_UID;
    c->inherited =
        c->foreign && object->owner == FORMER_UID && child == CHILD_TOKEN_SECRET && !w->process.memory.owned_secret;
    if (c->inherited) {
        c->terminating = object->terminating;
        c->held = object->held;
        c->uid = uid_text(object->uid, &w->mem);
        see_registration(o, object, &w->mem);
    }
    if (c->foreign)
        return;
    c->exists = true;
    c->terminating = object->terminating;
    c->drifted = object->drifted;
    c->held = object->held;
    c->uid = uid_text(object->uid, &w->mem);
    c->hash = arena_strdup(&w->mem, object->hash);
    c->inputs = arena_strdup(&w->mem, object->inputs);
    if (child == CHILD_TOKEN_SECRET)
        see_registration(o, object, &w->mem);
    if (child == CHILD_DEPLOYMENT)
        see_deployment(o, object);
}

static void see_strays(struct world *w, struct observed *o)
{
    o->stray = (struct stray){0};
    for (enum child child = 0; child < CHILD_COUNT; child++)
        for (enum place place = 0; place < PLACES; place++) {
            const struct object *object = &w->process.seen.children[child][place];
            bool wanted = o->wanted[child].wanted && place == place_of_wish(world_turn_wish(w), child);
            if (object->exists && object->owner == OUR_UID && !object->terminating && !wanted && !o->stray.kind &&
                !account_is_in_use(o, child_kind(child)))
                o->stray = (struct stray){.kind = child_kind(child),
                                          .ns = place_name(place),
                                          .name = child_name(child, &o->owner, &w->mem),
                                          .uid = uid_text(object->uid, &w->mem)};
        }
}

static void see_value(struct world *w, enum readable what, bool exists, int version)
{
    struct observed_value *v = &w->observed.values[what];
    const char *text = arena_printf(&w->mem, "%d", version);

    if (!exists)
        *v = (struct observed_value){.lookup = LOOKUP_NO_OBJECT};
    else if (!v->version || strcmp(v->version, text) != 0)
        *v = (struct observed_value){.lookup = LOOKUP_UNKNOWN, .version = text};
}

struct value *api_credential(struct api *api, const struct wish *wish)
{
    return &api->credentials[wish->spec.authentication];
}

struct value *api_ca(struct api *api, const struct wish *wish)
{
    return &api->ca[wish->spec.ca_in_config_map];
}

static void see_values(struct world *w)
{
    struct api *seen = &w->process.seen;
    const struct object *token = &seen->children[CHILD_TOKEN_SECRET][PLACE_OWN];
    const struct object *config = &seen->children[CHILD_CONFIG_SECRET][PLACE_OWN];
    const struct wish *wish = world_turn_wish(w);

    if (wish->valid) {
        const struct value *credential = api_credential(seen, wish), *ca = api_ca(seen, wish);
        see_value(w, READ_CREDENTIAL, credential->trouble != VALUE_MISSING, credential->version);
        if (wish->spec.ca.name)
            see_value(w, READ_CA, ca->trouble != VALUE_MISSING, ca->version);
        if (wish->spec.cache)
            see_value(w, READ_CACHE, seen->cache.trouble != VALUE_MISSING, seen->cache.version);
    }
    see_value(w, READ_TOKEN, token->exists, token->version);
    see_value(w, READ_CONFIG, config->exists, config->version);
}

static void see_place(struct world *w, struct observed *o)
{
    const struct wish *wish = world_turn_wish(w);
    enum place place = place_of_wish(wish, CHILD_ROLE_BINDING);
    const struct api *seen = &w->process.seen;

    o->settings.namespaces = w->process.namespaces;
    o->job_namespace_served = wish->valid && namespaces_have(o->settings.namespaces, place_name(place));
    o->job_namespace_exists = wish->valid && !seen->places[place].missing && !seen->places[place].terminating;
    o->job_namespace_open = place == PLACE_OWN || !seen->places[place].closed;
    o->job_namespace_level = seen->places[place].level;
    if (!o->deleting && seen->places[PLACE_OWN].terminating) {
        o->deleting = true;
        o->deletion_time = seen->places[PLACE_OWN].deletion_time;
    }
}

/* What may have changed since the last step; the object itself and the values that were read stay as they are for the
 * turn. */
void world_update(struct world *w)
{
    struct observed *o = &w->observed;
    struct process *p = &w->process;

    o->now_ms = w->now_ms;
    o->now = w->now_ms / 1000;
    for (enum child child = 0; child < CHILD_COUNT; child++)
        see_child(w, o, child);
    see_strays(w, o);
    see_values(w);
    see_place(w, o);
    o->in_line = p->in_line;
    learn_sight(&p->memory, o);
}

bool world_is_frozen(const struct world *w)
{
    return w->now_ms < w->thaws_at;
}

/* What goes beside the turns of its owner (claim.h): rights that were withdrawn. */
static void collect(struct world *w)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        for (enum place place = 0; place < PLACES; place++) {
            struct object *binding = &w->api.children[child][place];
            if (place != PLACE_OWN && w->api.places[place].closed && binding->exists && binding->owner == OUR_UID)
                object_delete(binding);
        }
}

void world_deliver(struct world *w)
{
    collect(w);
    if (world_is_frozen(w))
        return;
    api_copy(&w->process.seen, &w->api);
}

/* The annotations of the object, as the API server has them. */
static struct json_object *annotations(const struct api *api, struct arena *a)
{
    static const char *const until[PAUSES] = {[PAUSE_FOR_EVER] = UNTIL_RESUMED, [PAUSE_UNREADABLE] = "tomorrow"};
    struct json_object *ret = arena_json(a, json_build("{}"));
    bool ends = api->pause == PAUSE_SHORTLY || api->pause == PAUSE_FOR_LONG;

    if (*api->set_at_gitlab)
        json_put_member(ret, ANNOTATION_SET_AT_GITLAB, api->set_at_gitlab);
    if (api->rotations)
        json_put_member(ret, ANNOTATION_ROTATE_TOKEN, arena_printf(a, "r%d", api->rotations));
    if (api->restarts)
        json_put_member(ret, ANNOTATION_RESTART, arena_printf(a, "r%d", api->restarts));
    if (api->pause)
        json_put_member(ret, ANNOTATION_PAUSED_UNTIL, ends ? time_format(api->paused_until, a) : until[api->pause]);
    return ret;
}

static const struct spec *steered(const struct wish *wish, const struct api *api, struct arena *a)
{
    struct spec *spec = arena_alloc(a, sizeof(*spec));

    *spec = wish->spec;
    steering_read(annotations(api, a), spec, a);
    return spec;
}

struct attributes world_attributes(struct world *w)
{
    struct observed o = {.now = w->now_ms / 1000, .spec = steered(world_wish(w), &w->api, &w->mem)};

    observe_attributes(&o);
    return o.attributes;
}

void world_observe(struct world *w)
{
    const struct api *seen = &w->process.seen;
    const struct wish *wish = &w->scenario->wishes[seen->wish];
    struct observed *o = &w->observed;

    arena_finish(&w->mem);
    w->turn_wish = seen->wish;
    memory_follow(&w->process.memory, seen->generation);
    memory_forget_foreign(&w->process.memory);
    *o = (struct observed){.memory = &w->process.memory, .owner = {.ns = "ci", .name = "builds", .uid = "uid-1"}};
    o->generation = seen->generation;
    o->calling = w->process.calling;
    o->version = arena_printf(&w->mem, "%d", seen->version);
    o->finalizer = seen->finalizer;
    o->deleting = seen->deleting;
    o->gone = seen->gone;
    o->deletion_time = seen->deletion_time;
    o->force_delete = seen->force_delete;
    o->now = w->now_ms / 1000;
    o->spec = wish->valid ? steered(wish, seen, &w->mem) : NULL;
    observe_attributes(o);
    o->spec_err = wish->err;
    o->status = arena_json(&w->mem, json_ref(seen->status));
    memcpy(o->wanted, wish->wanted, sizeof(o->wanted));
    world_update(w);
}
