/* ACT_GITLAB: what is called at GitLab, and what its answers come to. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "operator/checks.h"
#include "operator/errand.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "runner/names.h"
#include "runner/status.h"

/* What a call has to do with the registration that the token Secret tells of. */
enum {
    MAKES_TOKEN = 1, /* the answer has a token that nobody had before                       */
    KEEPS_TOKEN = 2, /* it stays the token that is there                                    */
    KEEPS_PLACE = 4, /* so do url, credential and scope: another rule sees to them          */
    TELLS = 8,       /* GitLab was told the attributes                                      */
    KEEPS_TOLD = 16, /* what it was told before holds                                       */
    UNTOLD = 32,     /* what it was told before is not known, at least not under this uid   */
};

static const struct {
    enum gitlab_op_kind op;
    unsigned effects;
} calls[] = {
    [GITLAB_REGISTER] = {GITLAB_OP_REGISTER, MAKES_TOKEN | TELLS},
    [GITLAB_CREATE] = {GITLAB_OP_CREATE, MAKES_TOKEN | TELLS},
    [GITLAB_VERIFY] = {GITLAB_OP_VERIFY, 0},
    [GITLAB_RESTORE] = {GITLAB_OP_VERIFY, UNTOLD},
    [GITLAB_FIND] = {GITLAB_OP_FIND, 0},
    [GITLAB_RESET] = {GITLAB_OP_RESET, MAKES_TOKEN},
    [GITLAB_UPDATE] = {GITLAB_OP_UPDATE, KEEPS_TOKEN | TELLS},
    [GITLAB_SHOW] = {GITLAB_OP_SHOW, 0},
    [GITLAB_TRY] = {GITLAB_OP_VERIFY, 0},
    [GITLAB_VERSION] = {GITLAB_OP_VERSION, 0},
    [GITLAB_SELF] = {GITLAB_OP_SELF, 0},
    [GITLAB_ROTATE] = {GITLAB_OP_ROTATE, MAKES_TOKEN | KEEPS_TOLD},
    [GITLAB_INSPECT] = {GITLAB_OP_SHOW, 0},
    [GITLAB_CLAIM] = {GITLAB_OP_UPDATE, 0},
    [GITLAB_KEEP] = {GITLAB_OP_VERIFY, KEEPS_TOKEN | KEEPS_TOLD | UNTOLD},
    [GITLAB_INHERIT] = {GITLAB_OP_VERIFY, KEEPS_TOKEN | KEEPS_PLACE | UNTOLD},
    [GITLAB_DEREGISTER] = {GITLAB_OP_DEREGISTER, 0},
    [GITLAB_REMOVE] = {GITLAB_OP_REMOVE, 0},
};

