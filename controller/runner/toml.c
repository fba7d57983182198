#include "runner/toml.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/toml_read.h"
#include "base/utf8.h"

static void write_value(struct buf *out, struct json_object *value);

static void write_control(struct buf *out, unsigned char c)
{
    static const char named[] = "\bb\tt\nn\ff\rr";
    const char *at = NULL;

    for (const char *pair = named; *pair && !at; pair += 2)
        if (*pair == (char)c)
            at = pair + 1;
    if (at)
        buf_addf(out, "\\%c", *at);
    else
        buf_addf(out, "\\u%04X", c);
}

/* A basic string. Bytes that are not UTF-8 become U+FFFD: one bad byte must not cost a team its whole configuration. */
static void write_string(struct buf *out, const char *text)
{
    buf_adds(out, "\"");
    while (*text) {
        unsigned char c = (unsigned char)*text;
        size_t len = utf8_len(text);
        if (len == 0)
            buf_adds(out, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            write_control(out, c);
        else
            buf_add(out, text, len);
        text += len ? len : 1;
    }
    buf_adds(out, "\"");
}

static void write_key(struct buf *out, const char *key)
{
    if (*key && strspn(key, TOML_BARE_KEY) == strlen(key))
        buf_adds(out, key);
    else
        write_string(out, key);
}

static void write_array(struct buf *out, struct json_object *array)
{
    const char *comma = "";

    buf_adds(out, "[");
    for (size_t i = 0; i < json_len(array); i++) {
        if (!json_at(array, i))
            continue;
        buf_adds(out, comma);
        write_value(out, json_at(array, i));
        comma = ", ";
    }
    buf_adds(out, "]");
}

static void write_inline_table(struct buf *out, struct json_object *table)
{
    const char *comma = "";

    buf_adds(out, "{");
    json_each (it, table) {
        if (!it.value)
            continue;
        buf_adds(out, comma);
        write_key(out, it.key);
        buf_adds(out, " = ");
        write_value(out, it.value);
        comma = ", ";
    }
    buf_adds(out, "}");
}

static void write_value(struct buf *out, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        write_string(out, json_object_get_string(value));
        break;
    case json_type_array:
        write_array(out, value);
        break;
    case json_type_object:
        write_inline_table(out, value);
        break;
    case json_type_boolean:
    case json_type_int:
    case json_type_double:
        buf_adds(out, json_text(value)); /* JSON writes these as TOML does */
        break;
    case json_type_null:
        break;
    }
}

/* Whether the value is an array of tables, which is written under headers of its own. */
static bool is_tables(struct json_object *value)
{
    for (size_t i = 0; i < json_len(value); i++)
        if (!json_object_is_type(json_at(value, i), json_type_object))
            return false;
    return json_len(value) > 0;
}

static bool is_plain(struct json_object *value)
{
    return value && !json_object_is_type(value, json_type_object) && !is_tables(value);
}

/* Where we are: the keys from the document to this table. */
struct path {
    const struct path *parent;
    const char *key;
    int depth;
};

static void write_path(struct buf *out, const struct path *path)
{
    if (path->parent) {
        write_path(out, path->parent);
        buf_adds(out, ".");
    }
    write_key(out, path->key);
}

static void indent(struct buf *out, int depth)
{
    assert(depth >= 0);
    buf_addf(out, "%*s", 2 * depth, "");
}

static void write_header(struct buf *out, const struct path *path, const char *open, const char *close)
{
    if (out->len)
        buf_adds(out, "\n");
    indent(out, path->depth);
    buf_adds(out, open);
    write_path(out, path);
    buf_adds(out, close);
}

static void write_table(struct buf *out, struct json_object *table, const struct path *path);

static void write_tables(struct buf *out, struct json_object *value, const struct path *path)
{
    if (json_object_is_type(value, json_type_object)) {
        write_header(out, path, "[", "]\n");
        write_table(out, value, path);
    }
    for (size_t i = 0; i < json_len(value); i++) {
        write_header(out, path, "[[", "]]\n");
        write_table(out, json_at(value, i), path);
    }
}

static void write_table(struct buf *out, struct json_object *table, const struct path *path)
{
    int depth = path ? path->depth + 1 : 0;

    json_each (it, table) {
        if (!is_plain(it.value))
            continue;
        indent(out, depth);
        write_key(out, it.key);
        buf_adds(out, " = ");
        write_value(out, it.value);
        buf_adds(out, "\n");
    }
    json_each (it, table) {
        struct path inner = {.parent = path, .key = it.key, .depth = depth};
        if (it.value && !is_plain(it.value))
            write_tables(out, it.value, &inner);
    }
}

const char *toml_text(struct json_object *tree, struct arena *a)
{
    struct buf out cleanup_buf;

    assert(json_object_is_type(tree, json_type_object));
    buf_init(&out, SIZE_MAX / 2); /* whoever parsed the tree has bounded it */
    write_table(&out, tree, NULL);
    return arena_strndup(a, out.data, out.len);
}
