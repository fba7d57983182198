#include "tests/model/compare.h"

#include <fnmatch.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"

enum { LINE_MAX_BYTES = 1000, SHOWN_MAX = 160 };

struct known {
    char *pattern, *reason;
    size_t hits;
};

struct differences {
    struct known *known;
    size_t n_known, fresh;
    struct map told; /* lines that were printed */
};

/* ------------------------------------------------------------------------------------------------------------------
 * The table */

static char *trimmed(char *text)
{
    size_t len = strlen(text);

    while (len && strchr(" \n", text[len - 1]))
        text[--len] = '\0';
    return text + strspn(text, " ");
}

static void add_known(struct differences *d, char *line)
{
    char *bar = strchr(line, '|');

    if (*line == '#' || *trimmed(line) == '\0')
        return;
    if (!bar || !*trimmed(bar + 1)) {
        fprintf(stderr, "no reason is given: %s\n", line);
        exit(2);
    }
    *bar = '\0';
    d->known = mem_resize(d->known, (d->n_known + 1) * sizeof(*d->known));
    d->known[d->n_known++] =
        (struct known){.pattern = mem_strdup(trimmed(line)), .reason = mem_strdup(trimmed(bar + 1))};
}

struct differences *differences_read(const char *file)
{
    struct differences *d = mem_alloc(sizeof(*d));
    char line[LINE_MAX_BYTES];
    FILE *f = fopen(file, "r");

    if (!f) {
        perror(file);
        exit(2);
    }
    *d = (struct differences){.fresh = 0};
    while (fgets(line, sizeof(line), f))
        add_known(d, line);
    fclose(f);
    return d;
}

void differences_free(struct differences *d)
{
    for (size_t i = 0; i < d->n_known; i++) {
        free(d->known[i].pattern);
        free(d->known[i].reason);
    }
    free(d->known);
    map_finish(&d->told);
    free(d);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Differences */

void differences_found(struct differences *d, const char *exchange, const char *where, const char *real,
                       const char *model)
{
    char line[LINE_MAX_BYTES];

    snprintf(line, sizeof(line), "%s %s", exchange, where);
    for (size_t i = 0; i < d->n_known; i++)
        if (fnmatch(d->known[i].pattern, line, 0) == 0) {
            d->known[i].hits++;
            return;
        }
    if (map_set(&d->told, line, d))
        return;
    d->fresh++;
    printf("  %s\n      real:  %.*s\n      model: %.*s\n", line, SHOWN_MAX, real, SHOWN_MAX, model);
}

bool differences_told(struct differences *d)
{
    size_t unneeded = 0;

    for (size_t i = 0; i < d->n_known; i++) {
        unneeded += !d->known[i].hits;
        if (!d->known[i].hits)
            printf("  no longer there: %s\n", d->known[i].pattern);
    }
    return !d->fresh && !unneeded;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Trees */

static const char *shown_json(struct json_object *value)
{
    return value ? json_text(value) : "null";
}

static void compare_values(const struct comparison *c, const char *path, const char *name, struct json_object *real,
                           struct json_object *model);

static void compare_members(const struct comparison *c, const char *path, struct json_object *real,
                            struct json_object *model)
{
    cleanup_arena struct arena a = {0};

    json_each (it, real)
        compare_values(c, arena_printf(&a, "%s.%s", path, it.key), it.key, it.value, json_member(model, it.key));
    json_each (it, model)
        if (!json_member(real, it.key))
            compare_values(c, arena_printf(&a, "%s.%s", path, it.key), it.key, NULL, it.value);
}

static void compare_elements(const struct comparison *c, const char *path, const char *name, struct json_object *real,
                             struct json_object *model)
{
    cleanup_arena struct arena a = {0};
    size_t n = json_len(real) < json_len(model) ? json_len(real) : json_len(model);

    if (json_len(real) != json_len(model))
        differences_found(c->differences, c->exchange, arena_printf(&a, "%s length", path), shown_json(real),
                          shown_json(model));
    for (size_t i = 0; i < n; i++)
        compare_values(c, arena_printf(&a, "%s[]", path), name, json_at(real, i), json_at(model, i));
}

static bool is_table(struct json_object *value)
{
    return json_object_is_type(value, json_type_object);
}

static void compare_values(const struct comparison *c, const char *path, const char *name, struct json_object *real,
                           struct json_object *model)
{
    if (c->is_same(name, real, model))
        return;
    if (json_is_array(real) && json_is_array(model))
        compare_elements(c, path, name, real, model);
    else if (is_table(real) && is_table(model))
        compare_members(c, path, real, model);
    else if ((real || model) && !json_same(real, model))
        differences_found(c->differences, c->exchange, path, shown_json(real), shown_json(model));
}

void compare_trees(const struct comparison *c, struct json_object *real, struct json_object *model)
{
    compare_values(c, "body", "", real, model);
}
