#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kube/limit.h"

/* As many requests as are admitted, on their way. */
static unsigned fill(struct limit *l, int64_t now)
{
    unsigned begun = 0;

    for (; limit_admits(l, now); begun++)
        limit_begin(l);
    return begun;
}

static void drain(struct limit *l)
{
    while (l->in_flight)
        limit_end(l);
}

static void as_many_as_the_limit_are_admitted(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l);
    assert_int_equal(fill(&l, 0), LIMIT_START);
    limit_end(&l);
    assert_int_equal(fill(&l, 0), 1);
}

static void it_grows_by_one_a_round_while_it_is_made_use_of(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l);
    for (unsigned i = 0; i < 10 * LIMIT_START; i++)
        limit_raise(&l); /* nothing is on its way */
    assert_int_equal(fill(&l, 0), LIMIT_START);
    for (unsigned i = 0; i < LIMIT_START + 1; i++)
        limit_raise(&l);
    assert_int_equal(fill(&l, 0), 1);
    for (unsigned i = 0; i < 100 * LIMIT_MAX; i++) {
        limit_raise(&l);
        fill(&l, 0);
    }
    assert_int_equal(l.in_flight, LIMIT_MAX);
}

static void overload_halves_it_once_a_round(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l);
    fill(&l, 1000);
    for (unsigned i = 0; i < LIMIT_START; i++)
        limit_cut(&l, 1000, 1500 + i); /* all of them say the same */
    drain(&l);
    assert_int_equal(fill(&l, 2000), LIMIT_START / 2);
    limit_cut(&l, 2000, 2500);
    drain(&l);
    assert_int_equal(fill(&l, 3000), LIMIT_START / 4);
}

static void one_is_always_admitted(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l);
    for (int64_t now = 1; now < 100; now++)
        limit_cut(&l, now, now);
    assert_int_equal(fill(&l, 100), LIMIT_MIN);
}

static void a_pause_holds_up_everything(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l);
    limit_pause(&l, 700, 1000);
    limit_pause(&l, 200, 1100); /* ends earlier: changes nothing */
    assert_false(limit_admits(&l, 1699));
    assert_true(limit_admits(&l, 1700));
    limit_pause(&l, INT64_C(86400000), 2000); /* for a day */
    assert_false(limit_admits(&l, 2000 + LIMIT_PAUSE_MAX_MS - 1));
    assert_true(limit_admits(&l, 2000 + LIMIT_PAUSE_MAX_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_the_limit_are_admitted),
        cmocka_unit_test(it_grows_by_one_a_round_while_it_is_made_use_of),
        cmocka_unit_test(overload_halves_it_once_a_round),
        cmocka_unit_test(one_is_always_admitted),
        cmocka_unit_test(a_pause_holds_up_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
