/* Reading one object again and again, with an API server and a clock that are a few lines of this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fake_loop.h"
#include "base/mem.h"
#include "kube/poll.h"

/* What has been asked of the two. */
static struct {
    struct loop loop;
    kube_done_fn *done; /* of the request in flight; NULL: there is none */
    void *arg;
    char asked[100];
    int requests, cancelled;
} seen;

uint64_t kube_get(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                  kube_done_fn *done, void *arg)
{
    (void)client;
    assert_null(seen.done); /* one at a time */
    snprintf(seen.asked, sizeof(seen.asked), "%s %s/%s", r->kind, ns ? ns : "", name);
    seen.done = done;
    seen.arg = arg;
    return (uint64_t)++seen.requests;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    assert_int_equal(id, seen.requests);
    seen.cancelled++;
}

static void count_answer(void *arg, const struct kube_reply *reply)
{
    (void)reply;
    ++*(int *)arg;
}

static const struct kube_resource namespaces = {"Namespace", "v1", "namespaces", false, true, NULL, NULL, NULL};

static struct poll *started(int *answers)
{
    memset(&seen, 0, sizeof(seen));
    struct poll *poll = poll_create(&seen.loop, NULL, &namespaces, NULL, "ci", count_answer, answers);
    poll_start(poll);
    assert_string_equal(seen.asked, "Namespace /ci");
    return poll;
}

/* How long it waits after an answer of that kind. */
static int64_t pause_after(enum err_kind kind, int64_t retry_after_ms)
{
    const struct kube_reply reply = {.err = {.kind = kind, .retry_after_ms = retry_after_ms}};
    kube_done_fn *done = seen.done;

    seen.done = NULL;
    done(seen.arg, &reply);
    int64_t pause = seen.loop.timers[0].due;
    fake_fire(seen.loop.timers);
    assert_non_null(seen.done);
    return pause;
}

static void assert_about(int64_t pause, int64_t middle)
{
    assert_in_range(pause, middle * 3 / 4, middle * 5 / 4);
}

static void reads_again_whatever_the_answer_is(void **state)
{
    static const enum err_kind kinds[] = {ERR_NONE, ERR_NOT_FOUND, ERR_DENIED};
    int answers = 0;
    struct poll *poll = started(&answers);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_about(pause_after(kinds[i], 0), 10000);
    assert_int_equal(answers, ARRAY_LEN(kinds));
    poll_destroy(poll);
}

static void a_failure_is_tried_again_sooner_and_then_less_often(void **state)
{
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 10000, 10000};
    int answers = 0;
    struct poll *poll = started(&answers);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++)
        assert_about(pause_after(ERR_RETRY, 0), pauses[i]);
    assert_about(pause_after(ERR_NONE, 0), 10000);
    assert_about(pause_after(ERR_RETRY, 0), 1000); /* an answer ends the row */
    poll_destroy(poll);
}

static void waits_as_long_as_the_server_asks(void **state)
{
    int answers = 0;
    struct poll *poll = started(&answers);

    (void)state;
    assert_int_equal(pause_after(ERR_RETRY, 32000), 32000);
    poll_destroy(poll);
}

static void cancels_what_is_in_flight(void **state)
{
    int answers = 0;
    struct poll *poll = started(&answers);

    (void)state;
    poll_start(poll); /* means nothing while one is in flight */
    poll_destroy(poll);
    assert_int_equal(seen.requests, 1);
    assert_int_equal(seen.cancelled, 1);
    poll_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_again_whatever_the_answer_is),
        cmocka_unit_test(a_failure_is_tried_again_sooner_and_then_less_often),
        cmocka_unit_test(waits_as_long_as_the_server_asks),
        cmocka_unit_test(cancels_what_is_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
