/* Runners that were left behind: with clocks, a ledger and a GitLab of the test's own, in the place of net/loop.c,
 * ledger.c, gitlab/api.c and the rest of kube/. */
#include "fake_loop.h"
#include "golden.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/controller.h"
#include "kube/lease.h"
#include "operator/ledger.h"
#include "operator/orphans.h"

#define URL "https://gitlab.example.com"

struct gitlab_op {
    gitlab_done_fn *done; /* NULL: nothing is in flight */
    void *arg;
    char token[40], url[40], ns[64];
};

/* A request to the API server. */
struct flight {
    kube_done_fn *done; /* NULL: none */
    void *arg;
    enum wants { READS, TELLS, REMOVES } wants;
    char removes[64]; /* the key that it takes out */
};

enum { FLIGHTS = 32, TELLS_MAX = 3 };

static struct world {
    struct loop loop;
    uint64_t term;              /* in which we lead */
    struct json_object *secret; /* NULL: there is none */
    bool missing;               /* the watch of Secrets shows none */
    struct flight flights[FLIGHTS];
    struct err unreadable;
    struct gitlab_op ops[FLIGHTS];
    int calls, reads, events, warnings;
    char event[40];
    struct stats stats;
    struct context ctx;
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * What orphans.c is linked with. */

uint64_t lease_term(const struct lease *lease)
{
    (void)lease;
    return w.term;
}

static uint64_t request(enum wants wants, const char *removes, kube_done_fn *done, void *arg)
{
    size_t i = 0;

    while (w.flights[i].done) {
        assert_true(wants != READS || w.flights[i].wants != READS); /* one look at a time */
        i++;
    }
    w.flights[i] = (struct flight){.done = done, .arg = arg, .wants = wants};
    snprintf(w.flights[i].removes, sizeof(w.flights[i].removes), "%s", removes);
    w.reads += wants == READS;
    return i + 1;
}

bool ledger_may_exist(const struct context *ctx)
{
    (void)ctx;
    return !w.missing;
}

uint64_t ledger_read(const struct context *ctx, kube_done_fn *done, void *arg)
{
    (void)ctx;
    return request(READS, "", done, arg);
}

uint64_t ledger_remove(const struct context *ctx, const char *key, kube_done_fn *done, void *arg)
{
    (void)ctx;
    return request(REMOVES, key, done, arg);
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    w.flights[id - 1].done = NULL;
}

struct gitlab_op *gitlab_start(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done,
                               void *arg)
{
    struct gitlab_op *op = w.ops;

    (void)gitlab;
    assert_int_equal(call->op, GITLAB_OP_DEREGISTER);
    while (op->done)
        op++;
    *op = (struct gitlab_op){.done = done, .arg = arg};
    snprintf(op->token, sizeof(op->token), "%s", call->token);
    snprintf(op->url, sizeof(op->url), "%s", call->url);
    snprintf(op->ns, sizeof(op->ns), "%s", call->ns);
    w.calls++;
    return op;
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
    assert_string_equal(event->regarding.uid, "uid-of-the-ledger");
    snprintf(w.event, sizeof(w.event), "%s", event->reason);
    w.events++;
    w.warnings += event->warning;
    return done == event_sent ? 0 : request(TELLS, "", done, arg);
}

void event_sent(void *counts, const struct kube_reply *reply)
{
    (void)counts;
    (void)reply;
}

bool event_sends_again(const struct kube_reply *reply, unsigned failures)
{
    return reply->err.kind == ERR_RETRY && failures < TELLS_MAX;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What happens to it. */

static bool synced(void *arg)
{
    (void)arg;
    return true;
}

static int set_up(void **state)
{
    w = (struct world){.loop = {.now = 1000}, .ctx = {.loop = &w.loop, .ns = "system", .stats = &w.stats}};
    w.secret = json_build("{metadata: {uid: 'uid-of-the-ledger'}, data: {}}");
    w.ctx.controller = controller_create(&w.loop, NULL, synced, NULL);
    *state = orphans_create(&w.ctx);
    return 0;
}

static int tear_down(void **state)
{
    controller_destroy(w.ctx.controller);
    orphans_destroy(*state);
    json_put_ptr(&w.secret);
    return 0;
}

static void leave_behind(const char *key, const char *text)
{
    struct arena a cleanup_arena = {0};

    json_put_member(json_get(w.secret, "data"), key, base64_encode(text, strlen(text), &a));
}

static void leave_one_of(const char *ns, int number)
{
    struct arena a cleanup_arena = {0};
    const struct owner owner = {.ns = ns, .name = "builds", .uid = "u"};
    const struct orphan orphan = {
        .runner_id = number, .url = URL, .token = arena_printf(&a, "glrt-%d", number), .why = "down"};

    leave_behind(orphan_key(&owner, &orphan, &a), orphan_text(&owner, &orphan, 0, &a));
}

static void leave_one_behind(int number)
{
    leave_one_of("ci", number);
}

static void take_out(const char *key)
{
    struct json_object *data = json_build("{}");

    json_each (it, json_get(w.secret, "data"))
        if (strcmp(it.key, key) != 0)
            json_put_member(data, it.key, json_string(it.value));
    json_set(w.secret, "data", data);
}

static void turn(void)
{
    fake_turn(&w.loop);
}

static void lead(bool leading)
{
    w.term = leading ? w.term + 1 : 0;
    turn();
}

/* NULL: none. */
static struct flight *find_flight(enum wants wants)
{
    struct flight *found = NULL;

    for (size_t i = 0; i < FLIGHTS && !found; i++)
        if (w.flights[i].done && w.flights[i].wants == wants)
            found = &w.flights[i];
    return found;
}

static struct flight *flight(enum wants wants)
{
    assert_non_null(find_flight(wants));
    return find_flight(wants);
}

static void answer_with(enum wants wants, const struct kube_reply *reply)
{
    struct flight answered = *flight(wants);

    flight(wants)->done = NULL;
    if (wants == REMOVES && !reply->err.kind)
        take_out(answered.removes);
    answered.done(answered.arg, reply);
    turn();
}

/* The API server answers. */
static void answer_request(enum wants wants)
{
    answer_with(wants, &(struct kube_reply){.object = w.unreadable.kind ? NULL : w.secret, .err = w.unreadable});
}

/* … or does not. */
static void lose_request(enum wants wants)
{
    answer_with(wants, &(struct kube_reply){.err = {.kind = ERR_RETRY}});
}

static int calls_in_flight(void)
{
    int count = 0;

    for (size_t i = 0; i < FLIGHTS; i++)
        count += w.ops[i].done != NULL;
    return count;
}

static struct gitlab_op *the_call(void)
{
    size_t i = 0;

    while (i < FLIGHTS - 1 && !w.ops[i].done)
        i++;
    assert_non_null(w.ops[i].done);
    return &w.ops[i];
}

/* Time goes on until the ledger is read, and it is answered. False: nobody reads it by then. */
static bool wait_until(int64_t ms)
{
    turn();
    while (!find_flight(READS)) {
        struct loop_timer *timer = fake_next_timer(&w.loop);
        if (!timer || timer->due > ms)
            return false;
        w.loop.now = timer->due > w.loop.now ? timer->due : w.loop.now;
        fake_fire(timer);
        turn();
    }
    answer_request(READS);
    return true;
}

/* … as often as it takes until GitLab is called. */
static void wait_for_call(void)
{
    for (int i = 0; i < 5 && !calls_in_flight(); i++)
        assert_true(wait_until(INT64_MAX));
    the_call();
}

static void gitlab_answers(const struct gitlab_answer *answer)
{
    struct gitlab_op op = *the_call();

    the_call()->done = NULL;
    op.done(op.arg, answer);
    turn();
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
    answer_request(TELLS);
    answer_request(REMOVES);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void an_empty_ledger_is_read_once(void **state)
{
    lead(true);
    assert_true(wait_until(w.loop.now));
    assert_false(wait_until(INT64_MAX - 1));
    assert_int_equal(w.reads, 1);
    assert_int_equal(orphans_count(*state), 0);
}

static void a_ledger_that_is_not_there_is_not_read(void **state)
{
    (void)state;
    w.missing = true;
    lead(true);
    assert_false(wait_until(INT64_MAX - 1));
}

static void a_runner_is_deregistered_and_its_entry_taken_out(void **state)
{
    leave_one_behind(4);
    lead(true);
    wait_for_call();
    assert_string_equal(the_call()->token, "glrt-4");
    assert_string_equal(the_call()->url, URL);
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
    lead(true);
    wait_for_call();
    gitlab_answers(&(struct gitlab_answer){.unknown = true}); /* said once, it is not believed */
    assert_int_equal(orphans_count(*state), 1);
    assert_int_equal(w.warnings, 0);
    wait_for_call();
    gitlab_lets_go(true);
    assert_int_equal(w.warnings, 1);
    assert_int_equal(orphans_count(*state), 0);
}

static void an_entry_that_cannot_be_taken_out_is_taken_out_later(void **state)
{
    const struct gitlab_answer answer = {.id = 0};

    leave_one_behind(4);
    lead(true);
    wait_for_call();
    gitlab_answers(&answer);
    answer_request(TELLS);
    lose_request(REMOVES);
    assert_int_equal(orphans_count(*state), 1);
    assert_false(wait_until(INT64_MAX - 1)); /* what was in it is done with */
    assert_string_equal(flight(REMOVES)->removes, "u.4");
    answer_request(REMOVES);
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.events, 1);
}

static void wait_until_told_again(void)
{
    assert_null(find_flight(REMOVES));
    assert_false(wait_until(INT64_MAX - 1)); /* the runner is gone: nobody has to look */
    assert_non_null(find_flight(TELLS));
}

/* When the entry is out, nobody else knows of it. */
static void what_nobody_has_heard_is_told_again_before_the_entry_goes(void **state)
{
    leave_one_behind(4);
    lead(true);
    for (int i = 0; i < 5; i++) { /* what failed at GitLab does not count */
        wait_for_call();
        gitlab_fails(0);
    }
    wait_for_call();
    gitlab_answers(&(struct gitlab_answer){.unknown = true});
    wait_for_call();
    gitlab_answers(&(struct gitlab_answer){.unknown = true});
    for (int i = 0; i < TELLS_MAX; i++) {
        lose_request(TELLS);
        wait_until_told_again();
    }
    assert_int_equal(w.warnings, 1 + TELLS_MAX); /* with the same words */
    answer_request(TELLS);
    answer_request(REMOVES);
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.calls, 7);
}

static void gitlab_has_removed_one(void)
{
    leave_one_behind(4);
    lead(true);
    wait_for_call();
    gitlab_answers(&(struct gitlab_answer){.id = 0});
}

/* As of a namespace that is being deleted. */
static void an_event_that_is_refused_holds_up_no_entry(void **state)
{
    gitlab_has_removed_one();
    answer_with(TELLS, &(struct kube_reply){.err = {.kind = ERR_DENIED}});
    answer_request(REMOVES);
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.events, 1);
}

