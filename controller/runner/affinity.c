#include "runner/affinity.h"

#include <assert.h>
#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "runner/complaints.h"
#include "runner/shape.h"

enum { NAME_MAX_LEN = 64 };

/* ------------------------------------------------------------------------------------------------------------------
 * Validation.
 */

/* As many values as the operator takes. */
static bool validate_expression(struct json_object *expression, const char *path, struct err *err)
{
    const char *op = json_str_or(expression, "operator", "");
    size_t values = json_len(json_member(expression, "values"));

    if (strstr(op, "Exist") && values)
        return spec_invalid(err, "%s.values: the operator %s takes none, take them out", path, op);
    if (strstr(op, "In") && !values)
        return spec_invalid(err, "%s.values is missing: the operator %s needs one at least", path, op);
    if (op[0] && op[1] == 't' && values != 1)
        return spec_invalid(err, "%s.values must have exactly one number with the operator %s", path, op);
    return true;
}

/* Expressions are what has an operator, wherever they are. */
static bool validate_expressions(struct json_object *value, const char *path, struct arena *a, struct err *err)
{
    bool ok = !json_str(value, "operator") || validate_expression(value, path, err);

    json_each (it, value)
        if (strcmp(it.key, "matchLabels") != 0)
            ok = validate_expressions(it.value, arena_printf(a, "%s.%s", path, it.key), a, err) && ok;
    for (size_t i = 0; i < json_len(value); i++)
        ok = validate_expressions(json_at(value, i), arena_printf(a, "%s[%zu]", path, i), a, err) && ok;
    return ok;
}

bool affinity_validate(struct json_object *affinity, struct arena *a, struct err *err)
{
    return validate_expressions(affinity, "spec.affinity", a, err);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The tables.
 */

/* matchLabels as match_labels. */
static void snake_case(const char *name, char ret[static NAME_MAX_LEN])
{
    size_t len = 0;

    for (; *name && len < NAME_MAX_LEN - 2; name++) {
        if (isupper((unsigned char)*name))
            ret[len++] = '_';
        ret[len++] = (char)tolower((unsigned char)*name);
    }
    assert(len < NAME_MAX_LEN);
    ret[len] = '\0';
}

static struct json_object *as_toml(const struct shape *shape, struct json_object *value);

/* An empty list says what its absence says; an empty selector does not: it selects everything. */
static struct json_object *as_toml_table(const struct shape *shape, struct json_object *object)
{
    struct json_object *table = json_object_new_object();
    char name[NAME_MAX_LEN];

    for (const struct shape_member *m = shape->members; m->name; m++) {
        struct json_object *value = json_member(object, m->name);
        if (!value || (json_is_array(value) && json_len(value) == 0))
            continue;
        snake_case(m->name, name);
        json_object_object_add(table, name, as_toml(m->shape, value));
    }
    return table;
}

static struct json_object *as_toml(const struct shape *shape, struct json_object *value)
{
    if (shape->members)
        return as_toml_table(shape, value);
    if (shape->type != SHAPE_LIST)
        return json_sorted(value);
    assert(shape->each);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < json_len(value); i++)
        json_append(list, as_toml(shape->each, json_at(value, i)));
    return list;
}

struct json_object *affinity_table(struct json_object *affinity)
{
    struct json_object *table = affinity ? as_toml(shape_find(&crd_shape, "spec.affinity"), affinity) : NULL;

    if (!table || json_first(table).key)
        return table;
    json_object_put(table);
    return NULL;
}
