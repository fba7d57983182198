/* The gate before GitLab's hosts: who goes, who waits in line, who is refused, and that hosts do not mind each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gitlab/gate.h"
#include "gitlab/gate_parts.h"
#include "net/loop.h"

enum { PLACES = 6, CALLERS = 100, GUARD_MS = 10000 * SLOWNESS };

#define A "https://a.test"
#define B "https://b.test"

struct caller {
    struct gate_pass pass;
    int order; /* when it was let in: 1, 2, …; 0: not yet */
    int refusals;
    struct err told;
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
    c->told = *refusal;
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

/* As the calls of api.c do. */
static enum gate_verdict enter_door(size_t i, const struct gate_door *door)
{
    struct caller *c = &w.callers[i];
    struct err err = {0};
    enum gate_verdict verdict = gate_enter(w.gate, &c->pass, door, &err);

    if (verdict == GATE_GO)
        go(&c->pass, NULL);
    if (verdict == GATE_REFUSE)
        go(&c->pass, &err);
    return verdict;
}

static void enter_of(const char *ns, size_t first, size_t end, const char *url)
{
    for (size_t i = first; i < end; i++)
        enter_door(i, &(struct gate_door){.url = url, .ns = ns});
}

static void enter(size_t first, size_t end, const char *url)
{
    enter_of("one", first, end, url);
}

/* A request that ends so, and with it the call. */
static void end(size_t i, enum host_outcome transport, enum host_outcome answer)
{
    struct gate_pass *pass = &w.callers[i].pass;
    struct err err;

    err_set(&err, ERR_RETRY, "Timeout", "no answer");
    if (!pass->answers)
        assert_true(gate_begin(w.gate, pass, &err));
    gate_end(w.gate, pass, transport, answer, &err);
    gate_cancel(w.gate, pass);
}

static void leave(size_t i, enum host_outcome outcome)
{
    end(i, outcome, HOST_DROPPED);
}

static size_t let_in(size_t first, size_t end_)
{
    size_t n = 0;

    for (size_t i = first; i < end_; i++)
        n += w.callers[i].order > 0;
    return n;
}

static void wait_for_refusals(int n)
{
    w.refusals_wanted = n;
    loop_timer_set(w.guard, GUARD_MS);
    loop_run(w.loop);
    loop_timer_set(w.guard, -1);
    assert_int_equal(w.refused, n);
}

static struct gate_sight info_of(const char *name)
{
    struct gate_sight sights[GATE_SIGHTS + 1];
    size_t len = gate_sights(w.gate, sights);

    for (size_t i = 0; i < len; i++)
        if (strcmp(sights[i].name, name) == 0)
            return sights[i];
    fail_msg("%s is not known", name);
    return sights[0];
}

/* Of six places one namespace gets three. */
static void first_come_first_served(void **state)
{
    (void)state;
    enter(0, 7, A);
    assert_int_equal(w.let_in, 3);
    assert_int_equal(info_of(A).waiting, 4);
    assert_int_equal(info_of(A).inside, 3);
    leave(1, HOST_ANSWERED);
    leave(0, HOST_FAILED);
    leave(2, HOST_DROPPED);
    leave(3, HOST_ANSWERED);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(w.callers[i].order, i + 1);
    assert_int_equal(gate_waiting(w.gate), 0);
}

static void who_gives_up_while_waiting_is_skipped(void **state)
{
    (void)state;
    enter(0, 6, A);
    gate_cancel(w.gate, &w.callers[4].pass);
    gate_cancel(w.gate, &w.callers[3].pass);
    gate_cancel(w.gate, &w.callers[0].pass); /* one that has a place gives it to the next */
    assert_int_equal(w.callers[5].order, 4);
    assert_int_equal(w.callers[3].order + w.callers[4].order, 0);
    assert_int_equal(info_of(A).inside, 3);
}

static void a_full_host_holds_up_no_other(void **state)
{
    (void)state;
    enter(0, 6, A);
    enter(6, 8, B);
    assert_int_equal(w.callers[6].order, 4);
    assert_int_equal(w.callers[7].order, 5);
}

