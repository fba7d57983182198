#include "runner/judge.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/extra_config.h"
#include "runner/job_pod.h"
#include "runner/judge_parts.h"
#include "runner/render.h"

const char *judged_field(const struct judged *j, const char *key)
{
    return extra_config_field(arena_printf(j->a, "runners.kubernetes.%s", key), j->spec->json, j->a);
}

bool judged_has_variable(const char *text)
{
    return strchr(text, '$') != NULL;
}

bool judged_flag(const struct judged *j, const char *name, bool by_default)
{
    return job_flag(j->runner, name, by_default);
}

static void (*const rules[])(const struct judged *) = {
    /* what gitlab-runner loads */
    judge_log,
    judge_shell,
    judge_monitoring,
    judge_autoscaler,
    judge_boot_verify,
    judge_session_server,
    judge_nfs,
    /* what the API server takes */
    judge_names,
    judge_tolerations,
    judge_selectors,
    judge_quantities,
    judge_security,
    judge_pod_security,
    judge_network,
    judge_services,
    /* what works as it is meant */
    judge_pull_policies,
    judge_allowed_images,
    judge_allowed_users,
    judge_pod_spec,
    judge_feature_flags,
    judge_limits,
    judge_patterns,
    judge_own_labels,
    judge_rights,
};

bool judge_spec(const struct owner *owner, struct spec *spec, struct arena *a, struct err *err)
{
    cleanup_arena struct arena scratch = {0};
    struct json_object *tree = render_config_tree(owner, spec, &(struct config_inputs){0}, &scratch);
    struct json_object *runner = json_at(json_member(tree, "runners"), 0);
    const struct judged j = {.spec = spec,
                             .tree = tree,
                             .runner = runner,
                             .kubernetes = json_member(runner, "kubernetes"),
                             .warnings = &spec->warnings,
                             .warned = a,
                             .a = &scratch,
                             .err = err};

    assert(j.kubernetes && err->kind == ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i](&j);
    return err->kind == ERR_NONE;
}
