/* The operator's own loop over turns, with a clock of the test's and an API server that takes everything and does
 * nothing: whatever the rules ask for, they ask for it again. */
#include "fake_loop.h"
#include "golden.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/lease.h"
#include "kube/queue.h"
#include "net/serve.h"
#include "operator/errand.h"
#include "operator/informers.h"
#include "operator/perform.h"
#include "operator/reconcile.h"
#include "operator/records.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "web/health.h"

enum { BEGINNINGS = 64, HOUR_MS = 3600 * 1000, RETRY_MAX_MS = 5 * 60 * 1000, NEVER_CONVERGES_AFTER = 48 };

static struct world {
    struct loop loop;
    struct context ctx;
    struct reconciler *rec;
    struct arena mem;
    bool answers; /* else a request is never answered */
    bool fails;   /* … and is to be made again */
    bool takes_tokens, drained;
    unsigned asked, saves;
    const char *rule;             /* of the request that was made last … */
    struct turn *turn;            /* … by whom … */
    bool urgent;                  /* … and whether somebody waits for him */
    int64_t asked_at[BEGINNINGS]; /* … and when "read-credential" was asked for as the first of a turn */
    size_t len;
    unsigned stepped_back; /* from a line, or a place, at GitLab */
    struct watch_handler watches[KIND_COUNT];
    size_t watched;
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * In the place of what the program has */

int64_t clock_us(void)
{
    return w.loop.now * 1000;
}

double seconds_since(int64_t begin_us)
{
    return (double)(clock_us() - begin_us) / 1e6;
}

bool informers_synced(const struct informers *informers)
{
    (void)informers;
    return true;
}

/* One of each kind. The test tells of objects itself. */
struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler)
{
    (void)loop, (void)client, (void)resource, (void)ns, (void)selector;
    assert(w.watched < KIND_COUNT);
    w.watches[w.watched++] = *handler;
    return (struct watch *)&w.watches;
}

void watch_destroy(struct watch *watch)
{
    (void)watch;
}

bool watch_synced(const struct watch *watch)
{
    return watch != NULL;
}

/* The ledger is never read. */
uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    (void)client, (void)request;
    return 1;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client, (void)id;
}

void gitlab_step_back(struct gitlab *gitlab, struct gate_pass *pass)
{
    (void)gitlab, (void)pass;
    w.stepped_back++;
}

static void fail_turn(struct turn *turn)
{
    struct err err;

    err_set(&err, ERR_RETRY, "Down", "down");
    memory_fail(&turn->state->memory, turn->asked.rule, &err, w.loop.now, 0);
}