static void telling_has_an_end(void **state)
{
    gitlab_has_removed_one();
    for (int i = 0; i < TELLS_MAX; i++) {
        lose_request(TELLS);
        wait_until_told_again();
    }
    lose_request(TELLS);
    answer_request(REMOVES);
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.events, 1 + TELLS_MAX);
}

/* GitLab had not known it, and then it did. */
static void what_gitlab_has_removed_after_all_is_no_warning(void **state)
{
    leave_one_behind(4);
    lead(true);
    wait_for_call();
    gitlab_answers(&(struct gitlab_answer){.unknown = true});
    wait_for_call();
    gitlab_lets_go(false);
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.warnings, 0);
}

/* From 10 s on to 10 minutes; chance shortens each by up to a quarter. */
static void pauses_grow(void **state)
{
    static const int64_t pauses[] = {10000, 20000, 40000, 80000, 160000, 320000, 600000, 600000};

    leave_one_behind(4);
    lead(true);
    for (unsigned i = 0; i < ARRAY_LEN(pauses); i++) {
        wait_for_call();
        int64_t before = w.loop.now;
        srand(i);
        int64_t chance = rand() % (pauses[i] / 4 + 1);
        srand(i);
        gitlab_fails(0);
        assert_int_equal(w.loop.timers[0].due - before, pauses[i] - chance);
    }
    assert_int_equal(orphans_count(*state), 1);
}

