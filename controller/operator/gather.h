/* From the store and the process' own memory to everything that a decision may look at. No request is made here. */
#ifndef OPERATOR_GATHER_H
#define OPERATOR_GATHER_H

#include "operator/records.h"
#include "operator/spec_cache.h"
#include "operator/state.h"

struct gathering {
    const struct store *store;
    const struct render_settings *settings;
    struct spec_cache *specs; /* NULL: each is read anew */
    int64_t now_ms, now;      /* monotonic milliseconds; seconds since 1970 */
};

/* Begins *ret for the runner of this record: what the object itself says. Texts are copied into the arena, so nothing
 * in *ret depends on the store afterwards. What is remembered of it comes with state_observe(), the rest with
 * gather_again(). Returns what the trees of its spec and status take: json_cost(). */
size_t gather_object(const struct gathering *g, const struct record *record, struct observed *ret, struct arena *a);

/* Looks at children, namespaces, referenced objects and calls again, after an answer has changed them; what was read in
 * this turn (values) stays. What it finds is in the arena; that of the former time may be finished afterwards, and not
 * before. */
void gather_again(const struct gathering *g, const struct state *state, struct observed *o, struct arena *a);

#endif
