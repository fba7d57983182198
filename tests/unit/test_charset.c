/* What a text may hold, place by place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/charset.h"
#include "base/mem.h"
#include "base/utf8.h"

/* No place takes a control character of ASCII, wherever in the text it stands. */
static void no_place_takes_control_characters(void **state)
{
    (void)state;
    for (enum charset place = 0; place < CHARSET_COUNT; place++)
        for (int c = 0; c < 0x80; c++)
            for (size_t at = 0; at < 3; at++) {
                char text[] = "AAA";
                text[at] = (char)c;
                if (c < 0x20 || c == 0x7f)
                    assert_non_null(charset_refuses(place, text, 3));
            }
}

/* Nor one that is written as part of UTF-8, a character that cannot be seen, or bytes that are none. */
static void no_place_takes_what_cannot_be_seen(void **state)
{
    static const char *const texts[] = {
        "\xc2\x9b",         "\xc2\x85",     "\xe2\x80\xae", "\xe2\x81\xa6",
        "\xe2\x80\xa8",     "\xe2\x80\x8b", "\xef\xbb\xbf", "\xd8\x9c",
        "\xf3\xa0\x80\x81", "\xff",         "\xc0\x8a",     "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xe2\x82",     "\xc2",         "\x80",
    };

    (void)state;
    for (enum charset place = 0; place < CHARSET_COUNT; place++)
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            assert_non_null(charset_refuses(place, texts[i], strlen(texts[i])));
}

