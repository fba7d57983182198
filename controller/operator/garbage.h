/* Children without a claim (claim.h) are removed, whatever their owner is at: it may be suspended, invalid, waiting for
 * GitLab or gone. So rights that somebody has withdrawn go at once, and nothing outlives its owner, also when that went
 * without us: because its finalizer was taken off by hand, or while there was no operator.
 *
 *   1. Looked at is what a change is about: a child, an owner's children, the RoleBindings in a Namespace; and all that
 *      there is when this process begins to lead.
 *   2. What the store shows may be old. Before a child goes it is read: only what we have made (our label, and fields
 *      of our field manager) is ever deleted, by its uid. So is the owner, if it is missing.
 *   3. What Kubernetes' garbage collector knows the owner of is left to it. A token Secret without an owner waits for a
 *      successor of that name, who could deregister the runner; then our finalizer is taken off.
 *   4. A few are at work at a time, and namespaces take turns. What fails is tried again: 1 s, doubling to 5 minutes.
 */
#ifndef OPERATOR_GARBAGE_H
#define OPERATOR_GARBAGE_H

#include "operator/turn.h"

struct garbage;

/* Lends the workshop. */
struct garbage *garbage_create(const struct workshop *shop);
/* NULL is fine. */
void garbage_destroy(struct garbage *garbage);

/* Whether this process acts; true not before all kinds have been listed. A change begins anew: requests in flight end,
 * what was noted is forgotten, and who begins to act looks at everything. */
void garbage_lead(struct garbage *garbage, bool leading);
/* The store shows an object of this kind in another way, or it does so soon: not looked at before garbage_act(). NULL
 * is fine. */
void garbage_note(struct garbage *garbage, enum kind kind, const char *ns, const char *name);
/* Looks at what was noted and begins with what is due; to be called when sockets were polled. */
void garbage_act(struct garbage *garbage);

#endif
