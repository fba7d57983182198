/* ACT_GITLAB: what is called at GitLab, and what its answers come to. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "operator/errand.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "runner/status.h"

static const enum gitlab_op_kind ops[] = {
    [GITLAB_REGISTER] = GITLAB_OP_REGISTER,
    [GITLAB_CREATE] = GITLAB_OP_CREATE,
    [GITLAB_VERIFY] = GITLAB_OP_VERIFY,
    [GITLAB_RESTORE] = GITLAB_OP_VERIFY,
    [GITLAB_FIND] = GITLAB_OP_FIND,
    [GITLAB_RESET] = GITLAB_OP_RESET,
    [GITLAB_UPDATE] = GITLAB_OP_UPDATE,
    [GITLAB_SHOW] = GITLAB_OP_SHOW,
    [GITLAB_TRY] = GITLAB_OP_VERIFY,
    [GITLAB_VERSION] = GITLAB_OP_VERSION,
    [GITLAB_SELF] = GITLAB_OP_SELF,
    [GITLAB_ROTATE] = GITLAB_OP_ROTATE,
    [GITLAB_INSPECT] = GITLAB_OP_SHOW,
    [GITLAB_CLAIM] = GITLAB_OP_UPDATE,
    [GITLAB_KEEP] = GITLAB_OP_VERIFY,
    [GITLAB_INHERIT] = GITLAB_OP_VERIFY,
    [GITLAB_DEREGISTER] = GITLAB_OP_DEREGISTER,
    [GITLAB_REMOVE] = GITLAB_OP_REMOVE,
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Answers */

/* The runner that the call was about, or that came of it; NULL: none. */
static const char *runner_number(const struct turn *turn, const struct gitlab_answer *answer, struct arena *a)
{
    int64_t id = answer->id ? answer->id : turn->asked.gitlab.runner_id;

    return id ? arena_printf(a, "%lld", (long long)id) : NULL;
}

/* The host with its port, if the URL names one. */
static const char *host_of_url(const char *url, struct arena *a)
{
    const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;

    return arena_strndup(a, host, strcspn(host, "/"));
}

/* What GitLab was asked, and what came of it. A failure has a line of its own (perform_log_failure()). */
static void note_call(const struct turn *turn, const struct gitlab_answer *answer)
{
    const char *call = gitlab_call_name(turn->asked.gitlab.call);
    const char *result = answer->err.untried ? "GitLabUnavailable" : answer->err.kind ? answer->err.reason : "ok";
    struct stats *stats = turn->ctx->stats;
    cleanup_arena struct arena a = {0};

    tally_add(&stats->gitlab_calls, call, result, 1);
    histogram_observe(&stats->gitlab_seconds, seconds_since(turn->asked_us));
    turn_log(turn, answer->err.kind ? LOG_DEBUG : LOG_INFO,
             answer->err.untried ? "did not call GitLab" : "called GitLab", "call", call, "host",
             host_of_url(turn->asked.gitlab.url, &a), "runner", runner_number(turn, answer, &a), "result", result,
             NULL);
}

/* Behind a proxy that the spec knows, and the operator does not, the managers would get through. */
static struct err explained(const struct turn *turn, const struct err *err)
{
    const struct spec *spec = turn->observed.spec;
    const struct host *ignored;
    struct err told = *err;

    if (err->kind != ERR_NONE && spec && (spec->proxy.http || spec->proxy.https) &&
        !gitlab_proxy(turn->ctx->gitlab, &ignored))
        gitlab_explain_proxy(&told);
    return told;
}

void perform_gitlab_answered(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct call_answer said = {
        .err = explained(turn, &answer->err),
        .unknown = answer->unknown,
        .ambiguous = answer->ambiguous,
        .proven = answer->proven,
        .id = answer->id,
        .token = answer->token,
        .expiration = answer->expiration,
        .body = answer->body,
    };

    assert(turn->asked.kind == ACT_GITLAB);
    note_call(turn, answer);
    const struct learned learned =
        learn_gitlab(&turn->state->memory, &turn->observed, &turn->asked, &said, jitter_random(), &turn->mem);
    if (learned.reason)
        turn_event(turn, learned.warning, learned.reason, learned.note);
    if (learned.failed)
        perform_log_failure(turn, &learned.err);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The call */

/* A credential that is bound goes to nobody whom the spec alone vouches for. The runner's own token does: it is in the
 * hands of whoever writes the spec, whose manager has it too. */
static const char *trusted_with(const struct observed *o, const char *token)
{
    const struct observed_value *credential = &o->values[READ_CREDENTIAL];
    bool is_bound = credential->bound && credential->value && strcmp(token, credential->value) == 0;

    return is_bound ? credential->ca_pem : o->values[READ_CA].value;
}

void perform_gitlab(struct turn *turn)
{
    static const char *const types[] = {[SCOPE_UNSET] = "instance_type",
                                        [SCOPE_INSTANCE] = "instance_type",
                                        [SCOPE_GROUP] = "group_type",
                                        [SCOPE_PROJECT] = "project_type"};
    const struct observed *o = &turn->observed;
    const struct action *act = &turn->asked;
    struct gitlab_request call = {
        .op = ops[act->gitlab.call],
        .url = act->gitlab.url,
        .ca_pem = trusted_with(o, act->gitlab.token),
        .client_cert = o->values[READ_CLIENT_KEY].value ? o->values[READ_CLIENT_CERT].value : NULL,
        .client_key = o->values[READ_CLIENT_KEY].value,
        .token = act->gitlab.token,
        .runner_id = act->gitlab.runner_id,
        .mark = arena_printf(&turn->mem, MARK_PREFIX "%s", o->owner.uid),
        .ns = o->owner.ns,
        .runner_type = types[SCOPE_UNSET],
    };

    assert(act->kind == ACT_GITLAB && act->gitlab.call < ARRAY_LEN(ops));
    if (o->spec) {
        call.address = spec_address_of(o->spec, act->gitlab.url, &turn->mem);
        call.attributes = attributes_json(&o->attributes, &turn->mem);
        call.runner_type = types[o->spec->scope];
        call.scope_id = o->spec->scope_id;
    }
    errand_ask(turn, &call);
}
