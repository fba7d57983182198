/* How the fields of a kind are merged, and which fields a kind of a CRD has: structured-merge-diff's schema.
 *
 * Built once in a process: of built-in kinds from api_types.c, of GitLabRunners from crds/gitlabrunners.yaml. */
#ifndef TESTS_SIM_API_SCHEMA_H
#define TESTS_SIM_API_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

enum schema_shape {
    SCHEMA_DEDUCED, /* by the value: objects are maps, lists atomic */
    SCHEMA_ATOMIC,  /* one value, whatever is in it                 */
    SCHEMA_STRUCT,
    SCHEMA_MAP,
    SCHEMA_LIST, /* elements are told apart by keys */
    SCHEMA_SET,
};

struct schema_field {
    const char *name;
    const struct schema *schema;
};

struct schema {
    enum schema_shape shape;
    const struct schema *element; /* of MAP, LIST and SET */
    struct schema_field *fields;  /* of STRUCT, by name   */
    size_t fields_len;
    const char *keys[2]; /* of LIST */
    size_t keys_len;
    struct json_object *crd; /* the OpenAPI schema; NULL: of a built-in kind, which is not pruned */
    bool keeps_unknown;      /* of a CRD */
};

/* A line of api_types.c: a type, and those of its fields that are no scalars. */
struct schema_line {
    const char *type, *fields;
};
extern const struct schema_line schema_lines[];

/* Lent for ever. type: "core.v1.Secret", or "crd" for GitLabRunners. */
const struct schema *schema_of(const char *type);
/* Another CRD than that file's, lent for now, before GitLabRunners are asked for. */
void schema_use_crd(struct json_object *crd);
/* Of a member of a STRUCT or MAP; never NULL. */
const struct schema *schema_member(const struct schema *schema, const char *name);
/* With DEDUCED replaced by what the value is. */
enum schema_shape schema_shape(const struct schema *schema, struct json_object *value);

enum { ELEMENT_KEY_MAX = 512 };
/* How FieldsV1 names an element of a LIST or SET: k:{"name":"a"}, v:"a". */
void schema_element_key(const struct schema *schema, struct json_object *element, char ret[static ELEMENT_KEY_MAX]);
/* The element of the array that has this key; NULL: none. */
struct json_object *schema_find_element(const struct schema *schema, struct json_object *array, const char *key);

/* True and its path, appended to the text in path, when the value has a field that the schema of a CRD does not know.
 */
bool schema_finds_undeclared(const struct schema *schema, struct json_object *value, char *path, size_t size);

#endif
