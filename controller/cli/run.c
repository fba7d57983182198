#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/run_options.h"
#include "kube/config.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/serve.h"
#include "reconcile.h"

enum { DRAIN_MS = 25 * 1000 }; /* less than the 30 s that a pod is given */

struct process {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct kube_client *client;
    struct gitlab *gitlab;
    struct reconciler *rec;
    struct serve *serve;
    struct loop_timer *deadline; /* of a drain */
    char service_url[80];
    bool stopping;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Pages */

static int page_healthz(void *arg, struct buf *body)
{
    (void)arg; /* whoever answers is alive: there is one thread */
    buf_adds(body, "ok\n");
    return 200;
}

static int page_readyz(void *arg, struct buf *body)
{
    struct process *p = arg;
    bool ready = reconciler_synced(p->rec) && !p->stopping;

    buf_adds(body, ready ? "ok\n" : p->stopping ? "stopping\n" : "not all kinds are listed yet\n");
    return ready ? 200 : 503;
}

static int page_metrics(void *arg, struct buf *body)
{
    struct process *p = arg;

    reconciler_metrics(p->rec, body);
    return 200;
}

static const struct serve_page pages[] = {
    {"/healthz", "text/plain; charset=utf-8", page_healthz},
    {"/readyz", "text/plain; charset=utf-8", page_readyz},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", page_metrics},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Stopping */

static void on_drained(void *arg)
{
    struct process *p = arg;

    loop_stop(p->loop);
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
    reconciler_drain(p->rec, on_drained, p);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

/* The API server, as this process calls it and as a cluster's pods know it: nothing for a GitLabRunner to call. */
static void protect_api_server(struct gitlab_policy *policy, const struct kube_config *config, char service[static 80])
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");

    policy->api_servers[0] = config->server;
    if (!host || !*host)
        return;
    snprintf(service, 80, strchr(host, ':') ? "https://[%.50s]:%.5s" : "https://%.50s:%.5s", host, port ? port : "443");
    policy->api_servers[1] = service;
}

static bool start(struct process *p, struct run_options *o, struct err *err)
{
    if (!kube_config_load(&p->config, o->kubeconfig, o->context, err))
        return false;
    protect_api_server(&o->gitlab.policy, &p->config, p->service_url);
    p->loop = loop_create();
    loop_on_stop_signal(p->loop, on_stop_signal, p); /* early: PID 1 of a container is deaf to it until then */
    p->http = http_create(p->loop, "gitlab-runner-controller");
    p->client = kube_client_create(p->loop, p->http, &p->config);
    p->gitlab = gitlab_create(p->loop, p->http, &o->gitlab);
    const struct workshop shop = {.loop = p->loop,
                                  .client = p->client,
                                  .gitlab = p->gitlab,
                                  .render = {.manager_image = o->manager_image},
                                  .instance = o->identity};
    p->rec = reconciler_create(&shop);
    p->deadline = loop_timer_create(p->loop, on_drained, p);
    p->serve = serve_create(p->loop, *o->address ? o->address : NULL, o->port, pages, p, err);
    if (!p->serve)
        return false;
    reconciler_start(p->rec);
    return true;
}

static void finish(struct process *p)
{
    serve_destroy(p->serve);
    reconciler_destroy(p->rec);
    gitlab_destroy(p->gitlab);
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
    log_setup(o.level, o.json);
    log_event(LOG_INFO, "run", "starting", "version", version_text(), NULL);
    bool ok = start(&p, &o, &err);
    if (ok)
        loop_run(p.loop);
    else
        log_event(LOG_ERROR, "run", "cannot start", "error", err.text, NULL);
    finish(&p);
    log_event(LOG_INFO, "run", "ended", NULL);
    return ok ? EXIT_OK : EXIT_FAILED;
}