void perform(struct turn *turn, const struct action *act)
{
    turn->asked = *act;
    turn->asked_us = clock_us();
    w.rule = act->rule;
    w.turn = turn;
    w.urgent = turn->urgent;
    w.asked++;
    w.saves += strcmp(act->rule, RULE_SAVE) == 0;
    if (w.takes_tokens && strcmp(act->rule, RULE_SAVE) == 0)
        memory_forget_issued(&turn->state->memory);
    if (turn->steps == 1 && w.len < BEGINNINGS)
        w.asked_at[w.len++] = w.loop.now;
    if (w.fails)
        fail_turn(turn);
    if (w.answers)
        turn_ready(turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A GitLabRunner */

static void applied(struct json_object *finalizers)
{
    struct json_object *object = arena_json(
        &w.mem, json_build("{metadata: {namespace: 'ci', name: 'builds', uid: 'u', resourceVersion: '7', generation: "
                           "1, finalizers: %o}, spec: {url: 'https://one.example.com', authentication: "
                           "{accessTokenSecretRef: {name: 'gitlab'}}, scope: {type: 'Instance'}}}",
                           finalizers));
    const struct record record = kind_record(KIND_RUNNER, object, w.ctx.store, &w.mem);

    store_put(w.ctx.store, KIND_RUNNER, &record);
    controller_add(w.ctx.controller, KIND "/ci/builds", QUEUE_URGENT, "applied");
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.loop.now = 1000, .answers = true};
    w.ctx = (struct context){.loop = &w.loop, .instance = "tester", .ns = "ops", .render.manager_image = "manager"};
    w.rec = reconciler_create(&w.ctx);
    w.ctx = *reconciler_view(w.rec).ctx;
    applied(json_build("[]"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reconciler_destroy(w.rec);
    arena_finish(&w.mem);
    return 0;
}

/* The work of this moment, and of what becomes due until then. */
static void go_on(int64_t ms)
{
    int64_t until = w.loop.now + ms;

    for (fake_turn(&w.loop); fake_next_timer(&w.loop) && fake_next_timer(&w.loop)->due <= until; fake_turn(&w.loop))
        fake_pass(&w.loop, fake_next_timer(&w.loop)->due > w.loop.now ? fake_next_timer(&w.loop)->due - w.loop.now : 0);
    w.loop.now = until;
}

static struct memory *memory(void)
{
    struct state *known = map_get(&reconciler_view(w.rec).states->by_key, KIND "/ci/builds");

    assert_non_null(known);
    return &known->memory;
}

static const char *failure(const char *rule)
{
    const struct troubles *t = memory_troubles(memory());

    for (size_t i = 0; i < t->len; i++)
        if (strcmp(t->failures[i].attempt.rule, rule) == 0)
            return t->failures[i].attempt.err.reason;
    return NULL;
}

static void what_repeats_is_given_up_for_a_while(void **state)
{
    (void)state;
    go_on(0);
    assert_string_equal(failure("read-credential"), "NotConverging");
    assert_in_range(w.asked, NEVER_CONVERGES_AFTER, 4 * NEVER_CONVERGES_AFTER); /* … and a status that is not taken */
    assert_true(w.ctx.stats->not_converging > 0);
    assert_true(w.ctx.stats->results[RESULT_REQUEUE] > 0);
    assert_int_equal(w.ctx.stats->results[RESULT_SUCCESS], 0);
    assert_int_equal(reconciler_view(w.rec).turns_len, 0);
}

static void it_is_tried_again_every_five_minutes_at_last(void **state)
{
    int64_t longest = 0;

    (void)state;
    go_on(2 * HOUR_MS);
    assert_in_range(w.len, 24, BEGINNINGS - 1);
    for (size_t i = 1; i < w.len; i++) {
        int64_t pause = w.asked_at[i] - w.asked_at[i - 1];
        longest = pause > longest ? pause : longest;
    }
    assert_in_range(longest, RETRY_MAX_MS / 2, RETRY_MAX_MS);
}

/* Whatever it asks for: the two trees of a large object are not made beside those of many others. */
static void a_turn_costs_what_its_object_takes(void **state)
{
    struct json_object *large = arena_json(
        &w.mem,
        json_build("{metadata: {namespace: 'ci', name: 'large', uid: 'l', resourceVersion: '8', generation: 1}, "
                   "spec: {url: 'https://one.example.com', description: %s}}",
                   arena_printf(&w.mem, "%020000d", 0)));
    const struct record record = kind_record(KIND_RUNNER, large, w.ctx.store, &w.mem);

    (void)state;
    w.answers = false;
    go_on(0);
    size_t usual = w.turn->work.cost;
    store_put(w.ctx.store, KIND_RUNNER, &record);
    controller_add(w.ctx.controller, KIND "/ci/large", QUEUE_URGENT, "applied");
    go_on(0);
    assert_string_equal(w.turn->observed.owner.name, "large");
    assert_in_range(w.turn->work.cost, usual + 20000, usual + 2000000);
}

/* Somebody waits for what he has just changed. That an answer has come is nobody's edit. */
static void who_has_changed_it_is_waited_for(void **state)
{
    (void)state;
    go_on(0);
    for (enum queue_priority priority = 0; priority < QUEUE_PRIORITIES; priority++) {
        memory_forgive(memory());
        w.asked = 0;
        controller_add(w.ctx.controller, KIND "/ci/builds", priority, "test");
        go_on(0);
        assert_true(w.asked > 0);
        assert_int_equal(w.urgent, priority == QUEUE_URGENT);
    }
}

/* That others of its namespace are left out does not concern who is known. */
static void who_is_known_is_served_beside_who_is_left_out(void **state)
{
    (void)state;
    shares_leave_out(store_shares(w.ctx.store), "ci");
    go_on(0);
    assert_true(w.asked > 0);
}

/* Its turn ends with the answer that it waits for. */
static void who_is_left_out_is_served_no_more(void **state)
{
    (void)state;
    w.answers = false;
    go_on(0);
    assert_int_equal(w.asked, 1);
    shares_leave_out(store_shares(w.ctx.store), "ci");
    store_leave_out(w.ctx.store, KIND_RUNNER, "ci", "builds");
    turn_ready(w.turn);
    go_on(HOUR_MS);
    assert_int_equal(w.asked, 1);
    assert_int_equal(reconciler_view(w.rec).turns_len, 0);
}

/* Its namespace has more of the memory than its share. */
static void who_makes_way_is_counted_and_forgotten(void **state)
{
    struct store *store = w.ctx.store;

    (void)state;
    go_on(0);
    memory();
    w.ctx.evicted(w.ctx.evicted_arg, store_get(store, KIND_RUNNER, "ci", "builds"));
    store_leave_out(store, KIND_RUNNER, "ci", "builds");
    assert_int_equal(shares_left_out(store_shares(store), "ci"), 1);
    go_on(0);
    assert_null(map_get(&reconciler_view(w.rec).states->by_key, KIND "/ci/builds"));
}

static void tell_secret(const char *version)
{
    const struct watch_handler *secrets = &w.watches[KIND_SECRET];
    struct json_object *object = arena_json(
        &w.mem, json_build("{metadata: {namespace: 'ci', name: 'gitlab', uid: 's', resourceVersion: %s}}", version));

    secrets->object(secrets->arg, WATCH_MODIFIED, object);
}

static void a_secret_is_named(void)
{
    const struct reference to[] = {{.kind = KIND_SECRET, .ns = "ci", .name = "gitlab"}};

    store_refer(w.ctx.store, KIND "/ci/builds", to, 1);
    tell_secret("1");
}

static void it_is_tried_at_once_when_what_it_needs_has_changed(void **state)
{
    (void)state;
    a_secret_is_named();
    go_on(HOUR_MS);
    size_t before = w.len;
    go_on(0);
    assert_int_equal(w.len, before);
    assert_true(memory_troubles(memory())->len > 0);
    tell_secret("2");
    assert_int_equal(memory_troubles(memory())->len, 0);
    go_on(0);
    assert_true(w.len > before);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * An object that goes by force, while this process alone knows of its runner */

static struct state *known(void)
{
    return map_get(&reconciler_view(w.rec).states->by_key, KIND "/ci/builds");
}

/* It holds our finalizer, and all that there is has been listed. */
static void is_seen(void)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        store_reach(w.ctx.store, kind, "", "9");
    w.fails = true;
    applied(json_build("[%s]", FINALIZER));
    go_on(0);
}

/* Its turn has found something else to do, so others of the line go on. */
static void who_does_not_ask_again_gives_up_its_place(void **state)
{
    (void)state;
    is_seen();
    struct errand *e = mem_alloc(sizeof(*e));
    *e = (struct errand){.ctx = &w.ctx, .state = known(), .stage = ERRAND_IN_LINE, .cause = "test"};
    list_init(&e->node);
    known()->errand = e;
    applied(json_build("[%s]", FINALIZER));
    go_on(0);
    assert_null(known()->errand);
    assert_int_equal(w.stepped_back, 1);
}

static void went_by_force(void)
{
    store_remove(w.ctx.store, KIND_RUNNER, "ci", "builds");
    controller_add(w.ctx.controller, KIND "/ci/builds", QUEUE_URGENT, "the object changed");
    go_on(0);
}

static void is_waited_for(const char *rule)
{
    assert_string_equal(w.rule, rule);
    assert_non_null(known());
    w.rule = NULL;
    go_on(RETRY_MAX_MS * 2);
    assert_string_equal(w.rule, rule);
}

/* Its Secret cannot be written. */
static void a_token_is_not_saved(void)
{
    const struct registration issued = {.runner_id = 7,
                                        .url = "https://one.example.com",
                                        .authentication = "AccessToken",
                                        .scope = "Instance",
                                        .token = "glrt-7"};

    is_seen();
    memory_issue(&known()->memory, &issued);
    known()->memory.doubt = DOUBT_NONE;
    go_on(RETRY_MAX_MS * 2);
    assert_string_equal(failure(RULE_SAVE), "Down");
}

static void a_token_that_is_not_saved_is_seen_to_its_end(void **state)
{
    (void)state;
    a_token_is_not_saved();
    went_by_force();
    is_waited_for("record");
    learn_recorded(&known()->memory);
    go_on(RETRY_MAX_MS * 2);
    assert_null(known());
}

static void so_is_a_registration_that_may_be_lost(void **state)
{
    (void)state;
    is_seen();
    assert_int_equal(known()->memory.doubt, DOUBT_SUSPECTED);
    went_by_force();
    is_waited_for("read-token");
    learn_reported(&known()->memory, "PossibleOrphan");
    go_on(RETRY_MAX_MS * 2);
    assert_null(known());
}

static void what_all_can_see_is_forgotten(void **state)
{
    (void)state;
    is_seen();
    learn_reported(&known()->memory, "PossibleOrphan");
    go_on(RETRY_MAX_MS);
    went_by_force();
    assert_null(known());
}

static void on_drained(void *arg)
{
    (void)arg;
    w.drained = true;
}

static uint64_t turns(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ARRAY_LEN(w.ctx.stats->results); i++)
        sum += w.ctx.stats->results[i];
    return sum;
}

/* Its next time would be minutes away, and the process has seconds. */
static void who_stops_tries_to_save_it_until_it_is_saved(void **state)
{
    (void)state;
    a_token_is_not_saved();
    uint64_t before = turns();
    w.saves = 0;
    reconciler_drain(w.rec, on_drained, NULL);
    go_on(10 * 1000);
    assert_false(w.drained);
    assert_in_range(turns() - before, w.saves, 2 * w.saves); /* nor any of another kind */
    assert_in_range(w.saves, 8, 12);                         /* no more of them: it is not well */
    w.fails = false;
    w.takes_tokens = true;
    go_on(2 * 1000);
    assert_true(w.drained);
    assert_null(known()->memory.issued);
}

/* A turn that would see to it does not begin any more. */
static void whatever_else_changes_meanwhile(void **state)
{
    (void)state;
    a_token_is_not_saved();
    a_secret_is_named();
    go_on(RETRY_MAX_MS);
    reconciler_drain(w.rec, on_drained, NULL);
    tell_secret("2");
    go_on(10 * 1000);
    assert_false(w.drained);
    assert_non_null(failure(RULE_SAVE));
}

static void who_stops_does_not_wait_for_a_name_that_is_taken(void **state)
{
    (void)state;
    a_token_is_not_saved();
    memory_succeed(&known()->memory, RULE_SAVE);
    w.saves = 0;
    reconciler_drain(w.rec, on_drained, NULL);
    go_on(0);
    assert_true(w.drained);
    assert_int_equal(w.saves, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * /healthz */

static void says(const char *check, int code)
{
    const struct reconciler_view view = reconciler_view(w.rec);
    const struct serve_request request = {.below = check, .query = ""};
    struct buf body cleanup_buf;

    buf_init(&body, 4096);
    assert_int_equal(health_render(&healthz, &view, &request, &body), code);
}

static void a_turn_that_was_forgotten_is_told_of(void **state)
{
    (void)state;
    w.answers = false;
    go_on(0);
    assert_int_equal(reconciler_view(w.rec).turns_len, 1);
    go_on(299 * 1000);
    says("turns", 200);
    go_on(1000);
    says("turns", 503);
    says("queue", 200); /* somebody is worked on */
}

/* The loop has forgotten to look. */
static void so_is_a_queue_that_nobody_takes_from(void **state)
{
    (void)state;
    go_on(0);
    applied(json_build("[]"));
    w.loop.now += 59 * 1000;
    says("queue", 200);
    w.loop.now += 1000;
    says("queue", 503);
    go_on(0);
    says("queue", 200);
}

static void the_oldest_key_is_told_whoever_came_last(void **state)
{
    (void)state;
    go_on(0);
    controller_add(w.ctx.controller, KIND "/team/builds", QUEUE_ROUTINE, "listed");
    w.loop.now += 30 * 1000;
    applied(json_build("[]"));
    w.loop.now += 10 * 1000;
    assert_int_equal(reconciler_view(w.rec).oldest_seconds, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_repeats_is_given_up_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_tried_again_every_five_minutes_at_last, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_tried_at_once_when_what_it_needs_has_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_costs_what_its_object_takes, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_changed_it_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_known_is_served_beside_who_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_left_out_is_served_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(who_does_not_ask_again_gives_up_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(a_token_that_is_not_saved_is_seen_to_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(so_is_a_registration_that_may_be_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(what_all_can_see_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(who_stops_tries_to_save_it_until_it_is_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_else_changes_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(who_stops_does_not_wait_for_a_name_that_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(who_makes_way_is_counted_and_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_that_was_forgotten_is_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_key_is_told_whoever_came_last, setup, teardown),
        cmocka_unit_test_setup_teardown(so_is_a_queue_that_nobody_takes_from, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