static void gitlab_may_ask_for_a_longer_pause(void **state)
{
    (void)state;
    leave_one_behind(4);
    lead(true);
    wait_for_call();
    gitlab_fails(3600 * 1000);
    assert_int_equal(w.loop.timers[0].due, w.loop.now + 3600 * 1000);
}

static void one_that_fails_does_not_hold_up_the_next(void **state)
{
    leave_one_behind(4);
    leave_behind("u.5", "this is no entry");
    leave_one_behind(6);
    lead(true);
    bool seen[7] = {false};
    for (int i = 0; i < 2; i++) {
        wait_for_call();
        seen[the_call()->token[5] - '0'] = true;
        gitlab_fails(0);
    }
    assert_true(seen[4] && seen[6]);
    assert_int_equal(orphans_count(*state), 3);
}

/* As ledger.c does when a turn asks for it. */
static bool record(struct orphans *orphans, const char *ns, const char *key, size_t size, bool success)
{
    struct err err;
    const char *leaving[64];
    size_t len = 0;

    if (!orphans_admit(orphans, key, ns, "a runner", size, &err))
        return false;
    for (size_t i = 0; orphans_next_leaving(orphans, key, &i, &leaving[len]);)
        len++;
    for (size_t i = 0; success && i < len; i++)
        take_out(leaving[i]);
    orphans_written(orphans, key, success);
    return true;
}

