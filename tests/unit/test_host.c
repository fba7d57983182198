/* The breaker before a host: each way through its states, and what a thousand callers cost a host that is down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "gitlab/host.h"

enum { CALLS_MAX = 64 };

static const struct host_limits limits = {.threshold = 3, .pauses = {1000, 8000, 25}};

/* ---------------------------------------------------------------------------------------------------------------------
 * Scripts. Words:
 *   +  -           a caller asks, and goes, or is refused
 *   a f l d lN     the oldest call ends: answered, failed, limited (429), dropped, limited for N ms
 *   A F L D        the newest call ends
 *   @N             it is N ms since the beginning
 *   =STATE         what the state is now
 *   wN             who is refused now comes back in N ms (without jitter) */

struct script {
    struct host host;
    int64_t now_ms;
    unsigned calls[CALLS_MAX]; /* their epochs */
    size_t first, end;
};

static void end_call(struct script *s, char how, int64_t retry_after_ms)
{
    static const struct {
        char letter;
        enum host_outcome outcome;
    } outcomes[] = {{'a', HOST_ANSWERED}, {'f', HOST_FAILED}, {'l', HOST_LIMITED}, {'d', HOST_DROPPED}};
    bool newest = how < 'a';
    unsigned epoch = newest ? s->calls[--s->end] : s->calls[s->first++];
    struct err err;

    err_set(&err, ERR_RETRY, "Timeout", "why it failed");
    err.retry_after_ms = retry_after_ms;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        if (outcomes[i].letter == (how | 0x20))
            host_leave(&s->host, &limits, epoch, outcomes[i].outcome, &err, s->now_ms, 0);
}

static char ask(struct script *s)
{
    if (host_enter(&s->host, s->now_ms, &s->calls[s->end])) {
        s->end++;
        return '+';
    }
    return '-';
}

static bool follow(struct script *s, const char *word)
{
    int64_t number = word[1] ? strtoll(word + 1, NULL, 10) : 0;

    if (strchr("+-", *word))
        return ask(s) == *word;
    if (strchr("afldAFLD", *word))
        end_call(s, *word, number);
    else if (*word == '@')
        s->now_ms = number;
    else if (*word == '=')
        return strcmp(host_state_name(s->host.state), word + 1) == 0;
    else if (*word == 'w')
        return host_refusal(&s->host, s->now_ms, 0).retry_after_ms == number;
    else
        return false;
    return true;
}

static const struct {
    const char *what, *words;
} scripts[] = {
    {"a healthy host stays closed", "+ a + a + a =closed"},
    {"fewer failures in a row than the threshold do nothing", "+ f + f =closed + a + f + f =closed"},
    {"the threshold opens it", "+ f + f + f =open -"},
    {"failures of calls at the same time count too", "+ + f f =closed + f =open"},
    {"refused until the pause is over", "+ f + f + f @999 - w1 @1000 + =half-open"},
    {"one probe, whoever else asks", "+ f + f + f @1000 + - - @60000 - -"},
    {"an answer to the probe closes it", "+ f + f + f @1000 + - a =closed + +"},
    {"after an answer the next pause is the first again", "+ f + f + f @1000 + a + f + f + f @1999 - @2000 +"},
    {"a failed probe doubles the pause", "+ f + f + f @1000 + f =open @2999 - @3000 + f @6999 - @7000 +"},
    {"… up to the longest", "+ f + f + f @1000 + f @3000 + f @7000 + f w8000 @15000 + f w8000 @22999 - @23000 +"},
    {"a probe that nobody waits for leaves it to the next one", "+ f + f + f @1000 + d =open + =half-open a =closed"},
    {"a dropped call is no failure", "+ f + f + d =closed + f =open"},
    {"late failures do not lengthen the pause", "+ + f + f + f =open F w1000 @1000 +"},
    {"a late answer does not end the pause", "+ + F + F + F =open a =open -"},
    {"a late answer is not the probe's", "+ + F + F + F @1000 + a =half-open - f =open"},
    {"calls before the probe are not its outcome", "+ + F + F + F =open @1000 + - a =half-open A =closed"},
    {"429 opens it for as long as it says", "+ l5000 =open w5000 @4999 - @5000 + a =closed"},
    {"429 from one caller stops them all", "+ + l3000 - F - @3000 + a =closed"},
    {"429 for a day is not kept by everybody", "+ l86400000 w8000 @8000 +"},
    {"429 without a time is as a failed probe", "+ l w1000 @1000 + l w2000 @3000 + a + l w1000"},
    {"the probe may be told to wait", "+ f + f + f @1000 + l4000 =open @4999 - @5000 +"},
};

