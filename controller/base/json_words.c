/* What stands in JSON outside of strings: json-c takes more for a number, or a word, than RFC 8259 has, such as NaN, 01
 * and 1., and writes NaN again. */
#include <string.h>

#include "base/json.h"

static bool is_numeral(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static const char *after_digits(const char *at, const char *end)
{
    while (is_numeral(at, end))
        at++;
    return at;
}

/* NULL: there are no digits. */
static const char *after_some_digits(const char *at, const char *end)
{
    return is_numeral(at, end) ? after_digits(at, end) : NULL;
}

static bool is_json_number(const char *at, const char *end)
{
    at += at < end && *at == '-';
    at = at < end && *at == '0' ? at + 1 : after_some_digits(at, end);
    if (at && at < end && *at == '.')
        at = after_some_digits(at + 1, end);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at = after_some_digits(at + (at < end && (*at == '+' || *at == '-')), end);
    }
    return at == end;
}

static bool is_json_word(const char *at, const char *end)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t len = (size_t)(end - at);

    if (*at == '-' || is_numeral(at, end))
        return is_json_number(at, end);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (len == strlen(words[i]) && memcmp(at, words[i], len) == 0)
            return true;
    return false;
}

/* Behind the string whose opening quote was read. */
static const char *after_string(const char *at, const char *end)
{
    const char *quote = at;

    while ((quote = memchr(quote, '"', (size_t)(end - quote)))) {
        const char *escape = quote;
        while (escape > at && escape[-1] == '\\')
            escape--;
        quote++;
        if ((quote - escape) % 2)
            return quote;
    }
    return end;
}

static const bool separates[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, ['"'] = true, ['{'] = true,
    ['}'] = true, ['['] = true,  [']'] = true,  [':'] = true,  [','] = true};

size_t json_odd_word(const char *text, size_t len)
{
    const char *at = text, *end = text + len;

    while (at < end) {
        const char *start = at;
        if (*at == '"') {
            at = after_string(at + 1, end);
            continue;
        }
        while (at < end && !separates[(unsigned char)*at])
            at++;
        if (at == start)
            at++;
        else if (!is_json_word(start, at))
            return (size_t)(start - text);
    }
    return len;
}
