/* Who owns which field: metadata.managedFields, as server-side apply keeps it.
 *
 * When somebody else changes the value of a field that we applied, the server takes the field away from our entry. So
 * "every field that we applied is still ours" means "nothing that we care about was changed", without comparing values,
 * for kinds of which we see the metadata only, and whatever the server made of a quantity or a default.
 *
 * What was made by POST is ours by update until it is handed over. An apply gives up what it does not name any more by
 * the entry of its own operation alone: what the other has, too, would stay in the object for ever.
 *
 * Source: kubernetes.io/docs/reference/using-api/server-side-apply (field management; FieldsV1);
 * client-go/util/csaupgrade. */
#ifndef KUBE_MANAGED_FIELDS_H
#define KUBE_MANAGED_FIELDS_H

#include <stdbool.h>

struct json_object;

/* In all of these an entry's fieldsV1 may be a string, of its JSON (struct kube_resource), as well as a tree. */

/* What `manager` owns by apply, or where that is nothing by update, as the object lists it (FieldsV1), as text; NULL:
 * nothing. Lent. */
const char *managed_fields_of(struct json_object *managed_fields, const char *manager);
/* Whether it owns something by apply; and by update, which is to be handed over before it applies. */
bool managed_fields_by_apply(struct json_object *managed_fields, const char *manager);
bool managed_fields_by_update(struct json_object *managed_fields, const char *manager);
/* managedFields, as trees, in which all that it owns is its own by apply; the caller owns them. */
struct json_object *managed_fields_handed_over(struct json_object *managed_fields, const char *manager);

/* True when what is its own, as above, has in it all of manifest's content: labels, annotations, owner references and
 * all outside of metadata. */
bool managed_fields_have(struct json_object *managed_fields, const char *manager, struct json_object *manifest);
/* Whether these fields (FieldsV1 as text; NULL: none) have that annotation among them. */
bool fields_have_annotation(const char *fields, const char *key);

#endif
