/* The gate before GitLab's hosts: who goes, who waits in line, who is refused, and that hosts do not mind each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gitlab/gate.h"
#include "net/loop.h"

enum { PLACES = 3, CALLERS = 20, GUARD_MS = 10000 };

#define A "https://a.test"
#define B "https://b.test"

struct caller {
    struct gate_pass pass;
    int order; /* when it was let in: 1, 2, …; 0: not yet */
    int refusals;
};

static struct world {
    struct loop *loop;
    struct gate *gate;
    struct loop_timer *guard;
    struct caller callers[CALLERS];
    int let_in, refused, refusals_wanted;
} w;

static void on_guard(void *arg)
{
    (void)arg;
    fail_msg("nothing happened within %d ms", GUARD_MS);
}

static void go(struct gate_pass *pass, const struct err *refusal)
{
    struct caller *c = container_of(pass, struct caller, pass);

    if (!refusal) {
        c->order = ++w.let_in;
        return;
    }
    assert_int_equal(refusal->kind, ERR_RETRY);
    c->refusals++;
    if (++w.refused == w.refusals_wanted)
        loop_stop(w.loop);
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.loop = loop_create()};
    w.gate = gate_create(w.loop, PLACES);
    w.guard = loop_timer_create(w.loop, on_guard, NULL);
    for (size_t i = 0; i < CALLERS; i++)
        w.callers[i].pass.go = go;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < CALLERS; i++)
        gate_cancel(w.gate, &w.callers[i].pass);
    gate_destroy(w.gate);
    loop_timer_destroy(w.guard);
    loop_destroy(w.loop);
    return 0;
}

static void enter(size_t first, size_t end, const char *url)
{
    for (size_t i = first; i < end; i++)
        gate_enter(w.gate, &w.callers[i].pass, url, NULL);
}

static void leave(size_t i, enum host_outcome outcome)
{
    struct err err;

    err_set(&err, ERR_RETRY, "Timeout", "no answer");
    gate_leave(w.gate, &w.callers[i].pass, outcome, &err);
}

static void wait_for_refusals(int n)
{
    w.refusals_wanted = n;
    loop_timer_set(w.guard, GUARD_MS);
    loop_run(w.loop);
    loop_timer_set(w.guard, -1);
    assert_int_equal(w.refused, n);
}

static struct gate_info info_of(const char *name)
{
    struct gate_info info;

    for (size_t i = 0; gate_info(w.gate, i, &info); i++)
        if (strcmp(info.name, name) == 0)
            return info;
    fail_msg("%s is not known", name);
    return info;
}

static void first_come_first_served(void **state)
{
    (void)state;
    enter(0, 7, A);
    assert_int_equal(w.let_in, PLACES);
    assert_int_equal(info_of(A).waiting, 4);
    assert_int_equal(info_of(A).host->in_flight, PLACES);
    leave(1, HOST_ANSWERED);
    leave(0, HOST_FAILED);
    leave(2, HOST_DROPPED);
    leave(3, HOST_ANSWERED);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(w.callers[i].order, i + 1);
    assert_int_equal(info_of(A).waiting, 0);
}

static void who_gives_up_while_waiting_is_skipped(void **state)
{
    (void)state;
    enter(0, 6, A);
    gate_cancel(w.gate, &w.callers[4].pass);
    gate_cancel(w.gate, &w.callers[3].pass);
    gate_cancel(w.gate, &w.callers[0].pass); /* one that is under way gives its place to the next */
    assert_int_equal(w.callers[5].order, 4);
    assert_int_equal(w.callers[3].order + w.callers[4].order, 0);
    assert_int_equal(info_of(A).host->in_flight, PLACES);
}

static void a_full_host_holds_up_no_other(void **state)
{
    (void)state;
    enter(0, 6, A);
    enter(6, 8, B);
    assert_int_equal(w.callers[6].order, 4);
    assert_int_equal(w.callers[7].order, 5);
}

/* The fifth failure opens the breaker: who is in line is told at once, and so is everybody who comes. */
static void a_dead_host_is_told_to_all_at_once(void **state)
{
    (void)state;
    enter(0, 12, A);
    for (size_t i = 0; i < 5; i++)
        leave(i, HOST_FAILED);
    assert_int_equal(w.let_in, 7);
    assert_int_equal(w.refused, 0); /* never from within */
    wait_for_refusals(5);
    for (size_t i = 7; i < 12; i++)
        assert_int_equal(w.callers[i].refusals, 1);
    enter(12, 13, A);
    wait_for_refusals(6);
    assert_string_equal(w.callers[12].pass.refusal.reason, "GitLabUnavailable");
    assert_non_null(strstr(w.callers[12].pass.refusal.text, A));
    assert_true(w.callers[12].pass.refusal.retry_after_ms > 0);
    enter(13, 14, B);
    assert_int_equal(w.callers[13].order, 8);
    assert_int_equal(info_of(A).host->state, HOST_OPEN);
    assert_int_equal(info_of(A).host->refused, 6);
    assert_int_equal(info_of(B).host->state, HOST_CLOSED);
}

static void a_refusal_can_still_be_cancelled(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_RETRY, "HostNotAllowed", "not there");
    gate_refuse(w.gate, &w.callers[0].pass, &err);
    gate_refuse(w.gate, &w.callers[1].pass, &err);
    gate_cancel(w.gate, &w.callers[0].pass);
    wait_for_refusals(1);
    assert_int_equal(w.callers[0].refusals, 0);
    assert_int_equal(w.callers[1].refusals, 1);
    assert_string_equal(w.callers[1].pass.refusal.text, "not there");
}

static void a_host_is_scheme_name_port_and_address(void **state)
{
    static const struct {
        const char *url, *address, *name;
    } cases[] = {
        {"https://a.test/root", NULL, "https://a.test"},
        {"HTTPS://A.test", NULL, "https://a.test"},
        {"https://a.test:8443/x", NULL, "https://a.test:8443"},
        {"http://a.test", NULL, "http://a.test"},
        {"https://a.test", "10.0.0.1", "https://a.test at 10.0.0.1"},
        {"https://[::1]:8443", "fd00::2", "https://[::1]:8443 at fd00::2"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gate_info last = {0}, info;
        gate_enter(w.gate, &w.callers[i].pass, cases[i].url, cases[i].address);
        for (size_t n = 0; gate_info(w.gate, n, &info); n++)
            last = info;
        assert_string_equal(last.name, cases[i].name);
    }
}

/* Names come from the specs of users. */
static void only_so_many_hosts_are_remembered(void **state)
{
    struct gate_info info;
    char url[64];
    size_t known = 0;

    (void)state;
    enter(0, 1, A);
    for (int i = 0; i < 3 * GATE_HOSTS_MAX; i++) {
        snprintf(url, sizeof(url), "https://%d.test", i);
        enter(1, 2, url);
        leave(1, HOST_ANSWERED);
    }
    while (gate_info(w.gate, known, &info))
        known++;
    assert_int_equal(known, GATE_HOSTS_MAX);
    assert_int_equal(info_of(A).host->in_flight, 1); /* never one that has calls */
    assert_int_equal(info_of(url).host->calls, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_come_first_served),           TEST(who_gives_up_while_waiting_is_skipped),
        TEST(a_full_host_holds_up_no_other),     TEST(a_dead_host_is_told_to_all_at_once),
        TEST(a_refusal_can_still_be_cancelled),  TEST(a_host_is_scheme_name_port_and_address),
        TEST(only_so_many_hosts_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