static void each_place_takes_its_own(void **state)
{
    static const struct {
        enum charset place;
        const char *text;
        bool good;
    } cases[] = {
        {CHARSET_TOKEN, "glrt-t1_x.01.y-Z", true},
        {CHARSET_TOKEN, "GR1348941x/+=", true}, /* registration tokens may be anybody's choice */
        {CHARSET_TOKEN, "a b", false},
        {CHARSET_TOKEN, "", false},
        {CHARSET_METHOD, "GET", true},
        {CHARSET_METHOD, "get", false},
        {CHARSET_METHOD, "GET /", false},
        {CHARSET_HEADER, "PRIVATE-TOKEN: glpat-x", true},
        {CHARSET_HEADER, "X: \xc3\xa4", false},
        {CHARSET_URL, "https://h:1/p?a=b%20c", true},
        {CHARSET_URL, "https://h/\xc3\xa4", true},
        {CHARSET_URL, "https://h/ HTTP/1.1", false},
        {CHARSET_ADDRESS, "10.0.0.1", true},
        {CHARSET_ADDRESS, "[fd00::1]", true},
        {CHARSET_ADDRESS, "10.0.0.1,evil", false},
        {CHARSET_SEGMENT, "system:controller.x-y_z", true},
        {CHARSET_SEGMENT, "..", false},
        {CHARSET_SEGMENT, ".", false},
        {CHARSET_SEGMENT, "a/b", false},
        {CHARSET_SEGMENT, "a%2fb", false},
        {CHARSET_SEGMENT, "a?b", false},
        {CHARSET_SEGMENT, "a#b", false},
        {CHARSET_TIME, "2027-01-02T03:04:05.678Z", true},
        {CHARSET_TIME, "2027-01-02T03:04:05+01:00", true},
        {CHARSET_TIME, "tomorrow", false},
        {CHARSET_VERSION, "19.3.1-ee", true},
        {CHARSET_VERSION, "19 <b>", false},
        {CHARSET_PROSE, "", true},
        {CHARSET_PROSE, "GitLab says: \xe2\x82\xac \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xf0\x9f\x90\xb3", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (charset_admits(cases[i].place, cases[i].text) != cases[i].good)
            fail_msg("%s: %s", cases[i].text, cases[i].good ? "refused" : "admitted");
    assert_false(charset_admits(CHARSET_PROSE, NULL));
}

static void each_place_has_its_length(void **state)
{
    /* as charset.h has them */
    static const size_t longest[CHARSET_COUNT] = {
        [CHARSET_TOKEN] = 4 << 10, [CHARSET_ISSUED] = 512,   [CHARSET_METHOD] = 16,   [CHARSET_HEADER] = 64 << 10,
        [CHARSET_URL] = 16 << 10,  [CHARSET_ADDRESS] = 255,  [CHARSET_SEGMENT] = 253, [CHARSET_TIME] = 64,
        [CHARSET_VERSION] = 64,    [CHARSET_PROSE] = 2 << 10};

    (void)state;
    for (enum charset place = 0; place < CHARSET_COUNT; place++) {
        size_t max = longest[place];
        char *text = mem_alloc(max + 2);
        memset(text, place == CHARSET_TIME ? '1' : 'A', max + 1);
        assert_null(charset_refuses(place, text, max));
        assert_string_equal(charset_refuses(place, text, max + 1), "is too long");
        free(text);
    }
}

/* A NUL within the length that is told does not end the text. */
static void a_nul_is_a_control_character(void **state)
{
    (void)state;
    assert_non_null(charset_refuses(CHARSET_TOKEN, "a\0b", 3));
}

static void prose_is_made_of_anything(void **state)
{
    static const struct {
        const char *text, *prose;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"two\nlines\r\n\tand \x1b[2J\x7f", "two lines   and  [2J "},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c\xc2\x9b"
         "31m",
         "abc31m"},
        {"\xff\xc3\xa4\xe2\x82", "\xc3\xa4"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[64];
        strcpy(text, cases[i].text);
        assert_string_equal(charset_to_prose(text), cases[i].prose);
        assert_true(charset_admits(CHARSET_PROSE, text));
    }
}

static void whatever_comes_becomes_prose(void **state)
{
    enum { LEN = 3000 };
    char text[LEN + 1];

    (void)state;
    srand(1);
    for (size_t round = 0; round < 500; round++) {
        for (size_t i = 0; i < LEN; i++)
            text[i] = (char)(rand() % 3 ? 1 + rand() % 255 : "\xe2\x80\xae\xf0\x9f\x90\xb3"[rand() % 7]);
        text[LEN] = '\0';
        charset_to_prose(text);
        assert_true(charset_admits(CHARSET_PROSE, text));
        size_t len = strlen(text);
        assert_int_equal(strlen(utf8_keep(text)), len);
    }
}

/* White space as Unicode has it, and what looks like it, at both ends and in any number; what is inside stays. */
static void blanks_are_taken_off_both_ends(void **state)
{
    static const char *const blanks[] = {
        " ",
        "\t",
        "\n",
        "\r\n",
        "\v",
        "\f",
        "\xc2\x85",
        "\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe1\xa0\x8e",
        "\xe2\x80\x80",
        "\xe2\x80\x81",
        "\xe2\x80\x82",
        "\xe2\x80\x83",
        "\xe2\x80\x84",
        "\xe2\x80\x85",
        "\xe2\x80\x86",
        "\xe2\x80\x87",
        "\xe2\x80\x88",
        "\xe2\x80\x89",
        "\xe2\x80\x8a",
        "\xe2\x80\x8b",
        "\xe2\x80\x8c",
        "\xe2\x80\x8d",
        "\xe2\x80\x8e",
        "\xe2\x80\x8f",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe2\x81\xa0",
        "\xe3\x80\x80",
        "\xef\xbb\xbf",
        "\xc2\xad",
        "\xef\xb8\x8f",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
        for (size_t j = 0; j < ARRAY_LEN(blanks); j++) {
            char text[64];
            snprintf(text, sizeof(text), "%s%sglrt-a%sb%s%s", blanks[i], blanks[j], blanks[i], blanks[j], blanks[i]);
            const char *rest = charset_trim(text);
            assert_int_equal(strncmp(rest, "glrt-a", 6), 0);
            assert_int_equal(rest[strlen(rest) - 1], 'b');
            assert_non_null(charset_refuses(CHARSET_TOKEN, rest, strlen(rest)));
            snprintf(text, sizeof(text), "%s%s", blanks[i], blanks[j]);
            assert_string_equal(charset_trim(text), "");
        }
}

static void what_is_no_blank_stays(void **state)
{
    static const char *const texts[] = {"",         "a",        "\001a\001",           "\xff", "\xa0", "a\xc2",
                                        "\xc3\xa4", "\xe2\x80", "\x80\x80\x80\x80\x80"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char text[16];
        snprintf(text, sizeof(text), "%s", texts[i]);
        assert_string_equal(charset_trim(text), texts[i]);
    }
}

static void a_token_in_quotation_marks_is_none(void **state)
{
    static const char *const quoted[] = {"\"glrt-a\"",
                                         "'glrt-a'",
                                         "`glrt-a`",
                                         "\xe2\x80\x9cglrt-a\xe2\x80\x9d",
                                         "\xe2\x80\x9eglrt-a\xe2\x80\x9c",
                                         "\xc2\xabglrt-a\xc2\xbb"};
    static const char *const free_[] = {"glrt-a", "\"", "glrt-a'", "'glrt-a", "gl\"rt"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quoted); i++)
        assert_non_null(strstr(charset_refuses(CHARSET_TOKEN, quoted[i], strlen(quoted[i])), "quotation marks"));
    for (size_t i = 0; i < ARRAY_LEN(free_); i++)
        assert_null(charset_refuses(CHARSET_TOKEN, free_[i], strlen(free_[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_are_taken_off_both_ends),     cmocka_unit_test(what_is_no_blank_stays),
        cmocka_unit_test(a_token_in_quotation_marks_is_none), cmocka_unit_test(no_place_takes_control_characters),
        cmocka_unit_test(no_place_takes_what_cannot_be_seen), cmocka_unit_test(each_place_takes_its_own),
        cmocka_unit_test(each_place_has_its_length),          cmocka_unit_test(a_nul_is_a_control_character),
        cmocka_unit_test(prose_is_made_of_anything),          cmocka_unit_test(whatever_comes_becomes_prose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
