/* One runner being worked on, from the queue's take to done.
 *
 *   READY ──decide──► WAITING (one request in flight) ──answer──► READY
 *     │
 *     └── ACT_DONE, ACT_WAIT, failure ──► ended: queue_done, arena freed
 *
 *   1. At most one request is in flight; it is cancelled before the turn is freed.
 *   2. Every request has a deadline (kube/client.c, gitlab/api.c), so no turn waits for ever.
 *   3. An answer only changes the store, the state and what is observed; then the turn is READY again.
 *   4. steps ≤ STEPS_MAX, or the rules do not converge: back off and say which rule repeats. */
#ifndef TURN_H
#define TURN_H

#include "base/arena.h"
#include "base/list.h"
#include "gather.h"
#include "gitlab/api.h"

enum { STEPS_MAX = 48 };

struct turn {
    struct list node;         /* in the reconciler's list of turns                 */
    struct reconciler *rec;
    char *key;
    const char *cause;        /* why it was woken                                  */
    struct state *state;
    struct observed observed;
    struct arena mem;
    struct action asked;      /* the action whose answer is awaited                */
    uint64_t request;         /* to Kubernetes, in flight; 0: none                 */
    struct gitlab_op *call;   /* to GitLab, in flight; NULL: none                  */
    unsigned steps;
    int64_t began_ms;
    bool ready;               /* an answer has come                                */
    bool stale;               /* the object itself has changed: begin anew         */
};

/* Starts the action's request; its answer makes the turn ready. Only for actions that need one. */
void perform(struct turn *turn, const struct action *act);
/* Cancels what is in flight. */
void perform_cancel(struct turn *turn);

#endif
