/* YAML as kubectl reads it: what is refused and where, what is bounded, and what is written back. */
#include "files.h"

#include "base/buf.h"
#include "base/line_mark.h"
#include "base/mem.h"
#include "base/yaml.h"

static struct json_object *read_yaml(const char *text, struct arena *a)
{
    struct err err = {0};
    struct json_object *documents = yaml_read("f", text, strlen(text), YAML_TYPED, &err);

    if (!documents)
        fail_msg("%s", err.text);
    return arena_json(a, documents);
}

/* The text must be refused, with this in the message. */
static void assert_refused(const char *text, size_t len, const char *message)
{
    struct err err = {0};
    cleanup_json struct json_object *documents = yaml_read("f", text, len, YAML_TYPED, &err);

    if (documents)
        fail_msg("read: %.200s", text);
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, message))
        fail_msg("not \"%s\" but \"%s\"", message, err.text);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading */

static void reads_what_kubectl_reads(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *ours = json_at(read_yaml(read_file(DATA "load/kubectl.yaml", &a), &a), 0);
    struct json_object *kubectls = read_json(DATA "load/kubectl.json", &a);

    (void)state;
    json_each (it, kubectls) {
        struct json_object *value = json_member(ours, it.key);
        if (!json_same(value, it.value))
            fail_msg("%s: kubectl reads %s, we read %s", it.key, json_text(it.value), json_text(value));
    }
    assert_int_equal(json_object_object_length(ours), json_object_object_length(kubectls));
}

