/* What metrics tell of the runners, and that it stays small however many there are. */
#include "golden.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "web/metrics_fleet.h"
#include "operator/state.h"

enum { MANY = 10000, PAGE_MAX = 4 << 20, NOW = 1764000000 };

static struct state *runner(struct states *states, const char *ns, size_t i)
{
    char key[300];

    snprintf(key, sizeof(key), "%s/runner-%zu", ns, i);
    return states_get(states, key);
}

static size_t shown(const struct states *states, const char *ns)
{
    const char *key;
    void *state;
    size_t n = 0;

    for (size_t i = 0; map_iter(&states->by_key, &i, &key, &state);)
        n += ((const struct state *)state)->facts.shown && strncmp(key, ns, strlen(ns)) == 0;
    return n;
}

static void show_many(struct states *states, const char *ns, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        fleet_show(states, runner(states, ns, i));
}

static const char *page_of(const struct states *states, struct arena *a)
{
    struct tally reasons = {0};
    cleanup_buf struct buf out;

    tally_add(&reasons, "Ready", "", 1);
    tally_add(&reasons, "SecretNotFound", "", 1);
    tally_add(&reasons, "ManagerStarting", "", 1);
    buf_init(&out, PAGE_MAX);
    metrics_fleet(states, &reasons, NOW, &out);
    assert_true(out.len < PAGE_MAX);
    return arena_strdup(a, out.data);
}

static size_t series(const char *page)
{
    size_t n = 0;

    for (const char *line = page; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        n += *line != '#';
    return n;
}

static void has_line(const char *page, const char *line)
{
    cleanup_free char *whole = mem_alloc(strlen(line) + 2);

    sprintf(whole, "%s\n", line);
    if (!strstr(page, whole))
        fail_msg("no line %s in\n%s", line, page);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All of them */

static void the_first_and_the_sums_are_told(void **test)
{
    struct states states = {0};
    cleanup_arena struct arena a = {0};

    (void)test;
    runner(&states, "ci", 0)->facts = (struct runner_facts){
        .ready_reason = 1, .ready = true, .managers_wanted = 2, .managers_ready = 2, .token_end = NOW + 900};
    runner(&states, "ci", 1)->facts = (struct runner_facts){.ready_reason = 2,
                                                            .unready_since = NOW - 60,
                                                            .managers_wanted = 3,
                                                            .token_end = NOW + 800,
                                                            .rotation_time = NOW - 30};
    runner(&states, "ci", 2)->facts = (struct runner_facts){
        .ready_reason = 2, .unready_since = NOW - 90, .managers_ready = 1, .rotation_time = NOW - 20};
    const char *page = page_of(&states, &a);
    has_line(page, "gitlab_runner_controller_runners{reason=\"Ready\"} 1");
    has_line(page, "gitlab_runner_controller_runners{reason=\"SecretNotFound\"} 2");
    has_line(page, "gitlab_runner_controller_runners{reason=\"ManagerStarting\"} 0");
    has_line(page, "gitlab_runner_controller_unready_since_timestamp_seconds{reason=\"SecretNotFound\"} 1763999910");
    has_line(page, "gitlab_runner_controller_token_expiry_timestamp_seconds 1764000800");
    has_line(page, "gitlab_runner_controller_token_unattended_expiry_timestamp_seconds 1764000800");
    has_line(page, "gitlab_runner_controller_token_rotation_overdue_seconds 30");
    has_line(page, "gitlab_runner_controller_managers{state=\"wanted\"} 5");
    has_line(page, "gitlab_runner_controller_managers{state=\"ready\"} 3");
    assert_int_equal(series(page), 9);
    assert_null(strstr(page, "ci/"));
    states_finish(&states);
}

/* Tokens may live for two hours alone, and are replaced in time: nobody has to be woken for that. */
static void a_token_that_is_replaced_in_time_is_not_unattended(void **test)
{
    static const struct {
        int64_t end, rotation, unattended;
    } cases[] = {{NOW + 900, NOW + 60, 0},
                 {NOW + 900, NOW, 0},
                 {NOW + 900, NOW - 60, NOW + 900},
                 {NOW + 900, 0, NOW + 900},
                 {0, 0, 0}};

    (void)test;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct states states = {0};
        runner(&states, "ci", 0)->facts =
            (struct runner_facts){.token_end = cases[i].end, .rotation_time = cases[i].rotation};
        assert_int_equal(fleet_count(&states, NOW).unattended_end, cases[i].unattended);
        assert_int_equal(fleet_count(&states, NOW).token_end, cases[i].end);
        states_finish(&states);
    }
}

/* However many somebody writes into the status of a Deployment. */
static void counts_have_their_bounds(void **test)
{
    static const struct {
        int64_t ready, counted;
    } cases[] = {{INT64_MIN, 0}, {-1, 0}, {0, 0}, {1, 1}, {UINT16_MAX, UINT16_MAX}, {UINT16_MAX + 1, UINT16_MAX}};
    struct runner_facts facts;

    (void)test;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        runner_facts_learn(&facts, &(struct observed){.ready_replicas = cases[i].ready});
        assert_int_equal(facts.managers_ready, cases[i].counted);
        assert_int_equal(facts.managers_wanted, cases[i].counted); /* none is missing */
    }
}

