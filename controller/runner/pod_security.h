/* What the namespace of the jobs forbids of their pods: the Pod Security Standards, of Kubernetes 1.36. */
#ifndef RUNNER_POD_SECURITY_H
#define RUNNER_POD_SECURITY_H

#include <stddef.h>

struct arena;
struct json_object;
struct owner;
struct spec;

enum { POD_SECURITY_MAX = 40 }; /* cures that are told */

/* What has to be set or taken out so that the API server takes a job's pod: "set spec.config.… to true". */
struct cures {
    const char *texts[POD_SECURITY_MAX];
    size_t len;
};

/* spec.podSecurity ("Baseline", "Restricted"; NULL: not given): adds to the tree of [runners.kubernetes] the keys that
 * make jobs fit the level, where they are not given. Baseline adds none: gitlab-runner's own defaults fit it. */
void pod_security_grant(struct json_object *kubernetes, const char *level);

/* Judges the pod of a job (runner/job_pod.h) by the level that LABEL_POD_SECURITY of its namespace names; what is none
 * of Kubernetes' names is taken for "restricted", as the API server does, whatever the case. NULL: no label. Where
 * pod_spec has patches that are in force, only what is there is judged, not what is missing: a patch may bring it. */
void pod_security_judge(const struct spec *spec, struct json_object *runner, const char *level, struct cures *ret,
                        struct arena *a);

/* The strictest level that the pod of a job fits: "restricted", "baseline" or "privileged". */
const char *pod_security_level(const struct spec *spec, struct json_object *runner, struct arena *a);

/* Why every job's pod would be refused in a namespace that enforces this level, and all that has to be done about it;
 * NULL: it would not be. */
const char *pod_security_forbids(const struct owner *owner, const struct spec *spec, const char *level,
                                 struct arena *a);

#endif
