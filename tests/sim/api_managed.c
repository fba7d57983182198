/* metadata.managedFields: who owns which fields, and how writes change that. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_fields.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_merge.h"
#include "tests/sim/api_parts.h"
#include "tests/sim/api_schema.h"

/* An entry while a write is made. */
struct owner_entry {
    struct json_object *entry; /* as it was; NULL: a new one. Lent  */
    struct json_object *set;   /* a reference; NULL: it owns nothing */
    bool changed;
};

struct owner_table {
    struct owner_entry entries[MERGE_OWNERS_MAX];
    size_t len;
    size_t own; /* the writer's */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Entries */

static bool is_entry_of(struct json_object *entry, const struct api_call *call, const struct api_kind *kind,
                        const char *operation)
{
    return strcmp(api_json_text(entry, "manager"), call->manager) == 0 &&
           strcmp(api_json_text(entry, "operation"), operation) == 0 &&
           strcmp(api_json_text(entry, "subresource"), call->subresource) == 0 &&
           (*operation == 'A' || strcmp(api_json_text(entry, "apiVersion"), kind->api_version) == 0);
}

static void table_read(struct owner_table *table, const struct api_call *call, const struct api_kind *kind,
                       struct json_object *fields, const char *operation)
{
    table->len = 0;
    table->own = MERGE_OWNERS_MAX;
    for (size_t i = 0; i < json_len(fields) && table->len < MERGE_OWNERS_MAX - 1; i++) {
        struct json_object *entry = json_at(fields, i);
        if (is_entry_of(entry, call, kind, operation))
            table->own = table->len;
        table->entries[table->len++] =
            (struct owner_entry){.entry = entry, .set = json_object_get(json_member(entry, "fieldsV1"))};
    }
    if (table->own == MERGE_OWNERS_MAX) {
        table->own = table->len;
        table->entries[table->len++] = (struct owner_entry){0};
    }
}

static void table_finish(struct owner_table *table)
{
    for (size_t i = 0; i < table->len; i++)
        json_object_put(table->entries[i].set);
}

/* Takes the set over. */
static void set_owned(struct owner_entry *e, struct json_object *set)
{
    e->changed |= !api_json_same(e->set, set);
    json_object_put(e->set);
    e->set = set;
}

static struct json_object *entry_of(const struct owner_entry *e, const struct api *api, const struct api_call *call,
                                    const struct api_kind *kind, const char *operation, bool own, bool timed)
{
    struct json_object *entry = json_object_new_object();
    char now[24];

    api_json_add(entry, "manager", json_object_new_string(own ? call->manager : api_json_text(e->entry, "manager")));
    api_json_add(entry, "operation", json_object_new_string(own ? operation : api_json_text(e->entry, "operation")));
    api_json_add(entry, "apiVersion",
                 json_object_new_string(own ? kind->api_version : api_json_text(e->entry, "apiVersion")));
    if (timed)
        api_json_add(entry, "time", json_object_new_string(api_time(api, now)));
    else
        api_json_share(entry, "time", json_member(e->entry, "time"));
    api_json_add(entry, "fieldsType", json_object_new_string("FieldsV1"));
    api_json_share(entry, "fieldsV1", e->set);
    if (own && *call->subresource)
        api_json_add(entry, "subresource", json_object_new_string(call->subresource));
    else if (!own)
        api_json_share(entry, "subresource", json_member(e->entry, "subresource"));
    return entry;
}

static int by_operation_and_time(const void *a, const void *b)
{
    struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;
    static const char *const keys[] = {"operation", "time", "manager", "apiVersion", "subresource"};
    int order = 0;

    for (size_t i = 0; !order && i < sizeof(keys) / sizeof(keys[0]); i++)
        order = strcmp(api_json_text(x, keys[i]), api_json_text(y, keys[i]));
    return order;
}

/* NULL when nobody owns anything. touched: the writer's entry has a new time; who only loses fields keeps the old one.
 */
static struct json_object *table_write(struct owner_table *table, const struct api *api, const struct api_call *call,
                                       const struct api_kind *kind, const char *operation, bool touched)
{
    struct json_object *fields = NULL;

    for (size_t i = 0; i < table->len; i++) {
        struct owner_entry *e = &table->entries[i];
        bool own = i == table->own;
        if (!e->set || json_object_object_length(e->set) == 0)
            continue;
        if (!fields)
            fields = json_object_new_array();
        bool timed = own && touched;
        json_object_array_add(fields, timed || e->changed || !e->entry
                                          ? entry_of(e, api, call, kind, operation, own, timed)
                                          : json_object_get(e->entry));
    }
    if (fields)
        json_object_array_sort(fields, by_operation_and_time);
    return fields;
}

bool api_managed_same(struct json_object *a, struct json_object *b)
{
    bool same = json_len(a) == json_len(b);

    for (size_t i = 0; same && i < json_len(a); i++) {
        struct json_object *x = json_at(a, i), *y = json_at(b, i);
        same = x == y || (strcmp(api_json_text(x, "manager"), api_json_text(y, "manager")) == 0 &&
                          strcmp(api_json_text(x, "operation"), api_json_text(y, "operation")) == 0 &&
                          strcmp(api_json_text(x, "apiVersion"), api_json_text(y, "apiVersion")) == 0 &&
                          strcmp(api_json_text(x, "subresource"), api_json_text(y, "subresource")) == 0 &&
                          api_json_same(json_member(x, "fieldsV1"), json_member(y, "fieldsV1")));
    }
    return same;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a write takes from others */

struct conflict_list {
    struct json_object *causes;
    struct json_object *entry; /* whose */
    char *first;
};

static void add_cause(void *arg, const char *path)
{
    struct conflict_list *list = arg;
    char message[200];

    bool update = strcmp(api_json_text(list->entry, "operation"), "Update") == 0;
    const char *subresource = api_json_text(list->entry, "subresource");

    snprintf(message, sizeof(message), "conflict with \"%s\"%s%s%s%s%s", api_json_text(list->entry, "manager"),
             *subresource ? " with subresource \"" : "", subresource, *subresource ? "\"" : "", update ? " using " : "",
             update ? api_json_text(list->entry, "apiVersion") : "");
    if (!list->causes) {
        list->causes = json_object_new_array();
        snprintf(list->first, 300, "%s: %s", message, path);
    }
    json_object_array_add(list->causes, json_build("{reason: FieldManagerConflict, message: %s, field: %s}",
                                                   (const char *)message, path));
}

static struct json_object *conflicts_of(const struct owner_table *table, struct json_object *touched, char *first)
{
    struct conflict_list list = {.first = first};

    for (size_t i = 0; touched && i < table->len; i++) {
        if (i == table->own)
            continue;
        struct json_object *shared = fields_shared(table->entries[i].set, touched);
        list.entry = table->entries[i].entry;
        fields_each(shared, add_cause, &list);
        json_object_put(shared);
    }
    return list.causes;
}

static void take_from_others(struct owner_table *table, struct json_object *fields)
{
    for (size_t i = 0; fields && i < table->len; i++)
        if (i != table->own)
            set_owned(&table->entries[i], fields_difference(table->entries[i].set, fields));
}

/* Neither the object nor its metadata as such are owned. Takes the set over. */
static struct json_object *stripped(struct json_object *set)
{
    static struct json_object *system_set;

    if (!system_set)
        system_set = json_build("{'.': %o, 'f:metadata': %o}", json_object_new_object(), json_object_new_object());
    struct json_object *ret = fields_difference(set, system_set);
    json_object_put(set);
    return ret;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Update */

/* What a new object of a built-in kind has before anybody says anything: structs that Go cannot leave out. */
static struct json_object *nothing_of(const struct api_kind *kind)
{
    static struct json_object *blanks[API_KINDS];
    const char *const texts[API_KINDS] = {
        [API_DEPLOYMENTS] =
            "{\"spec\":{\"strategy\":{},\"template\":{\"metadata\":{},\"spec\":{\"containers\":[]}}},\"status\":{}}",
        [API_BUDGETS] = "{\"spec\":{},\"status\":{}}",
        [API_PODS] = "{\"spec\":{\"containers\":[]},\"status\":{}}",
        [API_NAMESPACES] = "{\"spec\":{},\"status\":{}}",
        [API_LEASES] = "{\"spec\":{}}",
    };
    size_t i = (size_t)(kind - api_kinds);

    if (texts[i] && !blanks[i])
        blanks[i] = json_tokener_parse(texts[i]);
    return blanks[i];
}

/* An object whose fields nobody has told of, or somebody has had forgotten: they are not managed until an apply. */
static bool has_no_owners(struct json_object *fields)
{
    return !json_len(fields) || (json_len(fields) == 1 && api_json_is_empty(json_at(fields, 0)));
}

struct json_object *api_managed_update(const struct api *api, const struct api_call *call, const struct api_kind *kind,
                                       struct json_object *fields, struct json_object *live, struct json_object *after)
{
    struct owner_table table;

    if (live && has_no_owners(fields))
        return NULL;
    table_read(&table, call, kind, fields, "Update");
    struct owner_entry *own = &table.entries[table.own];
    struct fields_change change = fields_compare(live ? live : nothing_of(kind), after, schema_of(kind->type));
    struct json_object *touched = fields_union(change.added, change.modified);

    take_from_others(&table, touched);
    take_from_others(&table, change.removed);
    touched = touched ? stripped(touched) : NULL;
    struct json_object *kept = fields_difference(own->set, change.removed);
    set_owned(own, stripped(fields_union(kept, touched)));
    struct json_object *ret = table_write(&table, api, call, kind, "Update", touched);
    json_object_put(kept);
    json_object_put(touched);
    fields_change_finish(&change);
    table_finish(&table);
    return ret;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Apply */

static struct json_object *without_what_is_gone(struct owner_table *table, struct json_object *merged,
                                                struct json_object *last, const struct schema *schema)
{
    struct merge_owners owners = {.len = 0};

    if (!last || table->entries[table->own].set == last)
        return json_object_get(merged);
    for (size_t i = 0; i < table->len; i++)
        if (table->entries[i].set)
            owners.sets[owners.len++] = table->entries[i].set;
    struct json_object *pruned = merge_pruned(merged, last, &owners, schema);
    return pruned ? pruned : json_object_new_object();
}

/* What nobody is known to have written somebody has, from the first Apply on. */
static struct json_object *fields_before_apply(const struct api *api, const struct api_call *call,
                                               const struct api_kind *kind, struct json_object *live)
{
    struct api_call before = *call;

    before.manager = "before-first-apply";
    before.subresource = "";
    return api_managed_update(api, &before, kind, NULL, NULL, live);
}

struct api_managed api_managed_apply(const struct api *api, const struct api_call *call, const struct api_kind *kind,
                                     struct json_object *fields, struct json_object *live, struct json_object *manifest)
{
    const struct schema *schema = schema_of(kind->type);
    struct api_managed ret = {0};
    struct owner_table table;
    cleanup_json struct json_object *first =
        live && !json_len(fields) ? fields_before_apply(api, call, kind, live) : NULL;

    table_read(&table, call, kind, first ? first : fields, "Apply");
    struct owner_entry *own = &table.entries[table.own];
    struct json_object *last = json_object_get(own->set), *merged = merge_values(live, manifest, schema);
    struct json_object *set = stripped(fields_of(manifest, schema));

    if (api_json_same(set, last)) {
        json_object_put(set);
        set = json_object_get(last);
    }
    set_owned(own, set);
    ret.content = without_what_is_gone(&table, merged, last, schema);
    struct fields_change change = fields_compare(live, ret.content, schema);
    struct json_object *touched = fields_union(change.added, change.modified);
    if (live && !call->force)
        ret.causes = conflicts_of(&table, touched, ret.first);
    take_from_others(&table, touched);
    take_from_others(&table, change.removed);
    ret.fields = table_write(&table, api, call, kind, "Apply", touched || change.removed);
    json_object_put(touched);
    json_object_put(merged);
    json_object_put(last);
    fields_change_finish(&change);
    table_finish(&table);
    return ret;
}
