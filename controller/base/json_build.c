/* json_build(): a tree from a format that looks like the JSON itself. A recursive descent over the format, in which
 * each %-conversion takes one argument. The format is a constant of the program, so a malformed one aborts. */
#include <ctype.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

struct builder {
    const char *format, *at;
    va_list args;
};

/* A value, or the wish to leave its member out. */
struct built {
    struct json_object *value;
    bool left_out;
};

static struct built build_value(struct builder *b);

static _Noreturn void malformed(const struct builder *b)
{
    fprintf(stderr, "json_build: malformed at %zu: %s\n", (size_t)(b->at - b->format), b->format);
    abort();
}

static void skip_space(struct builder *b)
{
    while (isspace((unsigned char)*b->at))
        b->at++;
}

static bool accept(struct builder *b, char c)
{
    skip_space(b);
    if (*b->at != c)
        return false;
    b->at++;
    return true;
}

static void expect(struct builder *b, char c)
{
    if (!accept(b, c))
        malformed(b);
}

/* A quoted ('…' or "…") or bare word, as key or as string; copied to word[]. */
static void read_word(struct builder *b, char word[static 256])
{
    skip_space(b);
    char quote = *b->at == '\'' || *b->at == '"' ? *b->at++ : '\0';
    const char *start = b->at;
    while (*b->at && (quote ? *b->at != quote : isalnum((unsigned char)*b->at) || strchr("-_./", *b->at)))
        b->at++;
    size_t len = (size_t)(b->at - start);

    if (len >= 256 || (!quote && len == 0))
        malformed(b);
    memcpy(word, start, len);
    word[len] = '\0';
    if (quote)
        expect(b, quote);
}

static struct built build_argument(struct builder *b)
{
    switch (*b->at++) {
    case 's': {
        const char *text = va_arg(b->args, const char *);
        return (struct built){text ? json_object_new_string(text) : NULL, !text};
    }
    case 'o': {
        struct json_object *value = va_arg(b->args, struct json_object *);
        return (struct built){value, !value};
    }
    case 'd':
        return (struct built){json_object_new_int64(va_arg(b->args, int64_t)), false};
    case 'b':
        return (struct built){json_object_new_boolean(va_arg(b->args, int)), false};
    default:
        malformed(b);
    }
}

static struct built build_object(struct builder *b)
{
    struct json_object *object = json_object_new_object();
    char key[256];

    while (!accept(b, '}')) {
        read_word(b, key);
        expect(b, ':');
        struct built member = build_value(b);
        if (!member.left_out)
            json_object_object_add_ex(object, key, member.value, JSON_C_OBJECT_ADD_KEY_IS_NEW);
        if (!accept(b, ',')) {
            expect(b, '}');
            break;
        }
    }
    return (struct built){object, false};
}

static struct built build_array(struct builder *b)
{
    struct json_object *array = json_object_new_array();

    while (!accept(b, ']')) {
        struct built element = build_value(b);
        if (!element.left_out)
            json_object_array_add(array, element.value);
        if (!accept(b, ',')) {
            expect(b, ']');
            break;
        }
    }
    return (struct built){array, false};
}

static struct built build_word(struct builder *b)
{
    char word[256];
    bool quoted = *b->at == '\'' || *b->at == '"';

    read_word(b, word);
    if (quoted)
        return (struct built){json_object_new_string(word), false};
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return (struct built){json_object_new_boolean(*word == 't'), false};

    char *end;
    long long number = strtoll(word, &end, 10);
    return (struct built){*end ? json_object_new_string(word) : json_object_new_int64(number), false};
}

static struct built build_value(struct builder *b)
{
    if (accept(b, '{'))
        return build_object(b);
    if (accept(b, '['))
        return build_array(b);
    if (accept(b, '%'))
        return build_argument(b);
    return build_word(b);
}

struct json_object *json_build(const char *format, ...)
{
    struct builder b = {.format = format, .at = format};

    va_start(b.args, format);
    struct built result = build_value(&b);
    va_end(b.args);
    skip_space(&b);
    if (*b.at)
        malformed(&b);
    return result.value;
}
