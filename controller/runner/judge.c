#include "runner/judge.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/judge_parts.h"
#include "runner/render.h"

/* A job that names no policy has those of pull_policy, or none, which is not in the list either. */
static void allowed_pull_policies(const struct judged *j)
{
    if (json_len(json_member(j->kubernetes, "allowed_pull_policies")) &&
        !json_len(json_member(j->kubernetes, "pull_policy")))
        judged_warn(j,
                    "spec.config.runners.kubernetes.allowed_pull_policies is given and spec.pullPolicy is not: a job "
                    "that names no pull policy has none, which is not in the list, and fails; set spec.pullPolicy to "
                    "the policies that are allowed");
}

static void (*const rules[])(const struct judged *) = {
    allowed_pull_policies,
    judge_rights,
};

bool judge_spec(const struct owner *owner, struct json_object *json, struct spec *spec, struct arena *a,
                struct err *err)
{
    struct json_object *tree = render_config_tree(owner, spec, &(struct config_inputs){0}, a);
    struct json_object *runner = json_at(json_member(tree, "runners"), 0);
    struct err refused = {.all = err->all};
    const struct judged j = {.spec = spec,
                             .json = json,
                             .tree = tree,
                             .runner = runner,
                             .kubernetes = json_member(runner, "kubernetes"),
                             .warnings = &spec->warnings,
                             .a = a,
                             .err = &refused};

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i](&j);
    if (refused.kind != ERR_NONE)
        *err = refused;
    return refused.kind == ERR_NONE;
}
