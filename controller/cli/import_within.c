#include "cli/import_within.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/toml_read.h"
#include "cli/import_template.h"

#define A_TEMPLATE "is a template: run `helm template`, then import config"

/* Actions that belong to no value are told one by one. */
static void tell_lost_actions(struct import_draft *d, struct import_source *within, struct json_object *lost)
{
    for (size_t i = 0; i < json_len(lost); i++) {
        const char *text = json_str(json_at(lost, i), "text");
        import_leaf_add(&d->im->report, within, text, (unsigned)json_int_or(json_at(lost, i), "line", 0));
        import_tell(&d->im->report, within, text, IMPORT_CANNOT, A_TEMPLATE);
    }
}

static const char *why_unknown(struct json_object *value)
{
    return strstr(json_object_get_string(value), TEMPLATE_UNKNOWN) ? A_TEMPLATE : "is a template: say --namespace";
}

/* Takes what has an unknown action in it out of the table. */
static void drop_unknown(struct import_draft *d, struct import_source *within, const char *path,
                         struct json_object *table)
{
    cleanup_json struct json_object *keys = json_object_new_array();

    json_each (it, table) {
        const char *inner = *path ? arena_printf(d->im->a, "%s.%s", path, it.key) : it.key;
        if (json_object_is_type(it.value, json_type_object)) {
            drop_unknown(d, within, inner, it.value);
        } else if (strstr(json_object_get_string(it.value), TEMPLATE_MARK)) {
            import_tell(&d->im->report, within, inner, IMPORT_CANNOT, "%s", why_unknown(it.value));
            json_append(keys, json_object_new_string(it.key));
        }
    }
    for (size_t i = 0; i < json_len(keys); i++)
        json_object_object_del(table, json_string(json_at(keys, i)));
}

static void keep_one_runner(struct import_draft *d, struct import_source *within, struct json_object *tree)
{
    struct json_object *runners = json_member(tree, "runners");

    for (size_t i = 1; i < json_len(runners); i++)
        import_tell(&d->im->report, within, arena_printf(d->im->a, "runners[%zu]", i), IMPORT_CANNOT,
                    "is a second runner: a registration takes one");
    json_each (it, tree)
        if (strcmp(it.key, "runners") != 0)
            import_tell(&d->im->report, within, it.key, IMPORT_OURS,
                        "has no effect: a registration takes a runner of it alone");
    drop_unknown(d, within, "runners[0]", json_at(runners, 0));
    json_each (it, json_at(runners, 0))
        json_set(json_at(json_member(d->config, "runners"), 0), it.key, json_ref(it.value));
}

bool import_within(struct import_draft *d, const char *name, const char *text, struct err *err)
{
    struct json_object *lost = NULL, *used = NULL, *marks, *tree;
    struct import_source *within;

    if (d->templates)
        text = template_fill_in(text, d->values, d->im->ns, &lost, &used, d->im->a);
    if (!(tree = toml_read(name, text, strlen(text), &marks, err)))
        return false;
    within = import_source_add(&d->im->report, name, true, arena_json(d->im->a, tree), arena_json(d->im->a, marks));
    tell_lost_actions(d, within, lost);
    keep_one_runner(d, within, tree);
    d->used = used;
    d->view->source = within;
    return true;
}
