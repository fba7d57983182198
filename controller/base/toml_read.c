/* Tables and keys of TOML: what may be said where, and what may be said once only.
 *
 * Two trees are built side by side, the values and their marks; what a table or array may still be given is noted with
 * its place in the second one. */
#include "base/toml_read.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/line_mark.h"
#include "base/shorten.h"
#include "base/toml_parts.h"
#include "base/utf8.h"

enum { TOML_VALUES_MAX = 100000 };

/* How a table or an array came to be; of one that only lies on the way to others: nothing of it. */
enum made {
    BY_HEADER = 1, /* [a]: no second one                                       */
    BY_DOTS = 2,   /* a.b = 1: may be added to by more such keys               */
    BY_VALUE = 4,  /* {…} or […]: complete                                     */
    BY_HEADERS = 8 /* [[a]]: may be added to by more such headers              */
};

/* A table, or an array, in both trees. */
struct node {
    struct json_object *value, *marks;
    unsigned depth; /* the document's is 1 */
};

static bool read_toml_value(struct toml_reader *r, struct node around, struct node *ret);

static unsigned made(struct node node)
{
    return (unsigned)(uintptr_t)json_object_get_userdata(node.marks);
}

static void set_made(struct node node, unsigned how)
{
    json_object_set_userdata(node.marks, (void *)(uintptr_t)how, NULL);
}

static struct node new_table(unsigned depth)
{
    return (struct node){json_object_new_object(), json_object_new_object(), depth};
}

static struct node new_array(unsigned depth)
{
    return (struct node){json_object_new_array(), json_object_new_array(), depth};
}

static void drop_node(struct node node)
{
    json_object_put(node.value);
    json_object_put(node.marks);
}

static void add_member(struct node table, const char *key, struct node node)
{
    json_object_object_add(table.value, key, node.value);
    json_object_object_add(table.marks, key, node.marks);
}

static void add_element(struct node array, struct node node)
{
    json_object_array_add(array.value, node.value);
    json_object_array_add(array.marks, node.marks);
}

static struct node member(struct node table, const char *key)
{
    return (struct node){json_member(table.value, key), json_member(table.marks, key), table.depth + 1};
}

static struct node element_at(struct node array, size_t i)
{
    return (struct node){json_at(array.value, i), json_at(array.marks, i), array.depth + 1};
}

