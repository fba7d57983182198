/* Runners that were left behind: with clocks, a ledger and a GitLab of the test's own, in the place of net/loop.c,
 * ledger.c, gitlab/api.c and the rest of kube/. */
#include "golden.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "ledger.h"
#include "net/loop.h"
#include "orphans.h"

#define URL "https://gitlab.example.com"

struct loop_timer {
    void (*callback)(void *arg);
    void *arg;
    int64_t due; /* -1: not armed */
};

struct gitlab_op {
    gitlab_done_fn *done; /* NULL: nothing is in flight */
    void *arg;
};

static struct world {
    int64_t now;
    struct loop_timer timer;
    struct json_object *secret; /* NULL: there is none */
    bool missing;               /* the watch of Secrets shows none */
    kube_done_fn *done;         /* of the request in flight; NULL: none */
    void *arg;
    char removes[64]; /* the key that it takes out; "": it reads    */
    struct err unreadable;
    struct gitlab_op op;
    char token[40], url[40];
    int calls, reads, events, warnings;
    struct stats stats;
    struct workshop shop;
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * What orphans.c is linked with. */

int64_t loop_now(const struct loop *loop)
{
    (void)loop;
    return w.now;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    (void)loop;
    w.timer = (struct loop_timer){callback, arg, -1};
    return &w.timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    timer->due = delay_ms < 0 ? -1 : w.now + delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    timer->due = -1;
}

static uint64_t request(const char *removes, kube_done_fn *done, void *arg)
{
    assert_null(w.done); /* one at a time */
    assert_null(w.op.done);
    snprintf(w.removes, sizeof(w.removes), "%s", removes);
    w.reads += !*removes;
    w.done = done;
    w.arg = arg;
    return 1;
}

bool ledger_may_exist(const struct workshop *shop)
{
    (void)shop;
    return !w.missing;
}

uint64_t ledger_read(const struct workshop *shop, kube_done_fn *done, void *arg)
{
    (void)shop;
    return request("", done, arg);
}

uint64_t ledger_remove(const struct workshop *shop, const char *key, kube_done_fn *done, void *arg)
{
    (void)shop;
    return request(key, done, arg);
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    (void)id;
    w.done = NULL;
}

struct gitlab_op *gitlab_start(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done,
                               void *arg)
{
    (void)gitlab;
    assert_null(w.done);
    assert_int_equal(call->op, GITLAB_OP_DEREGISTER);
    snprintf(w.token, sizeof(w.token), "%s", call->token);
    snprintf(w.url, sizeof(w.url), "%s", call->url);
    w.calls++;
    w.op = (struct gitlab_op){done, arg};
    return &w.op;
}

void gitlab_cancel(struct gitlab_op *op)
{
    op->done = NULL;
}

uint64_t event_send(struct kube_client *client, const struct event *event, const char *controller, const char *instance,
                    kube_done_fn *done, void *arg)
{
    (void)client;
    (void)controller;
    (void)instance;
    (void)arg;
    assert_ptr_equal(done, event_sent);
    assert_string_equal(event->regarding.uid, "uid-of-the-ledger");
    w.events++;
    w.warnings += event->warning;
    return 0;
}

void event_sent(void *counts, const struct kube_reply *reply)
{
    (void)counts;
    (void)reply;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What happens to it. */

static int set_up(void **state)
{
    w = (struct world){.now = 1000, .shop = {.ns = "system", .stats = &w.stats}};
    w.secret = json_build("{metadata: {uid: 'uid-of-the-ledger'}, data: {}}");
    *state = orphans_create(&w.shop);
    return 0;
}

static int tear_down(void **state)
{
    orphans_destroy(*state);
    json_put_ptr(&w.secret);
    return 0;
}

static void leave_behind(const char *key, const char *text)
{
    struct arena a cleanup_arena = {0};

    json_put_member(json_get(w.secret, "data"), key, base64_encode(text, strlen(text), &a));
}

static void leave_one_behind(int number)
{
    struct arena a cleanup_arena = {0};
    const struct owner owner = {.ns = "ci", .name = "builds", .uid = "u"};
    const struct orphan orphan = {
        .runner_id = number, .url = URL, .token = arena_printf(&a, "glrt-%d", number), .why = "down"};

    leave_behind(orphan_key(&owner, &orphan, &a), orphan_text(&owner, &orphan, 0, &a));
}

/* The API server answers. */
static void answer_request(void)
{
    kube_done_fn *done = w.done;
    const struct kube_reply reply = {.object = w.unreadable.kind ? NULL : w.secret, .err = w.unreadable};

    assert_non_null(done);
    w.done = NULL;
    if (*w.removes) {
        struct json_object *data = json_build("{}");
        json_each (it, json_get(w.secret, "data"))
            if (strcmp(it.key, w.removes) != 0)
                json_put_member(data, it.key, json_string(it.value));
        json_set(w.secret, "data", data);
    }
    done(w.arg, &reply);
}

/* The timer's time comes, if it comes by then, and the ledger is read. False: there was nothing to do. */
static bool wait_until(int64_t ms)
{
    if (w.timer.due < 0 || w.timer.due > ms)
        return false;
    w.now = w.timer.due > w.now ? w.timer.due : w.now;
    w.timer.due = -1;
    w.timer.callback(w.timer.arg);
    answer_request();
    return true;
}

/* … as often as it takes until GitLab is called. */
static void wait_for_call(void)
{
    for (int i = 0; i < 5 && !w.op.done; i++)
        assert_true(wait_until(INT64_MAX));
    assert_non_null(w.op.done);
}

static void gitlab_answers(const struct gitlab_answer *answer)
{
    gitlab_done_fn *done = w.op.done;

    w.op.done = NULL;
    done(w.op.arg, answer);
}

static void gitlab_fails(int64_t retry_after_ms)
{
    struct gitlab_answer answer = {.id = 0};

    err_set(&answer.err, ERR_RETRY, "ConnectionRefused", "no");
    answer.err.retry_after_ms = retry_after_ms;
    gitlab_answers(&answer);
}

static void gitlab_lets_go(bool unknown)
{
    const struct gitlab_answer answer = {.unknown = unknown};

    gitlab_answers(&answer);
    answer_request();
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void an_empty_ledger_is_read_once(void **state)
{
    orphans_lead(*state, true);
    assert_true(wait_until(w.now));
    assert_false(wait_until(INT64_MAX - 1));
    assert_int_equal(w.reads, 1);
    assert_int_equal(orphans_count(*state), 0);
}

static void a_ledger_that_is_not_there_is_not_read(void **state)
{
    w.missing = true;
    orphans_lead(*state, true);
    assert_false(wait_until(INT64_MAX - 1));
}

static void a_runner_is_deregistered_and_its_entry_taken_out(void **state)
{
    leave_one_behind(4);
    orphans_lead(*state, true);
    wait_for_call();
    assert_string_equal(w.token, "glrt-4");
    assert_string_equal(w.url, URL);
    assert_int_equal(orphans_count(*state), 1);
    gitlab_lets_go(false);
    assert_int_equal(orphans_count(*state), 0);
    assert_string_equal(json_text(json_get(w.secret, "data")), "{}");
    assert_int_equal(w.events, 1);
    assert_int_equal(w.warnings, 0);
    assert_int_equal(w.stats.orphans.deregistered, 1);
    assert_false(wait_until(INT64_MAX - 1));
}

static void a_token_that_gitlab_does_not_know_is_forgotten_with_a_warning(void **state)
{
    leave_one_behind(4);
    orphans_lead(*state, true);
    wait_for_call();
    gitlab_lets_go(true);
    assert_int_equal(w.warnings, 1);
    assert_int_equal(orphans_count(*state), 0);
}

static void an_entry_that_cannot_be_taken_out_is_taken_out_later(void **state)
{
    const struct gitlab_answer answer = {.id = 0};

    leave_one_behind(4);
    orphans_lead(*state, true);
    wait_for_call();
    gitlab_answers(&answer);
    w.done(w.arg, &(struct kube_reply){.err = {.kind = ERR_RETRY}});
    w.done = NULL;
    assert_int_equal(orphans_count(*state), 1);
    assert_true(wait_until(INT64_MAX - 1));
    assert_string_equal(w.removes, "u.4");
    answer_request();
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.events, 1);
}

/* 10 s, doubling to 10 minutes, three quarters to five quarters of it. */
static void pauses_grow(void **state)
{
    int64_t pause = 10 * 1000;

    leave_one_behind(4);
    orphans_lead(*state, true);
    for (int i = 0; i < 12; i++) {
        wait_for_call();
        int64_t before = w.now;
        gitlab_fails(0);
        assert_in_range(w.timer.due - before, pause * 3 / 4, pause * 5 / 4);
        pause = pause * 2 < 10 * 60 * 1000 ? pause * 2 : 10 * 60 * 1000;
    }
    assert_int_equal(orphans_count(*state), 1);
}

static void gitlab_may_ask_for_a_longer_pause(void **state)
{
    leave_one_behind(4);
    orphans_lead(*state, true);
    wait_for_call();
    gitlab_fails(3600 * 1000);
    assert_int_equal(w.timer.due, w.now + 3600 * 1000);
}

static void one_that_fails_does_not_hold_up_the_next(void **state)
{
    leave_one_behind(4);
    leave_behind("u.5", "this is no entry");
    leave_one_behind(6);
    orphans_lead(*state, true);
    bool seen[7] = {false};
    for (int i = 0; i < 2; i++) {
        wait_for_call();
        seen[w.token[5] - '0'] = true;
        gitlab_fails(0);
    }
    assert_true(seen[4] && seen[6]);
    assert_int_equal(orphans_count(*state), 3);
}

static void what_was_just_recorded_waits_for_a_while(void **state)
{
    orphans_lead(*state, true);
    assert_true(wait_until(w.now));
    leave_one_behind(4);
    orphans_expect(*state, "u.4");
    assert_int_equal(orphans_count(*state), 1);
    assert_false(wait_until(w.now + 7 * 1000));
    wait_for_call();
    assert_string_equal(w.token, "glrt-4");
}

static void who_takes_an_entry_out_by_hand_ends_it(void **state)
{
    orphans_lead(*state, true);
    assert_true(wait_until(w.now));
    orphans_expect(*state, "u.4");
    assert_true(wait_until(INT64_MAX - 1));
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.calls, 0);
}

static void a_ledger_that_cannot_be_read_is_read_later(void **state)
{
    leave_one_behind(4);
    err_set(&w.unreadable, ERR_DENIED, "Forbidden", "no");
    orphans_lead(*state, true);
    assert_true(wait_until(w.now));
    assert_false(wait_until(w.now + 7 * 1000));
    assert_true(wait_until(w.now + 13 * 1000));
    w.unreadable = (struct err){.kind = ERR_NONE};
    wait_for_call();
}

static void who_does_not_lead_does_nothing(void **state)
{
    leave_one_behind(4);
    orphans_lead(*state, false);
    assert_false(wait_until(INT64_MAX - 1));
    orphans_lead(*state, true);
    wait_for_call();
    orphans_lead(*state, false);
    assert_null(w.op.done);
    assert_int_equal(orphans_count(*state), 0);
    assert_false(wait_until(INT64_MAX - 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_ledger_is_read_once),
        TEST(a_ledger_that_is_not_there_is_not_read),
        TEST(a_runner_is_deregistered_and_its_entry_taken_out),
        TEST(a_token_that_gitlab_does_not_know_is_forgotten_with_a_warning),
        TEST(an_entry_that_cannot_be_taken_out_is_taken_out_later),
        TEST(pauses_grow),
        TEST(gitlab_may_ask_for_a_longer_pause),
        TEST(one_that_fails_does_not_hold_up_the_next),
        TEST(what_was_just_recorded_waits_for_a_while),
        TEST(who_takes_an_entry_out_by_hand_ends_it),
        TEST(a_ledger_that_cannot_be_read_is_read_later),
        TEST(who_does_not_lead_does_nothing),
    };

    return cmocka_run_group_tests_name("orphans", tests, NULL, NULL);
}
