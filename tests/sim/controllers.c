/* The cluster's controllers: when they act. What has happened is seen after a while, and everything is looked at then.
 */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

const struct api_call api_kcm_call = {.user = "kube-controller-manager",
                                      .manager = "kube-controller-manager",
                                      .verb = "update",
                                      .subresource = "",
                                      .replica = -1};
const struct api_call api_gc_call = {.user = "garbage-collector",
                                     .manager = "kube-controller-manager",
                                     .verb = "delete",
                                     .subresource = "",
                                     .replica = -1};
const struct api_call api_kubelet_call = {
    .user = "kubelet", .manager = "kubelet", .verb = "update", .subresource = "status", .replica = -1};

enum { SOON_MS = 20, AGAIN_MS = 500 };

/* ---------------------------------------------------------------------------------------------------------------------
 * When */

static void plan(struct controllers *c, uint64_t *timer, void (*act)(void *arg), int64_t delay_ms)
{
    if (!*timer)
        *timer = sim_later(c->api->sim, delay_ms << sim_choose(c->api->sim, 6), act, c);
}

/* Something is left to be done: later, when nothing new comes before. */
static void act(struct controllers *c, uint64_t *timer, void (*again)(void *arg), bool (*run)(struct api *api))
{
    *timer = 0;
    if (c->held || run(c->api))
        plan(c, timer, again, AGAIN_MS);
}

static void on_gc_timer(void *arg)
{
    struct controllers *c = arg;

    act(c, &c->gc, on_gc_timer, gc_run);
}

static void on_deployments_timer(void *arg)
{
    struct controllers *c = arg;

    act(c, &c->deployments, on_deployments_timer, deployments_run);
}

static void on_namespaces_timer(void *arg)
{
    struct controllers *c = arg;

    act(c, &c->namespaces, on_namespaces_timer, namespaces_run);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What has happened */

static bool concerns_gc(const struct api_write *write)
{
    struct json_object *now = json_member(write->after, "metadata"), *was = json_member(write->before, "metadata");

    return !write->after || (!write->before && json_member(now, "ownerReferences")) ||
           (write->before && json_member(now, "ownerReferences") != json_member(was, "ownerReferences")) ||
           json_member(now, "deletionTimestamp");
}

static bool is_write_of(const struct api_write *write, enum api_kind_name kind)
{
    return strcmp(write->resource, api_kinds[kind].plural) == 0;
}

static void on_seen_write(void *arg, const struct api_write *write)
{
    struct controllers *c = arg;

    if (is_write_of(write, API_LEASES) || is_write_of(write, API_EVENTS))
        return;
    if (concerns_gc(write))
        plan(c, &c->gc, on_gc_timer, SOON_MS);
    if (is_write_of(write, API_DEPLOYMENTS) || is_write_of(write, API_PODS))
        plan(c, &c->deployments, on_deployments_timer, SOON_MS);
    if (is_write_of(write, API_NAMESPACES))
        plan(c, &c->namespaces, on_namespaces_timer, SOON_MS);
    if (is_write_of(write, API_PODS))
        kubelet_saw(c->api, write);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * For all of them */

void controllers_put(struct api *api, const struct api_call *call, const struct api_kind *kind,
                     struct api_object *object, struct json_object *root)
{
    bool counts = object && kind->counts && !*call->subresource;
    struct json_object *m = json_member(root, "metadata");

    if (counts && !api_json_same(json_member(root, "spec"), json_member(object->state->root, "spec")))
        json_object_object_add(m, "generation", json_object_new_int64(json_int_or(m, "generation", 0) + 1));
    if (object && json_member(m, "deletionTimestamp") && api_json_is_empty(json_member(m, "finalizers")) &&
        json_int_or(m, "deletionGracePeriodSeconds", 0) == 0 && kind != &api_kinds[API_NAMESPACES]) {
        json_object_put(root);
        api_state_drop(api_take(api, call, object));
        return;
    }
    api_put(api, call, kind, object, root);
}

bool controllers_owns(const struct api_object *owner, struct json_object *root)
{
    struct json_object *owners = json_member(json_member(root, "metadata"), "ownerReferences");

    for (size_t i = 0; i < json_len(owners); i++)
        if (strcmp(api_json_text(json_at(owners, i), "uid"), owner->uid) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

void controllers_start(struct api *api)
{
    struct controllers *c = mem_alloc(sizeof(*c));

    assert(!api->controllers);
    api->controllers = c;
    c->api = api;
    list_init(&c->kubelets);
    api_on_write(api, on_seen_write, c);
}

void controllers_hold(struct api *api, bool held)
{
    api->controllers->held = held;
}

void controllers_destroy(struct api *api)
{
    struct controllers *c = api->controllers;

    if (!c)
        return;
    const uint64_t timers[] = {c->gc, c->deployments, c->namespaces};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++)
        if (timers[i])
            sim_forget(api->sim, timers[i]);
    kubelet_finish(api);
    free(c);
    api->controllers = NULL;
}
