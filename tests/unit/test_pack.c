#include "base/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"

static const char dictionary[] = "{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"ManagerStarting\"}";

static void assert_round_trip(const char *text, const char *with)
{
    cleanup_arena struct arena a = {0};

    const char *packed = pack(text, with, &a);
    assert_string_equal(unpack(packed, with, &a), text);
}

static void what_is_known_is_short(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    const char *text = "{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"ManagerStarting\"}";
    assert_true(strlen(pack(text, dictionary, &a)) < 20);
    assert_round_trip(text, dictionary);
}

static void what_comes_again_is_short(void **state)
{
    cleanup_arena struct arena a = {0};
    char text[4001] = "";

    (void)state;
    for (size_t i = 0; i < 200; i++)
        memcpy(text + 20 * i, "2026-01-02T03:04:05Z", 20);
    assert_true(strlen(pack(text, "", &a)) < 420);
    assert_round_trip(text, "");
}

static void others_stand_for_themselves(void **state)
{
    static const char *const texts[] = {"", "a", "abc", "{}", "Grüße, 世界", "\"b\""};
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_string_equal(pack(texts[i], dictionary, &a), texts[i]);
}

static void every_byte_survives(void **state)
{
    char text[512];

    (void)state;
    for (size_t i = 0; i < 511; i++)
        text[i] = (char)(i % 255 + 1);
    text[511] = '\0';
    assert_round_trip(text, dictionary);
}

/* Few letters make many references; long texts make far ones. */
static void any_text_survives(void **state)
{
    static char text[40001];

    (void)state;
    srand(1);
    for (int round = 0; round < 400; round++) {
        size_t len = (size_t)rand() % (round % 20 ? 300 : 40000);
        int letters = 1 + rand() % (round % 3 ? 4 : 250);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(1 + rand() % letters + (round % 2 ? 40 : 0));
        text[len] = '\0';
        assert_round_trip(text, round % 5 ? dictionary : "");
    }
}

static void what_was_not_packed_is_refused(void **state)
{
    static const char *const wrong[] = {"\x01",         "\x02",       "ab\x02\x81",  "ab\x02\x83\x80",
                                        "\x02\x80\x80", "abcd\x05 1", "\x1f\xff\xff"};
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_null(unpack(wrong[i], "", &a));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_is_short),      cmocka_unit_test(what_comes_again_is_short),
        cmocka_unit_test(others_stand_for_themselves), cmocka_unit_test(every_byte_survives),
        cmocka_unit_test(any_text_survives),           cmocka_unit_test(what_was_not_packed_is_refused),
    };

    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
