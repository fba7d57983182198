/* Errors, which are texts of a bounded size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

static void is_set_as_a_whole(void **state)
{
    struct err err = {.code = 500, .retry_after_ms = 7};

    (void)state;
    assert_false(err_set(&err, ERR_DENIED, "Reason", "%s is %d", "this", 1));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_string_equal(err.reason, "Reason");
    assert_string_equal(err.text, "this is 1");
    assert_int_equal(err.code, 0);
    assert_int_equal(err.retry_after_ms, 0);
}

static void may_quote_itself(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_RETRY, "Reason", "inner");
    assert_false(err_wrap(&err, "apply %s", "Secret a/b"));
    assert_false(err_wrap(&err, "turn"));
    assert_string_equal(err.text, "turn: apply Secret a/b: inner");
    assert_int_equal(err.kind, ERR_RETRY);
}

/* Long texts lose their end, never a part of a character: the API server would store something else than was sent. */
static void cuts_between_characters(void **state)
{
    enum { SIZE = sizeof(((struct err *)0)->text) };
    static const char *const characters[] = {"x", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x90\xb3"};
    struct err err = {0};
    char text[2 * SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
        for (size_t shift = 0; shift < 4; shift++) {
            size_t len = strlen(characters[i]);
            memset(text, '.', shift);
            text[shift] = '\0';
            while (strlen(text) + len < sizeof(text))
                strcat(text, characters[i]);
            err_set(&err, ERR_RETRY, "Reason", "%s", text);
            assert_int_equal(strlen(err.text), shift + (SIZE - 1 - 3 - shift) / len * len + 3);
            assert_memory_equal(err.text, text, strlen(err.text) - 3);
            assert_string_equal(err.text + strlen(err.text) - 3, "…");
            err_wrap(&err, "%s", characters[i]);
            assert_int_equal((strlen(err.text) - 3 - len - 2 - shift) % len, 0);
        }
}

static void drops_what_is_no_text(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_RETRY, "Reason",
            "a\xfc"
            "b\xe2\x82"
            "c\xed\xa0\x80"
            "d\xc0\xaf"
            "e\xc3\xbc"
            "f");
    assert_string_equal(err.text, "abcde\xc3\xbc"
                                  "f");
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (enum err_kind kind = ERR_NONE; kind <= ERR_INVALID; kind++)
        for (enum err_kind other = ERR_NONE; other < kind; other++)
            assert_string_not_equal(err_kind_name(kind), err_kind_name(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_set_as_a_whole),       cmocka_unit_test(may_quote_itself),
        cmocka_unit_test(cuts_between_characters), cmocka_unit_test(drops_what_is_no_text),
        cmocka_unit_test(every_kind_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
