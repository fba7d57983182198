#include <ctype.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "kube/config.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/serve.h"
#include "reconcile.h"

enum { DRAIN_MS = 25 * 1000 }; /* less than the 30 s that a pod is given */

struct options {
    const char *kubeconfig, *context;
    char address[128]; /* to listen on; "": all */
    int port;
    struct workshop shop; /* manager image and instance; the rest is made by start() */
    enum log_level level;
    bool json;
};

struct process {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct kube_client *client;
    struct gitlab *gitlab;
    struct reconciler *rec;
    struct serve *serve;
    struct loop_timer *deadline; /* of a drain */
    bool stopping;
};

static void usage(FILE *out)
{
    fputs("Usage: gitlab-runner-controller run [OPTION...]\n\n"
          "Watches GitLabRunner objects in all namespaces, registers runners and reconciles their managers.\n\n"
          "  --kubeconfig FILE        how to reach the cluster (default: $KUBECONFIG, in-cluster, ~/.kube/config)\n"
          "  --context NAME           a context of the kubeconfig\n"
          "  --listen ADDRESS:PORT    /healthz, /readyz, /metrics (default: :8080)\n"
          "  --manager-image IMAGE    where spec.manager.image is not given (default: " DEFAULT_MANAGER_IMAGE ")\n"
          "  --log-level LEVEL        error, warn, info, debug (default: info)\n"
          "  --log-format FORMAT      json, text (default: json)\n"
          "  --help\n\n"
          "SIGTERM finishes what is in flight and exits with 0; a second one exits at once.\n",
          out);
}

static bool wrong(const char *option, const char *value, const char *must)
{
    fprintf(stderr, "run: --%s %s: must be %s\n", option, value, must);
    return false;
}

/* ADDRESS:PORT, an IPv6 address in brackets; without an address, all of them. */
static bool listen_parse(const char *text, struct options *o)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long port = colon && isdigit((unsigned char)colon[1]) ? strtol(colon + 1, &end, 10) : 0;

    if (port < 1 || port > UINT16_MAX || *end || (size_t)(colon - text) >= sizeof(o->address))
        return wrong("listen", text, "ADDRESS:PORT or :PORT");
    bool bracketed = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    snprintf(o->address, sizeof(o->address), "%.*s", (int)(colon - text) - 2 * bracketed, text + bracketed);
    o->port = (int)port;
    return true;
}

/* False when it is wrong, which has been said. */
static bool option_parse(int opt, const char *value, struct options *o)
{
    switch (opt) {
    case 'k':
        o->kubeconfig = value;
        return true;
    case 'c':
        o->context = value;
        return true;
    case 'm':
        o->shop.render.manager_image = value;
        return true;
    case 'l':
        return listen_parse(value, o);
    case 'v':
        return log_level_parse(value, &o->level) || wrong("log-level", value, "error, warn, info or debug");
    case 'f':
        o->json = strcmp(value, "json") == 0;
        return o->json || strcmp(value, "text") == 0 || wrong("log-format", value, "json or text");
    default:
        return false;
    }
}

/* EXIT_OK or EXIT_USAGE to end with, -1 to go on. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"kubeconfig", required_argument, NULL, 'k'},
        {"context", required_argument, NULL, 'c'},
        {"listen", required_argument, NULL, 'l'},
        {"manager-image", required_argument, NULL, 'm'},
        {"log-level", required_argument, NULL, 'v'},
        {"log-format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };

    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 'h')
            return usage(stdout), EXIT_OK;
        if (!option_parse(opt, optarg, o))
            return usage(stderr), EXIT_USAGE;
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "run: %s is not an option\n", argv[optind]);
    return usage(stderr), EXIT_USAGE;
}

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

static bool start(struct process *p, const struct options *o, struct err *err)
{
    if (!kube_config_load(&p->config, o->kubeconfig, o->context, err))
        return false;
    p->loop = loop_create();
    loop_on_stop_signal(p->loop, on_stop_signal, p); /* early: PID 1 of a container is deaf to it until then */
    p->http = http_create(p->loop, "gitlab-runner-controller");
    p->client = kube_client_create(p->loop, p->http, &p->config);
    p->gitlab = gitlab_create(p->http);
    struct workshop shop = o->shop;
    shop.loop = p->loop;
    shop.client = p->client;
    shop.gitlab = p->gitlab;
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
    char host[256] = "unknown";
    gethostname(host, sizeof(host) - 1);
    struct options o = {.port = 8080,
                        .level = LOG_INFO,
                        .json = true,
                        .shop = {.render = {.manager_image = DEFAULT_MANAGER_IMAGE}, .instance = host}};
    int code = parse(argc, argv, &o);
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
