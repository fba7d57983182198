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
#include "kube/queue.h"

/* Takes the next key, which must be this one for this cause; NULL: there must be none. */
static void assert_takes(struct queue *q, int64_t now, const char *key, const char *cause)
{
    const char *got_cause = "none", *got = queue_take(q, now, &got_cause);

    if (!key) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_string_equal(got, key);
    assert_string_equal(got_cause, cause);
}

static void gives_keys_in_order_of_arrival_and_each_once(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    assert_takes(q, 0, NULL, NULL);
    queue_add(q, "b", "1");
    queue_add(q, "a", "2");
    queue_add(q, "b", "3");
    assert_int_equal(queue_depth(q), 2);
    assert_int_equal(queue_adds(q), 3);
    assert_takes(q, 0, "b", "1"); /* the first cause */
    assert_takes(q, 0, "a", "2");
    assert_takes(q, 0, NULL, NULL);
    assert_int_equal(queue_depth(q), 0);
    queue_destroy(q);
}

static void makes_a_busy_key_ready_again_exactly_once(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add(q, "a", "1");
    assert_takes(q, 0, "a", "1");
    queue_add(q, "a", "2");
    queue_add(q, "a", "3");
    assert_takes(q, 0, NULL, NULL); /* never twice at the same time */
    assert_int_equal(queue_depth(q), 0);
    queue_done(q, "a");
    assert_takes(q, 0, "a", "2");
    queue_done(q, "a");
    assert_takes(q, 0, NULL, NULL);
    queue_destroy(q);
}

static void keeps_a_key_until_its_time(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    assert_int_equal(queue_next_ms(q), -1);
    queue_add_at(q, "late", 200, "1");
    queue_add_at(q, "early", 100, "2");
    assert_int_equal(queue_next_ms(q), 100);
    assert_int_equal(queue_depth(q), 0);
    assert_takes(q, 99, NULL, NULL);
    assert_takes(q, 100, "early", "2");
    assert_int_equal(queue_next_ms(q), 200);
    assert_takes(q, 1000, "late", "1");
    assert_int_equal(queue_next_ms(q), -1);
    queue_destroy(q);
}

static void an_earlier_time_wins(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add_at(q, "a", 200, "1");
    queue_add_at(q, "a", 300, "2");
    assert_int_equal(queue_next_ms(q), 200);
    queue_add_at(q, "a", 100, "3");
    assert_int_equal(queue_next_ms(q), 100);
    assert_takes(q, 100, "a", "1");
    queue_done(q, "a");
    assert_takes(q, 1000, NULL, NULL);
    queue_destroy(q);
}

static void an_event_ends_a_delay(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add_at(q, "a", 100, "delay");
    queue_add(q, "a", "event");
    assert_int_equal(queue_next_ms(q), 0);
    queue_add_at(q, "a", 50, "ready already");
    assert_takes(q, 0, "a", "delay"); /* the first cause since it last ran */
    queue_done(q, "a");
    assert_takes(q, 1000, NULL, NULL);
    queue_destroy(q);
}

static void a_delay_set_while_busy_begins_when_done(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_add(q, "a", "1");
    assert_takes(q, 0, "a", "1");
    queue_add_at(q, "a", 100, "2");
    queue_done(q, "a");
    assert_takes(q, 99, NULL, NULL);
    assert_takes(q, 100, "a", "2");
    queue_add_at(q, "a", 150, "3");
    assert_takes(q, 200, NULL, NULL); /* due, but still busy */
    queue_done(q, "a");
    assert_takes(q, 200, "a", "3");
    queue_done(q, "a");
    assert_int_equal(queue_next_ms(q), -1);
    queue_destroy(q);
}

static void forgets_what_is_done(void **state)
{
    struct queue *q = queue_create();

    (void)state;
    queue_done(q, "never seen");
    queue_add(q, "a", "1");
    queue_done(q, "a"); /* it is not busy, so this means nothing */
    assert_takes(q, 0, "a", "1");
    queue_done(q, "a");
    queue_done(q, "a");
    assert_takes(q, 0, NULL, NULL);
    queue_add(q, "a", "2");
    assert_takes(q, 0, "a", "2");
    queue_destroy(q);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The model: a row for each key, and the order of those that are ready. */

enum { KEYS = 40, STEPS = 100000 };

struct model {
    struct row {
        bool ready, busy, again;
        int64_t due; /* -1: not delayed */
        const char *cause;
    } rows[KEYS];
    int order[KEYS];
    size_t ready;
};

static void model_ready(struct model *m, int key)
{
    struct row *row = &m->rows[key];

    row->due = -1;
    if (!row->ready)
        m->order[m->ready++] = key;
    row->ready = true;
}

static void model_add(struct model *m, int key, const char *cause)
{
    struct row *row = &m->rows[key];

    row->cause = row->cause ? row->cause : cause;
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

static int model_take(struct model *m, int64_t now, const char **ret_cause)
{
    for (int key; (key = model_first_due(m)) >= 0 && m->rows[key].due <= now;) {
        m->rows[key].due = -1;
        if (m->rows[key].busy)
            m->rows[key].again = true;
        else
            model_ready(m, key);
    }
    if (m->ready == 0)
        return -1;
    int key = m->order[0];
    memmove(m->order, m->order + 1, --m->ready * sizeof(m->order[0]));
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

static int64_t model_next(const struct model *m)
{
    int first = model_first_due(m);

    return m->ready ? 0 : first >= 0 ? m->rows[first].due : -1;
}

static void assert_take_same(struct queue *q, struct model *m, int64_t now)
{
    const char *cause = NULL, *model_cause = NULL;
    const char *key = queue_take(q, now, &cause);
    int expected = model_take(m, now, &model_cause);

    if (expected < 0) {
        assert_null(key);
        return;
    }
    assert_non_null(key);
    assert_int_equal(atoi(key), expected);
    assert_string_equal(cause, model_cause);
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
        int n = rand() % KEYS, what = rand() % 8;
        const char *cause = causes[rand() % (int)ARRAY_LEN(causes)];
        char key[8];
        snprintf(key, sizeof(key), "%d", n);
        if (what < 2) {
            queue_add(q, key, cause);
            model_add(&m, n, cause);
        } else if (what < 4) {
            /* No two keys are due at the same moment: their order is not promised. */
            int64_t at = (now + rand() % 200) * STEPS + step;
            queue_add_at(q, key, at, cause);
            model_add_at(&m, n, at, cause);
        } else if (what < 6) {
            assert_take_same(q, &m, now * STEPS);
        } else if (what < 7) {
            queue_done(q, key);
            model_done(&m, n);
        } else {
            now += rand() % 5;
        }
        assert_int_equal(queue_depth(q), m.ready);
        assert_int_equal(queue_next_ms(q), model_next(&m));
    }
    queue_destroy(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_keys_in_order_of_arrival_and_each_once),
        cmocka_unit_test(makes_a_busy_key_ready_again_exactly_once),
        cmocka_unit_test(keeps_a_key_until_its_time),
        cmocka_unit_test(an_earlier_time_wins),
        cmocka_unit_test(an_event_ends_a_delay),
        cmocka_unit_test(a_delay_set_while_busy_begins_when_done),
        cmocka_unit_test(forgets_what_is_done),
        cmocka_unit_test(does_as_the_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
