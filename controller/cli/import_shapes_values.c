/* Shapes of charts and objects as the spec, or config.toml, has them. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/import_shapes.h"

struct json_object *import_comma_list(struct json_object *value)
{
    struct json_object *list;
    const char *text = json_string(value);

    if (!json_object_is_type(value, json_type_string))
        return json_is_array(value) ? json_ref(value) : NULL;
    list = json_object_new_array();
    while (*text) {
        size_t len = strcspn(text, ",");
        const char *from = text + strspn(text, " ");
        size_t size = from < text + len ? (size_t)(text + len - from) : 0;
        while (size && from[size - 1] == ' ')
            size--;
        if (size)
            json_append(list, json_object_new_string_len(from, (int)size));
        text += len + (text[len] == ',');
    }
    return list;
}

struct json_object *import_protected(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_boolean))
        return NULL;
    return json_object_new_string(json_object_get_boolean(value) ? "RefProtected" : "NotProtected");
}

struct json_object *import_access_level(struct json_object *value)
{
    if (strcmp(json_string(value), "ref_protected") == 0)
        return json_object_new_string("RefProtected");
    return strcmp(json_string(value), "not_protected") == 0 ? json_object_new_string("NotProtected") : NULL;
}

struct json_object *import_not(struct json_object *value)
{
    return json_object_is_type(value, json_type_boolean) ? json_object_new_boolean(!json_object_get_boolean(value))
                                                         : NULL;
}

struct json_object *import_whole(struct json_object *value)
{
    char *end;
    long long number;

    if (json_object_is_type(value, json_type_int))
        return json_ref(value);
    number = strtoll(json_string(value), &end, 10);
    return *json_string(value) && !*end ? json_object_new_int64(number) : NULL;
}

struct json_object *import_log_level(struct json_object *value)
{
    return json_object_new_string(strcmp(json_string(value), "warning") == 0 ? "warn" : json_string(value));
}

struct json_object *import_references(struct json_object *value)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < json_len(value); i++) {
        struct json_object *entry = json_at(value, i);
        bool text = json_object_is_type(entry, json_type_string);
        json_append(list, json_build("{name: %s}", text ? json_string(entry) : json_str_or(entry, "name", "")));
    }
    return list;
}

struct json_object *import_variables(struct json_object *value)
{
    struct json_object *list;

    if (!json_object_is_type(value, json_type_object))
        return NULL;
    list = json_object_new_array();
    json_each (it, value) {
        cleanup_free char *line = NULL;
        if (asprintf(&line, "%s=%s", it.key, it.value ? json_object_get_string(it.value) : "") < 0)
            abort(); /* out of memory */
        json_append(list, json_object_new_string(line));
    }
    return list;
}

/* As the chart makes an argument of it: no value goes with the operator Exists. */
static void add_toleration(struct json_object *table, struct json_object *toleration)
{
    const char *key = json_str_or(toleration, "key", "");
    bool equal = strcmp(json_str_or(toleration, "operator", "Equal"), "Equal") == 0;
    cleanup_free char *name = NULL;

    if (asprintf(&name, "%s%s%s", key, equal ? "=" : "", equal ? json_str_or(toleration, "value", "") : "") < 0)
        abort(); /* out of memory */
    json_object_object_add(table, name, json_object_new_string(json_str_or(toleration, "effect", "")));
}

struct json_object *import_toleration_table(struct json_object *value)
{
    struct json_object *table;

    if (json_object_is_type(value, json_type_object))
        return json_ref(value);
    table = json_object_new_object();
    for (size_t i = 0; i < json_len(value); i++)
        add_toleration(table, json_at(value, i));
    return table;
}

struct json_object *import_scope(struct json_object *value)
{
    static const char *const types[][2] = {
        {"instance_type", "Instance"}, {"group_type", "Group"}, {"project_type", "Project"}};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i][0], json_string(value)) == 0)
            return json_object_new_string(types[i][1]);
    return NULL;
}
