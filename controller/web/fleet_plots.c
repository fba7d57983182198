#include "web/fleet_plots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "gitlab/api.h"
#include "gitlab/gate.h"
#include "net/loop.h"

enum { SAMPLES = 60, MINUTE_MS = 60 * 1000, HOSTS_MAX = 8, HOST_SIZE = 128 };

struct sample {
    uint32_t time; /* 0: not taken yet */
    int32_t jobs;  /* -1: not known    */
    float p95_ms;  /* < 0: not known   */
};

struct plotted_host {
    char name[HOST_SIZE];
    int64_t called_ms; /* the last time           */
    uint16_t calls[SAMPLES];
    uint16_t now; /* in this minute          */
};

struct fleet_plots {
    const struct context *ctx;
    struct loop_timer *timer;
    struct sample samples[SAMPLES]; /* a ring: next is the oldest */
    size_t next;
    int64_t jobs;
    uint64_t reconciles[HISTOGRAM_MAX + 1]; /* as the histogram was at the last sample */
    struct plotted_host hosts[HOSTS_MAX];
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Samples */

/* The upper bound of the bucket in which the 95th of 100 of the last minute is, in milliseconds. */
static float p95_of(struct fleet_plots *plots, const struct histogram *h)
{
    uint64_t new[HISTOGRAM_MAX + 1], all = 0, below = 0;
    size_t i = 0;

    for (size_t b = 0; b <= h->buckets->len; b++) {
        new[b] = h->counts[b] - plots->reconciles[b];
        all += new[b];
        plots->reconciles[b] = h->counts[b];
    }
    if (all == 0)
        return -1;
    while (i + 1 < h->buckets->len && (below += new[i]) * 100 < all * 95)
        i++;
    return (float)(h->buckets->bounds[i] * 1000);
}

static void take_sample(void *arg)
{
    struct fleet_plots *plots = arg;
    size_t at = plots->next;

    plots->samples[at] = (struct sample){
        .time = (uint32_t)loop_wall(plots->ctx->loop),
        .jobs = (int32_t)plots->jobs,
        .p95_ms = p95_of(plots, &plots->ctx->stats->reconcile_seconds),
    };
    for (size_t i = 0; i < HOSTS_MAX; i++) {
        plots->hosts[i].calls[at] = plots->hosts[i].now;
        plots->hosts[i].now = 0;
    }
    plots->jobs = -1;
    plots->next = (at + 1) % SAMPLES;
    loop_timer_set(plots->timer, MINUTE_MS);
}

void fleet_plots_note_jobs(struct fleet_plots *plots, int64_t jobs)
{
    plots->jobs = jobs > INT32_MAX ? INT32_MAX : jobs;
}

/* Its own, or the one that was not called for longest. */
static struct plotted_host *host_for(struct fleet_plots *plots, const char *name)
{
    struct plotted_host *oldest = plots->hosts;

