/* Reads of what many runners name: the Secret of a credential, a CA, the keys of a cache.
 *
 * Of hundreds of runners that are made at once each would read the same object. Here one answer is for all of them: for
 * those that want it while it is on its way, and as long as others come within half a second, for five seconds at most.
 * Nobody is served what he could not have read himself:
 *   - the object was asked for when the GitLabRunner was already known as it is now, so whatever was written before the
 *     GitLabRunner was is in the answer, also where the watch of the object has not told of it yet;
 *   - the store knows no other version of it.
 * Then it goes, and its texts are cleansed; all that is kept is of 64 KiB at most. */
#ifndef OPERATOR_READS_H
#define OPERATOR_READS_H

#include "operator/turn.h"

struct reads;

/* Lends ctx. */
struct reads *reads_create(const struct context *ctx);
/* No turn may be waiting. NULL is fine. */
void reads_destroy(struct reads *reads);
/* Nothing is known of what was asked until now. */
void reads_forget(struct reads *reads);

/* Reads an object beside the turn's, data_key as kube_get_data() has it; the store learns what is found. shared: other
 * runners may name it, too. Ends in done(turn, reply), perhaps at once, unless the turn leaves before. */
void reads_ask(struct turn *turn, enum kind kind, const char *name, const char *data_key, bool shared,
               kube_done_fn *done);
/* The turn ends. Nothing where it waits for no read. */
void reads_leave(struct turn *turn);

#endif
