#include "operator/checks.h"

#include <string.h>

#include "base/json.h"
#include "net/loop.h"

static struct check_answer circumstances(const struct turn *turn)
{
    const struct observed *o = &turn->observed;
    enum lookup credential = o->values[READ_CREDENTIAL].lookup;
    bool at_hand = credential == LOOKUP_UNKNOWN || credential == LOOKUP_FOUND;

    return (struct check_answer){.spec = o->spec,
                                 .uid = o->owner.uid,
                                 .now_ms = loop_now(turn->shop->loop),
                                 .managers = o->ready_replicas > 0,
                                 .by_id = o->spec->authentication == AUTH_ACCESS_TOKEN && at_hand};
}

/* GitLab says so of the runner, or of its token. */
static bool is_refusal(const struct gitlab_answer *answer, int status)
{
    return answer->err.code == status && answer->proven;
}

/* GitLab says so of the access token, in either of its two shapes of error (gitlab/refusal.c). */
static bool is_denied(const struct gitlab_answer *answer, int status)
{
    return answer->err.code == status && answer->err.kind == ERR_DENIED;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Checks */

/* An answer that proves nothing: a check is not the worse for it, but who wants to act on it tries again. */
static bool is_left_to_the_next_check(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);

    if (strcmp(turn->asked.rule, "check") != 0)
        return false;
    check_unanswered(&turn->state->memory.check, &in, answer->err.retry_after_ms);
    return true;
}

static bool learn_shown(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);
    struct server_check *check = &turn->state->memory.check;

    if (answer->err.kind == ERR_NONE)
        check_shown(check, &in, answer->body);
    else if (is_refusal(answer, 404))
        check_absent(check, &in);
    else if (is_denied(answer, 401) || is_denied(answer, 403))
        check_not_allowed(check, &in, answer->err.code);
    else
        return is_left_to_the_next_check(turn, answer);
    return true;
}

static bool learn_tried(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);
    struct server_check *check = &turn->state->memory.check;

    if (answer->err.kind == ERR_NONE)
        check_accepted(check, &in, answer->id, turn->asked.gitlab.runner_id);
    else if (is_refusal(answer, 403))
        check_refused(check, &in);
    else
        return is_left_to_the_next_check(turn, answer);
    return true;
}

static bool learn_version(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);

    check_version(&turn->state->memory.check, &in, json_str(answer->body, "version"));
    return true;
}

/* Whoever does not tell, such as an OAuth token's GitLab, leaves it open. */
static bool learn_self(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);

    check_self(&turn->state->memory.check, &in, answer->err.kind == ERR_NONE ? answer->expiration : NULL);
    return true;
}

/* A token that is refused now may have been replaced by an earlier attempt whose answer was lost. */
static bool learn_rotated(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);

    if (!is_refusal(answer, 403))
        return false;
    check_refused(&turn->state->memory.check, &in);
    return true;
}

static bool is_taking_over(const struct turn *turn)
{
    bool has_one = turn->observed.children[CHILD_TOKEN_SECRET].exists;

    return has_one &&
           (turn->state->memory.takeover == TAKEOVER_FITS || turn->state->memory.takeover == TAKEOVER_UNMARKED);
}

/* There is no runner of this id, or the access token may not change it. One that is not there is looked for again soon;
 * one that cannot be taken over is done with. The failure counts all the same. */
