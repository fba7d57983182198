/* The fleet page's rows: each reader is told of each change, once, and of what it may know the newest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/store.h"
#include "net/serve.h"
#include "operator/kept.h"
#include "web/fleet_event.h"
#include "web/fleet_table.h"

enum { FOR_EVER_US = 1 << 30, RUNNERS = 300 };

struct scene {
    struct store *store;
    struct fleet_table *table;
};

static void touched(void *arg, unsigned kind, const struct record *record)
{
    if (kind == KIND_RUNNER)
        fleet_table_touch(arg, record->ns, record->name);
}

static void put_runner(struct scene *s, const char *ns, const char *name, const char *tags, const char *message)
{
    cleanup_json struct json_object *list = json_parse(tags, strlen(tags), &(struct err){0});
    cleanup_json struct json_object *spec =
        json_build("{url: 'https://gitlab.test:8443/x', concurrent: 3, tags: %o}", json_ref(list));
    cleanup_json struct json_object *status = json_build(
        "{runnerId: 12, readyReplicas: 1, conditions: [{type: Ready, status: 'False', reason: Broken, message: %s}]}",
        message);
    const struct kept_runner kept = {.spec = json_text(spec), .status = json_text(status), .generation = 1};
    const struct record r = {ns, name, "uid", "7", "", "", (void *)&kept, 0};

    store_put(s->store, KIND_RUNNER, &r);
}

static struct scene begin(void)
{
    struct scene s = {.store = kinds_store_create()};

    put_runner(&s, "ci", "old", "[]", "m");
    s.table = fleet_table_create(s.store, "registry/runner:v19.4.0");
    store_follow(s.store, touched, s.table);
    return s;
}

static void end(struct scene *s)
{
    fleet_table_destroy(s->table);
    store_follow(s->store, NULL, NULL);
    store_destroy(s->store);
}

/* All that the reader was not told yet, as names; "-" before those that are gone. */
static const char *told(struct scene *s, struct fleet_cursor *cursor)
{
    static char text[4096];
    struct fleet_row *row;

    text[0] = '\0';
    assert_true(fleet_table_settle(s->table, FOR_EVER_US));
    while ((row = fleet_cursor_peek(s->table, cursor))) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%s%s", len ? " " : "", row->gone ? "-" : "", row->key);
        fleet_cursor_pass(cursor, row);
    }
    return text;
}

static void each_change_is_told_once(void **state)
{
    struct scene s = begin();
    struct fleet_cursor cursor;

    (void)state;
    assert_false(fleet_cursor_begin(s.table, &cursor, 0));
    assert_string_equal(told(&s, &cursor), "ci/old");
    put_runner(&s, "ci", "a", "[]", "m");
    put_runner(&s, "ci", "b", "[]", "m");
    put_runner(&s, "ci", "a", "[]", "n");
    const char *two = told(&s, &cursor);
    assert_true(strcmp(two, "ci/a ci/b") == 0 || strcmp(two, "ci/b ci/a") == 0);
    put_runner(&s, "ci", "a", "[]", "n"); /* the same */
    assert_string_equal(told(&s, &cursor), "");
    store_remove(s.store, KIND_RUNNER, "ci", "old");
    assert_string_equal(told(&s, &cursor), "-ci/old");
    put_runner(&s, "ci", "c", "[]", "m"); /* has been there for a moment */
    store_remove(s.store, KIND_RUNNER, "ci", "c");
    assert_string_equal(told(&s, &cursor), "");
    store_bury(s.store, KIND_RUNNER, "ci", "b", "uid");
    assert_string_equal(told(&s, &cursor), "-ci/b");
    put_runner(&s, "ci", "b", "[]", "m");
    assert_string_equal(told(&s, &cursor), "ci/b");
    assert_int_equal(s.table->len, 2);
    fleet_cursor_end(&cursor);
    end(&s);
}

static void who_comes_again_is_told_what_has_changed(void **state)
{
    struct scene s = begin();
    struct fleet_cursor first, again, other;

    (void)state;
    fleet_cursor_begin(s.table, &first, 0);
    put_runner(&s, "ci", "a", "[]", "m");
    told(&s, &first);
    uint64_t since = first.revision;
    fleet_cursor_end(&first);
    put_runner(&s, "ci", "b", "[]", "m");
    store_remove(s.store, KIND_RUNNER, "ci", "old");
    fleet_table_settle(s.table, FOR_EVER_US);
    assert_true(fleet_cursor_begin(s.table, &again, since));
    const char *two = told(&s, &again);
    assert_true(strcmp(two, "ci/b -ci/old") == 0 || strcmp(two, "-ci/old ci/b") == 0);
    assert_false(fleet_cursor_begin(s.table, &other, s.table->revision + 1)); /* of another process */
    const char *all = told(&s, &other);
    assert_true(strcmp(all, "ci/a ci/b") == 0);
    fleet_cursor_end(&again);
    fleet_cursor_end(&other);
    end(&s);
}

