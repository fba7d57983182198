/* The work queue: its statements one by one, then against a model that is too simple to be wrong. */
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
#include "base/metrics.h"
#include "base/clock.h"
#include "kube/queue.h"

/* Takes the next key of at least this priority, which must be this one for this cause; NULL: there must be none. */
static void assert_takes_least(struct queue *q, enum queue_priority least, int64_t now, const char *key,
                               const char *cause)
{
    const char *got_cause = "none", *got = queue_take(q, now, least, &got_cause);

    if (!key) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_string_equal(got, key);
    assert_string_equal(got_cause, cause);
}

static void assert_takes(struct queue *q, int64_t now, const char *key, const char *cause)
{
    assert_takes_least(q, QUEUE_ROUTINE, now, key, cause);
}

static int64_t next(const struct queue *q)
{
    return queue_next_ms(q, QUEUE_ROUTINE);
}

/* The caller's key is the caller's: it may be another one right afterwards. */
static void add(struct queue *q, const char *key, const char *cause)
{
    static char own[64];

    snprintf(own, sizeof(own), "%s", key);
    queue_add(q, own, QUEUE_ROUTINE, cause);
    memset(own, '?', sizeof(own) - 1);
}

static void gives_keys_in_order_of_arrival_and_each_once(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    assert_takes(q, 0, NULL, NULL);
    add(q, "ci/b", "1");
    add(q, "ci/a", "2");
    add(q, "ci/b", "3");
    assert_int_equal(queue_depth(q), 2);
    assert_int_equal(queue_adds(q), 3);
    assert_takes(q, 0, "ci/b", "1"); /* the first cause */
    assert_takes(q, 0, "ci/a", "2");
    assert_takes(q, 0, NULL, NULL);
    assert_int_equal(queue_depth(q), 0);
    queue_destroy(q);
}

static void makes_a_busy_key_ready_again_exactly_once(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    add(q, "ci/a", "1");
    assert_takes(q, 0, "ci/a", "1");
    add(q, "ci/a", "2");
    add(q, "ci/a", "3");
    assert_takes(q, 0, NULL, NULL); /* never twice at the same time */
    assert_int_equal(queue_depth(q), 0);
    queue_done(q, "ci/a");
    assert_takes(q, 0, "ci/a", "2");
    queue_done(q, "ci/a");
    assert_takes(q, 0, NULL, NULL);
    queue_destroy(q);
}

/* Work on the key that fails, or not, and has to be done again. */
static void work_once(struct queue *q, bool fails)
{
    assert_takes(q, 0, "ci/a", "x");
    if (fails)
        queue_fail(q, "ci/a");
    add(q, "ci/a", "x");
    queue_done(q, "ci/a");
}

static void failures_count_in_a_row(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    assert_int_equal(queue_failures(q, "ci/a"), 0);
    add(q, "ci/a", "x");
    for (unsigned failures = 1; failures < 300; failures++) {
        work_once(q, true);
        assert_int_equal(queue_failures(q, "ci/a"), failures < 255 ? failures : 255);
    }
    work_once(q, false);
    assert_int_equal(queue_failures(q, "ci/a"), 0);
    work_once(q, true);
    assert_int_equal(queue_failures(q, "ci/a"), 1);
    queue_destroy(q);
    queue_destroy(NULL);
}

static void keeps_a_key_until_its_time(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    assert_int_equal(next(q), -1);
    queue_add_at(q, "ci/late", 200, "1");
    queue_add_at(q, "ci/early", 100, "2");
    assert_int_equal(next(q), 100);
    assert_int_equal(queue_depth(q), 0);
    assert_int_equal(queue_delayed(q), 2);
    assert_takes(q, 99, NULL, NULL);
    assert_takes(q, 100, "ci/early", "2");
    assert_int_equal(queue_delayed(q), 1);
    assert_int_equal(next(q), 200);
    assert_takes(q, 1000, "ci/late", "1");
    assert_int_equal(next(q), -1);
    queue_destroy(q);
}

