#include "cli/import_rows.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

#define RUNNERS "runners."

struct import_draft import_draft_begin(struct import *im, struct import_source *source, const char *prefix,
                                       struct json_object *values)
{
    struct import_draft d = {.im = im, .source = source, .prefix = prefix, .values = values};

    d.config = arena_json(im->a, json_build("{runners: [{executor: kubernetes}]}"));
    d.view = arena_alloc(im->a, sizeof(*d.view));
    return d;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * config.toml */

/* The table that a key is in, and the rest of the key. */
static struct json_object *table_of(struct import_draft *d, const char **key)
{
    if (strncmp(*key, RUNNERS, strlen(RUNNERS)) != 0)
        return d->config;
    *key += strlen(RUNNERS);
    return json_at(json_member(d->config, "runners"), 0);
}

/* "runners.limit" as the view has it: "runners[0].limit". */
static const char *key_in_view(struct import_draft *d, const char *key)
{
    if (strncmp(key, RUNNERS, strlen(RUNNERS)) != 0)
        return key;
    return arena_printf(d->im->a, "runners[0].%s", key + strlen(RUNNERS));
}

/* A template gives what nobody has said otherwise. */
static void put_into_config(struct import_draft *d, const char *key, struct json_object *value)
{
    const char *whole = key_in_view(d, key), *rest = key;
    struct json_object *table = table_of(d, &rest);

    if (json_get(table, rest) && d->view->source)
        import_tell(&d->im->report, d->view->source, whole, IMPORT_OURS, "has no effect: it is said beside it, too");
    json_set(table, rest, value);
}

void import_config_defaults(struct import_draft *d, const struct import_default *defaults, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const struct import_default *take = &defaults[i];
        const char *key = take->key;
        struct json_object *table = table_of(d, &key);
        if (json_get(table, key))
            continue;
        json_set(table, key, take->text ? json_object_new_string(take->text) : json_object_new_int64(take->number));
        import_tell_default(&d->im->report,
                            arena_printf(d->im->a, "%s %s", take->key, json_object_get_string(json_get(table, key))),
                            take->field);
    }
}

void import_draft_runner(struct import_draft *d, const char *name)
{
    assert(!d->spec);
    d->spec = import_config_runner(d->im, d->view, d->config, 0, name);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Rows */

static bool is_off(const struct import_row *row, struct json_object *value)
{
    return import_is_unset(value) || (row->off && strcmp(json_object_get_string(value), row->off) == 0);
}

/* The value as it is there, owned by the caller; NULL, and told: it says nothing, or is none. */
static struct json_object *row_value(struct import_draft *d, const struct import_row *row)
{
    struct json_object *value = json_get(d->values, row->path), *shaped;

    if (is_off(row, value)) {
        import_tell_field(d, row->path, IMPORT_OURS, "says nothing");
        return NULL;
    }
    if (d->templates && strstr(json_object_get_string(value), "{{")) {
        import_tell_field(d, row->path, IMPORT_CANNOT, "is a template: `helm template` shows what it comes to");
        return NULL;
    }
    shaped = row->shape ? row->shape(value) : json_ref(value);
    if (!shaped)
        import_tell_field(d, row->path, IMPORT_CANNOT, "is not what belongs here: correct it");
    return shaped;
}

static void row_to_config(struct import_draft *d, const struct import_row *row)
{
    struct json_object *value = row_value(d, row);

    if (!value)
        return;
    put_into_config(d, row->to, value);
    import_origin_add(&d->im->report, d->view, key_in_view(d, row->to), d->source,
                      arena_printf(d->im->a, "%s%s", d->prefix, row->path));
}

void import_rows_to_config(struct import_draft *d, const struct import_row *rows, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (rows[i].way == IMPORT_TO_CONFIG)
            row_to_config(d, &rows[i]);
}

static void row_to_spec(struct import_draft *d, const struct import_row *row)
{
    struct json_object *value = row_value(d, row);

    if (!value)
        return;
    json_set(d->spec, row->to, value);
    import_tell_field(d, row->path, IMPORT_MOVED, "spec.%s", row->to);
}

void import_rows_to_spec(struct import_draft *d, const struct import_row *rows, size_t len)
{
    assert(d->spec);
    for (size_t i = 0; i < len; i++) {
        const struct import_row *row = &rows[i];
        if (row->way == IMPORT_TO_SPEC)
            row_to_spec(d, row);
        else if (row->way != IMPORT_TO_CONFIG && is_off(row, json_get(d->values, row->path)))
            import_tell_field(d, row->path, IMPORT_OURS, "says nothing");
        else if (row->way != IMPORT_TO_CONFIG)
            import_tell_field(d, row->path, row->way == IMPORT_REFUSED ? IMPORT_CANNOT : IMPORT_OURS, "%s", row->to);
    }
}

void import_rows_tell(struct import_draft *d, const struct import_row *rows, size_t len, enum import_fate fate,
                      const char *note)
{
    for (size_t i = 0; i < len; i++)
        import_tell_field(d, rows[i].path, fate, "%s", note);
}
