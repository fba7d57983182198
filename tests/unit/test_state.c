/* What is remembered of failures. */
#include "golden.h"

#include <stdio.h>

#include "operator/state.h"

static const struct err refused = {.kind = ERR_DENIED, .reason = "Forbidden", .text = "no right"};
static const struct err none = {.kind = ERR_NONE};

static const struct failure *failure(const struct state *state, const char *rule)
{
    const struct troubles *t = state_troubles(state);

    for (size_t i = 0; i < t->len; i++)
        if (strcmp(t->failures[i].attempt.rule, rule) == 0)
            return &t->failures[i];
    return NULL;
}

static void a_failure_is_remembered_until_it_succeeds(void **test)
{
    struct states states = {0};
    struct state *state = states_get(&states, "GitLabRunner/ci/builds");

    (void)test;
    state_fail(state, "one", &refused, 1000);
    state_fail(state, "one", &refused, 2000);
    state_fail(state, "other", &refused, 3000);
    assert_int_equal(failure(state, "one")->count, 2);
    assert_true(failure(state, "one")->attempt.retry_at_ms > 3000);
    state_succeed(state, "one");
    state_succeed(state, "nothing");
    assert_null(failure(state, "one"));
    assert_int_equal(failure(state, "other")->count, 1);
    state_succeed(state, "other");
    assert_null(state->troubles);
    state_succeed(state, "other");
    states_finish(&states);
}

/* It takes no memory while all is well. */
static void what_gitlab_said_outlives_failures(void **test)
{
    struct states states = {0};
    struct state *state = states_get(&states, "GitLabRunner/ci/builds");

    (void)test;
    state_note_gitlab(state, &none);
    state_rest(state);
    assert_null(state->troubles);
    state_note_gitlab(state, &refused);
    state_fail(state, "one", &refused, 1000);
    state_rest(state);
    assert_null(failure(state, "one"));
    assert_string_equal(state_troubles(state)->gitlab_err.reason, "Forbidden");
    state_note_gitlab(state, &none);
    state_rest(state);
    assert_null(state->troubles);
    states_finish(&states);
}

static void of_too_many_the_one_that_is_due_first_is_forgotten(void **test)
{
    static const char *const rules[ATTEMPTS_MAX] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    struct states states = {0};
    struct state *state = states_get(&states, "GitLabRunner/ci/builds");

    (void)test;
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        state_fail(state, rules[i], &refused, i == 3 ? 0 : 100000);
    state_fail(state, "new", &refused, 100000);
    assert_int_equal(state_troubles(state)->len, ATTEMPTS_MAX);
    assert_null(failure(state, "3"));
    assert_non_null(failure(state, "new"));
    state_forgive(state);
    assert_int_equal(state_troubles(state)->len, 0);
    states_finish(&states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_remembered_until_it_succeeds),
        cmocka_unit_test(what_gitlab_said_outlives_failures),
        cmocka_unit_test(of_too_many_the_one_that_is_due_first_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
