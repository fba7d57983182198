/* JSON as json-c prints it, in half the time. json_text() has it where json-c would have it, in the object's own
 * buffer. */
#include <assert.h>
#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

enum {
    PLAIN = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
    DIGITS_MAX = 24,
    SORTED_IN_PLACE = 32,
    USUAL_SIZE = 512,
};

struct printer {
    struct printbuf *to;
    bool sorted;
};

static void print_value(const struct printer *p, struct json_object *value);

/* Where so many more bytes go; they are counted already. */
static char *room_for(struct printbuf *to, size_t len)
{
    assert(len < INT_MAX);
    if ((size_t)(to->size - to->bpos) > len)
        to->bpos += (int)len;
    else if (printbuf_memset(to, -1, ' ', (int)len) < 0)
        abort();
    return to->buf + to->bpos - len;
}

static void print_byte(const struct printer *p, char byte)
{
    *room_for(p->to, 1) = byte;
}

static void print_bytes(const struct printer *p, const char *bytes, size_t len)
{
    memcpy(room_for(p->to, len), bytes, len);
}

static void print_as_json_c(const struct printer *p, struct json_object *value)
{
    size_t len;
    const char *bytes = json_object_to_json_string_length(value, PLAIN, &len);

    print_bytes(p, bytes, len);
}

/* Whether any of eight bytes is a control character, a quote or a backslash: what is taken from it reaches below 0, as
 * from no other byte below 128. */
static bool any_needs_escape(uint64_t eight)
{
    uint64_t quote = eight ^ EACH_BYTE * '"', backslash = eight ^ EACH_BYTE * '\\';

    return ((eight - EACH_BYTE * ' ') | (quote - EACH_BYTE) | (backslash - EACH_BYTE)) & ~eight & EACH_BYTE << 7;
}

static bool needs_no_escape(const char *bytes, size_t len)
{
    uint64_t eight, last = EACH_BYTE * ' ';

    for (; len > sizeof(eight); bytes += sizeof(eight), len -= sizeof(eight)) {
        memcpy(&eight, bytes, sizeof(eight));
        if (any_needs_escape(eight))
            return false;
    }
    memcpy(&last, bytes, len);
    return !any_needs_escape(last);
}

static void print_escaped(const struct printer *p, const char *bytes, size_t len)
{
    cleanup_json struct json_object *value = json_object_new_string_len(bytes, (int)len);

    print_as_json_c(p, value);
}

static void print_string(const struct printer *p, const char *bytes, size_t len)
{
    if (!needs_no_escape(bytes, len)) {
        print_escaped(p, bytes, len);
        return;
    }
    char *text = room_for(p->to, len + 2);
    text[0] = text[len + 1] = '"';
    memcpy(text + 1, bytes, len);
}

static void print_key(const struct printer *p, char before, const char *key)
{
    size_t len = strlen(key);

    if (!needs_no_escape(key, len)) {
        print_byte(p, before);
        print_escaped(p, key, len);
        print_byte(p, ':');
        return;
    }
    char *text = room_for(p->to, len + 4);
    text[0] = before;
    text[1] = text[len + 2] = '"';
    text[len + 3] = ':';
    memcpy(text + 2, key, len);
}

/* Few are so large that json-c has another type for them. */
static void print_number(const struct printer *p, struct json_object *value)
{
    int64_t number = json_object_get_int64(value);
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char digits[DIGITS_MAX], *at = digits + sizeof(digits);

    if (number == INT64_MAX) {
        print_as_json_c(p, value);
        return;
    }
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--at = '-';
    print_bytes(p, at, (size_t)(digits + sizeof(digits) - at));
}

static void print_member(const struct printer *p, bool first, const char *key, struct json_object *value)
{
    print_key(p, first ? '{' : ',', key);
    print_value(p, value);
}

struct named {
    const char *key;
    struct json_object *value;
};

static int by_their_keys(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->key, ((const struct named *)b)->key);
}

static void print_sorted(const struct printer *p, struct json_object *object)
{
    size_t len = (size_t)json_object_object_length(object), i = 0;
    struct named few[SORTED_IN_PLACE];
    cleanup_free struct named *many = len > SORTED_IN_PLACE ? mem_alloc(len * sizeof(*many)) : NULL;
    struct named *members = many ? many : few;

    json_each (it, object)
        members[i++] = (struct named){it.key, it.value};
    qsort(members, len, sizeof(*members), by_their_keys);
    for (i = 0; i < len; i++)
        print_member(p, i == 0, members[i].key, members[i].value);
}

static void print_object(const struct printer *p, struct json_object *object)
{
    bool first = true;

    if (json_object_object_length(object) == 0) {
        print_byte(p, '{');
    } else if (p->sorted) {
        print_sorted(p, object);
    } else {
        json_each (it, object) {
            print_member(p, first, it.key, it.value);
            first = false;
        }
    }
    print_byte(p, '}');
}

static void print_array(const struct printer *p, struct json_object *array)
{
    size_t len = json_object_array_length(array);

    print_byte(p, '[');
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            print_byte(p, ',');
        print_value(p, json_object_array_get_idx(array, i));
    }
    print_byte(p, ']');
}

static void print_value(const struct printer *p, struct json_object *value)
{
    enum json_type type = json_object_get_type(value);

    if (type == json_type_object)
        print_object(p, value);
    else if (type == json_type_array)
        print_array(p, value);
    else if (type == json_type_string)
        print_string(p, json_object_get_string(value), (size_t)json_object_get_string_len(value));
    else if (type == json_type_int)
        print_number(p, value);
    else if (type == json_type_boolean)
        print_bytes(p, json_object_get_boolean(value) ? "true" : "false", json_object_get_boolean(value) ? 4 : 5);
    else
        print_as_json_c(p, value);
}

static int print_tree(const struct printer *p, struct json_object *value)
{
    assert(printbuf_length(p->to) == 0);
    room_for(p->to, USUAL_SIZE);
    printbuf_reset(p->to);
    print_value(p, value);
    return printbuf_memappend(p->to, "", 0); /* its end */
}

/* ---------------------------------------------------------------------------------------------------------------------
 * As json-c calls them */

static int print_as_it_is(struct json_object *value, struct printbuf *to, int level, int flags)
{
    const struct printer p = {to, .sorted = false};

    (void)level, (void)flags;
    return print_tree(&p, value);
}

static int print_with_sorted_keys(struct json_object *value, struct printbuf *to, int level, int flags)
{
    const struct printer p = {to, .sorted = true};

    (void)level, (void)flags;
    return print_tree(&p, value);
}

static const char *text_by(json_object_to_json_string_fn *print, struct json_object *o)
{
    bool branches = json_object_is_type(o, json_type_object) || json_object_is_type(o, json_type_array);

    if (!branches)
        return json_object_to_json_string_ext(o, PLAIN);
    json_object_set_serializer(o, print, NULL, NULL);
    const char *text = json_object_to_json_string_ext(o, PLAIN);
    json_object_set_serializer(o, NULL, NULL, NULL);
    return text;
}

const char *json_text(struct json_object *o)
{
    return text_by(print_as_it_is, o);
}

const char *json_text_sorted(struct json_object *o)
{
    return text_by(print_with_sorted_keys, o);
}
