/* Whether somebody changed or took a field of a child that we applied.
 *
 * An object's managedFields tell: when somebody else changes a field, the API server takes it out of our entry, which
 * is that of an apply or, before the first one, of the POST that has made it (kube/managed_fields.h). They are larger
 * than all else that is kept of it, so its record keeps a digest of the entry. What we have just applied is in order,
 * and stays so as long as the digest is the same. Of a child that this process has not applied, the owner's status may
 * have the digest (runner/applied_fields.h); where it has not, the fields are held against the manifest when the object
 * comes. */
#ifndef OPERATOR_DRIFT_H
#define OPERATOR_DRIFT_H

#include "operator/kept.h"
#include "runner/render.h"

struct drift_view {
    const struct store *store; /* in which the child's owner is, and the child as it was before */
    const struct render_settings *settings;
};

/* Says in the child's record, which was made of this object, whether it has drifted. One that cannot be judged has: its
 * owner is not known (yet), or it was applied for another spec and will be again. Nothing of what is no child, nor of
 * the token Secret: what is in it comes from GitLab, and is not to be written over. The arena is the record's. */
void drift_judge(const struct drift_view *view, enum kind kind, struct json_object *object, struct record *child,
                 struct arena *a);
/* The same where the object is what has just been made or applied: all of its fields are ours. */
void drift_none(enum kind kind, struct json_object *object, struct record *child, struct arena *a);

#endif
