#include "plugin/runner_watch.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/watch.h"
#include "operator/kinds.h"
#include "plugin/command.h"
#include "plugin/session.h"
#include "runner/job_pods.h"

enum { JOBS_NAMESPACES_MAX = 16, MOMENT_MS = 100 };

/* The job pods of a namespace, or of all. */
struct jobs_watch {
    struct runner_watch *whole;
    char *ns; /* NULL: all */
    struct watch *watch;
    struct map pods; /* "ns/name" → struct watched_pod */
};

struct watched_pod {
    char *label; /* NULL: not live */
    bool listed;
};

struct runner_watch {
    struct plugin_call *call;
    struct kube_resource runners_kind;
    struct watch *watch;
    struct map runners; /* "ns/name" → struct watched_runner */
    struct jobs_watch *jobs[JOBS_NAMESPACES_MAX];
    size_t jobs_len;
    bool changed, too_many;
};

static void tell_change(struct runner_watch *w)
{
    w->changed = true;
    session_wake(w->call->session);
}

static const char *place_of_object(struct json_object *object, struct arena *a)
{
    return arena_printf(a, "%s/%s", json_str_or(object, "metadata.namespace", ""),
                        json_str_or(object, "metadata.name", ""));
}

static void ignore_version(void *arg, const char *version)
{
    (void)arg, (void)version;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Runners */

static void on_runners_begin(void *arg)
{
    struct runner_watch *w = arg;
    struct watched_runner *runner;

    for (size_t i = 0; (runner = runner_watch_next(w, &i));)
        runner->listed = false;
}

static void on_watched_runner(void *arg, enum watch_type type, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    struct runner_watch *w = arg;
    const char *place = place_of_object(object, &a);
    struct watched_runner *runner = map_get(&w->runners, place);

    if (!runner) {
        runner = mem_alloc(sizeof(*runner));
        map_set(&w->runners, place, runner);
    }
    json_put_ptr(&runner->object);
    runner->object = json_ref(object);
    runner->listed = true;
    runner->gone = type == WATCH_DELETED;
    tell_change(w);
}

static void on_runners_end(void *arg, const char *version)
{
    struct runner_watch *w = arg;
    struct watched_runner *runner;

    (void)version;
    for (size_t i = 0; (runner = runner_watch_next(w, &i));)
        runner->gone |= !runner->listed;
    tell_change(w);
}

struct watched_runner *runner_watch_next(struct runner_watch *w, size_t *i)
{
    const char *place;
    void *runner;

    return map_iter(&w->runners, i, &place, &runner) ? runner : NULL;
}

static void free_runner(struct watched_runner *runner)
{
    json_put_ptr(&runner->object);
    free(runner->shown);
    free(runner->version);
    free(runner);
}

void runner_watch_forget_gone(struct runner_watch *w)
{
    const char *place;
    void *value;

    for (size_t i = 0; map_iter(&w->runners, &i, &place, &value);) {
        if (!((struct watched_runner *)value)->gone)
            continue;
        map_remove(&w->runners, place);
        free_runner(value);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Jobs */

static void on_pods_begin(void *arg)
{
    struct jobs_watch *jobs = arg;
    const char *place;
    void *pod;

    for (size_t i = 0; map_iter(&jobs->pods, &i, &place, &pod);)
        ((struct watched_pod *)pod)->listed = false;
}

static void on_pod(void *arg, enum watch_type type, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    struct jobs_watch *jobs = arg;
    const char *place = place_of_object(object, &a), *label = job_pod_runner(object);
    struct watched_pod *pod = map_get(&jobs->pods, place);

    if (!pod) {
        pod = mem_alloc(sizeof(*pod));
        map_set(&jobs->pods, place, pod);
    }
    free(take(pod->label));
    pod->listed = type != WATCH_DELETED;
    if (pod->listed && label && job_pod_is_live(object))
        pod->label = mem_strdup(label);
    tell_change(jobs->whole);
}

static void drop_pods(struct jobs_watch *jobs, bool all)
{
    const char *place;
    void *value;

    for (size_t i = 0; map_iter(&jobs->pods, &i, &place, &value);) {
        struct watched_pod *pod = value;
        if (pod->listed && !all)
            continue;
        map_remove(&jobs->pods, place);
        free(pod->label);
        free(pod);
    }
}

static void on_pods_end(void *arg, const char *version)
{
    struct jobs_watch *jobs = arg;

    (void)version;
    drop_pods(jobs, false);
    tell_change(jobs->whole);
}

static void add_jobs_watch(struct runner_watch *w, const char *ns)
{
    static const struct kube_resource pods = {"Pod", "v1", "pods", true, false, "spec", NULL, NULL};
    struct jobs_watch *jobs = mem_alloc(sizeof(*jobs));
    const struct watch_handler handler = {on_pods_begin, on_pod, NULL, on_pods_end, ignore_version, jobs};

    *jobs = (struct jobs_watch){.whole = w, .ns = ns ? mem_strdup(ns) : NULL};
    assert(w->jobs_len < JOBS_NAMESPACES_MAX);
    jobs->watch = watch_create(session_loop(w->call->session), session_client(w->call->session), &pods, ns,
                               LABEL_JOB_POD, &handler);
    w->jobs[w->jobs_len++] = jobs;
    watch_start(jobs->watch);
}

void runner_watch_jobs(struct runner_watch *w, const char *ns)
{
    for (size_t i = 0; i < w->jobs_len; i++)
        if (!w->jobs[i]->ns || strcmp(w->jobs[i]->ns, ns) == 0)
            return;
    w->too_many |= w->jobs_len == JOBS_NAMESPACES_MAX;
    if (!w->too_many)
        add_jobs_watch(w, ns);
}

static void count_jobs(const struct jobs_watch *jobs, struct job_counts *ret)
{
    const char *place;
    void *pod;

    for (size_t i = 0; map_iter(&jobs->pods, &i, &place, &pod);)
        if (((struct watched_pod *)pod)->label)
            job_counts_add(ret, ((struct watched_pod *)pod)->label);
}

bool runner_watch_count(const struct runner_watch *w, struct job_counts *ret)
{
    bool seen = !w->too_many;

    for (size_t i = 0; i < w->jobs_len; i++) {
        seen &= watch_synced(w->jobs[i]->watch);
        count_jobs(w->jobs[i], ret);
    }
    return seen;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

struct runner_watch *runner_watch_create(struct plugin_call *call)
{
    struct runner_watch *w = mem_alloc(sizeof(*w));
    const struct watch_handler handler = {on_runners_begin, on_watched_runner, NULL, on_runners_end, ignore_version, w};
    const char *ns = session_namespace(call->session);

    *w = (struct runner_watch){.call = call, .runners_kind = *kind_resource(KIND_RUNNER)};
    w->runners_kind.as_text = NULL; /* all of it is shown */
    w->watch = watch_create(session_loop(call->session), session_client(call->session), &w->runners_kind, ns,
                            call->options->selector, &handler);
    watch_start(w->watch);
    if (!ns)
        add_jobs_watch(w, NULL);
    return w;
}

void runner_watch_destroy(struct runner_watch *w)
{
    struct watched_runner *runner;

    watch_destroy(w->watch);
    for (size_t i = 0; i < w->jobs_len; i++) {
        watch_destroy(w->jobs[i]->watch);
        drop_pods(w->jobs[i], true);
        map_finish(&w->jobs[i]->pods);
        free(w->jobs[i]->ns);
        free(w->jobs[i]);
    }
    for (size_t i = 0; (runner = runner_watch_next(w, &i));)
        free_runner(runner);
    map_finish(&w->runners);
    free(w);
}

bool runner_watch_wait(struct runner_watch *w, int64_t ms)
{
    if (!w->changed)
        session_sleep(w->call->session, ms);
    if (!w->changed)
        return false;
    for (int i = 0; i < 3 && w->changed; i++) { /* a burst is one change */
        w->changed = false;
        session_sleep(w->call->session, MOMENT_MS);
    }
    w->changed = false;
    return true;
}

bool runner_watch_synced(const struct runner_watch *w)
{
    return watch_synced(w->watch);
}

const char *runner_watch_problem(const struct runner_watch *w)
{
    const char *problem = watch_problem(w->watch);

    for (size_t i = 0; i < w->jobs_len && !*problem; i++)
        problem = watch_problem(w->jobs[i]->watch);
    return problem;
}
