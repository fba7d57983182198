/* Texts that are too long for their place: they end at a word, and say that there was more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/utf8.h"

static const struct {
    const char *text;
    size_t max;
    const char *expected;
} cases[] = {
    {"short enough", 12, "short enough"},
    {"", 10, ""},
    {"one word more than fits", 20, "one word more…"},
    {"one word more than fits", 21, "one word more than…"},
    {"one word more, than fits", 16, "one word more…"},
    {"ends just after a word", 18, "ends just after…"},
    {"https://gitlab.example.com/without/any/blank", 20, "https://gitlab.ex…"},
    {"äöüäöüäöü", 10, "äöü…"},
    {"日本語日本語", 10, "日本…"},
    {"a tiny one", 3, "…"},
};

static void ends_at_a_word(void **state)
{
    char text[100];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(text, sizeof(text), "%s", cases[i].text);
        assert_string_equal(shorten(text, cases[i].max), cases[i].expected);
        assert_string_equal(shown(cases[i].text, cases[i].max).text, cases[i].expected);
    }
}

/* Of every length: no more than there is room for, whole characters, and the beginning of what it was. */
static void cuts_no_character_whatever_the_length(void **state)
{
    static const char whole[] = "Grüße an 日本, with some words, and … émigrés 🙂🙂 at the end of it all";
    char text[sizeof(whole)];

    (void)state;
    for (size_t max = 3; max < sizeof(whole) + 2; max++) {
        strcpy(text, whole);
        shorten(text, max);
        assert_true(strlen(text) <= max);
        for (const char *at = text; *at; at += utf8_len(at))
            assert_true(utf8_len(at) > 0);
        if (strlen(whole) > max) {
            assert_string_equal(text + strlen(text) - 3, "…");
            assert_memory_equal(text, whole, strlen(text) - 3);
        }
    }
}

static void a_long_value_is_quoted_as_far_as_there_is_room(void **state)
{
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(strlen(shown(text, 60).text), 60);
    assert_true(strlen(shown(text, 5000).text) <= SHORT_MAX);
    assert_string_equal(shown(text, 5000).text + strlen(shown(text, 5000).text) - 3, "…");
}

/* … and so do errors, however they become too long. */
static void errors_end_at_a_word(void **state)
{
    char words[2000] = "";
    struct err err;

    (void)state;
    for (size_t i = 0; strlen(words) < sizeof(words) - 10; i++)
        strcat(words, i % 2 ? "größer " : "word ");
    err_set(&err, ERR_INVALID, "Invalid", "%s", words);
    assert_true(strlen(err.text) < sizeof(err.text) && strlen(err.text) > sizeof(err.text) - 20);
    assert_string_equal(err.text + strlen(err.text) - 3, "…");
    assert_memory_equal(err.text, words, strlen(err.text) - 3);
    assert_true(words[strlen(err.text) - 3] == ' ');
    err_set(&err, ERR_INVALID, "Invalid", "%.350s", words);
    err_add(&err, "put something right, whatever it may be, and then try it once more");
    assert_string_equal(err.text + strlen(err.text) - 3, "…");
    assert_true(strlen(err.text) < sizeof(err.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_at_a_word),
        cmocka_unit_test(cuts_no_character_whatever_the_length),
        cmocka_unit_test(a_long_value_is_quoted_as_far_as_there_is_room),
        cmocka_unit_test(errors_end_at_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
