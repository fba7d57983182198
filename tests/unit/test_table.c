/* Tables for people: widths, colours, narrow terminals, and what others have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "files.h"
#include "plugin/table.h"

static const struct terminal pipe_like = {.tty = false}, coloured = {.tty = true, .colour = true, .width = 80};

static const struct column columns[] = {
    {.name = "NAME", .flexible = true, .least = 8},
    {.name = "READY"},
    {.name = "HOST", .flexible = true, .rank = 1},
    {.name = "MORE", .wide = true},
    {.name = "AGE"},
};

static struct table *filled(struct arena *a)
{
    static const char *const rows[][5] = {{"builds-of-the-team", "True", "gitlab.example.com", "m", "3d"},
                                          {"日本", "False", NULL, "", "12m"}};
    struct table *t = table_create(columns, ARRAY_LEN(columns), a);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        table_row(t);
        for (size_t n = 0; n < ARRAY_LEN(rows[i]); n++)
            table_cell(t, rows[i][n], n == 1 ? (i ? TONE_BAD : TONE_GOOD) : TONE_PLAIN);
    }
    return t;
}

static const char *printed(struct table *t, const struct terminal *terminal, unsigned flags, struct arena *a)
{
    struct capture c = capture_begin(stdout);

    table_print(t, stdout, terminal, flags);
    return capture_end(&c, a);
}

static void cells_are_padded_by_their_width(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_string_equal(printed(filled(&a), &pipe_like, 0, &a), "NAME                READY  HOST                AGE\n"
                                                                "builds-of-the-team  True   gitlab.example.com  3d\n"
                                                                "日本                False  -                   12m\n");
    assert_string_equal(printed(filled(&a), &pipe_like, TABLE_WIDE | TABLE_NO_HEADERS, &a),
                        "builds-of-the-team  True   gitlab.example.com  m  3d\n"
                        "日本                False  -                   -  12m\n");
}

static void colours_come_after_padding(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_string_equal(printed(filled(&a), &coloured, TABLE_NO_HEADERS, &a),
                        "builds-of-the-team  \033[32mTrue\033[0m   gitlab.example.com  3d\n"
                        "日本                \033[31mFalse\033[0m  -                   12m\n");
}

/* Nothing is wider than the terminal, however narrow it is; what matters less goes first. */
static void a_narrow_terminal_shows_less(void **state)
{
    static const struct {
        size_t width;
        const char *first; /* line of cells; NULL: whatever fits */
    } cases[] = {
        {50, "builds-of-the-team  True   gitlab.example.com  3d"},
        {40, NULL},
        {30, NULL},
        {20, "builds-…  True   3d"},
        {10, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        const struct terminal terminal = {.tty = true, .width = cases[i].width};
        char *text = arena_strdup(&a, printed(filled(&a), &terminal, TABLE_NO_HEADERS, &a));
        char *rest = text, *line = strsep(&rest, "\n");
        assert_true(display_width(line) <= cases[i].width);
        assert_true(display_width(strsep(&rest, "\n")) <= cases[i].width);
        if (cases[i].first)
            assert_string_equal(line, cases[i].first);
    }
}

static void widths_are_kept_for_the_next_table(void **state)
{
    cleanup_arena struct arena a = {0};
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    struct table *t = filled(&a);

    (void)state;
    table_keep_widths(t, widths);
    printed(t, &pipe_like, 0, &a);
    t = table_create(columns, ARRAY_LEN(columns), &a);
    table_keep_widths(t, widths);
    table_row(t);
    table_cell(t, "x", TONE_PLAIN);
    assert_string_equal(printed(t, &pipe_like, TABLE_NO_HEADERS, &a),
                        "x                   -      -                   -\n");
}

static void others_texts_are_harmless(void **state)
{
    static const char *const cases[][2] = {
        {"\033[31mred\033[0m", "red"},  {"a\nb\tc", "a b c"}, {"\033]0;title\007x", " ]0;title x"},
        {"\xe2\x80\xaeright", "right"}, {"\xff\xfe", ""},     {"\033[", ""},
        {"<b>&amp;", "<b>&amp;"},
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(harmless(cases[i][0], &a), cases[i][1]);
    assert_string_equal(harmless(NULL, &a), "");
}

static void widths_are_those_of_a_terminal(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_int_equal(display_width("abc"), 3);
    assert_int_equal(display_width("日本"), 4);
    assert_int_equal(display_width("e\xcc\x81"), 1); /* an accent of its own takes nothing */
    assert_string_equal(display_cut("日本語", 4, &a), "日…");
    assert_string_equal(display_cut("abcdef", 6, &a), "abcdef");
    assert_string_equal(display_cut("abcdef", 1, &a), "…");
}

static void no_terminal_has_no_colour(void **state)
{
    struct capture c = capture_begin(stdout);
    struct terminal terminal = terminal_of(stdout);
    cleanup_arena struct arena a = {0};

    (void)state;
    capture_end(&c, &a);
    assert_false(terminal.tty || terminal.colour || terminal.width);
    assert_string_equal(tone_begin(&terminal, TONE_BAD), "");
    assert_string_equal(tone_end(&terminal, TONE_BAD), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_padded_by_their_width), cmocka_unit_test(colours_come_after_padding),
        cmocka_unit_test(a_narrow_terminal_shows_less),    cmocka_unit_test(widths_are_kept_for_the_next_table),
        cmocka_unit_test(others_texts_are_harmless),       cmocka_unit_test(widths_are_those_of_a_terminal),
        cmocka_unit_test(no_terminal_has_no_colour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
