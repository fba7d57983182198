/* What is remembered of failures. */
#include "golden.h"

#include <stdio.h>

#include "base/mem.h"
#include "runner/memory.h"

static const struct err refused = {.kind = ERR_DENIED, .reason = "Forbidden", .text = "no right"};
static const struct err none = {.kind = ERR_NONE};

static const struct failure *failure(const struct memory *m, const char *rule)
{
    const struct troubles *t = memory_troubles(m);

    for (size_t i = 0; i < t->len; i++)
        if (strcmp(t->failures[i].attempt.rule, rule) == 0)
            return &t->failures[i];
    return NULL;
}

static void a_failure_is_remembered_until_it_succeeds(void **test)
{
    struct memory m = {0};

    (void)test;
    memory_fail(&m, "one", &refused, 1000, 0);
    memory_fail(&m, "one", &refused, 2000, 0);
    memory_fail(&m, "other", &refused, 3000, 0);
    assert_int_equal(failure(&m, "one")->count, 2);
    assert_true(failure(&m, "one")->attempt.retry_at_ms > 3000);
    memory_succeed(&m, "one");
    memory_succeed(&m, "nothing");
    assert_null(failure(&m, "one"));
    assert_int_equal(failure(&m, "other")->count, 1);
    memory_succeed(&m, "other");
    assert_null(m.troubles);
    memory_succeed(&m, "other");
    memory_finish(&m);
}

/* From a second on each is twice the one before, up to five minutes; chance makes it up to a quarter shorter. */
static void failures_in_a_row_are_tried_again_later_and_later(void **test)
{
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000};
    struct err busy = {.kind = ERR_RETRY, .reason = "RateLimited", .text = "later", .retry_after_ms = 300001};
    struct memory longest = {0}, shortest = {0};

    (void)test;
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
        memory_fail(&longest, "one", &refused, 7, 0);
        memory_fail(&shortest, "one", &refused, 7, (uint32_t)pauses[i] / 4);
        assert_int_equal(failure(&longest, "one")->attempt.retry_at_ms, 7 + pauses[i]);
        assert_int_equal(failure(&shortest, "one")->attempt.retry_at_ms, 7 + pauses[i] * 3 / 4);
    }
    memory_fail(&longest, "one", &busy, 7, 0);
    assert_int_equal(failure(&longest, "one")->attempt.retry_at_ms, 7 + 300001);
    memory_finish(&longest);
    memory_finish(&shortest);
}

/* It takes no memory while all is well. */
static void what_gitlab_said_outlives_failures(void **test)
{
    struct memory m = {0};

    (void)test;
    memory_note_gitlab(&m, &none);
    memory_rest(&m);
    assert_null(m.troubles);
    memory_note_gitlab(&m, &refused);
    memory_fail(&m, "one", &refused, 1000, 0);
    memory_rest(&m);
    assert_null(failure(&m, "one"));
    assert_string_equal(memory_troubles(&m)->gitlab_err.reason, "Forbidden");
    memory_note_gitlab(&m, &none);
    memory_rest(&m);
    assert_null(m.troubles);
    memory_finish(&m);
}

static void of_too_many_the_one_that_is_due_first_is_forgotten(void **test)
{
    static const char *const rules[ATTEMPTS_MAX] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    struct memory m = {0};

    (void)test;
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        memory_fail(&m, rules[i], &refused, i == 3 ? 0 : 100000, 0);
    memory_fail(&m, "new", &refused, 100000, 0);
    assert_int_equal(memory_troubles(&m)->len, ATTEMPTS_MAX);
    assert_null(failure(&m, "3"));
    assert_non_null(failure(&m, "new"));
    memory_forgive(&m);
    assert_int_equal(memory_troubles(&m)->len, 0);
    memory_finish(&m);
}

/* An edit, or what the spec names is another: what was found out by the former credential counts no more, but for the
 * doubt itself. */
static void what_is_forgiven_is_looked_for_again(void **test)
{
    struct memory m = {.doubt = DOUBT_SEARCHED, .found_id = 4, .reach = REACH_NO};

    (void)test;
    memory_forgive(&m);
    assert_true(m.doubt == DOUBT_LOST && m.found_id == 0 && m.reach == REACH_UNKNOWN);
    m.doubt = DOUBT_UNREAD;
    memory_forgive(&m);
    assert_true(m.doubt == DOUBT_UNREAD);
    memory_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_remembered_until_it_succeeds),
        cmocka_unit_test(failures_in_a_row_are_tried_again_later_and_later),
        cmocka_unit_test(what_gitlab_said_outlives_failures),
        cmocka_unit_test(what_is_forgiven_is_looked_for_again),
        cmocka_unit_test(of_too_many_the_one_that_is_due_first_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