/* A standby, or an operator without any. */
static void nothing_is_amiss_where_there_are_none(void **test)
{
    const struct states states = {0};
    cleanup_arena struct arena a = {0};
    const char *page = page_of(&states, &a);

    (void)test;
    assert_null(strstr(page, "\ngitlab_runner_controller_unready_since"));
    assert_null(strstr(page, "\ngitlab_runner_controller_token_expiry"));
    has_line(page, "gitlab_runner_controller_token_rotation_overdue_seconds 0");
    has_line(page, "gitlab_runner_controller_managers{state=\"wanted\"} 0");
}

/* The page asks for it at most every twentieth of the time (net/serve.h), but it should not be slow either. */
static void ten_thousand_are_counted_in_a_moment(void **test)
{
    struct states states = {0};
    cleanup_arena struct arena a = {0};

    (void)test;
    for (size_t i = 0; i < MANY; i++)
        runner(&states, "ci", i)->facts.ready_reason = 1;
    int64_t began = clock_us();
    size_t few = series(page_of(&states, &a));
    int64_t took = clock_us() - began;
    print_message("%d runners: %lld us\n", MANY, (long long)took);
    assert_in_range(few, 1, 10);
    assert_true(took < 100 * 1000);
    states_finish(&states);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Each, where that is asked for */

static void none_has_series_unless_they_are_asked_for(void **test)
{
    struct states states = {0};

    (void)test;
    show_many(&states, "ci", 0, 10);
    assert_int_equal(shown(&states, ""), 0);
    states_finish(&states);
}

static void of_too_many_some_have_series_and_the_others_are_counted(void **test)
{
    struct states states = {.shown_max = FLEET_SHOWN_MAX};
    cleanup_arena struct arena a = {0};

    (void)test;
    show_many(&states, "greedy", 0, MANY / 2);
    assert_int_equal(shown(&states, "greedy"), FLEET_SHOWN_MAX / 2);
    show_many(&states, "modest", 0, 100);
    assert_int_equal(shown(&states, "modest"), 100);
    for (size_t i = 0; i < MANY / 2 - 100; i++) {
        char ns[32];
        snprintf(ns, sizeof(ns), "ns-%zu", i);
        fleet_show(&states, runner(&states, ns, 0));
    }
    assert_int_equal(shown(&states, ""), FLEET_SHOWN_MAX);
    const char *page = page_of(&states, &a);
    has_line(page, "gitlab_runner_controller_runners_without_series 9000");
    assert_in_range(series(page), 3 * FLEET_SHOWN_MAX, 4 * FLEET_SHOWN_MAX + 20);
    states_finish(&states);
}

/* By the name that the runner has in config.toml, so that panels can put both side by side. */
static void a_runner_is_shown_by_its_name(void **test)
{
    struct states states = {.shown_max = FLEET_SHOWN_MAX};
    cleanup_arena struct arena a = {0};

    (void)test;
    show_many(&states, "ci", 0, 2);
    runner(&states, "ci", 0)->facts.ready = true;
    runner(&states, "ci", 0)->facts.token_end = NOW;
    runner(&states, "ci", 0)->facts.managers_wanted = 2;
    const char *page = page_of(&states, &a);
    has_line(page, "gitlab_runner_controller_runner_ready{runner_name=\"ci/runner-0\"} 1");
    has_line(page, "gitlab_runner_controller_runner_ready{runner_name=\"ci/runner-1\"} 0");
    has_line(page, "gitlab_runner_controller_runner_token_expiry_timestamp_seconds{runner_name=\"ci/runner-0\"} "
                   "1764000000");
    assert_null(strstr(page, "expiry_timestamp_seconds{runner_name=\"ci/runner-1\""));
    has_line(page, "gitlab_runner_controller_runner_managers{runner_name=\"ci/runner-0\",state=\"wanted\"} 2");
    has_line(page, "gitlab_runner_controller_runner_managers{runner_name=\"ci/runner-0\",state=\"ready\"} 0");
    has_line(page, "gitlab_runner_controller_runners_without_series 0");
    states_finish(&states);
}

static void a_place_is_kept_until_the_runner_is_gone(void **test)
{
    struct states states = {.shown_max = 4};
    struct observed anew = {.owner.uid = "another", .generation = 1};
    struct arena a cleanup_arena = {0};

    (void)test;
    show_many(&states, "ci", 0, 4);
    assert_int_equal(shown(&states, "ci"), 2);
    state_observe(runner(&states, "ci", 0), &anew, &a);
    show_many(&states, "ci", 0, 1);
    assert_true(runner(&states, "ci", 0)->facts.shown);
    assert_int_equal(states.shown, 2);
    states_remove(&states, "ci/runner-0");
    states_remove(&states, "ci/runner-3");
    show_many(&states, "ci", 2, 3);
    assert_true(runner(&states, "ci", 2)->facts.shown);
    states_finish(&states); /* another process leads; later this one does again */
    assert_int_equal(states.shown, 0);
    show_many(&states, "ci", 0, 4);
    assert_int_equal(shown(&states, "ci"), 2);
    states_finish(&states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_and_the_sums_are_told),
        cmocka_unit_test(a_token_that_is_replaced_in_time_is_not_unattended),
        cmocka_unit_test(counts_have_their_bounds),
        cmocka_unit_test(nothing_is_amiss_where_there_are_none),
        cmocka_unit_test(ten_thousand_are_counted_in_a_moment),
        cmocka_unit_test(none_has_series_unless_they_are_asked_for),
        cmocka_unit_test(of_too_many_some_have_series_and_the_others_are_counted),
        cmocka_unit_test(a_runner_is_shown_by_its_name),
        cmocka_unit_test(a_place_is_kept_until_the_runner_is_gone),
    };

    return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
