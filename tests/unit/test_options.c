/* Command lines by tables: what each sets, what is refused and how it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "files.h"

struct settings {
    const char *name;
    bool all;
    unsigned output;
    int port;
    int64_t wait_ms;
    struct option_list groups;
};

static const struct option_row own[] = {
    {'n', "name", "NAME", "a name", option_text, offsetof(struct settings, name), NULL},
    {0, "group", "NAME", "a group", option_append, offsetof(struct settings, groups), "64 at most"},
};
static const struct option_row common[] = {
    {'A', "all", NULL, "all of them", option_flag, offsetof(struct settings, all), NULL},
    {'o', "output", "table|wide|json", "how", NULL, offsetof(struct settings, output), NULL},
    {0, "port", "PORT", "where", option_port, offsetof(struct settings, port), "a port"},
    {'w', "wait", "TIME", "how long", option_duration, offsetof(struct settings, wait_ms), "a time"},
    {'n', "name", "OTHER", "hidden by the first table's", option_flag, 0, NULL},
};

enum { ARGS_MAX = 16 };

/* words: separated by blanks. rest: what is no option. */
static enum options_outcome read_words(const char *words, struct settings *ret, const char **rest, const char **said,
                                       struct arena *a)
{
    const struct option_table tables[] = {{own, ARRAY_LEN(own), ret}, {common, ARRAY_LEN(common), ret}};
    char *argv[ARGS_MAX + 1] = {"cmd"}, *left = arena_strdup(a, words), *word;
    int argc = 1, first = 0;

    *ret = (struct settings){0};
    while ((word = strsep(&left, " ")))
        if (*word)
            argv[argc++] = word;
    struct capture c = capture_begin(stderr);
    enum options_outcome outcome = options_read(tables, ARRAY_LEN(tables), argc, argv, &first);
    *said = capture_end(&c, a);
    *rest = "";
    for (int i = first; outcome == OPTIONS_GOOD && i < argc; i++)
        *rest = arena_printf(a, "%s%s%s", *rest, **rest ? " " : "", argv[i]);
    return outcome;
}

static void options_stand_anywhere_and_are_joined_as_kubectl_takes_them(void **state)
{
    static const char *const lines[] = {
        "-n ci -A -o json --port 80 -w 1m30s one two",
        "one --name ci two -A --output=json --port=80 --wait=90",
        "-n=ci one -A -o=json --port 80 two --wait 90s",
        "-nci -A -ojson one --port 80 -w90 two",
    };
    cleanup_arena struct arena a = {0};
    struct settings s;
    const char *rest, *said;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(read_words(lines[i], &s, &rest, &said, &a), OPTIONS_GOOD);
        assert_string_equal(said, "");
        assert_string_equal(s.name, "ci");
        assert_true(s.all);
        assert_int_equal(s.output, 2);
        assert_int_equal(s.port, 80);
        assert_int_equal(s.wait_ms, 90000);
        assert_string_equal(rest, "one two");
    }
    assert_int_equal(read_words("--group a --group b -- -A", &s, &rest, &said, &a), OPTIONS_GOOD);
    assert_int_equal(s.groups.len, 2);
    assert_string_equal(s.groups.items[1], "b");
    assert_string_equal(rest, "-A");
}

static void what_is_wrong_is_said(void **state)
{
    static const char *const cases[][2] = {
        {"-o jso", "cmd: --output jso: must be one of table|wide|json\n"},
        {"-o wid|", "cmd: --output wid|: must be one of table|wide|json\n"},
        {"--port 65536", "cmd: --port 65536: must be a port\n"},
        {"--wait soon", "cmd: --wait soon: must be a time\n"},
        {"--wait 0", "cmd: --wait 0: must be a time\n"},
        {"--wait 9000h", "cmd: --wait 9000h: must be a time\n"},
        {"--port me:secret@x", "cmd: --port …: must be a port\n"},
    };
    cleanup_arena struct arena a = {0};
    struct settings s;
    const char *rest, *said;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(read_words(cases[i][0], &s, &rest, &said, &a), OPTIONS_WRONG);
        assert_string_equal(said, cases[i][1]);
    }
    assert_int_equal(read_words("--nothing", &s, &rest, &said, &a), OPTIONS_WRONG);
    assert_non_null(strstr(said, "--nothing"));
    assert_int_equal(read_words("-n", &s, &rest, &said, &a), OPTIONS_WRONG);
    assert_int_equal(read_words("-A x --help", &s, &rest, &said, &a), OPTIONS_HELP);
    assert_int_equal(read_words("-h", &s, &rest, &said, &a), OPTIONS_HELP);
}

static void the_help_has_each_once(void **state)
{
    const struct option_table tables[] = {{own, ARRAY_LEN(own), NULL}, {common, ARRAY_LEN(common), NULL}};
    cleanup_arena struct arena a = {0};
    struct capture c = capture_begin(stdout);

    (void)state;
    options_help(tables, ARRAY_LEN(tables), stdout);
    assert_string_equal(capture_end(&c, &a), "  -n, --name NAME               a name\n"
                                             "  --group NAME                  a group\n"
                                             "  -A, --all                     all of them\n"
                                             "  -o, --output table|wide|json  how\n"
                                             "  --port PORT                   where\n"
                                             "  -w, --wait TIME               how long\n"
                                             "  -h, --help\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere_and_are_joined_as_kubectl_takes_them),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(the_help_has_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
