/* From the store and the process' own memory to everything that a decision may look at. No request is made here. */
#ifndef OPERATOR_GATHER_H
#define OPERATOR_GATHER_H

#include "operator/kinds.h"
#include "kube/pace.h"
#include "operator/state.h"

struct gathering {
    struct store *store; /* changed only by what was looked at: drift.h */
    const struct render_settings *settings;
    struct paces *paces; /* in which pods are looked at; NULL: at once */
    int64_t now_ms, now; /* monotonic milliseconds; seconds since 1970 */
};

/* Begins *ret for the runner of this record: what the object itself says. state follows the record (state_follow()).
 * Texts are copied into the arena. The rest comes with gather_again(). */
void gather_object(const struct gathering *g, const struct record *record, struct state *state, struct observed *ret,
                   struct arena *a);

/* Fills *ret for the runner of this record. state follows the record (state_follow()) and what is first seen is judged.
 * Texts are copied into the arena, so nothing in *ret depends on the store afterwards. */
void gather(const struct gathering *g, const struct record *record, struct state *state, struct observed *ret,
            struct arena *a);

/* Looks at children, namespaces and referenced objects, failures and doubts again, after an answer has changed them;
 * what was read in this turn (values) stays. What it finds is in the arena; that of the former time may be finished
 * afterwards, and not before. */
void gather_again(const struct gathering *g, struct state *state, struct observed *o, struct arena *a);

#endif
