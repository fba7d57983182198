/* Whose job a pod runs, and which. gitlab-runner itself writes it on each pod: labels and annotations of the
 * domain runner.gitlab.com (executors/kubernetes/kubernetes.go, buildLabels() and buildPodAnnotations()). The runner's
 * name there is runners.name of config.toml, which the operator sets to "NAMESPACE/NAME" of the object. */
#ifndef RUNNER_JOB_PODS_H
#define RUNNER_JOB_PODS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct json_object;

/* Label of each job's pod, and of no other (not of the autoscaler's pause pods). */
#define LABEL_JOB_POD "job.runner.gitlab.com/pod"
/* Label with the runner's name. */
#define LABEL_JOB_RUNNER "manager.runner.gitlab.com/name"

/* What lists the pods of jobs that have not ended, as a query; with KUBE_AS_METADATA() it is cheap. Those of one runner
 * have the label too: "labelSelector=" LABEL_JOB_RUNNER "=" and job_pods_label(), percent-escaped. */
#define JOB_PODS_QUERY                                                                                                 \
    "labelSelector=job.runner.gitlab.com%2Fpod&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed"

/* The value of LABEL_JOB_RUNNER on the pods of this runner's jobs: "ci/builds" as a label's value, "ci_builds". Names
 * are cut to 63 characters: two long ones may have the same, and then nothing tells whose a pod is. The arena owns it.
 */
const char *job_pods_label(const char *ns, const char *name, struct arena *a);
/* The label's value on this pod, lent; NULL: it is no job's pod, or that of a gitlab-runner that sets no such label. */
const char *job_pod_runner(struct json_object *pod);
/* It runs a job, or will: it has not ended, and nobody has deleted it. Of metadata alone only the latter is known. */
bool job_pod_is_live(struct json_object *pod);

/* A job as its pod tells of it: texts of the job's owner, so anything. Lent by the pod or the arena; "": not told. */
struct job {
    const char *id;      /* at GitLab: "8812"                                              */
    const char *project; /* "group/project"                                                */
    const char *name, *stage, *ref, *url;
    const char *state; /* "running", "pending", "ending", or what it waits for: "ImagePullBackOff" */
    const char *pod, *ns, *node;
    int64_t since; /* when the pod was made, seconds since 1970; -1: unknown */
};

struct job job_of_pod(struct json_object *pod, struct arena *a);

/* How many jobs all managers of a runner may run at once; spec: of the object, not yet checked. -1: without a limit
 * that can be told. */
int64_t job_capacity(struct json_object *spec);

#endif
