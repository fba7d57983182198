/* Settings that need rights which no role in a namespace can give (runner/features.h), and those that need rights in
 * other namespaces. Where the managers' account is the user's own, its rights are the user's business. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/features.h"
#include "runner/judge_parts.h"
#include "runner/names.h"

#define KUBERNETES "runners.kubernetes."

static void namespace_per_job(const struct judged *j)
{
    if (json_bool_or(j->kubernetes, "namespace_per_job", false))
        judged_refuse(j, "spec.config." KUBERNETES
                         "namespace_per_job has each job make a namespace, which nobody may by a role in the namespace "
                         "of the jobs, so every job would fail: take it out, or name a ServiceAccount that may create "
                         "and delete namespaces, and run jobs in all of them, in spec.manager.serviceAccountName");
}

/* Pods that make room are made all the same, if their class is there. */
static void autoscaler(const struct judged *j)
{
    struct json_object *settings = json_member(j->kubernetes, "autoscaler");

    if (json_len(json_member(settings, "policy")) && !*json_str_or(settings, "pause_pod_priority_class_name", ""))
        judged_warn(
            j, "spec.config." KUBERNETES
               "autoscaler has gitlab-runner make a PriorityClass, which takes a right to the whole cluster: have "
               "an administrator make one of a low value, and name it in autoscaler.pause_pod_priority_class_name");
}

/* One for each of settings_beyond. */
static const struct {
    const char *setting;
    void (*judge)(const struct judged *j);
} beyond[] = {
    {KUBERNETES "namespace_per_job", namespace_per_job},
    {KUBERNETES "autoscaler", autoscaler},
};

static void judge_setting(const struct judged *j, const char *setting)
{
    size_t i = 0;

    while (i < ARRAY_LEN(beyond) && strcmp(beyond[i].setting, setting) != 0)
        i++;
    assert(i < ARRAY_LEN(beyond));
    beyond[i].judge(j);
}

/* Jobs that say nothing of a namespace run all the same. */
static void judge_other_namespaces(const struct judged *j)
{
    if (*json_str_or(j->kubernetes, "namespace_overwrite_allowed", ""))
        judged_warn(j,
                    "spec.config." KUBERNETES
                    "namespace_overwrite_allowed lets jobs name another namespace, but the operator gives the managers "
                    "rights in %s alone: a job elsewhere fails, unless the owner of that namespace binds their "
                    "ServiceAccount to the ClusterRole " EXECUTOR_CLUSTER_ROLE " there",
                    j->spec->namespace);
}

void judge_rights(const struct judged *j)
{
    if (j->spec->manager.service_account_name)
        return;
    for (size_t i = 0; settings_beyond[i]; i++)
        judge_setting(j, settings_beyond[i]);
    judge_other_namespaces(j);
}
