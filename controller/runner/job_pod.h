/* The pod that gitlab-runner makes of a job, as far as its security goes and the runner's own settings decide:
 * containers, security contexts, volumes, lifecycle hooks. A job that brings services is taken for granted. What
 * `pod_spec` would patch is not in it. Source: executors/kubernetes/kubernetes.go and GetContainerSecurityContext() in
 * common/config.go. */
#ifndef RUNNER_JOB_POD_H
#define RUNNER_JOB_POD_H

#include <stdbool.h>

struct arena;
struct json_object;

/* A Pod in the shape of the API server's, from [[runners]] of config.toml's tree (render_config_tree()); the arena owns
 * it. */
struct json_object *job_pod(struct json_object *runner, struct arena *a);

/* Which table of [runners.kubernetes] the security context of a container of that pod is made from:
 * "build_container_security_context", …; "" for a container that is none of ours. */
const char *job_container_context(const char *container);

/* Whether a feature flag is on for jobs that do not say: by feature_flags of [[runners]], else by its environment, else
 * by gitlab-runner's default, which the caller knows. */
bool job_flag(struct json_object *runner, const char *name, bool by_default);

#endif
