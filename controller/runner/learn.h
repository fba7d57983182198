/* What answers and sights teach: pure. From what is remembered (memory.h), what is observed and what has come of an
 * action to what is remembered from then on. Beside memory.c this is the only code that changes a memory. */
#ifndef RUNNER_LEARN_H
#define RUNNER_LEARN_H

#include "runner/decide.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Kubernetes (learn_kubernetes.c) */

/* What is there is looked at, each time before something is decided about it. */
void learn_sight(struct memory *m, const struct observed *o);

/* The token Secret was read, and is not there, or not ours: what was suspected is true. */
void learn_token_absent(struct memory *m);

/* While managers are waited for (memory_await()): when their pods are to be looked at (again), monotonic; and what was
 * seen there, of which a copy is taken; NULL: they could not be seen. */
void learn_look_planned(struct memory *m, int64_t due_ms);
void learn_pods(struct memory *m, const struct trouble *seen);

#endif
