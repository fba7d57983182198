/* Who owns which field: metadata.managedFields, as server-side apply keeps it.
 *
 * When somebody else changes the value of a field that we applied, the server takes the field away from our entry. So
 * "every field that we applied is still ours" means "nothing that we care about was changed", without comparing values,
 * for kinds of which we see the metadata only, and whatever the server made of a quantity or a default.
 *
 * Source: kubernetes.io/docs/reference/using-api/server-side-apply (field management; FieldsV1). */
#ifndef KUBE_MANAGED_FIELDS_H
#define KUBE_MANAGED_FIELDS_H

#include <stdbool.h>

struct json_object;

/* What `manager` owns by apply, as the object lists it (FieldsV1); NULL: nothing. Lent. */
struct json_object *managed_fields_of(struct json_object *managed_fields, const char *manager);

/* True when these fields (FieldsV1; NULL: none) have in them all of manifest's content: labels, annotations, owner
 * references and all outside of metadata. */
bool fields_own(struct json_object *fields, struct json_object *manifest);
/* Whether they have that annotation among them. */
bool fields_have_annotation(struct json_object *fields, const char *key);

#endif