/* However slow the answers to the first are. */
static void a_namespace_that_fills_a_host_leaves_places_for_the_next(void **state)
{
    (void)state;
    enter_of("slow", 0, 20, A);
    enter_of("next", 20, 22, A);
    enter_of("third", 22, 24, A);
    assert_int_equal(let_in(0, 20), 3);
    assert_int_equal(let_in(20, 22), 2);
    assert_int_equal(let_in(22, 24), 1);
    assert_int_equal(info_of(A).inside, PLACES);
}

/* A place that is free is for whoever has the fewest, and those who wait take turns. */
static void those_who_wait_take_turns_by_namespace(void **state)
{
    (void)state;
    enter_of("a", 0, 10, A);
    enter_of("b", 10, 20, A);
    enter_of("c", 20, 30, A);
    enter_of("d", 30, 31, A);
    assert_int_equal(let_in(0, 31), PLACES);
    assert_int_equal(w.callers[30].order, 0);
    for (int freed = 0; !w.callers[30].order; freed++) {
        assert_in_range(freed, 0, 3);
        for (size_t i = 0; i < 30; i++)
            if (w.callers[i].pass.state == PASS_INSIDE) {
                leave(i, HOST_ANSWERED);
                break;
            }
    }
}

/* Those who could take one and want none keep nobody away. */
static void a_place_goes_past_who_does_not_wait(void **state)
{
    (void)state;
    enter_of("a", 0, 3, A);
    enter_of("b", 10, 12, A);
    enter_of("c", 20, 22, A);
    assert_int_equal(let_in(0, 30), PLACES);
    assert_int_equal(w.callers[21].order, 0);
    leave(0, HOST_ANSWERED);
    leave(1, HOST_ANSWERED);
    assert_int_equal(w.callers[21].order, PLACES + 1);
}

static void of_one_namespace_the_urgent_go_first(void **state)
{
    (void)state;
    enter(0, 6, A);
    enter_door(6, &(struct gate_door){.url = A, .ns = "one", .urgent = true});
    leave(0, HOST_ANSWERED);
    assert_int_equal(w.callers[6].order, 4);
    assert_int_equal(w.callers[3].order, 0);
}

/* Half of the places at all hosts, however many hosts it names. */
static void a_namespace_has_a_share_of_all_places(void **state)
{
    char url[32];

    (void)state;
    for (size_t i = 0; i < 90; i++) {
        snprintf(url, sizeof(url), "https://%zu.test", i % 30);
        enter_of("many", i, i + 1, url);
    }
    assert_int_equal(let_in(0, 90), GATE_PLACES / 2);
    assert_int_equal(gate_inside(w.gate), GATE_PLACES / 2);
    enter_of("other", 90, 92, B);
    assert_int_equal(let_in(90, 92), 2);
    for (size_t i = 0; i < 92; i++)
        gate_cancel(w.gate, &w.callers[i].pass);
    assert_int_equal(gate_inside(w.gate) + gate_waiting(w.gate), 0);
}

/* The fifth failure to connect opens the breaker: who is in line is told at once, and so is everybody who comes. */
static void a_dead_host_is_told_to_all_at_once(void **state)
{
    (void)state;
    enter(0, 12, A);
    enter_of("other", 12, 13, A "/elsewhere");
    for (size_t i = 0; i < 5; i++)
        leave(i, HOST_FAILED);
    assert_int_equal(let_in(0, 12), 7);
    assert_int_equal(w.refused, 0); /* never from within */
    wait_for_refusals(5);
    for (size_t i = 7; i < 12; i++)
        assert_int_equal(w.callers[i].refusals, 1);
    assert_int_equal(enter_door(13, &(struct gate_door){.url = A, .ns = "other"}), GATE_REFUSE);
    enter(14, 15, B);
    assert_int_equal(w.callers[14].order, 9);
    assert_int_equal(info_of(A).transport->state, HOST_OPEN);
}

