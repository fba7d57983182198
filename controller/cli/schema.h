/* The CRD's schema, as it is installed in a cluster, held against an object. */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

struct arena;
struct json_object;

/* Sentences that name the field and the remedy, as arrays of text; both empty when all is well. */
struct schema_findings {
    struct json_object *unknown; /* fields that the schema does not have: the API server drops them in silence */
    struct json_object *wrong;   /* values that it does not allow: the API server refuses the object           */
};

/* The schema, which the arena owns. */
struct json_object *schema_read(struct arena *a);
/* Checks everything but the CEL rules and what metadata holds. The arena owns the findings. */
struct schema_findings schema_check(struct json_object *schema, struct json_object *object, struct arena *a);

#endif
