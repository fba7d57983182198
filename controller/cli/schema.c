/* The schema is crds/gitlabrunners.yaml itself, compiled into the program, so that it cannot get out of date. */
#include "cli/schema.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "cli/hints.h"
#include "base/yaml.h"
#include "runner/complaints.h"
#include "runner/key_place.h"
#include "runner/kube_names.h"
#include "runner/names.h"

/* The path is relative to the project's folder, where make runs; the Makefile knows that this file depends on it.
 * Hidden, so that no table of addresses is asked: on AArch64 two labels that only this file knows have one place there.
 */
__asm__(".pushsection .rodata\n"
        ".globl crd_text, crd_end\n"
        ".hidden crd_text, crd_end\n"
        "crd_text: .incbin \"crds/gitlabrunners.yaml\"\n"
        "crd_end: .byte 0\n"
        ".popsection\n");
extern const char crd_text[] __attribute__((visibility("hidden"))), crd_end[] __attribute__((visibility("hidden")));

struct check {
    struct complaints *all;
    struct json_object *root; /* the schema of the whole object          */
    bool rest;                /* whether anything but types is looked at */
    struct arena *a;
};

static void check_schema_value(struct check *c, struct json_object *schema, struct json_object *value,
                               const char *path);

static __attribute__((format(printf, 2, 3))) void find(struct check *c, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    complaints_add(c->all, charset_to_prose(text));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Fields that are not known */

/* The schema of the field at a path, NULL: there is none. */
static struct json_object *schema_of(struct check *c, const char *path)
{
    struct json_object *at = c->root;
    char step[300];

    for (size_t len; at && *path; path += len + (path[len] == '.')) {
        len = strcspn(path, ".");
        snprintf(step, sizeof(step), "%.*s", (int)len, path);
        at = json_member(json_get(at, "properties"), step);
    }
    return at;
}

static struct json_object *target_of(struct check *c, const char *path)
{
    return json_get(schema_of(c, path), "properties");
}

/* Whether all members are where they belong once the object as a whole is. */
static bool fits(struct check *c, const struct hint *hint, struct json_object *value)
{
    struct json_object *target = hint->table ? NULL : target_of(c, hint->path);
    struct key_place place;

    if (json_bool_or(hint->table ? NULL : schema_of(c, hint->path), "x-kubernetes-preserve-unknown-fields", false))
        return true;
    if (!json_object_is_type(value, json_type_object) || (!target && !(hint->table && key_place_is_table(hint->table))))
        return true;
    json_each (it, value) {
        const char *path = arena_printf(c->a, "%s.%s", hint->path, it.key);
        const struct hint inner = {path, "", hint->table ? path + strlen("spec.config.") : NULL};
        bool known =
            hint->table ? key_place_in(hint->table, it.key, &place, c->a) && place.path && strcmp(place.path, path) == 0
                        : json_member(target, it.key) != NULL;
        if (!known || !fits(c, &inner, it.value))
            return false;
    }
    return true;
}

static void find_unknown_at(struct check *c, const struct hint *hint, struct json_object *value, const char *path);

/* An object that has been put at the wrong place as a whole: each member has a place of its own. */
static void find_members(struct check *c, const struct hint *hint, struct json_object *object, const char *path)
{
    struct json_object *target = hint->table ? NULL : target_of(c, hint->path);

    json_each (it, object) {
        const struct unknown u = {c->root, target, hint->table ? path : hint->path, it.key, true, c->a};
        struct hint inner = hint->table ? hint_within(&u, hint->table) : hint_for(&u);
        if (json_member(target, it.key)) {
            inner.path = arena_printf(c->a, "%s.%s", hint->path, it.key);
            inner.text = arena_printf(c->a, "did you mean %s?", inner.path);
        }
        find_unknown_at(c, &inner, it.value, arena_printf(c->a, "%s.%s", path, it.key));
    }
}

static void find_unknown_at(struct check *c, const struct hint *hint, struct json_object *value, const char *path)
{
    if (hint->path && !fits(c, hint, value))
        find_members(c, hint, value, path);
    else
        complaints_add_unknown(c->all, charset_to_prose(arena_printf(c->a, "%s is not known: %s", path, hint->text)),
                               hint->path);
}

static void find_unknown(struct check *c, struct json_object *properties, const char *name, struct json_object *value,
                         const char *parent, const char *path)
{
    const struct unknown u = {c->root, properties, parent, name, false, c->a};
    const struct hint hint = hint_for(&u);

    find_unknown_at(c, &hint, value, path);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Values */

/* How the schema's types are called to a person. */
static const struct type {
    const char *name, *words, *remedy;
    enum json_type type;
} types[] = {
    {"object", "an object", "", json_type_object},
    {"array", "a list", "", json_type_array},
    {"string", "text", ": put it in quotes", json_type_string},
    {"integer", "a whole number", ", without quotes", json_type_int},
    {"boolean", "true or false", ", without quotes", json_type_boolean},
};

#define AS_YAML ": write the settings of config.toml as YAML, not as text"

static bool is_scalar(struct json_object *value)
{
    return value && !json_is_array(value) && !json_object_is_type(value, json_type_object);
}

/* "a, b" where a list is wanted is what other tools take. */
static const char *as_list(struct check *c, const char *text)
{
    bool plain = !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789, ._-/")];

    return *text && plain ? arena_printf(c->a, ": write it as [%s]", shown(text, 100).text) : "";
}

static bool wrong_type(struct check *c, const char *path, const char *words, const char *remedy,
                       struct json_object *value)
{
    const char *text = arena_printf(c->a, "%s must be %s%s", path, words, is_scalar(value) ? remedy : "");

    complaints_add_type(c->all, charset_to_prose(arena_strdup(c->a, text)));
    return false;
}

static bool has_schema_type(struct check *c, struct json_object *schema, struct json_object *value, const char *path)
{
    const char *wanted = json_str_or(schema, "type", "");
    enum json_type type = json_object_get_type(value);

    if (json_bool_or(schema, "x-kubernetes-int-or-string", false) && type != json_type_int && type != json_type_string)
        return wrong_type(c, path, "a whole number or text", ": put it in quotes", value);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const char *words = json_get(schema, "additionalProperties") ? "a map" : types[i].words;
        const char *remedy = types[i].type == json_type_array ? as_list(c, json_string(value)) : types[i].remedy;
        if (strcmp(wanted, types[i].name) == 0 && type != types[i].type)
            return wrong_type(c, path, words, strcmp(path, "spec.config") == 0 ? AS_YAML : remedy, value);
    }
    return true;
}

static void check_enum(struct check *c, struct json_object *schema, struct json_object *value, const char *path)
{
    struct json_object *words = json_get(schema, "enum");
    const char *list = "";

    for (size_t i = 0; i < json_len(words); i++) {
        if (json_same(json_at(words, i), value))
            return;
        list = arena_printf(c->a, "%s%s%s", list, *list ? ", " : "", json_string(json_at(words, i)));
    }
    if (*list)
        find(c, "%s must be one of %s, not \"%s\"", path, list, shown(json_string(value), 60).text);
}

/* What a bound is about: a number itself, the characters of a text, the items of a list, the members of a map. */
static int64_t size_of(struct json_object *value)
{
    if (json_object_is_type(value, json_type_int))
        return json_object_get_int64(value);
    if (json_object_is_type(value, json_type_array))
        return (int64_t)json_len(value);
    if (json_object_is_type(value, json_type_object))
        return json_object_object_length(value);
    return (int64_t)utf8_count(json_string(value));
}

static void check_schema_bounds(struct check *c, struct json_object *schema, struct json_object *value,
                                const char *path)
{
    static const struct {
        enum json_type type;
        const char *min, *max, *must, *what;
    } bounds[] = {
        {json_type_int, "minimum", "maximum", "must be", ""},
        {json_type_string, "minLength", "maxLength", "must have", " characters"},
        {json_type_array, "minItems", "maxItems", "must have", " items"},
        {json_type_object, "minProperties", "maxProperties", "must have", " members"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        if (!json_object_is_type(value, bounds[i].type))
            continue;
        int64_t size = size_of(value);
        int64_t min = json_int_or(schema, bounds[i].min, INT64_MIN),
                max = json_int_or(schema, bounds[i].max, INT64_MAX);
        if (size < min)
            find(c, "%s %s at least %" PRId64 "%s, not %" PRId64, path, bounds[i].must, min, bounds[i].what, size);
        if (size > max)
            find(c, "%s %s at most %" PRId64 "%s, not %" PRId64, path, bounds[i].must, max, bounds[i].what, size);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The CEL rules that look at one value only: their few forms are known here, so that a person reads the same sentence
 * without a cluster.
 */

/* A pattern as regcomp() takes it: there, \s means nothing within brackets, and each \\ of the text is one. */
static const char *posix_pattern(const char *pattern, bool raw, struct arena *a)
{
    const char *space = strstr(pattern, "\\s");
    char *text = arena_strdup(a, space ? arena_printf(a, "%.*s \t\r\n\f%s", (int)(space - pattern), pattern, space + 2)
                                       : pattern);

    for (char *at = text; !raw && (at = strstr(at, "\\\\")); at++)
        memmove(at, at + 1, strlen(at));
    /* Within brackets, a backslash stands for itself. */
    char *twice = strstr(text, "[\\\\");
    if (twice)
        memmove(twice + 1, twice + 2, strlen(twice + 1));
    return text;
}

static bool matches(const char *value, const char *pattern)
{
    regex_t regex;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort(); /* the CRD is a part of the program */
    bool found = regexec(&regex, value, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

/* What is between the quotes behind the words; NULL: the rule has none such. */
static const char *argument_of(const char *rule, const char *words, struct arena *a)
{
    const char *at = strstr(rule, words);

    return at ? arena_strndup(a, at + strlen(words), strcspn(at + strlen(words), "'")) : NULL;
}

static bool holds(const char *rule, const char *value, struct arena *a)
{
    const char *plain = argument_of(rule, "self.matches('", a), *raw = argument_of(rule, "self.matches(r'", a);
    const char *begin = argument_of(rule, "self.startsWith('", a), *without = argument_of(rule, "!self.contains('", a);
    double ignored;

    if (strstr(rule, "isQuantity(self)"))
        return *value != '-' && quantity_parse(value, &ignored);
    if (strncmp(rule, "self.matches(", strlen("self.matches(")) != 0 && strncmp(rule, "type(self) == int || ", 21) != 0)
        plain = raw = NULL;
    if (plain || raw)
        return matches(value, posix_pattern(plain ? plain : raw, raw, a));
    if (begin && strncmp(rule, "self.startsWith(", strlen("self.startsWith(")) == 0)
        return strncmp(value, begin, strlen(begin)) == 0;
    if (without && strncmp(rule, "!self.contains(", strlen("!self.contains(")) == 0 && !strstr(rule, "&&"))
        return !strstr(value, without);
    return true;
}

static void check_rules(struct check *c, struct json_object *schema, struct json_object *value, const char *path)
{
    struct json_object *rules = json_get(schema, "x-kubernetes-validations");

    for (size_t i = 0; i < json_len(rules) && json_object_is_type(value, json_type_string); i++)
        if (!holds(json_str_or(json_at(rules, i), "rule", ""), json_string(value), c->a))
            find(c, "%s %s, not \"%s\"", path, json_str_or(json_at(rules, i), "message", ""),
                 shown(json_string(value), 60).text);
}

/* Whether two elements of a list are one and the same to the API server: in a set by value, in a map by some members.
 */
static bool same_element(struct json_object *schema, struct json_object *one, struct json_object *other)
{
    struct json_object *keys = json_get(schema, "x-kubernetes-list-map-keys");

    for (size_t i = 0; i < json_len(keys); i++) {
        const char *key = json_string(json_at(keys, i));
        if (!json_same(json_member(one, key), json_member(other, key)))
            return false;
    }
    return keys || json_same(one, other);
}

static void check_unique(struct check *c, struct json_object *schema, struct json_object *list, const char *path)
{
    const char *type = json_str_or(schema, "x-kubernetes-list-type", "atomic");
    bool too_long =
        (int64_t)json_len(list) > json_int_or(schema, "maxItems", 1000); /* which check_schema_bounds() says */

    if (strcmp(type, "atomic") == 0 || too_long)
        return;
    for (size_t i = 0; i < json_len(list); i++)
        for (size_t n = 0; n < i; n++)
            if (same_element(schema, json_at(list, n), json_at(list, i))) {
                find(c, "%s[%zu] is there twice: it has the key of %s[%zu]", path, i, path, n);
                return;
            }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The walk */

static void check_required(struct check *c, struct json_object *schema, struct json_object *object, const char *path)
{
    struct json_object *required = json_get(schema, "required");

    for (size_t i = 0; i < json_len(required); i++)
        if (!json_member(object, json_string(json_at(required, i))))
            find(c, "%s%s%s is missing", path, *path ? "." : "", json_string(json_at(required, i)));
}

static void check_schema_member(struct check *c, struct json_object *schema, const char *key, struct json_object *value,
                                const char *path)
{
    struct json_object *properties = json_get(schema, "properties");
    struct json_object *known = json_member(properties, key);
    const char *inner = arena_printf(c->a, "%s%s%s", path, *path ? "." : "", key);

    if (!known)
        known = json_get(schema, "additionalProperties");
    if (known)
        check_schema_value(c, known, value, inner);
    else if (c->rest && !json_bool_or(schema, "x-kubernetes-preserve-unknown-fields", false))
        find_unknown(c, properties, key, value, path, inner);
}

static void check_bounded(struct check *c, struct json_object *schema, struct json_object *value, const char *path)
{
    check_enum(c, schema, value, path);
    check_schema_bounds(c, schema, value, path);
    check_rules(c, schema, value, path);
    check_unique(c, schema, value, path);
    check_required(c, schema, value, path);
}

static void check_schema_value(struct check *c, struct json_object *schema, struct json_object *value, const char *path)
{
    bool defaulted = !value && json_get(schema, "default"); /* null asks for it */

    if (defaulted || !has_schema_type(c, schema, value, path))
        return;
    if (c->rest)
        check_bounded(c, schema, value, path);
    json_each (it, value)
        check_schema_member(c, schema, it.key, it.value, path);
    for (size_t i = 0; i < json_len(value); i++)
        check_schema_value(c, json_get(schema, "items"), json_at(value, i), arena_printf(c->a, "%s[%zu]", path, i));
}

/* The schema of the version that we know. */
static struct json_object *object_schema(struct json_object *crd)
{
    struct json_object *versions = json_get(crd, "spec.versions");

    for (size_t i = 0; i < json_len(versions); i++)
        if (strcmp(json_str_or(json_at(versions, i), "name", ""), VERSION_V1BETA1) == 0)
            return json_get(json_at(versions, i), "schema.openAPIV3Schema");
    abort(); /* the CRD and names.h are parts of one program */
}

struct json_object *schema_read(struct arena *a)
{
    struct err err = {0};
    struct json_object *documents =
        arena_json(a, yaml_read("crd", crd_text, (size_t)(crd_end - crd_text), YAML_TYPED, &err));

    return object_schema(json_at(documents, 0));
}

static void check_schema_object(struct check *c, struct json_object *object)
{
    json_each (it, object)
        if (strcmp(it.key, "metadata") != 0)
            check_schema_member(c, c->root, it.key, it.value, "");
    if (c->rest)
        check_required(c, c->root, object, "");
}

void schema_check_types(struct json_object *schema, struct json_object *object, struct complaints *all)
{
    check_schema_object(&(struct check){.all = all, .root = schema, .a = all->a}, object);
}

void schema_check_rest(struct json_object *schema, struct json_object *object, struct complaints *all)
{
    check_schema_object(&(struct check){.all = all, .root = schema, .rest = true, .a = all->a}, object);
}