static bool has_effect(const struct turn *turn, unsigned effect)
{
    return calls[turn->asked.gitlab.call].effects & effect;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A registration */

/* GitLab cannot be asked what it was told before the Secret was lost, or before our mark became another; so without the
 * right to tell it again it is taken to be what the spec says. */
static const char *told_hash(struct turn *turn)
{
    const struct observed *o = &turn->observed;
    bool is_taken_for_told = has_effect(turn, UNTOLD) && o->spec->authentication == AUTH_REGISTRATION_TOKEN;

    if (has_effect(turn, KEEPS_TOLD) && *o->registered.told_hash)
        return o->registered.told_hash;
    return has_effect(turn, TELLS) || is_taken_for_told ? attributes_hash(&o->spec->attributes, &turn->mem) : "";
}

/* Since when the token lives; NULL when that makes no difference, or is not known. */
static const char *obtained_time(struct turn *turn, const struct gitlab_answer *answer)
{
    bool counts = has_effect(turn, MAKES_TOKEN) && answer->expiration;

    return counts ? time_format(loop_wall(turn->shop->loop), &turn->mem) : NULL;
}

static void keep_token(struct registration *r, const struct observed *o)
{
    r->token = o->values[READ_TOKEN].value;
    r->expiration = o->registered.expiration;
    r->obtained = o->registered.obtained;
    r->rotation = o->registered.rotation;
}

static void keep_place(struct registration *r, const struct observed *o)
{
    r->url = o->registered.url;
    r->authentication = o->registered.authentication;
    r->scope = o->registered.scope;
    r->inputs = NULL;
}

/* What the token Secret is to say of a runner whose token was just got, or which was told new attributes. */
static void issue(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct observed *o = &turn->observed;
    struct registration r = {
        .runner_id = answer->id,
        .token = answer->token,
        .url = o->spec->url,
        .authentication = authentication_name(o->spec->authentication),
        .scope = scope_text(o->spec, &turn->mem),
        .told_hash = told_hash(turn),
        .expiration = answer->expiration,
        .obtained = obtained_time(turn, answer),
        .rotation = o->rotation_request,
        .inputs = token_inputs_text(o, &turn->mem),
    };

    if (has_effect(turn, KEEPS_TOKEN))
        keep_token(&r, o);
    if (has_effect(turn, KEEPS_PLACE))
        keep_place(&r, o);
    checks_renew(turn);
    memory_issue(&turn->state->memory, &r);
    turn->state->memory.doubt = DOUBT_NONE;
    turn->state->memory.deregistered = false;
}

/* The Secret says already what it would say now. */
static bool is_known(struct turn *turn)
{
    return turn->asked.gitlab.call == GITLAB_UPDATE && registration_is_right(&turn->observed, &turn->mem);
}

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

/* What GitLab was asked, and what came of it. A failure has a line of its own (perform_failed). */
static void note_call(const struct turn *turn, const struct gitlab_answer *answer)
{
    const char *call = gitlab_call_name(turn->asked.gitlab.call);
    const char *result = answer->err.untried ? "GitLabUnavailable" : answer->err.kind ? answer->err.reason : "ok";
    struct stats *stats = turn->shop->stats;
    cleanup_arena struct arena a = {0};

    tally_add(&stats->gitlab_calls, call, result, 1);
    histogram_observe(&stats->gitlab_seconds, seconds_since(turn->asked_us));
    turn_log(turn, answer->err.kind ? LOG_DEBUG : LOG_INFO,
             answer->err.untried ? "did not call GitLab" : "called GitLab", "call", call, "host",
             host_of_url(turn->asked.gitlab.url, &a), "runner", runner_number(turn, answer, &a), "result", result,
             NULL);
}

/* An answer that leaves open whether a runner was made is the same as a crash after the call; and one that was found
 * and is gone again is to be looked for again. What has its token Secret is not lost. */
static void doubt_lost_answer(struct turn *turn, const struct gitlab_answer *answer)
{
    enum gitlab_call what = turn->asked.gitlab.call;
    bool makes = what == GITLAB_REGISTER || what == GITLAB_CREATE || what == GITLAB_RESET;
    bool gone = what == GITLAB_RESET && answer->err.kind == ERR_NOT_FOUND &&
                !turn->observed.children[CHILD_TOKEN_SECRET].exists;

    if ((answer->ambiguous && makes) || gone)
        turn->state->memory.doubt = DOUBT_LOST;
}

/* Behind a proxy that the spec knows, and the operator does not, the managers would get through. */
static struct err explained(const struct turn *turn, const struct err *err)
{
    const struct spec *spec = turn->observed.spec;
    const struct host *ignored;
    struct err told = *err;

    if (spec && (spec->proxy.http || spec->proxy.https) && !gitlab_proxy(turn->shop->gitlab, &ignored))
        gitlab_explain_proxy(&told);
    return told;
}

static void learn_failure(struct turn *turn, const struct gitlab_answer *answer)
{
    enum gitlab_call what = turn->asked.gitlab.call;
    const struct err told = explained(turn, &answer->err), *err = &told;
    bool refused = answer->proven && err->code == 403;

    turn->state->memory.reach =
        err->code && err->code < 500 ? REACH_YES : REACH_NO; /* 5xx: what is before it, or is down */
    memory_note_gitlab(&turn->state->memory, err);
    doubt_lost_answer(turn, answer);
    if (checks_learn(turn, answer))
        return;
    if (what == GITLAB_RESTORE && refused)
        turn->state->memory.config_token_dead = true;
    else if (what == GITLAB_FIND && refused)
        turn->state->memory.doubt = DOUBT_UNSEARCHABLE;
    else
        perform_failed(turn, err);
}

static void learn_deregistered(struct turn *turn, const struct gitlab_answer *answer)
{
    if (answer->unknown && turn->asked.gitlab.call == GITLAB_DEREGISTER) {
        turn->state->memory.deregistered = checks_done_with(turn);
        return;
    }
    turn->state->memory.deregistered = true;
    turn_event(turn, false, "Deregistered", "GitLab has removed the runner");
}

static void learn_success(struct turn *turn, const struct gitlab_answer *answer)
{
    enum gitlab_call what = turn->asked.gitlab.call;

    turn->state->memory.reach = REACH_YES;
    if (what != GITLAB_TRY || !turn->state->memory.check.credential_status) /* else that is still to be told */
        memory_note_gitlab(&turn->state->memory, &answer->err);
    memory_succeed(&turn->state->memory, turn->asked.rule);
    if (checks_learn(turn, answer))
        return;
    if (what == GITLAB_RESTORE && answer->id != turn->asked.gitlab.runner_id) {
        turn->state->memory.config_token_dead = true;
    } else if (what == GITLAB_FIND) {
        turn->state->memory.found_id = answer->id;
        turn->state->memory.doubt = answer->id ? DOUBT_SEARCHED : DOUBT_NONE;
    } else if (what == GITLAB_DEREGISTER || what == GITLAB_REMOVE) {
        learn_deregistered(turn, answer);
    } else if (is_known(turn)) {
        checks_renew(turn);
    } else {
        issue(turn, answer);
    }
}

void perform_gitlab_answered(struct turn *turn, const struct gitlab_answer *answer)
{
    struct err doubt;

    note_call(turn, answer);
    if (!checks_believe(turn, answer, &doubt)) {
        turn->state->memory.reach = REACH_YES;
        perform_failed(turn, &doubt);
    } else if (answer->err.kind == ERR_NONE) {
        learn_success(turn, answer);
    } else {
        learn_failure(turn, answer);
    }
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
        .op = calls[act->gitlab.call].op,
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

    if (o->spec) {
        call.address = spec_address_of(o->spec, act->gitlab.url, &turn->mem);
        call.attributes = attributes_json(&o->spec->attributes, &turn->mem);
        call.runner_type = types[o->spec->scope];
        call.scope_id = o->spec->scope_id;
    }
    errand_ask(turn, &call);
}
