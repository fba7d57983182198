/* What a manager may do among its jobs, by what the spec asks of gitlab-runner.
 *
 * What every job needs is EXECUTOR_CLUSTER_ROLE; some settings of config.toml need more, each a role of its own
 * (runner/features.h, generated from gitlab-runner's source, as manifests/base/executor.yaml is). A role is bound in
 * the namespace of the jobs only where the spec asks for it. */
#ifndef RUNNER_RIGHTS_H
#define RUNNER_RIGHTS_H

#include "runner/features.h"
#include "runner/spec.h"

/* Whether the spec switches it on: by its key in spec.config, or, a feature flag that is not there, by spec.environment
 * (common/build_settings.go, populateFeatureFlags). A job that sets such a flag by itself is not heard of. */
bool feature_is_wanted(enum feature feature, const struct spec *spec);
/* The name of its ClusterRole. */
const char *feature_role(enum feature feature, struct arena *a);

#endif
