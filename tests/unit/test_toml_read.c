/* The TOML reader. The language's own tests are e2e/test_toml.py; here is what people see of it. */
#include "golden.h"

#include "base/mem.h"
#include "base/line_mark.h"
#include "base/toml_read.h"

static struct json_object *read_text(const char *text, struct json_object **ret_marks, struct arena *a)
{
    struct err err = {0};
    struct json_object *tree = toml_read("config.toml", text, strlen(text), ret_marks, &err);

    if (!tree)
        fail_msg("%s", err.text);
    if (ret_marks)
        arena_json(a, *ret_marks);
    return arena_json(a, tree);
}

static void reads_a_config(void **state)
{
    static const char text[] = "concurrent = 1_0\n"
                               "[[runners]]\n"
                               "  name = 'a \\ b' # as it stands\n"
                               "  url = \"https://gitlab\\u002eexample.com\"\n"
                               "  kubernetes.image = \"\"\"\nbusybox\\\n  :1.36\"\"\"\n"
                               "  [runners.kubernetes.node_selector]\n"
                               "    \"kubernetes.io/arch\" = 'amd64'\n"
                               "[[runners]]\n"
                               "  token_obtained_at = 2024-01-01 00:00:00.5Z\n"
                               "  list = [ 1, # one\n  2, ]\n";
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_string_equal(
        json_text(read_text(text, NULL, &a)),
        "{\"concurrent\":10,\"runners\":[{\"name\":\"a \\\\ b\",\"url\":\"https://gitlab.example.com\","
        "\"kubernetes\":{\"image\":\"busybox:1.36\",\"node_selector\":{\"kubernetes.io/arch\":\"amd64\"}}},"
        "{\"token_obtained_at\":\"2024-01-01 00:00:00.5Z\",\"list\":[1,2]}]}");
}

static void marks_say_the_line_and_the_kind(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *marks, *runner;

    (void)state;
    read_text("\n\n[[runners]]\nname = 'a'\n\nat = 2024-01-01\nx.y = [1,\n 2]\n", &marks, &a);
    runner = json_at(json_member(marks, "runners"), 0);
    assert_int_equal(line_mark_line(json_member(runner, "name")), 4);
    assert_int_equal(line_mark_kind(json_member(runner, "name")), TOML_PLAIN);
    assert_int_equal(line_mark_line(json_member(runner, "at")), 6);
    assert_int_equal(line_mark_kind(json_member(runner, "at")), TOML_LOCAL_DATE);
    assert_int_equal(line_mark_line(json_at(json_get(runner, "x.y"), 1)), 8);
}

static void what_is_wrong_is_said_with_its_place_and_the_remedy(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"a = 1\na = 2\n", "f:2:1: a is there twice: remove one of them"},
        {"a = yes\n", "f:1:5: this is no value of TOML: write text in \"double quotes\""},
        {"a = \"x\n", "f:1:7: the string is not closed: end it with \" on its own line"},
        {"a = \"C:\\path\"\n", "f:1:8: there is no such escape: write a backslash as \\\\, or use 'single quotes'"},
        {"a = 1 b = 2\n", "f:1:7: something follows where the line should end: put it on a line of its own"},
        {"a : 1\n", "f:1:3: = should stand between a key and its value"},
        {"[a\n", "f:1:3: ] should stand here, to end the header"},
        {"[a]\nx = 1\n[a]\n", "f:3:1: [a] is there already: put its keys together"},
        {"a = 1\n[[a]]\n", "f:2:1: a is no list of [[tables]]: it has another value already"},
        {"a = {b = 1}\n[a.c]\n", "f:2:2: a has its value already, and cannot be added to from here"},
        {"a = [1 2]\n", "f:1:8: a comma or ] should stand here"},
        {"a = 99999999999999999999\n", "f:1:5: 99999999999999999999 does not fit into 64 bits"},
        {"\xff = 1\n", "f:1:1: this is no UTF-8: save the file as UTF-8"},
        {"\"\\u0000\" = 1\n", "f:1:1: a key may not hold a NUL: take it out"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        struct json_object *tree = toml_read("f", cases[i].text, strlen(cases[i].text), NULL, &err);
        assert_null(tree);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.text, cases[i].error);
    }
}

/* `count` times the text. */
static const char *repeated(const char *text, size_t count, struct arena *a)
{
    size_t len = strlen(text);
    char *ret = arena_alloc(a, len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(ret + i * len, text, len);
    return ret;
}

static void what_is_too_much_is_refused(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *const texts[] = {
        arena_printf(&a, "a = %s", repeated("[", 1000, &a)), arena_printf(&a, "%sa = 1", repeated("a.", 1000, &a)),
        arena_printf(&a, "a = %s", repeated("{b = ", 1000, &a)),
        arena_printf(&a, "a = [%s]", repeated("1,", 200000, &a)), repeated("[[a]]\n", 200000, &a)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err err = {0};
        assert_null(toml_read("f", texts[i], strlen(texts[i]), NULL, &err));
        assert_non_null(strstr(err.text, "this is "));
    }
}

/* A level is a table or an array, however it is written: the document's is the first, a value's at most the last. */
static void levels_are_counted_however_they_are_written(void **state)
{
    struct arena a cleanup_arena = {0};
    enum { HALF = JSON_DEPTH_MAX / 2 };
    const struct {
        const char *before, *after;
    } ways[] = {
        {"", "a = 1"},
        {arena_printf(&a, "[%sa]\n", repeated("a.", HALF - 1, &a)), "a = 1"},
        {arena_printf(&a, "[[%sa]]\n", repeated("a.", HALF - 2, &a)), "a = 1"},
        {arena_printf(&a, "[[a]]\n[%sa]\n", repeated("a.", HALF - 2, &a)), "a = 1"},
        {arena_printf(&a, "%sa = {", repeated("a.", HALF - 1, &a)), "a = 1}"},
        {arena_printf(&a, "a = %s{", repeated("[", HALF - 1, &a)),
         arena_printf(&a, "a = 1}%s", repeated("]", HALF - 1, &a))},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        size_t dots = i == 0 ? JSON_DEPTH_MAX - 2 : HALF - 2;
        for (size_t more = 0; more < 2; more++) {
            struct err err = {0};
            const char *text =
                arena_printf(&a, "%s%s%s", ways[i].before, repeated("a.", dots + more, &a), ways[i].after);
            bool read = arena_json(&a, toml_read("f", text, strlen(text), NULL, &err)) != NULL;
            if (read != !more)
                fail_msg("%s: %s", text, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_config),
        cmocka_unit_test(marks_say_the_line_and_the_kind),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place_and_the_remedy),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(levels_are_counted_however_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