static void what_was_just_recorded_waits_for_a_while(void **state)
{
    lead(true);
    assert_true(wait_until(w.loop.now));
    leave_one_behind(4);
    assert_true(record(*state, "ci", "u.4", 400, true));
    assert_int_equal(orphans_count(*state), 1);
    assert_false(wait_until(w.loop.now + 7 * 1000));
    wait_for_call();
    assert_string_equal(the_call()->token, "glrt-4");
}

static void what_could_not_be_recorded_is_not_tried(void **state)
{
    lead(true);
    assert_true(wait_until(w.loop.now));
    assert_true(record(*state, "ci", "u.4", 400, false));
    assert_int_equal(orphans_count(*state), 0);
    assert_false(wait_until(INT64_MAX - 1));
}

static void nothing_is_recorded_in_a_ledger_that_is_not_known(void **state)
{
    struct err err;

    lead(true);
    assert_false(orphans_admit(*state, "u.4", "ci", "a runner", 400, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    err_set(&w.unreadable, ERR_DENIED, "Forbidden", "no");
    assert_true(wait_until(w.loop.now));
    assert_false(orphans_admit(*state, "u.4", "ci", "a runner", 400, &err));
    assert_int_equal(err.kind, ERR_DENIED);
}

static void who_takes_an_entry_out_by_hand_ends_it(void **state)
{
    lead(true);
    assert_true(wait_until(w.loop.now));
    assert_true(record(*state, "ci", "u.4", 400, true));
    assert_true(wait_until(INT64_MAX - 1));
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.calls, 0);
}

/* The one that sends most is the one that loses. */
static void a_full_ledger_lets_nobody_else_lose_an_entry(void **state)
{
    char key[24];

    lead(true);
    assert_true(wait_until(w.loop.now));
    assert_true(record(*state, "small", "victim", 400, true));
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof(key), "flood.%d", i);
        assert_true(record(*state, "flood", key, 20 * 1024, true));
        w.loop.now += 1000;
    }
    assert_true(record(*state, "small", "victim.2", 400, true));
    assert_int_equal(orphans_count(*state), 2 + 512 / 20);
    assert_int_equal(w.stats.orphans.displaced, 60 - 512 / 20);
    assert_string_equal(w.event, "OrphanDisplaced");
    assert_true(record(*state, "small", "victim", 400, true)); /* it is still there: nothing leaves for it */
    assert_int_equal(orphans_count(*state), 2 + 512 / 20);
    assert_true(record(*state, "flood", "flood.59", 400, true)); /* so is the youngest of the others */
    assert_int_equal(orphans_count(*state), 2 + 512 / 20);
}

