/* Merge patch (RFC 7396) and JSON patch (RFC 6902). */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

struct json_object *api_merge_patch(struct json_object *target, struct json_object *patch)
{
    if (!json_object_is_type(patch, json_type_object))
        return json_object_get(patch);
    struct json_object *merged = api_json_shallow(target);

    json_object_object_foreach(patch, key, value)
    {
        if (value)
            json_object_object_add(merged, key, api_merge_patch(json_member(merged, key), value));
        else
            json_object_object_del(merged, key);
    }
    return merged;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * JSON patch: on a copy */

enum { POINTER_PART_MAX = 400 };

/* The next part of a JSON pointer, unescaped; returns what is behind it. */
static const char *pointer_part(const char *pointer, char ret[static POINTER_PART_MAX])
{
    size_t len = 0;

    for (pointer++; *pointer && *pointer != '/' && len < POINTER_PART_MAX - 1; pointer++) {
        char c = *pointer;
        if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
            c = *++pointer == '0' ? '~' : '/';
        ret[len++] = c;
    }
    ret[len] = '\0';
    return pointer;
}

static bool child_at(struct json_object *parent, const char *part, struct json_object **ret)
{
    if (json_object_is_type(parent, json_type_object))
        return json_object_object_get_ex(parent, part, ret);
    if (!json_object_is_type(parent, json_type_array) || !strcmp(part, "-"))
        return false;
    size_t i = strtoul(part, NULL, 10);
    *ret = json_at(parent, i);
    return i < json_len(parent);
}

/* What the last part of the pointer is in; NULL: there is no such thing. */
static struct json_object *parent_of(struct json_object *target, const char *pointer,
                                     char last[static POINTER_PART_MAX])
{
    struct json_object *parent = target;

    for (pointer = pointer_part(pointer, last); *pointer; pointer = pointer_part(pointer, last))
        if (!child_at(parent, last, &parent))
            return NULL;
    return parent;
}

static bool put_at(struct json_object *parent, const char *part, struct json_object *value, bool insert)
{
    size_t i = strcmp(part, "-") == 0 ? json_len(parent) : strtoul(part, NULL, 10);

    if (json_object_is_type(parent, json_type_object))
        return json_object_object_add(parent, part, json_object_get(value)) == 0;
    if (!json_object_is_type(parent, json_type_array) || i > json_len(parent))
        return false;
    for (size_t last = json_len(parent); insert && last > i; last--)
        json_object_array_put_idx(parent, last, json_object_get(json_at(parent, last - 1)));
    return json_object_array_put_idx(parent, i, json_object_get(value)) == 0;
}

static bool remove_at(struct json_object *parent, const char *part)
{
    if (json_object_is_type(parent, json_type_object))
        json_object_object_del(parent, part);
    else
        json_object_array_del_idx(parent, strtoul(part, NULL, 10), 1);
    return true;
}

static bool patch_step(struct json_object *target, struct json_object *step)
{
    const char *op = api_json_text(step, "op"), *path = api_json_text(step, "path");
    struct json_object *value = json_member(step, "value"), *old = NULL;
    char last[POINTER_PART_MAX];

    if (*path != '/')
        return false;
    struct json_object *parent = parent_of(target, path, last);
    bool there = parent && child_at(parent, last, &old);

    if (strcmp(op, "add") == 0)
        return parent && put_at(parent, last, value, true);
    if (!there)
        return strcmp(op, "test") == 0 && parent && !value;
    if (strcmp(op, "test") == 0)
        return api_json_same(old, value);
    if (strcmp(op, "replace") == 0)
        return put_at(parent, last, value, false);
    return strcmp(op, "remove") == 0 && remove_at(parent, last);
}

struct json_object *api_json_patch(struct json_object *target, struct json_object *patch, char ret_why[static 200])
{
    struct json_object *copy = json_copy(target);

    for (size_t i = 0; i < json_len(patch); i++) {
        struct json_object *step = json_at(patch, i);
        if (patch_step(copy, step))
            continue;
        snprintf(ret_why, 200, "the server rejected our request due to an error in our request: %s of %.100s",
                 api_json_text(step, "op"), api_json_text(step, "path"));
        json_object_put(copy);
        return NULL;
    }
    return copy;
}
