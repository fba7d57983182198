#include "cli/unknown.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "cli/hints.h"
#include "runner/complaints.h"
#include "runner/key_place.h"

/* The shape of what is to be at the hint's path; NULL: it is a table of config.toml, or has no members. */
static const struct shape *target_of(const struct hint *hint)
{
    const struct shape *target = hint->table ? NULL : shape_find(&crd_shape, hint->path);

    return target && target->members ? target : NULL;
}

/* Whether the key is one of the table, and is set at that path. */
static bool is_set_at(const char *table, const char *key, const char *path, struct arena *a)
{
    struct key_place place;

    return key_place_in(table, key, &place, a) && place.path && strcmp(place.path, path) == 0;
}

/* Whether all members are where they belong once the object as a whole is. */
static bool fits(const struct hint *hint, struct json_object *value, struct arena *a)
{
    const struct shape *target = target_of(hint);

    if ((target && target->open) || !json_object_is_type(value, json_type_object))
        return true;
    if (!target && !(hint->table && key_place_is_table(hint->table)))
        return true;
    json_each (it, value) {
        const char *path = arena_printf(a, "%s.%s", hint->path, it.key);
        assert(!hint->table || strncmp(path, "spec.config.", strlen("spec.config.")) == 0);
        const struct hint inner = {path, "", hint->table ? path + strlen("spec.config.") : NULL};
        bool known = hint->table ? is_set_at(hint->table, it.key, path, a) : shape_member(target, it.key) != NULL;
        if (!known || !fits(&inner, it.value, a))
            return false;
    }
    return true;
}

static void complain_at(struct complaints *all, const struct hint *hint, struct json_object *value, const char *path);

/* An object that has been put at the wrong place as a whole: each member has a place of its own. */
static void complain_of_members(struct complaints *all, const struct hint *hint, struct json_object *object,
                                const char *path)
{
    const struct shape *target = target_of(hint);

    json_each (it, object) {
        const struct unknown u = {target, hint->table ? path : hint->path, it.key, true, all->a};
        struct hint inner = hint->table ? hint_within(&u, hint->table) : hint_for(&u);
        if (target && shape_member(target, it.key)) {
            inner.path = arena_printf(all->a, "%s.%s", hint->path, it.key);
            inner.text = arena_printf(all->a, "did you mean %s?", inner.path);
        }
        complain_at(all, &inner, it.value, arena_printf(all->a, "%s.%s", path, it.key));
    }
}

static void complain_at(struct complaints *all, const struct hint *hint, struct json_object *value, const char *path)
{
    if (hint->path && !fits(hint, value, all->a))
        complain_of_members(all, hint, value, path);
    else
        complaints_add_unknown(all, charset_to_prose(arena_printf(all->a, "%s is not known: %s", path, hint->text)),
                               hint->path);
}

const struct shape *find_unknown(struct shape_walk *w, const struct shape *in, const char *name,
                                 struct json_object *value, const struct shape_place *at)
{
    const struct shape *known = shape_of_member(in, name);

    if (!known && !in->open && w->bounds) {
        const struct unknown u = {in, shape_path(at->in, w->all->a), name, false, w->all->a};
        const struct hint hint = hint_for(&u);
        complain_at(w->all, &hint, value, shape_path(at, w->all->a));
    }
    return known;
}
