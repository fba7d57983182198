/* A text that Helm would take for a template: what is known of it is filled in, and what is not is told. */
#ifndef CLI_IMPORT_TEMPLATE_H
#define CLI_IMPORT_TEMPLATE_H

struct arena;
struct json_object;

/* What stands in the place of an action that is not known: no value that has it can be moved. */
#define TEMPLATE_UNKNOWN "__template_action__"

/* Fills in what names .Values, which are given, or .Release.Namespace, unless ns is NULL; also as {{ default A B }},
 * and with `| quote`. An action that is a whole line, or has no value, is taken out. *ret_lost lists those that are not
 * known: [{text, line}], lines from 1; *ret_used the values that were filled in, by their paths. All are the arena's;
 * the lines of the text stay what they are. */
const char *template_fill_in(const char *text, struct json_object *values, const char *ns,
                             struct json_object **ret_lost, struct json_object **ret_used, struct arena *a);

#endif
