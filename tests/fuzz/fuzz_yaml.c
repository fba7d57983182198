/* GitLabRunner files: whatever is written in them is read, refused with an error, or rendered; and each value of them
 * has a mark that says where it was. `validate` says of each what is wrong, in lines of prose, and
 * so does `render`, with the objects. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/line_mark.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "fuzz.h"
#include "runner/render.h"

static void render_all(struct json_object *object, struct arena *a)
{
    const struct owner owner = {.ns = "ci", .name = "builds", .uid = "00000000-0000-0000-0000-000000000000"};
    const struct render_settings settings = {.manager_image = "gitlab/gitlab-runner"};
    struct spec spec;
    struct err err;

    if (!spec_parse(object, &spec, a, &err))
        return;
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        if (child_wanted(child, &spec))
            render_child(child, &owner, &spec, &settings, a);
}

static void look_at_marks(struct json_object *value, struct json_object *mark)
{
    if (json_first(value).key) {
        json_each (it, value)
            look_at_marks(it.value, json_member(mark, it.key));
    } else if (json_len(value)) {
        if (!json_is_array(mark) || json_len(mark) != json_len(value))
            abort();
        for (size_t i = 0; i < json_len(value); i++)
            look_at_marks(json_at(value, i), json_at(mark, i));
    } else if (!json_object_is_type(mark, json_type_int) || !line_mark_line(mark)) {
        abort();
    }
}

static void expect_lines(const char *text)
{
    for (size_t len; *text; text += len) {
        len = *text == '\n' ? 1 : charset_prose_len(text);
        if (!len)
            abort();
    }
}

/* A subcommand with the text as its standard input. */
static void run(int (*subcommand)(int argc, char **argv), const char *text, size_t len)
{
    char *words[] = {"it", "-f", "-", NULL}, *said = NULL;
    FILE *in = stdin, *out = stdout, *errors = stderr;
    size_t said_len;

    optind = 0;
    stdin = fmemopen((char *)text, len, "r");
    stdout = stderr = open_memstream(&said, &said_len);
    int code = subcommand(ARRAY_LEN(words) - 1, words);
    fclose(stdin);
    fclose(stdout);
    stdin = in;
    stdout = out;
    stderr = errors;
    expect_lines(said);
    if (code != EXIT_OK && code != EXIT_FAILED && code != EXIT_INVALID)
        abort();
    free(said);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err;
    struct json_object *marks = NULL;
    struct json_object *documents = arena_json(a, yaml_read_marked("file", text, len, YAML_TYPED, &marks, &err));

    arena_json(a, marks);
    for (size_t i = 0; i < json_len(documents); i++) {
        look_at_marks(json_at(documents, i), json_at(marks, i));
        render_all(json_at(documents, i), a);
    }
    arena_json(a, yaml_read("file", text, len, YAML_TEXTS, &err));
    if (len)
        run(cli_validate, text, len);
    if (len && len % 2)
        run(cli_render, text, len);
}
