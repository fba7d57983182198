/* Who is worked on at the same time, and who goes on next: no namespace keeps another one out, or waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "kube/places.h"

enum { MAX = 32, ROUTINE_MAX = 16, MEMORY_MAX = 1000, SMALL = 1 };

static struct places places_of_32(void)
{
    return (struct places){.max = MAX, .routine_max = ROUTINE_MAX, .tenant_max = MAX, .memory_max = MEMORY_MAX};
}

static bool may_take(const struct places *p, const char *ns, enum queue_priority priority)
{
    return places_have_room(p, priority) && places_admit(p, ns, priority);
}

/* As many as it may have; returns how many. */
static size_t fill(struct places *p, struct place *place, const char *ns, size_t memory, enum queue_priority priority)
{
    size_t len = 0;

    for (; may_take(p, ns, priority); len++)
        places_take(p, &place[len], ns, memory, priority);
    return len;
}

static void leave(struct places *p, struct place *place, size_t len)
{
    for (size_t i = 0; i < len; i++)
        places_leave(p, &place[i]);
}

static void of_what_is_urgent_each_namespace_takes_no_more_than_it_leaves(void **state)
{
    struct places p = places_of_32();
    struct place first[MAX], second[MAX], third[MAX];

    (void)state;
    size_t a = fill(&p, first, "a", SMALL, QUEUE_URGENT), b = fill(&p, second, "b", SMALL, QUEUE_URGENT);
    assert_int_equal(a, MAX / 2);
    assert_int_equal(b, MAX / 4);
    assert_true(may_take(&p, "c", QUEUE_URGENT));
    assert_int_equal(fill(&p, third, "c", SMALL, QUEUE_URGENT), MAX / 8);
    leave(&p, first, a);
    assert_true(may_take(&p, "b", QUEUE_URGENT));
    leave(&p, second, b);
    leave(&p, third, MAX / 8);
    places_finish(&p);
}

static void memory_is_shared_likewise(void **state)
{
    struct places p = places_of_32();
    struct place first[MAX], second[MAX];

    (void)state;
    size_t a = fill(&p, first, "a", 100, QUEUE_URGENT);
    assert_int_equal(a, 4); /* with three of them 700 are left, which is more than 600; with four 600, less than 800 */
    size_t b = fill(&p, second, "b", 100, QUEUE_URGENT);
    assert_in_range(b, 1, 3);
    assert_true(may_take(&p, "c", QUEUE_URGENT));
    leave(&p, first, a);
    leave(&p, second, b);
    places_finish(&p);
}

/* All memory may be taken by one, however much it is: nothing is too large to be worked on. */
static void what_is_too_large_is_alone(void **state)
{
    struct places p = places_of_32();
    struct place large;

    (void)state;
    assert_true(may_take(&p, "a", QUEUE_URGENT));
    places_take(&p, &large, "a", 5 * MEMORY_MAX, QUEUE_URGENT);
    assert_false(places_have_room(&p, QUEUE_URGENT));
    places_leave(&p, &large);
    assert_true(may_take(&p, "a", QUEUE_URGENT));
    places_finish(&p);
}

/* What somebody waits for fills many namespaces' places; and still one that is routine is taken in its time. */
static void urgent_and_routine_do_not_keep_each_other_out(void **state)
{
    struct places p = places_of_32();
    struct place urgent[4][MAX], routine[2][MAX];
    const char *const names[] = {"a", "b", "c", "d"};
    size_t len[4], routine_len[2];

    (void)state;
    for (size_t i = 0; i < 2; i++)
        len[i] = fill(&p, urgent[i], names[i], SMALL, QUEUE_URGENT);
    assert_true(len[0] + len[1] > ROUTINE_MAX);
    assert_true(may_take(&p, "r", QUEUE_ROUTINE));
    leave(&p, urgent[0], len[0]);
    leave(&p, urgent[1], len[1]);
    for (size_t i = 0; i < 2; i++)
        routine_len[i] = fill(&p, routine[i], names[i], SMALL, QUEUE_ROUTINE);
    assert_int_equal(routine_len[0], ROUTINE_MAX);
    assert_int_equal(routine_len[1], 0);
    assert_true(may_take(&p, "a", QUEUE_URGENT));
    assert_true(may_take(&p, "u", QUEUE_URGENT));
    leave(&p, routine[0], routine_len[0]);
    leave(&p, routine[1], routine_len[1]);
    places_finish(&p);
}

/* A start: all is routine, and each answer of GitLab's begins what comes before all. An edit finds a place. */
static void what_was_begun_does_not_keep_an_edit_out(void **state)
{
    static const enum queue_priority orders[][2] = {{QUEUE_ROUTINE, QUEUE_BEGUN}, {QUEUE_BEGUN, QUEUE_ROUTINE}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct places p = places_of_32();
        struct place first[MAX], second[MAX];
        size_t a = fill(&p, first, "a", SMALL, orders[i][0]), b = fill(&p, second, "a", SMALL, orders[i][1]);

        assert_true(may_take(&p, "a", QUEUE_URGENT));
        assert_true(may_take(&p, "b", QUEUE_URGENT));
        leave(&p, first, a);
        leave(&p, second, b);
        places_finish(&p);
    }
}

/* Of those that may go on, as the loop has it. */
static struct place *next_of(struct place *ready, size_t len)
{
    struct place *next = ready;

    for (size_t i = 1; i < len; i++)
        if (place_is_before(&ready[i], next))
            next = &ready[i];
    return next;
}

/* All of one namespace's may go on at once, again and again: the single one of another is never but one step away. */
static void the_single_one_of_a_namespace_goes_on_next(void **state)
{
    struct places p = places_of_32();
    struct place ready[17];
    size_t steps_of_the_single_one = 0;

    (void)state;
    for (size_t i = 0; i < 16; i++)
        places_take(&p, &ready[i], "many", SMALL, QUEUE_URGENT);
    places_take(&p, &ready[16], "one", SMALL, QUEUE_URGENT);
    for (size_t i = 0; i < 100; i++) {
        struct place *next = next_of(ready, ARRAY_LEN(ready));
        steps_of_the_single_one += next == &ready[16];
        places_step(&p, next);
    }
    assert_int_equal(steps_of_the_single_one, 50);
    leave(&p, ready, ARRAY_LEN(ready));
    places_finish(&p);
}

/* Who has just come has waited longest. */
static void whoever_is_new_goes_on_first(void **state)
{
    struct places p = places_of_32();
    struct place old, new;

    (void)state;
    places_take(&p, &old, "a", SMALL, QUEUE_URGENT);
    places_step(&p, &old);
    places_take(&p, &new, "b", SMALL, QUEUE_URGENT);
    assert_true(place_is_before(&new, &old));
    assert_false(place_is_before(&old, &new));
    places_leave(&p, &old);
    places_leave(&p, &new);
    places_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_what_is_urgent_each_namespace_takes_no_more_than_it_leaves),
        cmocka_unit_test(memory_is_shared_likewise),
        cmocka_unit_test(what_is_too_large_is_alone),
        cmocka_unit_test(urgent_and_routine_do_not_keep_each_other_out),
        cmocka_unit_test(what_was_begun_does_not_keep_an_edit_out),
        cmocka_unit_test(the_single_one_of_a_namespace_goes_on_next),
        cmocka_unit_test(whoever_is_new_goes_on_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
