/* The features of gitlab-runner that need rights of their own. Generated from its source by hack/gitlab-runner/rights;
 * hack/generate writes it anew. */
#include "runner/features.h"

#include <stddef.h>

/* clang-format off */
const struct feature_facts feature_facts[FEATURE_COUNT] = {
    [FEATURE_AUTOSCALER] = {"autoscaler", "runners.kubernetes.autoscaler"},
    [FEATURE_POD_DISRUPTION_BUDGET] = {"pod-disruption-budget", "runners.kubernetes.pod_disruption_budget"},
    [FEATURE_SUSPENDABLE_ENVIRONMENTS] = {"suspendable-environments", "runners.feature_flags.FF_SUSPENDABLE_ENVIRONMENTS"},
};

const char *const settings_beyond[] = {
    "runners.kubernetes.autoscaler",
    "runners.kubernetes.namespace_per_job",
    NULL,
};
/* clang-format on */
