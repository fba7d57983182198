#include "runner/shape.h"

#include <arpa/inet.h>
#include <assert.h>
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
#include "base/time.h"
#include "base/utf8.h"
#include "base/words.h"
#include "runner/complaints.h"
#include "runner/kube_names.h"

enum { PATTERNS_MAX = 16, KEY_SHOWN = 60 };

/* ---------------------------------------------------------------------------------------------------------------------
 * Tables */

static const struct shape_member *member_of_len(const struct shape *shape, const char *name, size_t len)
{
    for (const struct shape_member *m = shape->members; m && m->name; m++)
        if (*m->name == *name && strncmp(m->name, name, len) == 0 && !m->name[len])
            return m;
    return NULL;
}

const struct shape_member *shape_member(const struct shape *shape, const char *name)
{
    return member_of_len(shape, name, strlen(name));
}

const struct shape *shape_of_member(const struct shape *shape, const char *name)
{
    const struct shape_member *m = shape_member(shape, name);

    return shape->type == SHAPE_MAP || !m ? shape->each : m->shape;
}

const struct shape *shape_find(const struct shape *shape, const char *path)
{
    for (size_t len; shape && *path; path += len + (path[len] == '.')) {
        len = strcspn(path, ".");
        const struct shape_member *m = member_of_len(shape, path, len);
        shape = m ? m->shape : NULL;
    }
    return shape;
}

const char *shape_near(const struct shape *shape, const char *name)
{
    struct near near = near_begin(name);

    for (const struct shape_member *m = shape->members; m && m->name; m++)
        near_offer(&near, m->name);
    return near.found;
}

