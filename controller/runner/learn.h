/* What answers and sights teach: pure. From what is remembered (memory.h), what is observed and what has come of an
 * action to what is remembered from then on. Beside memory.c this is the only code that changes a memory. */
#ifndef RUNNER_LEARN_H
#define RUNNER_LEARN_H

#include "runner/decide.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * GitLab (learn.c) */

/* What is to be told of an answer. */
struct learned {
    bool failed; /* the rule's call: it is tried again later, and err says why */
    struct err err;
    bool warning; /* an Event is to be sent; reason NULL: none */
    const char *reason, *note;
};

/* GitLab has answered the call that was asked for, or it could not be asked. *o is as it was then, but its time is that
 * of the answer. chance: as memory_fail() has it. The arena owns the texts of what is returned. */
struct learned learn_gitlab(struct memory *m, const struct observed *o, const struct action *asked,
                            const struct call_answer *answer, uint32_t chance, struct arena *a);

/* ---------------------------------------------------------------------------------------------------------------------
 * Kubernetes (learn_kubernetes.c) */

/* What is there is looked at, each time before something is decided about it. */
void learn_sight(struct memory *m, const struct observed *o);

/* The finalizer was put on the object, or taken off. */
void learn_finalizer(struct memory *m, bool held);
/* A child is about to be written: what may be lost with the answer is kept before. */
void learn_applying(struct memory *m, const struct observed *o, const struct action *asked, struct arena *a);
/* It was written, and is ours. Of a token Secret o->values has the token, if it is to be known: observe_saved_token().
 */
void learn_applied(struct memory *m, const struct observed *o, const struct action *asked);
/* A write was refused, and it was looked whose the child of this name is. */
void learn_owner(struct memory *m, enum child child, bool foreign);
/* The token Secret was read, and is not there, or not ours: what was suspected is true, of an object that was shown to
 * be there by a write of its finalizer, or that is only to go. */
void learn_token_absent(struct memory *m, const struct observed *o);
/* The runner is in the ledger: as far as its object is concerned it is gone. */
void learn_recorded(struct memory *m);
/* An Event has told of this (ACT_REPORT): what it settles. reason: a constant. */
void learn_reported(struct memory *m, const char *reason);
/* A status was written; failed: the one before told of a failure. True: all is well for the first time since. */
bool learn_readiness(struct memory *m, bool failed, bool ready);

/* While managers are waited for (memory_await()): when their pods are to be looked at (again), monotonic; and what was
 * seen there, of which a copy is taken; NULL: they could not be seen. */
void learn_look_planned(struct memory *m, int64_t due_ms);
void learn_pods(struct memory *m, const struct trouble *seen);

#endif
