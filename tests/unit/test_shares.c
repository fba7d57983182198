/* Who may have how much, and who gives way. */
#include "golden.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kube/shares.h"

/* As the store does it: the heaviest gives way, bit by bit. */
static bool take(struct shares *s, const char *ns, size_t bytes)
{
    const char *heaviest;
    char other[40];

    while (!shares_fit(s, ns, bytes, &heaviest)) {
        if (!heaviest)
            return false;
        snprintf(other, sizeof(other), "%s", heaviest);
        shares_give(s, other, 1);
    }
    shares_take(s, ns, bytes);
    return true;
}

static void who_is_alone_may_have_all(void **state)
{
    struct shares *s = shares_create(100);

    (void)state;
    assert_true(take(s, "a", 60) && take(s, "a", 40));
    assert_false(take(s, "a", 1));
    shares_give(s, "a", 10);
    assert_true(take(s, "a", 10));
    shares_destroy(s);
    shares_destroy(NULL);
}

static void the_heaviest_gives_way_to_who_has_less(void **state)
{
    struct shares *s = shares_create(100);

    (void)state;
    assert_true(take(s, "a", 100) && take(s, "b", 30));
    assert_int_equal(shares_held(s, "a"), 70);
    assert_true(take(s, "b", 19));
    assert_false(take(s, "b", 10)); /* as much as the other has */
    assert_int_equal(shares_held(s, "a"), 51);
    assert_true(take(s, "c", 5));
    assert_int_equal(shares_held(s, "a") + shares_held(s, "b"), 95);
    assert_in_range(shares_held(s, "a"), 47, 48);
    shares_destroy(s);
}

/* However many ask for however much, in whatever order: the sum keeps to the budget, and each has its part of it. */
static void everybody_has_a_fair_part(void **state)
{
    enum { BUDGET = 10000, NAMESPACES = 20 };
    struct shares *s = shares_create(BUDGET);
    char ns[20];

    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        snprintf(ns, sizeof(ns), "ns-%d", rand() % 4 ? 0 : rand() % NAMESPACES);
        take(s, ns, (size_t)(1 + rand() % 50));
    }
    size_t sum = 0;
    for (int i = 0; i < NAMESPACES; i++) {
        snprintf(ns, sizeof(ns), "ns-%d", i);
        sum += shares_held(s, ns);
        assert_in_range(shares_held(s, ns), BUDGET / NAMESPACES - 60, BUDGET / NAMESPACES + 60);
    }
    assert_in_range(sum, BUDGET - 60, BUDGET);
    shares_destroy(s);
}

static void room_is_a_good_part_of_the_budget(void **state)
{
    struct shares *s = shares_create(160);

    (void)state;
    assert_true(shares_have_room(s));
    shares_take(s, "a", 151);
    assert_false(shares_have_room(s));
    shares_give(s, "a", 1);
    assert_true(shares_have_room(s));
    shares_destroy(s);
}

static void what_is_left_out_is_counted(void **state)
{
    struct shares *s = shares_create(100);

    (void)state;
    shares_leave_out(s, "a");
    shares_leave_out(s, "a");
    shares_leave_out(s, "b");
    assert_int_equal(shares_left_out(s, "a"), 2);
    assert_int_equal(shares_left_out(s, NULL), 3);
    shares_let_in(s, "a");
    shares_let_in(s, "c");
    assert_int_equal(shares_left_out(s, NULL), 2);
    shares_let_in(s, "b");
    shares_let_in(s, "b");
    assert_int_equal(shares_left_out(s, NULL), 1);
    shares_destroy(s);
}

static void a_list_counts_anew(void **state)
{
    struct shares *s = shares_create(100);

    (void)state;
    shares_leave_out(s, "a");
    shares_leave_out(s, "b");
    shares_list_begin(s, "");
    shares_leave_out_listed(s, "a");
    shares_list_begin(s, ""); /* it begins anew */
    shares_leave_out_listed(s, "b");
    shares_leave_out_listed(s, "b");
    assert_int_equal(shares_left_out(s, "a"), 1); /* as before, until it ends */
    shares_list_end(s, "");
    assert_int_equal(shares_left_out(s, "a"), 0);
    assert_int_equal(shares_left_out(s, "b"), 2);
    shares_list_begin(s, "a");
    shares_leave_out_listed(s, "a");
    shares_list_end(s, "a");
    assert_int_equal(shares_left_out(s, NULL), 3);
    shares_destroy(s);
}

/* Else nobody would look for room for it: the list has passed it by, as one that was kept. */
static void who_goes_while_a_list_is_read_is_counted(void **state)
{
    struct shares *s = shares_create(100);

    (void)state;
    shares_leave_out(s, "a");
    shares_list_begin(s, "");
    shares_leave_out_listed(s, "a");
    shares_leave_out(s, "a");
    shares_leave_out(s, "b");
    shares_list_end(s, "");
    assert_int_equal(shares_left_out(s, "a"), 2);
    assert_int_equal(shares_left_out(s, "b"), 1);
    shares_list_begin(s, "");
    shares_list_end(s, "");
    assert_int_equal(shares_left_out(s, NULL), 0);
    shares_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_alone_may_have_all),
        cmocka_unit_test(the_heaviest_gives_way_to_who_has_less),
        cmocka_unit_test(everybody_has_a_fair_part),
        cmocka_unit_test(room_is_a_good_part_of_the_budget),
        cmocka_unit_test(what_is_left_out_is_counted),
        cmocka_unit_test(a_list_counts_anew),
        cmocka_unit_test(who_goes_while_a_list_is_read_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
