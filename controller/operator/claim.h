/* Whether a child may be where it is. It needs an owner that is there, that asks for it, and, in another team's
 * namespace, that team's consent. Looked at without the owner's turn: whatever is wrong with the owner, what it may not
 * have (any more) goes. */
#ifndef OPERATOR_CLAIM_H
#define OPERATOR_CLAIM_H

#include "operator/kept.h"

enum claim {
    CLAIM_GOOD,        /* or nothing is known that speaks against it                                   */
    CLAIM_NOT_ALLOWED, /* the namespace does not let runners of its owner's namespace in (any more)    */
    CLAIM_MOVED,       /* its owner's spec names another namespace                                     */
    CLAIM_ORPHANED,    /* no GitLabRunner of its owner's uid is there                                  */
};

/* child: a record of this kind. Of a kind that is not made by us, or without an owner: CLAIM_GOOD. So is a child that
 * is being deleted, and whatever belongs to a namespace whose GitLabRunners are not known.
 *
 * A token Secret is orphaned only when it is being deleted and hangs on our finalizer, and nobody of its owner's name
 * is there: otherwise whoever makes the object again inherits it. */
enum claim claim_of(const struct store *store, enum kind kind, const struct record *child);
/* "NotAllowed", for people; NULL for CLAIM_GOOD. */
const char *claim_name(enum claim claim);

#endif
