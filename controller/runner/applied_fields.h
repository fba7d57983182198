/* Which fields of the children were ours when they were last known to be as they were applied: status.appliedFields.
 *
 * A process remembers what the API server answered to its own writes; another one, which lists the children, does not.
 * The status tells it: digests of the fields (FieldsV1 of our entry in metadata.managedFields), a child each. Who
 * changes a field of a child takes it out of our entry, so a child whose digest is in the status has not drifted. */
#ifndef RUNNER_APPLIED_FIELDS_H
#define RUNNER_APPLIED_FIELDS_H

#include <stdbool.h>

#include "runner/observed.h"

/* "1=6bd20f3a,2=…" of the children that are there and have not drifted, for the status; NULL: there is none. The token
 * Secret is never among them: what is in it comes from GitLab. */
const char *applied_fields_text(const struct observed *o, struct arena *a);
/* Whether what the status says (told; NULL: nothing) is that these are the fields of that child: a digest of at least 8
 * digits, NULL: it has none. */
bool applied_fields_tell(const char *told, enum child child, const char *fields);
enum { APPLIED_FIELDS_SIZE = 200 }; /* of all that applied_fields_text() makes */

#endif
