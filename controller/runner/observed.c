#include "runner/observed.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/cache.h"

const struct attempt *failed_attempt(const struct observed *o, const char *rule)
{
    const struct troubles *t = memory_troubles(o->memory);

    for (size_t i = 0; i < t->len; i++)
        if (strcmp(t->failures[i].attempt.rule, rule) == 0)
            return &t->failures[i].attempt;
    return o->supposed && strcmp(o->supposed->rule, rule) == 0 ? o->supposed : NULL;
}

const struct attempt *last_failed(const struct observed *o)
{
    const struct troubles *t = memory_troubles(o->memory);
    const struct attempt *last = NULL;

    for (size_t i = 0; i < t->len; i++)
        if (!last || t->failures[i].attempt.retry_at_ms > last->retry_at_ms)
            last = &t->failures[i].attempt;
    return last;
}

int64_t pods_due(const struct observed *o)
{
    const struct starting *starting = o->memory->starting;

    return starting ? starting->due_ms : 0;
}

/* Once for all decisions of a turn. */
static void render_wanted(struct observed *o, struct arena *a)
{
    o->wanted[CHILD_TOKEN_SECRET].wanted = true;
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++) {
        struct wanted *w = &o->wanted[child];
        w->wanted = child_wanted(child, o->spec);
        if (!w->wanted)
            continue;
        w->manifest = render_child(child, &o->owner, o->spec, &o->settings, a);
        w->hash = manifest_hash(w->manifest);
    }
}

void observe_attributes(struct observed *o)
{
    if (!o->spec)
        return;
    o->attributes = o->spec->attributes;
    o->paused_for_a_while = steering_pauses(o->spec, o->now);
    o->attributes.paused |= o->paused_for_a_while;
}

bool is_paused_at_gitlab(const struct observed *o, struct arena *a)
{
    struct attributes paused = o->attributes;

    paused.paused = true;
    return is_registered(o, a) && text_same(o->registered.told_hash, attributes_hash(&paused, a));
}

static void find_fingerprints(struct observed *o, struct fingerprints *ret, struct arena *a)
{
    render_wanted(o, a);
    for (enum child child = 0; child < CHILD_COUNT; child++) {
        const char *hash = o->wanted[child].hash;
        assert(!hash || strlen(hash) < FINGERPRINT_SIZE);
        snprintf(ret->of[child], FINGERPRINT_SIZE, "%s", hash ? hash : "");
    }
    snprintf(ret->spec, FINGERPRINT_SIZE, "%s", o->spec_digest ? o->spec_digest : "");
    ret->known = true;
}

/* A generation would not tell: it comes again when an etcd is restored from a backup. */
static bool are_of_this_spec(const struct fingerprints *of_spec, const struct observed *o)
{
    return of_spec->known && strcmp(of_spec->spec, o->spec_digest ? o->spec_digest : "") == 0;
}

void observe_fingerprints(struct observed *o, struct fingerprints *of_spec, struct arena *a)
{
    if (!o->spec)
        return;
    if (!are_of_this_spec(of_spec, o)) {
        find_fingerprints(o, of_spec, a);
        return;
    }
    for (enum child child = 0; child < CHILD_COUNT; child++)
        o->wanted[child] = (struct wanted){.wanted = child_wanted(child, o->spec),
                                           .hash = of_spec->of[child][0] ? arena_strdup(a, of_spec->of[child]) : NULL};
}

struct json_object *wanted_manifest(const struct observed *o, enum child child, struct arena *a)
{
    assert(o->spec && child != CHILD_TOKEN_SECRET);
    if (o->wanted[child].manifest)
        return arena_json(a, json_copy(o->wanted[child].manifest));
    return render_child(child, &o->owner, o->spec, &o->settings, a);
}

bool registration_fits(const struct observed *o, struct arena *a)
{
    const struct registration *r = &o->registered;

    assert(o->spec);
    return text_same(r->url, o->spec->url) &&
           text_same(r->authentication, authentication_name(o->spec->authentication)) &&
           text_same(r->scope, scope_text(o->spec, a));
}

bool is_registered(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    return secret->exists && !secret->terminating && !o->memory->deregistered && registration_fits(o, a);
}

static const char *with_version(const char *text, const char *name, const struct observed_value *value, struct arena *a)
{
    return arena_printf(a, "%s %s=%s", text, name, value->version ? value->version : "");
}

const char *config_inputs_text(const struct observed *o, struct arena *a)
{
    const char *token = o->values[READ_TOKEN].version;
    const char *text = arena_printf(a, "token=%s", token ? token : "");

    if (o->spec->ca.name)
        text = with_version(text, "ca", &o->values[READ_CA], a);
    if (o->spec->client_cert.name)
        text = with_version(text, "client", &o->values[READ_CLIENT_CERT], a);
    if (cache_secret_name(o->spec->cache))
        text = with_version(text, "cache", &o->values[READ_CACHE], a);
    return text;
}