/* In seconds, by the bounds of client-go's queues. */
static void it_is_counted_how_long_keys_waited(void **state)
{
    static const double bounds[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000};
    struct queue *q = queue_create();
    const struct histogram *waits = queue_waits(q);

    (void)state;
    assert_int_equal(waits->buckets->len, ARRAY_LEN(bounds));
    assert_memory_equal(waits->buckets->bounds, bounds, sizeof(bounds));
    add(q, "ci/a", "1");
    assert_int_equal(waits->count, 0);
    assert_takes(q, 0, "ci/a", "1");
    assert_int_equal(waits->count, 1);
    assert_true(waits->sum >= 0 && waits->sum < 60);
    queue_destroy(q);
}

/* Also when something else is to be done about it meanwhile. */
static void the_oldest_key_has_waited_since_it_came(void **state)
{
    enum { AGE_US = 2000 };
    struct queue *q = queue_create();

    (void)state;
    assert_true(queue_oldest_seconds(q) >= 0 && queue_oldest_seconds(q) <= 0);
    queue_add(q, "ci/a", QUEUE_ROUTINE, "1");
    for (int64_t came = clock_us(); clock_us() - came < AGE_US;)
        ;
    queue_add(q, "ci/a", QUEUE_URGENT, "2");
    queue_add(q, "ci/b", QUEUE_URGENT, "3");
    assert_true(queue_oldest_seconds(q) >= AGE_US / 1e6);
    queue_destroy(q);
}

static void an_earlier_time_wins(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add_at(q, "ci/a", 200, "1");
    queue_add_at(q, "ci/a", 300, "2");
    assert_int_equal(next(q), 200);
    queue_add_at(q, "ci/a", 100, "3");
    assert_int_equal(next(q), 100);
    assert_takes(q, 100, "ci/a", "1");
    queue_done(q, "ci/a");
    assert_takes(q, 1000, NULL, NULL);
    queue_destroy(q);
}

static void an_event_ends_a_delay(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add_at(q, "ci/a", 100, "delay");
    add(q, "ci/a", "event");
    assert_int_equal(next(q), 0);
    queue_add_at(q, "ci/a", 50, "ready already");
    assert_takes(q, 0, "ci/a", "delay"); /* the first cause since it last ran */
    queue_done(q, "ci/a");
    assert_takes(q, 1000, NULL, NULL);
    queue_destroy(q);
}

static void a_delay_set_while_busy_begins_when_done(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    add(q, "ci/a", "1");
    assert_takes(q, 0, "ci/a", "1");
    queue_add_at(q, "ci/a", 100, "2");
    queue_done(q, "ci/a");
    assert_takes(q, 99, NULL, NULL);
    assert_takes(q, 100, "ci/a", "2");
    queue_add_at(q, "ci/a", 150, "3");
    assert_takes(q, 200, NULL, NULL); /* due, but still busy */
    queue_done(q, "ci/a");
    assert_takes(q, 200, "ci/a", "3");
    queue_done(q, "ci/a");
    assert_int_equal(next(q), -1);
    queue_destroy(q);
}

static void forgets_what_is_done(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_done(q, "never seen");
    add(q, "ci/a", "1");
    queue_done(q, "ci/a"); /* it is not busy, so this means nothing */
    assert_takes(q, 0, "ci/a", "1");
    queue_done(q, "ci/a");
    queue_done(q, "ci/a");
    assert_takes(q, 0, NULL, NULL);
    add(q, "ci/a", "2");
    assert_takes(q, 0, "ci/a", "2");
    queue_destroy(q);
}

