/* Times that are given away: each once, a namespace's one after another, and nobody waits for another namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kube/pace.h"

static void a_namespace_has_one_in_a_while(void **state)
{
    struct paces paces = {0};

    (void)state;
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(pace_take(&paces, "a", 8000, 0), 8000 + i * PACE_MS);
    assert_int_equal(pace_take(&paces, "b", 8000, 0), 8000);
    assert_int_equal(pace_take(&paces, "b", 100000, 0), 100000);
    paces_finish(&paces);
}

static void what_is_past_is_forgotten(void **state)
{
    struct paces paces = {0};
    char ns[40];

    (void)state;
    for (int64_t now = 0; now < 100000; now += 10) {
        snprintf(ns, sizeof(ns), "team-%lld", (long long)now);
        assert_int_equal(pace_take(&paces, ns, now + 50, now), now + 50);
        assert_true(paces.by_ns.len <= 64);
    }
    paces_finish(&paces);
}

static void without_a_pace_any_time_is_free(void **state)
{
    (void)state;
    assert_int_equal(pace_take(NULL, "a", 5, 0), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_namespace_has_one_in_a_while),
        cmocka_unit_test(what_is_past_is_forgotten),
        cmocka_unit_test(without_a_pace_any_time_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
