/* The loop that all work goes through, with a loop and a lease of the test's own: who may begin, what ends how, and
 * what another term of the lease and the end of the process do to it. */
#include "fake_loop.h"
#include "golden.h"

#include <stdlib.h>

#include "base/mem.h"
#include "kube/controller.h"
#include "kube/lease.h"

/* A work of the test's. */
struct job {
    struct work work;
    char key[40];
};

enum { JOBS = 64, MEMORY = 100 };

static struct world {
    struct loop loop;
    uint64_t term;
    bool synced, waits_at_once, outside;
    struct controller *controller;
    struct job *jobs[JOBS]; /* under way, in the order of their beginning */
    size_t len, cost;
    int begun, forgotten, prepared, drained, rested, steps, nothing;
    const char *cause;
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * What controller.c is linked with */

uint64_t lease_term(const struct lease *lease)
{
    (void)lease;
    return w.term;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A kind of work */

static struct work *start(void *arg, const char *key, enum queue_priority priority, const char *cause)
{
    (void)arg, (void)priority;
    if (w.nothing) {
        w.nothing--;
        return NULL;
    }
    struct job *job = mem_alloc(sizeof(*job));
    job->work.state = w.waits_at_once ? WORK_WAITING : WORK_READY;
    job->work.cost = w.cost;
    snprintf(job->key, sizeof(job->key), "%s", key);
    w.cause = cause;
    w.jobs[w.len++] = job;
    return &job->work;
}

static void step(struct work *work)
{
    assert_int_equal(work->state, WORK_WAITING);
    w.steps++;
}

static void stop(struct work *work)
{
    size_t i = 0;

    while (&w.jobs[i]->work != work)
        i++;
    free(w.jobs[i]);
    memmove(&w.jobs[i], &w.jobs[i + 1], (--w.len - i) * sizeof(w.jobs[0]));
}

static void begin(void *arg)
{
    (void)arg;
    w.begun++;
}

static void prepare(void *arg)
{
    (void)arg;
    w.prepared++;
}

static void forget(void *arg)
{
    (void)arg;
    assert_int_equal(w.len, 0);
    w.forgotten++;
}

static void rest(void *arg)
{
    (void)arg;
    assert_int_equal(w.len, 0);
    w.rested++;
}

static bool drain(void *arg)
{
    (void)arg;
    return !w.outside;
}

static void on_drained(void *arg)
{
    (void)arg;
    w.drained++;
}

static bool synced(void *arg)
{
    (void)arg;
    return w.synced;
}

static const struct work_kind jobs = {
    .names = (const char *const[]){"Job", "Task", NULL},
    .places = 4,
    .routine_places = 2,
    .namespace_places = 3,
    .memory = MEMORY,
    .retry = &(const struct backoff){1000, 8000, 0},
    .start = start,
    .step = step,
    .stop = stop,
    .begin = begin,
    .prepare = prepare,
    .forget = forget,
    .rest = rest,
    .drain = drain,
};

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.loop = {.now = 1000}, .term = 1, .synced = true};
    w.controller = controller_create(&w.loop, NULL, synced, NULL);
    controller_add_kind(w.controller, &jobs, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    controller_destroy(w.controller);
    assert_int_equal(w.len, 0);
    assert_null(fake_next_timer(&w.loop));
    return 0;
}

static void turn(void)
{
    fake_turn(&w.loop);
}

static void add(const char *key, enum queue_priority priority)
{
    controller_add(w.controller, key, priority, "a test");
}

static struct job *job(const char *key)
{
    for (size_t i = 0; i < w.len; i++)
        if (strcmp(w.jobs[i]->key, key) == 0)
            return w.jobs[i];
    fail_msg("nobody works on %s", key);
    return NULL;
}

static void finish(const char *key)
{
    work_done(&job(key)->work);
    turn();
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void a_work_goes_from_start_to_end(void **state)
{
    (void)state;
    add("Job/ci/a", QUEUE_ROUTINE);
    assert_int_equal(w.len, 0); /* not from within a callback */
    turn();
    assert_int_equal(job("Job/ci/a")->work.state, WORK_WAITING);
    assert_int_equal(w.steps, 1);
    turn();
    assert_int_equal(w.steps, 1);
    work_ready(&job("Job/ci/a")->work);
    turn();
    assert_int_equal(w.steps, 2);
    finish("Job/ci/a");
    assert_int_equal(w.len, 0);
    assert_int_equal(w.loop.timers[0].due, -1);
}

static void what_changes_meanwhile_is_worked_on_again(void **state)
{
    (void)state;
    add("Job/ci/a", QUEUE_ROUTINE);
    turn();
    add("Job/ci/a", QUEUE_ROUTINE);
    turn();
    assert_int_equal(w.len, 1);
    finish("Job/ci/a");
    assert_int_equal(w.len, 1);
    finish("Job/ci/a");
    assert_int_equal(w.len, 0);
}

static void a_parked_work_gives_up_its_place(void **state)
{
    (void)state;
    add("Job/ci/a", QUEUE_ROUTINE);
    turn();
    work_park(&job("Job/ci/a")->work);
    turn();
    assert_int_equal(w.len, 0);
    add("Job/ci/a", QUEUE_BEGUN);
    turn();
    assert_int_equal(w.len, 1);
}

static void a_kind_has_keys_of_several_names_and_no_others(void **state)
{
    (void)state;
    add("Task/ci/a", QUEUE_ROUTINE);
    add("Jo/ci/a", QUEUE_ROUTINE);
    add("Jobs/ci/a", QUEUE_ROUTINE);
    add("nonsense", QUEUE_ROUTINE);
    add("", QUEUE_ROUTINE);
    controller_add_at(w.controller, "Else/ci/a", 0, "a test");
    turn();
    assert_int_equal(w.len, 1);
    assert_int_equal(controller_view(w.controller, "Job").len, 1);
    assert_ptr_equal(controller_view(w.controller, "Job").queue, controller_view(w.controller, "Task").queue);
}

static void places_are_for_all_priorities_and_namespaces(void **state)
{
    (void)state;
    add("Job/a/1", QUEUE_ROUTINE);
    add("Job/b/1", QUEUE_ROUTINE);
    add("Job/c/1", QUEUE_ROUTINE);
    turn();
    assert_int_equal(w.len, 2); /* routine */
    add("Job/a/2", QUEUE_URGENT);
    add("Job/a/3", QUEUE_URGENT);
    turn();
    assert_int_equal(w.len, 3); /* the last one is for others */
    add("Job/b/2", QUEUE_URGENT);
    add("Job/d/2", QUEUE_URGENT);
    turn();
    assert_int_equal(w.len, 4); /* all */
    job("Job/b/2");
    finish("Job/b/1");
    job("Job/d/2");
}

static void a_namespace_may_have_a_bound_of_its_own(void **state)
{
    (void)state;
    add("Task/a/1", QUEUE_URGENT);
    add("Task/a/2", QUEUE_URGENT);
    add("Task/a/3", QUEUE_ROUTINE);
    turn();
    assert_int_equal(w.len, 3);
    add("Task/a/4", QUEUE_ROUTINE);
    turn();
    assert_int_equal(w.len, 3);
    add("Task/b/1", QUEUE_URGENT);
    turn();
    job("Task/b/1");
}

/* What stands in line because its namespace has its part does not keep others from being looked for in time. */
static void one_that_may_not_begin_delays_nobody(void **state)
{
    (void)state;
    w.cost = MEMORY / 2;
    add("Job/a/1", QUEUE_ROUTINE);
    add("Job/a/2", QUEUE_ROUTINE);
    controller_add_at(w.controller, "Job/b/1", w.loop.now + 500, "a test");
    turn();
    assert_int_equal(w.len, 1);
    assert_int_equal(w.loop.timers[0].due, w.loop.now + 500);
    w.loop.now += 500;
    turn();
    job("Job/b/1");
}

static void memory_has_a_bound(void **state)
{
    (void)state;
    w.cost = MEMORY / 2;
    add("Job/a/1", QUEUE_URGENT);
    add("Job/b/1", QUEUE_URGENT);
    add("Job/c/1", QUEUE_URGENT);
    turn();
    assert_int_equal(w.len, 2); /* nothing is left */
    finish("Job/b/1");
    job("Job/c/1");
}

static void what_fails_is_tried_again_later_and_later(void **state)
{
    const struct err err = {.kind = ERR_RETRY}, asks = {.kind = ERR_RETRY, .retry_after_ms = 60000};
    int64_t pauses[] = {1000, 2000, 4000, 8000, 8000};

    (void)state;
    add("Job/ci/a", QUEUE_ROUTINE);
    for (unsigned i = 0; i < ARRAY_LEN(pauses); i++) {
        turn();
        assert_int_equal(work_retry(&job("Job/ci/a")->work, &err), i + 1);
        turn();
        assert_int_equal(w.len, 0);
        assert_int_equal(w.loop.timers[0].due, w.loop.now + pauses[i]);
        w.loop.now += pauses[i];
    }
    turn();
    work_retry(&job("Job/ci/a")->work, &asks);
    turn();
    assert_int_equal(w.loop.timers[0].due, w.loop.now + 60000);
    add("Job/ci/a", QUEUE_ROUTINE); /* an event comes before that */
    turn();
    finish("Job/ci/a");
    assert_int_equal(w.loop.timers[0].due, -1);
    add("Job/ci/a", QUEUE_ROUTINE);
    turn();
    assert_int_equal(work_retry(&job("Job/ci/a")->work, &err), 1); /* the row has ended */
}

static void a_key_with_nothing_to_do_is_forgotten(void **state)
{
    (void)state;
    w.nothing = 1;
    add("Job/ci/a", QUEUE_ROUTINE);
    turn();
    assert_int_equal(w.len, 0);
    assert_int_equal(w.loop.timers[0].due, -1);
    fake_pass(&w.loop, 5000);
    assert_int_equal(w.rested, 1); /* somebody outside may have been at it */
    add("Job/ci/a", QUEUE_ROUTINE);
    turn();
    assert_int_equal(w.len, 1);
}

static void nothing_begins_before_all_is_known_and_without_the_lease(void **state)
{
    (void)state;
    w.synced = false;
    add("Job/ci/a", QUEUE_URGENT);
    turn();
    assert_int_equal(w.begun + w.prepared + (int)w.len, 0);
    w.synced = true;
    w.term = 0;
    turn();
    assert_int_equal(w.begun + w.prepared + (int)w.len, 0);
    w.term = 1;
    turn();
    turn();
    assert_int_equal(w.begun, 1);
    assert_int_equal(w.prepared, 2);
    assert_int_equal(w.len, 1);
}

static void another_term_ends_what_is_in_flight(void **state)
{
    (void)state;
    add("Job/ci/a", QUEUE_URGENT);
    turn();
    w.term = 0;
    turn();
    assert_int_equal(w.len, 0);
    assert_int_equal(w.forgotten, 2); /* at the beginning, too */
    assert_false(controller_is_leading(w.controller));
    w.term = 3;
    turn();
    assert_int_equal(w.begun, 2);
    assert_int_equal(w.len, 0); /* what there is is added by the kind */
    assert_true(controller_is_leading(w.controller));
}

static void it_rests_when_nobody_has_worked_for_a_while(void **state)
{
    (void)state;
    add("Job/ci/a", QUEUE_ROUTINE);
    add("Job/ci/b", QUEUE_ROUTINE);
    turn();
    finish("Job/ci/a");
    fake_pass(&w.loop, 5000);
    assert_int_equal(w.rested, 0);
    finish("Job/ci/b");
    assert_int_equal(w.rested, 0);
    fake_pass(&w.loop, 5000);
    assert_int_equal(w.rested, 1);
}

static void what_was_begun_is_seen_to_its_end(void **state)
{
    (void)state;
    add("Job/ci/a", QUEUE_URGENT);
    turn();
    w.outside = true;
    controller_drain(w.controller, on_drained, NULL);
    add("Job/ci/b", QUEUE_URGENT);
    turn();
    assert_int_equal(w.len, 1);
    finish("Job/ci/a");
    assert_int_equal(w.len + (size_t)w.drained, 0);
    add("Job/ci/a", QUEUE_BEGUN);
    turn();
    assert_int_equal(w.len, 1);
    w.outside = false;
    assert_int_equal(w.drained, 0);
    finish("Job/ci/a");
    assert_true(w.drained > 0);
    assert_true(controller_is_draining(w.controller));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_work_goes_from_start_to_end),
        TEST(what_changes_meanwhile_is_worked_on_again),
        TEST(a_parked_work_gives_up_its_place),
        TEST(a_kind_has_keys_of_several_names_and_no_others),
        TEST(places_are_for_all_priorities_and_namespaces),
        TEST(a_namespace_may_have_a_bound_of_its_own),
        TEST(one_that_may_not_begin_delays_nobody),
        TEST(memory_has_a_bound),
        TEST(what_fails_is_tried_again_later_and_later),
        TEST(a_key_with_nothing_to_do_is_forgotten),
        TEST(nothing_begins_before_all_is_known_and_without_the_lease),
        TEST(another_term_ends_what_is_in_flight),
        TEST(it_rests_when_nobody_has_worked_for_a_while),
        TEST(what_was_begun_is_seen_to_its_end),
    };

    return cmocka_run_group_tests_name("controller", tests, NULL, NULL);
}