int word_index(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (int i = 0; words; i++) {
        if (strncmp(words, word, len) == 0 && (words[len] == ',' || words[len] == '\0'))
            return i;
        const char *comma = strstr(words, ", ");
        words = comma ? comma + 2 : NULL;
    }
    return -1;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Complaints */

const char *shape_path(const struct shape_place *at, struct arena *a)
{
    const char *in = at->in ? shape_path(at->in, a) : "";

    if (!at->name)
        return arena_printf(a, "%s[%zu]", in, at->entry);
    return at->in ? utf8_keep(arena_printf(a, "%s%s%s", in, *in ? "." : "", shown(at->name, KEY_SHOWN).text))
                  : at->name;
}

static __attribute__((format(printf, 3, 4))) const char *sentence_of(struct shape_walk *w, const struct shape_place *at,
                                                                     const char *format, ...)
{
    char text[512];
    va_list args;

    w->wrong = true;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return charset_to_prose(arena_printf(w->all->a, "%s %s", shape_path(at, w->all->a), text));
}

#define complain(w, at, ...) complaints_add((w)->all, sentence_of(w, at, __VA_ARGS__))

/* ---------------------------------------------------------------------------------------------------------------------
 * Types */

static const struct {
    enum json_type json;
    const char *words, *remedy;
} types[] = {
    [SHAPE_ANY] = {json_type_null, "", ""},
    [SHAPE_TEXT] = {json_type_string, "text", ": put it in quotes"},
    [SHAPE_FLAG] = {json_type_boolean, "true or false", ", without quotes"},
    [SHAPE_WHOLE] = {json_type_int, "a whole number", ", without quotes"},
    [SHAPE_WHOLE32] = {json_type_int, "a whole number of 32 bits", ", without quotes"},
    [SHAPE_NUMBER] = {json_type_double, "a number", ", without quotes"},
    [SHAPE_WHOLE_OR_TEXT] = {json_type_int, "a whole number or text", ": put it in quotes"},
    [SHAPE_DURATION] = {json_type_string, "a duration, such as \"90s\" or \"1h30m\"", ""},
    [SHAPE_OBJECT] = {json_type_object, "an object", ""},
    [SHAPE_TABLE] = {json_type_object, "a map of settings", ""},
    [SHAPE_MAP] = {json_type_object, "a map", ""},
    [SHAPE_LIST] = {json_type_array, "a list", ""},
    [SHAPE_ONE_OR_LIST] = {json_type_null, "", ""},
};

/* Whether a number with a fraction can hold it, as gitlab-runner asks of one that is written without. */
static bool is_exact(int64_t number)
{
    const int64_t largest = 1LL << 53;

    return number >= -largest && number <= largest;
}

static bool has_type(enum shape_type type, struct json_object *value)
{
    assert((size_t)type < ARRAY_LEN(types));
    bool same = json_object_is_type(value, types[type].json), whole = json_object_is_type(value, json_type_int);
    int64_t number = whole ? json_object_get_int64(value) : 0, ns;

    switch (type) {
    case SHAPE_ANY:
    case SHAPE_ONE_OR_LIST:
        return true;
    case SHAPE_WHOLE32:
        return whole && number == (int32_t)number;
    case SHAPE_NUMBER:
        return same || (whole && is_exact(number));
    case SHAPE_WHOLE_OR_TEXT:
        return same || json_object_is_type(value, json_type_string);
    case SHAPE_DURATION:
        return same && duration_parse(json_string(value), &ns);
    case SHAPE_TEXT:
    case SHAPE_FLAG:
    case SHAPE_WHOLE:
    case SHAPE_OBJECT:
    case SHAPE_TABLE:
    case SHAPE_MAP:
    case SHAPE_LIST:
        break;
    }
    return same;
}

static bool is_nested(struct json_object *value)
{
    return json_is_array(value) || json_object_is_type(value, json_type_object);
}

/* "a, b" where a list is wanted is what other tools take. */
static const char *as_list(const char *text, struct arena *a)
{
    bool plain = !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789, ._-/")];

    return *text && plain ? arena_printf(a, ": write it as [%s]", shown(text, 100).text) : "";
}

/* What is to be done about a value of another type. */
static const char *remedy_of(const struct shape *shape, struct json_object *value, struct arena *a)
{
    bool scalar_wanted = types[shape->type].json != json_type_object && types[shape->type].json != json_type_array;

    if (shape->type == SHAPE_LIST)
        return as_list(json_string(value), a);
    if (shape->type == SHAPE_TABLE && json_is_array(value))
        return ", not a list: write it without the dash";
    if (shape->type == SHAPE_OBJECT && shape->open && !shape->members && *json_string(value))
        return ": write it as YAML, not as text";
    if (scalar_wanted && is_nested(value))
        return json_is_array(value) ? ", not a list" : ", not a map";
    return types[shape->type].remedy;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Bounds */

static void validate_number(struct shape_walk *w, const struct shape *shape, int64_t number,
                            const struct shape_place *at)
{
    if ((!shape->min && !shape->max) || (number >= shape->min && number <= shape->max))
        return;
    if (shape->max == INT64_MAX)
        complain(w, at, "must be at least %" PRId64 ", not %" PRId64, shape->min, number);
    else
        complain(w, at, "must be from %" PRId64 " to %" PRId64 ", not %" PRId64, shape->min, shape->max, number);
}

static size_t size_of(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        return (size_t)json_object_object_length(value);
    return json_is_array(value) ? json_len(value) : utf8_count(json_string(value));
}

static void validate_size(struct shape_walk *w, const struct shape *shape, struct json_object *value,
                          const struct shape_place *at)
{
    bool text = json_object_is_type(value, json_type_string);
    const char *what = text ? "characters" : json_is_array(value) ? "items" : "members";
    size_t size = size_of(value);

    if (size == 0 && shape->least)
        complain(w, at, text ? "must be text that is not empty" : "must have one entry at least");
    else if (size < shape->least)
        complain(w, at, "must have at least %zu %s, not %zu", shape->least, what, size);
    if (shape->most && size > shape->most)
        complain(w, at, "must have at most %zu %s, not %zu", shape->most, what, size);
}

/* Each is compiled once, and kept as long as the process. */
static bool matches(const char *pattern, const char *text)
{
    static struct {
        const char *pattern;
        regex_t regex;
    } compiled[PATTERNS_MAX];
    size_t i = 0;

    while (i < PATTERNS_MAX && compiled[i].pattern && strcmp(compiled[i].pattern, pattern) != 0)
        i++;
    if (i == PATTERNS_MAX ||
        (!compiled[i].pattern && regcomp(&compiled[i].regex, pattern, REG_EXTENDED | REG_NOSUB) != 0))
        abort(); /* the tables are a part of the program */
    compiled[i].pattern = pattern;
    return regexec(&compiled[i].regex, text, 0, NULL, 0) == 0;
}

/* As isIP() of CEL has it: no IPv4 address in an IPv6 one. */
static bool is_strict_ip(const char *text)
{
    struct in6_addr address;

    return inet_pton(AF_INET, text, &address) == 1 ||
           (inet_pton(AF_INET6, text, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address));
}

static bool holds(const struct shape_rule *rule, struct json_object *value)
{
    bool is_text = json_object_is_type(value, json_type_string);
    const char *text = json_string(value);
    double ignored;

    switch (rule->kind) {
    case RULE_PATTERN:
        return !is_text || matches(rule->argument, text);
    case RULE_BEGINS:
        return strncmp(text, rule->argument, strlen(rule->argument)) == 0;
    case RULE_LACKS:
        return !strstr(text, rule->argument);
    case RULE_QUANTITY:
        return is_text ? *text != '-' && quantity_parse(text, &ignored) : json_object_get_int64(value) >= 0;
    case RULE_ADDRESS:
        return is_strict_ip(text);
    }
    return false;
}

/* The value is told where the sentence ends with what it must be, and where it holds no password. */
static void complain_of_rule(struct shape_walk *w, const struct shape_rule *rule, const char *text,
                             const struct shape_place *at)
{
    if (strstr(rule->message, ": ") || strchr(text, '@'))
        complain(w, at, "%s", rule->message);
    else
        complain(w, at, "%s, not \"%s\"", rule->message, shown(text, 60).text);
}

static void validate_text_bounds(struct shape_walk *w, const struct shape *shape, struct json_object *value,
                                 const struct shape_place *at)
{
    const char *text = json_object_get_string(value), *words = shape->words;

    if (words && word_index(words, text) < 0)
        complain(w, at, "must be one of %s, not \"%s\"", *words == ',' ? words + 2 : words, shown(text, 60).text);
    for (const struct shape_rule *r = shape->rules; r && r->message; r++)
        if (!holds(r, value))
            complain_of_rule(w, r, text, at);
}

/* Whether two entries are one and the same to the API server. */
static bool same_entry(const struct shape *shape, struct json_object *one, struct json_object *other)
{
    for (const char *const *key = shape->keys; key && *key; key++)
        if (!json_same(json_member(one, *key), json_member(other, *key)))
            return false;
    return shape->keys || json_same(one, other);
}

static void validate_unique(struct shape_walk *w, const struct shape *shape, struct json_object *list,
                            const struct shape_place *at)
{
    bool looked_at = shape->unique && json_len(list) <= shape->most; /* or else it is too long, which is said */

    for (size_t i = 0; looked_at && i < json_len(list); i++)
        for (size_t n = 0; n < i; n++)
            if (same_entry(shape, json_at(list, n), json_at(list, i))) {
                const struct shape_place entry = {at, NULL, i};
                complain(w, &entry, "is there twice: it has the key of %s[%zu]", shape_path(at, w->all->a), n);
                return;
            }
}

static void validate_needed(struct shape_walk *w, const struct shape *shape, struct json_object *object,
                            const struct shape_place *at)
{
    for (const struct shape_member *m = shape->members; m && m->name; m++) {
        const struct shape_place missing = {at, m->name, 0};
        if (m->needed && !json_member(object, m->name))
            complain(w, &missing, "is missing%s%s", *m->needed ? ": give " : "", m->needed);
    }
}

static void validate_bounds(struct shape_walk *w, const struct shape *shape, struct json_object *value,
                            const struct shape_place *at)
{
    bool whole = json_object_is_type(value, json_type_int);

    if (whole || json_object_is_type(value, json_type_string))
        validate_text_bounds(w, shape, value, at);
    if (whole)
        validate_number(w, shape, json_object_get_int64(value), at);
    else
        validate_size(w, shape, value, at);
    validate_unique(w, shape, value, at);
    validate_needed(w, shape, value, at);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The walk */

static void walk_to(struct shape_walk *w, const struct shape *shape, struct json_object *value,
                    const struct shape_place *at);

/* Null is what server-side apply leaves of a map or list whose last entry was taken out, and an API server drops it
 * where it knows the field. In place of one value it is what somebody has forgotten to write. */
static bool is_absent(const struct shape *in, const struct shape *known, struct json_object *value)
{
    enum json_type type = types[known->type].json;

    return !value && (in->open || known->defaulted || type == json_type_object || type == json_type_array);
}

static void walk_into(struct shape_walk *w, const struct shape *shape, struct json_object *value,
                      const struct shape_place *at)
{
    json_each (it, value) {
        const struct shape_place inner = {at, it.key, 0};
        const struct shape *known =
            w->member ? w->member(w, shape, it.key, it.value, &inner) : shape_of_member(shape, it.key);
        if (known && !is_absent(shape, known, it.value))
            walk_to(w, known, it.value, &inner);
    }
    for (size_t i = 0; i < json_len(value) && shape->each; i++) {
        const struct shape_place inner = {at, NULL, i};
        walk_to(w, shape->each, json_at(value, i), &inner);
    }
}

static void walk_to(struct shape_walk *w, const struct shape *shape, struct json_object *value,
                    const struct shape_place *at)
{
    if (shape->type == SHAPE_ANY)
        return;
    assert(shape->type < SHAPE_MAP || shape->each);
    if (shape->type == SHAPE_ONE_OR_LIST && !json_is_array(value)) {
        walk_to(w, shape->each, value, at);
    } else if (!has_type(shape->type, value)) {
        complaints_add_type(
            w->all, sentence_of(w, at, "must be %s%s", types[shape->type].words, remedy_of(shape, value, w->all->a)));
    } else {
        if (w->bounds)
            validate_bounds(w, shape, value, at);
        walk_into(w, shape, value, at);
    }
}

void shape_walk(struct shape_walk *w, const struct shape *shape, struct json_object *value, const char *path)
{
    const struct shape_place at = {NULL, path, 0};

    assert(w->all && w->all->a);
    walk_to(w, shape, value, &at);
}
