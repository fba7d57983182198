#include "kube/managed_fields.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "kube/object_text.h"

enum { KEY_MAX = 320 };

static bool owns_value(struct json_object *fields, struct json_object *value);

/* Members of an atomic object or list are not listed: an entry without members owns all of the value. */
static bool is_leaf(struct json_object *fields)
{
    return json_first(fields).key == NULL;
}

/* An empty list asks for nothing, and of some lists the server writes down the elements only. */
static bool asks_for_nothing(struct json_object *value)
{
    return json_object_is_type(value, json_type_array) && json_len(value) == 0;
}

static struct json_object *field_of(struct json_object *fields, const char *key)
{
    char field[KEY_MAX];

    snprintf(field, sizeof(field), "f:%s", key);
    return json_member(fields, field);
}

static bool owns_member(struct json_object *fields, const char *key, struct json_object *value)
{
    struct json_object *inner = field_of(fields, key);

    return inner ? owns_value(inner, value) : asks_for_nothing(value);
}

static bool owns_object(struct json_object *fields, struct json_object *object)
{
    json_each (it, object)
        if (!owns_member(fields, it.key, it.value))
            return false;
    return true;
}

/* Whether "k:{…}" names this element of a list whose elements are told apart by some of their fields. */
static bool key_names(const char *key, struct json_object *element)
{
    cleanup_json struct json_object *wanted = json_parse_text(key + 2);

    json_each (it, wanted) {
        struct json_object *own = json_member(element, it.key);
        if (own && !json_same(own, it.value))
            return false;
    }
    return wanted != NULL;
}

static bool owns_element(struct json_object *fields, struct json_object *element)
{
    json_each (it, fields) {
        if (strncmp(it.key, "k:", 2) == 0 && key_names(it.key, element))
            return owns_value(it.value, element);
        if (strncmp(it.key, "v:", 2) == 0) {
            cleanup_json struct json_object *value = json_parse_text(it.key + 2);
            if (json_same(value, element))
                return true;
        }
    }
    return false;
}

static bool owns_value(struct json_object *fields, struct json_object *value)
{
    if (is_leaf(fields))
        return true;
    for (size_t i = 0; i < json_len(value); i++)
        if (!owns_element(fields, json_at(value, i)))
            return false;
    return owns_object(fields, value);
}

static bool is_entry_of(struct json_object *entry, const char *manager)
{
    return strcmp(json_str_or(entry, "manager", ""), manager) == 0 && !json_str(entry, "subresource");
}

/* As they are: a tree, or its text. */
static struct json_object *fields_by(struct json_object *managed_fields, const char *manager, const char *operation)
{
    for (size_t i = 0; i < json_len(managed_fields); i++) {
        struct json_object *entry = json_at(managed_fields, i);
        if (is_entry_of(entry, manager) && strcmp(json_str_or(entry, "operation", ""), operation) == 0)
            return json_get(entry, "fieldsV1");
    }
    return NULL;
}

static struct json_object *fields_of(struct json_object *managed_fields, const char *manager)
{
    struct json_object *applied = fields_by(managed_fields, manager, "Apply");

    return applied ? applied : fields_by(managed_fields, manager, "Update");
}

/* All entries, with trees. */
static struct json_object *with_trees(struct json_object *managed_fields, struct arena *a)
{
    struct json_object *ret = arena_json(a, json_copy(managed_fields));

    for (size_t i = 0; i < json_len(ret); i++) {
        struct json_object *fields = arena_json(a, json_parse_text(json_str(json_at(ret, i), "fieldsV1")));
        if (fields)
            json_set(json_at(ret, i), "fieldsV1", json_ref(fields));
    }
    return ret;
}

const char *managed_fields_of(struct json_object *managed_fields, const char *manager)
{
    return object_member_text(fields_of(managed_fields, manager));
}

bool managed_fields_by_apply(struct json_object *managed_fields, const char *manager)
{
    return fields_by(managed_fields, manager, "Apply") != NULL;
}

bool managed_fields_by_update(struct json_object *managed_fields, const char *manager)
{
    return fields_by(managed_fields, manager, "Update") != NULL;
}

