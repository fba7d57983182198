#include "cli/import_shapes.h"

#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/shapes.h"

bool import_is_unset(struct json_object *value)
{
    if (!value || json_object_is_type(value, json_type_string))
        return !*json_string(value);
    json_each (it, value)
        if (!import_is_unset(it.value))
            return false;
    return json_len(value) == 0 && (json_is_array(value) || json_object_is_type(value, json_type_object));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

/* What `make` makes of each text of a list, or of one text; NULL: of something else. */
static struct json_object *each_text(struct json_object *value, struct json_object *(*make)(const char *text))
{
    struct json_object *list = json_object_new_array();
    bool one = json_object_is_type(value, json_type_string), ok = one || json_is_array(value);

    for (size_t i = 0; ok && i < (one ? 1 : json_len(value)); i++) {
        struct json_object *text = one ? value : json_at(value, i);
        struct json_object *made = json_object_is_type(text, json_type_string) ? make(json_string(text)) : NULL;
        ok = made != NULL;
        if (made)
            json_append(list, made);
    }
    if (ok)
        return list;
    json_object_put(list);
    return NULL;
}

static struct json_object *pull_policy_named(const char *text)
{
    static const char *const names[][2] = {
        {"always", "Always"}, {"if-not-present", "IfNotPresent"}, {"never", "Never"}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i][0], text) == 0)
            return json_object_new_string(names[i][1]);
    return NULL;
}

static struct json_object *name_reference(const char *text)
{
    return json_build("{name: %s}", text);
}

static struct json_object *variable_of(const char *text)
{
    const char *sign = strchr(text, '=');
    cleanup_free char *name = mem_strdup(text);

    if (!sign)
        return NULL;
    name[sign - text] = '\0';
    return json_build("{name: %s, value: %s}", name, sign + 1);
}

struct json_object *import_pull_policy(struct json_object *value)
{
    return each_text(value, pull_policy_named);
}

struct json_object *import_pull_secrets(struct json_object *value)
{
    return each_text(value, name_reference);
}

struct json_object *import_environment(struct json_object *value)
{
    return each_text(value, variable_of);
}

struct json_object *import_quantity(struct json_object *value)
{
    return quantity_text(value) ? json_object_new_string(quantity_text(value)) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Tables */

/* "key=value" or "key", and an effect or none: as gitlab-runner makes a toleration of it. */
static struct json_object *toleration_of(const char *key, const char *effect)
{
    const char *sign = strchr(key, '=');
    cleanup_free char *name = mem_strdup(key);

    if (sign)
        name[sign - key] = '\0';
    return json_build("{key: %s, operator: %s, value: %s, effect: %s}", *name ? name : NULL, sign ? "Equal" : "Exists",
                      sign ? sign + 1 : NULL, *effect ? effect : NULL);
}

struct json_object *import_tolerations(struct json_object *value)
{
    struct json_object *list = json_object_new_array();

    json_each (it, value)
        json_append(list, toleration_of(it.key, json_string(it.value)));
    return list;
}

/* "node_affinity" as "nodeAffinity". */
static void to_camel_case(char *name)
{
    char *to = name;

    for (const char *from = name; *from; from++)
        *to++ = *from == '_' && from[1] ? (char)toupper((unsigned char)*++from) : *from;
    *to = '\0';
}

/* Labels keep their names: they are nobody's fields. */
static struct json_object *in_camel_case(struct json_object *value)
{
    struct json_object *ret;

    if (json_is_array(value)) {
        ret = json_object_new_array();
        for (size_t i = 0; i < json_len(value); i++)
            json_append(ret, in_camel_case(json_at(value, i)));
        return ret;
    }
    if (!json_object_is_type(value, json_type_object))
        return json_ref(value);
    ret = json_object_new_object();
    json_each (it, value) {
        cleanup_free char *name = mem_strdup(it.key);
        to_camel_case(name);
        json_object_object_add(ret, name,
                               strcmp(it.key, "match_labels") == 0 ? json_ref(it.value) : in_camel_case(it.value));
    }
    return ret;
}

struct json_object *import_affinity(struct json_object *value)
{
    return json_object_is_type(value, json_type_object) ? in_camel_case(value) : NULL;
}

/* "BucketName" as "bucketName"; the rest of the name is the same. */
static struct json_object *with_small_initials(struct json_object *table)
{
    struct json_object *ret = json_object_new_object();

    json_each (it, table) {
        cleanup_free char *name = mem_strdup(it.key);
        *name = (char)tolower((unsigned char)*name);
        json_object_object_add(ret, name,
                               json_object_is_type(it.value, json_type_object) ? with_small_initials(it.value)
                                                                               : json_ref(it.value));
    }
    return ret;
}

struct json_object *import_cache(struct json_object *value)
{
    return json_object_is_type(value, json_type_object) ? with_small_initials(value) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Volumes */

/* A table from key to path as [{key, path}]. */
static struct json_object *items_of(struct json_object *table)
{
    struct json_object *list = json_object_new_array();

    json_each (it, table)
        json_append(list, json_build("{key: %s, path: %o}", it.key, json_ref(it.value)));
    return list;
}

static struct json_object *volume_source(struct json_object *table, const struct volume_kind *kind)
{
    struct json_object *source = json_object_new_object();

    if (kind->object)
        json_set_str(source, kind->object, json_str(table, "name"));
    for (const struct volume_column *c = kind->columns; c->from; c++) {
        struct json_object *value = json_member(table, c->to);
        if (value)
            json_set(source, c->from, strcmp(c->from, "items") == 0 ? items_of(value) : json_ref(value));
    }
    return source;
}

/* A host path that is not said is where it is mounted, as gitlab-runner has it. */
static struct json_object *volume_entry(struct json_object *table, const struct volume_kind *kind)
{
    struct json_object *source = volume_source(table, kind);
    struct json_object *entry =
        json_build("{name: %s, mountPath: %s, subPath: %s, readOnly: %o, mountPropagation: %s}",
                   json_str(table, "name"), json_str(table, "mount_path"), json_str(table, "sub_path"),
                   json_ref(json_member(table, "read_only")), json_str(table, "mount_propagation"));

    if (strcmp(kind->member, "hostPath") == 0 && !json_member(source, "path"))
        json_set_str(source, "path", json_str(table, "mount_path"));
    json_set(entry, kind->member, source);
    return entry;
}

struct json_object *import_volumes(struct json_object *value)
{
    struct json_object *list = json_object_new_array();
    const struct volume_kind *kind;

    for (size_t k = 0; (kind = volume_kind_at(k)); k++) {
        struct json_object *tables = json_member(value, kind->table);
        for (size_t i = 0; i < json_len(tables); i++)
            json_append(list, volume_entry(json_at(tables, i), kind));
    }
    return list;
}
