#include "kube/managed_fields.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { KEY_MAX = 320 }; /* of an annotation, and "f:" */

struct json_object *managed_fields_of(struct json_object *managed_fields, const char *manager)
{
    for (size_t i = 0; i < json_len(managed_fields); i++) {
        struct json_object *entry = json_at(managed_fields, i);
        if (strcmp(json_str_or(entry, "manager", ""), manager) == 0 &&
            strcmp(json_str_or(entry, "operation", ""), "Apply") == 0 && !json_str(entry, "subresource"))
            return json_get(entry, "fieldsV1");
    }
    return NULL;
}

bool fields_have_annotation(struct json_object *fields, const char *key)
{
    char field[KEY_MAX];

    snprintf(field, sizeof(field), "f:%s", key);
    return json_member(json_get(fields, "f:metadata.f:annotations"), field);
}
