#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <string.h>
#include <unistd.h>

#include "operator/api_servers.h"
#include "base/arena.h"
#include "base/log.h"
#include "cli/cli.h"
#include "version.h"
#include "web/fleet_runner.h"
#include "web/fleet_stream.h"
#include "web/metrics_auth.h"
#include "web/pages.h"
#include "cli/run_options.h"
#include "net/watchdog.h"
#include "kube/config.h"
#include "kube/lease.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/reconcile.h"

enum { DRAIN_MS = 25 * 1000 }; /* less than the 30 s that a pod is given */

struct process {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct kube_client *client;
    struct gitlab *gitlab;
    struct api_servers *api_servers;
    struct lease *lease; /* NULL: there is no election */
    struct reconciler *rec;
    struct metrics_auth *auth; /* NULL: everybody may read /metrics */
    struct fleet_stream *fleet;
    struct fleet_runners *runners;
    struct pages shown;
    struct serve *pages, *debug; /* debug: NULL without one */
    struct watchdog *dog;
    struct loop_timer *deadline; /* of a drain */
    bool stopping, leaving;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Stopping */

static void stop(void *arg)
{
    struct process *p = arg;

    loop_stop(p->loop);
}

/* The turns have ended; when the Events are through as well, somebody else may begin. */
static void on_drained(void *arg)
{
    struct process *p = arg;

    if (p->leaving || http_fenced_in_flight(p->http) > 0)
        return;
    p->leaving = true;
    lease_release(p->lease, stop, p);
}

static void on_stop_signal(void *arg, int signal)
{
    struct process *p = arg;

    (void)signal;
    if (p->stopping)
        _exit(EXIT_FAILED);
    p->stopping = true;
    log_event(LOG_INFO, "run", "stopping: finishing what is in flight", NULL);
    loop_timer_set(p->deadline, DRAIN_MS);
    fleet_stream_say_bye(p->fleet, "the operator stops");
    reconciler_drain(p->rec, on_drained, p);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Leading */

static bool may_act(void *arg)
{
    return lease_is_leading(arg);
}

/* Where the Lease and the ledger of orphans are. */
static const char *own_namespace(const struct process *p, const struct run_options *o)
{
    return o->lease_namespace ? o->lease_namespace : p->config.namespace;
}

/* The pod's name, and what tells its processes apart, of which each begins with nothing. */
static void elect(struct process *p, const struct run_options *o)
{
    cleanup_arena struct arena a = {0};
    uint64_t random = 0;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        abort();
    if (!o->leader_elect)
        return;
    const struct lease_config config = {
        .ns = own_namespace(p, o),
        .name = LEASE_NAME,
        .identity = arena_printf(&a, "%s_%016llx", o->identity, (unsigned long long)random),
        .timing = o->lease,
    };
    p->lease = lease_create(p->loop, p->client, &config);
    http_fence(p->http, may_act, p->lease);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

/* Without the second port there is less to look at, which is no reason not to work. */
static void serve_debug_pages(struct process *p, const struct run_options *o)
{
    const struct serve_config config = {.address = "localhost",
                                        .port = o->debug_port,
                                        .pages = debug_pages(),
                                        .arg = &p->shown,
                                        .local = true,
                                        .same_origin = true};
    struct err err = {0};

    if (!o->debug_port)
        return;
    p->debug = serve_create(p->loop, &config, &err);
    if (!p->debug)
        log_event(LOG_WARN, "run", "no /debug/state: give another --debug-port", "error", err.text, NULL);
}

static bool serve_pages(struct process *p, const struct run_options *o, struct err *err)
{
    struct serve_config config = {
        .address = *o->address ? o->address : NULL, .port = o->port, .pages = public_pages, .arg = &p->shown};

    p->fleet = fleet_stream_create(p->rec);
    p->runners = fleet_runners_create(p->rec);
    p->shown = (struct pages){.rec = p->rec, .fleet = p->fleet, .runners = p->runners};

    if (o->metrics_auth) {
        p->auth = metrics_auth_create(p->loop, p->client);
        config.guard = metrics_auth_ask;
        config.guard_arg = p->auth;
    }
    p->pages = serve_create(p->loop, &config, err);
    if (p->auth)
        metrics_auth_serves(p->auth, p->pages);
    if (p->pages)
        serve_debug_pages(p, o);
    return p->pages;
}

static bool start_running(struct process *p, struct run_options *o, struct err *err)
{
    if (!kube_config_load(&p->config, o->kubeconfig, o->context, err))
        return false;
    p->loop = loop_create();
    loop_on_stop_signal(p->loop, on_stop_signal, p); /* early: PID 1 of a container is deaf to it until then */
    p->http = http_create(p->loop, "gitlab-runner-controller");
    p->client = kube_client_create(p->loop, p->http, &p->config);
    p->api_servers = api_servers_create(p->loop, &p->config);
    o->gitlab.policy.api_servers = api_servers_urls(p->api_servers);
    p->gitlab = gitlab_create(p->loop, p->http, &o->gitlab);
    elect(p, o);
    const struct context ctx = {.loop = p->loop,
                                .client = p->client,
                                .gitlab = p->gitlab,
                                .lease = p->lease,
                                .render = {.manager_image = o->manager_image, .namespaces = o->namespaces},
                                .instance = o->identity,
                                .ns = own_namespace(p, o),
                                .secrets_by_name = o->secrets_by_name,
                                .metrics_per_runner = o->metrics_per_runner};
    p->rec = reconciler_create(&ctx);
    p->deadline = loop_timer_create(p->loop, stop, p);
    if (!serve_pages(p, o, err))
        return false;
    p->dog = watchdog_create(p->loop);
    reconciler_start(p->rec);
    if (!o->namespaces) /* else there is no right to it */
        api_servers_follow(p->api_servers, p->client);
    if (p->lease)
        lease_start(p->lease);
    return true;
}

static void finish(struct process *p)
{
    watchdog_destroy(p->dog);
    serve_destroy(p->debug);
    serve_destroy(p->pages);
    fleet_stream_destroy(p->fleet);
    fleet_runners_destroy(p->runners);
    metrics_auth_destroy(p->auth);
    reconciler_destroy(p->rec);
    lease_destroy(p->lease);
    gitlab_destroy(p->gitlab);
    api_servers_destroy(p->api_servers);
    kube_client_destroy(p->client);
    http_destroy(p->http);
    loop_timer_destroy(p->deadline);
    loop_destroy(p->loop);
    kube_config_finish(&p->config);
}

/* One arena is enough for one thread (libcurl's resolver has its own for a moment), and what a burst of work has taken
 * goes back to the system instead of staying with the process for months. */
static void keep_the_heap_small(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

int cli_run(int argc, char **argv)
{
    struct run_options o;
    int code = run_options_parse(&o, argc, argv);
    struct process p = {0};
    struct err err = {0};

    if (code >= 0)
        return code;
    keep_the_heap_small();
    log_setup(LOG_INFO, o.json);
    log_set_levels(&o.levels);
    log_event(LOG_INFO, "run", "starting", "version", version_text(), NULL);
    bool ok = start_running(&p, &o, &err);
    if (ok)
        loop_run(p.loop);
    else
        log_event(LOG_ERROR, "run", "cannot start", "error", err.text, NULL);
    finish(&p);
    log_event(LOG_INFO, "run", "ended", NULL);
    return ok ? EXIT_OK : EXIT_FAILED;
}
