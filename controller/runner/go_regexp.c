/* The syntax of Go's regexp/syntax with the flags of regexp.Compile(), as far as it tells right from wrong: nothing is
 * built. A pattern is read from left to right, with a frame for each group that is open. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "runner/go_syntax.h"

enum {
    DEPTH_MAX = 1000,  /* groups within each other, about as Go has it             */
    REPEAT_MAX = 1000, /* of {n,m}, and of all that are within each other together */
    RUNE_MAX = 0x10ffff,
    NUMBER_MAX = 100000000,
    GROUP_NAME_MAX = 64,
};

struct frame {
    bool atom;   /* there is something that could be repeated           */
    int last;    /* copies of its innermost part, by repetitions within */
    int largest; /* the same of all atoms before it                     */
};

struct reader {
    const char *at;
    bool repeated; /* what was read last is a repetition */
    size_t depth;
    struct frame frames[DEPTH_MAX + 1];
};

static struct frame *top(struct reader *r)
{
    assert(r->depth <= DEPTH_MAX);
    return &r->frames[r->depth];
}

static bool add_atom(struct reader *r, int copies)
{
    struct frame *f = top(r);

    assert(copies >= 0 && copies <= REPEAT_MAX);
    f->atom = true;
    f->largest = f->last > f->largest ? f->last : f->largest;
    f->last = copies;
    return true;
}

/* Passes over a character; -1 where there is none. */
static int32_t next_rune(struct reader *r)
{
    size_t len = *r->at ? utf8_len(r->at) : 0;
    const unsigned char *bytes = (const unsigned char *)r->at;
    int32_t rune = bytes[0];

    if (len == 0)
        return -1;
    if (len > 1)
        rune &= 0xff >> (len + 1);
    for (size_t i = 1; i < len; i++)
        rune = rune << 6 | (bytes[i] & 0x3f);
    assert(rune >= 0 && rune <= RUNE_MAX);
    r->at += len;
    return rune;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Escapes.
 */
/* Behind \x: two digits, or any number of them in braces. */
static int32_t hex_escape(struct reader *r)
{
    int32_t first = next_rune(r), value = 0;

    if (first != '{') {
        int high = hex_digit(first), low = hex_digit(next_rune(r));
        return high < 0 || low < 0 ? -1 : high * 16 + low;
    }
    if (*r->at == '}')
        return -1;
    for (int32_t rune; (rune = next_rune(r)) != '}'; value = value * 16 + hex_digit(rune))
        if (hex_digit(rune) < 0 || value > RUNE_MAX / 16)
            return -1;
    return value > RUNE_MAX ? -1 : value;
}

/* A digit other than 0 that stands alone would be a reference, which there is not. */
static int32_t octal_escape(struct reader *r, int32_t first)
{
    int32_t value = first - '0';
    bool more = *r->at >= '0' && *r->at <= '7';

    if (!more && first != '0')
        return -1;
    for (int i = 1; i < 3 && *r->at >= '0' && *r->at <= '7'; i++)
        value = value * 8 + *r->at++ - '0';
    return value;
}

/* Behind the backslash: the character that is meant, -1 for what is no escape. */
static int32_t escape(struct reader *r)
{
    static const char letters[] = "afnrtv", meant[] = "\a\f\n\r\t\v";
    int32_t rune = next_rune(r);
    const char *found = rune > 0 && rune < 128 ? strchr(letters, (int)rune) : NULL;

    if (found)
        return meant[found - letters];
    if (rune == 'x')
        return hex_escape(r);
    if (rune >= '0' && rune <= '7')
        return octal_escape(r, rune);
    return rune < 0 || rune >= 128 || isalnum((int)rune) ? -1 : rune;
}

/* As Go compares names of groups: without blanks, dashes and underscores, the first letter in upper case, all others in
 * lower case. */
static bool is_unicode_group(const char *name, size_t len)
{
    char canonical[GROUP_NAME_MAX] = {0};
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof(canonical) - 1; i++)
        if (!strchr("_- ", name[i])) {
            canonical[n] = (char)(n ? tolower((unsigned char)name[i]) : toupper((unsigned char)name[i]));
            n++;
        }
    for (size_t i = 0; go_unicode_groups[i]; i++)
        if (strcmp(go_unicode_groups[i], canonical) == 0)
            return true;
    return false;
}

/* Behind \p or \P: the name of a group, as one letter or in braces. */
static bool unicode_group(struct reader *r)
{
    const char *name = r->at, *end;
    bool braces = *name == '{';

    if (braces) {
        end = strchr(++name, '}');
        if (!end)
            return false;
        r->at = end + 1;
    } else {
        if (next_rune(r) < 0)
            return false;
        end = r->at;
    }
    name += *name == '^' && name < end;
    return is_unicode_group(name, (size_t)(end - name));
}

static bool is_perl_class(const char *at)
{
    return at[0] == '\\' && at[1] && strchr("dDsSwW", at[1]);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Classes.
 */
static bool is_posix_class(const char *name, size_t len)
{
    static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
                                        "lower", "print", "punct", "space", "upper", "word",  "xdigit"};

    name += *name == '^';
    len -= name[-1] == '^';
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
            return true;
    return false;
}

static int32_t class_rune(struct reader *r)
{
    if (*r->at != '\\')
        return next_rune(r);
    r->at++;
    return escape(r);
}

static bool class_range(struct reader *r)
{
    int32_t low = class_rune(r);

    if (low < 0)
        return false;
    if (r->at[0] != '-' || !r->at[1] || r->at[1] == ']')
        return true;
    r->at++;
    return class_rune(r) >= low;
}