/* What either has. A value without members is owned as such, which "." says where there are members, too. */
static void unite(struct json_object *into, struct json_object *from)
{
    if (!json_object_is_type(into, json_type_object))
        return;
    if (is_leaf(into) != is_leaf(from))
        json_object_object_add(into, ".", json_object_new_object());
    json_each (it, from) {
        struct json_object *known = json_member(into, it.key);
        if (known)
            unite(known, it.value);
        else
            json_object_object_add(into, it.key, json_copy(it.value));
    }
}

/* By update a map or list is owned itself, too, beside its members. Where others have some and we have none it looks
 * like one without members, which is owned as a whole. */
static void drop_shells(struct json_object *ours, struct json_object *theirs)
{
    json_each (it, theirs) {
        struct json_object *known = json_member(ours, it.key);
        if (!known || is_leaf(it.value))
            continue;
        if (!is_leaf(known))
            drop_shells(known, it.value);
        if (is_leaf(known))
            json_object_object_del(ours, it.key);
    }
}

static void drop_all_shells(struct json_object *fields, struct json_object *managed_fields)
{
    for (size_t i = 0; i < json_len(managed_fields); i++)
        drop_shells(fields, json_get(json_at(managed_fields, i), "fieldsV1"));
}

/* By apply a map or list is owned beside its members by nobody, only an element of a list is: else it would look owned
 * as a whole once somebody has taken the members. */
static void drop_dots(struct json_object *fields, bool is_element)
{
    if (!json_object_is_type(fields, json_type_object))
        return;
    if (!is_element && json_object_object_length(fields) > 1)
        json_object_object_del(fields, ".");
    json_each (it, fields)
        drop_dots(it.value, it.key[0] == 'k' || it.key[0] == 'v');
}

struct json_object *managed_fields_handed_over(struct json_object *managed_fields, const char *manager)
{
    cleanup_arena struct arena a = {0};
    struct json_object *all = with_trees(managed_fields, &a), *ret = json_object_new_array(), *ours = NULL;

    for (size_t i = 0; i < json_len(all); i++) {
        struct json_object *entry = json_at(all, i);
        if (is_entry_of(entry, manager) && ours) {
            unite(json_get(ours, "fieldsV1"), json_get(entry, "fieldsV1"));
            continue;
        }
        struct json_object *copy = json_copy(entry);
        if (is_entry_of(entry, manager)) {
            json_set_str(copy, "operation", "Apply");
            ours = copy;
        }
        json_append(ret, copy);
    }
    drop_all_shells(json_get(ours, "fieldsV1"), all); /* by apply they would be whole */
    drop_dots(json_get(ours, "fieldsV1"), false);
    return ret;
}

static bool fields_have(struct json_object *fields, struct json_object *manifest)
{
    static const char *const in_metadata[] = {"labels", "annotations", "ownerReferences"};
    struct json_object *metadata = json_get(fields, "f:metadata");

    for (size_t i = 0; i < sizeof(in_metadata) / sizeof(in_metadata[0]); i++) {
        struct json_object *value = json_member(json_get(manifest, "metadata"), in_metadata[i]);
        if (value && !owns_member(metadata, in_metadata[i], value))
            return false;
    }
    json_each (it, manifest) {
        bool is_content = strcmp(it.key, "apiVersion") && strcmp(it.key, "kind") && strcmp(it.key, "metadata");
        if (is_content && !owns_member(fields, it.key, it.value))
            return false;
    }
    return true;
}

bool managed_fields_have(struct json_object *managed_fields, const char *manager, struct json_object *manifest)
{
    cleanup_arena struct arena a = {0};
    struct json_object *fields = arena_json(&a, json_parse_text(managed_fields_of(managed_fields, manager)));

    if (fields && !managed_fields_by_apply(managed_fields, manager))
        drop_all_shells(fields, with_trees(managed_fields, &a));
    return fields && fields_have(fields, manifest);
}

bool fields_have_annotation(const char *text, const char *key)
{
    cleanup_arena struct arena a = {0};

    return field_of(json_get(arena_json(&a, json_parse_text(text)), "f:metadata.f:annotations"), key);
}
