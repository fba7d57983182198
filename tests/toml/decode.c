/* For the language's own suite (toml-test): standard input is a document, standard output what is read, with each
 * value's type; the exit status is 1 when it is refused. */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/line_mark.h"
#include "base/toml_read.h"

static struct json_object *tagged(const char *type, const char *text)
{
    return json_build("{type: %s, value: %s}", type, text);
}

static struct json_object *tag_leaf(struct json_object *value, struct json_object *mark)
{
    static const char *const moments[] = {[TOML_DATE_TIME] = "datetime",
                                          [TOML_LOCAL_DATE_TIME] = "datetime-local",
                                          [TOML_LOCAL_DATE] = "date-local",
                                          [TOML_LOCAL_TIME] = "time-local"};
    char text[40];
    double number;

    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return tagged("bool", json_object_get_boolean(value) ? "true" : "false");
    case json_type_int:
        snprintf(text, sizeof(text), "%lld", (long long)json_object_get_int64(value));
        return tagged("integer", text);
    case json_type_double:
        number = json_object_get_double(value);
        snprintf(text, sizeof(text), "%.17g", isnan(number) ? NAN : number);
        return tagged("float", text);
    case json_type_null:
    case json_type_object:
    case json_type_array:
    case json_type_string:
        break;
    }
    return json_build("{type: %s, value: %o}", line_mark_kind(mark) ? moments[line_mark_kind(mark)] : "string",
                      json_ref(value));
}

static struct json_object *tag(struct json_object *value, struct json_object *marks)
{
    struct json_object *ret;

    if (json_object_is_type(value, json_type_object)) {
        ret = json_object_new_object();
        json_each (it, value)
            json_object_object_add(ret, it.key, tag(it.value, json_member(marks, it.key)));
        return ret;
    }
    if (!json_is_array(value))
        return tag_leaf(value, marks);
    ret = json_object_new_array();
    for (size_t i = 0; i < json_len(value); i++)
        json_append(ret, tag(json_at(value, i), json_at(marks, i)));
    return ret;
}

int main(void)
{
    cleanup_buf struct buf text;
    char piece[4096];
    struct json_object *marks;
    struct err err;

    buf_init(&text, 16 << 20);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), stdin)) > 0;)
        buf_add(&text, piece, n);
    cleanup_json struct json_object *tree = toml_read("stdin", text.data, text.len, &marks, &err);
    if (!tree) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    cleanup_json struct json_object *gone = marks, *tags = tag(tree, marks);
    puts(json_text(tags));
    return gone ? 0 : 1;
}
