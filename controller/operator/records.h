/* From an object, as a watch or an answer shows it, to its record. */
#ifndef OPERATOR_RECORDS_H
#define OPERATOR_RECORDS_H

#include "operator/kept.h"

/* store: what is known so far; to find the owner of a child that does not say whose it is. The arena has the record's
 * texts, or the object lends them. That a child has drifted is not known yet: see drift.h. */
struct record kind_record(enum kind kind, struct json_object *object, const struct store *store, struct arena *a);

#endif
