#include <assert.h>
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
#include "web/auth.h"
#include "web/pages.h"
#include "cli/run_options.h"
#include "net/watchdog.h"
#include "kube/config.h"
#include "kube/lease.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/reconcile.h"
#include "runner/names.h"

enum {
    DRAIN_MS = 25 * 1000, /* less than the 30 s that a pod is given                      */
    BYE_MS = 1000,        /* so long whoever looks at the fleet page may take to hear it */
};

struct process {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct kube_client *client;
    struct gitlab *gitlab;
    struct api_servers *api_servers;
    struct lease *lease; /* NULL: there is no election */
    struct reconciler *rec;
    struct auth *metrics_auth; /* NULL: everybody may read /metrics                 */
    struct auth *page_auth;    /* NULL: the fleet page is shown to this machine alone */
    struct fleet_stream *fleet;
    struct fleet_runners *runners;
    struct pages shown, shown_by_token;
    struct serve *pages, *debug, *page; /* debug, page: NULL without one */
    struct watchdog *dog;
    struct loop_timer *deadline; /* of a drain */
    bool stopping, leaving;
    int64_t stopping_ms; /* since when */
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

    bool bye = fleet_stream_is_watched(p->fleet) && loop_now(p->loop) - p->stopping_ms < BYE_MS;

    if (p->leaving || bye || http_fenced_in_flight(p->http) > 0)
        return;
    assert(p->stopping);
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
    p->stopping_ms = loop_now(p->loop);
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

static void each_namespace(void *arg, void (*each)(void *each_arg, const char *ns), void *each_arg)
{
    fleet_stream_each_namespace(arg, each, each_arg);
}

static void on_other_rights(void *arg, struct auth_user *user)
{
    fleet_stream_review(arg, user);
}

/* The fleet page, for other machines. */
static bool serve_fleet_page(struct process *p, const struct run_options *o, struct err *err)
{
    const struct auth_question question = {.group = GROUP,
                                           .plural = "gitlabrunners",
                                           .namespaces = each_namespace,
                                           .changed = on_other_rights,
                                           .arg = p->fleet};

    p->page_auth = auth_create(p->loop, p->client, &question);
    p->shown_by_token = p->shown;
    p->shown_by_token.auth = p->page_auth;
    const struct serve_config config = {.address = *o->page_address ? o->page_address : NULL,
                                        .port = o->page_port,
                                        .pages = fleet_pages(),
                                        .arg = &p->shown_by_token,
                                        .same_origin = true,
                                        .guard = auth_ask,
                                        .refuse = auth_refuse,
                                        .guard_arg = p->page_auth,
                                        .tls_cert = o->page_tls_cert,
                                        .tls_key = o->page_tls_key};
    p->page = serve_create(p->loop, &config, err);
    auth_serves(p->page_auth, p->page);
    return p->page;
}

static bool serve_pages(struct process *p, const struct run_options *o, struct err *err)
{
    static const struct auth_question may_get_metrics = {.path = "/metrics"};
    struct serve_config config = {
        .address = *o->address ? o->address : NULL, .port = o->port, .pages = public_pages, .arg = &p->shown};

    p->fleet = fleet_stream_create(p->rec);
    p->runners = fleet_runners_create(p->rec);
    p->shown = (struct pages){.rec = p->rec, .fleet = p->fleet, .runners = p->runners};
    if (o->metrics_auth) {
        p->metrics_auth = auth_create(p->loop, p->client, &may_get_metrics);
        config.guard = auth_ask;
        config.guard_arg = p->metrics_auth;
    }
    p->pages = serve_create(p->loop, &config, err);
    if (p->metrics_auth)
        auth_serves(p->metrics_auth, p->pages);
    if (!p->pages)
        return false;
    serve_debug_pages(p, o);
    return !o->page_auth || serve_fleet_page(p, o, err);
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
                                .metrics_per_runner = o->metrics_per_runner,
                                .kept_budget = (size_t)o->kept_mib << 20};
    assert(!p->lease == !o->leader_elect);
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
    serve_destroy(p->page);
    serve_destroy(p->pages);
    fleet_stream_destroy(p->fleet);
    fleet_runners_destroy(p->runners);
    auth_destroy(p->page_auth);
    auth_destroy(p->metrics_auth);
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
