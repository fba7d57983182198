/* Whose a runner is: the mark in its maintenance note, which people write, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mark.h"
#include "base/mem.h"

#define MARK  "example.dev/uid=1234"
#define OTHER "example.dev/uid=5678"

static const struct {
    const char *what, *text;
    bool found;
} cases[] = {
    {"alone", MARK, true},
    {"behind a note", "Ask us.\n" MARK, true},
    {"before what somebody added", MARK "\nPlease keep it.", true},
    {"with the ends of lines of another system", "Ask us.\r\n" MARK "\r\n", true},
    {"nothing", "", false},
    {"another's", OTHER, false},
    {"within a line", "see " MARK, false},
    {"with something behind it", MARK "5", false},
    {"and with a word behind it", MARK " or not", false},
    {"cut", "example.dev/uid=123", false},
    {"another's behind it", MARK "\n" OTHER, false},
    {"behind another's", OTHER "\n" MARK, true},
    {"of none", "example.dev/uid=", false},
    {"a longer one behind it", MARK "\n" MARK "5", false},
};

static void only_the_last_mark_counts_and_only_as_a_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (has_mark(cases[i].text, MARK) != cases[i].found)
            fail_msg("%s", cases[i].what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_last_mark_counts_and_only_as_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