/* What a URL answers is between it and the namespace that has called it. */
static void a_server_that_fails_is_told_to_its_callers_alone(void **state)
{
    static const enum host_outcome outcomes[] = {HOST_FAILED, HOST_LIMITED};

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(outcomes); n++) {
        const char *url = n ? A "/limited" : A "/failing";
        int refused = w.refused;
        for (size_t i = 0; i < 5; i++) {
            enter_of("one", i, i + 1, url);
            if (w.refused > refused)
                break;
            end(i, HOST_ANSWERED, outcomes[n]);
        }
        assert_int_equal(enter_door(10, &(struct gate_door){.url = url, .ns = "one"}), GATE_REFUSE);
        assert_int_equal(enter_door(11, &(struct gate_door){.url = url, .ns = "two"}), GATE_GO);
        assert_int_equal(enter_door(12, &(struct gate_door){.url = A, .ns = "one"}), GATE_GO);
        gate_cancel(w.gate, &w.callers[11].pass);
        gate_cancel(w.gate, &w.callers[12].pass);
        assert_int_equal(info_of(A).transport->state, HOST_CLOSED);
    }
}

/* Nor do they concern another credential of that namespace, or the same at another path. */
static void what_one_caller_is_answered_keeps_no_other_away(void **state)
{
    static const enum host_outcome outcomes[] = {HOST_FAILED, HOST_LIMITED};

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(outcomes); n++) {
        const struct gate_door failing = {.url = A, .ns = "one", .caller = 10 + n},
                               other = {.url = A, .ns = "one", .caller = 20 + n};
        for (size_t i = 0; i < (n ? 1 : 5); i++) {
            assert_int_equal(enter_door(0, &failing), GATE_GO);
            end(0, HOST_ANSWERED, outcomes[n]);
            assert_int_equal(enter_door(1, &other), GATE_GO); /* nor is it the others' merit when it goes well */
            end(1, HOST_ANSWERED, HOST_ANSWERED);
        }
        assert_int_equal(enter_door(0, &failing), GATE_REFUSE);
        assert_true(w.callers[0].told.untried);
        assert_int_equal(enter_door(1, &other), GATE_GO);
        gate_cancel(w.gate, &w.callers[1].pass);
        assert_int_equal(info_of(A).held, n + 1);
    }
}

static void in_line_only_those_are_told_whom_it_concerns(void **state)
{
    const struct gate_door failing = {.url = A, .ns = "one", .caller = 1}, other = {.url = A, .ns = "one", .caller = 2};

    (void)state;
    for (size_t i = 0; i < 10; i++)
        enter_door(i, i % 2 ? &other : &failing);
    end(0, HOST_ANSWERED, HOST_LIMITED); /* two of three places are theirs still, and one is for the next in line */
    wait_for_refusals(3);
    for (size_t i = 4; i < 10; i++)
        assert_int_equal(w.callers[i].refusals, i % 2 == 0);
    assert_true(gate_is_for(&w.callers[1].pass, &other));
    assert_false(gate_is_for(&w.callers[1].pass, &failing));
}

/* Any number of credentials may wait in line, and fail; those that are remembered have a number. */
static void callers_without_number_are_few_to_remember(void **state)
{
    struct gate_door door = {.url = A, .ns = "loud"};

    (void)state;
    enter_door(90, &(struct gate_door){.url = A, .ns = "quiet", .caller = 1});
    end(90, HOST_ANSWERED, HOST_LIMITED);
    for (size_t i = 0; i < 3 * GATE_ANSWERS; i++) {
        door.caller = i;
        assert_int_equal(enter_door(0, &door), GATE_GO);
        end(0, HOST_ANSWERED, HOST_LIMITED);
    }
    assert_int_equal(info_of(A).held, GATE_ANSWERS + 1);
    assert_int_equal(enter_door(0, &door), GATE_REFUSE); /* the last is remembered, the first is not */
    assert_int_equal(enter_door(91, &(struct gate_door){.url = A, .ns = "quiet", .caller = 1}), GATE_REFUSE);
    door.caller = 0;
    assert_int_equal(enter_door(0, &door), GATE_GO);
    for (size_t i = 1; i < 80; i++) {
        door.caller = 1000 + i;
        assert_int_equal(enter_door(i, &door), i < 3 ? GATE_GO : GATE_WAIT);
    }
}

