/* Token Secrets whose GitLabRunner went without us, because somebody took its finalizer off by hand.
 *
 * Our own finalizer is on them, so they would hang for ever. But another runner of the same name would deregister the
 * former one, by the token that is in the Secret: so each waits for a successor first, then it is let go. */
#ifndef OWNERLESS_H
#define OWNERLESS_H

#include "base/map.h"
#include "turn.h"

struct ownerless {
    struct map since; /* key → int64_t, monotonic ms */
};

void ownerless_finish(struct ownerless *ownerless);
/* There is no runner of this key ("namespace/name"). Lets its token Secrets go when they have waited long enough.
 * Returns when to look again, in ms of the monotonic clock; -1: there is none. */
int64_t ownerless_look(struct ownerless *ownerless, const struct workshop *shop, const char *key);
/* There is one (again). */
void ownerless_forget(struct ownerless *ownerless, const char *key);

#endif
