/* What Kubernetes shows and answers. */
#include "runner/learn.h"

#include <string.h>

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
        m->doubt = DOUBT_SUSPECTED;
    else if (secret && m->doubt < DOUBT_LOST)
        m->doubt = DOUBT_NONE;
    m->judged = o->finalizer;
    m->had_secret = secret;
    m->owned_secret = m->owned_secret || secret;
}

void learn_sight(struct memory *m, const struct observed *o)
{
    judge_the_finalizer(m, o);
    if (o->spec)
        check_plan(&m->check, o->owner.uid, o->spec->server_check_period, o->now_ms);
}

void learn_token_absent(struct memory *m)
{
    if (m->doubt == DOUBT_SUSPECTED || m->doubt == DOUBT_UNREAD)
        m->doubt = DOUBT_LOST;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Managers that start */

void learn_look_planned(struct memory *m, int64_t due_ms)
{
    m->starting->due_ms = due_ms;
}

/* What was told with more than now is left as it is. */
static bool says_less(const struct trouble *now, const struct trouble *known)
{
    return now->vague && known->reason && strcmp(now->reason, known->reason) == 0;
}

void learn_pods(struct memory *m, const struct trouble *seen)
{
    m->starting->looks++;
    if (seen && !says_less(seen, &m->starting->trouble))
        memory_note_trouble(m, seen);
}
