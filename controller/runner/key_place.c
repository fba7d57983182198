#include "runner/key_place.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/words.h"
#include "runner/extra_config_parts.h"

/* The tables whose keys people mean when they write a key without its table, the likeliest first. */
static const char *const usual[] = {"runners", "runners.kubernetes", ""};

static bool has_members(const struct config_key *k)
{
    return k->type == CONFIG_TABLE && k->many == CONFIG_ONE;
}

static const struct config_key *table_at(const char *path)
{
    const struct config_key *keys = config_keys;

    while (keys && *path) {
        size_t len = strcspn(path, ".");
        while (keys->name && (strncmp(keys->name, path, len) != 0 || keys->name[len]))
            keys++;
        keys = has_members(keys) ? keys->table : NULL;
        path += len + (path[len] == '.');
    }
    return keys;
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
    const struct config_key *keys = table_at(table);

    for (; keys && keys->name; keys++)
        if (same_words(keys->name, name))
            return place_at(table, keys->name, ret, a), true;
    return false;
}

/* In how many tables below there is such a key; *ret_table: the path of the last one. */
static int count_deeper(const struct config_key *keys, const char *path, const char *name, const char **ret_table,
                        struct arena *a)
{
    int found = 0;

    for (; keys->name; keys++) {
        if (same_words(keys->name, name)) {
            *ret_table = path;
            found++;
        }
        if (has_members(keys))
            found += count_deeper(keys->table, arena_printf(a, "%s%s%s", path, *path ? "." : "", keys->name), name,
                                  ret_table, a);
    }
    return found;
}

bool key_place_of(const char *name, struct key_place *ret, struct arena *a)
{
    const char *table = "";

    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (key_place_in(usual[i], name, ret, a))
            return true;
    return count_deeper(config_keys, "", name, &table, a) == 1 && key_place_in(table, name, ret, a);
}

bool key_place_near(const char *name, struct key_place *ret, struct arena *a)
{
    struct near near = near_begin(name);
    const char *table = "";

    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        for (const struct config_key *k = table_at(usual[i]); k && k->name; k++) {
            const char *before = near.found;
            near_offer(&near, k->name);
            table = near.found != before ? usual[i] : table;
        }
    return near.found && key_place_in(table, near.found, ret, a);
}
