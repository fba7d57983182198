/* How GitLab's hosts fare, for those who watch: told of a few by name, however many there are. */
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
#include "net/loop.h"

enum { FAILURES = 5, MANY = 1000 };

static struct loop *loop;
static struct gate *gate;

static int set_up(void **state)
{
    (void)state;
    loop = loop_create();
    gate = gate_create(loop, GATE_CONCURRENCY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gate_destroy(gate);
    loop_destroy(loop);
    return 0;
}

static void never_goes(struct gate_pass *pass, const struct err *refusal)
{
    (void)pass;
    (void)refusal;
    fail();
}

/* One call after the other, while the gate lets them in. */
static void call(const struct gate_door *door, int calls, enum host_outcome transport, enum host_outcome answer)
{
    struct err err = {0};

    for (int i = 0; i < calls; i++) {
        struct gate_pass pass = {.go = never_goes};
        if (gate_enter(gate, &pass, door, &err) != GATE_GO)
            return;
        assert_true(gate_begin(gate, &pass, &err));
        err_set(&err, ERR_RETRY, "Timeout", "no answer");
        gate_end(gate, &pass, transport, answer, &err);
        gate_cancel(gate, &pass);
    }
}

static void call_from(const char *ns, const char *url, int calls, enum host_outcome transport)
{
    call(&(struct gate_door){.url = url, .ns = ns}, calls, transport, HOST_DROPPED);
}

/* NULL: it is not named. */
static const struct gate_sight *sight(const char *name)
{
    static struct gate_sight sights[GATE_SIGHTS + 1];
    size_t len = gate_sights(gate, sights);

    assert_true(len <= GATE_SIGHTS + 1);
    for (size_t i = 0; i < len; i++)
        if (strcmp(sights[i].name, name) == 0)
            return &sights[i];
    return NULL;
}

static void a_host_that_is_well_needs_no_word(void **state)
{
    struct gate_sight sights[GATE_SIGHTS + 1];

    (void)state;
    call_from("one", "https://a.test", 3, HOST_ANSWERED);
    assert_int_equal(gate_sights(gate, sights), 0);
}

static void a_host_out_of_reach_is_open(void **state)
{
    (void)state;
    call_from("one", "https://a.test", 1, HOST_FAILED);
    assert_false(sight("https://a.test")->open);
    call_from("one", "https://a.test", FAILURES, HOST_FAILED);
    assert_true(sight("https://a.test")->open);
    assert_int_equal(sight("https://a.test")->held, 0);
}

/* It can be connected to, but its answers are no use. */
static void callers_that_are_answered_5xx_are_held(void **state)
{
    (void)state;
    for (uint64_t caller = 1; caller <= 3; caller++)
        call(&(struct gate_door){.url = "https://a.test", .ns = "one", .caller = caller}, FAILURES, HOST_ANSWERED,
             HOST_FAILED);
    assert_false(sight("https://a.test")->open);
    assert_int_equal(sight("https://a.test")->held, 3);
}

static void behind_a_dead_proxy_all_are_out_of_reach(void **state)
{
    const struct gate_door door = {.url = "https://a.test", .ns = "one", .proxied = true};

    (void)state;
    call(&(struct gate_door){.url = "https://a.test", .ns = "one", .caller = 1, .proxied = true}, 1, HOST_ANSWERED,
         HOST_LIMITED);
    assert_false(sight("https://a.test")->open);
    call(&door, FAILURES, HOST_BLOCKED, HOST_DROPPED);
    assert_true(sight("https://a.test")->open);
}

static void call_number(const char *ns, size_t number)
{
    char url[64];

    snprintf(url, sizeof(url), "https://%zu.test", number);
    call_from(ns, url, FAILURES, HOST_FAILED);
}

/* Each namespace calls so many dead ones that nobody else calls. */
static void call_many(void)
{
    char ns[32];

    for (size_t i = 0; i < MANY; i++) {
        snprintf(ns, sizeof(ns), "ns-%zu", i / GATE_SERVERS);
        call_number(ns, i);
    }
}

static void of_a_thousand_a_few_are_named(void **state)
{
    struct gate_sight sights[GATE_SIGHTS + 1];

    (void)state;
    call_many();
    int64_t began = clock_us();
    assert_int_equal(gate_sights(gate, sights), GATE_SIGHTS + 1);
    print_message("%d hosts: %lld us\n", MANY, (long long)(clock_us() - began));
    assert_string_equal(sights[GATE_SIGHTS].name, "other");
    assert_true(sights[GATE_SIGHTS].open);
    for (size_t i = 0; i < GATE_SIGHTS; i++)
        assert_string_not_equal(sights[i].name, "other");
}

static void calls_at_others_are_counted_together(void **state)
{
    static const char *const urls[] = {"https://a.quiet.test", "https://b.quiet.test", "https://c.quiet.test"};
    struct gate_pass passes[ARRAY_LEN(urls)] = {{.go = never_goes}, {.go = never_goes}, {.go = never_goes}};
    struct gate_sight sights[GATE_SIGHTS + 1];
    struct err err = {0};

    (void)state;
    call_many();
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        const struct gate_door door = {.url = urls[i], .ns = "quiet"};
        assert_int_equal(gate_enter(gate, &passes[i], &door, &err), GATE_GO);
        assert_true(gate_begin(gate, &passes[i], &err));
    }
    assert_int_equal(gate_sights(gate, sights), GATE_SIGHTS + 1);
    assert_int_equal(sights[GATE_SIGHTS].inside, ARRAY_LEN(urls));
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        gate_cancel(gate, &passes[i]);
}

/* Nobody hides the GitLab of all by naming many of his own. */
static void the_host_that_most_namespaces_call_is_named(void **state)
{
    (void)state;
    call_many();
    call_from("one", "https://zzz.test", 2, HOST_FAILED);
    assert_null(sight("https://zzz.test"));
    call_from("two", "https://zzz.test", FAILURES, HOST_FAILED);
    assert_true(sight("https://zzz.test")->open);
}

static void which_are_named_does_not_change_by_itself(void **state)
{
    struct gate_sight before[GATE_SIGHTS + 1], after[GATE_SIGHTS + 1];

    (void)state;
    call_many();
    gate_sights(gate, before);
    call_from("other", "https://zzzz.test", 1, HOST_FAILED);
    gate_sights(gate, after);
    for (size_t i = 0; i <= GATE_SIGHTS; i++)
        assert_string_equal(before[i].name, after[i].name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_is_well_needs_no_word),
        TEST(a_host_out_of_reach_is_open),
        TEST(callers_that_are_answered_5xx_are_held),
        TEST(behind_a_dead_proxy_all_are_out_of_reach),
        TEST(of_a_thousand_a_few_are_named),
        TEST(calls_at_others_are_counted_together),
        TEST(the_host_that_most_namespaces_call_is_named),
        TEST(which_are_named_does_not_change_by_itself),
    };

    return cmocka_run_group_tests_name("gate_sight", tests, NULL, NULL);
}
