#include "cli/import_report.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/line_mark.h"
#include "base/shorten.h"

enum { WHERE_WIDTH = 28, PATH_WIDTH = 44 };

/* ---------------------------------------------------------------------------------------------------------------------
 * Leaves */

static void add_leaf(struct import_report *report, struct import_source *source, const char *path, unsigned line)
{
    if (source->len == source->size) {
        size_t size = source->size ? 2 * source->size : 64;
        struct import_leaf *leaves = arena_alloc(report->a, size * sizeof(*leaves));
        if (source->len)
            memcpy(leaves, source->leaves, source->len * sizeof(*leaves));
        source->leaves = leaves;
        source->size = size;
    }
    assert(source->len < source->size);
    source->leaves[source->len++] = (struct import_leaf){.path = path, .line = line};
}

/* A list of plain values is one leaf, on the line of its first. */
static bool is_list_of_tables(struct json_object *value)
{
    for (size_t i = 0; i < json_len(value); i++)
        if (json_object_is_type(json_at(value, i), json_type_object))
            return true;
    return false;
}

static void add_leaves(struct import_report *report, struct import_source *source, const char *path,
                       struct json_object *value, struct json_object *marks)
{
    if (*path ? json_first(value).key != NULL : json_object_is_type(value, json_type_object)) {
        json_each (it, value)
            add_leaves(report, source, *path ? arena_printf(report->a, "%s.%s", path, it.key) : it.key, it.value,
                       json_member(marks, it.key));
    } else if (is_list_of_tables(value)) {
        for (size_t i = 0; i < json_len(value); i++)
            add_leaves(report, source, arena_printf(report->a, "%s[%zu]", path, i), json_at(value, i),
                       json_at(marks, i));
    } else {
        add_leaf(report, source, arena_strdup(report->a, path), line_mark_line(marks));
    }
}

struct import_source *import_source_add(struct import_report *report, const char *name, bool within,
                                        struct json_object *tree, struct json_object *marks)
{
    struct import_source **sources = arena_alloc(report->a, (report->len + 1) * sizeof(*sources));
    struct import_source *source = arena_alloc(report->a, sizeof(*source));

    if (report->len)
        memcpy(sources, report->sources, report->len * sizeof(*sources));
    report->sources = sources;
    report->sources[report->len++] = source;
    *source = (struct import_source){.name = name, .within = within, .tree = tree};
    add_leaves(report, source, "", tree, marks);
    return source;
}

void import_leaf_add(struct import_report *report, struct import_source *source, const char *path, unsigned line)
{
    add_leaf(report, source, arena_strdup(report->a, path), line);
}

void import_origin_add(struct import_report *report, struct import_view *view, const char *key,
                       struct import_source *source, const char *path)
{
    struct import_origin *origins = arena_alloc(report->a, (view->len + 1) * sizeof(*origins));

    if (view->len)
        memcpy(origins, view->origins, view->len * sizeof(*origins));
    origins[view->len++] = (struct import_origin){arena_strdup(report->a, key), source, arena_strdup(report->a, path)};
    view->origins = origins;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is told of them */

static bool is_at_or_below(const char *leaf, const char *path)
{
    size_t len = strlen(path);

    return strncmp(leaf, path, len) == 0 && (len == 0 || !leaf[len] || strchr(".[", leaf[len]));
}

/* What is told, of leaves of which nothing better is known than `was`. */
struct verdict {
    enum import_fate was, fate;
    const char *note;
};

/* Leaves that are told of one after the other are mostly found one after the other. source->len: there is none. */
static size_t find_leaf(const struct import_source *source, const char *path)
{
    for (size_t k = 0; k < source->len; k++) {
        size_t i = (source->told + k) % source->len;
        if (is_at_or_below(source->leaves[i].path, path))
            return i;
    }
    return source->len;
}

/* Those below one path are beside each other, as the tree has them. */
static bool settle_leaves(struct import_source *source, const char *path, const struct verdict *v)
{
    size_t i = source ? find_leaf(source, path) : 0;

    if (!source || i == source->len)
        return false;
    while (i > 0 && is_at_or_below(source->leaves[i - 1].path, path))
        i--;
    for (; i < source->len && is_at_or_below(source->leaves[i].path, path); i++) {
        struct import_leaf *leaf = &source->leaves[i];
        if (leaf->fate != v->was)
            continue;
        leaf->fate = v->fate;
        leaf->note = v->note;
    }
    source->told = i;
    return true;
}

/* A value that has another shape in config.toml is told of as a whole. */
static void settle_at_origin(const struct import_origin *o, const char *key, const struct verdict *v)
{
    char path[400];

    snprintf(path, sizeof(path), "%s%s", o->path, key + strlen(o->key));
    if (!settle_leaves(o->source, path, v))
        settle_leaves(o->source, o->path, v);
}

/* How long the nearest origin's key above this one is; 0: there is none. */
static size_t nearest_above(const struct import_view *view, const char *key)
{
    size_t nearest = 0;

    for (size_t i = 0; i < view->len; i++) {
        size_t len = strlen(view->origins[i].key);
        if (len > nearest && is_at_or_below(key, view->origins[i].key))
            nearest = len;
    }
    return nearest;
}

static void settle_key(const struct import_view *view, const char *key, const struct verdict *v)
{
    size_t nearest = nearest_above(view, key);

    for (size_t i = 0; i < view->len; i++) {
        const struct import_origin *o = &view->origins[i];
        if (nearest && strlen(o->key) == nearest && is_at_or_below(key, o->key))
            settle_at_origin(o, key, v);
        else if (is_at_or_below(o->key, key))
            settle_leaves(o->source, o->path, v);
    }
    if (!nearest)
        settle_leaves(view->source, key, v);
}

static const char *told_note(struct import_report *report, const char *format, va_list args)
{
    char text[400];

    vsnprintf(text, sizeof(text), format, args);
    return arena_strdup(report->a, text);
}

bool import_tell(struct import_report *report, struct import_source *source, const char *path, enum import_fate fate,
                 const char *note, ...)
{
    va_list args;

    va_start(args, note);
    const struct verdict v = {IMPORT_OPEN, fate, told_note(report, note, args)};
    va_end(args);
    return settle_leaves(source, path, &v);
}

void import_tell_key(struct import_report *report, const struct import_view *view, const char *key,
                     enum import_fate fate, const char *note, ...)
{
    va_list args;

