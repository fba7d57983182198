#include "operator/kept.h"

#include <assert.h>
#include <json-c/json.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "kube/managed_fields.h"
#include "kube/object_text.h"
#include "operator/finalizer.h"
#include "runner/names.h"

enum { MESSAGE_MAX = 1024 }; /* that is kept */

#define AT(type, member) offsetof(struct type, member)
#define OF_CHILD         AT(kept_child, hash), AT(kept_child, inputs), AT(kept_child, fields)
#define LAYOUT(type, offsets)                                                                                          \
    {                                                                                                                  \
        sizeof(struct type), offsets, ARRAY_LEN(offsets)                                                               \
    }

static const size_t runner_texts[] = {AT(kept_runner, spec), AT(kept_runner, status), AT(kept_runner, annotations),
                                      AT(kept_runner, too_large)};
static const size_t child_texts[] = {OF_CHILD};
static const size_t secret_texts[] = {
    OF_CHILD,
    AT(kept_secret, runner_id),
    AT(kept_secret, url),
    AT(kept_secret, authentication),
    AT(kept_secret, scope),
    AT(kept_secret, told_hash),
    AT(kept_secret, expiration),
    AT(kept_secret, obtained),
    AT(kept_secret, rotation),
};
static const size_t deployment_texts[] = {OF_CHILD, AT(kept_deployment, problem), AT(kept_deployment, failure)};
static const size_t namespace_texts[] = {AT(kept_namespace, allowed_from), AT(kept_namespace, pod_security)};

const struct record_layout kept_layouts[KIND_COUNT] = {
    [KIND_RUNNER] = LAYOUT(kept_runner, runner_texts),
    [KIND_SECRET] = LAYOUT(kept_secret, secret_texts),
    [KIND_NAMESPACE] = LAYOUT(kept_namespace, namespace_texts),
    [KIND_SERVICE_ACCOUNT] = LAYOUT(kept_child, child_texts),
    [KIND_ROLE_BINDING] = LAYOUT(kept_child, child_texts),
    [KIND_DEPLOYMENT] = LAYOUT(kept_deployment, deployment_texts),
    [KIND_DISRUPTION_BUDGET] = LAYOUT(kept_child, child_texts),
};

