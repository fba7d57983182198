/* What a record counts for in its namespace's share: about what it takes, in bytes, with all that belongs to it. */
#ifndef OPERATOR_PRICE_H
#define OPERATOR_PRICE_H

#include "operator/kinds.h"

/* Of a GitLabRunner also its state, references, place in the queue, and the children that every one has. */
unsigned price_of(enum kind kind, const struct record *record, const struct store *store, struct arena *a);

#endif
