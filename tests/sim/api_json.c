#include "tests/sim/api_json.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/yaml.h"

struct json_object *api_json_of_yaml(const char *path)
{
    FILE *file = fopen(path, "re");
    struct json_object *documents = NULL;
    cleanup_buf struct buf text;
    struct err err = {0};

    buf_init(&text, 1 << 20);
    if (file && buf_add_file(&text, file))
        documents = yaml_read(path, text.data, text.len, YAML_TYPED, &err);
    if (file)
        fclose(file);
    if (!documents) {
        fprintf(stderr, "%s: cannot be read %s\n", path, err.text);
        abort();
    }
    struct json_object *first = json_object_get(json_object_array_get_idx(documents, 0));
    json_object_put(documents);
    return first;
}

/* Null is as nothing. */
static bool same_members(struct json_object *a, struct json_object *b)
{
    size_t left = 0;

    json_each (it, b)
        left += it.value != NULL;
    json_each (it, a) {
        if (!api_json_same(it.value, json_member(b, it.key)))
            return false;
        left -= it.value != NULL;
    }
    return left == 0;
}

static bool same_elements(struct json_object *a, struct json_object *b)
{
    size_t len = json_object_array_length(a);

    if (len != json_object_array_length(b))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!api_json_same(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i)))
            return false;
    return true;
}

bool api_json_same(struct json_object *a, struct json_object *b)
{
    if (a == b)
        return true;
    if (!a || !b || json_object_get_type(a) != json_object_get_type(b))
        return false;
    if (json_object_is_type(a, json_type_object))
        return same_members(a, b);
    if (json_object_is_type(a, json_type_array))
        return same_elements(a, b);
    return json_object_equal(a, b);
}

struct json_object *api_json_shallow(struct json_object *object)
{
    struct json_object *copy = json_object_new_object();

    if (!json_object_is_type(object, json_type_object))
        return copy;
    json_object_object_foreach(object, key, value)
        json_object_object_add_ex(copy, key, json_object_get(value), JSON_C_OBJECT_ADD_KEY_IS_NEW);
    return copy;
}

void api_json_add(struct json_object *object, const char *key, struct json_object *value)
{
    if (value)
        json_object_object_add_ex(object, key, value, JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

void api_json_share(struct json_object *object, const char *key, struct json_object *value)
{
    api_json_add(object, key, json_object_get(value));
}

bool api_json_is_empty(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        return json_object_object_length(value) == 0;
    if (json_object_is_type(value, json_type_array))
        return json_object_array_length(value) == 0;
    return !value;
}

const char *api_json_text(struct json_object *object, const char *key)
{
    return json_string(json_member(object, key));
}
