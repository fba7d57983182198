#include "runner/affinity.h"

#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/shorten.h"
#include "base/words.h"
#include "runner/spec_parts.h"

enum { NAME_MAX_LEN = 64, WEIGHT_MAX = 100 };

/* ------------------------------------------------------------------------------------------------------------------
 * The shape.
 */
enum member_type { TEXT, WEIGHT, TEXTS, MAP, OBJECT, LIST };

struct shape;

struct member {
    const char *name;
    enum member_type type;
    bool required;
    const struct shape *inner; /* of OBJECT, and of each element of LIST */
};

struct shape {
    struct member members[7]; /* ended by an empty one                                     */
    const char *operators;    /* of an expression; NULL: it is none                        */
};

/* clang-format off */
#define EXPRESSION {{"key", TEXT, true, NULL}, {"operator", TEXT, true, NULL}, {"values", TEXTS, false, NULL}}
/* clang-format on */
static const struct shape label_expression = {EXPRESSION, "In, NotIn, Exists, DoesNotExist"};
static const struct shape node_expression = {EXPRESSION, "In, NotIn, Exists, DoesNotExist, Gt, Lt"};

static const struct shape label_selector = {
    {{"matchLabels", MAP, false, NULL}, {"matchExpressions", LIST, false, &label_expression}}, NULL};

static const struct shape pod_term = {{{"topologyKey", TEXT, true, NULL},
                                       {"labelSelector", OBJECT, false, &label_selector},
                                       {"namespaces", TEXTS, false, NULL},
                                       {"namespaceSelector", OBJECT, false, &label_selector},
                                       {"matchLabelKeys", TEXTS, false, NULL},
                                       {"mismatchLabelKeys", TEXTS, false, NULL}},
                                      NULL};
static const struct shape weighted_pod_term = {
    {{"weight", WEIGHT, true, NULL}, {"podAffinityTerm", OBJECT, true, &pod_term}}, NULL};

static const struct shape node_term = {
    {{"matchExpressions", LIST, false, &node_expression}, {"matchFields", LIST, false, &node_expression}}, NULL};
static const struct shape node_selector = {{{"nodeSelectorTerms", LIST, true, &node_term}}, NULL};
static const struct shape weighted_node_term = {
    {{"weight", WEIGHT, true, NULL}, {"preference", OBJECT, true, &node_term}}, NULL};

#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"
static const struct shape node_affinity = {
    {{REQUIRED, OBJECT, false, &node_selector}, {PREFERRED, LIST, false, &weighted_node_term}}, NULL};
static const struct shape pod_affinity = {
    {{REQUIRED, LIST, false, &pod_term}, {PREFERRED, LIST, false, &weighted_pod_term}}, NULL};

static const struct shape whole = {{{"nodeAffinity", OBJECT, false, &node_affinity},
                                    {"podAffinity", OBJECT, false, &pod_affinity},
                                    {"podAntiAffinity", OBJECT, false, &pod_affinity}},
                                   NULL};

/* ------------------------------------------------------------------------------------------------------------------
 * The check.
 */
static bool check_affinity_object(const struct shape *shape, struct json_object *object, const char *path,
                                  struct arena *a, struct err *err);