/* Once it is written, nobody knows of it but whoever was told before. */
static void who_makes_room_is_told_of_before(void **state)
{
    char key[24];
    struct err err;

    lead(true);
    assert_true(wait_until(w.loop.now));
    for (int i = 0; i < 512 / 20; i++) {
        snprintf(key, sizeof(key), "flood.%d", i);
        assert_true(record(*state, "flood", key, 20 * 1024, true));
    }
    assert_string_not_equal(w.event, "OrphanDisplaced");
    assert_true(orphans_admit(*state, "flood.99", "flood", "a runner", 20 * 1024, &err));
    assert_string_equal(w.event, "OrphanDisplaced");
    assert_int_equal(w.stats.orphans.displaced, 0);
    orphans_written(*state, "flood.99", false);
    assert_int_equal(orphans_count(*state), 512 / 20); /* who was to leave is still in it */
    assert_int_equal(w.stats.orphans.displaced, 0);
    snprintf(w.event, sizeof(w.event), "%s", "");
    assert_true(orphans_admit(*state, "flood.99", "flood", "a runner", 20 * 1024, &err));
    assert_string_equal(w.event, ""); /* once */
    orphans_written(*state, "flood.99", true);
    assert_int_equal(w.stats.orphans.displaced, 1);
}

static void one_tenants_slow_host_delays_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        leave_one_of("slow", i);
    leave_one_of("other", 90);
    lead(true);
    assert_true(wait_until(w.loop.now));
    while (wait_until(w.loop.now + 10 * 1000))
        ;
    assert_int_equal(calls_in_flight(), 3); /* two of theirs, which do not end */
    bool seen = false;
    for (int i = 0; i < 3; i++)
        seen |= strcmp(w.ops[i].ns, "other") == 0;
    assert_true(seen);
    gitlab_fails(0);
    assert_true(wait_until(w.loop.now + 2 * 1000));
    assert_int_equal(calls_in_flight(), 3);
}

static void a_few_are_tried_at_a_time(void **state)
{
    char ns[24];

    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(ns, sizeof(ns), "team-%d", i);
        leave_one_of(ns, i);
    }
    lead(true);
    while (wait_until(w.loop.now + 10 * 1000))
        ;
    assert_int_equal(calls_in_flight(), 8);
}

static void a_ledger_that_cannot_be_read_is_read_later(void **state)
{
    (void)state;
    leave_one_behind(4);
    err_set(&w.unreadable, ERR_DENIED, "Forbidden", "no");
    lead(true);
    assert_true(wait_until(w.loop.now));
    assert_false(wait_until(w.loop.now + 7 * 1000));
    assert_true(wait_until(w.loop.now + 13 * 1000));
    w.unreadable = (struct err){.kind = ERR_NONE};
    wait_for_call();
}

