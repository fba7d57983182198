/* The rules of judge_spec(): private to judge*.c. */
#ifndef RUNNER_JUDGE_PARTS_H
#define RUNNER_JUDGE_PARTS_H

#include "runner/judge.h"
#include "runner/spec_parts.h"

/* What a rule looks at. */
struct judged {
    const struct spec *spec;
    struct json_object *tree;       /* config.toml, with placeholders for what is secret                */
    struct json_object *runner;     /* its [[runners]]                                                  */
    struct json_object *kubernetes; /* [runners.kubernetes]                                             */
    struct warnings *warnings;
    struct arena *warned; /* has the sentences of warnings … */
    struct arena *a;      /* … and this what ends with the judgement */
    struct err *err;
};

/* A warning: the field, what will happen, the cure. */
#define judged_warn(j, ...) warn((j)->warnings, (j)->warned, __VA_ARGS__)
/* What cannot work: the field, the reason, the remedy. */
#define judged_refuse(j, ...) ((void)spec_invalid((j)->err, __VA_ARGS__))

/* Where the key of [runners.kubernetes] of that name is set in the object: "spec.image". */
const char *judged_field(const struct judged *j, const char *key);
/* Whether the job's variables may be in the text, so that nobody knows its value before. */
bool judged_has_variable(const char *text);
/* Whether a feature flag is on for jobs that do not say: by runners.feature_flags, else by spec.environment, else by
 * gitlab-runner's default, which the caller knows. */
bool judged_flag(const struct judged *j, const char *name, bool by_default);

/* The rules. */
void judge_names(const struct judged *j);
void judge_tolerations(const struct judged *j);
void judge_selectors(const struct judged *j);
void judge_log(const struct judged *j);
void judge_shell(const struct judged *j);
void judge_monitoring(const struct judged *j);
void judge_autoscaler(const struct judged *j);
void judge_boot_verify(const struct judged *j);
void judge_session_server(const struct judged *j);
void judge_nfs(const struct judged *j);
void judge_quantities(const struct judged *j);
void judge_security(const struct judged *j);
void judge_pod_security(const struct judged *j);
void judge_network(const struct judged *j);
void judge_services(const struct judged *j);
void judge_pull_policies(const struct judged *j);
void judge_allowed_images(const struct judged *j);
void judge_pod_spec(const struct judged *j);
void judge_feature_flags(const struct judged *j);
void judge_limits(const struct judged *j);
void judge_patterns(const struct judged *j);
void judge_own_labels(const struct judged *j);
void judge_allowed_users(const struct judged *j);

/* judge_rights.c: what the managers may do. */
void judge_rights(const struct judged *j);

#endif
