/* The features of gitlab-runner that need rights of their own. Generated from its source by hack/gitlab-runner/rights;
 * hack/generate writes it anew. */
#ifndef RUNNER_FEATURES_H
#define RUNNER_FEATURES_H

enum feature {
    FEATURE_AUTOSCALER,
    FEATURE_POD_DISRUPTION_BUDGET,
    FEATURE_SUSPENDABLE_ENVIRONMENTS,
    FEATURE_COUNT,
};

struct feature_facts {
    const char *name;    /* the role is EXECUTOR_CLUSTER_ROLE "-" and this  */
    const char *setting; /* in config.toml, that asks for it                */
};

extern const struct feature_facts feature_facts[FEATURE_COUNT];
/* Settings that need rights which no role in a namespace can give; ends with NULL. */
extern const char *const settings_beyond[];

#endif
