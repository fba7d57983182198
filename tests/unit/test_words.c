/* Names that are alike, and text that is no UTF-8. */
#include "golden.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/words.h"

static const char *nearest(const char *name)
{
    static const char *const known[] = {"limit", "request_concurrency", "cpu_request", "cpu_limit", "x"};
    struct near near = near_begin(name);

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        near_offer(&near, known[i]);
    return near.found ? near.found : "";
}

static void finds_the_name_that_was_meant(void **state)
{
    static const char *const cases[][2] = {
        {"limit", "limit"},
        {"limmit", "limit"},
        {"Limit", "limit"},
        {"limti", "limit"},
        {"li", ""},
        {"requestConcurrency", "request_concurrency"},
        {"", "x"},
        {"cpu_requests", "cpu_request"},
        {"cpu_limits", "cpu_limit"},
        {"nothing_like_it", ""},
        {"y", "x"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(nearest(cases[i][0]), cases[i][1]);
}

static void a_name_without_end_is_like_none(void **state)
{
    char name[5000];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_string_equal(nearest(name), "");
    struct near near = near_begin("x");
    near_offer(&near, name);
    assert_null(near.found);
}

static void folds_as_unicode_does(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } cases[] = {
        {"", "", true},
        {"image", "image", true},
        {"Image", "iMAGE", true},
        {"image", "images", false},
        {"images", "image", false},
        {"a_b", "ab", false},
        {"to\xe2\x84\xaa"
         "en",
         "token", true},
        {"\xc5\xbfsh", "SSH", true},
        {"\xc3\xa4", "\xc3\x84", false},
        {"", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(same_but_for_case(cases[i].one, cases[i].other), cases[i].same);
        assert_int_equal(same_but_for_case(cases[i].other, cases[i].one), cases[i].same);
    }
}

static void keeps_what_is_utf8(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"gr\xc3\xbc", "gr\xc3\xbc"},
        {"cut \xe2\x84", "cut "},
        {"\xff\xfe"
         "a",
         "a"},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(utf8_keep(arena_strdup(&a, cases[i][0])), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_name_that_was_meant),
        cmocka_unit_test(a_name_without_end_is_like_none),
        cmocka_unit_test(folds_as_unicode_does),
        cmocka_unit_test(keeps_what_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
