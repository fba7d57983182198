/* A text that Helm would take for a template: what is known of it is filled in, and what is not is told. */
#ifndef CLI_IMPORT_TEMPLATE_H
#define CLI_IMPORT_TEMPLATE_H

struct arena;
struct json_object;

/* What stands in the place of an action that is not known: no value that has it can be moved. */
#define TEMPLATE_MARK      "__template_"
#define TEMPLATE_UNKNOWN   TEMPLATE_MARK "action__"
#define TEMPLATE_NAMESPACE TEMPLATE_MARK "namespace__"

/* Fills in what names .Values, which are given, or .Release.Namespace, unless ns is NULL; also as {{ default A B }},
 * and with `| quote`. Of the others those that are a whole line, or decide about what is around them, are taken out:
 * *ret_lost lists them, [{text, line}], lines from 1; in the place of a value there is a mark. *ret_used lists the
 * values that were filled in, by their paths. All are the arena's; the lines of the text stay what they are. */
const char *template_fill_in(const char *text, struct json_object *values, const char *ns,
                             struct json_object **ret_lost, struct json_object **ret_used, struct arena *a);

#endif
