/* A call to GitLab for a runner, from when a turn asks for it until the turn that goes on with what it has brought.
 *
 *   a turn asks ──no place──► IN_LINE ◄─┐
 *        │                      a place │  │ it asks for another host, which has none
 *        │                              ▼  │
 *        └──── a place ──────────────► LET_IN ──a turn asks again──► CALLING ──answer──► ANSWERED
 *                                                                                           │
 *                                               the turn of its key begins, or asks for the next thing
 *
 *   1. What waits for GitLab is no turn: it takes none of their places and keeps no tree. In line it is a pass at the
 *      gate and the few short values that were read for the call; the next turn of its key, whatever has woken that,
 *      finds them. A turn that does not ask again gives up the place.
 *   2. While CALLING, of which there are as many as the gate has places, it also keeps the record of the object
 *      as it was: to this the answer is applied, even if the object has changed or gone meanwhile.
 *   3. The turn to which the answer is applied waits for its key, with nothing in flight, and then is the turn that
 *      goes on. When the object has changed, or is large, or another turn is at it already, it ends.
 *   4. A state has at most one errand. While it is CALLING the rules ask for nothing (observed.calling), but what they
 *      may at any time.
 *   5. What goes on is one turn to people: id, cause, steps, the rule that asked and time are handed on. */
#ifndef OPERATOR_ERRAND_H
#define OPERATOR_ERRAND_H

#include "operator/turn.h"

enum { ERRAND_VALUES = 4 }; /* short ones that a call may need, or that were read for it */

enum errand_stage { ERRAND_IN_LINE, ERRAND_LET_IN, ERRAND_CALLING, ERRAND_ANSWERED };

struct errand {
    struct list node; /* in errands->all */
    const struct context *ctx;
    struct state *state; /* which outlives it */
    enum errand_stage stage;
    struct gate_pass pass;
    struct gitlab_op *call;                      /* CALLING */
    struct observed_value values[ERRAND_VALUES]; /* owned; all else, or a credential that is bound, is read again */
    int64_t generation; /* of the spec that they were read for                                */
    char id[TURN_ID_SIZE];
    const char *cause;
    int64_t began_us, asked_us;
    unsigned steps;
    bool urgent;
    struct action asked;            /* CALLING; without the token. Always: the rule */
    struct record record;           /* CALLING; uid NULL: none             */
    struct registration registered; /* … and what its token Secret said then */
    bool paused;                    /* … and whether the runner was to be    */
    struct arena mem;               /* of those two                          */
    struct turn *heard;             /* ANSWERED: by this turn; NULL: it has ended, or goes on */
};

/* All of them, and how their turns are woken: begun, when GitLab or a place waits for it. */
struct errands {
    struct list all;
    void (*wake)(void *arg, const char *key, bool begun, const char *cause);
    void *arg;
};

/* Asks GitLab for the turn, which is parked then (turn.h); or the turn has learned that it may not, and is ready. */
void errand_ask(struct turn *turn, const struct gitlab_request *call);
/* As turn_create(), with what the errand of the state has kept, if there is one. */
struct turn *errand_begin_turn(const struct context *ctx, const struct record *record, struct state *state,
                               const char *cause);
/* Of the object that the turn of this state is to be about: the one that is known now, or the one that the errand is
 * about, or that is kept (state.h), when that is gone; NULL: none. */
const struct record *errand_subject(const struct state *state, const struct record *now);
/* Ends it, whatever its stage: nothing comes of it. NULL is fine. */
void errand_end(struct errand *errand);
/* Also when there is none. */
bool errand_is_about(const struct errand *errand, const char *uid);
bool errand_is_calling(const struct errand *errand);
/* Ends those that are not CALLING or ANSWERED (all: those, too). */
void errands_end(struct errands *errands, bool all);

#endif
