#include "operator/instance.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/log.h"
#include "kube/client.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/api_servers.h"
#include "operator/reconcile.h"

enum { DRAIN_MS = 25 * 1000 }; /* less than the 30 s that a pod is given */

static void stop_loop(void *arg)
{
    struct instance *in = arg;

    loop_stop(in->loop);
}

/* The turns have ended; when the Events are through as well, somebody else may begin. */
static void on_drained(void *arg)
{
    struct instance *in = arg;

    if (in->leaving || (in->is_awaited && in->is_awaited(in->is_awaited_arg)) || http_fenced_in_flight(in->http) > 0)
        return;
    assert(in->stopping);
    in->leaving = true;
    lease_release(in->lease, stop_loop, in);
}

void instance_stop(struct instance *in)
{
    assert(!in->stopping);
    in->stopping = true;
    in->stopping_ms = loop_now(in->loop);
    log_event(LOG_INFO, "run", "stopping: finishing what is in flight", NULL);
    loop_timer_set(in->deadline, DRAIN_MS);
    reconciler_drain(in->rec, on_drained, in);
}

static bool may_act(void *arg)
{
    return lease_is_leading(arg);
}

/* The pod's name, and what tells its processes apart, of which each begins with nothing. */
static void elect(struct instance *in, const struct instance_settings *settings, const char *ns)
{
    cleanup_arena struct arena a = {0};
    uint64_t random = 0;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        abort();
    if (!settings->lease_name)
        return;
    const struct lease_config config = {
        .ns = ns,
        .name = settings->lease_name,
        .identity = arena_printf(&a, "%s_%016llx", settings->identity, (unsigned long long)random),
        .timing = settings->lease,
    };
    in->lease = lease_create(in->loop, in->client, &config);
    http_fence(in->http, may_act, in->lease);
}

static void create_reconciler(struct instance *in, const struct instance_settings *settings, const char *ns)
{
    const struct context ctx = {.loop = in->loop,
                                .client = in->client,
                                .gitlab = in->gitlab,
                                .lease = in->lease,
                                .render = settings->render,
                                .instance = settings->identity,
                                .ns = ns,
                                .secrets_by_name = settings->secrets_by_name,
                                .metrics_per_runner = settings->metrics_per_runner,
                                .kept_budget = settings->kept_budget};

    assert(!in->lease == !settings->lease_name);
    in->rec = reconciler_create(&ctx);
    in->deadline = loop_timer_create(in->loop, stop_loop, in);
}

void instance_create(struct instance *ret, struct loop *loop, const struct kube_config *config,
                     const struct instance_settings *settings)
{
    struct gitlab_settings gitlab = settings->gitlab;

    *ret = (struct instance){.loop = loop, .config = *config, .follows_api_servers = !settings->render.namespaces};
    const char *ns = settings->ns ? settings->ns : ret->config.namespace;
    ret->http = http_create(loop, "gitlab-runner-controller");
    ret->client = kube_client_create(loop, ret->http, &ret->config);
    ret->api_servers = api_servers_create(loop, &ret->config);
    gitlab.policy.api_servers = api_servers_urls(ret->api_servers);
    ret->gitlab = gitlab_create(loop, ret->http, &gitlab);
    elect(ret, settings, ns);
    create_reconciler(ret, settings, ns);
}

void instance_start(struct instance *in)
{
    reconciler_start(in->rec);
    if (in->follows_api_servers)
        api_servers_follow(in->api_servers, in->client);
    if (in->lease)
        lease_start(in->lease);
}

void instance_finish(struct instance *in)
{
    reconciler_destroy(in->rec);
    lease_destroy(in->lease);
    gitlab_destroy(in->gitlab);
    api_servers_destroy(in->api_servers);
    kube_client_destroy(in->client);
    http_destroy(in->http);
    loop_timer_destroy(in->deadline);
    kube_config_finish(&in->config);
}