    for (struct plotted_host *host = plots->hosts; host < plots->hosts + HOSTS_MAX; host++) {
        if (strncmp(host->name, name, HOST_SIZE - 1) == 0)
            return host;
        if (host->called_ms < oldest->called_ms)
            oldest = host;
    }
    *oldest = (struct plotted_host){.called_ms = 0};
    snprintf(oldest->name, HOST_SIZE, "%s", name);
    return oldest;
}

static void on_call(void *arg, const char *name)
{
    struct fleet_plots *plots = arg;
    struct plotted_host *host = host_for(plots, name);

    host->called_ms = loop_now(plots->ctx->loop);
    if (host->now < UINT16_MAX)
        host->now++;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * As JSON */

static void add_point(struct json_object *series, uint32_t time, bool known, int64_t value)
{
    struct json_object *point = json_build("[]");

    json_append(point, json_build("%d", (int64_t)time));
    json_append(point, known ? json_build("%d", value) : NULL);
    json_append(series, point);
}

/* "https://gitlab.test at 10.0.0.1" is shown as gitlab.test, as rows have it. */
static void shown_host(const char *name, char ret[static HOST_SIZE])
{
    const char *at = strstr(name, "://"), *host = at ? at + 3 : name;

    snprintf(ret, HOST_SIZE, "%.*s", (int)strcspn(host, " /"), host);
}

static const struct gate_sight *sight_of_host(const struct gate_sight *sights, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (strncmp(sights[i].name, name, HOST_SIZE - 1) == 0)
            return &sights[i];
    return NULL;
}

static struct json_object *plotted_json(const struct fleet_plots *plots, const struct plotted_host *host,
                                        const char *shown, const struct gate_sight *sight)
{
    const struct host *fares = sight ? sight->transport : NULL;
    int64_t left = fares ? fares->open_until_ms - loop_now(plots->ctx->loop) : 0;
    struct json_object *json = json_build("{host: %s}", shown), *calls = json_build("[]");

    for (size_t i = 0; i < SAMPLES; i++)
        if (plots->samples[(plots->next + i) % SAMPLES].time)
            json_append(calls, json_build("%d", (int64_t)host->calls[(plots->next + i) % SAMPLES]));
    json_set(json, "calls_per_minute", calls);
    json_set_str(json, "breaker", host_state_name(fares ? fares->state : HOST_CLOSED));
    json_set(json, "retry_in",
             fares && fares->state == HOST_OPEN ? json_build("%d", left > 0 ? (left + 999) / 1000 : 0) : NULL);
    return json;
}

/* Of all samples, the oldest first. */
static struct json_object *jobs_series(const struct fleet_plots *plots)
{
    struct json_object *jobs = json_build("[]");

    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &plots->samples[(plots->next + i) % SAMPLES];
        if (s->time)
            add_point(jobs, s->time, s->jobs >= 0, s->jobs);
    }
    return jobs;
}

static struct json_object *plots_json(const struct fleet_plots *plots, struct json_object *jobs,
                                      bool (*shows)(void *arg, const char *host), void *arg)
{
    struct json_object *reconcile = json_build("[]"), *hosts = json_build("[]");
    struct gate_sight sights[GATE_SIGHTS + 1];
    size_t len = gitlab_sights(plots->ctx->gitlab, sights);
    char shown[HOST_SIZE];

    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &plots->samples[(plots->next + i) % SAMPLES];
        if (s->time)
            add_point(reconcile, s->time, s->p95_ms >= 0, (int64_t)s->p95_ms);
    }
    for (const struct plotted_host *host = plots->hosts; host < plots->hosts + HOSTS_MAX; host++) {
        shown_host(host->name, shown);
        if (*shown && (!shows || shows(arg, shown)))
            json_append(hosts, plotted_json(plots, host, shown, sight_of_host(sights, len, host->name)));
    }
    return json_build("{jobs: %o, reconcile: %o, hosts: %o}", jobs, reconcile, hosts);
}

struct json_object *fleet_plots_json(const struct fleet_plots *plots)
{
    return plots_json(plots, jobs_series(plots), NULL, NULL);
}

struct json_object *fleet_plots_of_some(const struct fleet_plots *plots, int64_t jobs,
                                        bool (*shows)(void *arg, const char *host), void *arg)
{
    struct json_object *now = json_build("[]");

    add_point(now, (uint32_t)loop_wall(plots->ctx->loop), jobs >= 0, jobs);
    return plots_json(plots, now, shows, arg);
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct fleet_plots *fleet_plots_create(const struct context *ctx)
{
    struct fleet_plots *plots = mem_alloc(sizeof(*plots));

    *plots = (struct fleet_plots){.ctx = ctx, .jobs = -1};
    plots->timer = loop_timer_create(ctx->loop, take_sample, plots);
    loop_timer_set(plots->timer, MINUTE_MS);
    gitlab_follow(ctx->gitlab, on_call, plots);
    return plots;
}

void fleet_plots_destroy(struct fleet_plots *plots)
{
    gitlab_follow(plots->ctx->gitlab, NULL, NULL);
    loop_timer_destroy(plots->timer);
    free(plots);
}
