#include "tests/sim/api_schema.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/format.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"

static const struct schema deduced = {.shape = SCHEMA_DEDUCED}, atomic = {.shape = SCHEMA_ATOMIC};

/* What was built, by type. */
static struct map schema_types;

static const struct schema *type_of_word(const char *word);

static int by_field_name(const void *a, const void *b)
{
    const struct schema_field *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static void add_field(struct schema *s, const char *name, const struct schema *schema)
{
    s->fields = mem_resize(s->fields, (s->fields_len + 1) * sizeof(*s->fields));
    s->fields[s->fields_len++] = (struct schema_field){name, schema};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Built-in kinds: the words of api_types.c */

/* "k(name,key):T": the keys; returns what is behind them. */
static const char *read_keys(struct schema *s, const char *word)
{
    const char *end = strchr(word, ')'), *at = word + 2;

    assert(end && end[1] == ':');
    while (at < end) {
        size_t len = strcspn(at, ",)");
        assert(s->keys_len < ARRAY_LEN(s->keys));
        s->keys[s->keys_len++] = strndup(at, len);
        at += len + 1;
    }
    return end + 2;
}

static const struct schema *composed(const char *word)
{
    struct schema *s = mem_alloc(sizeof(*s));
    const char *element = word + 2;

    s->shape = *word == 'm' ? SCHEMA_MAP : *word == 's' ? SCHEMA_SET : SCHEMA_LIST;
    if (s->shape == SCHEMA_LIST)
        element = read_keys(s, word);
    s->element = type_of_word(element);
    return s;
}

static const struct schema *type_of_word(const char *word)
{
    if (strcmp(word, "a") == 0)
        return &atomic;
    if (strcmp(word, "-") == 0)
        return &deduced;
    if (word[1] == ':' || (word[0] == 'k' && word[1] == '('))
        return composed(word);
    return schema_of(word);
}

static void read_fields(struct schema *s, const char *fields)
{
    while (*fields) {
        size_t len = strcspn(fields, " "), name = strcspn(fields, "=");
        char *word = strndup(fields + name + 1, len - name - 1);
        add_field(s, strndup(fields, name), type_of_word(word));
        free(word);
        fields += len + strspn(fields + len, " ");
    }
    if (s->fields_len)
        qsort(s->fields, s->fields_len, sizeof(*s->fields), by_field_name);
}

static const struct schema *built_in(const char *type)
{
    const struct schema_line *line = schema_lines;

    while (line->type && strcmp(line->type, type) != 0)
        line++;
    if (!line->type)
        return &deduced;
    if (strcmp(line->fields, "a") == 0)
        return &atomic;
    struct schema *s = mem_alloc(sizeof(*s));
    s->shape = SCHEMA_STRUCT;
    map_set(&schema_types, type, s);
    read_fields(s, line->fields);
    return s;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A CRD */

static const struct schema *of_crd(struct json_object *crd);

static void read_crd_list(struct schema *s, struct json_object *crd)
{
    const char *type = json_str_or(crd, "x-kubernetes-list-type", "atomic");
    struct json_object *keys = json_member(crd, "x-kubernetes-list-map-keys");

    s->shape = strcmp(type, "map") == 0 ? SCHEMA_LIST : strcmp(type, "set") == 0 ? SCHEMA_SET : SCHEMA_ATOMIC;
    s->element = of_crd(json_member(crd, "items"));
    for (size_t i = 0; i < json_len(keys); i++) {
        assert(i < ARRAY_LEN(s->keys));
        s->keys[s->keys_len++] = json_string(json_at(keys, i));
    }
}

static void read_crd_object(struct schema *s, struct json_object *crd)
{
    struct json_object *element = json_member(crd, "additionalProperties");

    s->shape = SCHEMA_DEDUCED;
    if (element) {
        s->shape = SCHEMA_MAP;
        s->element = json_object_is_type(element, json_type_object) ? of_crd(element) : &deduced;
    } else if (json_member(crd, "properties")) {
        s->shape = SCHEMA_STRUCT;
        json_each (it, json_member(crd, "properties"))
            add_field(s, it.key, of_crd(it.value));
        qsort(s->fields, s->fields_len, sizeof(*s->fields), by_field_name);
    }
    if (strcmp(json_str_or(crd, "x-kubernetes-map-type", ""), "atomic") == 0)
        s->shape = SCHEMA_ATOMIC;
}

static const struct schema *of_crd(struct json_object *crd)
{
    const char *type = json_str_or(crd, "type", "");
    struct schema *s = mem_alloc(sizeof(*s));

    s->crd = crd;
    s->keeps_unknown = json_bool_or(crd, "x-kubernetes-preserve-unknown-fields", false) || !*type;
    if (strcmp(type, "array") == 0)
        read_crd_list(s, crd);
    else if (strcmp(type, "object") == 0)
        read_crd_object(s, crd);
    return s;
}

void schema_use_crd(struct json_object *crd)
{
    struct json_object *version = json_at(json_get(crd, "spec.versions"), 0);
    const struct schema *s = of_crd(json_ref(json_get(version, "schema.openAPIV3Schema")));

    for (size_t i = 0; i < s->fields_len; i++) {
        if (strcmp(s->fields[i].name, "metadata") != 0)
            continue;
        free((void *)s->fields[i].schema);
        s->fields[i].schema = schema_of("apis.meta.v1.ObjectMeta");
    }
    assert(!map_get(&schema_types, "crd"));
    map_set(&schema_types, "crd", (void *)s);
}

static const struct schema *runners(void)
{
    struct json_object *crd = api_json_of_yaml("crds/gitlabrunners.yaml");

    schema_use_crd(crd);
    json_object_put(crd);
    return map_get(&schema_types, "crd");
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

const struct schema *schema_of(const char *type)
{
    const struct schema *s = map_get(&schema_types, type);

    if (s)
        return s;
    return strcmp(type, "crd") == 0 ? runners() : built_in(type);
}

const struct schema *schema_member(const struct schema *schema, const char *name)
{
    size_t low = 0, high = schema->fields_len;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, schema->fields[middle].name);
        if (order == 0)
            return schema->fields[middle].schema;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return schema->element && !schema->keys_len ? schema->element : &deduced;
}

enum schema_shape schema_shape(const struct schema *schema, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        return schema->shape == SCHEMA_DEDUCED ? SCHEMA_MAP : schema->shape;
    if (json_object_is_type(value, json_type_array) && (schema->shape == SCHEMA_LIST || schema->shape == SCHEMA_SET))
        return schema->shape;
    return SCHEMA_ATOMIC;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Elements */

static int put_value(char *to, size_t size, struct json_object *value)
{
    const char *text = json_string(value);

    if (json_object_is_type(value, json_type_string) && !strpbrk(text, "\"\\\n\r\t"))
        return format_into(to, size, "\"%s\"", text);
    return format_into(to, size, "%s", json_object_to_json_string_ext(value, API_JSON_PLAIN));
}

void schema_element_key(const struct schema *schema, struct json_object *element, char ret[static ELEMENT_KEY_MAX])
{
    size_t at = 2;
    bool first = true;

    if (schema->shape == SCHEMA_SET) {
        memcpy(ret, "v:", 3);
        put_value(ret + 2, ELEMENT_KEY_MAX - 2, element);
        return;
    }
    memcpy(ret, "k:", 2);
    for (size_t i = 0; i < schema->keys_len && at < ELEMENT_KEY_MAX - 2; i++) {
        struct json_object *value = json_member(element, schema->keys[i]);
        bool protocol = !value && strcmp(schema->keys[i], "protocol") == 0;
        if (!value && !protocol)
            continue;
        at += (size_t)format_into(ret + at, ELEMENT_KEY_MAX - at, "%s\"%s\":", first ? "{" : ",", schema->keys[i]);
        if (at < ELEMENT_KEY_MAX)
            at += protocol ? (size_t)format_into(ret + at, ELEMENT_KEY_MAX - at, "\"TCP\"")
                           : (size_t)put_value(ret + at, ELEMENT_KEY_MAX - at, value);
        first = false;
    }
    if (at < ELEMENT_KEY_MAX)
        format_into(ret + at, ELEMENT_KEY_MAX - at, first ? "{}" : "}");
}

struct json_object *schema_find_element(const struct schema *schema, struct json_object *array, const char *key)
{
    char own[ELEMENT_KEY_MAX];

    for (size_t i = 0; i < json_len(array); i++) {
        schema_element_key(schema, json_at(array, i), own);
        if (strcmp(own, key) == 0)
            return json_at(array, i);
    }
    return NULL;
}

static bool undeclared_in_members(const struct schema *schema, struct json_object *value, char *path, size_t size)
{
    size_t len = strlen(path);

    json_object_object_foreach(value, name, member)
    {
        const struct schema *of = schema_member(schema, name);
        bool unknown =
            schema->crd && schema->fields_len && !schema->keeps_unknown && !of->crd && of->shape == SCHEMA_DEDUCED;
        format_into(path + len, size - len, ".%s", name);
        if (unknown || schema_finds_undeclared(of, member, path, size))
            return true;
        path[len] = '\0';
    }
    return false;
}

bool schema_finds_undeclared(const struct schema *schema, struct json_object *value, char *path, size_t size)
{
    char key[ELEMENT_KEY_MAX];
    size_t len = strlen(path);

    if (!schema->crd || strlen(path) + 2 > size)
        return false;
    if (json_object_is_type(value, json_type_object))
        return undeclared_in_members(schema, value, path, size);
    for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_len(value); i++) {
        schema_element_key(schema, json_at(value, i), key);
        format_into(path + len, size - len, "[%s]", key + 2);
        if (schema_finds_undeclared(schema->element, json_at(value, i), path, size))
            return true;
        path[len] = '\0';
    }
    return false;
}