static void what_is_urgent_comes_first(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    add(q, "ci/a", "1");
    add(q, "ci/b", "2");
    queue_add(q, "ci/c", QUEUE_URGENT, "3");
    queue_add(q, "ci/b", QUEUE_URGENT, "4");
    add(q, "ci/b", "5");
    assert_int_equal(queue_depth(q), 3);
    assert_takes(q, 0, "ci/c", "3");
    assert_takes(q, 0, "ci/b", "4"); /* the higher priority stays, with its cause */
    assert_takes(q, 0, "ci/a", "1");
    queue_done(q, "ci/b");
    add(q, "ci/b", "6");
    assert_takes_least(q, QUEUE_URGENT, 0, NULL, NULL); /* urgent no more */
    assert_takes(q, 0, "ci/b", "6");
    queue_destroy(q);
}

static void a_busy_key_keeps_the_priority_for_when_it_is_done(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    add(q, "ci/a", "1");
    assert_takes(q, 0, "ci/a", "1");
    add(q, "ci/b", "2");
    add(q, "ci/a", "3");
    queue_add(q, "ci/a", QUEUE_URGENT, "4");
    queue_done(q, "ci/a");
    assert_takes(q, 0, "ci/a", "4");
    queue_destroy(q);
}

static void a_delayed_key_becomes_urgent(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add_at(q, "ci/a", 100, "retry");
    add(q, "ci/b", "listed");
    queue_add(q, "ci/a", QUEUE_URGENT, "edit");
    assert_takes(q, 0, "ci/a", "edit");
    queue_destroy(q);
}

static void room_is_kept_for_what_is_urgent(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    add(q, "ci/a", "1");
    queue_add_at(q, "ci/b", 100, "2");
    assert_takes_least(q, QUEUE_URGENT, 0, NULL, NULL);
    assert_int_equal(queue_next_ms(q, QUEUE_URGENT), 100);
    assert_int_equal(queue_next_ms(q, QUEUE_ROUTINE), 0);
    assert_takes_least(q, QUEUE_URGENT, 100, NULL, NULL);
    assert_int_equal(queue_next_ms(q, QUEUE_URGENT), -1); /* nothing that could be taken */
    assert_int_equal(queue_depth(q), 2);
    queue_destroy(q);
}

static bool is_not_large(void *arg, const char *ns, enum queue_priority priority)
{
    (void)arg;
    (void)priority;
    return strcmp(ns, "large") != 0;
}

/* Who holds too much elsewhere is passed over, whatever its priority, and comes when it may. */
static void a_namespace_that_may_not_go_holds_up_no_other(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_ask(q, is_not_large, NULL);
    queue_add(q, "large/a", QUEUE_BEGUN, "answer");
    queue_add(q, "large/b", QUEUE_URGENT, "edit");
    queue_add(q, "large/c", QUEUE_ROUTINE, "list");
    queue_add(q, "small/a", QUEUE_ROUTINE, "list");
    queue_add(q, "small/b", QUEUE_URGENT, "edit");
    assert_takes_least(q, QUEUE_ROUTINE, 0, "small/b", "edit");
    assert_takes_least(q, QUEUE_URGENT, 0, NULL, NULL);
    assert_takes_least(q, QUEUE_ROUTINE, 0, "small/a", "list");
    assert_takes_least(q, QUEUE_ROUTINE, 0, NULL, NULL);
    assert_int_equal(queue_depth(q), 3);
    assert_int_equal(next(q), 0);
    queue_ask(q, NULL, NULL);
    assert_takes_least(q, QUEUE_ROUTINE, 0, "large/a", "answer");
    assert_takes_least(q, QUEUE_ROUTINE, 0, "large/b", "edit");
    assert_takes_least(q, QUEUE_ROUTINE, 0, "large/c", "list");
    queue_destroy(q);
}

