/* Children without a claim (claim.h) are removed, whatever their owner is at: it may be suspended, invalid, waiting for
 * GitLab or gone. So rights that somebody has withdrawn go at once, and nothing outlives its owner, also when that went
 * without us: because its finalizer was taken off by hand, or while there was no operator.
 *
 *   1. Looked at is what a change is about: a child, an owner's children, the RoleBindings in a Namespace; and all that
 *      there is when this process begins to lead.
 *   2. Before a child goes it is read (removal.h), and so is the owner, if it is missing.
 *   3. What Kubernetes' garbage collector knows the owner of is left to it. A token Secret without an owner waits for a
 *      successor of that name, who could deregister the runner; then our finalizer is taken off.
 *   4. A child that may have to go is a key of the loop (kube/controller.h). */
#ifndef OPERATOR_GARBAGE_H
#define OPERATOR_GARBAGE_H

#include "operator/turn.h"

struct garbage;

/* Lends the context; its controller does the work, and ends first. */
struct garbage *garbage_create(const struct context *ctx);
/* NULL is fine. */
void garbage_destroy(struct garbage *garbage);

/* The store shows an object of this kind in another way, or it does so soon: not looked at before the loop's hook. NULL
 * is fine. */
void garbage_note(struct garbage *garbage, enum kind kind, const char *ns, const char *name);

#endif
