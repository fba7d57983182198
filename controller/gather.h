/* From the store and the process' own memory to everything that a decision may look at. No request is made here. */
#ifndef GATHER_H
#define GATHER_H

#include "kinds.h"
#include "state.h"

struct gathering {
    const struct store *store;
    const struct render_settings *settings;
    int64_t now_ms, now; /* monotonic milliseconds; seconds since 1970 */
};

/* Fills *ret for the runner of this record. state follows the record (state_follow()) and what is first seen is judged.
 * Texts are copied into the arena, so nothing in *ret depends on the store afterwards. */
void gather(const struct gathering *g, const struct record *record, struct state *state, struct observed *ret,
            struct arena *a);

/* Looks at children, namespaces and referenced objects, failures and doubts again, after an answer has changed them;
 * what was read in this turn (values) stays. */
void gather_again(const struct gathering *g, struct state *state, struct observed *o, struct arena *a);

#endif
