#include "operator/gather.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "operator/errand.h"
#include "runner/applied_fields.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/namespaces.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * The object itself */

static void gather_spec(const struct runner_reading *reading, const char *too_large, struct observed *o)
{
    o->spec_digest = reading->digest;
    o->spec = too_large ? NULL : reading->spec;
    if (too_large)
        err_set(
            &o->spec_err, ERR_INVALID, "TooLarge",
            "the object is larger than what is read of it: %s. Take out what it does not need: mappings and lists of "
            "spec.config and spec.manager, annotations",
            too_large);
    else
        o->spec_err = reading->err;
}

static size_t gather_runner(const struct gathering *g, const struct record *record, struct observed *o, struct arena *a)
{
    const struct kept_runner *kept = kept_runner(record);
    struct runner_reading reading;

    spec_cache_read(g->specs, record, &reading, a);
    o->owner = (struct owner){
        .ns = arena_strdup(a, record->ns), .name = arena_strdup(a, record->name), .uid = arena_strdup(a, record->uid)};
    o->version = arena_strdup(a, record->version);
    o->generation = kept->generation;
    o->finalizer = kept->finalizer;
    o->deleting = kept->deleting;
    o->deletion_time = kept->deletion_time;
    o->force_delete = kept->force_delete;
    o->status = reading.status;
    gather_spec(&reading, kept->too_large, o);
    return reading.cost;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Children */

static const char *text_or_empty(const char *text, struct arena *a)
{
    return text ? arena_strdup(a, text) : "";
}

static void gather_registration(const struct kept_secret *kept, struct observed *o, struct arena *a)
{
    o->registered = (struct registration){
        .runner_id = kept->runner_id ? strtoll(kept->runner_id, NULL, 10) : 0,
        .url = text_or_empty(kept->url, a),
        .authentication = text_or_empty(kept->authentication, a),
        .scope = text_or_empty(kept->scope, a),
        .told_hash = text_or_empty(kept->told_hash, a),
        .expiration = arena_strdup(a, kept->expiration),
        .obtained = arena_strdup(a, kept->obtained),
        .rotation = arena_strdup(a, kept->rotation),
        .inputs = arena_strdup(a, kept->child.inputs),
    };
}

static void gather_deployment(const struct kept_deployment *kept, struct observed *o, struct arena *a)
{
    o->replicas = kept->replicas;
    o->ready_replicas = kept->ready;
    o->available_replicas = kept->available;
    o->updated_replicas = kept->updated;
    o->rollout_observed = kept->observed;
    o->rollout_problem = arena_strdup(a, kept->problem);
    o->replica_failure = arena_strdup(a, kept->failure);
}

/* Made for an object of our name that had another uid: before a restore from a backup, or in another cluster. */
static void gather_inheritance(const struct record *record, struct observed *o, struct arena *a)
{
    struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    if (strcmp(record->owner, key_text(KIND, o->owner.ns, o->owner.name).text) != 0)
        return;
    secret->inherited = true;
    secret->terminating = kept_child(record)->terminating;
    secret->held = kept_child(record)->held;
    secret->uid = arena_strdup(a, record->uid);
    gather_registration(kept_secret(record), o, a);
}

static struct observed_child child_as_kept(const struct record *record, enum child child, struct json_object *status,
                                           struct arena *a)
{
    const struct kept_child *kept = kept_child(record);

    assert(kept);
    return (struct observed_child){
        .exists = true,
        .terminating = kept->terminating,
        .held = kept->held,
        .drifted = kept->drifted && !applied_fields_tell(json_str(status, "appliedFields"), child, kept->fields),
        .fields = arena_strdup(a, kept->fields),
        .uid = arena_strdup(a, record->uid),
        .hash = arena_strdup(a, kept->hash),
        .inputs = arena_strdup(a, kept->inputs),
    };
}

static void gather_child(const struct gathering *g, const struct memory *memory, enum child child, struct observed *o,
                         struct arena *a)
{
    const char *ns = o->spec ? child_namespace(child, &o->owner, o->spec) : o->owner.ns;
    const struct record *record = store_get(g->store, kind_of_child(child), ns, child_name(child, &o->owner, a));

    o->children[child] = (struct observed_child){.foreign = memory->foreign[child]};
    if (!record)
        return;
    if (strcmp(record->owner_uid, o->owner.uid) != 0) {
        o->children[child].foreign = true;
        if (child == CHILD_TOKEN_SECRET && !memory->owned_secret)
            gather_inheritance(record, o, a);
        return;
    }
    o->children[child] = child_as_kept(record, child, o->status, a);
    if (child == CHILD_TOKEN_SECRET)
        gather_registration(kept_secret(record), o, a);
    if (child == CHILD_DEPLOYMENT)
        gather_deployment(kept_deployment(record), o, a);
}

/* What was found of children by the last look: none of it stays when they are gone. */
static void forget_children(struct observed *o)
{
    o->registered = (struct registration){0};
    o->replicas = o->ready_replicas = o->available_replicas = o->updated_replicas = 0;
    o->rollout_observed = false;
    o->rollout_problem = o->replica_failure = NULL;
}

struct stray_search {
    struct observed *o;
    struct arena *a;
};

static bool is_wanted(const struct observed *o, enum kind kind, const struct record *record, struct arena *a)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (kind_of_child(child) == kind && o->wanted[child].wanted &&
            strcmp(record->name, child_name(child, &o->owner, a)) == 0 &&
            strcmp(record->ns, child_namespace(child, &o->owner, o->spec)) == 0)
            return true;
    return false;
}

