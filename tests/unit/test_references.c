/* Who refers to what, and what is known of it. */
#include "golden.h"

#include <stdio.h>

#include "kube/references.h"

enum { SECRET = 1, CONFIG_MAP = 2 };

static void refer(struct references *r, const char *holder, const char *secret, const char *other, unsigned epoch)
{
    const struct reference to[] = {
        {.kind = SECRET, .ns = "ci", .name = secret, .epoch = epoch},
        {.kind = SECRET, .ns = "ci", .name = other, .epoch = epoch},
        {.kind = CONFIG_MAP, .ns = "ci", .name = NULL},
    };

    references_set(r, holder, to, 3);
}

static void note(void *arg, const char *holder)
{
    strcat(strcat(arg, holder), " ");
}

static void assert_holders(const struct references *r, const char *secret, const char *expected)
{
    char holders[200] = "";

    references_each(r, SECRET, "ci", secret, note, holders);
    assert_string_equal(holders, expected);
    assert_int_equal(references_have(r, SECRET, "ci", secret), *expected != 0);
}

static void knows_who_refers_to_what(void **state)
{
    struct references *r = references_create(NULL, NULL);

    (void)state;
    refer(r, "ci/a", "one", "two", 0);
    refer(r, "ci/b", "one", NULL, 0);
    assert_holders(r, "one", "ci/a ci/b ");
    assert_holders(r, "two", "ci/a ");
    assert_false(references_have(r, CONFIG_MAP, "ci", "one"));
    assert_false(references_have(r, SECRET, "team", "one"));
    refer(r, "ci/a", "two", "three", 0);
    assert_holders(r, "one", "ci/b ");
    assert_holders(r, "two", "ci/a ");
    assert_holders(r, "three", "ci/a ");
    refer(r, "ci/a", NULL, NULL, 0);
    refer(r, "ci/nobody", NULL, NULL, 0);
    assert_holders(r, "two", "");
    references_destroy(r);
    references_destroy(NULL);
}

static void note_forgotten(void *arg, unsigned kind, const char *path)
{
    assert_int_equal(kind, SECRET);
    strcat(strcat(arg, path), " ");
}

static void tells_of_what_nobody_refers_to_any_more(void **state)
{
    char forgotten[200] = "";
    struct references *r = references_create(note_forgotten, forgotten);

    (void)state;
    refer(r, "ci/a", "one", "two", 0);
    refer(r, "ci/b", "one", NULL, 0);
    refer(r, "ci/a", "three", "two", 0);
    assert_string_equal(forgotten, "");
    refer(r, "ci/b", NULL, NULL, 0);
    refer(r, "ci/a", "three", "three", 0);
    assert_string_equal(forgotten, "ci/one ci/two ");
    references_destroy(r);
    assert_string_equal(forgotten, "ci/one ci/two ");
}

static void twice_the_same_is_one(void **state)
{
    struct references *r = references_create(NULL, NULL);

    (void)state;
    refer(r, "ci/a", "one", "one", 0);
    assert_holders(r, "one", "ci/a ci/a ");
    refer(r, "ci/a", "one", NULL, 0);
    assert_holders(r, "one", "ci/a ");
    references_destroy(r);
}

static bool settled(const struct references *r, const char *secret)
{
    return references_settled(r, SECRET, "ci", secret);
}

static void it_is_settled_by_who_has_looked(void **state)
{
    struct references *r = references_create(NULL, NULL);

    (void)state;
    references_settle(r, SECRET, "ci", "one"); /* nobody asks */
    refer(r, "ci/a", "one", NULL, 0);
    assert_false(settled(r, "one"));
    references_settle(r, CONFIG_MAP, "ci", "one");
    assert_false(settled(r, "one"));
    references_settle(r, SECRET, "ci", "one");
    assert_true(settled(r, "one"));
    refer(r, "ci/a", "two", "one", 3);
    assert_true(settled(r, "one") && !settled(r, "two"));
    references_destroy(r);
}

/* Of a reference that is made while a list is told nobody knows whether the list has passed it. */
static void a_list_settles_what_was_there_when_it_began(void **state)
{
    struct references *r = references_create(NULL, NULL);

    (void)state;
    refer(r, "ci/a", "before", NULL, 0);
    refer(r, "ci/b", "meanwhile", NULL, 1);
    references_list_end(r, CONFIG_MAP, "", 1);
    references_list_end(r, SECRET, "team", 1);
    assert_false(settled(r, "before"));
    references_list_end(r, SECRET, "ci", 1);
    assert_true(settled(r, "before") && !settled(r, "meanwhile"));
    references_list_end(r, SECRET, "", 2);
    assert_true(settled(r, "meanwhile"));
    references_destroy(r);
}

static void many_come_and_go(void **state)
{
    struct references *r = references_create(NULL, NULL);
    char holder[40], own[40];

    (void)state;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(holder, sizeof(holder), "ci/%d", i);
            snprintf(own, sizeof(own), "own-%d", i);
            refer(r, holder, round == 2 ? NULL : own, round == 2 ? NULL : "shared", 0);
        }
    assert_holders(r, "shared", "");
    assert_holders(r, "own-7", "");
    references_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_who_refers_to_what),
        cmocka_unit_test(tells_of_what_nobody_refers_to_any_more),
        cmocka_unit_test(twice_the_same_is_one),
        cmocka_unit_test(it_is_settled_by_who_has_looked),
        cmocka_unit_test(a_list_settles_what_was_there_when_it_began),
        cmocka_unit_test(many_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
