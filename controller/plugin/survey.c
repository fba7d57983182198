#include "plugin/survey.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "base/time.h"
#include "net/loop.h"
#include "operator/drift.h"
#include "operator/values.h"
#include "plugin/command.h"
#include "plugin/session.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "runner/pod_spec.h"
#include "runner/status.h"

enum { OBJECTS_MAX = CHILD_COUNT + READ_COUNT + 2 };

/* An object that is looked at. */
struct sight {
    enum kind kind;
    const char *ns, *name;
    struct json_object *object; /* NULL: see err */
    struct err err;
};

struct looking {
    struct plugin_call *call;
    struct survey *survey;
    struct sight sights[OBJECTS_MAX];
    size_t len;
    struct json_object *pods, *events; /* lists; NULL: not seen */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What is asked for */

static struct sight *find_sight(struct looking *l, enum kind kind, const char *ns, const char *name)
{
    for (size_t i = 0; i < l->len; i++)
        if (l->sights[i].kind == kind && strcmp(l->sights[i].ns, ns) == 0 && strcmp(l->sights[i].name, name) == 0)
            return &l->sights[i];
    return NULL;
}

static void plan_sight(struct looking *l, enum kind kind, const char *ns, const char *name)
{
    if (!name || find_sight(l, kind, ns, name))
        return;
    assert(l->len < OBJECTS_MAX);
    l->sights[l->len++] = (struct sight){.kind = kind, .ns = ns, .name = name};
}

static const char *namespace_of_child(const struct observed *o, enum child child)
{
    return o->spec ? child_namespace(child, &o->owner, o->spec) : o->owner.ns;
}

static void plan_all(struct looking *l)
{
    const struct observed *o = &l->survey->observed;
    struct arena *a = l->call->a;

    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (o->spec || child <= CHILD_CONFIG_SECRET)
            plan_sight(l, kind_of_child(child), namespace_of_child(o, child), child_name(child, &o->owner, a));
    for (enum readable what = 0; what < READ_COUNT && o->spec; what++) {
        const struct value_source source = value_source_of(o, what, a);
        plan_sight(l, source.kind, o->owner.ns, source.name);
    }
    plan_sight(l, KIND_NAMESPACE, "", o->owner.ns);
    if (o->spec)
        plan_sight(l, KIND_NAMESPACE, "", o->spec->namespace);
}

/* A right that is missing is told of once for a kind. */
static void tell_unseen(struct looking *l, const struct sight *sight)
{
    static const char *const needs[KIND_COUNT] = {
        [KIND_SECRET] = "get secrets",
        [KIND_CONFIG_MAP] = "get configmaps",
        [KIND_NAMESPACE] = "get namespaces",
        [KIND_SERVICE_ACCOUNT] = "get serviceaccounts",
        [KIND_ROLE_BINDING] = "get rolebindings",
        [KIND_DEPLOYMENT] = "get deployments",
        [KIND_DISRUPTION_BUDGET] = "get poddisruptionbudgets",
    };
    const char *what = kind_resource(sight->kind)->plural;

    not_seen(l->call, what, is_forbidden(&sight->err) ? needs[sight->kind] : sight->err.text);
}

static const char *pods_query(const struct looking *l)
{
    const struct owner *owner = &l->survey->observed.owner;
    struct arena *a = l->call->a;

    return arena_printf(a, "/api/v1/namespaces/%s/pods?limit=%d&labelSelector=%s", owner->ns, SURVEY_PODS_MAX,
                        percent_escaped(selector_text(owner, a), a));
}

static const char *events_query(const struct looking *l)
{
    const struct owner *owner = &l->survey->observed.owner;

    return arena_printf(l->call->a,
                        "/api/v1/namespaces/%s/events?limit=500&fieldSelector=involvedObject.kind%%3D" KIND
                        "%%2CinvolvedObject.name%%3D%s",
                        owner->ns, owner->name);
}

static struct json_object *items_or_unseen(struct looking *l, const struct session_request *r, const char *what,
                                           const char *needs)
{
    if (r->object)
        return json_member(r->object, "items");
    not_seen(l->call, what, is_forbidden(&r->err) ? needs : r->err.text);
    return NULL;
}

/* What has been asked for by its name; else *err. */
static bool is_the_object_asked_for(struct json_object *object, const char *ns, const char *name, struct err *err)
{
    bool is = strcmp(json_str_or(object, "metadata.namespace", ""), ns) == 0 &&
              strcmp(json_str_or(object, "metadata.name", ""), name) == 0 && *json_str_or(object, "metadata.uid", "") &&
              *json_str_or(object, "metadata.resourceVersion", "");

    if (!is)
        err_set(err, ERR_INVALID, "Malformed", "the API server's answer is not the object %s", name);
    return is;
}

/* All of it at once. */
static void ask_for_all(struct looking *l)
{
    struct session_request asks[OBJECTS_MAX + 2] = {{.path = NULL}};
    struct arena *a = l->call->a;
    size_t len = l->len;

    for (size_t i = 0; i < l->len; i++)
        asks[i].path = kube_path(kind_resource(l->sights[i].kind), *l->sights[i].ns ? l->sights[i].ns : NULL,
                                 l->sights[i].name, NULL, a);
    asks[len++].path = pods_query(l);
    asks[len++].path = events_query(l);
    session_ask(l->call->session, asks, len, a);
    for (size_t i = 0; i < l->len; i++) {
        struct session_request *r = &asks[i];
        if (r->object && !is_the_object_asked_for(r->object, l->sights[i].ns, l->sights[i].name, &r->err))
            r->object = NULL;
        l->sights[i].object = r->object;
        l->sights[i].err = r->err;
        if (!r->object && r->err.kind != ERR_NOT_FOUND)
            tell_unseen(l, &l->sights[i]);
    }
    l->pods = items_or_unseen(l, &asks[l->len], "managers", "list pods");
    l->events = items_or_unseen(l, &asks[l->len + 1], "Events", "list events");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Into the store */

static void keep_sight(const struct looking *l, const struct sight *sight)
{
    struct survey *s = l->survey;
    const struct drift_view view = {s->store, &s->settings};
    struct record record = kind_record(sight->kind, sight->object, s->store, l->call->a);

    drift_judge(&view, sight->kind, sight->object, &record, l->call->a);
    store_put(s->store, sight->kind, &record);
}

/* Of a kind of which something may not be seen nothing is known but what is seen. */
static void keep_all(struct looking *l)
{
    bool hidden[KIND_COUNT] = {false};

    for (size_t i = 0; i < l->len; i++) {
        const struct sight *sight = &l->sights[i];
        if (sight->object && kind_concerns(sight->kind, sight->ns, sight->name, l->survey->store))
            keep_sight(l, sight);
        hidden[sight->kind] |= !sight->object && sight->err.kind != ERR_NOT_FOUND;
    }
    for (enum kind kind = KIND_SECRET; kind < KIND_COUNT; kind++)
        if (!hidden[kind])
            store_reach(l->survey->store, kind, "", "1");
}

static void keep_the_runner(struct survey *s, struct arena *a)
{
    const struct record record = kind_record(KIND_RUNNER, s->object, s->store, a);
    struct reference to[REFERENCES_MAX];

    store_put(s->store, KIND_RUNNER, &record);
    store_refer(s->store, key_text(KIND, record.ns, record.name).text, to, kind_references(s->object, true, to, a));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What may not be seen is taken to be as it should be */

static struct sight *sight_of_child(struct looking *l, enum child child)
{
    const struct observed *o = &l->survey->observed;

    return find_sight(l, kind_of_child(child), namespace_of_child(o, child), child_name(child, &o->owner, l->call->a));
}

static bool is_hidden(const struct sight *sight)
{
    return sight && !sight->object && sight->err.kind != ERR_NOT_FOUND;
}

/* The status tells where the runner is registered. */
static void assume_registration(struct observed *o, struct arena *a)
{
    o->children[CHILD_TOKEN_SECRET].exists = json_get(o->status, "tokenSecretRef") != NULL;
    o->children[CHILD_TOKEN_SECRET].held = true;
    o->registered = (struct registration){
        .runner_id = json_int_or(o->status, "runnerId", 0),
        .url = json_str_or(o->status, "url", ""),
        .authentication = json_str_or(o->status, "authentication", ""),
        .scope = json_str_or(o->status, "scope", ""),
        .told_hash = o->spec ? attributes_hash(&o->attributes, a) : "",
        .expiration = json_str(o->status, "tokenExpirationTime"),
        .rotation = o->spec ? o->spec->steering.rotate : NULL,
        .inputs = o->spec ? token_inputs_text(o, a) : NULL,
    };
}

static void assume_deployment(struct observed *o)
{
    o->replicas = o->updated_replicas = json_int_or(o->status, "replicas", 0);
    o->ready_replicas = o->available_replicas = json_int_or(o->status, "readyReplicas", 0);
    o->rollout_observed = true;
}

static void assume_child(struct observed *o, enum child child, struct arena *a)
{
    const char *inputs = child == CHILD_CONFIG_SECRET && o->spec ? config_inputs_text(o, a)
                         : child == CHILD_DEPLOYMENT && o->spec  ? deployment_inputs_text(o, a)
                                                                 : NULL;

    o->children[child] = (struct observed_child){
        .exists = o->wanted[child].wanted, .uid = "", .hash = o->wanted[child].hash, .inputs = inputs};
    if (child == CHILD_TOKEN_SECRET)
        assume_registration(o, a);
    if (child == CHILD_DEPLOYMENT)
        assume_deployment(o);
}

static void assume_namespaces(struct looking *l)
{
    struct observed *o = &l->survey->observed;
    const char *told = condition_get(o->status, "Ready", "reason");

    if (o->spec && is_hidden(find_sight(l, KIND_NAMESPACE, "", o->spec->namespace)))
        o->job_namespace_exists = o->job_namespace_open = true;
    if (told && strcmp(told, "NamespaceNotServed") == 0) /* the operator alone knows what it serves */
        o->job_namespace_served = false;
}

static void assume_the_unseen(struct looking *l)
{
    struct survey *s = l->survey;
    struct observed *o = &s->observed;

    bool tells_drift = json_get(o->status, "appliedFields") != NULL; /* an operator of before does not */

    for (enum readable what = 0; what < READ_COUNT; what++)
        o->values[what].unseen = false;
    for (enum child child = 0; child < CHILD_COUNT; child++) {
        struct sight *sight = sight_of_child(l, child);
        s->children[child] = sight ? sight->object : NULL;
        s->unseen[child] = is_hidden(sight);
        o->children[child].drifted &= tells_drift;
        if (s->unseen[child])
            assume_child(o, child, l->call->a);
    }
    assume_namespaces(l);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Values, pods, Events */

static void judge_values(struct looking *l)
{
    struct observed *o = &l->survey->observed;

    for (enum readable what = 0; what < READ_COUNT && o->spec; what++) {
        const struct value_source source = value_source_of(o, what, l->call->a);
        const struct sight *sight = source.name ? find_sight(l, source.kind, o->owner.ns, source.name) : NULL;
        if (sight && !is_hidden(sight))
            value_learn(o, what, sight->object, l->call->a);
    }
}

static bool pod_is_ready(struct json_object *pod)
{
    const char *ready = condition_get(json_get(pod, "status"), "Ready", "status");

    return ready && strcmp(ready, "True") == 0;
}

static struct surveyed_pod surveyed_pod_of(const struct looking *l, struct json_object *pod)
{
    const struct observed *o = &l->survey->observed;
    const struct trouble_context in = {&o->owner, o->spec};

    return (struct surveyed_pod){
        .name = json_str_or(pod, "metadata.name", "?"),
        .node = json_str_or(pod, "spec.nodeName", ""),
        .phase = json_get(pod, "metadata.deletionTimestamp") ? "Terminating" : json_str_or(pod, "status.phase", "?"),
        .ready = pod_is_ready(pod),
        .created = time_parse(json_str(pod, "metadata.creationTimestamp")),
        .trouble = o->spec ? trouble_of_pod(pod, &in, l->call->a) : (struct trouble){.reason = NULL},
    };
}

/* As the operator learns of them: the worst counts, and how long they have been waited for. */
static void learn_of_pods(struct looking *l)
{
    struct survey *s = l->survey;
    struct trouble worst = {.reason = NULL};
    int64_t since = time_parse(condition_get(s->observed.status, "ManagerAvailable", "lastTransitionTime"));
    int64_t waited_ms = since > 0 ? (s->observed.now - since) * 1000 : 0;

    for (size_t i = 0; i < json_len(l->pods) && s->pods_len < SURVEY_PODS_MAX; i++) {
        s->pods[s->pods_len] = surveyed_pod_of(l, json_at(l->pods, i));
        if (s->pods[s->pods_len].trouble.rank > worst.rank)
            worst = s->pods[s->pods_len].trouble;
        s->pods_len++;
    }
    if (!managers_are_waited_for(&s->observed, l->call->a))
        return;
    memory_await(&s->state->memory, s->observed.now_ms - waited_ms);
    learn_pods(&s->state->memory, &worst);
}

static int64_t event_time(struct json_object *event)
{
    static const char *const places[] = {"series.lastObservedTime", "lastTimestamp", "eventTime",
                                         "metadata.creationTimestamp"};
    int64_t latest = 0;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int64_t time = time_parse(json_str(event, places[i]));
        latest = time > latest ? time : latest;
    }
    return latest;
}

static int by_time(const void *one, const void *other)
{
    int64_t a = event_time(*(struct json_object *const *)one), b = event_time(*(struct json_object *const *)other);

    return (a > b) - (a < b);
}

static struct json_object *event_of(struct json_object *event)
{
    int64_t series = json_int_or(event, "series.count", 0), count = json_int_or(event, "count", series);

    return json_build("{time: %d, type: %s, reason: %s, message: %s, count: %d}", event_time(event),
                      json_str(event, "type"), json_str(event, "reason"), json_str(event, "message"),
                      count > 0 ? count : (int64_t)1);
}

static void take_events(struct looking *l)
{
    size_t len = json_len(l->events), from = len > SURVEY_EVENTS_MAX ? len - SURVEY_EVENTS_MAX : 0;

    if (!json_is_array(l->events))
        return;
    l->survey->events = arena_json(l->call->a, json_build("[]"));
    json_object_array_sort(l->events, by_time);
    for (size_t i = from; i < len; i++)
        json_append(l->survey->events, event_of(json_at(l->events, i)));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole of it */

/* Where the spec names no image the operator's own setting counts, which the Deployment that it has made shows. */
static void take_image(struct looking *l)
{
    const struct sight *sight = sight_of_child(l, CHILD_DEPLOYMENT);
    struct json_object *containers = json_get(sight ? sight->object : NULL, "spec.template.spec.containers");

    for (size_t i = 0; i < json_len(containers); i++)
        if (strcmp(json_str_or(json_at(containers, i), "name", ""), MANAGER_CONTAINER) == 0)
            l->survey->settings.manager_image =
                json_str_or(json_at(containers, i), "image", l->survey->settings.manager_image);
}

static struct gathering survey_gathering(const struct plugin_call *call, const struct survey *s)
{
    int64_t now = session_now(call->session);

    return (struct gathering){.store = s->store, .settings = &s->settings, .now_ms = now * 1000, .now = now};
}

static void gather_the_object(struct plugin_call *call, struct survey *s)
{
    const struct gathering g = survey_gathering(call, s);
    const struct record *record = store_get(s->store, KIND_RUNNER, json_str_or(s->object, "metadata.namespace", ""),
                                            json_str_or(s->object, "metadata.name", ""));

    assert(record);
    gather_object(&g, record, &s->observed, call->a);
    state_observe(s->state, &s->observed, call->a);
}

void survey_object(struct plugin_call *call, struct json_object *object, struct survey *ret)
{
    struct looking *l = arena_alloc(call->a, sizeof(*l));

    *l = (struct looking){.call = call, .survey = ret};
    *ret = (struct survey){.object = object, .store = kinds_store_create()};
    ret->settings.manager_image = DEFAULT_MANAGER_IMAGE;
    ret->state = states_get(&ret->states, "");
    keep_the_runner(ret, call->a);
    gather_the_object(call, ret);
    plan_all(l);
    ask_for_all(l);
    take_image(l);
    ret->state->wanted.known = false; /* they are of another image */
    gather_the_object(call, ret);
    keep_all(l);
    const struct gathering g = survey_gathering(call, ret);
    gather_again(&g, ret->state, &ret->observed, call->a);
    ret->observed.bystander = true;
    assume_the_unseen(l);
    judge_values(l);
    learn_sight(&ret->state->memory, &ret->observed);
    learn_reported(&ret->state->memory, "PossibleOrphan"); /* what a finalizer promises the operator has looked into */
    learn_of_pods(l);
    take_events(l);
}

bool survey(struct plugin_call *call, const char *ns, const char *name, struct survey *ret, struct err *err)
{
    struct json_object *object =
        session_get(call->session, kube_path(kind_resource(KIND_RUNNER), ns, name, NULL, call->a), call->a, err);

    *ret = (struct survey){0};
    if (!object || !is_the_object_asked_for(object, ns, name, err))
        return false;
    survey_object(call, object, ret);
    installations_find(call, &ret->installations);
    return true;
}

void survey_finish(struct survey *s)
{
    states_finish(&s->states);
    store_destroy(s->store);
}
