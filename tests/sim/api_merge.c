#include "tests/sim/api_merge.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_schema.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Merge */

static struct json_object *merge_members(struct json_object *live, struct json_object *manifest,
                                         const struct schema *schema)
{
    struct json_object *merged = NULL;

    json_object_object_foreach(manifest, name, value)
    {
        struct json_object *old = json_member(live, name);
        struct json_object *new = merge_values(old, value, schema_member(schema, name));
        if (new == old) {
            json_object_put(new);
            continue;
        }
        if (!merged)
            merged = api_json_shallow(live);
        json_object_object_add(merged, name, new);
    }
    return merged ? merged : json_object_get(live);
}

/* Whether the array, which has so many of its elements, is as the live one: then that one is what it is. */
static struct json_object *live_if_same(struct json_object *live, struct json_object *merged)
{
    bool same = json_len(live) == json_len(merged);

    for (size_t i = 0; same && i < json_len(live); i++)
        same = json_at(live, i) == json_at(merged, i);
    if (!same)
        return merged;
    json_object_put(merged);
    return json_object_get(live);
}

static bool has_element(const struct schema *schema, struct json_object *array, struct json_object *element)
{
    char key[ELEMENT_KEY_MAX];

    schema_element_key(schema, element, key);
    return schema_find_element(schema, array, key);
}

static struct json_object *merge_element(struct json_object *live, struct json_object *element,
                                         const struct schema *schema)
{
    char key[ELEMENT_KEY_MAX];

    schema_element_key(schema, element, key);
    struct json_object *old = schema_find_element(schema, live, key);
    if (schema->shape == SCHEMA_SET)
        return json_object_get(old ? old : element);
    return merge_values(old, element, schema->element);
}

/* In the manifest's order; what only the live one has stays before what it was before. */
static struct json_object *merge_elements(struct json_object *live, struct json_object *manifest,
                                          const struct schema *schema)
{
    struct json_object *merged = json_object_new_array();
    size_t l = 0;

    for (size_t m = 0; m < json_len(manifest); m++) {
        struct json_object *element = json_at(manifest, m);
        for (; l < json_len(live); l++) {
            if (has_element(schema, manifest, json_at(live, l)))
                break;
            json_object_array_add(merged, json_object_get(json_at(live, l)));
        }
        json_object_array_add(merged, merge_element(live, element, schema));
        l += l < json_len(live);
    }
    for (; l < json_len(live); l++)
        if (!has_element(schema, manifest, json_at(live, l)))
            json_object_array_add(merged, json_object_get(json_at(live, l)));
    return live_if_same(live, merged);
}

struct json_object *merge_values(struct json_object *live, struct json_object *manifest, const struct schema *schema)
{
    enum schema_shape shape = schema_shape(schema, manifest);

    if (!live || !manifest || schema_shape(schema, live) != shape)
        return json_object_get(manifest);
    if (shape == SCHEMA_ATOMIC)
        return json_object_get(api_json_same(live, manifest) ? live : manifest);
    if (shape == SCHEMA_LIST || shape == SCHEMA_SET)
        return merge_elements(live, manifest, schema);
    return merge_members(live, manifest, schema);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Prune. What is emptied by that becomes null; so it is with the real one. */

static bool is_member(struct json_object *node)
{
    return json_object_object_length(node) == 0 || json_member(node, ".");
}

/* A struct's field counts as owned by who owns anything in it; what is in a list or map must be owned itself. */
static bool counts_as_owned(struct json_object *node, bool named)
{
    return named || is_member(node);
}

/* What each owner has at this key: false when nobody keeps it. */
static bool owners_below(const struct merge_owners *owners, const char *key, bool named, struct merge_owners *ret)
{
    bool kept = false;

    ret->len = 0;
    for (size_t i = 0; i < owners->len; i++) {
        struct json_object *child = json_member(owners->sets[i], key);
        if (!child)
            continue;
        ret->sets[ret->len++] = child;
        kept |= counts_as_owned(child, named);
    }
    return kept;
}

static bool is_named(const struct schema *schema, const char *name)
{
    return schema->shape == SCHEMA_STRUCT && (schema_member(schema, name)->crd || !schema->crd);
}

/* What is left of a part; *ret_gone: nothing, not even null. */
static struct json_object *prune_part(struct json_object *value, const char *key, bool named,
                                      struct json_object *fields, const struct merge_owners *owners,
                                      const struct schema *schema, bool *ret_gone)
{
    struct merge_owners inner;
    bool kept = owners_below(owners, key, named, &inner);

    *ret_gone = !kept && counts_as_owned(fields, named);
    return *ret_gone ? NULL : merge_pruned(value, fields, &inner, schema);
}

static struct json_object *prune_members(struct json_object *object, struct json_object *last,
                                         const struct merge_owners *owners, const struct schema *schema)
{
    struct json_object *pruned = NULL;
    bool gone;

    json_object_object_foreach(last, key, fields)
    {
        struct json_object *old = *key == 'f' ? json_member(object, key + 2) : NULL;
        if (!old)
            continue;
        struct json_object *new =
            prune_part(old, key, is_named(schema, key + 2), fields, owners, schema_member(schema, key + 2), &gone);
        if (new == old) {
            json_object_put(new);
            continue;
        }
        if (!pruned)
            pruned = api_json_shallow(object);
        if (gone)
            json_object_object_del(pruned, key + 2);
        else
            json_object_object_add(pruned, key + 2, new);
    }
    if (pruned && json_object_object_length(pruned) == 0) {
        json_object_put(pruned);
        return NULL;
    }
    return pruned ? pruned : json_object_get(object);
}

static struct json_object *prune_elements(struct json_object *array, struct json_object *last,
                                          const struct merge_owners *owners, const struct schema *schema)
{
    struct json_object *pruned = json_object_new_array(), *fields;
    char key[ELEMENT_KEY_MAX];

    for (size_t i = 0; i < json_len(array); i++) {
        struct json_object *element = json_at(array, i);
        bool gone = false;
        schema_element_key(schema, element, key);
        struct json_object *new = json_object_object_get_ex(last, key, &fields)
                                      ? prune_part(element, key, false, fields, owners, schema->element, &gone)
                                      : json_object_get(element);
        if (!gone)
            json_object_array_add(pruned, new);
    }
    struct json_object *ret = live_if_same(array, pruned);
    if (ret == array || json_len(ret))
        return ret;
    json_object_put(ret);
    return NULL;
}

struct json_object *merge_pruned(struct json_object *value, struct json_object *last, const struct merge_owners *owners,
                                 const struct schema *schema)
{
    enum schema_shape shape = schema_shape(schema, value);

    assert(value);
    if (!last || shape == SCHEMA_ATOMIC)
        return json_object_get(value);
    if (shape == SCHEMA_LIST || shape == SCHEMA_SET)
        return prune_elements(value, last, owners, schema);
    return prune_members(value, last, owners, schema);
}
