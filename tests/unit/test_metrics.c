/* The text that Prometheus reads. */
#include "golden.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/metrics.h"

struct counted {
    struct histogram seconds;
    struct tally answers, reasons;
};

static void show_seconds(const struct metric_page *page, const void *source)
{
    const struct counted *c = source;

    metric_histogram(page, &c->seconds, "controller", "x", NULL);
}

static void show_answers(const struct metric_page *page, const void *source)
{
    const struct counted *c = source;

    metric_tally(page, &c->answers, "code", "method", "host", "10.0.0.1:6443", NULL);
}

static void show_reasons(const struct metric_page *page, const void *source)
{
    const struct counted *c = source;

    metric_tally(page, &c->reasons, "reason", NULL, NULL);
}

static void show_plain(const struct metric_page *page, const void *source)
{
    (void)source;
    metric_sample(page, 1764037123.25, NULL);
}

static void show_escaped(const struct metric_page *page, const void *source)
{
    (void)source;
    metric_sample(page, 0, "text", "a \"quoted\" \\ and\na line", "other", "", NULL);
}

static const struct buckets buckets = {4, {1e-8, 0.5, 1, 1000}};

static const struct metric table[] = {
    {"work_duration_seconds", METRIC_HISTOGRAM, "How long the work took", show_seconds},
    {"answers_total", METRIC_COUNTER, "Answers by code and method", show_answers},
    {"reasons_total", METRIC_COUNTER, "Answers by reason", show_reasons},
    {"start_time_seconds", METRIC_GAUGE, "When it began", show_plain},
    {"escaped", METRIC_GAUGE, "What no label may break", show_escaped},
};

static const char *page_of(const struct counted *counted, struct arena *a)
{
    struct buf out cleanup_buf;

    buf_init(&out, 1 << 20);
    metrics_show(table, ARRAY_LEN(table), counted, &out);
    return arena_strdup(a, out.data);
}

static void is_shown_from_the_beginning_as_zeroes(void **state)
{
    struct counted counted = {.seconds = {.buckets = &buckets}};
    struct arena a cleanup_arena = {0};

    (void)state;
    tally_add(&counted.reasons, "ok", "", 0);
    assert_golden(DATA "metrics/zero.prom", page_of(&counted, &a));
}

static void is_shown_as_counted(void **state)
{
    struct counted counted = {.seconds = {.buckets = &buckets}};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (const double *v = (const double[]){0, 0.5, 0.51, 1, 999, 1001, 1e6, -1}; *v >= 0; v++)
        histogram_observe(&counted.seconds, *v);
    tally_add(&counted.answers, "200", "GET", 3);
    tally_add(&counted.answers, "<error>", "GET", 1);
    tally_add(&counted.answers, "200", "GET", 1ull << 40);
    tally_add(&counted.reasons, "ok", "", 1);
    assert_golden(DATA "metrics/counted.prom", page_of(&counted, &a));
}

static void has_no_more_counters_than_allowed(void **state)
{
    struct tally tally = {0};
    uint64_t sum = 0;
    char code[8];

    (void)state;
    for (int i = 0; i < 3 * TALLY_MAX; i++) {
        snprintf(code, sizeof(code), "%d", i % (2 * TALLY_MAX));
        tally_add(&tally, code, "GET", 1);
    }
    assert_int_equal(tally.len, TALLY_MAX);
    for (size_t i = 0; i < tally.len; i++)
        sum += tally.rows[i].count;
    assert_int_equal(sum, 3 * TALLY_MAX);
    assert_int_equal(tally.rows[0].count, 2);
    assert_string_equal(tally.rows[TALLY_MAX - 1].a, "other");
    assert_string_equal(tally.rows[TALLY_MAX - 1].b, "other");
}

static void tells_long_labels_apart_as_far_as_they_are_shown(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (int i = 0; i < 2; i++)
        tally_add(&tally, "ALabelThatIsLongerThanWhatIsKeptOfIt", "", 1);
    tally_add(&tally, "ALabel", "", 1);
    assert_int_equal(tally.len, 2);
    assert_string_equal(tally.rows[0].a, "ALabelThatIsLongerThanWhatIsKep");
    assert_int_equal(tally.rows[0].count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_shown_from_the_beginning_as_zeroes),
        cmocka_unit_test(is_shown_as_counted),
        cmocka_unit_test(has_no_more_counters_than_allowed),
        cmocka_unit_test(tells_long_labels_apart_as_far_as_they_are_shown),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
