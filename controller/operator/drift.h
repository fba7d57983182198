/* Whether somebody changed or took a field of a child that we applied.
 *
 * A record of a child comes with the fields that are ours (kinds.h). They are held against the manifest in the turn of
 * its owner, which has the spec at hand, and not as each event comes: a start would judge what nobody asks for yet.
 * When all are there they are forgotten, since only another event, which brings them anew, can change that. */
#ifndef OPERATOR_DRIFT_H
#define OPERATOR_DRIFT_H

#include "kube/store.h"
#include "runner/observed.h"

/* o: with its spec, and the child's wanted hash and own hash. False also as long as it does not matter: a child that is
 * not wanted, or was applied for another spec, is not left as it is anyway. */
bool has_drifted(struct store *store, const struct record *record, enum child child, const struct observed *o);

#endif
