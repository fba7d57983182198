#include "plugin/output.h"

#include <assert.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/yaml.h"
#include "plugin/terminal.h"

enum { DOCUMENT_MAX = 512 << 20 };

void output_tree(struct json_object *tree, enum plugin_output output)
{
    cleanup_buf struct buf text = {0};

    assert(output == OUTPUT_JSON || output == OUTPUT_YAML);
    if (output == OUTPUT_JSON) {
        int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
        puts(json_object_to_json_string_ext(tree, flags));
        return;
    }
    buf_init(&text, DOCUMENT_MAX);
    yaml_write(tree, &text);
    fputs(text.data, stdout);
}

/* As kubectl names it: the kind in lower case, its group, and the name. */
static void print_name(struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const char *version = harmless(json_str_or(object, "apiVersion", ""), &a), *slash = strchr(version, '/');

    for (const char *c = harmless(json_str_or(object, "kind", ""), &a); *c; c++)
        putchar(tolower((unsigned char)*c));
    printf("%s%.*s/%s\n", slash ? "." : "", slash ? (int)(slash - version) : 0, version,
           harmless(json_str_or(object, "metadata.name", ""), &a));
}

void output_objects(struct json_object *items, bool single, enum plugin_output output)
{
    if (output == OUTPUT_NAME) {
        for (size_t i = 0; i < json_len(items); i++)
            print_name(json_at(items, i));
        return;
    }
    if (single && json_len(items) == 1) {
        output_tree(json_at(items, 0), output);
        return;
    }
    cleanup_json struct json_object *list = json_build("{apiVersion: v1, kind: List, items: %o}", json_ref(items));
    output_tree(list, output);
}