/* One member of a class: [:name:], \p, \d, a character, or a range of them. */
static bool class_member(struct reader *r)
{
    const char *end = r->at[0] == '[' && r->at[1] == ':' ? strstr(r->at + 2, ":]") : NULL;

    if (end) {
        const char *name = r->at + 2;
        r->at = end + 2;
        return is_posix_class(name, (size_t)(end - name));
    }
    if (r->at[0] == '\\' && (r->at[1] == 'p' || r->at[1] == 'P')) {
        r->at += 2;
        return unicode_group(r);
    }
    if (!is_perl_class(r->at))
        return class_range(r);
    r->at += 2;
    return true;
}

/* Behind [: members until ], which is one itself where it stands first. */
static bool class(struct reader *r)
{
    r->at += *r->at == '^';
    for (bool first = true; *r->at != ']' || first; first = false)
        if (!*r->at || !class_member(r))
            return false;
    r->at++;
    return add_atom(r, 1);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Groups.
 */
static bool open_group(struct reader *r)
{
    if (r->depth == DEPTH_MAX)
        return false;
    r->frames[++r->depth] = (struct frame){.largest = 1};
    return true;
}

static bool close_group(struct reader *r)
{
    const struct frame *f = top(r);

    if (r->depth == 0)
        return false;
    r->depth--;
    return add_atom(r, f->last > f->largest ? f->last : f->largest);
}

/* Behind (?P< or (?<. */
static bool open_named(struct reader *r)
{
    const char *name = r->at;

    while (*r->at == '_' || isalnum((unsigned char)*r->at))
        r->at++;
    return r->at > name && *r->at++ == '>' && open_group(r);
}

/* Behind (?: flags, then a group, or nothing but the flags. */
static bool open_flags(struct reader *r)
{
    bool minus = false, seen = false;

    for (;; r->at++) {
        if (*r->at && strchr("imsU", *r->at)) {
            seen = true;
        } else if (*r->at == '-' && !minus) {
            minus = true;
            seen = false;
        } else {
            break;
        }
    }
    char end = *r->at;
    if ((end != ':' && end != ')') || (minus && !seen))
        return false;
    r->at++;
    return end == ')' || open_group(r);
}

static bool open_any(struct reader *r)
{
    static const char *const named[] = {"?P<", "?<"};

    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        if (strncmp(r->at, named[i], strlen(named[i])) == 0) {
            r->at += strlen(named[i]);
            return open_named(r);
        }
    if (*r->at != '?')
        return open_group(r);
    r->at++;
    return open_flags(r);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Repetitions.
 */

/* A number without zeros before it; false: there is none. One that is too large is NUMBER_MAX. */
static bool read_number(const char **at, int *ret)
{
    if (!isdigit((unsigned char)**at) || (**at == '0' && isdigit((unsigned char)(*at)[1])))
        return false;
    for (*ret = 0; isdigit((unsigned char)**at); ++*at)
        *ret = *ret >= NUMBER_MAX / 10 ? NUMBER_MAX : *ret * 10 + **at - '0';
    return true;
}

/* {n}, {n,} or {n,m}; max is -1 where there is none. What only looks like it is text. */
static bool read_bounds(const char **at, int *min, int *max)
{
    const char *p = *at + 1;

    if (!read_number(&p, min))
        return false;
    *max = *min;
    if (*p == ',') {
        *max = -1;
        if (*++p != '}' && !read_number(&p, max))
            return false;
    }
    if (*p != '}')
        return false;
    *at = p + 1;
    return true;
}

static bool repeat(struct reader *r, bool again)
{
    r->at += *r->at == '?';
    r->repeated = true;
    return !again && top(r)->atom;
}

static bool repeat_bounded(struct reader *r, int min, int max, bool again)
{
    int copies = max < 0 ? min : max;

    if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && min > max) || !repeat(r, again))
        return false;
    if (copies > 1 && top(r)->last > REPEAT_MAX / copies)
        return false;
    top(r)->last = max == 0 ? 1 : copies > 1 ? top(r)->last * copies : top(r)->last;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole.
 */

/* Behind a backslash. */
static bool backslash(struct reader *r)
{
    char c = *r->at;

    if (c == 'Q') {
        const char *end = strstr(r->at, "\\E"), *stop = end ? end : r->at + strlen(r->at);
        for (r->at++; r->at < stop; add_atom(r, 1))
            if (next_rune(r) < 0)
                return false;
        r->at = end ? end + 2 : stop;
        return true;
    }
    if (c && strchr("AbBz", c)) {
        r->at++;
        return add_atom(r, 1);
    }
    if (c == 'p' || c == 'P') {
        r->at++;
        return unicode_group(r) && add_atom(r, 1);
    }
    if (is_perl_class(r->at - 1)) {
        r->at++;
        return add_atom(r, 1);
    }
    return escape(r) >= 0 && add_atom(r, 1);
}

static bool item(struct reader *r)
{
    bool again = r->repeated;
    int min, max;

    r->repeated = false;
    if (*r->at == '{' && read_bounds(&r->at, &min, &max))
        return repeat_bounded(r, min, max, again);
    switch (*r->at) {
    case '(':
        r->at++;
        return open_any(r);
    case ')':
        r->at++;
        return close_group(r);
    case '|':
        r->at++;
        top(r)->atom = false;
        return true;
    case '[':
        r->at++;
        return class(r);
    case '*':
    case '+':
    case '?':
        r->at++;
        return repeat(r, again);
    case '\\':
        r->at++;
        return backslash(r);
    default:
        return next_rune(r) >= 0 && add_atom(r, 1);
    }
}

bool go_regexp_compiles(const char *pattern)
{
    struct reader r = {.at = pattern, .frames = {{.largest = 1}}};

    while (*r.at)
        if (!item(&r))
            return false;
    return r.depth == 0;
}