/* Whoever reads slowly is told of each row once, as it is by then; more of what is gone than is kept loses it. */
static void who_falls_behind_is_lost_at_last(void **state)
{
    struct scene s = begin();
    struct fleet_cursor slow, fresh;
    char name[32];

    (void)state;
    fleet_cursor_begin(s.table, &slow, 0);
    told(&s, &slow);
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < RUNNERS; i++) {
            snprintf(name, sizeof(name), "r%d", i);
            put_runner(&s, "ci", name, "[]", round % 2 ? "m" : "n");
            fleet_table_settle(s.table, FOR_EVER_US);
        }
    size_t rows = 0;
    for (struct fleet_row *row; (row = fleet_cursor_peek(s.table, &slow)); rows++)
        fleet_cursor_pass(&slow, row);
    assert_int_equal(rows, RUNNERS);
    assert_false(slow.lost);
    for (int i = 0; i < FLEET_GONE_MAX + 100; i++) {
        snprintf(name, sizeof(name), "gone%d", i);
        put_runner(&s, "ci", name, "[]", "m");
        fleet_table_settle(s.table, FOR_EVER_US);
        store_remove(s.store, KIND_RUNNER, "ci", name);
        fleet_table_settle(s.table, FOR_EVER_US);
    }
    assert_true(s.table->gone <= FLEET_GONE_MAX);
    assert_true(slow.lost);
    assert_false(fleet_cursor_begin(s.table, &fresh, slow.revision));
    assert_false(fresh.lost);
    fleet_cursor_end(&slow);
    fleet_cursor_end(&fresh);
    end(&s);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Events */

static struct json_object *event_of(struct scene *s, struct fleet_cursor *cursor, struct fleet_event *event)
{
    struct buf piece cleanup_buf;
    struct fleet_row *row;
    struct err err = {0};

    buf_init(&piece, SERVE_PIECE_MAX);
    fleet_event_begin(event);
    while (fleet_event_has_room(event) && (row = fleet_cursor_peek(s->table, cursor))) {
        fleet_event_add_row(event, row);
        fleet_cursor_pass(cursor, row);
    }
    fleet_event_write_rows(event, "rows", 0, &piece);
    char *data = strstr(piece.data, "\ndata: ") + strlen("\ndata: "), *last = strstr(data, "\n\n");
    assert_null(strpbrk(piece.data + strlen("event: rows\n"), "\r"));
    assert_ptr_equal(strchr(data, '\n'), last); /* one line, whatever is in it */
    struct json_object *json = json_parse(data, (size_t)(last - data), &err);
    assert_string_equal(err.text, "");
    return json;
}

static size_t index_at(struct json_object *row, size_t i)
{
    return (size_t)strtoul(json_text(json_at(row, i)), NULL, 10);
}

static void an_event_has_its_own_dictionary(void **state)
{
    struct scene s = begin();
    struct fleet_cursor cursor;
    struct fleet_event event = {.number = 0};
    char name[32];
    size_t rows = 0, events = 0;

    (void)state;
    for (int i = 0; i < RUNNERS; i++) {
        snprintf(name, sizeof(name), "r%03d", i);
        put_runner(&s, i % 2 ? "ci" : "ops", name, "[\"a\", \"b\"]", "the Secret is not there");
    }
    fleet_table_settle(s.table, FOR_EVER_US);
    fleet_cursor_begin(s.table, &cursor, 0);
    while (fleet_cursor_peek(s.table, &cursor)) {
        cleanup_json struct json_object *json = event_of(&s, &cursor, &event);
        struct json_object *strings = json_get(json, "strings"), *list = json_get(json, "rows");
        events++;
        for (size_t i = 0; i < json_len(list); i++, rows++) {
            struct json_object *row = json_at(list, i);
            const char *ns = json_string(json_at(strings, index_at(row, 0)));
            assert_true(strcmp(ns, "ci") == 0 || strcmp(ns, "ops") == 0);
            assert_string_equal(json_string(json_at(strings, index_at(row, 3))), "Broken");
            assert_string_equal(json_string(json_at(strings, index_at(row, 11))), "gitlab.test:8443");
            assert_string_equal(json_string(json_at(strings, index_at(row, 12))), "v19.4.0");
            assert_true(json_is_array(json_at(strings, index_at(row, 10))));
            assert_int_equal(json_len(row), 18);
        }
        assert_in_range(json_len(strings), 6, 9);
    }
    assert_int_equal(rows, RUNNERS + 1);
    assert_true(events > 1);
    fleet_event_finish(&event);
    fleet_cursor_end(&cursor);
    end(&s);
}

