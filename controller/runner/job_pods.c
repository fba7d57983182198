#include "runner/job_pods.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"

enum { LABEL_MAX = 63, CONCURRENT = 10, REPLICAS = 1 }; /* the last two: the CRD's defaults */

/* ---------------------------------------------------------------------------------------------------------------------
 * Whose it is */

static bool is_edge(char c)
{
    return c == '-' || c == '_' || c == '.';
}

/* sanitizeLabel() of executors/kubernetes/util.go; of names of objects, which are ASCII. */
static char *as_label(char *text)
{
    for (char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !is_edge(*c))
            *c = '_';
    text += strspn(text, "-_.");
    if (strlen(text) > LABEL_MAX)
        text[LABEL_MAX] = '\0';
    for (size_t len = strlen(text); len && is_edge(text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

const char *job_pods_label(const char *ns, const char *name, struct arena *a)
{
    return as_label(arena_printf(a, "%s/%s", ns, name));
}

static const char *label_of(struct json_object *pod, const char *key)
{
    struct json_object *value = json_member(json_get(pod, "metadata.labels"), key);

    return *json_string(value) ? json_string(value) : NULL;
}

const char *job_pod_runner(struct json_object *pod)
{
    return label_of(pod, LABEL_JOB_POD) ? label_of(pod, LABEL_JOB_RUNNER) : NULL;
}

bool job_pod_is_live(struct json_object *pod)
{
    const char *phase = json_str_or(pod, "status.phase", "");

    return !json_str(pod, "metadata.deletionTimestamp") && strcmp(phase, "Succeeded") != 0 &&
           strcmp(phase, "Failed") != 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What it runs */

static const char *note_of(struct json_object *pod, const char *key)
{
    return json_string(json_member(json_get(pod, "metadata.annotations"), key));
}

/* What stands between host and "/-/jobs/" of the job's URL; else the project's number. */
static const char *project_of(struct json_object *pod, struct arena *a)
{
    const char *host = strstr(note_of(pod, "job.runner.gitlab.com/url"), "://");
    const char *path = host ? strchr(host + 3, '/') : NULL, *end = path ? strstr(path, "/-/jobs/") : NULL;

    return end ? arena_strndup(a, path + 1, (size_t)(end - path) - 1) : note_of(pod, "project.runner.gitlab.com/id");
}

/* gitlab-runner gives the job's public variables to its container. */
static const char *job_variable(struct json_object *pod, const char *name)
{
    struct json_object *containers = json_get(pod, "spec.containers");

    for (size_t c = 0; c < json_len(containers); c++) {
        struct json_object *env = json_member(json_at(containers, c), "env");
        for (size_t i = 0; i < json_len(env); i++)
            if (strcmp(json_str_or(json_at(env, i), "name", ""), name) == 0)
                return json_str_or(json_at(env, i), "value", "");
    }
    return "";
}

/* Why a container does not run yet; "": none waits. */
static const char *waiting_of(struct json_object *pod, const char *member)
{
    struct json_object *statuses = json_member(json_get(pod, "status"), member);

    for (size_t i = 0; i < json_len(statuses); i++) {
        const char *reason = json_str_or(json_at(statuses, i), "state.waiting.reason", "");
        if (*reason && strcmp(reason, "ContainerCreating") != 0 && strcmp(reason, "PodInitializing") != 0)
            return reason;
    }
    return "";
}

static const char *unscheduled_of(struct json_object *pod)
{
    struct json_object *conditions = json_get(pod, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++)
        if (strcmp(json_str_or(json_at(conditions, i), "type", ""), "PodScheduled") == 0 &&
            strcmp(json_str_or(json_at(conditions, i), "status", ""), "False") == 0)
            return json_str_or(json_at(conditions, i), "reason", "");
    return "";
}

static const char *state_of(struct json_object *pod, struct arena *a)
{
    const char *reasons[] = {waiting_of(pod, "initContainerStatuses"), waiting_of(pod, "containerStatuses"),
                             unscheduled_of(pod)};
    char *phase = arena_strdup(a, json_str_or(pod, "status.phase", ""));

    if (json_str(pod, "metadata.deletionTimestamp"))
        return "ending";
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (*reasons[i])
            return reasons[i];
    *phase = (char)tolower((unsigned char)*phase);
    return phase;
}

struct job job_of_pod(struct json_object *pod, struct arena *a)
{
    return (struct job){
        .id = note_of(pod, "job.runner.gitlab.com/id"),
        .project = project_of(pod, a),
        .name = note_of(pod, "job.runner.gitlab.com/name"),
        .stage = job_variable(pod, "CI_JOB_STAGE"),
        .ref = note_of(pod, "job.runner.gitlab.com/ref"),
        .url = note_of(pod, "job.runner.gitlab.com/url"),
        .state = state_of(pod, a),
        .pod = json_str_or(pod, "metadata.name", ""),
        .ns = json_str_or(pod, "metadata.namespace", ""),
        .node = json_str_or(pod, "spec.nodeName", ""),
        .since = time_parse(json_str(pod, "metadata.creationTimestamp")),
    };
}

int64_t job_capacity(struct json_object *spec)
{
    int64_t concurrent = json_int_or(spec, "concurrent", CONCURRENT),
            limit = json_int_or(spec, "config.runners.limit", 0);
    int64_t replicas = json_int_or(spec, "manager.replicas", REPLICAS);
    int64_t each = limit > 0 && limit < concurrent ? limit : concurrent;

    return each > 0 && replicas >= 0 && each < INT32_MAX && replicas < INT32_MAX ? each * replicas : -1;
}
