/* The keys that are worked on at the same time, and which of them goes on next: what the namespaces share, once the
 * queue has given its keys away.
 *
 * All together have so many places and so much memory. Routine work begins only while fewer than so many places are
 * taken by what is not urgent. Of what is urgent, and of what was begun, a namespace takes no more places than are
 * left, nor more of any kind than its own bound; and another place of any kind only while more memory is left than
 * twice what it has. So the next namespace always finds some, and no kind of work keeps another one out.
 *
 * Work goes on in steps on one thread. Of those that may go on, it is the turn of the namespace that has waited longest
 * since its last step: the many steps of one do not hold up the few of another. */
#ifndef KUBE_PLACES_H
#define KUBE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "kube/queue.h"

struct places {
    size_t max, routine_max, tenant_max; /* set by the owner; the rest begins with zeroes */
    size_t memory_max;                   /* … and this                                    */
    size_t len, urgent, memory;          /* taken; memory in bytes                        */
    uint64_t steps;
    struct map tenants; /* by namespace, of those that have a place               */
};

/* One place that is taken. */
struct place {
    struct tenant *tenant;
    size_t memory;
    enum queue_priority priority; /* which its key was taken with */
};

/* There has to be no place left that is taken. */
void places_finish(struct places *places);

/* Whether anybody may take one with this priority. */
bool places_have_room(const struct places *places, enum queue_priority priority);
/* Whether this namespace may, as far as the others are concerned. */
bool places_admit(const struct places *places, const char *ns, enum queue_priority priority);

/* memory: what the work takes, an estimate. */
void places_take(struct places *places, struct place *place, const char *ns, size_t memory,
                 enum queue_priority priority);
void places_leave(struct places *places, struct place *place);

/* Of two that may go on, whether it is a's turn; false when either may. */
bool place_is_before(const struct place *a, const struct place *b);
/* It goes on now. */
void places_step(struct places *places, struct place *place);

#endif
