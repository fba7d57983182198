/* What GitLab's answers teach, all of them: what they say of a runner that exists is in learn_existing.c. */
#include <assert.h>

#include "runner/learn_parts.h"

/* Where the spec says that was asked for. */
static void lose_here(struct lesson *l)
{
    bool looks = l->o->spec->authentication == AUTH_ACCESS_TOKEN;

    memory_lose(l->m, l->o->spec->url, looks ? scope_text(l->o->spec, l->a) : "");
}

/* An answer that leaves open whether a runner was made is the same as a crash after the call; and one that was found
 * and is gone again is to be looked for again. What has its token Secret is not lost. That a former one was let go says
 * nothing of this one. */
static void doubt_lost_answer(struct lesson *l)
{
    enum gitlab_call what = l->asked->gitlab.call;
    bool makes = what == GITLAB_REGISTER || what == GITLAB_CREATE || what == GITLAB_RESET;
    bool gone = what == GITLAB_RESET && l->answer->err.kind == ERR_NOT_FOUND && !has_token_secret(l);

    if ((!l->answer->ambiguous || !makes) && !gone)
        return;
    l->m->deregistered = false;
    if (has_token_secret(l))
        memory_doubt(l->m, DOUBT_LOST);
    else
        lose_here(l);
}

static void fail_lesson(struct lesson *l, const struct err *err)
{
    l->ret.failed = true;
    l->ret.err = *err;
    memory_fail(l->m, l->asked->rule, err, l->o->now_ms, l->chance);
}

static void learn_failure(struct lesson *l)
{
    const struct err *err = &l->answer->err;
    enum gitlab_call what = l->asked->gitlab.call;

    l->m->reach = err->code && err->code < 500 ? REACH_YES : REACH_NO; /* 5xx: what is before it, or is down */
    memory_note_gitlab(l->m, err);
    doubt_lost_answer(l);
    if (learn_existing(l))
        return;
    if (what == GITLAB_RESTORE && is_refusal(l->answer, 403))
        l->m->config_token_dead = true;
    else if (what == GITLAB_FIND && is_refusal(l->answer, 403))
        memory_doubt(l->m, DOUBT_UNSEARCHABLE);
    else
        fail_lesson(l, err);
}

static void learn_deregistered(struct lesson *l)
{
    if (l->answer->unknown && l->asked->gitlab.call == GITLAB_DEREGISTER) {
        l->m->deregistered = learn_unknown(l);
        return;
    }
    l->m->deregistered = true;
    learn_tells(l, false, "Deregistered", "GitLab has removed the runner");
}

static void learn_found(struct lesson *l)
{
    assert(l->asked->gitlab.call == GITLAB_FIND);
    bool may_be_elsewhere = l->m->lost && !*l->m->lost->scope;

    if (l->answer->id)
        lose_here(l); /* should the spec be moved before it has a new token */
    l->m->found_id = l->answer->id;
    memory_doubt(l->m, l->answer->id ? DOUBT_SEARCHED : may_be_elsewhere ? DOUBT_UNSEARCHABLE : DOUBT_NONE);
}

static void learn_success(struct lesson *l)
{
    enum gitlab_call what = l->asked->gitlab.call;

    l->m->reach = REACH_YES;
    if (what != GITLAB_TRY || !l->m->check.credential_status) /* else that is still to be told */
        memory_note_gitlab(l->m, &l->answer->err);
    memory_succeed(l->m, l->asked->rule);
    if (learn_existing(l))
        return;
    if (what == GITLAB_RESTORE && is_another_token(l))
        l->m->config_token_dead = true;
    else if (what == GITLAB_FIND)
        learn_found(l);
    else if (what == GITLAB_DEREGISTER || what == GITLAB_REMOVE)
        learn_deregistered(l);
    else
        learn_issued(l);
}

struct learned learn_gitlab(struct memory *m, const struct observed *o, const struct action *asked,
                            const struct call_answer *answer, uint32_t chance, struct arena *a)
{
    struct lesson l = {.m = m, .o = o, .asked = asked, .answer = answer, .chance = chance, .a = a};
    struct err doubt;

    assert(asked->kind == ACT_GITLAB && asked->rule && m == o->memory);
    if (!learn_believes(&l, &doubt)) {
        m->reach = REACH_YES;
        fail_lesson(&l, &doubt);
    } else if (is_good(answer)) {
        learn_success(&l);
    } else {
        learn_failure(&l);
    }
    assert(!l.ret.failed || l.ret.err.kind != ERR_NONE);
    return l.ret;
}