/* Of those who call no more nothing is kept. */
static void what_was_answered_long_ago_is_forgotten(void **state)
{
    const int64_t now = loop_now(w.loop);

    (void)state;
    for (uint64_t i = 0; i < 2; i++)
        enter_door(i, &(struct gate_door){.url = A, .ns = "one", .caller = 1 + i});
    end(0, HOST_ANSWERED, HOST_LIMITED);
    struct gate_server *server = w.callers[1].pass.server;
    gate_answers_of(server, 3, now + GATE_FORGET_MS / 2);
    assert_non_null(gate_answers_known(server, 1));
    gate_answers_of(server, 4, now + GATE_FORGET_MS * 2);
    assert_null(gate_answers_known(server, 1));
}

static void note_host(void *arg, const char *host)
{
    snprintf(arg, 100, "%s", host);
}

static void who_follows_is_told_of_each_call_that_begins(void **state)
{
    char called[100] = "";

    (void)state;
    gate_follow(w.gate, note_host, called);
    enter(0, 1, A "/root");
    assert_string_equal(called, "");
    leave(0, HOST_ANSWERED);
    assert_string_equal(called, A);
    gate_follow(w.gate, NULL, NULL);
    enter(1, 2, B);
    leave(1, HOST_ANSWERED);
    assert_string_equal(called, A);
}

static enum gate_verdict enter_proxied(size_t i, const char *url)
{
    return enter_door(i, &(struct gate_door){.url = url, .ns = "one", .proxied = true});
}

/* A proxy is the transport of all hosts behind it, and of no other; what it says of a host is that host's alone. */
static void a_dead_proxy_is_told_to_all_behind_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) { /* alive: it cannot connect to A */
        enter_proxied(i, A);
        end(i, HOST_FAILED, HOST_DROPPED);
    }
    assert_int_equal(enter_proxied(5, A), GATE_REFUSE);
    assert_true(w.callers[5].told.untried);
    for (size_t i = 10; i < 15; i++) {
        assert_int_equal(enter_proxied(i, B), GATE_GO);
        end(i, HOST_BLOCKED, HOST_DROPPED);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(enter_proxied(20 + i, i ? B : "https://c.test"), GATE_REFUSE);
        assert_true(w.callers[20 + i].told.untried); /* in the words of who has seen it fail */
    }
    assert_int_equal(gate_proxy(w.gate)->state, HOST_OPEN);
    assert_int_equal(enter_door(30, &(struct gate_door){.url = "https://direct.test", .ns = "one"}), GATE_GO);
}

/* One answer through it is enough; a call that was given up says nothing. */
static void a_proxy_that_is_found_is_alive(void **state)
{
    static const enum host_outcome outcomes[] = {HOST_BLOCKED, HOST_BLOCKED, HOST_BLOCKED, HOST_BLOCKED, HOST_ANSWERED,
                                                 HOST_BLOCKED, HOST_BLOCKED, HOST_BLOCKED, HOST_BLOCKED, HOST_DROPPED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        assert_int_equal(enter_proxied(i, A), GATE_GO);
        leave(i, outcomes[i]);
        assert_int_equal(gate_proxy(w.gate)->state, HOST_CLOSED);
    }
    assert_int_equal(enter_proxied(20, A), GATE_GO);
    leave(20, HOST_BLOCKED);
    assert_int_equal(gate_proxy(w.gate)->state, HOST_OPEN);
}

