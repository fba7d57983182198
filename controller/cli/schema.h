/* The CRD's schema, as it is installed in a cluster, held against an object. */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

struct arena;
struct complaints;
struct json_object;

/* The schema, which the arena owns. */
struct json_object *schema_read(struct arena *a);

/* Complains of values of a wrong type, which the API server refuses. What metadata holds is not looked at. */
void schema_check_types(struct json_object *schema, struct json_object *object, struct complaints *all);
/* Complains of whatever else the schema does not allow, but for the CEL rules, and of fields that it does not have,
 * which the API server drops in silence. */
void schema_check_rest(struct json_object *schema, struct json_object *object, struct complaints *all);

#endif