static void what_means_harm_arrives_as_text(void **state)
{
    static const char evil[] = "</script>\n\nevent: bye\ndata: {}\n\n\r\x1b[31m\"\\\xe2\x80\xa8";
    struct scene s = begin();
    struct fleet_cursor cursor;
    struct fleet_event event = {.number = 0};
    cleanup_json struct json_object *tags = json_build("[]");

    (void)state;
    json_append(tags, json_build("%s", evil));
    put_runner(&s, "ci", "old", json_text(tags), evil);
    fleet_table_settle(s.table, FOR_EVER_US);
    fleet_cursor_begin(s.table, &cursor, 0);
    cleanup_json struct json_object *json = event_of(&s, &cursor, &event);
    struct json_object *row = json_at(json_get(json, "rows"), 0), *strings = json_get(json, "strings");
    assert_string_equal(json_string(json_at(json_at(strings, index_at(row, 10)), 0)), evil);
    assert_string_equal(json_string(json_at(strings, index_at(row, 4))), evil);
    fleet_event_finish(&event);
    fleet_cursor_end(&cursor);
    end(&s);
}

/* A tag may be as long as GitLab has it, and there may be as many as fit into an object. */
static void one_row_fits_into_an_event(void **state)
{
    struct scene s = begin();
    struct fleet_cursor cursor;
    struct fleet_event event = {.number = 0};
    cleanup_json struct json_object *tags = json_build("[]");
    char name[254], tag[1024];

    (void)state;
    memset(tag, '\x01', sizeof(tag) - 1); /* six bytes each as JSON */
    tag[sizeof(tag) - 1] = '\0';
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i < 200; i++)
        json_append(tags, json_build("%s", tag));
    for (name[0] = 'a'; name[0] <= 'z'; name[0]++)
        put_runner(&s, "ci", name, json_text(tags), tag);
    fleet_table_settle(s.table, FOR_EVER_US);
    fleet_cursor_begin(s.table, &cursor, 0);
    while (fleet_cursor_peek(s.table, &cursor))
        json_put_ptr(&(struct json_object *){event_of(&s, &cursor, &event)});
    fleet_event_finish(&event);
    fleet_cursor_end(&cursor);
    end(&s);
}

static void jobs_are_those_of_the_runner(void **state)
{
    struct scene s = begin();
    struct fleet_cursor cursor;
    struct fleet_counts counts = {.known = true};

    (void)state;
    put_runner(&s, "ops", "old", "[]", "m");
    fleet_cursor_begin(s.table, &cursor, 0);
    told(&s, &cursor);
    map_set(&counts.by_runner, "ci/ci_old", (void *)2);
    map_set(&counts.by_runner, "ci/ops_old", (void *)7); /* somebody else's pod says so */
    fleet_table_count(s.table, &counts);
    told(&s, &cursor);
    const struct fleet_row *ours = map_get(&s.table->by_key, "ci/old"), *theirs = map_get(&s.table->by_key, "ops/old");
    assert_int_equal(ours->facts.jobs, 2);
    assert_int_equal(theirs->facts.jobs, 0);
    fleet_table_count(s.table, &(struct fleet_counts){.known = false});
    assert_int_equal(ours->facts.jobs, -1);
    fleet_cursor_end(&cursor);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_told_once),         cmocka_unit_test(who_comes_again_is_told_what_has_changed),
        cmocka_unit_test(who_falls_behind_is_lost_at_last), cmocka_unit_test(an_event_has_its_own_dictionary),
        cmocka_unit_test(what_means_harm_arrives_as_text),  cmocka_unit_test(one_row_fits_into_an_event),
        cmocka_unit_test(jobs_are_those_of_the_runner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
