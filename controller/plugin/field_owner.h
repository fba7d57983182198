/* Who writes a field of an object, as its metadata.managedFields tell: a tool that keeps it in git would set it back.
 */
#ifndef PLUGIN_FIELD_OWNER_H
#define PLUGIN_FIELD_OWNER_H

struct json_object;

/* The tool that owns the field ("spec.caSecretRef"), or else what is above it: "Flux", "Argo CD", "Helm", … NULL: a
 * person, as far as it is known. */
const char *field_tool(struct json_object *object, const char *path);

#endif
