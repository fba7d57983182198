/* Trees from formats. */
#include "golden.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define assert_builds(text, ...)                                                                                       \
    do {                                                                                                               \
        cleanup_json struct json_object *built = json_build(__VA_ARGS__);                                              \
        assert_string_equal(json_text(built), text);                                                                   \
    } while (0)

static void builds_what_the_format_looks_like(void **state)
{
    (void)state;
    assert_builds("{}", "{}");
    assert_builds("[]", " [ ] ");
    assert_builds("{\"a\":{\"b\":[1,[],{}]}}", "{a: {b: [1, [], {}]}}");
    assert_builds("{\"a b\":\"c d\",\"e.f/g\":\"\"}", "{'a b': \"c d\", 'e.f/g': ''}");
    assert_builds("{\"x-y_z./\":1}", "{x-y_z./: 1}");
    assert_builds("[true,false,-7,0,9223372036854775807]", "[true, false, -7, 0, 9223372036854775807]");
    assert_builds("[\"v1\",\"true\",\"1\"]", "[v1, 'true', '1']"); /* quotes make text of anything */
    assert_builds("[1,2]", "[1,2,]");
}

static void puts_arguments_where_the_format_says(void **state)
{
    struct json_object *part = json_build("{in: 1}");

    (void)state;
    assert_builds("\"x\"", "%s", "x");
    assert_builds("{\"s\":\"%d\",\"d\":-5,\"yes\":true,\"no\":false,\"o\":{\"in\":1},\"n\":{\"s\":\"y\"}}",
                  "{s: %s, d: %d, yes: %b, no: %b, o: %o, n: {s: %s}}", "%d", (int64_t)-5, 2, 0, part, "y");
    assert_builds("[\"a\",\"b\"]", "[%s, %s]", "a", "b");
    assert_builds("[-9223372036854775808]", "[%d]", INT64_MIN);
}

static void leaves_out_what_is_null(void **state)
{
    (void)state;
    assert_builds("{\"kept\":\"\"}", "{a: %s, kept: %s, b: %o}", NULL, "", NULL);
    assert_builds("[\"x\"]", "[%s, %s, %o]", NULL, "x", NULL);
    assert_builds("{\"a\":{},\"b\":[]}", "{a: {x: %s}, b: [%o]}", NULL, NULL);
}

static void takes_over_the_reference(void **state)
{
    struct json_object *part = json_build("[1]");
    struct json_object *whole = json_build("{part: %o}", json_ref(part));

    (void)state;
    assert_ptr_equal(json_get(whole, "part"), part);
    assert_int_equal(json_object_put(part), 0);
    assert_int_equal(json_object_put(whole), 1);
}

/* A malformed format ends the program, so it is tried in a child. */
static bool aborts(const char *format)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        json_object_put(json_build(format, "x", "y", "z"));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void ends_the_program_when_the_format_is_malformed(void **state)
{
    static const char *const formats[] = {"",         "{",           "{a}",   "{a: }",  "{a: 1",   "[1",
                                          "{a: 1} x", "{a: 1 b: 2}", "[1 2]", "{: 1}",  "{a: %x}", "{a: 'x}",
                                          "{a: !}",   "{,}",         "%",     "{a: 1]}"};

    (void)state;
    assert_false(aborts("{a: %s}"));
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (!aborts(formats[i]))
            fail_msg("\"%s\" was built", formats[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_what_the_format_looks_like),
        cmocka_unit_test(puts_arguments_where_the_format_says),
        cmocka_unit_test(leaves_out_what_is_null),
        cmocka_unit_test(takes_over_the_reference),
        cmocka_unit_test(ends_the_program_when_the_format_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