/* Who waits in line of any host behind it does not wait for it. */
static void lines_behind_a_dead_proxy_are_cleared(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        enter_proxied(i, A);
    for (size_t i = 3; i < 6; i++)
        enter_proxied(i, B);
    assert_int_equal(enter_proxied(6, A), GATE_WAIT);
    assert_int_equal(enter_proxied(7, B), GATE_WAIT);
    for (size_t i = 0; i < 5; i++) {
        struct err err;
        assert_true(gate_begin(w.gate, &w.callers[3].pass, &err));
        err_set(&err, ERR_RETRY, "ProxyUnreachable", "no proxy");
        gate_end(w.gate, &w.callers[3].pass, HOST_BLOCKED, HOST_DROPPED, &err);
    }
    wait_for_refusals(2);
    assert_string_equal(w.callers[6].told.reason, "ProxyUnreachable");
    assert_string_equal(w.callers[7].told.reason, "ProxyUnreachable");
}

/* Who waits for a host behind it is told when it is known whether it is back. */
static void a_proxy_that_is_being_tried_clears_no_lines(void **state)
{
    struct err err;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        enter_proxied(i, i < 3 ? A : B);
    assert_true(gate_begin(w.gate, &w.callers[0].pass, &err));
    for (size_t i = 0; i < 5; i++) {
        assert_true(gate_begin(w.gate, &w.callers[3].pass, &err));
        err_set(&err, ERR_RETRY, "ProxyUnreachable", "no proxy");
        gate_end(w.gate, &w.callers[3].pass, HOST_BLOCKED, HOST_DROPPED, &err);
    }
    w.gate->proxy.open_until_ms = loop_now(w.loop);
    assert_int_equal(enter_proxied(7, B), GATE_WAIT);
    assert_true(gate_begin(w.gate, &w.callers[3].pass, &err));
    assert_int_equal(gate_proxy(w.gate)->state, HOST_HALF_OPEN);
    err_set(&err, ERR_RETRY, "RateLimited", "later");
    gate_end(w.gate, &w.callers[0].pass, HOST_ANSWERED, HOST_LIMITED, &err);
    assert_int_equal(w.callers[7].pass.state, PASS_IN_LINE);
}

/* A place that was kept for a call is worth nothing when the breaker opens before it is made. */
static void a_place_is_no_way_around_a_breaker(void **state)
{
    struct err err;

    (void)state;
    enter(0, 3, A);
    enter_of("two", 3, 4, A);
    for (size_t i = 0; i < 3; i++)
        assert_true(gate_begin(w.gate, &w.callers[i].pass, &err));
    for (int i = 0; i < 5; i++) {
        leave(i % 3 == 2 ? 1 : 0, HOST_FAILED);
        enter(i % 3 == 2 ? 1 : 0, i % 3 == 2 ? 2 : 1, A);
    }
    assert_false(gate_begin(w.gate, &w.callers[3].pass, &err));
    assert_true(err.untried);
    gate_cancel(w.gate, &w.callers[3].pass);
}

static void a_place_can_be_handed_over(void **state)
{
    const struct gate_door door = {.url = A, .ns = "one"};

    (void)state;
    enter(0, 1, A);
    assert_true(gate_is_for(&w.callers[0].pass, &door));
    assert_false(gate_is_for(&w.callers[0].pass, &(struct gate_door){.url = B, .ns = "one"}));
    gate_hand_over(&w.callers[0].pass, &w.callers[1].pass);
    assert_false(gate_is_for(&w.callers[0].pass, &door));
    gate_cancel(w.gate, &w.callers[0].pass);
    assert_int_equal(info_of(A).inside, 1);
    leave(1, HOST_ANSWERED);
    assert_int_equal(gate_inside(w.gate), 0);
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
    assert_string_equal(w.callers[1].told.text, "not there");
}