static const struct member *member_of(const struct shape *shape, const char *name)
{
    for (const struct member *m = shape->members; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

/* An operator, and as many values as it takes. */
static bool check_expression(const struct shape *shape, struct json_object *expression, const char *path,
                             struct err *err)
{
    const char *op = json_str_or(expression, "operator", "");
    size_t values = json_len(json_get(expression, "values"));

    if (!json_member(expression, "operator"))
        return false; /* which is said already */
    if (spec_word_index(shape->operators, op) < 0)
        return spec_invalid(err, "%s.operator must be one of %s, not \"%s\"", path, shape->operators,
                            shown(op, 20).text);
    if (strstr(op, "Exist") && values)
        return spec_invalid(err, "%s.values: the operator %s takes none, take them out", path, op);
    if (strstr(op, "In") && !values)
        return spec_invalid(err, "%s.values is missing: the operator %s needs one at least", path, op);
    if (op[1] == 't' && values != 1)
        return spec_invalid(err, "%s.values must have exactly one number with the operator %s", path, op);
    return true;
}

static bool check_texts(struct json_object *list, const char *path, struct err *err)
{
    bool ok = json_is_array(list) || spec_invalid(err, "%s must be a list", path);

    for (size_t i = 0; i < json_len(list); i++)
        if (!json_object_is_type(json_at(list, i), json_type_string))
            ok = spec_invalid(err, "%s[%zu] must be text: put it in quotes", path, i);
    return ok;
}

static bool check_selector_map(struct json_object *map, const char *path, struct err *err)
{
    bool ok = json_object_is_type(map, json_type_object) || spec_invalid(err, "%s must be a map", path);

    json_each (it, map)
        if (!json_object_is_type(it.value, json_type_string))
            ok = spec_invalid(err, "%s.%s must be text: put it in quotes", path, shown(it.key, 60).text);
    return ok;
}

static bool check_affinity_list(const struct shape *shape, struct json_object *list, const char *path, struct arena *a,
                                struct err *err)
{
    bool ok = json_is_array(list) || spec_invalid(err, "%s must be a list", path);

    for (size_t i = 0; i < json_len(list); i++)
        ok = check_affinity_object(shape, json_at(list, i), arena_printf(a, "%s[%zu]", path, i), a, err) && ok;
    return ok;
}

static bool check_affinity_member(const struct member *m, struct json_object *value, const char *path, struct arena *a,
                                  struct err *err)
{
    int64_t weight = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;

    switch (m->type) {
    case TEXT:
        return *json_string(value) || spec_invalid(err, "%s must be text that is not empty", path);
    case WEIGHT:
        return (weight >= 1 && weight <= WEIGHT_MAX) || spec_invalid(err, "%s must be from 1 to 100", path);
    case TEXTS:
        return check_texts(value, path, err);
    case MAP:
        return check_selector_map(value, path, err);
    case OBJECT:
        return check_affinity_object(m->inner, value, path, a, err);
    case LIST:
        if (m->required && json_is_array(value) && json_len(value) == 0)
            return spec_invalid(err, "%s must have one entry at least", path);
        return check_affinity_list(m->inner, value, path, a, err);
    }
    return false;
}

static bool check_affinity_members(const struct shape *shape, struct json_object *object, const char *path,
                                   struct arena *a, struct err *err)
{
    bool ok = true;

    for (const struct member *m = shape->members; m->name; m++) {
        struct json_object *value = json_member(object, m->name);
        const char *inner = arena_printf(a, "%s.%s", path, m->name);
        if (!value && m->required)
            ok = spec_invalid(err, "%s is missing", inner);
        if (value)
            ok = check_affinity_member(m, value, inner, a, err) && ok;
    }
    return ok;
}

static const char *what_to_do(const struct shape *shape, const char *name, struct arena *a)
{
    struct near near = near_begin(name);

    for (const struct member *m = shape->members; m->name; m++)
        near_offer(&near, m->name);
    return near.found ? arena_printf(a, "did you mean %s?", near.found)
                      : "gitlab-runner has no such setting, take it out";
}

/* What gitlab-runner does not know it would drop in silence. */
static bool check_affinity_object(const struct shape *shape, struct json_object *object, const char *path,
                                  struct arena *a, struct err *err)
{
    bool ok = true;

    if (!json_object_is_type(object, json_type_object))
        return spec_invalid(err, "%s must be an object", path);
    json_each (it, object)
        if (!member_of(shape, it.key))
            ok =
                spec_invalid(err, "%s.%s is not known: %s", path, shown(it.key, 60).text, what_to_do(shape, it.key, a));
    ok = check_affinity_members(shape, object, path, a, err) && ok;
    return (!shape->operators || check_expression(shape, object, path, err)) && ok;
}

bool affinity_check(struct json_object *affinity, struct arena *a, struct err *err)
{
    return !affinity || check_affinity_object(&whole, affinity, "spec.affinity", a, err);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The tables.
 */
static struct json_object *table_of(const struct shape *shape, struct json_object *object);

/* matchLabels as match_labels. */
static void snake_case(const char *name, char ret[static NAME_MAX_LEN])
{
    size_t len = 0;

    for (; *name && len < NAME_MAX_LEN - 2; name++) {
        if (isupper((unsigned char)*name))
            ret[len++] = '_';
        ret[len++] = (char)tolower((unsigned char)*name);
    }
    ret[len] = '\0';
}

static struct json_object *tables_of(const struct shape *shape, struct json_object *list)
{
    struct json_object *tables = json_object_new_array();

    for (size_t i = 0; i < json_len(list); i++)
        json_append(tables, table_of(shape, json_at(list, i)));
    return tables;
}

static struct json_object *affinity_value(const struct member *m, struct json_object *value)
{
    if (m->type == OBJECT)
        return table_of(m->inner, value);
    if (m->type == LIST)
        return tables_of(m->inner, value);
    return m->type == MAP ? json_sorted(value) : json_ref(value);
}

/* An empty list says what its absence says; an empty selector does not: it selects everything. */
static struct json_object *table_of(const struct shape *shape, struct json_object *object)
{
    struct json_object *table = json_object_new_object();
    char name[NAME_MAX_LEN];

    for (const struct member *m = shape->members; m->name; m++) {
        struct json_object *value = json_member(object, m->name);
        if (!value || (json_is_array(value) && json_len(value) == 0))
            continue;
        snake_case(m->name, name);
        json_object_object_add(table, name, affinity_value(m, value));
    }
    return table;
}

struct json_object *affinity_table(struct json_object *affinity)
{
    struct json_object *table = affinity ? table_of(&whole, affinity) : NULL;

    if (!table || json_first(table).key)
        return table;
    json_object_put(table);
    return NULL;
}
