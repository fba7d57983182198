/* Reading YAML: libyaml's events become a JSON tree.
 *
 * A recursive descent, at most JSON_DEPTH_MAX deep. An alias becomes a copy that counts as if it had been written out,
 * so a short text cannot grow into a huge tree. Two things that kubectl accepts are refused, because it does with them
 * what nobody means: a key that is there twice (the first is lost) and a `<<` below other keys (it overrides them). */
#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/line_mark.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/yaml.h"

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

/* A value, and where it was written; no marks unless they are wanted. */
struct yaml_node {
    struct json_object *value, *marks;
};

struct reader {
    yaml_parser_t parser;
    const char *name, *text;
    size_t len;
    struct yaml_node anchors; /* name → value, of the current document */
    bool marked;              /* marks are wanted                      */
    enum yaml_scalars scalars;
    size_t values, bytes; /* so far */
    struct err *err;
};

static bool read_value(struct reader *r, const yaml_event_t *event, unsigned depth, struct yaml_node *ret);

static struct yaml_node new_mapping(const struct reader *r)
{
    return (struct yaml_node){json_object_new_object(), r->marked ? json_object_new_object() : NULL};
}

static void put_yaml_node(struct yaml_node *node)
{
    json_object_put(take(node->value));
    json_object_put(take(node->marks));
}

#define cleanup_yaml_node __attribute__((cleanup(put_yaml_node)))

/* Takes the node over. */
static void add_to_mapping(struct yaml_node *into, const char *key, struct yaml_node node)
{
    json_object_object_add(into->value, key, node.value);
    if (into->marks)
        json_object_object_add(into->marks, key, node.marks);
}