/* GitLab has answered, or has a place: before all else, also when nothing else may be taken. */
static void what_was_begun_goes_on_first(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add(q, "ci/a", QUEUE_URGENT, "edit");
    queue_add(q, "ci/b", QUEUE_ROUTINE, "list");
    queue_add(q, "ci/b", QUEUE_BEGUN, "answer");
    assert_takes_least(q, QUEUE_BEGUN, 0, "ci/b", "answer");
    assert_int_equal(queue_taken_priority(q, "ci/b"), QUEUE_BEGUN);
    assert_takes_least(q, QUEUE_BEGUN, 0, NULL, NULL);
    assert_takes_least(q, QUEUE_URGENT, 0, "ci/a", "edit");
    assert_int_equal(queue_taken_priority(q, "ci/a"), QUEUE_URGENT);
    queue_done(q, "ci/b");
    queue_add(q, "ci/b", QUEUE_ROUTINE, "list");
    assert_takes_least(q, QUEUE_ROUTINE, 0, "ci/b", "list");
    assert_int_equal(queue_taken_priority(q, "ci/b"), QUEUE_ROUTINE);
    queue_destroy(q);
}

static void namespaces_take_turns(void **state)
{
    struct queue *q = queue_create();
    char key[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "many/%d", i);
        add(q, key, "1");
    }
    add(q, "few/a", "2");
    add(q, "few/b", "3");
    assert_takes(q, 0, "many/0", "1");
    assert_takes(q, 0, "few/a", "2");
    assert_takes(q, 0, "many/1", "1");
    assert_takes(q, 0, "few/b", "3");
    assert_takes(q, 0, "many/2", "1");
    assert_takes(q, 0, "many/3", "1");
    queue_destroy(q);
}

static void nothing_starves(void **state)
{
    struct queue *q = queue_create();
    const char *cause, *key;
    int urgent = 0;

    (void)state;
    add(q, "ci/patient", "listed");
    do {
        queue_add(q, "ci/a", QUEUE_URGENT, "edit");
        queue_add(q, "ci/b", QUEUE_URGENT, "edit");
        key = queue_take(q, 0, QUEUE_ROUTINE, &cause);
        assert_non_null(key);
        if (strcmp(key, "ci/patient") == 0)
            break;
        queue_done(q, key);
    } while (++urgent < 100);
    assert_int_equal(urgent, QUEUE_FAIR_SHARE - 1);
    queue_destroy(q);
}

