#include "web/fleet_jobs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/client.h"
#include "net/loop.h"
#include "runner/job_pods.h"
#include "runner/namespaces.h"
#include "web/fleet_list.h"

enum { COUNT_MS = 10 * 1000, PAGES_MAX = 20, KEY_SIZE = 64 + 64 + 2, LABEL_LEN = 63 };

struct fleet_jobs {
    const struct context *ctx;
    void (*counted)(void *arg, struct fleet_counts *counts);
    void *arg;
    struct loop_timer *timer;
    struct fleet_list *list;
    struct fleet_counts counts; /* so far */
    const char *rest;           /* of the namespaces that are served; NULL: they are all listed at once */
};

static const struct kube_resource pods = {.kind = "Pod", .api_version = "v1", .plural = "pods", .namespaced = true};

static const struct json_keep pod_keeps[] = {
    {{"metadata", "namespace"}, 128, false},
    {{"metadata", "deletionTimestamp"}, 64, false},
    {{"metadata", "labels"}, 4 << 10, false},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Counts: a value of the map is the number itself */

int32_t fleet_counts_of(const struct fleet_counts *counts, const char *jobs_ns, const char *ns, const char *name)
{
    cleanup_arena struct arena a = {0};
    char key[KEY_SIZE];

    if (!counts->known || strlen(ns) + 1 + strlen(name) > LABEL_LEN) /* another's may be cut to the same */
        return -1;
    snprintf(key, sizeof(key), "%s/%s", jobs_ns, job_pods_label(ns, name, &a));
    return (int32_t)(intptr_t)map_get(&counts->by_runner, key);
}

void fleet_counts_finish(struct fleet_counts *counts)
{
    map_finish(&counts->by_runner);
    *counts = (struct fleet_counts){.known = false};
}

static void count_pod(void *arg, struct json_object *pod)
{
    struct fleet_jobs *jobs = arg;
    const char *runner = job_pod_is_live(pod) ? job_pod_runner(pod) : NULL;
    char key[KEY_SIZE];

    if (!runner || snprintf(key, sizeof(key), "%s/%s", json_str_or(pod, "metadata.namespace", ""), runner) >= KEY_SIZE)
        return;
    intptr_t count = (intptr_t)map_get(&jobs->counts.by_runner, key);
    map_set(&jobs->counts.by_runner, key, (void *)(count + 1));
    jobs->counts.all++;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

static void on_listed(void *arg, bool read, bool whole);

static void list_pods(struct fleet_jobs *jobs)
{
    cleanup_arena struct arena a = {0};
    char ns[NAMESPACE_SIZE];
    bool some = jobs->rest != NULL;

    if (some)
        namespaces_next(&jobs->rest, ns);
    const struct fleet_list_want want = {
        .path = arena_printf(&a, "%s?limit=500&%s", kube_path(&pods, some ? ns : NULL, NULL, NULL, &a), JOB_PODS_QUERY),
        .accept = KUBE_AS_METADATA("List"),
        .keeps = pod_keeps,
        .keeps_len = ARRAY_LEN(pod_keeps),
        .pages_max = PAGES_MAX,
        .each = count_pod,
        .done = on_listed,
        .arg = jobs,
    };
    jobs->list = fleet_list_start(jobs->ctx->client, &want);
}

static void on_listed(void *arg, bool read, bool whole)
{
    struct fleet_jobs *jobs = arg;
    bool seen = read && whole;

    jobs->list = NULL;
    if (seen && jobs->rest && *jobs->rest) {
        list_pods(jobs);
        return;
    }
    jobs->counts.known = seen;
    jobs->counted(jobs->arg, &jobs->counts);
    fleet_counts_finish(&jobs->counts);
    loop_timer_set(jobs->timer, COUNT_MS);
}

static void begin_count(void *arg)
{
    struct fleet_jobs *jobs = arg;

    jobs->rest = jobs->ctx->render.namespaces;
    list_pods(jobs);
}

struct fleet_jobs *fleet_jobs_create(const struct context *ctx, void (*counted)(void *arg, struct fleet_counts *counts),
                                     void *arg)
{
    struct fleet_jobs *jobs = mem_alloc(sizeof(*jobs));

    *jobs = (struct fleet_jobs){.ctx = ctx, .counted = counted, .arg = arg};
    jobs->timer = loop_timer_create(ctx->loop, begin_count, jobs);
    begin_count(jobs);
    return jobs;
}

void fleet_jobs_destroy(struct fleet_jobs *jobs)
{
    if (!jobs)
        return;
    fleet_list_cancel(jobs->list);
    fleet_counts_finish(&jobs->counts);
    loop_timer_destroy(jobs->timer);
    free(jobs);
}