static bool learn_unchanged(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct check_answer in = circumstances(turn);
    bool absent = is_refusal(answer, 404);

    if (is_taking_over(turn) && (absent || is_refusal(answer, 403)))
        turn->state->memory.takeover = TAKEOVER_REFUSED;
    else if (absent && turn->observed.children[CHILD_TOKEN_SECRET].exists)
        check_absent(&turn->state->memory.check, &in);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Takeovers */

/* Of a runner that is to be adopted a refusal is GitLab's to explain, and may end. */
static bool learn_inspected(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct observed *o = &turn->observed;
    bool shown = answer->err.kind == ERR_NONE, refused = is_refusal(answer, 403) || is_refusal(answer, 404);

    if (!shown && (!refused || !o->children[CHILD_TOKEN_SECRET].exists))
        return false;
    turn->state->memory.takeover = takeover_of(o, shown ? answer->body : NULL);
    if (turn->state->memory.takeover == TAKEOVER_FITS)
        check_prove(&turn->state->memory.check, loop_now(turn->shop->loop));
    return true;
}

/* Whether the mark stayed is looked at once more. */
static bool learn_claimed(struct turn *turn, const struct gitlab_answer *answer)
{
    turn->state->memory.takeover = TAKEOVER_UNTRIED;
    return answer->err.kind == ERR_NONE;
}

/* GitLab does not know the token that was tried, or knows it as another runner's. */
static bool is_another_token(const struct turn *turn, const struct gitlab_answer *answer)
{
    return answer->err.kind == ERR_NONE ? answer->id != turn->asked.gitlab.runner_id : is_refusal(answer, 403);
}

static bool learn_kept(struct turn *turn, const struct gitlab_answer *answer)
{
    if (!is_another_token(turn, answer))
        return false;
    turn->state->memory.takeover = TAKEOVER_REFUSED;
    return true;
}

static bool learn_inherited(struct turn *turn, const struct gitlab_answer *answer)
{
    if (!is_another_token(turn, answer))
        return false;
    turn->state->memory.not_inherited = true;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is believed when it was said twice. Of checks that is their own business (runner/check.h). */

enum { HEARSAY_MS = 60 * 60 * 1000, SAY_AGAIN_MS = 5 * 1000 };

static bool loses_or_doubles(const struct turn *turn, const struct gitlab_answer *answer)
{
    bool good = answer->err.kind == ERR_NONE, refused = answer->proven && !good;

    switch (turn->asked.gitlab.call) {
    case GITLAB_FIND: /* another one is made */
        return good ? !answer->id : refused;
    case GITLAB_DEREGISTER: /* what is held of it is dropped */
    case GITLAB_REMOVE:
        return good && answer->unknown;
    case GITLAB_RESTORE:
    case GITLAB_KEEP:
    case GITLAB_INHERIT:
        return is_another_token(turn, answer);
    case GITLAB_INSPECT:
        return refused && turn->observed.children[CHILD_TOKEN_SECRET].exists;
    case GITLAB_RESET:
    case GITLAB_UPDATE:
        return refused && is_taking_over(turn);
    case GITLAB_REGISTER:
    case GITLAB_CREATE:
    case GITLAB_VERIFY:
    case GITLAB_SHOW:
    case GITLAB_CLAIM:
    case GITLAB_TRY:
    case GITLAB_VERSION:
    case GITLAB_SELF:
    case GITLAB_ROTATE:
        break;
    }
    return false;
}

bool checks_believe(struct turn *turn, const struct gitlab_answer *answer, struct err *ret_err)
{
    struct hearsay *heard = &turn->state->memory.heard;
    const struct hearsay now = {turn->asked.gitlab.call, turn->asked.gitlab.runner_id, loop_now(turn->shop->loop)};
    bool same = heard->at_ms && heard->call == now.call && heard->runner_id == now.runner_id;
    int64_t since = now.at_ms - heard->at_ms;

    if (!loses_or_doubles(turn, answer))
        return true;
    if (same && since >= SAY_AGAIN_MS && since < HEARSAY_MS) {
        *heard = (struct hearsay){.at_ms = 0};
        return true;
    }
    if (!same || since >= HEARSAY_MS)
        *heard = now;
    err_set(ret_err, ERR_RETRY, CONFIRMING,
            "%s says that it does not know the runner, or its token; it is asked once more before that is believed",
            turn->asked.gitlab.url);
    ret_err->code = answer->err.code;
    ret_err->retry_after_ms = SAY_AGAIN_MS;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All answers */

bool checks_learn(struct turn *turn, const struct gitlab_answer *answer)
{
    static bool (*const learners[])(struct turn * turn, const struct gitlab_answer *answer) = {
        [GITLAB_SHOW] = learn_shown,       [GITLAB_TRY] = learn_tried,         [GITLAB_VERSION] = learn_version,
        [GITLAB_SELF] = learn_self,        [GITLAB_ROTATE] = learn_rotated,    [GITLAB_RESET] = learn_unchanged,
        [GITLAB_UPDATE] = learn_unchanged, [GITLAB_INSPECT] = learn_inspected, [GITLAB_CLAIM] = learn_claimed,
        [GITLAB_KEEP] = learn_kept,        [GITLAB_INHERIT] = learn_inherited, [GITLAB_REMOVE] = NULL,
    };
    bool (*learn)(struct turn *, const struct gitlab_answer *) = learners[turn->asked.gitlab.call];

    return learn && learn(turn, answer);
}

bool checks_done_with(struct turn *turn)
{
    const struct observed *o = &turn->observed;
    struct server_check *check = &turn->state->memory.check;

    if (o->deleting && o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN && check->refusals < CONFIRMATIONS) {
        check_dead(check);
        return false;
    }
    turn_event(turn, true, "RunnerLost",
               arena_printf(&turn->mem,
                            "GitLab does not know the token of runner %lld any more; if the runner is still there, "
                            "delete it",
                            (long long)turn->asked.gitlab.runner_id));
    return true;
}

void checks_renew(struct turn *turn)
{
    const struct check_answer in = circumstances(turn);
    enum gitlab_call what = turn->asked.gitlab.call;
    unsigned edited = turn->state->memory.check.edited;

    if (what == GITLAB_ROTATE || (what == GITLAB_RESET && turn->observed.children[CHILD_TOKEN_SECRET].exists))
        turn_event(turn, false, "TokenRotated", "the runner has a new token; the former one is not valid any more");
    if (what == GITLAB_UPDATE && edited)
        turn_event(turn, false, "AttributesRestored",
                   arena_printf(&turn->mem, "changed at GitLab by somebody, and set back to what the spec says: %s",
                                attributes_text(edited, &turn->mem)));
    turn->state->memory.takeover = TAKEOVER_UNTRIED;
    check_renewed(&turn->state->memory.check, &in);
}