struct store *kinds_store_create(void)
{
    static const char *names[KIND_COUNT];

    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        names[kind] = kind_resource(kind)->kind;
    struct store *store = store_create(names, kept_layouts, KIND_COUNT);
    store_let_go(store, kind_concerns);
    return store;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * From objects */

static int64_t time_at(struct json_object *object, const char *path)
{
    const char *time = json_str(object, path);

    return time ? time_parse(time) : 0;
}

static const char *steering_annotations(struct json_object *object, struct arena *a)
{
    static const char *const names[] = {ANNOTATION_ROTATE_TOKEN, ANNOTATION_SET_AT_GITLAB, ANNOTATION_RESTART,
                                        ANNOTATION_PAUSED_UNTIL, ANNOTATION_PAUSED_BY,     ANNOTATION_PAUSE_REASON};
    struct json_object *found = arena_json(a, json_object_new_object());

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (kind_annotation(object, names[i]))
            json_put_member(found, names[i], kind_annotation(object, names[i]));
    return json_object_object_length(found) ? json_text(found) : NULL;
}

static void keep_runner(struct kept_runner *ret, struct json_object *object, struct arena *a)
{
    const char *force = kind_annotation(object, ANNOTATION_FORCE_DELETE);

    *ret = (struct kept_runner){
        .spec = object_member_text(json_get(object, "spec")),
        .status = object_member_text(json_get(object, "status")),
        .annotations = steering_annotations(object, a),
        .too_large = object_too_large(object),
        .generation = json_int_or(object, "metadata.generation", 0),
        .creation_time = (uint32_t)time_at(object, "metadata.creationTimestamp"),
        .deletion_time = time_at(object, "metadata.deletionTimestamp"),
        .deleting = json_get(object, "metadata.deletionTimestamp") != NULL,
        .finalizer = finalizer_is_on(object),
        .force_delete = force && strcmp(force, "true") == 0,
    };
}

static void keep_child(struct kept_child *ret, struct json_object *object)
{
    struct json_object *managed_fields = json_get(object, "metadata.managedFields");

    *ret = (struct kept_child){
        .hash = kind_annotation(object, ANNOTATION_APPLIED_HASH),
        .inputs = kind_annotation(object, ANNOTATION_INPUTS),
        .terminating = json_get(object, "metadata.deletionTimestamp") != NULL,
        .held = finalizer_is_on(object),
        .applied = managed_fields_by_apply(managed_fields, FIELD_MANAGER),
        .updated = managed_fields_by_update(managed_fields, FIELD_MANAGER),
    };
}

/* Of a token Secret: what its annotations say, and what that is called for people. */
static const struct {
    const char *annotation, *shown;
    size_t at; /* in struct kept_secret */
} secret_facts[] = {
    {ANNOTATION_RUNNER_ID, "runnerId", AT(kept_secret, runner_id)},
    {ANNOTATION_URL, "url", AT(kept_secret, url)},
    {ANNOTATION_AUTHENTICATION, "authentication", AT(kept_secret, authentication)},
    {ANNOTATION_SCOPE, "scope", AT(kept_secret, scope)},
    {ANNOTATION_TOLD_HASH, "toldHash", AT(kept_secret, told_hash)},
    {ANNOTATION_TOKEN_EXPIRATION, "expiration", AT(kept_secret, expiration)},
    {ANNOTATION_TOKEN_OBTAINED, "obtained", AT(kept_secret, obtained)},
    {ANNOTATION_ROTATE_TOKEN, "rotation", AT(kept_secret, rotation)},
};

static void keep_secret(struct kept_secret *ret, struct json_object *object)
{
    keep_child(&ret->child, object);
    for (size_t i = 0; i < ARRAY_LEN(secret_facts); i++)
        *(const char **)((char *)ret + secret_facts[i].at) = kind_annotation(object, secret_facts[i].annotation);
}

/* What the condition of this type says when it has that status; NULL: it has not. */
static const char *condition_message(struct json_object *object, const char *type, const char *status, struct arena *a)
{
    struct json_object *conditions = json_get(object, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++) {
        struct json_object *c = json_at(conditions, i);
        if (strcmp(json_str_or(c, "type", ""), type) == 0 && strcmp(json_str_or(c, "status", ""), status) == 0)
            return shorten(arena_strdup(a, json_str_or(c, "message", "")), MESSAGE_MAX);
    }
    return NULL;
}

/* Of a Deployment's status. */
static const struct {
    const char *path, *shown;
    size_t at; /* in struct kept_deployment */
} deployment_numbers[] = {
    {"status.replicas", "replicas", AT(kept_deployment, replicas)},
    {"status.readyReplicas", "ready", AT(kept_deployment, ready)},
    {"status.availableReplicas", "available", AT(kept_deployment, available)},
    {"status.updatedReplicas", "updated", AT(kept_deployment, updated)},
};

static void keep_deployment(struct kept_deployment *ret, struct json_object *object, struct arena *a)
{
    keep_child(&ret->child, object);
    ret->problem = condition_message(object, "Progressing", "False", a);
    ret->failure = condition_message(object, "ReplicaFailure", "True", a);
    for (size_t i = 0; i < ARRAY_LEN(deployment_numbers); i++)
        *(int64_t *)((char *)ret + deployment_numbers[i].at) = json_int_or(object, deployment_numbers[i].path, 0);
    ret->observed =
        json_int_or(object, "status.observedGeneration", -1) >= json_int_or(object, "metadata.generation", 0);
}

static void keep_namespace(struct kept_namespace *ret, struct json_object *object)
{
    struct json_object *level = json_member(json_get(object, "metadata.labels"), LABEL_POD_SECURITY);

    *ret = (struct kept_namespace){
        .allowed_from = kind_annotation(object, ANNOTATION_ALLOWED_FROM),
        .pod_security = level ? json_string(level) : NULL,
        .deletion_time = time_at(object, "metadata.deletionTimestamp"),
        .deleting = json_get(object, "metadata.deletionTimestamp") != NULL,
    };
}

void *kept_of(enum kind kind, struct json_object *object, bool is_child, struct arena *a)
{
    bool any = kind == KIND_RUNNER || kind == KIND_NAMESPACE || is_child;
    void *kept = any ? arena_alloc(a, kept_layouts[kind].size) : NULL;

    if (!kept)
        return NULL;
    assert(kept_layouts[kind].size > 0);
    if (kind == KIND_RUNNER)
        keep_runner(kept, object, a);
    else if (kind == KIND_NAMESPACE)
        keep_namespace(kept, object);
    else if (kind == KIND_SECRET)
        keep_secret(kept, object);
    else if (kind == KIND_DEPLOYMENT)
        keep_deployment(kept, object, a);
    else
        keep_child(kept, object);
    return kept;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * From records */

const struct kept_runner *kept_runner(const struct record *runner)
{
    return runner ? runner->kept : NULL;
}
const struct kept_child *kept_child(const struct record *child)
{
    return child ? child->kept : NULL;
}
const struct kept_secret *kept_secret(const struct record *secret)
{
    return secret ? secret->kept : NULL;
}
const struct kept_deployment *kept_deployment(const struct record *d)
{
    return d ? d->kept : NULL;
}
const struct kept_namespace *kept_namespace(const struct record *ns)
{
    return ns ? ns->kept : NULL;
}

static struct json_object *parse_kept(const char *text, struct arena *a)
{
    struct err ignored;

    return text ? arena_json(a, json_parse_cut(text, strlen(text), JSON_COST_MAX, &ignored)) : NULL;
}

struct json_object *runner_object(const struct record *runner, struct arena *a)
{
    const struct kept_runner *kept = runner->kept;

    assert(kept);
    return arena_json(
        a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s, uid: %s, annotations: %o}, "
                      "spec: %o}",
                      API_VERSION, KIND, runner->ns, runner->name, runner->uid,
                      json_ref(parse_kept(kept->annotations, a)), json_ref(parse_kept(kept->spec, a))));
}

