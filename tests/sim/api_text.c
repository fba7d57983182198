/* JSON as text, as json-c prints it, in half the time. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/api_json.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

static struct {
    char *data;
    size_t len, size;
} text;

/* Where so many more bytes go; they are counted already. */
static char *more(size_t len)
{
    if (text.size - text.len < len) {
        text.size = 2 * text.size + len;
        text.data = mem_resize(text.data, text.size);
    }
    text.len += len;
    return text.data + text.len - len;
}

static void add(char c)
{
    *more(1) = c;
}

static void add_bytes(const char *bytes, size_t len)
{
    memcpy(more(len), bytes, len);
}

static void add_as_json_c(struct json_object *value)
{
    size_t len;
    const char *bytes = json_object_to_json_string_length(value, API_JSON_PLAIN, &len);

    add_bytes(bytes, len);
}

/* Whether any of eight bytes is below n, which is 128 at most. */
static bool any_below(uint64_t bytes, unsigned n)
{
    return (bytes - EACH_BYTE * n) & ~bytes & EACH_BYTE << 7;
}

static bool is_plain(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t eight = EACH_BYTE * ' ';
        memcpy(&eight, bytes + i, len - i < 8 ? len - i : 8);
        if (any_below(eight, ' ') || any_below(eight ^ EACH_BYTE * '"', 1) || any_below(eight ^ EACH_BYTE * '\\', 1))
            return false;
    }
    return true;
}

static void add_string(const char *bytes, size_t len)
{
    if (is_plain(bytes, len)) {
        char *to = more(len + 2);
        to[0] = to[len + 1] = '"';
        memcpy(to + 1, bytes, len);
        return;
    }
    struct json_object *value = json_object_new_string_len(bytes, (int)len);
    add_as_json_c(value);
    json_object_put(value);
}

/* Few are so large that json-c has another type for them. */
static void add_number(struct json_object *value)
{
    int64_t n = json_object_get_int64(value);
    char digits[24];

    if (n == INT64_MAX)
        add_as_json_c(value);
    else
        add_bytes(digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, n));
}

static void add_boolean(bool value)
{
    add_bytes(value ? "true" : "false", value ? 4 : 5);
}

static void add_value(struct json_object *value);

static void add_object(struct json_object *object)
{
    bool any = false;

    add('{');
    json_object_object_foreach(object, key, value)
    {
        if (any)
            add(',');
        any = true;
        add_string(key, strlen(key));
        add(':');
        add_value(value);
    }
    add('}');
}

static void add_array(struct json_object *array)
{
    size_t len = json_object_array_length(array);

    add('[');
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            add(',');
        add_value(json_object_array_get_idx(array, i));
    }
    add(']');
}

static void add_value(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        add_object(value);
    else if (json_object_is_type(value, json_type_array))
        add_array(value);
    else if (json_object_is_type(value, json_type_string))
        add_string(json_object_get_string(value), (size_t)json_object_get_string_len(value));
    else if (json_object_is_type(value, json_type_int))
        add_number(value);
    else if (json_object_is_type(value, json_type_boolean))
        add_boolean(json_object_get_boolean(value));
    else
        add_as_json_c(value);
}

const char *api_json_print(struct json_object *value, size_t *ret_len)
{
    text.len = 0;
    add_value(value);
    *ret_len = text.len;
    add('\0');
    return text.data;
}
