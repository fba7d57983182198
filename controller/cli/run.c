#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
#include "net/loop.h"
#include "operator/instance.h"
#include "runner/names.h"

enum { BYE_MS = 1000 }; /* so long whoever looks at the fleet page may take to hear that we stop */

struct process {
    struct loop *loop;
    struct instance instance;
    struct auth *metrics_auth; /* NULL: everybody may read /metrics                 */
    struct auth *page_auth;    /* NULL: the fleet page is shown to this machine alone */
    struct fleet_stream *fleet;
    struct fleet_runners *runners;
    struct pages shown, shown_by_token;
    struct serve *pages, *debug, *page; /* debug, page: NULL without one */
    struct watchdog *dog;
};

/* Whoever looks at the fleet page shall hear of it. */
static bool is_bye_under_way(void *arg)
{
    const struct process *p = arg;

    return fleet_stream_is_watched(p->fleet) && loop_now(p->loop) - p->instance.stopping_ms < BYE_MS;
}

static void on_stop_signal(void *arg, int signal)
{
    struct process *p = arg;

    (void)signal;
    if (p->instance.stopping)
        _exit(EXIT_FAILED);
    fleet_stream_say_bye(p->fleet, "the operator stops");
    instance_stop(&p->instance);
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

    p->page_auth = auth_create(p->loop, p->instance.client, &question);
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

    p->fleet = fleet_stream_create(p->instance.rec);
    p->runners = fleet_runners_create(p->instance.rec);
    p->shown = (struct pages){.rec = p->instance.rec, .fleet = p->fleet, .runners = p->runners};
    if (o->metrics_auth) {
        p->metrics_auth = auth_create(p->loop, p->instance.client, &may_get_metrics);
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

static void create_instance(struct process *p, const struct kube_config *config, const struct run_options *o)
{
    const struct instance_settings settings = {
        .identity = o->identity,
        .lease_name = o->leader_elect ? LEASE_NAME : NULL,
        .ns = o->lease_namespace,
        .lease = o->lease,
        .gitlab = o->gitlab,
        .render = {.manager_image = o->manager_image, .namespaces = o->namespaces},
        .secrets_by_name = o->secrets_by_name,
        .metrics_per_runner = o->metrics_per_runner,
        .kept_budget = (size_t)o->kept_mib << 20};

    instance_create(&p->instance, p->loop, config, &settings);
    p->instance.is_awaited = is_bye_under_way;
    p->instance.is_awaited_arg = p;
}

static bool start_running(struct process *p, const struct run_options *o, struct err *err)
{
    struct kube_config config;

    if (!kube_config_load(&config, o->kubeconfig, o->context, err)) {
        kube_config_finish(&config);
        return false;
    }
    p->loop = loop_create();
    loop_on_stop_signal(p->loop, on_stop_signal, p); /* early: PID 1 of a container is deaf to it until then */
    create_instance(p, &config, o);
    if (!serve_pages(p, o, err))
        return false;
    p->dog = watchdog_create(p->loop);
    instance_start(&p->instance);
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
    instance_finish(&p->instance);
    loop_destroy(p->loop);
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