/* A burst of events about a key, while it waits and while it is worked on. */
static void a_burst_costs_two_runs(void **state)
{
    struct queue *q = queue_create();
    const char *cause, *key;
    int runs = 0;

    (void)state;
    add(q, "ci/a", "1");
    for (; (key = queue_take(q, 0, QUEUE_ROUTINE, &cause)); queue_done(q, key), runs++)
        for (int i = 0; runs == 0 && i < 1000; i++)
            queue_add(q, "ci/a", i % 2 ? QUEUE_URGENT : QUEUE_ROUTINE, "event");
    assert_int_equal(runs, 2);
    queue_destroy(q);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The model: a row for each key; in the order of arrival those that are ready, in the order of their turns their
 * namespaces. */

enum { KEYS = 40, NAMESPACES = 8, STEPS = 1000000 };

struct model {
    struct row {
        bool ready, busy, again;
        enum queue_priority priority;
        int64_t due; /* -1: not delayed */
        const char *cause;
    } rows[KEYS];
    int order[KEYS], turns[QUEUE_PRIORITIES][NAMESPACES];
    int ready, turns_len[QUEUE_PRIORITIES];
    int urgent_row;
};

static int index_of(const int *array, int len, int value)
{
    int i = 0;

    while (i < len && array[i] != value)
        i++;
    return i;
}

static void take_out(int *array, int *len, int value)
{
    int i = index_of(array, *len, value);

    memmove(array + i, array + i + 1, (size_t)(--*len - i) * sizeof(*array));
}

/* The place in order of the namespace's first ready key of that priority; ready: none. */
static int first_of(const struct model *m, enum queue_priority priority, int ns)
{
    int i = 0;

    while (i < m->ready && (m->rows[m->order[i]].priority != priority || m->order[i] % NAMESPACES != ns))
        i++;
    return i;
}

static void model_ready(struct model *m, int key)
{
    struct row *row = &m->rows[key];
    int *turns = m->turns[row->priority], *len = &m->turns_len[row->priority], ns = key % NAMESPACES;

    row->due = -1;
    if (row->ready)
        return;
    if (index_of(turns, *len, ns) == *len)
        turns[(*len)++] = ns;
    m->order[m->ready++] = key;
    row->ready = true;
}

static void model_unready(struct model *m, int key)
{
    struct row *row = &m->rows[key];
    int ns = key % NAMESPACES;

    take_out(m->order, &m->ready, key);
    row->ready = false;
    if (first_of(m, row->priority, ns) == m->ready)
        take_out(m->turns[row->priority], &m->turns_len[row->priority], ns);
}

static void model_add(struct model *m, int key, enum queue_priority priority, const char *cause)
{
    struct row *row = &m->rows[key];

    if (!row->cause || priority > row->priority)
        row->cause = cause;
    if (priority > row->priority) {
        if (row->ready)
            model_unready(m, key);
        row->priority = priority;
    }
    if (row->busy)
        row->again = true;
    else
        model_ready(m, key);
}

static void model_add_at(struct model *m, int key, int64_t at, const char *cause)
{
    struct row *row = &m->rows[key];

    if (row->ready || row->again || (row->due >= 0 && row->due <= at))
        return;
    row->cause = row->cause ? row->cause : cause;
    row->due = at;
}

static int model_first_due(const struct model *m)
{
    int first = -1;

    for (int key = 0; key < KEYS; key++)
        if (m->rows[key].due >= 0 && (first < 0 || m->rows[key].due < m->rows[first].due))
            first = key;
    return first;
}

static void model_promote(struct model *m, int64_t now)
{
    for (int key; (key = model_first_due(m)) >= 0 && m->rows[key].due <= now;) {
        m->rows[key].due = -1;
        if (m->rows[key].busy)
            m->rows[key].again = true;
        else
            model_ready(m, key);
    }
}

static int model_take(struct model *m, int64_t now, enum queue_priority least, const char **ret_cause)
{
    model_promote(m, now);
    bool begun = m->turns_len[QUEUE_BEGUN], urgent = least <= QUEUE_URGENT && m->turns_len[QUEUE_URGENT],
         routine = least == QUEUE_ROUTINE && m->turns_len[QUEUE_ROUTINE];

    if (!begun && !urgent && !routine)
        return -1;
    if (!begun && urgent && routine && ++m->urgent_row == QUEUE_FAIR_SHARE)
        urgent = false;
    if (!begun && !urgent)
        m->urgent_row = 0;
    enum queue_priority from = begun ? QUEUE_BEGUN : urgent ? QUEUE_URGENT : QUEUE_ROUTINE;
    int ns = m->turns[from][0], key = m->order[first_of(m, from, ns)];
    take_out(m->turns[from], &m->turns_len[from], ns);
    m->turns[from][m->turns_len[from]++] = ns;
    model_unready(m, key);
    assert_false(m->rows[key].busy); /* never twice at the same time */
    *ret_cause = m->rows[key].cause;
    m->rows[key] = (struct row){.busy = true, .due = -1};
    return key;
}

static void model_done(struct model *m, int key)
{
    struct row *row = &m->rows[key];

    if (row->busy && row->again)
        model_ready(m, key);
    row->busy = row->again = false;
}

static int64_t model_next(const struct model *m, enum queue_priority least)
{
    int first = model_first_due(m);

    for (int priority = least; priority < QUEUE_PRIORITIES; priority++)
        if (m->turns_len[priority])
            return 0;
    return first >= 0 ? m->rows[first].due : -1;
}

/* Takes from both; -1: there was nothing. */
static int take_same(struct queue *q, struct model *m, int64_t now, enum queue_priority least)
{
    const char *cause = NULL, *model_cause = NULL;
    const char *key = queue_take(q, now, least, &cause);
    int expected = model_take(m, now, least, &model_cause);

    if (expected < 0) {
        assert_null(key);
        return -1;
    }
    assert_non_null(key);
    assert_int_equal(atoi(strchr(key, '/') + 1), expected);
    assert_string_equal(cause, model_cause);
    return expected;
}

static void name_of(int n, char key[static 32])
{
    snprintf(key, 32, "ns-%d/%d", n % NAMESPACES, n);
}

/* Whatever is left is worked on, to the last of it. */
static void drain_both(struct queue *q, struct model *m)
{
    char key[32];

    for (int n = 0; n < KEYS; n++) {
        name_of(n, key);
        queue_done(q, key);
        model_done(m, n);
    }
    for (int n; (n = take_same(q, m, INT64_MAX, QUEUE_ROUTINE)) >= 0;) {
        name_of(n, key);
        queue_done(q, key);
        model_done(m, n);
    }
    assert_int_equal(m->ready, 0);
    assert_int_equal(queue_depth(q), 0);
    assert_int_equal(next(q), -1);
}

static void does_as_the_model_does(void **state)
{
    static const char *const causes[] = {"changed", "child changed", "retry"};
    struct queue *q = queue_create();
    struct model m = {0};
    int64_t now = 0;

    (void)state;
    srand(1);
    for (int key = 0; key < KEYS; key++)
        m.rows[key].due = -1;
    for (int64_t step = 0; step < STEPS; step++) {
        int n = rand() % KEYS, what = rand() % 9;
        enum queue_priority priority = rand() % QUEUE_PRIORITIES;
        const char *cause = causes[rand() % (int)ARRAY_LEN(causes)];
        char key[32];
        name_of(n, key);
        if (what < 2) {
            queue_add(q, key, priority, cause);
            model_add(&m, n, priority, cause);
        } else if (what < 4) {
            /* No two keys are due at the same moment: their order is not promised. */
            int64_t at = (now + rand() % 200) * STEPS + step;
            queue_add_at(q, key, at, cause);
            model_add_at(&m, n, at, cause);
        } else if (what < 6) {
            take_same(q, &m, now * STEPS, priority);
        } else if (what < 8) {
            queue_done(q, key);
            model_done(&m, n);
        } else {
            now += rand() % 5;
        }
        assert_int_equal(queue_depth(q), m.ready);
        assert_int_equal(queue_next_ms(q, priority), model_next(&m, priority));
    }
    drain_both(q, &m);
    queue_destroy(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_keys_in_order_of_arrival_and_each_once),
        cmocka_unit_test(makes_a_busy_key_ready_again_exactly_once),
        cmocka_unit_test(failures_count_in_a_row),
        cmocka_unit_test(keeps_a_key_until_its_time),
        cmocka_unit_test(it_is_counted_how_long_keys_waited),
        cmocka_unit_test(the_oldest_key_has_waited_since_it_came),
        cmocka_unit_test(an_earlier_time_wins),
        cmocka_unit_test(an_event_ends_a_delay),
        cmocka_unit_test(a_delay_set_while_busy_begins_when_done),
        cmocka_unit_test(forgets_what_is_done),
        cmocka_unit_test(what_is_urgent_comes_first),
        cmocka_unit_test(a_busy_key_keeps_the_priority_for_when_it_is_done),
        cmocka_unit_test(a_delayed_key_becomes_urgent),
        cmocka_unit_test(room_is_kept_for_what_is_urgent),
        cmocka_unit_test(a_namespace_that_may_not_go_holds_up_no_other),
        cmocka_unit_test(what_was_begun_goes_on_first),
        cmocka_unit_test(namespaces_take_turns),
        cmocka_unit_test(nothing_starves),
        cmocka_unit_test(a_burst_costs_two_runs),
        cmocka_unit_test(does_as_the_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
