/* What a plain scalar means. kubectl reads YAML 1.1 as the Go library yaml.v2 does, so that is what is done here: `yes`
 * and `on` are true, 0777 is octal, 1_000 is a thousand, a date is text. Only .inf and .nan differ: JSON has no such
 * numbers, kubectl refuses them, here they remain text. */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/yaml.h"

#define DIGITS "0123456789"

/* null first. */
static const struct {
    const char *text;
    enum { WORD_NULL, WORD_FALSE, WORD_TRUE } value;
} words[] = {
    {"", WORD_NULL},     {"~", WORD_NULL},      {"null", WORD_NULL},   {"Null", WORD_NULL},   {"NULL", WORD_NULL},
    {"true", WORD_TRUE}, {"True", WORD_TRUE},   {"TRUE", WORD_TRUE},   {"yes", WORD_TRUE},    {"Yes", WORD_TRUE},
    {"YES", WORD_TRUE},  {"y", WORD_TRUE},      {"Y", WORD_TRUE},      {"on", WORD_TRUE},     {"On", WORD_TRUE},
    {"ON", WORD_TRUE},   {"false", WORD_FALSE}, {"False", WORD_FALSE}, {"FALSE", WORD_FALSE}, {"no", WORD_FALSE},
    {"No", WORD_FALSE},  {"NO", WORD_FALSE},    {"n", WORD_FALSE},     {"N", WORD_FALSE},     {"off", WORD_FALSE},
    {"Off", WORD_FALSE}, {"OFF", WORD_FALSE},
};

static size_t sign_of(const char *text)
{
    return *text == '-' || *text == '+';
}

/* The base that a prefix asks for, and how long the prefix is. */
static int base_of(const char *text, size_t *ret_prefix)
{
    static const struct {
        char letter;
        int base;
    } bases[] = {{'x', 16}, {'X', 16}, {'o', 8}, {'O', 8}, {'b', 2}, {'B', 2}};

    *ret_prefix = 0;
    if (text[0] != '0' || !text[1])
        return 10;
    *ret_prefix = 2;
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        if (text[1] == bases[i].letter)
            return bases[i].base;
    *ret_prefix = 1;
    return 8;
}

static struct json_object *integer(const char *text)
{
    size_t sign = sign_of(text), prefix;
    int base = base_of(text + sign, &prefix);
    const char *digits = text + sign + prefix;
    const char *allowed = base == 16 ? DIGITS "abcdefABCDEF" : base == 10 ? DIGITS : base == 8 ? "01234567" : "01";

    if (!*digits || digits[strspn(digits, allowed)])
        return NULL;
    errno = 0;
    unsigned long long value = strtoull(digits, NULL, base);
    bool negative = *text == '-';
    if (errno || (negative && value > (unsigned long long)INT64_MAX + 1))
        return NULL;
    return negative ? json_object_new_int64((int64_t)(0 - value)) : json_object_new_uint64(value);
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before or after the point. */
static bool is_float(const char *text)
{
    text += sign_of(text);
    size_t whole = strspn(text, DIGITS), part = 0;
    text += whole;
    if (*text == '.') {
        part = strspn(++text, DIGITS);
        text += part;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += sign_of(text);
        if (!strspn(text, DIGITS))
            return false;
        text += strspn(text, DIGITS);
    }
    return whole + part > 0 && !*text;
}

/* A number without a fraction is an integer, as it is once it has become JSON. */
static struct json_object *floating(const char *text)
{
    double value = strtod(text, NULL);
    char shortest[40];

    if (!is_float(text) || !isfinite(value))
        return NULL;
    if (value == trunc(value) && fabs(value) < 9.2e18)
        return json_object_new_int64((int64_t)value);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(shortest, sizeof(shortest), "%.*g", digits, value);
        if (strtod(shortest, NULL) == value)
            break;
    }
    return json_object_new_double_s(value, shortest);
}

static struct json_object *number(const char *text)
{
    cleanup_free char *plain = mem_strdup(text);
    char *end = plain;

    if (!*text || !strchr(DIGITS "+-.", *text))
        return NULL;
    for (const char *c = text; *c; c++)
        if (*c != '_')
            *end++ = *c;
    *end = '\0';
    struct json_object *value = integer(plain);
    return value ? value : floating(plain);
}

bool yaml_is_null(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(words) && words[i].value == WORD_NULL; i++)
        if (strcmp(text, words[i].text) == 0)
            return true;
    return false;
}

struct json_object *yaml_scalar(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i].text) == 0)
            return words[i].value == WORD_NULL ? NULL : json_object_new_boolean(words[i].value == WORD_TRUE);
    struct json_object *value = number(text);
    return value ? value : json_object_new_string(text);
}
