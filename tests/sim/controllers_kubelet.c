/* The scheduler and the kubelet: pods get a node, start when what they mount is there, and end when their jobs have. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

enum { START_MS = 1000, MOUNT_AGAIN_MS = 5000 };

/* What a pod waits for. */
struct kubelet {
    struct list node;
    struct api *api;
    char ns[64], name[256], uid[40];
    uint64_t timer;
    bool ends;
};

static void kubelet_free(struct kubelet *k)
{
    list_remove(&k->node);
    free(k);
}

static struct api_object *pod_of(const struct kubelet *k)
{
    struct api_object *pod = api_find(k->api, &api_kinds[API_PODS], k->ns, k->name);

    return pod && strcmp(pod->uid, k->uid) == 0 ? pod : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Starting */

static bool mounts_are_there(const struct api *api, const struct api_object *pod)
{
    struct json_object *volumes = json_get(pod->state->root, "spec.volumes");

    for (size_t i = 0; i < json_len(volumes); i++) {
        const char *secret = json_str(json_at(volumes, i), "secret.secretName");
        const char *map = json_str(json_at(volumes, i), "configMap.name");
        if (secret && !api_find(api, &api_kinds[API_SECRETS], pod->ns, secret))
            return false;
        if (map && !api_find(api, &api_kinds[API_CONFIG_MAPS], pod->ns, map))
            return false;
    }
    return true;
}

static bool image_is_there(const struct api_object *pod)
{
    struct json_object *containers = json_get(pod->state->root, "spec.containers");

    for (size_t i = 0; i < json_len(containers); i++)
        if (strstr(api_json_text(json_at(containers, i), "image"), "broken"))
            return false;
    return true;
}

/* Of one container, which is enough to tell by. */
static struct json_object *container_status(const struct api_object *pod, bool ready, const char *waiting)
{
    struct json_object *c = json_at(json_get(pod->state->root, "spec.containers"), 0);
    struct json_object *state =
        ready ? json_build("{running: {}}") : json_build("{waiting: {reason: %s, message: 'not found'}}", waiting);

    return json_build("[{name: %s, image: %s, ready: %b, restartCount: %d, state: %o}]", api_json_text(c, "name"),
                      api_json_text(c, "image"), ready, (int64_t)0, state);
}

static void tell_status(struct api *api, struct api_object *pod, bool ready, const char *waiting)
{
    struct json_object *root = api_state_edit(pod->state), *spec = api_json_shallow(json_member(root, "spec"));
    char now[24];

    api_time(api, now);
    json_object_object_add(spec, "nodeName", json_object_new_string("node-1"));
    json_object_object_add(root, "spec", spec);
    json_object_object_add(
        root, "status",
        json_build("{phase: %s, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: %s}, "
                   "{type: Ready, status: %s, lastTransitionTime: %s}], containerStatuses: %o}",
                   ready ? "Running" : "Pending", (const char *)now, ready ? "True" : "False", (const char *)now,
                   container_status(pod, ready, waiting)));
    if (api_json_same(json_get(root, "status.containerStatuses"),
                      json_get(pod->state->root, "status.containerStatuses")))
        json_object_put(root);
    else
        controllers_put(api, &api_kubelet_call, pod->kind, pod, root);
}

static void on_kubelet_timer(void *arg);

static void wait_again(struct kubelet *k, int64_t ms)
{
    k->timer = sim_later(k->api->sim, ms, on_kubelet_timer, k);
}

static void try_to_start(struct kubelet *k, struct api_object *pod)
{
    if (!image_is_there(pod)) {
        tell_status(k->api, pod, false, "ImagePullBackOff");
        kubelet_free(k);
    } else if (!mounts_are_there(k->api, pod)) {
        tell_status(k->api, pod, false, "ContainerCreating");
        wait_again(k, MOUNT_AGAIN_MS);
    } else {
        tell_status(k->api, pod, true, NULL);
        kubelet_free(k);
    }
}

static void on_kubelet_timer(void *arg)
{
    struct kubelet *k = arg;
    struct api_object *pod = pod_of(k);
    bool ending = pod && json_get(pod->state->root, "metadata.deletionTimestamp");

    k->timer = 0;
    if (k->api->controllers->held && pod) {
        wait_again(k, MOUNT_AGAIN_MS);
    } else if (!pod || ending != k->ends) {
        kubelet_free(k);
    } else if (k->ends) {
        api_state_drop(api_take(k->api, &api_kubelet_call, pod));
        kubelet_free(k);
    } else {
        try_to_start(k, pod);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What has happened */

static void begin_waiting(struct api *api, struct json_object *pod, int64_t ms, bool ends)
{
    struct kubelet *k = mem_alloc(sizeof(*k));
    struct json_object *m = json_member(pod, "metadata");

    *k = (struct kubelet){.api = api, .ends = ends};
    snprintf(k->ns, sizeof(k->ns), "%s", api_json_text(m, "namespace"));
    snprintf(k->name, sizeof(k->name), "%s", api_json_text(m, "name"));
    snprintf(k->uid, sizeof(k->uid), "%s", api_json_text(m, "uid"));
    list_append(&api->controllers->kubelets, &k->node);
    wait_again(k, ms);
}

/* How long jobs go on, within the grace period. */
static int64_t rest_of_jobs_ms(struct api *api, struct json_object *pod)
{
    static const int64_t lengths[] = {1000, 1000, 10 * 1000, 120 * 1000, 600 * 1000};
    int64_t grace_ms = json_int_or(pod, "metadata.deletionGracePeriodSeconds", 0) * 1000;
    int64_t ms = lengths[sim_choose(api->sim, ARRAY_LEN(lengths))];

    return ms < grace_ms ? ms : grace_ms;
}

void kubelet_saw(struct api *api, const struct api_write *write)
{
    bool was_ending = json_get(write->before, "metadata.deletionTimestamp");

    if (!write->after)
        return;
    if (!write->before)
        begin_waiting(api, write->after, START_MS << sim_choose(api->sim, 4), false);
    else if (!was_ending && json_get(write->after, "metadata.deletionTimestamp"))
        begin_waiting(api, write->after, rest_of_jobs_ms(api, write->after), true);
}

void kubelet_finish(struct api *api)
{
    list_each_safe (node, after, &api->controllers->kubelets) {
        struct kubelet *k = container_of(node, struct kubelet, node);
        sim_forget(api->sim, k->timer);
        kubelet_free(k);
    }
}
