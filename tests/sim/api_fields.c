#include "tests/sim/api_fields.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_schema.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Nodes */

/* A node that is of the set and has none below it: one for all. */
static struct json_object *leaf(void)
{
    static struct json_object *all;

    if (!all)
        all = json_object_new_object();
    return json_object_get(all);
}

static bool is_of_the_set(struct json_object *node)
{
    return node && (json_object_object_length(node) == 0 || json_member(node, "."));
}

/* *node: NULL or an object of our own. Takes the child over; NULL adds none. */
static void put_child(struct json_object **node, const char *key, struct json_object *child)
{
    if (!child)
        return;
    if (!*node)
        *node = json_object_new_object();
    json_object_object_add_ex(*node, key, child, JSON_C_OBJECT_ADD_KEY_IS_NEW);
}

static void put_itself(struct json_object **node)
{
    if (*node)
        json_object_object_add_ex(*node, ".", leaf(), JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
    else
        *node = leaf();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a manifest owns */

enum { FIELD_KEY_MAX = 600 };

static void field_key(const char *name, char ret[static FIELD_KEY_MAX])
{
    size_t len = strlen(name);

    assert(len < FIELD_KEY_MAX - 2);
    ret[0] = 'f';
    ret[1] = ':';
    memcpy(ret + 2, name, len + 1);
}

static bool is_known(const struct schema *schema, const char *name)
{
    return schema->shape == SCHEMA_STRUCT && (schema->crd || schema_member(schema, name)->shape != SCHEMA_DEDUCED);
}

static struct json_object *fields_of_members(struct json_object *object, const struct schema *schema)
{
    struct json_object *node = NULL;
    char key[FIELD_KEY_MAX];

    json_object_object_foreach(object, name, value)
    {
        struct json_object *child = fields_of(value, schema_member(schema, name));
        bool empty = !value || (json_object_is_type(value, json_type_object) && api_json_is_empty(value));
        if (!child && empty)
            child = leaf();
        else if (child && !is_of_the_set(child) && !is_known(schema, name))
            put_itself(&child);
        field_key(name, key);
        put_child(&node, key, child);
    }
    return node;
}

static struct json_object *fields_of_elements(struct json_object *array, const struct schema *schema)
{
    struct json_object *node = NULL;
    char key[ELEMENT_KEY_MAX];

    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *element = json_object_array_get_idx(array, i);
        struct json_object *child = schema->shape == SCHEMA_SET ? NULL : fields_of(element, schema->element);
        if (!child || !is_of_the_set(child))
            put_itself(&child);
        schema_element_key(schema, element, key);
        if (json_member(node, key))
            json_object_put(child);
        else
            put_child(&node, key, child);
    }
    return node;
}

struct json_object *fields_of(struct json_object *value, const struct schema *schema)
{
    switch (schema_shape(schema, value)) {
    case SCHEMA_STRUCT:
    case SCHEMA_MAP:
        return fields_of_members(value, schema);
    case SCHEMA_LIST:
    case SCHEMA_SET:
        return fields_of_elements(value, schema);
    case SCHEMA_DEDUCED:
    case SCHEMA_ATOMIC:
        break;
    }
    return leaf();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * How two values differ */

static void put_changes(struct fields_change *all, const char *key, const struct fields_change *child)
{
    put_child(&all->added, key, child->added);
    put_child(&all->removed, key, child->removed);
    put_child(&all->modified, key, child->modified);
}

static struct fields_change compare_leaf(struct json_object *before, struct json_object *after)
{
    struct fields_change change = {0};

    if (!before)
        change.added = leaf();
    else if (!after)
        change.removed = leaf();
    else if (!api_json_same(before, after))
        change.modified = leaf();
    return change;
}

static void compare_member(struct fields_change *all, const char *name, struct json_object *before,
                           struct json_object *after, const struct schema *schema)
{
    char key[FIELD_KEY_MAX];

    if (before == after)
        return;
    const struct fields_change change = fields_compare(before, after, schema_member(schema, name));
    field_key(name, key);
    put_changes(all, key, &change);
}

/* A member that has become null is still there: emptied, but not removed. */
static struct json_object *member_after(struct json_object *after, const char *name, struct json_object *old)
{
    static struct json_object *no_members, *no_elements;
    struct json_object *new = json_member(after, name);

    if (new || !old || !json_object_object_get_ex(after, name, NULL))
        return new;
    no_members = no_members ? no_members : json_object_new_object();
    no_elements = no_elements ? no_elements : json_object_new_array();
    return json_object_is_type(old, json_type_array)    ? no_elements
           : json_object_is_type(old, json_type_object) ? no_members
                                                        : NULL;
}

static void compare_members(struct fields_change *all, struct json_object *before, struct json_object *after,
                            const struct schema *schema)
{
    if (before) {
        json_object_object_foreach(before, name, old)
            compare_member(all, name, old, member_after(after, name, old), schema);
    }
    if (after) {
        json_object_object_foreach(after, name, new)
        {
            if (!json_member(before, name))
                compare_member(all, name, NULL, new, schema);
        }
    }
}

static struct fields_change compare_element(struct json_object *before, struct json_object *after,
                                            const struct schema *schema)
{
    return schema->shape == SCHEMA_SET ? compare_leaf(before, after) : fields_compare(before, after, schema->element);
}

static void compare_elements(struct fields_change *all, struct json_object *before, struct json_object *after,
                             const struct schema *schema)
{
    char key[ELEMENT_KEY_MAX];

    for (size_t i = 0; i < json_len(before); i++) {
        schema_element_key(schema, json_at(before, i), key);
        const struct fields_change change =
            compare_element(json_at(before, i), schema_find_element(schema, after, key), schema);
        put_changes(all, key, &change);
    }
    for (size_t i = 0; i < json_len(after); i++) {
        schema_element_key(schema, json_at(after, i), key);
        if (schema_find_element(schema, before, key))
            continue;
        const struct fields_change change = compare_element(NULL, json_at(after, i), schema);
        put_changes(all, key, &change);
    }
}

struct fields_change fields_compare(struct json_object *before, struct json_object *after, const struct schema *schema)
{
    struct fields_change change = {0};
    enum schema_shape shape = schema_shape(schema, before ? before : after);
    bool empty = api_json_is_empty(before) && api_json_is_empty(after);

    if (before == after)
        return change;
    if (empty || shape == SCHEMA_ATOMIC || (before && after && schema_shape(schema, after) != shape))
        return compare_leaf(before, after);
    if (shape == SCHEMA_LIST || shape == SCHEMA_SET)
        compare_elements(&change, before, after, schema);
    else
        compare_members(&change, before, after, schema);
    if (!before)
        put_itself(&change.added);
    else if (!after)
        put_itself(&change.removed);
    return change;
}

void fields_change_finish(struct fields_change *change)
{
    json_object_put(change->added);
    json_object_put(change->removed);
    json_object_put(change->modified);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Sets */

typedef struct json_object *combine_fn(struct json_object *a, struct json_object *b);

/* Of each node that a has, and of those alone. */
static struct json_object *combined(struct json_object *a, struct json_object *b, combine_fn *combine, bool itself)
{
    struct json_object *node = NULL;

    json_object_object_foreach(a, key, child)
    {
        if (*key != '.')
            put_child(&node, key, combine(child, json_member(b, key)));
    }
    if (itself)
        put_itself(&node);
    return node;
}

struct json_object *fields_union(struct json_object *a, struct json_object *b)
{
    if (!a || !b || a == b)
        return json_object_get(a ? a : b);
    struct json_object *node = combined(a, b, fields_union, false);

    json_object_object_foreach(b, key, child)
    {
        if (*key != '.' && !json_member(a, key))
            put_child(&node, key, json_object_get(child));
    }
    if (is_of_the_set(a) || is_of_the_set(b))
        put_itself(&node);
    return node;
}

struct json_object *fields_difference(struct json_object *a, struct json_object *b)
{
    if (!a || !b)
        return json_object_get(a);
    return combined(a, b, fields_difference, is_of_the_set(a) && !is_of_the_set(b));
}

struct json_object *fields_shared(struct json_object *a, struct json_object *b)
{
    return a && b ? combined(a, b, fields_shared, is_of_the_set(a) && is_of_the_set(b)) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

enum { PATH_MAX_LEN = 2000 };

static void each_below(struct json_object *node, char *path, size_t len, void (*told)(void *arg, const char *path),
                       void *arg)
{
    if (is_of_the_set(node) && len)
        told(arg, path);
    json_object_object_foreach(node, key, child)
    {
        if (*key == '.' || len + strlen(key) + 4 > PATH_MAX_LEN)
            continue;
        bool named = *key == 'f';
        size_t more = (size_t)sprintf(path + len, named ? ".%s" : "[%s]", named ? key + 2 : key + 2);
        each_below(child, path, len + more, told, arg);
        path[len] = '\0';
    }
}

void fields_each(struct json_object *set, void (*told)(void *arg, const char *path), void *arg)
{
    char path[PATH_MAX_LEN] = "";

    if (set)
        each_below(set, path, 0, told, arg);
}
