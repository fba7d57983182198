/* The Deployment controller, with its ReplicaSets left out: a pod belongs to its Deployment, and its label
 * pod-template-hash says to which template. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

enum { PODS_SEEN_MAX = 64 };

/* What there is of a Deployment's pods. */
struct rollout {
    struct api *api;
    struct api_object *deployment;
    const char *hash;
    struct api_object *pods[PODS_SEEN_MAX]; /* that are not ending */
    size_t len, ending;
    int64_t desired, fresh, ready, fresh_ready;
    char failure[400]; /* why no pod can be made; "": nothing is in the way */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What there is */

static void hash_of_template(struct json_object *template, char ret[static 16])
{
    uint32_t hash = 2166136261u;

    for (const char *c = json_text(template); *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    snprintf(ret, 16, "%08" PRIx32, hash);
}

/* Most looks are at the template of before. */
static const char *template_hash(struct api_object *deployment)
{
    struct json_object *template = json_get(deployment->state->root, "spec.template");

    if (template != deployment->template) {
        json_object_put(deployment->template);
        deployment->template = json_object_get(template);
        hash_of_template(template, deployment->template_hash);
    }
    return deployment->template_hash;
}

static bool pod_is_ready(const struct api_object *pod)
{
    struct json_object *conditions = json_get(pod->state->root, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++)
        if (strcmp(api_json_text(json_at(conditions, i), "type"), "Ready") == 0)
            return strcmp(api_json_text(json_at(conditions, i), "status"), "True") == 0;
    return false;
}

static bool pod_is_fresh(const struct rollout *r, const struct api_object *pod)
{
    struct json_object *labels = json_get(pod->state->root, "metadata.labels");

    return strcmp(api_json_text(labels, "pod-template-hash"), r->hash) == 0;
}

static void count_pods(struct rollout *r)
{
    const struct api_shelf *shelf = &r->api->shelves[API_PODS];

    r->len = r->ending = 0;
    r->fresh = r->ready = r->fresh_ready = 0;
    for (size_t i = 0; i < shelf->len && r->len < PODS_SEEN_MAX; i++) {
        struct api_object *pod = shelf->objects[i];
        if (strcmp(pod->ns, r->deployment->ns) != 0 || !controllers_owns(r->deployment, pod->state->root))
            continue;
        if (json_get(pod->state->root, "metadata.deletionTimestamp")) {
            r->ending++;
            continue;
        }
        bool fresh = pod_is_fresh(r, pod), ready = pod_is_ready(pod);
        r->pods[r->len++] = pod;
        r->fresh += fresh;
        r->ready += ready;
        r->fresh_ready += fresh && ready;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Making and ending pods */

/* Otherwise nobody is let in (the admission plugin ServiceAccount). */
static bool has_account(struct rollout *r)
{
    const char *name = json_str_or(r->deployment->state->root, "spec.template.spec.serviceAccountName", "default");
    bool there = strcmp(name, "default") == 0 || api_find(r->api, &api_kinds[API_ACCOUNTS], r->deployment->ns, name);

    if (!there)
        snprintf(r->failure, sizeof(r->failure),
                 "pods \"%.60s-\" is forbidden: error looking up service account %.60s/%.80s: serviceaccount \"%.80s\" "
                 "not found",
                 r->deployment->name, r->deployment->ns, name, name);
    return there;
}

static struct json_object *pod_metadata(struct rollout *r, struct json_object *template)
{
    struct api *api = r->api;
    struct json_object *m = json_object_new_object(), *labels = api_json_shallow(json_get(template, "metadata.labels"));
    char name[300], uid[40], now[24];

    snprintf(name, sizeof(name), "%.200s-%s-%05" PRIx64, r->deployment->name, r->hash,
             (++api->names * 40503) & 0xfffff);
    api_new_uid(api, uid);
    json_put_member(m, "name", name);
    json_put_member(m, "namespace", r->deployment->ns);
    json_put_member(m, "uid", uid);
    json_put_member(m, "resourceVersion", "0");
    json_object_object_add(m, "generation", json_object_new_int(1));
    json_put_member(m, "creationTimestamp", api_time(api, now));
    json_put_member(labels, "pod-template-hash", r->hash);
    json_object_object_add(m, "labels", labels);
    json_object_object_add(m, "ownerReferences",
                           json_build("[{apiVersion: 'apps/v1', kind: Deployment, name: %s, uid: %s, controller: true, "
                                      "blockOwnerDeletion: true}]",
                                      (const char *)r->deployment->name, (const char *)r->deployment->uid));
    return m;
}

static void make_pod(struct rollout *r)
{
    struct json_object *template = json_get(r->deployment->state->root, "spec.template");
    struct json_object *root = json_build("{kind: Pod, apiVersion: v1}");

    json_object_object_add(root, "metadata", pod_metadata(r, template));
    api_json_share(root, "spec", json_member(template, "spec"));
    json_object_object_add(root, "status", json_build("{phase: Pending}"));
    api_put(r->api, &api_kcm_call, &api_kinds[API_PODS], NULL, root);
}

static void end_pod(struct rollout *r, struct api_object *pod)
{
    struct api_reply reply = api_delete_object(r->api, &api_kcm_call, pod->kind, pod->ns, pod->name, NULL);

    api_reply_finish(&reply);
    count_pods(r);
}

static void make_pods(struct rollout *r, int64_t n)
{
    if (n > 0 && !has_account(r))
        return;
    for (; n > 0; n--)
        make_pod(r);
    count_pods(r);
}

/* One of the old ones, rather one that is not ready; else a fresh one when `any`. NULL: there is none. */
static struct api_object *pod_to_end(const struct rollout *r, bool any)
{
    struct api_object *best = NULL;

    for (size_t i = 0; i < r->len; i++) {
        if (!any && pod_is_fresh(r, r->pods[i]))
            continue;
        if (!best || (pod_is_ready(best) && !pod_is_ready(r->pods[i])))
            best = r->pods[i];
    }
    return best;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Rolling */

/* A number, or so many percent of the desired ones. */
static int64_t share_of(const struct rollout *r, const char *path, bool up, int64_t otherwise)
{
    struct json_object *value = json_get(r->deployment->state->root, path);

    if (json_object_is_type(value, json_type_string)) {
        int64_t percent = strtoll(json_string(value), NULL, 10) * r->desired;
        return (percent + (up ? 99 : 0)) / 100;
    }
    return value ? json_object_get_int64(value) : otherwise;
}

static void roll(struct rollout *r)
{
    int64_t surge = share_of(r, "spec.strategy.rollingUpdate.maxSurge", true, 1);
    int64_t unavailable = share_of(r, "spec.strategy.rollingUpdate.maxUnavailable", false, 0);
    struct api_object *old;

    if (!surge && !unavailable)
        unavailable = 1;
    int64_t room = r->desired + surge - (int64_t)r->len, missing = r->desired - r->fresh;
    make_pods(r, missing < room ? missing : room);
    while ((old = pod_to_end(r, false)) &&
           (!pod_is_ready(old) || r->ready > r->desired - unavailable || r->fresh_ready >= r->desired))
        end_pod(r, old);
}

static void recreate(struct rollout *r)
{
    struct api_object *old;

    while ((old = pod_to_end(r, false)))
        end_pod(r, old);
    if (!r->ending)
        make_pods(r, r->desired - r->fresh);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Status */

static struct json_object *condition_of(const struct rollout *r, const char *type, bool holds, const char *reason,
                                        const char *message)
{
    struct json_object *all = json_get(r->deployment->state->root, "status.conditions"), *old = NULL;
    const char *status = holds ? "True" : "False", *since;
    char now[24];

    for (size_t i = 0; i < json_len(all); i++)
        if (strcmp(api_json_text(json_at(all, i), "type"), type) == 0)
            old = json_at(all, i);
    if (old && strcmp(api_json_text(old, "status"), status) == 0 && strcmp(api_json_text(old, "reason"), reason) == 0)
        return json_object_get(old);
    api_time(r->api, now);
    since = old && strcmp(api_json_text(old, "status"), status) == 0 ? api_json_text(old, "lastTransitionTime") : now;
    return json_build("{type: %s, status: %s, lastUpdateTime: %s, lastTransitionTime: %s, reason: %s, message: %s}",
                      type, status, (const char *)now, since, reason, message);
}

static bool is_complete(const struct rollout *r)
{
    return r->fresh_ready == r->desired && r->fresh == r->desired && (int64_t)r->len == r->desired;
}

static struct json_object *conditions_of_rollout(const struct rollout *r)
{
    int64_t unavailable = share_of(r, "spec.strategy.rollingUpdate.maxUnavailable", false, 0);
    bool available = r->ready >= r->desired - unavailable;
    struct json_object *list = json_object_new_array();

    json_object_array_add(list, condition_of(r, "Available", available,
                                             available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                                             available ? "Deployment has minimum availability."
                                                       : "Deployment does not have minimum availability."));
    json_object_array_add(
        list, condition_of(r, "Progressing", true, is_complete(r) ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                           is_complete(r) ? "ReplicaSet has successfully progressed." : "ReplicaSet is progressing."));
    if (*r->failure)
        json_object_array_add(list, condition_of(r, "ReplicaFailure", true, "FailedCreate", r->failure));
    return list;
}

static void put_count(struct json_object *status, const char *key, int64_t n)
{
    if (n)
        api_json_add(status, key, json_object_new_int64(n));
}

static struct json_object *status_of(const struct rollout *r)
{
    struct json_object *status = json_object_new_object();
    int64_t missing = r->desired - r->ready;

    put_count(status, "observedGeneration", json_int_or(r->deployment->state->root, "metadata.generation", 0));
    put_count(status, "replicas", (int64_t)r->len);
    put_count(status, "updatedReplicas", r->fresh);
    put_count(status, "readyReplicas", r->ready);
    put_count(status, "availableReplicas", r->ready);
    put_count(status, "unavailableReplicas", missing > 0 ? missing : 0);
    api_json_add(status, "terminatingReplicas", json_object_new_int64((int64_t)r->ending));
    api_json_add(status, "conditions", conditions_of_rollout(r));
    return status;
}

/* Status and the annotation with the revision go together. */
static void write_status(struct rollout *r)
{
    static const char revision[] = "deployment.kubernetes.io/revision";
    struct json_object *root = r->deployment->state->root, *status = status_of(r);
    struct json_object *annotations = json_get(root, "metadata.annotations");
    const char *last = api_json_text(annotations, revision);
    struct api_call call = api_kcm_call;
    char next[24];

    bool rolled = !*last || (r->fresh && strcmp(r->deployment->hash, r->hash) != 0);
    if (!rolled && api_json_same(json_member(root, "status"), status)) {
        json_object_put(status);
        return;
    }
    cleanup_json struct json_object *edited = api_state_edit(r->deployment->state);
    json_object_object_add(edited, "status", status);
    if (rolled) {
        snprintf(next, sizeof(next), "%ld", strtol(last, NULL, 10) + 1);
        annotations = api_json_shallow(annotations);
        json_put_member(annotations, revision, next);
        json_object_object_add(json_member(edited, "metadata"), "annotations", annotations);
        snprintf(r->deployment->hash, sizeof(r->deployment->hash), "%s", r->hash);
    }
    call.subresource = "status";
    struct api_reply reply =
        api_replace_object(r->api, &call, r->deployment->kind, r->deployment->ns, r->deployment->name, edited);
    assert(reply.status == 200);
    api_reply_finish(&reply);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void scale(struct rollout *r)
{
    struct json_object *root = r->deployment->state->root;
    struct api_object *surplus;

    while (r->fresh > r->desired && (surplus = pod_to_end(r, true)))
        end_pod(r, surplus);
    if (strcmp(json_str_or(root, "spec.strategy.type", ""), "Recreate") == 0)
        recreate(r);
    else
        roll(r);
}

/* That a new generation is seen is told before anything is done about it. */
static bool has_seen_it(struct json_object *root)
{
    return json_int_or(root, "status.observedGeneration", 0) == json_int_or(root, "metadata.generation", 0);
}

/* Of one that is being deleted the status alone is kept. True: a pod could not be made, and is tried again. */
static bool sync_deployment(struct api *api, struct api_object *deployment)
{
    struct json_object *root = deployment->state->root;
    struct rollout r = {.api = api,
                        .deployment = deployment,
                        .hash = template_hash(deployment),
                        .desired = json_int_or(root, "spec.replicas", 1)};

    count_pods(&r);
    if (!json_get(root, "metadata.deletionTimestamp") && has_seen_it(root))
        scale(&r);
    write_status(&r);
    return *r.failure;
}

bool deployments_run(struct api *api)
{
    const struct api_shelf *shelf = &api->shelves[API_DEPLOYMENTS];
    bool left = false;

    for (size_t i = 0; i < shelf->len; i++)
        left |= sync_deployment(api, shelf->objects[i]);
    return left;
}
