/* A child without a claim (claim.h) is removed: the work of its key (kube/controller.h).
 *
 *   read it ──► read its owner, if that is missing ──► delete it; of a token Secret only our finalizer is taken off
 *
 * What the store shows may be old: only what we have made (our label, and fields of our field manager) is ever deleted,
 * by its uid. */
#ifndef OPERATOR_REMOVAL_H
#define OPERATOR_REMOVAL_H

#include "base/map.h"
#include "operator/turn.h"

/* text: the child's key. NULL: it is gone, or has a claim. Lends the context, and told: the uids of token Secrets that
 * an Event has told of and that are not let go yet. */
struct work *removal_start(const struct context *ctx, struct map *told, const char *text);
/* Cancels what is in flight, and frees the work. */
void removal_stop(struct work *work);

#endif