static bool is_table(struct node node)
{
    return json_object_is_type(node.value, json_type_object);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Errors and blanks */

/* Counts on from where it was asked for last, or it would count all lines for each value. */
static unsigned line_of(struct toml_reader *r, const char *place)
{
    assert(place >= r->text && place <= r->end);
    if (place < r->counted) {
        r->counted = r->text;
        r->breaks = 0;
    }
    for (; (r->counted = memchr(r->counted, '\n', (size_t)(place - r->counted))); r->counted++)
        r->breaks++;
    r->counted = place;
    return r->breaks + 1;
}

bool toml_refuse(struct toml_reader *r, const char *place, const char *format, ...)
{
    char text[300];
    va_list args;
    const char *line = place;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    while (line > r->text && line[-1] != '\n')
        line--;
    return err_set(r->err, ERR_INVALID, "InvalidTOML", "%s:%u:%zu: %s", r->name, line_of(r, place),
                   (size_t)(place - line) + 1, text);
}

static void skip_blanks(struct toml_reader *r)
{
    r->at += strspn(r->at, " \t");
}

/* To the end of the line, which is not passed. */
static bool skip_comment(struct toml_reader *r)
{
    skip_blanks(r);
    if (*r->at != '#')
        return true;
    for (; r->at < r->end && *r->at != '\n' && strncmp(r->at, "\r\n", 2) != 0; r->at++)
        if (((unsigned char)*r->at < 0x20 && *r->at != '\t') || *r->at == 0x7f)
            return toml_refuse(r, r->at, "a control character may not stand in a comment: take it out");
    return true;
}

static bool skip_line_break(struct toml_reader *r)
{
    size_t len = *r->at == '\n' ? 1 : strncmp(r->at, "\r\n", 2) == 0 ? 2 : 0;

    r->at += len;
    return len > 0;
}

static bool skip_lines(struct toml_reader *r)
{
    do {
        if (!skip_comment(r))
            return false;
    } while (skip_line_break(r));
    return true;
}

static bool ends_line(struct toml_reader *r)
{
    if (!skip_comment(r))
        return false;
    return r->at == r->end || skip_line_break(r) ||
           toml_refuse(r, r->at, "something follows where the line should end: put it on a line of its own");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys */

static bool read_simple_key(struct toml_reader *r, struct buf *ret)
{
    const char *start = r->at;
    size_t len = strspn(r->at, TOML_BARE_KEY);

    buf_clear(ret);
    if (*r->at == '"' || *r->at == '\'')
        return toml_read_quoted(r, ret) &&
               (!memchr(ret->data, '\0', ret->len) || toml_refuse(r, start, "a key may not hold a NUL: take it out"));
    if (len == 0)
        return toml_refuse(r, start, "a key should stand here: letters, digits, _ and -, or anything in quotes");
    r->at += len;
    return buf_add(ret, start, len);
}

static bool is_shallow(struct toml_reader *r, const char *place, struct node node)
{
    return node.depth <= JSON_DEPTH_MAX || toml_refuse(r, place, "this is deeper than %d levels", JSON_DEPTH_MAX);
}

/* The table of this key on the way to others, made when there is none; `how` it may have been made, and is. */
static bool step_into(struct toml_reader *r, const char *place, const char *key, unsigned how, struct node *table)
{
    struct node next = member(*table, key);

    if (!next.value) {
        next = new_table(next.depth);
        set_made(next, how);
        add_member(*table, key, next);
    }
    bool is_list = made(next) & BY_HEADERS;
    if (how == BY_DOTS ? made(next) != BY_DOTS : (!is_table(next) && !is_list) || made(next) & BY_VALUE)
        return toml_refuse(r, place, "%s has its value already, and cannot be added to from here", shown(key, 60).text);
    if (is_list) {
        assert(json_len(next.value) > 0 && json_len(next.marks) == json_len(next.value));
        next = element_at(next, json_len(next.value) - 1);
    }
    *table = next;
    return is_shallow(r, place, next);
}

/* Reads a.b.c: *table is a.b then, and *ret is c. */
static bool read_toml_key(struct toml_reader *r, unsigned how, struct node *table, struct buf *ret)
{
    for (;;) {
        const char *place = r->at;
        if (!read_simple_key(r, ret))
            return false;
        skip_blanks(r);
        if (*r->at != '.')
            return true;
        if (!step_into(r, place, ret->data, how, table))
            return false;
        r->at++;
        skip_blanks(r);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Values */

/* What stands between two elements, or behind the last one. *ret_more: another one may follow. */
static bool reads_separator(struct toml_reader *r, char end, bool *ret_more)
{
    *ret_more = *r->at == ',';
    if (*r->at != ',' && *r->at != end)
        return toml_refuse(r, r->at, "a comma or %c should stand here", end);
    r->at++;
    return true;
}

static bool read_array(struct toml_reader *r, struct node array)
{
    bool more = true;

    r->at++;
    while (more) {
        struct node element;
        if (!skip_lines(r))
            return false;
        if (*r->at == ']') {
            r->at++;
            return true;
        }
        if (!read_toml_value(r, array, &element))
            return false;
        add_element(array, element);
        if (!skip_lines(r) || !reads_separator(r, ']', &more))
            return false;
    }
    return true;
}

static bool read_toml_member(struct toml_reader *r, struct node table)
{
    cleanup_buf struct buf key;
    const char *place = r->at;
    struct node node;

    buf_init(&key, SIZE_MAX);
    if (!read_toml_key(r, BY_DOTS, &table, &key))
        return false;
    if (*r->at != '=')
        return toml_refuse(r, r->at, "= should stand between a key and its value");
    if (member(table, key.data).value)
        return toml_refuse(r, place, "%s is there twice: remove one of them", shown(key.data, 60).text);
    r->at++;
    skip_blanks(r);
    if (!read_toml_value(r, table, &node))
        return false;
    add_member(table, key.data, node);
    return true;
}

static bool read_inline_table(struct toml_reader *r, struct node table)
{
    bool more = true;

    r->at++;
    skip_blanks(r);
    if (*r->at == '}') {
        r->at++;
        return true;
    }
    while (more) {
        skip_blanks(r);
        if (!read_toml_member(r, table))
            return false;
        skip_blanks(r);
        if (!reads_separator(r, '}', &more))
            return false;
    }
    return true;
}

static bool read_leaf(struct toml_reader *r, struct node *ret)
{
    unsigned line = line_of(r, r->at);
    enum toml_kind kind;

    if (!toml_read_scalar(r, &ret->value, &kind))
        return false;
    ret->marks = line_mark(line, kind);
    return true;
}

/* Of the table or array around it. */
static bool read_toml_value(struct toml_reader *r, struct node around, struct node *ret)
{
    unsigned depth = around.depth + 1;

    if (depth > JSON_DEPTH_MAX || ++r->values > TOML_VALUES_MAX)
        return toml_refuse(r, r->at, "this is more than %d levels, or %d values", JSON_DEPTH_MAX, TOML_VALUES_MAX);
    if (*r->at != '[' && *r->at != '{')
        return read_leaf(r, ret);
    *ret = *r->at == '[' ? new_array(depth) : new_table(depth);
    if (!(*r->at == '[' ? read_array(r, *ret) : read_inline_table(r, *ret))) {
        drop_node(*ret);
        return false;
    }
    set_made(*ret, BY_VALUE);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Headers, and the document */

/* [a.b] of the key b in *table, which is that table then. */
static bool open_table(struct toml_reader *r, const char *place, const char *key, struct node *table)
{
    struct node next = member(*table, key);

    assert(is_table(*table) && !next.value == !next.marks);
    if (next.value && (!is_table(next) || made(next)))
        return toml_refuse(r, place, "[%s] is there already: put its keys together", shown(key, 60).text);
    if (!next.value) {
        next = new_table(next.depth);
        add_member(*table, key, next);
    }
    set_made(next, BY_HEADER);
    *table = next;
    return is_shallow(r, place, next);
}

/* [[a.b]] likewise: one more. */
static bool open_element(struct toml_reader *r, const char *place, const char *key, struct node *table)
{
    struct node list = member(*table, key), next;

    if (list.value && !(made(list) & BY_HEADERS))
        return toml_refuse(r, place, "%s is no list of [[tables]]: it has another value already", shown(key, 60).text);
    if (!list.value) {
        list = new_array(list.depth);
        set_made(list, BY_HEADERS);
        add_member(*table, key, list);
    }
    next = new_table(list.depth + 1);
    set_made(next, BY_HEADER);
    add_element(list, next);
    *table = next;
    return is_shallow(r, place, next);
}

/* *table: the root at first, then the one that the header names. */
static bool read_toml_header(struct toml_reader *r, struct node *table)
{
    cleanup_buf struct buf key;
    bool is_list = r->at[1] == '[';
    const char *end = is_list ? "]]" : "]", *place = r->at;

    buf_init(&key, SIZE_MAX);
    r->at += strlen(end);
    skip_blanks(r);
    if (++r->values > TOML_VALUES_MAX)
        return toml_refuse(r, place, "this is more than %d values", TOML_VALUES_MAX);
    if (!read_toml_key(r, 0, table, &key))
        return false;
    if (strncmp(r->at, end, strlen(end)) != 0)
        return toml_refuse(r, r->at, "%s should stand here, to end the header", end);
    r->at += strlen(end);
    return (is_list ? open_element : open_table)(r, place, key.data, table);
}

static bool is_whole_utf8(struct toml_reader *r)
{
    for (const char *at = r->text; at < r->end;) {
        size_t len = *at ? utf8_len(at) : 1;
        if (len == 0)
            return toml_refuse(r, at, "this is no UTF-8: save the file as UTF-8");
        at += len;
    }
    return true;
}

static bool read_toml(struct toml_reader *r, struct node root)
{
    struct node table = root;

    if (!is_whole_utf8(r))
        return false;
    if (strncmp(r->at, "\xef\xbb\xbf", 3) == 0)
        r->at += 3;
    for (;;) {
        bool is_header;
        if (!skip_lines(r))
            return false;
        if (r->at == r->end)
            return true;
        is_header = *r->at == '[';
        if (is_header)
            table = root;
        if (!(is_header ? read_toml_header(r, &table) : read_toml_member(r, table)) || !ends_line(r))
            return false;
    }
}

struct json_object *toml_read(const char *name, const char *text, size_t len, struct json_object **ret_marks,
                              struct err *err)
{
    struct toml_reader r = {.name = name, .text = text, .at = text, .counted = text, .end = text + len, .err = err};
    struct node root = new_table(1);

    if (!read_toml(&r, root)) {
        drop_node(root);
        return NULL;
    }
    assert(r.at == r.end);
    if (ret_marks)
        *ret_marks = root.marks;
    else
        json_object_put(root.marks);
    return root.value;
}