    va_start(args, note);
    const struct verdict v = {IMPORT_OPEN, fate, told_note(report, note, args)};
    va_end(args);
    settle_key(view, key, &v);
}

void import_tell_better(struct import_report *report, const struct import_view *view, const char *key, const char *note)
{
    const struct verdict v = {IMPORT_MOVED, IMPORT_CANNOT, arena_strdup(report->a, note)};

    settle_key(view, key, &v);
}

void import_tell_default(struct import_report *report, const char *was, const char *field)
{
    for (size_t i = 0; i < json_len(report->defaults); i++)
        if (strcmp(json_str(json_at(report->defaults, i), "was"), was) == 0)
            return;
    if (!report->defaults)
        report->defaults = arena_json(report->a, json_object_new_array());
    json_append(report->defaults, json_build("{was: %s, field: %s}", was, field));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * For people */

/* "values.yaml:12", "values.yaml:31 runners.config line 6". */
static const char *import_where(const struct import_source *source, const struct import_leaf *leaf, struct arena *a)
{
    if (!leaf->line)
        return source->name;
    return arena_printf(a, source->within ? "%s line %u" : "%s:%u", source->name, leaf->line);
}

static void print_leaf(const struct import_source *source, const struct import_leaf *leaf, FILE *out)
{
    static const char *const fates[] = {[IMPORT_OPEN] = "CANNOT",
                                        [IMPORT_MOVED] = "->",
                                        [IMPORT_SECRET] = "->",
                                        [IMPORT_OURS] = "OURS",
                                        [IMPORT_CANNOT] = "CANNOT"};
    cleanup_arena struct arena a = {0};

    fprintf(out, "%-*s %-*s %s %s\n", WHERE_WIDTH, import_where(source, leaf, &a), PATH_WIDTH,
            shown(leaf->path, 200).text, fates[leaf->fate],
            leaf->fate == IMPORT_OPEN ? "nobody here knows this key: look it up, or take it out" : leaf->note);
}

static void print_sum(const size_t count[], FILE *out)
{
    size_t moved = count[IMPORT_MOVED] + count[IMPORT_SECRET], cannot = count[IMPORT_CANNOT] + count[IMPORT_OPEN];

    fprintf(out, "%zu keys: %zu moved, %zu needed no more, %zu cannot be moved\n", moved + count[IMPORT_OURS] + cannot,
            moved, count[IMPORT_OURS], cannot);
}

size_t import_report_print(const struct import_report *report, FILE *out)
{
    size_t count[IMPORT_CANNOT + 1] = {0};

    for (size_t s = 0; s < report->len; s++)
        for (size_t i = 0; i < report->sources[s]->len; i++) {
            print_leaf(report->sources[s], &report->sources[s]->leaves[i], out);
            count[report->sources[s]->leaves[i].fate]++;
        }
    for (size_t i = 0; i < json_len(report->defaults); i++)
        fprintf(out, "%-*s %-*s -> %s\n", WHERE_WIDTH, "(default)", PATH_WIDTH,
                json_str(json_at(report->defaults, i), "was"), json_str(json_at(report->defaults, i), "field"));
    print_sum(count, out);
    return count[IMPORT_CANNOT] + count[IMPORT_OPEN];
}