struct json_object *runner_status(const struct record *runner, struct arena *a)
{
    const struct kept_runner *kept = runner->kept;

    return parse_kept(kept->status, a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * For people */

static struct json_object *runner_kept_json(const struct record *record)
{
    const struct kept_runner *r = record->kept;
    cleanup_arena struct arena a = {0};

    return json_build("{generation: %d, finalizer: %b, deleting: %b, forceDelete: %b, annotations: %o, "
                      "tooLarge: %s, spec: %o, status: %o}",
                      r->generation, r->finalizer, r->deleting, r->force_delete,
                      json_ref(parse_kept(r->annotations, &a)), r->too_large, json_ref(parse_kept(r->spec, &a)),
                      json_ref(parse_kept(r->status, &a)));
}

static struct json_object *child_kept_json(const struct kept_child *c)
{
    return json_build("{hash: %s, inputs: %s, terminating: %b, held: %b, drifted: %b, byApply: %b, byUpdate: %b}",
                      c->hash, c->inputs, c->terminating, c->held, c->drifted, c->applied, c->updated);
}

static void add_secret(struct json_object *to, const struct kept_secret *s)
{
    for (size_t i = 0; i < ARRAY_LEN(secret_facts); i++)
        json_set_str(to, secret_facts[i].shown, *(const char *const *)((const char *)s + secret_facts[i].at));
}

static void add_deployment(struct json_object *to, const struct kept_deployment *d)
{
    for (size_t i = 0; i < ARRAY_LEN(deployment_numbers); i++)
        json_set_int(to, deployment_numbers[i].shown, *(const int64_t *)((const char *)d + deployment_numbers[i].at));
    json_set_bool(to, "observed", d->observed);
    json_set_str(to, "problem", d->problem);
    json_set_str(to, "failure", d->failure);
}

struct json_object *kept_json(enum kind kind, const struct record *record)
{
    const struct kept_namespace *ns = record->kept;

    if (!record->kept)
        return NULL;
    if (kind == KIND_RUNNER)
        return runner_kept_json(record);
    if (kind == KIND_NAMESPACE)
        return json_build("{allowedFrom: %s, podSecurity: %s, deleting: %b}", ns->allowed_from, ns->pod_security,
                          ns->deleting);
    struct json_object *json = child_kept_json(record->kept);
    if (kind == KIND_SECRET)
        add_secret(json, record->kept);
    if (kind == KIND_DEPLOYMENT)
        add_deployment(json, record->kept);
    return json;
}
