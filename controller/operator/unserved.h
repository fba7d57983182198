/* Telling of objects that are not served as they stand. Anybody may write any number of them, so not each one is told
 * of by an Event or a line of the log, but some are in any time. */
#ifndef OPERATOR_UNSERVED_H
#define OPERATOR_UNSERVED_H

#include "operator/kept.h"
#include "operator/turn.h"

enum { UNSERVED_WRITES = 16 }; /* of statuses, at the same time: what finds no place costs another list of all */

/* All zeroes to begin with; ends with unserved_finish(). */
struct unserved {
    int64_t too_large_ms, left_out_ms; /* when the next one may be told of; all zeroes: at once */
    bool skipped;                      /* a status could not be written then                    */
    struct unserved_write {
        struct unserved *of;
        uint64_t request; /* in flight; 0: none */
    } writes[UNSERVED_WRITES];
};

/* The object is known by name alone; why: object_too_large(). Of a runner its status tells, others have an Event. */
void unserved_too_large(struct unserved *unserved, const struct context *ctx, enum kind kind, const struct record *seen,
                        const char *why);
/* There is no room for the runner in its namespace's share: its status says so, unless it does already. */
void unserved_left_out(struct unserved *unserved, const struct context *ctx, const struct record *runner);
/* True once when the status of one that is left out was not written and could be now: they are to be listed again, for
 * nobody remembers which it was. */
bool unserved_skipped(struct unserved *unserved, const struct context *ctx);
/* Cancels what is in flight. */
void unserved_finish(struct unserved *unserved, const struct context *ctx);

#endif