static void who_does_not_lead_does_nothing(void **state)
{
    leave_one_behind(4);
    lead(false);
    assert_false(wait_until(INT64_MAX - 1));
    lead(true);
    wait_for_call();
    lead(false);
    assert_int_equal(calls_in_flight(), 0);
    assert_int_equal(orphans_count(*state), 0);
    assert_false(wait_until(INT64_MAX - 1));
}

static void what_somebody_takes_out_by_hand_is_forgotten(void **state)
{
    leave_one_behind(4);
    lead(true);
    wait_for_call();
    assert_int_equal(orphans_count(*state), 1);
    gitlab_fails(0);
    json_set(w.secret, "data", json_build("{}"));
    assert_true(wait_until(INT64_MAX - 1));
    assert_int_equal(orphans_count(*state), 0);
    assert_int_equal(w.calls, 1);
}

/* All of them, and nobody looks at the ledger for their sake when they would have been due. */
static void so_is_whatever_there_was(void **state)
{
    for (int round = 0; round < 20; round++) { /* where in the index each is differs */
        for (int i = 0; i < 12; i++)
            leave_one_behind(100 * round + i);
        w.reads = 0;
        lead(true);
        assert_true(wait_until(w.loop.now));
        assert_int_equal(orphans_count(*state), 12);
        json_set(w.secret, "data", json_build("{}"));
        assert_true(wait_until(INT64_MAX - 1));
        assert_int_equal(orphans_count(*state), 0);
        assert_false(wait_until(INT64_MAX - 1));
        assert_int_equal(w.reads, 2);
        lead(false);
    }
}

/* Whoever leads next finds it there, or not. */
static void an_entry_that_is_being_taken_out_is_left_to_the_next_leader(void **state)
{
    const struct gitlab_answer done = {.unknown = false};

    leave_one_behind(4);
    lead(true);
    wait_for_call();
    gitlab_answers(&done);
    answer_request(TELLS);
    assert_non_null(find_flight(REMOVES));
    lead(false);
    assert_null(find_flight(REMOVES));
    lead(true);
    wait_for_call();
    gitlab_lets_go(false);
    assert_int_equal(orphans_count(*state), 0);
}

/* Nor is it anybody's share. */
static void a_namespace_that_cannot_be_is_none(void **state)
{
    (void)state;
    leave_one_of("a/b", 4);
    lead(true);
    wait_for_call();
    assert_string_equal(the_call()->ns, "");
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
        TEST(what_nobody_has_heard_is_told_again_before_the_entry_goes),
        TEST(an_event_that_is_refused_holds_up_no_entry),
        TEST(telling_has_an_end),
        TEST(what_gitlab_has_removed_after_all_is_no_warning),
        TEST(pauses_grow),
        TEST(gitlab_may_ask_for_a_longer_pause),
        TEST(one_that_fails_does_not_hold_up_the_next),
        TEST(what_was_just_recorded_waits_for_a_while),
        TEST(what_could_not_be_recorded_is_not_tried),
        TEST(nothing_is_recorded_in_a_ledger_that_is_not_known),
        TEST(who_takes_an_entry_out_by_hand_ends_it),
        TEST(a_full_ledger_lets_nobody_else_lose_an_entry),
        TEST(who_makes_room_is_told_of_before),
        TEST(one_tenants_slow_host_delays_nobody),
        TEST(a_few_are_tried_at_a_time),
        TEST(a_ledger_that_cannot_be_read_is_read_later),
        TEST(who_does_not_lead_does_nothing),
        TEST(what_somebody_takes_out_by_hand_is_forgotten),
        TEST(so_is_whatever_there_was),
        TEST(an_entry_that_is_being_taken_out_is_left_to_the_next_leader),
        TEST(a_namespace_that_cannot_be_is_none),
    };

    return cmocka_run_group_tests_name("orphans", tests, NULL, NULL);
}
