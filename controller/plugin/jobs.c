/* `jobs`: what runs, by the pods that gitlab-runner makes of jobs. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "plugin/beside.h"
#include "plugin/find.h"
#include "plugin/output.h"
#include "plugin/runner_row.h"
#include "plugin/session.h"
#include "plugin/table.h"
#include "runner/job_pods.h"

struct shown_job {
    struct job job;
    const char *runner; /* "ci/builds" */
};

static const char *runner_of_pod(struct json_object *pod, const struct runner_row *rows, size_t len, struct arena *a)
{
    const char *label = job_pod_runner(pod);

    for (size_t i = 0; i < len; i++)
        if (strcmp(job_pods_label(rows[i].ns, rows[i].name, a), label) == 0)
            return arena_printf(a, "%s/%s", rows[i].ns, rows[i].name);
    return "?";
}

/* The oldest first, as those who wait for the last one want it. */
static int compare_jobs(const void *one, const void *other)
{
    const struct shown_job *a = one, *b = other;

    return a->job.since != b->job.since ? (a->job.since < b->job.since ? -1 : 1) : strcmp(a->job.pod, b->job.pod);
}

static const char *or_nothing(const char *text)
{
    return *text ? text : NULL;
}

static struct json_object *job_tree(const struct shown_job *shown, struct arena *a)
{
    const struct job *job = &shown->job;

    return json_build("{id: %s, runner: %s, project: %s, stage: %s, name: %s, ref: %s, url: %s, state: %s, pod: %s, "
                      "namespace: %s, node: %s, since: %s}",
                      or_nothing(job->id), shown->runner, or_nothing(job->project), or_nothing(job->stage),
                      or_nothing(job->name), or_nothing(job->ref), or_nothing(job->url), or_nothing(job->state),
                      job->pod, job->ns, or_nothing(job->node), job->since > 0 ? time_format(job->since, a) : NULL);
}

static void print_jobs_as_data(struct plugin_call *call, const struct shown_job *jobs, size_t len)
{
    struct json_object *items = json_object_new_array();

    for (size_t i = 0; i < len; i++)
        json_append(items, job_tree(&jobs[i], call->a));
    output_tree(arena_json(call->a, json_build("{apiVersion: v1, kind: List, items: %o}", items)),
                (enum plugin_output)call->options->output);
}

static const char *or_unknown(const char *text)
{
    return *text ? text : "?";
}

static void add_job(struct table *t, const struct shown_job *shown, bool with_runner, int64_t now, struct arena *a)
{
    const struct job *job = &shown->job;
    bool runs = strcmp(job->state, "running") == 0;
    const char *texts[] = {shown->runner, job->id, job->project, job->stage, job->state, job->pod, job->node};

    table_row(t);
    for (size_t i = with_runner ? 0 : 1; i < ARRAY_LEN(texts); i++)
        table_cell(t, i == 6 ? texts[i] : or_unknown(texts[i]), i == 4 ? (runs ? TONE_GOOD : TONE_WARN) : TONE_PLAIN);
    table_cell(t, job->since > 0 ? age_text(now - job->since, a) : "?", TONE_PLAIN);
    table_cell(t, job->name, TONE_PLAIN);
    table_cell(t, job->ref, TONE_PLAIN);
    table_cell(t, job->ns, TONE_PLAIN);
}

static void print_job_table(struct plugin_call *call, const struct shown_job *jobs, size_t len)
{
    static const struct column columns[] = {
        {.name = "RUNNER", .flexible = true, .least = 12},     {.name = "JOB"},
        {.name = "PROJECT", .flexible = true, .least = 16},    {.name = "STAGE", .flexible = true},
        {.name = "STATE", .flexible = true, .least = 12},      {.name = "POD", .flexible = true, .least = 20},
        {.name = "NODE", .flexible = true, .rank = 1},         {.name = "AGE"},
        {.name = "NAME", .wide = true, .flexible = true},      {.name = "REF", .wide = true, .flexible = true},
        {.name = "NAMESPACE", .wide = true, .flexible = true},
    };
    const struct terminal terminal = terminal_of(stdout);
    bool with_runner = call->args_len != 1, wide = call->options->output == OUTPUT_WIDE;
    struct table *t = table_create(columns + !with_runner, ARRAY_LEN(columns) - !with_runner, call->a);

    for (size_t i = 0; i < len; i++)
        add_job(t, &jobs[i], with_runner, session_now(call->session), call->a);
    if (len)
        table_print(t, stdout, &terminal, (wide ? TABLE_WIDE : 0) | (call->options->no_headers ? TABLE_NO_HEADERS : 0));
    else
        fputs("No jobs run.\n", stderr);
}

static void print_jobs(struct plugin_call *call, const struct shown_job *jobs, size_t len)
{
    if (call->options->output == OUTPUT_NAME) {
        for (size_t i = 0; i < len; i++)
            printf("pod/%s\n", harmless(jobs[i].job.pod, call->a));
        return;
    }
    if (call->options->output > OUTPUT_WIDE)
        print_jobs_as_data(call, jobs, len);
    else
        print_job_table(call, jobs, len);
}

static enum plugin_exit run_jobs(struct plugin_call *call)
{
    enum plugin_exit code = EXIT_GOOD;
    struct json_object *items = find_runners(call, &code);
    struct runner_row *rows = arena_alloc(call->a, (json_len(items) + 1) * sizeof(*rows));

    if (!items || (!json_len(items) && code != EXIT_GOOD))
        return code;
    for (size_t i = 0; i < json_len(items); i++)
        rows[i] = runner_row_of(json_at(items, i), session_now(call->session), call->a);
    struct json_object *pods = beside_pods(call, rows, json_len(items));
    struct shown_job *jobs = arena_alloc(call->a, (json_len(pods) + 1) * sizeof(*jobs));
    for (size_t i = 0; i < json_len(pods); i++)
        jobs[i] = (struct shown_job){job_of_pod(json_at(pods, i), call->a),
                                     runner_of_pod(json_at(pods, i), rows, json_len(items), call->a)};
    qsort(jobs, json_len(pods), sizeof(*jobs), compare_jobs);
    if (pods || call->options->output > OUTPUT_WIDE)
        print_jobs(call, jobs, json_len(pods));
    return code;
}

const struct plugin_command jobs_command = {
    .name = "jobs",
    .args = "[NAME...]",
    .summary = "the jobs that run, with their pods and nodes",
    .about = "Lists the jobs that runners run, the oldest first, as the pods of the jobs tell of them.",
    .example = "jobs -n ci builds\njobs -A -o wide",
    .rights = "get gitlabrunners (without names: list), list pods where the jobs run",
    .takes = TAKES_ALL_NAMESPACES | TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = SIZE_MAX,
    .run = run_jobs,
};