static void a_host_is_scheme_name_port_and_address(void **state)
{
    static const struct {
        const char *url, *address, *name;
        size_t inside;
    } cases[] = {
        {"https://a.test/root", NULL, "https://a.test", 1},
        {"HTTPS://A.test", NULL, "https://a.test", 2},
        {"https://a.test:8443/x", NULL, "https://a.test:8443", 1},
        {"http://a.test", NULL, "http://a.test", 1},
        {"https://a.test", "10.0.0.1", "https://a.test at 10.0.0.1", 1},
        {"https://[::1]:8443", "fd00::2", "https://[::1]:8443 at fd00::2", 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enter_door(i, &(struct gate_door){.url = cases[i].url, .address = cases[i].address, .ns = "one"});
        assert_int_equal(info_of(cases[i].name).inside, cases[i].inside);
    }
}

static size_t known(void)
{
    struct gate_sight sights[GATE_SIGHTS + 1];

    return gate_sights(w.gate, sights);
}

static void enter_number(size_t i, const char *ns, int number)
{
    char url[64];

    snprintf(url, sizeof(url), "https://%d.test", number);
    enter_of(ns, i, i + 1, url);
}

/* Names come from the specs of users. */
static void what_has_nothing_to_tell_is_forgotten(void **state)
{
    (void)state;
    enter(0, 1, A);
    for (int i = 0; i < 200; i++) {
        enter_number(1, "two", i);
        leave(1, HOST_ANSWERED);
    }
    assert_int_equal(known(), 1);
}

static void a_namespace_that_fills_its_share_of_names_forgets_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        enter_of("quiet", 0, 1, A "/failing");
        end(0, HOST_ANSWERED, HOST_FAILED);
    }
    for (int i = 0; i < 3 * GATE_SERVERS; i++) {
        enter_number(1, "loud", i);
        leave(1, HOST_FAILED);
    }
    assert_int_equal(known(), GATE_SERVERS + 1);
    assert_int_equal(enter_door(2, &(struct gate_door){.url = A "/failing", .ns = "quiet"}), GATE_REFUSE);
}

static void a_namespace_calls_only_so_many_servers_at_a_time(void **state)
{
    (void)state;
    for (int i = 0; i < GATE_SERVERS; i++)
        enter_number((size_t)i, "loud", i);
    assert_int_equal(w.refused, 0);
    enter_number(90, "loud", GATE_SERVERS);
    assert_int_equal(w.refused, 1);
    enter_number(91, "quiet", GATE_SERVERS);
    assert_int_equal(w.callers[91].order, w.let_in);
    leave(0, HOST_ANSWERED);
    enter_number(90, "loud", GATE_SERVERS);
    assert_int_equal(w.refused, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_come_first_served),
        TEST(who_gives_up_while_waiting_is_skipped),
        TEST(a_full_host_holds_up_no_other),
        TEST(a_namespace_that_fills_a_host_leaves_places_for_the_next),
        TEST(those_who_wait_take_turns_by_namespace),
        TEST(a_place_goes_past_who_does_not_wait),
        TEST(of_one_namespace_the_urgent_go_first),
        TEST(a_namespace_has_a_share_of_all_places),
        TEST(a_dead_host_is_told_to_all_at_once),
        TEST(a_server_that_fails_is_told_to_its_callers_alone),
        TEST(what_one_caller_is_answered_keeps_no_other_away),
        TEST(in_line_only_those_are_told_whom_it_concerns),
        TEST(callers_without_number_are_few_to_remember),
        TEST(what_was_answered_long_ago_is_forgotten),
        TEST(who_follows_is_told_of_each_call_that_begins),
        TEST(a_dead_proxy_is_told_to_all_behind_it),
        TEST(a_proxy_that_is_found_is_alive),
        TEST(lines_behind_a_dead_proxy_are_cleared),
        TEST(a_proxy_that_is_being_tried_clears_no_lines),
        TEST(a_place_is_no_way_around_a_breaker),
        TEST(a_place_can_be_handed_over),
        TEST(a_refusal_can_still_be_cancelled),
        TEST(a_host_is_scheme_name_port_and_address),
        TEST(what_has_nothing_to_tell_is_forgotten),
        TEST(a_namespace_that_fills_its_share_of_names_forgets_its_own),
        TEST(a_namespace_calls_only_so_many_servers_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