static void add_to_sequence(struct yaml_node *into, struct yaml_node node)
{
    json_append(into->value, node.value);
    if (into->marks)
        json_append(into->marks, node.marks);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Errors */

static __attribute__((format(printf, 3, 4))) bool refuse(struct reader *r, const yaml_mark_t *mark, const char *format,
                                                         ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(r->err, ERR_INVALID, "InvalidYAML", "%s:%zu:%zu: %s", r->name, mark->line + 1, mark->column + 1,
                   text);
}

/* Where libyaml stopped. It knows no line when the bytes are not text. */
static yaml_mark_t stopped_at(const struct reader *r)
{
    yaml_mark_t mark = {0};

    if (r->parser.error != YAML_READER_ERROR)
        return r->parser.problem_mark;
    for (size_t i = 0; i < r->parser.problem_offset && i < r->len; i++) {
        mark.column = r->text[i] == '\n' ? 0 : mark.column + 1;
        mark.line += r->text[i] == '\n';
    }
    return mark;
}

static bool tab_before(const struct reader *r, const yaml_mark_t *mark)
{
    const char *line = r->text;

    for (size_t i = 0; i < mark->line && line; i++)
        line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
    return line && memchr(line, '\t', strspn(line, " \t"));
}

static bool refuse_syntax(struct reader *r)
{
    const yaml_mark_t mark = stopped_at(r);
    const char *context = r->parser.context ? r->parser.context : "";
    const char *remedy = r->parser.error == YAML_READER_ERROR ? "save the file as UTF-8, without control characters"
                         : tab_before(r, &mark)
                             ? "indent with spaces, not with tabs"
                             : "look at the indentation, colons and quotes of this line and the one above";

    return refuse(r, &mark, "not YAML: %s%s%s: %s", context, *context ? ", " : "", r->parser.problem, remedy);
}

static bool next(struct reader *r, yaml_event_t *event)
{
    return yaml_parser_parse(&r->parser, event) || refuse_syntax(r);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Bounds */

static bool count_value(struct reader *r, const yaml_mark_t *mark, unsigned depth)
{
    if (depth > JSON_DEPTH_MAX)
        return refuse(r, mark, "deeper than %d levels: no Kubernetes object is", JSON_DEPTH_MAX);
    if (++r->values > YAML_VALUES_MAX)
        return refuse(r, mark, "more than %d values, aliases followed: split the file", YAML_VALUES_MAX);
    return true;
}

static bool count_text(struct reader *r, const yaml_mark_t *mark, size_t len)
{
    r->bytes += len;
    return r->bytes <= YAML_TEXT_MAX ||
           refuse(r, mark, "more than %d MiB of text, aliases followed: split the file", YAML_TEXT_MAX >> 20);
}

static bool count_tree(struct reader *r, const yaml_mark_t *mark, struct json_object *tree, unsigned depth)
{
    if (!count_value(r, mark, depth) || !count_text(r, mark, strlen(json_string(tree))))
        return false;
    json_each (it, tree)
        if (!count_text(r, mark, strlen(it.key)) || !count_tree(r, mark, it.value, depth + 1))
            return false;
    for (size_t i = 0; i < json_len(tree); i++)
        if (!count_tree(r, mark, json_at(tree, i), depth + 1))
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Scalars and aliases */

static const struct {
    const char *tag, *name;
    enum json_type type;
} tags[] = {
    {YAML_STR_TAG, "!!str", json_type_string},
    {YAML_INT_TAG, "!!int", json_type_int},
    {YAML_BOOL_TAG, "!!bool", json_type_boolean},
    {YAML_NULL_TAG, "!!null", json_type_null},
};

static bool read_tagged(struct reader *r, const yaml_event_t *event, const char *text, struct json_object **ret)
{
    const char *tag = (const char *)event->data.scalar.tag;

    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (strcmp(tag, tags[i].tag) != 0)
            continue;
        *ret = tags[i].type == json_type_string ? json_object_new_string(text) : yaml_scalar(text);
        if (json_object_is_type(*ret, tags[i].type))
            return true;
        json_object_put(take(*ret));
        return refuse(r, &event->start_mark, "\"%s\" is no %s: correct it or take the tag out", shown(text, 60).text,
                      tags[i].name);
    }
    return refuse(r, &event->start_mark, "the tag %s is not supported: take it out", shown(tag, 60).text);
}

static bool read_scalar(struct reader *r, const yaml_event_t *event, struct json_object **ret)
{
    const char *text = (const char *)event->data.scalar.value;
    const char *tag = (const char *)event->data.scalar.tag;

    if (strlen(text) != event->data.scalar.length)
        return refuse(r, &event->start_mark, "text with a NUL character: take it out");
    if (!count_text(r, &event->start_mark, event->data.scalar.length))
        return false;
    if (tag)
        return read_tagged(r, event, text, ret);
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool means_more = plain && (r->scalars == YAML_TYPED || yaml_is_null(text));
    *ret = means_more ? yaml_scalar(text) : json_object_new_string(text);
    return true;
}

static bool read_alias(struct reader *r, const yaml_event_t *event, unsigned depth, struct yaml_node *ret)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct json_object *value;

    if (!json_object_object_get_ex(r->anchors.value, name, &value))
        return refuse(r, &event->start_mark, "*%s stands for nothing: put &%s before a value above",
                      shown(name, 60).text, shown(name, 60).text);
    if (!count_tree(r, &event->start_mark, value, depth))
        return false;
    *ret = (struct yaml_node){json_copy(value), json_ref(json_member(r->anchors.marks, name))};
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Mappings and sequences */

/* A key is text in JSON, so a number or a truth value is written out later. */
static bool read_key(struct reader *r, const yaml_event_t *event, struct json_object **ret)
{
    bool scalar = event->type == YAML_SCALAR_EVENT;

    if (scalar && !read_scalar(r, event, ret))
        return false;
    return *ret || refuse(r, &event->start_mark, "a key must be text: put it in quotes");
}

static void merge_mapping(struct yaml_node *into, struct json_object *object, struct json_object *marks)
{
    json_each (it, object)
        if (!json_object_object_get_ex(into->value, it.key, NULL))
            add_to_mapping(into, it.key, (struct yaml_node){json_ref(it.value), json_ref(json_member(marks, it.key))});
}

/* The value of `<<`: a mapping, or several, of which the first counts most. */
static bool read_merge(struct reader *r, unsigned depth, struct yaml_node *into)
{
    cleanup_event yaml_event_t event = {0};
    cleanup_yaml_node struct yaml_node node = {0};

    if (!next(r, &event) || !read_value(r, &event, depth, &node))
        return false;
    struct json_object *value = node.value;
    bool right = json_object_is_type(value, json_type_object) || json_len(value);
    for (size_t i = 0; i < json_len(value); i++)
        right = right && json_object_is_type(json_at(value, i), json_type_object);
    if (!right)
        return refuse(r, &event.start_mark, "<< takes a mapping or a list of them, such as *base");
    merge_mapping(into, value, node.marks);
    for (size_t i = 0; i < json_len(value); i++)
        merge_mapping(into, json_at(value, i), json_at(node.marks, i));
    return true;
}

static bool is_merge(const yaml_event_t *key)
{
    return key->type == YAML_SCALAR_EVENT && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           strcmp((const char *)key->data.scalar.value, "<<") == 0;
}

static bool read_member(struct reader *r, const yaml_event_t *key_event, unsigned depth, struct yaml_node *mapping)
{
    cleanup_event yaml_event_t event = {0};
    cleanup_json struct json_object *key = NULL;
    struct yaml_node node = {0};

    if (!read_key(r, key_event, &key))
        return false;
    const char *name = json_object_get_string(key);
    if (json_object_object_get_ex(mapping->value, name, NULL))
        return refuse(r, &key_event->start_mark, "the key %s is there twice: keep one", shown(name, 60).text);
    if (!next(r, &event) || !read_value(r, &event, depth, &node))
        return false;
    add_to_mapping(mapping, name, node);
    return true;
}

static bool read_mapping(struct reader *r, unsigned depth, struct yaml_node *ret)
{
    cleanup_yaml_node struct yaml_node mapping = new_mapping(r);
    cleanup_yaml_node struct yaml_node merged = new_mapping(r);

    for (;;) {
        cleanup_event yaml_event_t event = {0};
        if (!next(r, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT)
            break;
        if (is_merge(&event) && json_first(mapping.value).key)
            return refuse(r, &event.start_mark, "<< must be the first key: kubectl lets it override those above");
        if (!(is_merge(&event) ? read_merge(r, depth, &merged) : read_member(r, &event, depth, &mapping)))
            return false;
    }
    merge_mapping(&mapping, merged.value, merged.marks);
    *ret = mapping;
    mapping = (struct yaml_node){0};
    return true;
}

static bool read_sequence(struct reader *r, unsigned depth, struct yaml_node *ret)
{
    cleanup_yaml_node struct yaml_node sequence = {json_object_new_array(), r->marked ? json_object_new_array() : NULL};

    for (;;) {
        cleanup_event yaml_event_t event = {0};
        struct yaml_node node = {0};
        if (!next(r, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (!read_value(r, &event, depth, &node))
            return false;
        add_to_sequence(&sequence, node);
    }
    *ret = sequence;
    sequence = (struct yaml_node){0};
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

static void remember(struct reader *r, const yaml_char_t *anchor, struct yaml_node node)
{
    if (anchor)
        add_to_mapping(&r->anchors, (const char *)anchor,
                       (struct yaml_node){json_ref(node.value), json_ref(node.marks)});
}

/* What has no values within it is marked itself. */
static void mark_line(const yaml_event_t *event, struct yaml_node *node)
{
    json_object_put(node->marks);
    node->marks = line_mark((unsigned)event->start_mark.line + 1, 0);
}

static bool is_empty_node(struct yaml_node node)
{
    return !json_first(node.value).key && !json_len(node.value);
}

/* The value that begins with the event; *ret is the caller's on success, its value NULL for null. */
static bool read_value(struct reader *r, const yaml_event_t *event, unsigned depth, struct yaml_node *ret)
{
    const yaml_char_t *anchor = NULL;
    bool ok = false;

    assert(depth >= 1 && depth <= JSON_DEPTH_MAX + 1);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event, depth, ret);
    if (!count_value(r, &event->start_mark, depth))
        return false;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        ok = read_scalar(r, event, &ret->value);
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        ok = read_mapping(r, depth + 1, ret);
    } else {
        anchor = event->data.sequence_start.anchor;
        ok = read_sequence(r, depth + 1, ret);
    }
    if (ok && r->marked && is_empty_node(*ret))
        mark_line(event, ret);
    if (ok)
        remember(r, anchor, *ret);
    return ok;
}

static bool read_document(struct reader *r, struct yaml_node *documents)
{
    cleanup_event yaml_event_t event = {0};
    struct yaml_node node = {0};

    r->anchors = new_mapping(r);
    bool ok = next(r, &event) && read_value(r, &event, 1, &node);
    put_yaml_node(&r->anchors);
    if (ok && node.value)
        add_to_sequence(documents, node);
    else
        put_yaml_node(&node);
    return ok;
}

static bool read_stream(struct reader *r, struct yaml_node *documents)
{
    for (;;) {
        cleanup_event yaml_event_t event = {0};
        if (!next(r, &event))
            return false;
        if (event.type == YAML_STREAM_END_EVENT)
            return true;
        if (event.type == YAML_DOCUMENT_START_EVENT && !read_document(r, documents))
            return false;
    }
}

struct json_object *yaml_read_marked(const char *name, const char *text, size_t len, enum yaml_scalars scalars,
                                     struct json_object **ret_marks, struct err *err)
{
    struct reader r = {
        .name = name, .text = text, .len = len, .scalars = scalars, .err = err, .marked = ret_marks != NULL};
    struct yaml_node documents = {json_object_new_array(), ret_marks ? json_object_new_array() : NULL};

    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    bool ok = read_stream(&r, &documents);
    yaml_parser_delete(&r.parser);
    if (!ok)
        put_yaml_node(&documents);
    else if (ret_marks)
        *ret_marks = documents.marks;
    return documents.value;
}

struct json_object *yaml_read(const char *name, const char *text, size_t len, enum yaml_scalars scalars,
                              struct err *err)
{
    return yaml_read_marked(name, text, len, scalars, NULL, err);
}
