/* What a runner does with its own token, or somebody with a registration token: register, verify, rotate, leave. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Registration */

/* Both the instance and the group on top must allow registration tokens. */
static bool are_tokens_off(const struct gitlab_server *lab, uint64_t group)
{
    const struct lab_owner *top = lab_owner(&lab->groups, group);

    while (top && top->parent)
        top = lab_owner(&lab->groups, top->parent);
    return lab->tokens_off || (top && top->tokens_off);
}

static const struct lab_owner *owner_of_registration(const struct lab_owners *owners, bool off, const char *token)
{
    for (size_t i = 0; i < owners->len && !off; i++)
        if (!owners->at[i].registrars_off && strcmp(owners->at[i].registration, token) == 0)
            return &owners->at[i];
    return NULL;
}

/* What a registration token stands for; false: it is refused. */
static bool scope_of(struct lab_call *call, enum lab_type *ret_type, uint64_t *ret_owner)
{
    const struct gitlab_server *lab = call->lab;
    const char *token = lab_text(call->params, "token") ? lab_text(call->params, "token") : "";
    const struct lab_owner *project = owner_of_registration(&lab->projects, lab->project_registrars_off, token);
    const struct lab_owner *group = owner_of_registration(&lab->groups, lab->group_registrars_off, token);
    bool known = strcmp(token, lab->registration) == 0 || project || group;
    bool off = known ? are_tokens_off(lab, project ? project->parent
                                           : group ? group->id
                                                   : 0)
                     : lab->tokens_off && *token;

    *ret_type = project ? LAB_PROJECT : group ? LAB_GROUP : LAB_INSTANCE;
    *ret_owner = project ? project->id : group ? group->id : 0;
    if (off)
        lab_message(call, 410, "410 Gone - runner registration disallowed");
    else if (!known)
        lab_message(call, 403, "403 Forbidden - invalid token supplied");
    return known && !off;
}

void lab_register(struct lab_call *call)
{
    struct lab_attributes is = {.run_untagged = true, .maximum_timeout = -1};
    const char *name = json_str(json_member(call->params, "info"), "name");
    enum lab_type type;
    uint64_t owner;

    if (!scope_of(call, &type, &owner))
        return;
    lab_attributes_take(&is, call->params);
    is.name = name && *name ? mem_strdup(name) : NULL;
    if (lab_attributes_are_good(call, &is, type, owner, false)) {
        const struct lab_runner *runner = lab_add_runner(call->lab, type, owner, 0, &is);
        call->told_id = runner->id;
        lab_reply(call, 201);
        lab_add_credentials(call, runner, true);
    }
    lab_attributes_finish(&is);
}

/* ------------------------------------------------------------------------------------------------------------------
 * By a runner's token */

/* NULL: it is refused. */
static struct lab_runner *authenticated(struct lab_call *call)
{
    struct lab_runner *runner = lab_runner_of(call->lab, lab_text(call->params, "token"));

    if (!runner)
        lab_message(call, 403, "403 Forbidden");
    else
        call->told_id = runner->id;
    return runner;
}

/* … by a runner that has an owner, if it has to have one. */
static struct lab_runner *owned(struct lab_call *call)
{
    struct lab_runner *runner = authenticated(call);

    if (!runner || !call->lab->orphans_told || !lab_is_orphaned(runner))
        return runner;
    lab_message(call, 422, "Runner is orphaned");
    return NULL;
}

void lab_unregister(struct lab_call *call)
{
    struct lab_runner *runner = authenticated(call);

    if (!runner)
        return;
    lab_delete_runner(call->lab, runner);
    lab_no_content(call);
}

void lab_unregister_manager(struct lab_call *call)
{
    struct lab_runner *runner = authenticated(call);

    if (!runner)
        return;
    if (lab_forget_manager(runner, lab_text(call->params, "system_id")))
        lab_no_content(call);
    else
        lab_message(call, 404, "404 Runner manager not found Not Found");
}

static void sign_of_life(struct lab_call *call, struct lab_runner *runner)
{
    const char *system_id = lab_text(call->params, "system_id");

    lab_heartbeat(call->lab, runner, system_id ? system_id : "", json_member(call->params, "info"));
}

void lab_verify(struct lab_call *call)
{
    struct lab_runner *runner = owned(call);

    if (!runner)
        return;
    sign_of_life(call, runner);
    lab_reply(call, 200);
    lab_add_credentials(call, runner, true);
}

void lab_rotate(struct lab_call *call)
{
    struct lab_runner *runner = owned(call);

    if (!runner)
        return;
    if (call->lab->no_self_reset) {
        lab_error(call, 403, "Not permitted to reset");
        return;
    }
    if (lab_is_too_late(call))
        return;
    sign_of_life(call, runner);
    lab_renew_token(call->lab, runner);
    lab_reply(call, 201);
    lab_add_credentials(call, runner, false);
}