static void reads_several_documents(void **state)
{
    static const struct {
        const char *text, *documents;
    } cases[] = {
        {"", "[]"},
        {"# nothing\n", "[]"},
        {"---\n---\n", "[]"},
        {"a: 1", "[{\"a\":1}]"},
        {"a: 1\n---\nb: 2\n", "[{\"a\":1},{\"b\":2}]"},
        {"---\na: 1\n---\n# none\n---\nb: 2\n...\n---\nc: 3", "[{\"a\":1},{\"b\":2},{\"c\":3}]"},
        {"%YAML 1.1\n---\na: 1\n", "[{\"a\":1}]"},
        {"{\"a\": [1, \"x\\u00fc\\n\", null, true, 1.5]}", "[{\"a\":[1,\"x\xc3\xbc\\n\",null,true,1.5]}]"},
        {"\xef\xbb\xbf"
         "a: 1\r\nb: 2\r\n",
         "[{\"a\":1,\"b\":2}]"},
        {"a: |\n  ---\n  x\n", "[{\"a\":\"---\\nx\\n\"}]"},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(json_text(read_yaml(cases[i].text, &a)), cases[i].documents);
}

static void says_where_and_what_to_do(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\n\tb: 2\n", "f:2:1: not YAML"},
        {"a:\n\t- x\n", "indent with spaces, not with tabs"},
        {"a: [1\nb: 2\n", "f:2:2: not YAML"},
        {"a: 'x\n", "not YAML"},
        {"a: b: c\n", "f:1:5: not YAML"},
        {"a: \xff\n", "f:1:4: not YAML: invalid leading UTF-8 octet: save the file as UTF-8"},
        {"ok: 1\n\n\xe2\x28\xa1\n", "f:3:2: not YAML"},
        {"a: 1\nb: 2\na: 3\n", "f:3:1: the key a is there twice: keep one"},
        {"{\"a\": 1, \"a\": 1}", "f:1:10: the key a"},
        {"1: a\n0x1: b\n", "f:2:1: the key 1 is there twice"},
        {"? [a, b]\n: 1\n", "f:1:3: a key must be text"},
        {"~: 1\n", "f:1:1: a key must be text"},
        {"a: *b\n", "f:1:4: *b stands for nothing: put &b before a value above"},
        {"&a [*a]\n", "*a stands for nothing"},
        {"a: &x 1\n---\nb: *x\n", "f:3:4: *x stands for nothing"}, /* an anchor ends with its document */
        {"a: {b: 1, <<: {c: 2}}\n", "f:1:11: << must be the first key"},
        {"a: {<<: 3}\n", "f:1:9: << takes a mapping"},
        {"a: {<<: [{}, 3]}\n", "f:1:9: << takes a mapping"},
        {"a: {<<: []}\n", "f:1:9: << takes a mapping"},
        {"a: !secret x\n", "f:1:4: the tag !secret is not supported: take it out"},
        {"a: !!binary aGk=\n", "f:1:4: the tag"},
        {"a: !!int x\n", "f:1:4: \"x\" is no !!int"},
        {"a: !!bool 1\n", "is no !!bool"},
        {"a: !!null x\n", "is no !!null"},
        {"a: \"x\\0y\"\n", "f:1:4: text with a NUL"},
        {"\"x\\0y\": 1\n", "f:1:1: text with a NUL"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
    assert_refused("a: \0b\n", 6, "f:1:4: not YAML");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Bounds */

static void bounds_the_depth(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *most = repeated("", "[", JSON_DEPTH_MAX, "", &a);

    (void)state;
    read_yaml(arena_printf(&a, "%s%s", most, repeated("", "]", JSON_DEPTH_MAX, "", &a)), &a);
    const char *deeper = repeated("", "[", 5000, "", &a);
    assert_refused(deeper, strlen(deeper), "f:1:33: deeper than 32 levels");
    /* Each anchor holds the one before it, 20 levels further down. */
    const char *nest = "[[[[[[[[[[[[[[[[[[[[", *tsen = "]]]]]]]]]]]]]]]]]]]]";
    const char *aliases = arena_printf(&a, "- &a %s%s\n- &b %s*a%s\n", nest, tsen, nest, tsen);
    assert_refused(aliases, strlen(aliases), "f:2:");
}

static void bounds_the_number_of_values(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_int_equal(json_len(json_at(read_yaml(repeated("[", "x, ", 99999, "]", &a), &a), 0)), 99999);
    const char *many = repeated("[", "x, ", 100000, "]", &a);
    assert_refused(many, strlen(many), "more than 100000 values");
    const char *documents = repeated("", "--- x\n", 100001, "", &a);
    assert_refused(documents, strlen(documents), "more than 100000 values");
}

/* Nine lines that would be a thousand million values. */
static void bounds_what_aliases_make(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";

    (void)state;
    for (int i = 1; i < 9; i++)
        text = arena_printf(&a, "%sa%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", text, i,
                            i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_refused(text, strlen(text), "f:5:");
    text = arena_printf(&a, "base: &b {x: [%s]}\nall: [%s]\n", repeated("", "1, ", 1000, "1", &a),
                        repeated("", "{<<: *b}, ", 200, "", &a));
    assert_refused(text, strlen(text), "more than 100000 values");
}

/* Each alias would be a megabyte of its own. */
static void bounds_the_text_that_aliases_make(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *large = repeated("", "x", 1 << 20, "", &a);
    const char *text = arena_printf(&a, "a: &a %s\nall: [%s]\n", large, repeated("", "*a, ", 14, "*a", &a));

    (void)state;
    read_yaml(arena_printf(&a, "a: &a %s\nall: [%s]\n", large, repeated("", "*a, ", 13, "*a", &a)), &a);
    assert_refused(text, strlen(text), "more than 16 MiB of text");
    text = arena_printf(&a, "a: &a {%s: 1}\nall: [%s]\n", repeated("", "k", 1000, "", &a),
                        repeated("", "*a, ", 20000, "*a", &a));
    assert_refused(text, strlen(text), "more than 16 MiB of text");
}

/* Where all is text, nothing but null is anything else, and what is quoted is text in any case. */
static void reads_texts_as_they_are_written(void **state)
{
    static const char text[] =
        "{a: 010, b: yes, c: 1.50, d: ~, e: null, f: '', g: 'null', h: , 1: {i: [true, 0x1f, .inf]}}";
    struct err err = {0};
    cleanup_json struct json_object *documents = yaml_read("f", text, strlen(text), YAML_TEXTS, &err);

    (void)state;
    assert_non_null(documents);
    assert_string_equal(json_text(json_at(documents, 0)),
                        "{\"a\":\"010\",\"b\":\"yes\",\"c\":\"1.50\",\"d\":null,\"e\":null,\"f\":\"\",\"g\":\"null\","
                        "\"h\":null,\"1\":{\"i\":[\"true\",\"0x1f\",\".inf\"]}}");
}

/* Whatever happens to a file, it is read or refused. */
static void marks_say_the_line(void **state)
{
    static const char text[] =
        "---\n---\na: &x {b: 1}\nc:\n- 1\n- &n null\nd: *x\ne:\n  <<: *x\n  f: |\n    g\nh: []\ni: {}\n";
    struct arena a cleanup_arena = {0};
    struct json_object *marks = NULL, *mark;
    struct err err = {0};

    (void)state;
    arena_json(&a, yaml_read_marked("f", text, strlen(text), YAML_TYPED, &marks, &err));
    assert_int_equal(json_len(arena_json(&a, marks)), 1);
    mark = json_at(marks, 0);
    assert_int_equal(line_mark_line(json_get(mark, "a.b")), 3);
    assert_int_equal(line_mark_line(json_at(json_member(mark, "c"), 1)), 6);
    assert_int_equal(line_mark_line(json_member(mark, "c")), 5);
    assert_int_equal(line_mark_line(json_get(mark, "d.b")), 3);
    assert_int_equal(line_mark_line(json_get(mark, "e.b")), 3);
    assert_int_equal(line_mark_line(json_get(mark, "e.f")), 10);
    assert_int_equal(line_mark_line(json_member(mark, "h")), 12);
    assert_int_equal(line_mark_line(json_member(mark, "i")), 13);
    assert_int_equal(line_mark_line(NULL), 0);
}

static void survives_any_damage(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *const files[] = {read_file(DATA "load/kubectl.yaml", &a), read_file(DATA "render/full.json", &a)};
    static const char nasty[] = "{}[]&*!|>%@`'\"#,:?-\n\t \xff\x80\xc3<~\0";

    (void)state;
    srand(1);
    for (int i = 0; i < 3000; i++) {
        size_t len = strlen(files[i % 2]);
        cleanup_free char *text = mem_strdup(files[i % 2]);
        for (int n = rand() % 4; n >= 0; n--)
            text[(size_t)rand() % len] = nasty[(size_t)rand() % sizeof(nasty)];
        if (i % 3 == 0)
            len = (size_t)rand() % len;
        text[len] = '\0';
        struct err err = {0};
        cleanup_json struct json_object *documents = yaml_read("f", text, len, YAML_TYPED, &err);
        assert_int_equal(documents == NULL, err.kind == ERR_INVALID);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Writing */

static void assert_comes_back(struct json_object *value)
{
    struct buf out;
    struct arena a cleanup_arena = {0};

    buf_init(&out, 1 << 20);
    yaml_write(value, &out);
    struct json_object *back = json_at(read_yaml(out.data, &a), 0);
    if (!json_same(value, back))
        fail_msg("%s came back as %s from:\n%s", json_text(value), json_text(back), out.data);
    buf_finish(&out);
}

static void writes_what_reads_back_the_same(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "~",
        "null",
        "true",
        "yes",
        "n",
        "on",
        "0",
        "-1",
        "0x1F",
        "0o7",
        "1_000",
        "1e3",
        ".5",
        "1:30",
        "2026-01-02",
        ".inf",
        "-.inf",
        "+1",
        "-",
        "--",
        "---",
        "...",
        "- x",
        "-x",
        "? x",
        ": x",
        "x:",
        "x: y",
        "a:b",
        "#",
        "# x",
        "x # y",
        "x#y",
        "&a",
        "*a",
        "!a",
        "!!str",
        "%a",
        "@a",
        "`a",
        "{",
        "}",
        "[a]",
        "{a: 1}",
        ",",
        "'",
        "\"",
        "it's",
        "\"x\"",
        "\\",
        "\\n",
        "<<",
        "=",
        "|",
        ">",
        " lead",
        "trail ",
        "\t",
        "\tx",
        "x\t",
        "\n",
        "\n\n",
        "a\n",
        "a\nb",
        "a\nb\n",
        "a\n\nb\n\n",
        "\na",
        " a\nb",
        "a \nb",
        "a\n b\n",
        "a\tb\n",
        "a\r\nb",
        "\r",
        "---\na",
        "a\n---\n",
        "# x\ny",
        "\xc3\xbc",
        "\xf0\x9f\x90\xb3\n",
        "\xe2\x80\xa8",
        "\xc2\x85",
        "\xef\xbb\xbf",
        "\x01",
        "\x7f",
        "a\x1b[0m\n",
        "a text that is much longer than a line of eighty characters is, so that an emitter might want to fold it: it "
        "must not",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        cleanup_json struct json_object *value =
            json_build("{key: %s, list: [%s, [%s]]}", texts[i], texts[i], texts[i]);
        json_put_member(value, texts[i], "as a key");
        assert_comes_back(value);
    }
    for (int c = 1; c < 0x80; c++) {
        const char text[] = {(char)c, 'x', (char)c, '\0'};
        cleanup_json struct json_object *value = json_build("{k: %s}", text);
        assert_comes_back(value);
    }
}

static void writes_every_kind_of_value(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *ours = json_at(read_yaml(read_file(DATA "load/kubectl.yaml", &a), &a), 0);
    cleanup_json struct json_object *value =
        json_build("{a: {}, b: [], c: [[], {}, [[1]]], d: {e: {f: [{g: 1, h: [2]}]}}}");

    (void)state;
    assert_comes_back(ours);
    assert_comes_back(read_json(DATA "render/full.json", &a));
    assert_comes_back(value);
}

static void writes_as_people_do(void **state)
{
    static const char expected[] = "---\n"
                                   "name: x\n"
                                   "list:\n"
                                   "- a: 1\n"
                                   "  b: \"yes\"\n"
                                   "- plain text\n"
                                   "empty: {}\n"
                                   "none: []\n"
                                   "nothing: null\n"
                                   "file: |\n"
                                   "  one\n"
                                   "    two\n";
    cleanup_json struct json_object *value =
        json_build("{name: x, list: [{a: 1, b: 'yes'}, 'plain text'], empty: {}, none: [], file: %s}", "one\n  two\n");
    struct buf out;

    (void)state;
    json_object_object_del(value, "file");
    json_set(value, "nothing", NULL);
    json_set_str(value, "file", "one\n  two\n");
    buf_init(&out, 1000);
    yaml_write(value, &out);
    assert_string_equal(out.data, expected);
    buf_finish(&out);
}

static void writes_only_what_is_utf8(void **state)
{
    cleanup_json struct json_object *value = json_object_new_object();
    struct buf out;

    (void)state;
    json_object_object_add(value, "a", json_object_new_string("x\xc3 y\xed\xa0\x80"));
    json_object_object_add(value, "\xff\xfekey", json_object_new_string("\xc3true"));
    buf_init(&out, 1000);
    yaml_write(value, &out);
    assert_string_equal(out.data, "---\na: x y\nkey: \"true\"\n");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_kubectl_reads),
        cmocka_unit_test(reads_several_documents),
        cmocka_unit_test(says_where_and_what_to_do),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(bounds_the_number_of_values),
        cmocka_unit_test(bounds_what_aliases_make),
        cmocka_unit_test(bounds_the_text_that_aliases_make),
        cmocka_unit_test(reads_texts_as_they_are_written),
        cmocka_unit_test(marks_say_the_line),
        cmocka_unit_test(survives_any_damage),
        cmocka_unit_test(writes_what_reads_back_the_same),
        cmocka_unit_test(writes_every_kind_of_value),
        cmocka_unit_test(writes_as_people_do),
        cmocka_unit_test(writes_only_what_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
