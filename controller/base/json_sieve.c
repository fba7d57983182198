#include "base/json_sieve.h"

#include <assert.h>
#include <string.h>

/* Where the next byte is:
 *
 *   ROOT ─{─► MEMBERS ─"─► KEY ─"─► COLON ─:─► VALUE ─{ and a path leads on─► MEMBERS, one level down
 *                ▲  └──}──► one level up, at last END    │
 *                │                                       ├─[ and its elements are asked for─► ELEMENTS ─]─► MEMBERS
 *                └──, or }── KEEP, PASS ◄────────────────┘ whatever else
 *
 * NO_OBJECT, for good, when there is another value in the place of the root, or a bracket in that of an element. */
enum { ROOT, MEMBERS, KEY, COLON, VALUE, KEEP, PASS, ELEMENTS, END, NO_OBJECT };

enum { CLOSING = 2 * SIEVE_PATH }; /* room for the brackets of what was entered */

void json_sieve_init(struct json_sieve *s, const struct json_keep *keeps, size_t len, size_t max)
{
    assert(len <= SIEVE_KEEPS);
    *s = (struct json_sieve){.keeps = keeps, .keeps_len = len};
    s->open[0] = len == 32 ? UINT32_MAX : (UINT32_C(1) << len) - 1;
    buf_init(&s->out, max + CLOSING);
}

void json_sieve_finish(struct json_sieve *s)
{
    buf_finish(&s->out);
}

