/* What is believed when GitLab has said it twice. Of checks that is their own business (check.h). */
#include <assert.h>

#include "runner/learn_parts.h"

enum { HEARSAY_MS = 60 * 60 * 1000, SAY_AGAIN_MS = 5 * 1000 };

static bool loses_or_doubles(const struct lesson *l)
{
    const struct call_answer *answer = l->answer;
    bool good = is_good(answer), refused = answer->proven && !good;

    switch (l->asked->gitlab.call) {
    case GITLAB_FIND: /* another one is made */
        return good ? !answer->id : refused;
    case GITLAB_DEREGISTER: /* what is held of it is dropped */
    case GITLAB_REMOVE:
        return good && answer->unknown;
    case GITLAB_RESTORE:
    case GITLAB_KEEP:
    case GITLAB_INHERIT:
        return is_another_token(l);
    case GITLAB_INSPECT:
        return refused && has_token_secret(l);
    case GITLAB_RESET:
    case GITLAB_UPDATE:
        return refused && is_taking_over(l);
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

bool learn_believes(struct lesson *l, struct err *ret_err)
{
    struct hearsay *heard = &l->m->heard;
    const struct hearsay now = {l->asked->gitlab.call, l->asked->gitlab.runner_id, l->o->now_ms};
    bool same = heard->at_ms && heard->call == now.call && heard->runner_id == now.runner_id;
    int64_t since = now.at_ms - heard->at_ms;

    if (!loses_or_doubles(l))
        return true;
    if (same && since >= SAY_AGAIN_MS && since < HEARSAY_MS) {
        *heard = (struct hearsay){.at_ms = 0};
        return true;
    }
    if (!same || since >= HEARSAY_MS) {
        *heard = now;
        memory_succeed(l->m, l->asked->rule); /* pauses of what failed before do not hold up the second time */
    }
    err_set(ret_err, ERR_RETRY, CONFIRMING,
            "%s says that it does not know the runner, or its token; it is asked once more before that is believed",
            l->asked->gitlab.url);
    assert(heard->at_ms && heard->at_ms <= now.at_ms);
    ret_err->code = l->answer->err.code;
    ret_err->retry_after_ms = SAY_AGAIN_MS;
    return false;
}
