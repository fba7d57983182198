/* Sets of fields, as FieldsV1 writes them: a tree whose nodes are "f:name", "k:{…}" and "v:…". A node without members
 * is of the set; one that has some is of it when "." is among them. NULL is the empty set. Trees are never changed
 * once they are made; every function returns a reference of the caller's. */
#ifndef TESTS_SIM_API_FIELDS_H
#define TESTS_SIM_API_FIELDS_H

#include <stdbool.h>

struct json_object;
struct schema;

/* What a manifest says: the set that an Apply of it owns. */
struct json_object *fields_of(struct json_object *value, const struct schema *schema);

struct fields_change {
    struct json_object *added, *removed, *modified;
};
/* How two values of a schema differ; either may be NULL. */
struct fields_change fields_compare(struct json_object *before, struct json_object *after, const struct schema *schema);
void fields_change_finish(struct fields_change *change);

struct json_object *fields_union(struct json_object *a, struct json_object *b);
struct json_object *fields_difference(struct json_object *a, struct json_object *b);
struct json_object *fields_shared(struct json_object *a, struct json_object *b);
/* Calls told(arg, path) for each field of the set, as ".spec.replicas". */
void fields_each(struct json_object *set, void (*told)(void *arg, const char *path), void *arg);

#endif
