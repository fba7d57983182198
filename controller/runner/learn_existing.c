/* What GitLab's answers say of a runner that exists: checks, rotation, takeovers. */
#include "runner/learn_parts.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"

static struct server_check_context circumstances(const struct lesson *l)
{
    const struct observed *o = l->o;
    assert(o->spec);
    enum lookup credential = o->values[READ_CREDENTIAL].lookup;
    bool at_hand = credential == LOOKUP_UNKNOWN || credential == LOOKUP_FOUND;

    return (struct server_check_context){.spec = o->spec,
                                         .attributes = &o->attributes,
                                         .uid = o->owner.uid,
                                         .now_ms = o->now_ms,
                                         .managers = o->ready_replicas > 0,
                                         .by_id = o->spec->authentication == AUTH_ACCESS_TOKEN && at_hand};
}

/* GitLab says so of the access token, in either of its two shapes of error (gitlab/refusal.c). */
static bool is_denied(const struct call_answer *answer, int status)
{
    return answer->err.code == status && answer->err.kind == ERR_DENIED;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Checks */

/* An answer that proves nothing: a check is not the worse for it, but who wants to act on it tries again. */
static bool is_left_to_the_next_check(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);

    if (strcmp(l->asked->rule, "check") != 0)
        return false;
    server_check_unanswered(&l->m->check, &in, l->answer->err.retry_after_ms);
    return true;
}

static bool learn_shown(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);

    if (is_good(l->answer))
        server_check_shown(&l->m->check, &in, l->answer->body);
    else if (is_refusal(l->answer, 404))
        server_check_absent(&l->m->check, &in);
    else if (is_denied(l->answer, 401) || is_denied(l->answer, 403))
        server_check_not_allowed(&l->m->check, &in, l->answer->err.code);
    else
        return is_left_to_the_next_check(l);
    return true;
}

static bool learn_tried(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);

    if (is_good(l->answer))
        server_check_accepted(&l->m->check, &in, l->answer->id, l->asked->gitlab.runner_id);
    else if (is_refusal(l->answer, 403))
        server_check_refused(&l->m->check, &in);
    else
        return is_left_to_the_next_check(l);
    return true;
}

/* A server that does not let us know, as GitLab does with an OAuth token, has answered, too. */
static bool is_heard(const struct call_answer *answer)
{
    return is_good(answer) || (answer->err.code >= 400 && answer->err.code < 500 && answer->err.code != 429);
}

static bool learn_version(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);

    if (is_heard(l->answer))
        server_check_version(&l->m->check, &in, json_str(l->answer->body, "version"));
    else
        server_check_unheard(&l->m->check);
    return true;
}

static bool learn_self(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);

    if (is_heard(l->answer))
        server_check_self(&l->m->check, &in, is_good(l->answer) ? l->answer->expiration : NULL);
    else
        server_check_unheard(&l->m->check);
    return true;
}

/* A token that is refused now may have been replaced by an earlier attempt whose answer was lost. */
static bool learn_rotated(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);

    if (!is_refusal(l->answer, 403))
        return false;
    server_check_refused(&l->m->check, &in);
    return true;
}

bool is_taking_over(const struct lesson *l)
{
    return has_token_secret(l) && (l->m->takeover == TAKEOVER_FITS || l->m->takeover == TAKEOVER_UNMARKED);
}

/* There is no runner of this id, or the access token may not change it. One that is not there is looked for again soon;
 * one that cannot be taken over is done with. The failure counts all the same. */
static bool learn_unchanged(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);
    bool absent = is_refusal(l->answer, 404);

    if (is_taking_over(l) && (absent || is_refusal(l->answer, 403)))
        l->m->takeover = TAKEOVER_REFUSED;
    else if (absent && has_token_secret(l))
        server_check_absent(&l->m->check, &in);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Takeovers */

/* Of a runner that is to be adopted a refusal is GitLab's to explain, and may end. */
static bool learn_inspected(struct lesson *l)
{
    bool shown = is_good(l->answer), refused = is_refusal(l->answer, 403) || is_refusal(l->answer, 404);

    if (!shown && (!refused || !has_token_secret(l)))
        return false;
    l->m->takeover = takeover_of(l->o, shown ? l->answer->body : NULL);
    if (l->m->takeover == TAKEOVER_FITS)
        server_check_prove(&l->m->check, l->o->now_ms);
    return true;
}

/* Whether the mark stayed is looked at once more. */
static bool learn_claimed(struct lesson *l)
{
    l->m->takeover = TAKEOVER_UNTRIED;
    return is_good(l->answer);
}

bool is_another_token(const struct lesson *l)
{
    return is_good(l->answer) ? l->answer->id != l->asked->gitlab.runner_id : is_refusal(l->answer, 403);
}

static bool learn_kept(struct lesson *l)
{
    if (is_another_token(l))
        l->m->takeover = TAKEOVER_REFUSED;
    return is_another_token(l);
}

static bool learn_inherited(struct lesson *l)
{
    if (is_another_token(l))
        l->m->not_inherited = true;
    return is_another_token(l);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All answers */

bool learn_existing(struct lesson *l)
{
    static bool (*const learners[])(struct lesson * l) = {
        [GITLAB_SHOW] = learn_shown,       [GITLAB_TRY] = learn_tried,         [GITLAB_VERSION] = learn_version,
        [GITLAB_SELF] = learn_self,        [GITLAB_ROTATE] = learn_rotated,    [GITLAB_RESET] = learn_unchanged,
        [GITLAB_UPDATE] = learn_unchanged, [GITLAB_INSPECT] = learn_inspected, [GITLAB_CLAIM] = learn_claimed,
        [GITLAB_KEEP] = learn_kept,        [GITLAB_INHERIT] = learn_inherited, [GITLAB_REMOVE] = NULL,
    };
    static_assert(ARRAY_LEN(learners) == GITLAB_REMOVE + 1, "of each call");
    bool (*learn)(struct lesson *) = learners[l->asked->gitlab.call];

    return learn && learn(l);
}

bool learn_unknown(struct lesson *l)
{
    const struct observed *o = l->o;

    if (o->deleting && o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN &&
        l->m->check.refusals < CONFIRMATIONS) {
        server_check_dead(&l->m->check);
        return false;
    }
    learn_tells(
        l, true, "RunnerLost",
        arena_printf(l->a,
                     "GitLab does not know the token of runner %lld at %s any more; if the runner is still there, "
                     "delete it",
                     (long long)l->asked->gitlab.runner_id, l->asked->gitlab.url));
    return true;
}

/* As the runner that was there before, if there was one. */
static bool is_at_the_same_gitlab(const struct observed *o)
{
    return o->registered.url && strcmp(o->registered.url, o->spec->url) == 0;
}

void learn_renewed(struct lesson *l)
{
    const struct server_check_context in = circumstances(l);
    enum gitlab_call what = l->asked->gitlab.call;
    unsigned edited = l->m->check.edited;

    if (what == GITLAB_ROTATE || (what == GITLAB_RESET && has_token_secret(l)))
        learn_tells(l, false, "TokenRotated", "the runner has a new token; the former one is not valid any more");
    if (what == GITLAB_UPDATE && edited)
        learn_tells(l, false, "AttributesRestored",
                    arena_printf(l->a, "changed at GitLab by somebody, and set back to what the spec says: %s",
                                 attributes_text(edited, l->a)));
    l->m->takeover = TAKEOVER_UNTRIED;
    server_check_renewed(&l->m->check, &in, !is_at_the_same_gitlab(l->o));
}
