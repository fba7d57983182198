/* spec.config: whatever is in it is refused with an error, or is in a config.toml that any reader takes, in which the
 * keys that are the operator's have its values. What is read here is the part of TOML that our own writer uses. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "runner/names.h"
#include "runner/render.h"

#define TOKEN "glrt-of-the-target"

/* Whoever calls this expects the text to be right. */
static const char *expect(const char *at, const char *what)
{
    size_t len = strlen(what);

    if (strncmp(at, what, len) != 0)
        abort();
    return at + len;
}

static const char *skip(const char *at, const char *set, size_t at_least)
{
    size_t len = strspn(at, set);

    if (len < at_least)
        abort();
    return at + len;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Values. Each function returns what follows. */

static const char *read_value(const char *at);

static const char *read_escape(const char *at)
{
    if (*at != 'u')
        return *at && strchr("btnfr\"\\", *at) ? at + 1 : expect(at, "an escape");
    if (strspn(at + 1, "0123456789ABCDEF") < 4)
        abort();
    return at + 5;
}

static const char *read_string(const char *at)
{
    at = expect(at, "\"");
    while (*at != '"') {
        size_t len = utf8_len(at);
        if (len == 0 || (unsigned char)*at < 0x20 || *at == 0x7f)
            abort();
        at = *at == '\\' ? read_escape(at + 1) : at + len;
    }
    return at + 1;
}

static const char *read_key(const char *at)
{
    static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

    return *at == '"' ? read_string(at) : skip(at, bare, 1);
}

static const char digits[] = "0123456789";

/* The length of the number that text begins with, in JSON's form and TOML's; 0: none. */
static size_t number_len(const char *text)
{
    const char *at = text + (*text == '-');
    size_t whole = strspn(at, digits), more;

    if (whole == 0 || (whole > 1 && *at == '0'))
        return 0;
    at += whole;
    if (*at == '.') {
        if ((more = strspn(at + 1, digits)) == 0)
            return 0;
        at += 1 + more;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        if ((more = strspn(at, digits)) == 0)
            return 0;
        at += more;
    }
    return (size_t)(at - text);
}

static const char *read_number(const char *at)
{
    size_t len = number_len(at);

    if (len == 0)
        abort();
    return at + len;
}

static const char *read_pair(const char *at)
{
    return read_value(expect(read_key(at), " = "));
}

static const char *read_list(const char *at, const char *close, const char *(*read)(const char *at))
{
    at++;
    while (*at != *close) {
        at = read(at);
        if (*at != *close)
            at = expect(at, ", ");
    }
    return at + 1;
}

static const char *read_value(const char *at)
{
    switch (*at) {
    case '"':
        return read_string(at);
    case '[':
        return read_list(at, "]", read_value);
    case '{':
        return read_list(at, "}", read_pair);
    case 't':
        return expect(at, "true");
    case 'f':
        return expect(at, "false");
    default:
        return read_number(at);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines. */

struct document {
    const char *table; /* the header that we are below, "" at the beginning            */
    unsigned tables;   /* how many headers there were: [[a]] may come again            */
    struct map keys;   /* by number and header of their table; the value is the line's */
    struct arena *mem;
};

static const char *read_header(struct document *d, const char *line)
{
    bool element = strncmp(line, "[[", 2) == 0;
    const char *at = read_key(line + 1 + element);

    while (*at == '.')
        at = read_key(at + 1);
    at = expect(at, element ? "]]" : "]");
    d->table = arena_strndup(d->mem, line, (size_t)(at - line));
    d->tables++;
    return at;
}

static const char *read_member(struct document *d, const char *line)
{
    const char *end = read_key(line), *value = expect(end, " = "), *at = read_value(value);
    const char *key = arena_strndup(d->mem, line, (size_t)(end - line));

    if (map_set(&d->keys, arena_printf(d->mem, "%u %s", d->tables, key), d) ||
        (strcmp(d->table, "[[runners]]") == 0 && strcmp(key, "token") == 0 &&
         strncmp(value, "\"" TOKEN "\"\n", sizeof(TOKEN) + 2) != 0))
        abort(); /* twice, or not ours */
    map_set(&d->keys, arena_printf(d->mem, "%s %s", d->table, key), d);
    return at;
}

static void read_document(struct document *d, const char *at)
{
    while (*at) {
        at = skip(at, " \n", 0);
        if (*at)
            at = expect(*at == '[' ? read_header(d, at) : read_member(d, at), "\n");
    }
}

static void check(const char *toml, struct arena *a)
{
    static const char *const ours[] = {
        " concurrent",     " check_interval",   " listen_address",      "[[runners]] name",
        "[[runners]] url", "[[runners]] token", "[[runners]] executor", "[runners.kubernetes] namespace"};
    struct document d = {.table = "", .mem = a};
    const char *token = config_toml_token(toml, "https://my.gitlab.com", a);

    read_document(&d, toml);
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (!map_get(&d.keys, ours[i]))
            abort();
    if (!token || strcmp(token, TOKEN) != 0)
        abort();
    map_finish(&d.keys);
}

/* Kubernetes tells and takes no other text. */
static bool is_utf8(const char *text, size_t len)
{
    const char *at = text;

    for (size_t n; at < text + len && (n = utf8_len(at)) > 0;)
        at += n;
    return at == text + len;
}

/* Nor such numbers as json-c takes besides: 1. and 01.5. */
static bool has_strict_numbers(const char *text)
{
    bool inside = false;

    while (*text) {
        size_t len = inside || !strchr("-.0123456789", *text) ? 1 : number_len(text);
        if (len == 0 || (!inside && strchr(digits, text[len - 1]) && strchr("-+.eE0123456789", text[len]) && text[len]))
            return false;
        if (*text == '"')
            inside = !inside;
        else if (inside && *text == '\\' && text[1])
            len = 2;
        text += len;
    }
    return true;
}

static bool parse(struct json_object *config, struct spec *spec, struct arena *a)
{
    struct err err;

    return spec_parse(
        arena_json(a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: 'ci', name: 'builds'}, "
                                 "spec: {url: 'https://my.gitlab.com', authentication: "
                                 "{runnerTokenSecretRef: {name: 'gitlab'}}, config: %o}}",
                                 API_VERSION, KIND, config)),
        spec, a, &err);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    const struct owner owner = {.ns = "ci", .name = "builds", .uid = "00000000-0000-0000-0000-000000000000"};
    const struct config_inputs in = {.token = TOKEN};
    struct spec spec;
    struct err err;
    struct json_object *config = is_utf8(text, len) && has_strict_numbers(text) ? json_parse(text, len, &err) : NULL;

    if (!parse(NULL, &spec, a))
        abort(); /* nothing else would be tried */
    if (!config || !parse(config, &spec, a))
        return;
    const char *toml = render_config_toml(&owner, &spec, &in, a);
    check(toml, a);
    if (strcmp(toml, render_config_toml(&owner, &spec, &in, a)) != 0)
        abort();
}
