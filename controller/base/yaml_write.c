/* Writing YAML: a JSON tree becomes libyaml's events. What a reader would take for something else than text is quoted.
 */
#include <ctype.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/yaml.h"

static void write_yaml_value(yaml_emitter_t *emitter, struct json_object *value);

/* Fails only when memory is out or events do not nest, which is a bug. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (!yaml_emitter_emit(emitter, event))
        abort();
}

static void write_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;

    if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, style))
        abort(); /* for what is no UTF-8, too */
    emit(emitter, &event);
}

/* Other readers know more kinds of numbers than yaml_scalar(): dates, 1:30, .inf; and the keys << and =. */
static bool begins_like_a_number(const char *text)
{
    text += strspn(text, "+-");
    return isdigit((unsigned char)*text) || *text == '.';
}

static bool needs_no_quotes(const char *text)
{
    cleanup_json struct json_object *read = yaml_scalar(text);

    return json_object_is_type(read, json_type_string) && !begins_like_a_number(text) && strcmp(text, "<<") != 0 &&
           strcmp(text, "=") != 0;
}

/* JSON may hold bytes that YAML may not. */
static void write_text(yaml_emitter_t *emitter, const char *raw)
{
    cleanup_free char *text = utf8_keep(mem_strdup(raw));
    bool plain = needs_no_quotes(text);

    write_scalar(emitter, text,
                 strchr(text, '\n') ? YAML_LITERAL_SCALAR_STYLE
                 : plain            ? YAML_PLAIN_SCALAR_STYLE
                                    : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void write_mapping(yaml_emitter_t *emitter, struct json_object *object)
{
    yaml_event_t event;

    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(emitter, &event);
    json_each (it, object) {
        write_text(emitter, it.key);
        write_yaml_value(emitter, it.value);
    }
    yaml_mapping_end_event_initialize(&event);
    emit(emitter, &event);
}

static void write_sequence(yaml_emitter_t *emitter, struct json_object *array)
{
    yaml_event_t event;

    yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(emitter, &event);
    for (size_t i = 0; i < json_len(array); i++)
        write_yaml_value(emitter, json_at(array, i));
    yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event);
}

static void write_yaml_value(yaml_emitter_t *emitter, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        write_mapping(emitter, value);
    else if (json_object_is_type(value, json_type_array))
        write_sequence(emitter, value);
    else if (json_object_is_type(value, json_type_string))
        write_text(emitter, json_object_get_string(value));
    else
        write_scalar(emitter, value ? json_text(value) : "null", YAML_PLAIN_SCALAR_STYLE);
}

static int append(void *arg, unsigned char *data, size_t len)
{
    return buf_add(arg, data, len);
}

void yaml_write(struct json_object *tree, struct buf *out)
{
    yaml_emitter_t emitter;
    yaml_event_t event;

    yaml_emitter_initialize(&emitter);
    yaml_emitter_set_output(&emitter, append, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 0);
    emit(&emitter, &event);
    write_yaml_value(&emitter, tree);
    yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}
