/* What is counted: the bounds that dashboards know from controller-runtime and client-go, and names of labels. */
#include "golden.h"

#include "base/mem.h"
#include "operator/stats.h"

static const char *bounds_of(const struct histogram *h, struct arena *a)
{
    const char *text = "";

    for (size_t i = 0; i < h->buckets->len; i++)
        text = arena_printf(a, "%s%s%g", text, i ? " " : "", h->buckets->bounds[i]);
    return text;
}

static void bounds_are_those_that_dashboards_know(void **state)
{
    cleanup_arena struct arena a = {0};
    struct stats stats;

    (void)state;
    stats_init(&stats);
    assert_string_equal(
        bounds_of(&stats.reconcile_seconds, &a),
        "0.005 0.01 0.025 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.45 0.5 0.6 0.7 0.8 0.9 1 1.25 1.5 1.75 2 "
        "2.5 3 3.5 4 4.5 5 6 7 8 9 10 15 20 25 30 40 50 60");
    assert_string_equal(bounds_of(&stats.work_seconds, &a),
                        "1e-08 1e-07 1e-06 1e-05 0.0001 0.001 0.01 0.1 1 10 100 1000");
    assert_string_equal(bounds_of(&stats.gitlab_seconds, &a), "0.005 0.025 0.1 0.25 0.5 1 2 4 8 15 30 60");
    assert_true(stats.start > 1.7e9 && stats.start < 1e10); /* seconds since 1970 */
    assert_int_not_equal(stats.run, 0);                     /* once in four billion runs */
}

static void results_have_controller_runtimes_names(void **state)
{
    (void)state;
    assert_string_equal(turn_result_name(RESULT_SUCCESS), "success");
    assert_string_equal(turn_result_name(RESULT_ERROR), "error");
    assert_string_equal(turn_result_name(RESULT_REQUEUE), "requeue");
    assert_string_equal(turn_result_name(RESULT_REQUEUE_AFTER), "requeue_after");
}

static void reasons_have_numbers_that_stay(void **state)
{
    cleanup_arena struct arena a = {0};
    struct stats stats;
    const char *longer = "AReasonThatIsLongerThanALabelMayBe";

    (void)state;
    stats_init(&stats);
    assert_int_equal(stats_ready_reason(&stats, NULL), 0);
    assert_int_equal(stats_ready_reason(&stats, "Ready"), 1);
    assert_int_equal(stats_ready_reason(&stats, longer), 2);
    assert_int_equal(stats_ready_reason(&stats, "Ready"), 1);
    assert_int_equal(stats_ready_reason(&stats, longer), 2);
    for (int i = 0; i < 2 * TALLY_MAX; i++)
        stats_ready_reason(&stats, arena_printf(&a, "Reason%d", i));
    assert_int_equal(stats_ready_reason(&stats, "Reason0"), 3);
    assert_int_equal(stats_ready_reason(&stats, "Another"), TALLY_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_those_that_dashboards_know),
        cmocka_unit_test(results_have_controller_runtimes_names),
        cmocka_unit_test(reasons_have_numbers_that_stay),
    };

    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
