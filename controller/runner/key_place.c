#include "runner/key_place.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/words.h"
#include "runner/config_keys.h"
#include "runner/extra_config_parts.h"

/* The tables whose keys people mean when they write a key without its table, the likeliest first. */
static const char *const usual[] = {"runners", "runners.kubernetes", ""};

static const struct shape *table_at(const char *path)
{
    const struct shape *shape = shape_find(&config_shape, path);

    return shape && shape->type == SHAPE_TABLE ? shape : NULL;
}

/* Where the key with that very path is set. */
static void place_at(const char *table, const char *key, struct key_place *ret, struct arena *a)
{
    const char *path = arena_printf(a, "%s%s%s", table, *table ? "." : "", key);

    const char *field = extra_config_owner(path, &ret->why);

    if (field)
        ret->path = arena_printf(a, "spec.%s", field);
    else
        ret->path = ret->why ? NULL : arena_printf(a, "spec.config.%s", path);
}

bool key_place_is_table(const char *table)
{
    return table_at(table);
}

bool key_place_in(const char *table, const char *name, struct key_place *ret, struct arena *a)
{
    const struct shape *shape = table_at(table);

    for (const struct shape_member *m = shape ? shape->members : NULL; m && m->name; m++)
        if (same_words(m->name, name))
            return place_at(table, m->name, ret, a), true;
    return false;
}

/* In how many tables below there is such a key; *ret_table: the path of the last one. */
static int count_deeper(const struct shape *table, const char *path, const char *name, const char **ret_table,
                        struct arena *a)
{
    int found = 0;

    for (const struct shape_member *m = table->members; m->name; m++) {
        if (same_words(m->name, name)) {
            *ret_table = path;
            found++;
        }
        if (m->shape->type == SHAPE_TABLE)
            found +=
                count_deeper(m->shape, arena_printf(a, "%s%s%s", path, *path ? "." : "", m->name), name, ret_table, a);
    }
    return found;
}

bool key_place_of(const char *name, struct key_place *ret, struct arena *a)
{
    const char *table = "";

    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (key_place_in(usual[i], name, ret, a))
            return true;
    return count_deeper(&config_shape, "", name, &table, a) == 1 && key_place_in(table, name, ret, a);
}

bool key_place_near(const char *name, struct key_place *ret, struct arena *a)
{
    struct near near = near_begin(name);
    const char *table = "";

    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        const struct shape *shape = table_at(usual[i]);
        assert(shape && shape->members);
        for (const struct shape_member *m = shape->members; m->name; m++) {
            const char *before = near.found;
            near_offer(&near, m->name);
            table = near.found != before ? usual[i] : table;
        }
    }
    return near.found && key_place_in(table, near.found, ret, a);
}
