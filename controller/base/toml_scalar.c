/* Strings, numbers, dates and times of TOML. */
#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "base/toml_parts.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Strings */

static void add_utf8(struct buf *out, uint32_t c)
{
    char bytes[4];
    assert(c <= 0x10ffff);
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

    for (size_t i = len; i-- > 1; c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(heads[len] | c);
    buf_add(out, bytes, len);
}

/* \u00e9 or \U0001f433, behind the letter. */
static bool read_code_point(struct toml_reader *r, const char *start, int digits, struct buf *out)
{
    uint32_t c = 0;

    for (int i = 0; i < digits; i++, r->at++) {
        if (hex_digit(*r->at) < 0)
            return toml_refuse(r, start, "\\%c wants %d hexadecimal digits", digits == 4 ? 'u' : 'U', digits);
        c = c << 4 | (uint32_t)hex_digit(*r->at);
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return toml_refuse(r, start, "there is no such character in Unicode");
    add_utf8(out, c);
    return true;
}

static bool read_escape(struct toml_reader *r, struct buf *out)
{
    static const char named[] = "b\bt\tn\nf\fr\r\"\"\\\\";
    const char *start = r->at++;

    for (const char *pair = named; *pair; pair += 2) {
        if (*pair != *r->at)
            continue;
        r->at++;
        return buf_add(out, pair + 1, 1);
    }
    if (*r->at != 'u' && *r->at != 'U')
        return toml_refuse(r, start, "there is no such escape: write a backslash as \\\\, or use 'single quotes'");
    return read_code_point(r, start, *r->at++ == 'u' ? 4 : 8, out);
}

/* A backslash at a line's end: that and all blanks and lines after it are nothing. */
static bool skips_line_end(struct toml_reader *r)
{
    const char *at = r->at + 1 + strspn(r->at + 1, " \t");

    if (*at != '\n' && strncmp(at, "\r\n", 2) != 0)
        return false;
    r->at = at + strspn(at, " \t\r\n");
    return true;
}

static size_t line_break_len(const char *at)
{
    return *at == '\n' ? 1 : strncmp(at, "\r\n", 2) == 0 ? 2 : 0;
}

/* One character of a string, which is not its end. */
static bool read_character(struct toml_reader *r, char quote, bool lines, struct buf *out)
{
    unsigned char c = (unsigned char)*r->at;
    size_t line_break = line_break_len(r->at);

    if (r->at == r->end || (line_break && !lines))
        return toml_refuse(r, r->at, "the string is not closed: end it with %c%s", quote,
                           lines ? ", three times" : " on its own line");
    if (line_break) {
        buf_add(out, r->at, line_break);
        r->at += line_break;
        return true;
    }
    if (c == '\\' && quote == '"')
        return (lines && skips_line_end(r)) || read_escape(r, out);
    if ((c < 0x20 && c != '\t') || c == 0x7f)
        return toml_refuse(r, r->at, "a control character may not stand here: write it as \\u%04X in \"double quotes\"",
                           c);
    r->at++;
    return buf_add(out, &c, 1);
}

bool toml_read_quoted(struct toml_reader *r, struct buf *ret)
{
    char quote = *r->at++;

    assert(quote == '"' || quote == '\'');
    while (*r->at != quote)
        if (!read_character(r, quote, false, ret))
            return false;
    r->at++;
    return true;
}

/* Up to two quotes before the three that end it are its own. */
static bool read_lines(struct toml_reader *r, struct buf *ret)
{
    const char end[] = {*r->at, *r->at, *r->at, '\0'};

    r->at += 3;
    r->at += line_break_len(r->at);
    while (strncmp(r->at, end, 3) != 0)
        if (!read_character(r, *end, true, ret))
            return false;
    for (int own = 0; own < 2 && r->at[3] == *end; own++, r->at++)
        buf_add(ret, end, 1);
    r->at += 3;
    return true;
}

static bool read_toml_text(struct toml_reader *r, struct json_object **ret)
{
    bool lines = r->at[1] == *r->at && r->at[2] == *r->at;
    cleanup_buf struct buf text;

    buf_init(&text, SIZE_MAX);
    if (!(lines ? read_lines(r, &text) : toml_read_quoted(r, &text)))
        return false;
    *ret = json_object_new_string_len(text.data, (int)text.len);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Numbers */

static bool is_digit(char c, bool hex)
{
    return hex ? hex_digit(c) >= 0 : c >= '0' && c <= '9';
}

/* A word without its underscores; false when one does not stand between two digits. */
static bool without_underscores(const char *word, size_t len, char *ret)
{
    bool hex = len > 2 && strncmp(word, "0x", 2) == 0;
    size_t first = hex || (len > 2 && word[0] == '0' && (word[1] == 'o' || word[1] == 'b')) ? 2 : 0;

    for (size_t i = 0; i < len; i++) {
        bool between = i > first && is_digit(word[i - 1], hex) && i + 1 < len && is_digit(word[i + 1], hex);
        if (word[i] == '_' && !between)
            return false;
        if (word[i] != '_')
            *ret++ = word[i];
    }
    *ret = '\0';
    return true;
}

static bool consists_of(const char *text, const char *set)
{
    return *text && strspn(text, set) == strlen(text);
}

/* Decimal digits without a zero before others. */
static bool is_decimal(const char *digits, size_t len)
{
    return len > 0 && strspn(digits, "0123456789") >= len && (len == 1 || *digits != '0');
}

static bool is_integer(const char *word, int *ret_base)
{
    static const struct {
        const char *prefix, *digits;
        int base;
    } bases[] = {{"0x", "0123456789abcdefABCDEF", 16}, {"0o", "01234567", 8}, {"0b", "01", 2}};
    const char *digits = word + strspn(word, "+-");

    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        *ret_base = bases[i].base;
        if (strncmp(word, bases[i].prefix, 2) == 0)
            return consists_of(word + 2, bases[i].digits);
    }
    *ret_base = 10;
    return digits - word <= 1 && is_decimal(digits, strlen(digits));
}

static bool is_fraction(const char *word)
{
    const char *at = word + (*word == '+' || *word == '-');
    size_t whole = strspn(at, "0123456789"), part;

    if (strcmp(at, "inf") == 0 || strcmp(at, "nan") == 0)
        return true;
    if (!is_decimal(at, whole))
        return false;
    at += whole;
    if (*at == '.') {
        part = strspn(at + 1, "0123456789");
        if (part == 0)
            return false;
        at += 1 + part;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        return consists_of(at, "0123456789");
    }
    return *at == '\0';
}

static bool number_of(struct toml_reader *r, const char *place, const char *word, struct json_object **ret)
{
    int base;

    if (is_integer(word, &base)) {
        errno = 0;
        long long value = strtoll(base == 10 ? word : word + 2, NULL, base);
        if (errno)
            return toml_refuse(r, place, "%s does not fit into 64 bits", shown(word, 40).text);
        *ret = json_object_new_int64(value);
    } else if (is_fraction(word)) {
        double value = strtod(word, NULL);
        if (isinf(value) && !strstr(word, "inf"))
            return toml_refuse(r, place, "%s is too large for any number", shown(word, 40).text);
        *ret = json_object_new_double(value);
    }
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Dates and times */

/* What is there from *at on; *at is behind it. TOML_PLAIN: none of these. */
static enum toml_kind skip_moment(const char **at)
{
    const char *date = *at, *time = *at;
    struct tm ignored;
    int64_t east;

    if (clock_read(&time, &ignored)) {
        *at = time;
        return TOML_LOCAL_TIME;
    }
    if (!date_read(&date, &ignored))
        return TOML_PLAIN;
    *at = time = date;
    if (!*time || !strchr("Tt ", *time++) || !clock_read(&time, &ignored))
        return TOML_LOCAL_DATE;
    const char *offset = *at = time;
    if (!offset_read(&offset, &east))
        return TOML_LOCAL_DATE_TIME;
    *at = offset;
    return TOML_DATE_TIME;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All of them */

static size_t word_len(const char *at)
{
    return strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.:");
}

static bool read_toml_word(struct toml_reader *r, struct json_object **ret)
{
    size_t len = word_len(r->at);
    char *cleanup_free word = mem_alloc(len + 1);
    const char *start = r->at;

    *ret = NULL;
    if (without_underscores(start, len, word) && !number_of(r, start, word, ret))
        return false;
    if (strncmp(start, "true", len) == 0 && len == 4)
        *ret = json_object_new_boolean(true);
    if (strncmp(start, "false", len) == 0 && len == 5)
        *ret = json_object_new_boolean(false);
    r->at += len;
    return *ret || toml_refuse(r, start, "this is no value of TOML: write text in \"double quotes\"");
}

bool toml_read_scalar(struct toml_reader *r, struct json_object **ret, enum toml_kind *ret_kind)
{
    const char *end = r->at;

    *ret_kind = TOML_PLAIN;
    if (*r->at == '"' || *r->at == '\'')
        return read_toml_text(r, ret);
    *ret_kind = skip_moment(&end);
    if (*ret_kind == TOML_PLAIN || word_len(end) > 0) {
        *ret_kind = TOML_PLAIN;
        return read_toml_word(r, ret);
    }
    *ret = json_object_new_string_len(r->at, (int)(end - r->at));
    r->at = end;
    return true;
}