static void follows_the_script(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct script s = {.now_ms = 0};
        cleanup_free char *words = mem_strdup(scripts[i].words);
        char *rest = words, *word;
        for (int n = 1; (word = strsep(&rest, " ")); n++)
            if (!follow(&s, word))
                fail_msg("%s: word %d, %s, of \"%s\"", scripts[i].what, n, word, scripts[i].words);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What people see */

/* Word for word what the last call came to, whoever asks and whenever: or the status of each runner would go to and fro
 * between what its own call said and that it was not made. */
static void says_what_the_last_call_said(void **state)
{
    struct script s = {.now_ms = 0};

    (void)state;
    for (const char *word = "+f+f+f"; *word; word++)
        follow(&s, (char[]){*word, '\0'});
    for (int64_t now = 0; now < 900; now += 100) {
        struct err err = host_refusal(&s.host, now, (uint32_t)now * 31);
        assert_int_equal(err.kind, ERR_RETRY);
        assert_string_equal(err.reason, "Timeout");
        assert_string_equal(err.text, "why it failed");
        assert_true(err.untried);
    }
    s = (struct script){.now_ms = 0};
    follow(&s, "+");
    follow(&s, "l7000");
    assert_string_equal(host_refusal(&s.host, 0, 0).text, "why it failed");
}

static void jitter_only_shortens_a_pause_and_spreads_the_refused(void **state)
{
    int64_t min_pause = INT64_MAX, max_pause = 0, min_wait = INT64_MAX, max_wait = 0;

    (void)state;
    for (uint32_t random = 0; random < 100000; random += 7) {
        struct host h = {.failures = 2};
        const struct err err = {.kind = ERR_RETRY};
        unsigned epoch;
        host_enter(&h, 0, &epoch);
        host_leave(&h, &limits, epoch, HOST_FAILED, &err, 0, random);
        int64_t wait = host_refusal(&h, 0, random * 31).retry_after_ms - h.open_until_ms;
        min_pause = h.open_until_ms < min_pause ? h.open_until_ms : min_pause;
        max_pause = h.open_until_ms > max_pause ? h.open_until_ms : max_pause;
        min_wait = wait < min_wait ? wait : min_wait;
        max_wait = wait > max_wait ? wait : max_wait;
    }
    assert_in_range(min_pause, 750, 760);
    assert_in_range(max_pause, 990, 1000);
    assert_in_range(min_wait, 0, 10);
    assert_in_range(max_wait, 490, 500);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Properties */

/* Random callers, outcomes and times: what must hold in every state. */
static void keeps_its_promises_whatever_happens(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        struct script s = {.now_ms = 0};
        for (int step = 0; step < 400; step++) {
            static const char ends[] = "aafffldAFLD";
            enum host_state before = s.host.state;
            s.now_ms += rand() % 700;
            bool due = s.now_ms >= s.host.open_until_ms;
            if (rand() % 2 && s.end < CALLS_MAX) {
                bool refused = host_refuses(&s.host, s.now_ms);
                char verdict = ask(&s);
                assert_int_equal(verdict == '-', before == HOST_HALF_OPEN || (before == HOST_OPEN && !due));
                assert_int_equal(verdict == '-', refused);
                assert_true(verdict != '+' || before == HOST_CLOSED || s.host.state == HOST_HALF_OPEN);
            } else if (s.first < s.end) {
                end_call(&s, ends[rand() % (sizeof(ends) - 1)], rand() % 20000);
            }
            assert_int_equal(s.host.in_flight, s.end - s.first);
            assert_true(s.host.open_until_ms <= s.now_ms + limits.pauses.max_ms);
            assert_true(s.host.state != HOST_CLOSED || s.host.failures < limits.threshold);
            if (s.end == CALLS_MAX)
                break;
        }
    }
}

/* A thousand runners, each with its own backoff, want a host that is down for two hours, and then is back. */
enum { CALLERS = 1000, DOWN_S = 7200, BACK_S = 900 };

struct caller {
    int64_t due_ms, delay_ms;
    bool done;
};

static void come_back(struct caller *c, int64_t now_ms, int64_t retry_after_ms)
{
    c->delay_ms = c->delay_ms ? c->delay_ms * 2 : 1000;
    c->delay_ms = c->delay_ms > 300000 ? 300000 : c->delay_ms;
    int64_t wait = c->delay_ms / 2 + rand() % (c->delay_ms / 2 + 1) + c->delay_ms / 4;
    c->due_ms = now_ms + (retry_after_ms > wait ? retry_after_ms : wait);
}

static bool call(struct host *h, struct caller *c, bool up, int64_t now_ms)
{
    const struct host_limits *real = &host_default_limits;
    const struct err err = {.kind = ERR_RETRY};
    unsigned epoch;

    if (!host_enter(h, now_ms, &epoch)) {
        come_back(c, now_ms, host_refusal(h, now_ms, (uint32_t)rand()).retry_after_ms);
        return false;
    }
    host_leave(h, real, epoch, up ? HOST_ANSWERED : HOST_FAILED, &err, now_ms, (uint32_t)rand());
    c->done = up;
    if (!up)
        come_back(c, now_ms, 0);
    return true;
}

static void two_hours_down_cost_a_few_calls_and_the_return_is_no_stampede(void **state)
{
    struct host h = {.state = HOST_CLOSED};
    struct caller *callers = mem_alloc(CALLERS * sizeof(*callers));
    int calls = 0, busiest = 0, done = 0;

    (void)state;
    srand(11);
    for (int64_t s = 0; s < DOWN_S + BACK_S; s++) {
        int this_second = 0;
        for (int i = 0; i < CALLERS; i++)
            if (!callers[i].done && callers[i].due_ms <= s * 1000)
                this_second += call(&h, &callers[i], s >= DOWN_S, s * 1000);
        calls += s < DOWN_S ? this_second : 0;
        busiest = s >= DOWN_S && this_second > busiest ? this_second : busiest;
    }
    for (int i = 0; i < CALLERS; i++)
        done += callers[i].done;
    free(callers);
    /* the threshold, some ten pauses that double, then one call in five minutes less a quarter */
    assert_in_range(calls, 20, 5 + 10 + DOWN_S / 225 + 1);
    assert_int_equal(done, CALLERS);
    assert_in_range(busiest, 1, CALLERS / 50);
}

static void the_real_limits_are_those_that_are_promised(void **state)
{
    (void)state;
    assert_int_equal(host_default_limits.threshold, 5);
    assert_int_equal(host_default_limits.pauses.min_ms, 1000);
    assert_int_equal(host_default_limits.pauses.max_ms, 5 * 60 * 1000);
    assert_int_equal(host_default_limits.pauses.jitter_percent, 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_script),
        cmocka_unit_test(the_real_limits_are_those_that_are_promised),
        cmocka_unit_test(says_what_the_last_call_said),
        cmocka_unit_test(jitter_only_shortens_a_pause_and_spreads_the_refused),
        cmocka_unit_test(keeps_its_promises_whatever_happens),
        cmocka_unit_test(two_hours_down_cost_a_few_calls_and_the_return_is_no_stampede),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
