/* What Kubernetes shows and answers. */
#include "runner/learn.h"
#include "runner/rules.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Sights */

/* A finalizer that somebody else put there promises that a runner may be at GitLab. When there is no token Secret (any
 * more) its token may be lost: in a crash of the former process, or because somebody took the Secret away. */
static void judge_the_finalizer(struct memory *m, const struct observed *o)
{
    bool secret = o->children[CHILD_TOKEN_SECRET].exists;

    if (o->values[READ_TOKEN].unseen)
        return;
    if (o->finalizer && !secret && !m->issued && (!m->judged || m->had_secret))
        memory_doubt(m, DOUBT_SUSPECTED);
    else if (secret && m->doubt < DOUBT_LOST)
        memory_doubt(m, DOUBT_NONE);
    m->judged = o->finalizer;
    m->had_secret = secret;
    m->owned_secret = m->owned_secret || secret;
}

void learn_sight(struct memory *m, const struct observed *o)
{
    assert(m == o->memory);
    judge_the_finalizer(m, o);
    if (o->spec)
        server_check_plan(&m->check, o->owner.uid, o->spec->server_check_period, o->now_ms);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Writes and reads */

void learn_finalizer(struct memory *m, bool held)
{
    m->judged = held;
    if (m->doubt == DOUBT_SUSPECTED)
        memory_doubt(m, DOUBT_UNREAD);
}

/* Only the token Secret goes, and not the runner. */
static bool runner_stays(const struct memory *m, const struct observed *o)
{
    return !o->deleting && !m->deregistered;
}

/* When the token Secret is let go because only it was deleted, its token goes into the next one. */
void learn_applying(struct memory *m, const struct observed *o, const struct action *asked, struct arena *a)
{
    struct registration r = o->registered;

    assert(asked->kind == ACT_APPLY);
    if (!asked->apply.release || !runner_stays(m, o) || o->values[READ_TOKEN].lookup != LOOKUP_FOUND ||
        !registration_fits(o, a))
        return;
    r.token = o->values[READ_TOKEN].value;
    memory_issue(m, &r);
}

static void learn_saved_token(struct memory *m)
{
    memory_forget_issued(m);
    m->config_token_dead = m->deregistered = false;
    m->had_secret = true;
}

void learn_applied(struct memory *m, const struct observed *o, const struct action *asked)
{
    learn_owner(m, asked->apply.child, false);
    if (asked->apply.release)
        m->had_secret = runner_stays(m, o) && !is_users_own(&o->registered);
    else if (asked->apply.child == CHILD_TOKEN_SECRET)
        learn_saved_token(m);
}

void learn_owner(struct memory *m, enum child child, bool foreign)
{
    assert(child < CHILD_COUNT);
    m->foreign[child] = foreign;
}

void learn_token_absent(struct memory *m, const struct observed *o)
{
    if (m->doubt == DOUBT_UNREAD || (m->doubt == DOUBT_SUSPECTED && o->deleting))
        memory_doubt(m, DOUBT_LOST);
}

void learn_recorded(struct memory *m)
{
    memory_doubt(m, DOUBT_NONE);
    m->deregistered = true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reports */

enum { SURE = 1, GONE = 2, DEAD = 4 }; /* no doubt is left; nor, for us, a runner; nor a good token */

static const struct settlement {
    const char *reason;
    unsigned settles, gives_up;
} settlements[] = {
    {"PossibleOrphan", SURE, 0},
    {"OrphanedRunner", SURE | GONE, 0},
    {"RunnerKept", SURE | GONE, 0},
    {"RunnerLost", SURE | GONE | DEAD, 0},
    {"ManagerNotStopped", 0, GAVE_UP_MANAGER},
    {"ObjectLeftBehind", 0, GAVE_UP_ELSEWHERE},
};

static void settle_report(struct memory *m, const struct settlement *s)
{
    memory_doubt(m, s->settles & SURE ? DOUBT_NONE : m->doubt);
    m->deregistered |= (s->settles & GONE) != 0;
    m->config_token_dead |= (s->settles & DEAD) != 0;
    m->given_up |= s->gives_up;
}

void learn_reported(struct memory *m, const char *reason)
{
    m->reported = reason;
    for (size_t i = 0; i < ARRAY_LEN(settlements); i++)
        if (strcmp(settlements[i].reason, reason) == 0)
            settle_report(m, &settlements[i]);
}

bool learn_readiness(struct memory *m, bool failed, bool ready)
{
    bool ailing = m->ailing || failed;

    m->ailing = ailing && !ready;
    return ailing && ready;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Managers that start */

void learn_look_planned(struct memory *m, int64_t due_ms)
{
    assert(m->starting && due_ms > 0);
    m->starting->due_ms = due_ms;
}

/* What was told with more than now is left as it is. */
static bool says_less(const struct trouble *now, const struct trouble *known)
{
    return now->vague && known->reason && strcmp(now->reason, known->reason) == 0;
}

void learn_pods(struct memory *m, const struct trouble *seen)
{
    assert(m->starting);
    m->starting->looks++;
    if (seen && !says_less(seen, &m->starting->trouble))
        memory_note_trouble(m, seen);
}
