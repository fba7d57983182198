/* The pods that tell how far it is: of jobs, and of managers. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/time.h"
#include "plugin/session.h"
#include "plugin/steer.h"
#include "runner/job_pods.h"

enum { JOBS_NAMED = 10 };

/* NULL: they may not be seen, which is noted; or not at this moment. */
static struct json_object *pods_at(struct steer *s, const char *ns, const char *query, const char *what,
                                   struct arena *a)
{
    struct err err = {0};
    struct json_object *pods = session_list(
        s->call->session, arena_printf(a, "/api/v1/namespaces/%s/pods?%s", percent_escaped(ns, a), query), a, &err);

    if (!pods && is_forbidden(&err))
        not_seen(s->call, what, arena_printf(s->call->a, "list pods in %s", ns));
    return pods;
}

static const char *with_job(const char *text, const struct job *job, int64_t now, struct arena *a)
{
    const char *age = job->since >= 0 ? age_text(now - job->since, a) : "?";

    return arena_printf(a, "%s%s %s %s %s", text, *text ? "," : "", *job->id ? job->id : job->pod,
                        *job->name ? job->name : "?", age);
}

const char *steer_jobs(struct steer *s, const struct steered *r, int64_t *ret_count, struct arena *a)
{
    const char *ns = json_str_or(r->before, "spec.namespace", r->ns), *label = job_pods_label(r->ns, r->name, a),
               *named = "";
    struct json_object *pods = pods_at(s, ns, JOB_PODS_QUERY, "jobs", a);
    int64_t now = session_now(s->call->session), count = 0;

    *ret_count = -1;
    s->key = "";
    if (!pods)
        return "? jobs";
    for (size_t i = 0; i < json_len(pods); i++) {
        const char *of = job_pod_runner(json_at(pods, i));
        if (!of || strcmp(of, label) != 0)
            continue;
        const struct job job = job_of_pod(json_at(pods, i), a);
        if (count++ < JOBS_NAMED)
            named = with_job(named, &job, now, a);
        s->key = arena_printf(a, "%s %s", s->key, job.pod);
    }
    *ret_count = count;
    const char *more = count > JOBS_NAMED ? ", …" : "";
    if (count == 0)
        return "no jobs";
    return arena_printf(a, "%lld job%s:%s%s", (long long)count, count == 1 ? "" : "s", named, more);
}

struct json_object *steer_managers(struct steer *s, const struct steered *r, struct arena *a)
{
    const char *selector = json_str(r->before, "status.selector");

    if (!selector)
        return NULL;
    return pods_at(s, r->ns, arena_printf(a, "labelSelector=%s", percent_escaped(selector, a)), "pods of managers", a);
}