static void note_stray(void *arg, unsigned kind, const struct record *record)
{
    struct stray_search *search = arg;
    struct observed *o = search->o;

    if (o->stray.kind || is_wanted(o, kind, record, search->a) || account_is_in_use(o, kind_resource(kind)->kind))
        return;
    if (kept_child(record)->terminating || strcmp(record->owner_uid, o->owner.uid) != 0)
        return;
    o->stray = (struct stray){.kind = kind_resource(kind)->kind,
                              .ns = arena_strdup(search->a, record->ns),
                              .name = arena_strdup(search->a, record->name),
                              .uid = arena_strdup(search->a, record->uid)};
}

static void gather_strays(const struct gathering *g, struct observed *o, struct arena *a)
{
    struct stray_search search = {o, a};

    o->stray = (struct stray){0};
    store_each_owned(g->store, key_text(KIND, o->owner.ns, o->owner.name).text, note_stray, &search);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What the spec refers to */

/* An object that the store does not show is not there, unless nobody has looked yet. What was read in this turn stays
 * until the store shows another version. */
static void gather_value(const struct gathering *g, struct observed *o, enum readable what, enum kind kind,
                         const char *name, struct arena *a)
{
    const struct record *record = name ? store_get(g->store, kind, o->owner.ns, name) : NULL;
    struct observed_value *value = &o->values[what];

    if (!name)
        return;
    value->unseen = !record && value->lookup == LOOKUP_UNKNOWN && !store_knows(g->store, kind, o->owner.ns, name);
    if (!record && store_knows(g->store, kind, o->owner.ns, name))
        *value = (struct observed_value){.lookup = LOOKUP_NO_OBJECT};
    if (!record) {
        value->version = arena_strdup(a, value->version);
        return;
    }
    bool known = value->version && strcmp(value->version, record->version) == 0;
    if (!known)
        *value = (struct observed_value){.lookup = LOOKUP_UNKNOWN};
    value->version = arena_strdup(a, record->version);
}

static void gather_values(const struct gathering *g, struct observed *o, struct arena *a)
{
    if (o->spec) {
        gather_value(g, o, READ_CREDENTIAL, KIND_SECRET, o->spec->credential.name, a);
        gather_value(g, o, READ_CACHE, KIND_SECRET, cache_secret_name(o->spec->cache), a);
        gather_value(g, o, READ_CLIENT_CERT, KIND_SECRET, o->spec->client_cert.name, a);
        gather_value(g, o, READ_CLIENT_KEY, KIND_SECRET, o->spec->client_key.name, a);
        gather_value(g, o, READ_CA, o->spec->ca_in_config_map ? KIND_CONFIG_MAP : KIND_SECRET, o->spec->ca.name, a);
    }
    gather_value(g, o, READ_TOKEN, KIND_SECRET, child_name(CHILD_TOKEN_SECRET, &o->owner, a), a);
    gather_value(g, o, READ_CONFIG, KIND_SECRET, child_name(CHILD_CONFIG_SECRET, &o->owner, a), a);
}

static void gather_namespace(const struct gathering *g, struct observed *o, struct arena *a)
{
    const struct kept_namespace *kept =
        o->spec ? kept_namespace(store_get(g->store, KIND_NAMESPACE, "", o->spec->namespace)) : NULL;
    const char *allowed = kept && kept->allowed_from ? kept->allowed_from : "";

    o->job_namespace_served = o->spec && namespaces_have(g->settings->namespaces, o->spec->namespace);
    o->job_namespace_exists = kept && !kept->deleting;
    o->job_namespace_open =
        o->spec && (strcmp(o->spec->namespace, o->owner.ns) == 0 || namespace_lets_in(allowed, o->owner.ns));
    o->job_namespace_level = kept ? arena_strdup(a, kept->pod_security) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

/* With its namespace the object goes too, only later than its Secrets: deregister while there is a token. */
static void gather_deletion(const struct gathering *g, struct observed *o)
{
    const struct kept_namespace *own = kept_namespace(store_get(g->store, KIND_NAMESPACE, "", o->owner.ns));

    if (o->deleting || !own || !own->deleting)
        return;
    o->deleting = true;
    o->deletion_time = own->deletion_time;
}

/* Somebody took the finalizer off. What a turn has just made for the object is known to nobody else, so it goes as with
 * any object that is deleted; but no event will come for it, so nothing is waited for. */
static void gather_end(const struct gathering *g, struct observed *o)
{
    const struct record *now = store_get(g->store, KIND_RUNNER, o->owner.ns, o->owner.name);

    if (o->gone || (now && strcmp(now->uid, o->owner.uid) == 0))
        return;
    if (!o->deleting)
        o->deletion_time = g->now;
    o->gone = o->deleting = o->force_delete = true;
}

void gather_again(const struct gathering *g, const struct state *state, struct observed *o, struct arena *a)
{
    assert(o->memory == &state->memory && o->owner.uid);
    o->now_ms = g->now_ms;
    o->now = g->now;
    gather_deletion(g, o);
    gather_end(g, o);
    forget_children(o);
    for (enum child child = 0; child < CHILD_COUNT; child++)
        gather_child(g, &state->memory, child, o, a);
    gather_strays(g, o, a);
    gather_values(g, o, a);
    gather_namespace(g, o, a);
    o->in_line = state->errand && !errand_is_calling(state->errand);
    o->calling = errand_is_calling(state->errand);
    assert(!o->gone || o->deleting);
}

size_t gather_object(const struct gathering *g, const struct record *record, struct observed *ret, struct arena *a)
{
    *ret = (struct observed){.settings = *g->settings, .now_ms = g->now_ms, .now = g->now};
    size_t cost = gather_runner(g, record, ret, a);
    observe_attributes(ret);
    return cost;
}
