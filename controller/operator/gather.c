#include "operator/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "base/time.h"
#include "operator/drift.h"
#include "operator/errand.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/namespaces.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * The object itself */

static void gather_runner(const struct record *record, struct observed *o, struct arena *a)
{
    const struct record copied = {.ns = arena_strdup(a, record->ns),
                                  .name = arena_strdup(a, record->name),
                                  .uid = arena_strdup(a, record->uid),
                                  .text = record->text};
    struct json_object *object = runner_object(&copied, a);
    struct json_object *kept = json_get(object, "kept");
    const char *deletion = json_str(kept, "deletionTimestamp"), *too_large = json_str(kept, "tooLarge");
    struct spec *spec = arena_alloc(a, sizeof(*spec));

    o->owner = (struct owner){.ns = copied.ns, .name = copied.name, .uid = copied.uid};
    o->version = arena_strdup(a, record->version);
    o->generation = json_int_or(kept, "generation", 0);
    o->finalizer = json_bool_or(kept, "finalizer", false);
    o->deleting = deletion != NULL;
    o->deletion_time = deletion ? time_parse(deletion) : 0;
    o->force_delete = strcmp(json_str_or(kept, "forceDelete", ""), "true") == 0;
    o->rotation_request = json_str(kept, "rotateToken");
    o->set_at_gitlab = json_str(kept, "setAtGitLab");
    o->status = json_get(kept, "status");
    if (too_large)
        err_set(
            &o->spec_err, ERR_INVALID, "TooLarge",
            "the object is larger than what is read of it: %s. Take out what it does not need: mappings and lists of "
            "spec.config and spec.manager, annotations",
            too_large);
    o->spec = !too_large && spec_parse(object, spec, a, &o->spec_err) ? spec : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Children */

static void gather_registration(struct json_object *kept, struct observed *o)
{
    o->registered = (struct registration){
        .runner_id = strtoll(json_str_or(kept, "runnerId", "0"), NULL, 10),
        .url = json_str_or(kept, "url", ""),
        .authentication = json_str_or(kept, "authentication", ""),
        .scope = json_str_or(kept, "scope", ""),
        .told_hash = json_str_or(kept, "toldHash", ""),
        .expiration = json_str(kept, "expiration"),
        .obtained = json_str(kept, "obtained"),
        .rotation = json_str(kept, "rotation"),
        .inputs = json_str(kept, "inputs"),
    };
}

static void gather_deployment(struct json_object *kept, struct observed *o)
{
    o->replicas = json_int_or(kept, "replicas", 0);
    o->ready_replicas = json_int_or(kept, "ready", 0);
    o->available_replicas = json_int_or(kept, "available", 0);
    o->updated_replicas = json_int_or(kept, "updated", 0);
    o->rollout_observed = json_bool_or(kept, "observed", false);
    o->rollout_problem = json_str(kept, "problem");
    o->replica_failure = json_str(kept, "failure");
}

/* Made for an object of our name that had another uid: before a restore from a backup, or in another cluster. */
static void gather_inheritance(const struct record *record, struct json_object *kept, struct observed *o,
                               struct arena *a)
{
    struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    if (strcmp(record->owner, key_text(KIND, o->owner.ns, o->owner.name).text) != 0)
        return;
    secret->inherited = true;
    secret->terminating = json_bool_or(kept, "terminating", false);
    secret->held = json_bool_or(kept, "held", false);
    secret->uid = arena_strdup(a, record->uid);
    gather_registration(kept, o);
}

static void gather_child(const struct gathering *g, const struct memory *memory, enum child child, struct observed *o,
                         struct arena *a)
{
    const char *ns = o->spec ? child_namespace(child, &o->owner, o->spec) : o->owner.ns;
    const struct record *record = store_get(g->store, kind_of_child(child), ns, child_name(child, &o->owner, a));
    struct json_object *kept = record ? record_kept(record, a) : NULL;

    o->children[child] = (struct observed_child){.foreign = memory->foreign[child]};
    if (!record)
        return;
    if (strcmp(record->owner_uid, o->owner.uid) != 0) {
        o->children[child].foreign = true;
        if (child == CHILD_TOKEN_SECRET && !memory->owned_secret)
            gather_inheritance(record, kept, o, a);
        return;
    }
    o->children[child] = (struct observed_child){
        .exists = true,
        .terminating = json_bool_or(kept, "terminating", false),
        .held = json_bool_or(kept, "held", false),
        .uid = arena_strdup(a, record->uid),
        .hash = json_str(kept, "hash"),
        .inputs = json_str(kept, "inputs"),
    };
    o->children[child].drifted = has_drifted(g->store, record, child, o);
    if (child == CHILD_TOKEN_SECRET)
        gather_registration(kept, o);
    if (child == CHILD_DEPLOYMENT)
        gather_deployment(kept, o);
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
    struct json_object *kept = record_kept(record, search->a);
    if (json_bool_or(kept, "terminating", false) || strcmp(record->owner_uid, o->owner.uid) != 0)
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
    if (!record)
        return;
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

static struct json_object *gathered_namespace(const struct gathering *g, const char *name, struct arena *a)
{
    const struct record *record = store_get(g->store, KIND_NAMESPACE, "", name);

    return record ? record_kept(record, a) : NULL;
}

static void gather_namespace(const struct gathering *g, struct observed *o, struct arena *a)
{
    struct json_object *kept = o->spec ? gathered_namespace(g, o->spec->namespace, a) : NULL;

    o->job_namespace_served = o->spec && namespaces_have(g->settings->namespaces, o->spec->namespace);
    o->job_namespace_exists = kept && !json_get(kept, "deletionTimestamp");
    o->job_namespace_open = o->spec && (strcmp(o->spec->namespace, o->owner.ns) == 0 ||
                                        namespace_lets_in(json_str_or(kept, "allowedFrom", ""), o->owner.ns));
    o->job_namespace_level = json_str(kept, "podSecurity");
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

/* With its namespace the object goes too, only later than its Secrets: deregister while there is a token. */
static void gather_deletion(const struct gathering *g, struct observed *o, struct arena *a)
{
    const char *deletion = json_str(gathered_namespace(g, o->owner.ns, a), "deletionTimestamp");

    if (o->deleting || !deletion)
        return;
    o->deleting = true;
    o->deletion_time = time_parse(deletion);
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
    o->now_ms = g->now_ms;
    o->now = g->now;
    gather_deletion(g, o, a);
    gather_end(g, o);
    for (enum child child = 0; child < CHILD_COUNT; child++)
        gather_child(g, &state->memory, child, o, a);
    gather_strays(g, o, a);
    gather_values(g, o, a);
    gather_namespace(g, o, a);
    o->in_line = state->errand && !errand_is_calling(state->errand);
    o->calling = errand_is_calling(state->errand);
}

void gather_object(const struct gathering *g, const struct record *record, struct observed *ret, struct arena *a)
{
    *ret = (struct observed){.settings = *g->settings};
    gather_runner(record, ret, a);
}
