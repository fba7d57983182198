/* The pauses between attempts, and the chance that spreads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/backoff.h"
#include "base/jitter.h"
#include "base/mem.h"

static const struct backoff policy = {1000, 10000, 25};

static void doubles_up_to_the_ceiling(void **state)
{
    static const int64_t pauses[] = {1000, 1000, 2000, 4000, 8000, 10000, 10000};

    (void)state;
    for (unsigned failures = 0; failures < ARRAY_LEN(pauses); failures++)
        assert_int_equal(backoff_pause(&policy, failures, 0, 0), pauses[failures]);
    assert_int_equal(backoff_pause(&policy, UINT32_MAX, 0, 0), 10000);
    for (unsigned i = 1; i + 1 < ARRAY_LEN(pauses); i++)
        assert_int_equal(backoff_next(&policy, pauses[i]), pauses[i + 1]);
    assert_int_equal(backoff_next(&policy, 0), 1000);
}

static void bounds_of_any_size(void **state)
{
    const struct backoff constant = {5000, 5000, 0}, none = {0, 0, 100}, endless = {1, INT64_MAX / 100, 100};

    (void)state;
    assert_int_equal(backoff_pause(&constant, 7, 0, UINT32_MAX), 5000);
    assert_int_equal(backoff_pause(&none, 7, 0, UINT32_MAX), 0);
    assert_int_equal(backoff_pause(&endless, 1000, 0, 0), endless.max_ms);
    assert_int_equal(backoff_next(&policy, 123456789), 10000); /* the server had asked for more than the ceiling */
}

/* By up to its share, and all of that share is used. */
static void chance_shortens_a_pause(void **state)
{
    int64_t shortest = INT64_MAX, longest = 0;

    (void)state;
    for (uint32_t random = 0; random < 5000; random++) {
        int64_t pause = backoff_pause(&policy, 3, 0, random * 858993u);
        shortest = pause < shortest ? pause : shortest;
        longest = pause > longest ? pause : longest;
    }
    assert_in_range(shortest, 3000, 3010);
    assert_in_range(longest, 3990, 4000);
    for (int64_t pause = 0; pause < 5; pause++)
        assert_in_range(backoff_jitter(&policy, pause, UINT32_MAX), pause * 3 / 4, pause);
}

static void the_server_may_ask_for_more(void **state)
{
    (void)state;
    assert_int_equal(backoff_pause(&policy, 1, 999, 0), 1000);
    assert_int_equal(backoff_pause(&policy, 1, 1001, 0), 1001);
    assert_int_equal(backoff_pause(&policy, 1, 3600000, 17), 3600000); /* beyond the ceiling, too */
}

static void chance_stays_within_its_bounds(void **state)
{
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    jitter_seed();
    for (int i = 0; i < 10000; i++) {
        int64_t n = jitter(100, 50);
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    assert_int_equal(least, 100);
    assert_int_equal(most, 150);
    assert_int_equal(jitter(7, 0), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_ceiling),      cmocka_unit_test(bounds_of_any_size),
        cmocka_unit_test(chance_shortens_a_pause),        cmocka_unit_test(the_server_may_ask_for_more),
        cmocka_unit_test(chance_stays_within_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