static const char *account_uid(const struct observed *o)
{
    const struct observed_child *ours = &o->children[CHILD_SERVICE_ACCOUNT];

    assert(o->spec);
    if (o->spec->manager.service_account_name)
        return o->values[READ_ACCOUNT].value;
    return ours->exists && !ours->terminating ? ours->uid : NULL;
}

/* What the pods were restarted for last. */
static const char *last_restart(const struct observed *o, struct arena *a)
{
    const char *asked = o->spec->steering.restart;

    return asked ? asked : input_of(o->children[CHILD_DEPLOYMENT].inputs, INPUT_RESTART, a);
}

const char *deployment_inputs_text(const struct observed *o, struct arena *a)
{
    const char *uid = account_uid(o), *restart = last_restart(o, a);
    const char *text = uid ? arena_printf(a, INPUT_ACCOUNT "%s", uid) : "";

    if (restart)
        text = arena_printf(a, "%s%s" INPUT_RESTART "%s", text, *text ? " " : "", restart);
    return *text ? text : NULL;
}

/* The pods are of the account that there is, and of the last restart that was asked for. */
static bool deployment_inputs_are_right(const struct observed *o, struct arena *a)
{
    const char *inputs = o->children[CHILD_DEPLOYMENT].inputs, *uid = account_uid(o), *restart = last_restart(o, a),
               *made_of = input_of(inputs, INPUT_ACCOUNT, a);

    return (!made_of || !uid || text_same(made_of, uid)) && text_same(restart, input_of(inputs, INPUT_RESTART, a));
}

const char *token_inputs_text(const struct observed *o, struct arena *a)
{
    const char *credential = o->values[READ_CREDENTIAL].version;

    if (o->spec->authentication != AUTH_RUNNER_TOKEN)
        return NULL;
    return arena_printf(a, "credential=%s", credential ? credential : "");
}

bool registration_is_right(const struct observed *o, struct arena *a)
{
    if (!is_registered(o, a))
        return false;
    if (o->spec->authentication == AUTH_RUNNER_TOKEN)
        return text_same(o->registered.inputs, token_inputs_text(o, a));
    return text_same(o->registered.told_hash, attributes_hash(&o->attributes, a));
}

/* What was applied last is what the spec asks for now, whatever somebody may have done to it since. */
static bool child_is_applied(const struct observed *o, enum child child)
{
    return o->wanted[child].hash && text_same(o->children[child].hash, o->wanted[child].hash);
}

bool child_is_right(const struct observed *o, enum child child, struct arena *a)
{
    const struct observed_child *c = &o->children[child];

    assert(child < CHILD_COUNT && (!c->exists || !c->foreign));
    if (!c->exists || c->terminating || c->drifted || !child_is_applied(o, child))
        return false;
    if (child == CHILD_DEPLOYMENT)
        return deployment_inputs_are_right(o, a);
    return child != CHILD_CONFIG_SECRET || text_same(c->inputs, config_inputs_text(o, a));
}

bool managers_are_available(const struct observed *o)
{
    int64_t wanted = o->spec->manager.replicas;

    return o->rollout_observed && o->updated_replicas >= wanted && o->available_replicas >= wanted &&
           o->replicas <= wanted;
}

bool managers_are_waited_for(const struct observed *o, struct arena *a)
{
    return o->spec && !o->spec->suspend && !o->deleting && child_is_right(o, CHILD_DEPLOYMENT, a) &&
           o->rollout_observed && !o->replica_failure && !managers_are_available(o);
}

/* What was found there, and has lasted. */
static struct trouble pods_trouble(const struct observed *o)
{
    const struct starting *s = o->memory->starting;
    bool lasts = s && s->trouble.reason && o->now_ms - s->since_ms >= s->trouble.patience_ms;

    return lasts ? s->trouble : (struct trouble){.reason = NULL};
}

struct trouble managers_trouble(const struct observed *o, struct arena *a)
{
    const struct trouble_context in = {&o->owner, o->spec};

    if (!o->spec || o->deleting || !child_is_right(o, CHILD_DEPLOYMENT, a) || managers_are_available(o))
        return (struct trouble){.reason = NULL};
    return o->replica_failure ? trouble_of_refusal(o->replica_failure, &in, a) : pods_trouble(o);
}

bool account_is_in_use(const struct observed *o, const char *kind)
{
    return strcmp(kind, child_kind(CHILD_SERVICE_ACCOUNT)) == 0 && o->spec && !o->deleting &&
           o->children[CHILD_DEPLOYMENT].exists && !managers_are_available(o);
}

void observe_saved_token(struct observed *o, const char *version, struct arena *a)
{
    struct observed_value *token = &o->values[READ_TOKEN];
    const struct registration *issued = o->memory->issued;

    *token = (struct observed_value){.lookup = LOOKUP_FOUND,
                                     .value = issued ? arena_strdup(a, issued->token) : token->value,
                                     .version = arena_strdup(a, version)};
    assert(token->value);
}
