/* The list of the namespaces that are served, as people write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "runner/namespaces.h"

#define SIXTY "123456789-123456789-123456789-123456789-123456789-1234567890"

static void takes_names_of_namespaces(void **state)
{
    static const char *const lists[] = {"ci", "ci,team-a,3", SIXTY "123"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        assert_true(namespaces_are_valid(lists[i]));
}

static void takes_nothing_else(void **state)
{
    static const char *const lists[] = {"",      ",",   "ci,",  ",ci",  "ci,,a", "ci, a",      "CI",
                                        "ci/a",  "-ci", "ci-",  "*",    "c.i",   SIXTY "1234", "ci,a,ci",
                                        "ci;rm", " ",   "ci\n", "a,-b", "\xff"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (namespaces_are_valid(lists[i]))
            fail_msg("it takes \"%s\"", lists[i]);
}

static void names_them_in_order(void **state)
{
    char ns[NAMESPACE_SIZE], all[200] = "";

    (void)state;
    for (const char *at = "ci,team-a," SIXTY "123"; namespaces_next(&at, ns);)
        strcat(strcat(all, ns), " ");
    assert_string_equal(all, "ci team-a " SIXTY "123 ");
}

static void knows_which_are_served(void **state)
{
    (void)state;
    assert_true(namespaces_have("ci,team-a", "ci"));
    assert_true(namespaces_have("ci,team-a", "team-a"));
    assert_false(namespaces_have("ci,team-a", "team"));
    assert_false(namespaces_have("ci,team-a", "ci,team-a"));
    assert_true(namespaces_have(NULL, "any"));
}

static void lets_in_who_is_listed(void **state)
{
    static const struct {
        const char *allowed_from, *ns;
        bool let_in;
    } cases[] = {
        {"ci", "ci", true},
        {"other, ci", "ci", true},
        {"other,ci ", "ci", true},
        {"team-*", "team-a", true},
        {"c?", "ci", true},
        {"[a-d]i", "ci", true},
        {"*", "ci", true},
        {"", "ci", false},
        {" , ", "ci", false},
        {"ci2", "ci", false},
        {"c", "ci", false},
        {"team-*", "xteam-a", false},
        {"ci,*", "anything", true},
        {"CI", "ci", false},
        {"\xff*", "ci", false},
        {"!ci", "ci", false},
        {SIXTY SIXTY SIXTY SIXTY SIXTY "*", SIXTY, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (namespace_lets_in(cases[i].allowed_from, cases[i].ns) != cases[i].let_in)
            fail_msg("\"%s\" and %s", cases[i].allowed_from, cases[i].ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_names_of_namespaces), cmocka_unit_test(takes_nothing_else),
        cmocka_unit_test(names_them_in_order),       cmocka_unit_test(knows_which_are_served),
        cmocka_unit_test(lets_in_who_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