bool json_sieve_is_complete(const struct json_sieve *s)
{
    return s->place == END;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Paths */

static bool sieve_fits(const char *wanted, const char *key, size_t len)
{
    size_t wanted_len = strlen(wanted);

    if (wanted_len && wanted[wanted_len - 1] == '*')
        return len >= wanted_len - 1 && memcmp(wanted, key, wanted_len - 1) == 0;
    return len == wanted_len && memcmp(wanted, key, len) == 0;
}

/* The paths that lead to the member with this key of the object that was entered last; *ret_kept: the one that ends
 * there, or NULL. */
static uint32_t paths_to_member(const struct json_sieve *s, const struct json_keep **ret_kept)
{
    uint32_t paths = 0;

    *ret_kept = NULL;
    for (size_t i = 0; i < s->keeps_len && s->key_len < SIEVE_KEY; i++) {
        const char *const *path = s->keeps[i].path;
        if (!(s->open[s->level - 1] >> i & 1) || !sieve_fits(path[s->level - 1], s->key, s->key_len))
            continue;
        if (!path[s->level])
            *ret_kept = &s->keeps[i];
        paths |= UINT32_C(1) << i;
    }
    return paths;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes out */

static bool sieve_has_room(const struct json_sieve *s, size_t len)
{
    return s->out.len + len + CLOSING <= s->out.max;
}

static void put_key(struct json_sieve *s)
{
    assert(s->key_len < SIEVE_KEY && s->out.len > 0);
    if (s->out.data[s->out.len - 1] != '{')
        buf_adds(&s->out, ",");
    buf_adds(&s->out, "\"");
    buf_add(&s->out, s->key, s->key_len);
    buf_adds(&s->out, "\":");
    s->start = s->out.len;
}

/* What is too long leaves a number in its place: that there is something may count. */
static void keep_bytes(struct json_sieve *s, const char *bytes, size_t len)
{
    if (s->out.len - s->start + len <= s->kept->max && sieve_has_room(s, len)) {
        buf_add(&s->out, bytes, len);
        return;
    }
    s->out.len = s->start;
    buf_adds(&s->out, "0");
    s->place = PASS;
}

static void begin_elements(struct json_sieve *s, char first)
{
    bool array = first == '[';

    buf_adds(&s->out, array ? "[]" : first == 'n' ? "null" : "0");
    s->place = array ? ELEMENTS : PASS;
}

/* The first byte of a member's value; false when it is still to be looked at, as part of the value. */
static bool begin_value(struct json_sieve *s, char first)
{
    uint32_t paths = paths_to_member(s, &s->kept);
    assert(s->level >= 1 && s->level <= SIEVE_PATH && s->key_len <= SIEVE_KEY);
    bool enters = paths && !s->kept && first == '{' && s->level < SIEVE_PATH;

    s->depth = 0;
    s->in_element = false;
    s->place = PASS;
    if ((!s->kept && !enters) || !sieve_has_room(s, s->key_len + 8))
        return false;
    put_key(s);
    if (enters) {
        buf_adds(&s->out, "{");
        s->open[s->level++] = paths;
        s->place = MEMBERS;
    } else if (s->kept->each) {
        begin_elements(s, first);
        return first == '[';
    } else {
        s->place = KEEP;
    }
    return enters;
}

static void leave_level(struct json_sieve *s)
{
    buf_adds(&s->out, "}");
    s->place = --s->level ? MEMBERS : END;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes in */

static bool is_space_or(char sign, char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == sign;
}

/* Inside of a value: whether the byte ends it, and is no part of it. */
static bool ends_value(struct json_sieve *s, char c)
{
    if (s->quoted) {
        if (s->escaped || c == '\\')
            s->escaped = !s->escaped;
        else
            s->quoted = c != '"';
        return false;
    }
    if (s->depth == 0 && (c == ',' || c == '}' || c == ']'))
        return true;
    s->quoted = c == '"';
    s->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    return false;
}

/* From the first byte of a value, or from where the last piece ended: how many bytes are of it. */
static size_t value_bytes(struct json_sieve *s, const char *bytes, size_t len)
{
    size_t n = 0;

    while (n < len && !ends_value(s, bytes[n]))
        n++;
    return n;
}

static size_t feed_value(struct json_sieve *s, const char *bytes, size_t len)
{
    size_t n = value_bytes(s, bytes, len);

    if (s->place == KEEP)
        keep_bytes(s, bytes, n);
    if (n < len) /* the comma or bracket is the object's */
        s->place = MEMBERS;
    return n;
}

static size_t feed_element(struct json_sieve *s, const char *bytes, size_t len)
{
    bool begins = !s->in_element;

    if (begins && is_space_or(',', *bytes))
        return 1;
    if (begins && *bytes == ']') {
        s->place = MEMBERS;
        return 1;
    }
    size_t n = value_bytes(s, bytes, len);
    if (begins && n == 0) {
        s->place = NO_OBJECT;
        return 0;
    }
    s->in_element = n == len;
    s->element(s->arg, bytes, n, !s->in_element);
    return n;
}

static void feed_key(struct json_sieve *s, char c)
{
    if (c == '"' && !s->escaped) {
        s->place = COLON;
        return;
    }
    if (c == '\\' || s->escaped) {
        s->escaped = !s->escaped;
        s->key_len = SIEVE_KEY;
    } else if (s->key_len < SIEVE_KEY) {
        s->key[s->key_len++] = c; /* of the last there is no room for any path */
    }
}

/* Between values; how many bytes were looked at. */
static size_t feed_sign(struct json_sieve *s, char c)
{
    if (is_space_or(' ', c))
        return 1;
    if (s->place == ROOT) {
        s->place = c == '{' ? MEMBERS : NO_OBJECT;
        s->level = c == '{';
        if (s->level)
            buf_adds(&s->out, "{");
    } else if (s->place == MEMBERS && c == '"') {
        s->place = KEY;
        s->key_len = 0;
        s->escaped = false;
    } else if (s->place == MEMBERS && c == '}') {
        leave_level(s);
    } else if (s->place == COLON) {
        s->place = VALUE;
    } else if (s->place == VALUE) {
        return begin_value(s, c);
    }
    return 1;
}

void json_sieve_feed(struct json_sieve *s, const char *bytes, size_t len)
{
    for (size_t n; len > 0 && s->place < END; bytes += n, len -= n) {
        n = 1;
        if (s->place == KEEP || s->place == PASS)
            n = feed_value(s, bytes, len);
        else if (s->place == ELEMENTS)
            n = feed_element(s, bytes, len);
        else if (s->place == KEY)
            feed_key(s, *bytes);
        else
            n = feed_sign(s, *bytes);
    }
}
