/* Telling of objects that are not served as they stand. Anybody may write any number of them, so not each one is told
 * of, but some are in any time. */
#ifndef UNSERVED_H
#define UNSERVED_H

#include "kinds.h"
#include "turn.h"

struct unserved {
    int64_t too_large_ms, left_out_ms; /* when the next one may be told of; all zeroes: at once */
};

/* The object is known by name alone; why: object_too_large(). Of a runner its status tells, of others an Event. */
void unserved_too_large(struct unserved *unserved, const struct workshop *shop, enum kind kind,
                        const struct record *seen, const char *why);
/* There is no room for the runner in its namespace's share. */
void unserved_left_out(struct unserved *unserved, const struct workshop *shop, const struct record *runner);

#endif
