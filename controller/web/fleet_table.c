#include "web/fleet_table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/keep.h"
#include "base/key.h"
#include "base/mem.h"
#include "kube/store.h"
#include "operator/kinds.h"

enum { KEY_MAX_SIZE = 320 + 2, DROPPED_AT_ONCE = FLEET_GONE_MAX / 4 };

static size_t row_size(const char *key)
{
    return sizeof(struct fleet_row) + strlen(key) + 1;
}

static struct fleet_row *row_at(struct list *node)
{
    return container_of(node, struct fleet_row, node);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The order */

/* Whoever was told of the row last was told of what is before it as well. */
static void leave_order(struct fleet_table *table, struct fleet_row *row)
{
    list_each (node, &table->cursors) {
        struct fleet_cursor *cursor = container_of(node, struct fleet_cursor, node);
        if (cursor->at == &row->node)
            cursor->at = row->node.prev;
    }
    list_remove(&row->node);
}

static void move_to_end(struct fleet_table *table, struct fleet_row *row)
{
    leave_order(table, row);
    row->revision = ++table->revision;
    list_append(&table->rows, &row->node);
}

static bool was_told(const struct fleet_table *table, const struct fleet_cursor *cursor, const struct fleet_row *row)
{
    return cursor->at != &table->rows && row_at(cursor->at)->revision >= row->revision;
}

static void drop_row(struct fleet_table *table, struct fleet_row *row)
{
    assert(!row->is_unsettled);
    list_each (node, &table->cursors) {
        struct fleet_cursor *cursor = container_of(node, struct fleet_cursor, node);
        cursor->lost |= row->gone && row->revision > cursor->began && !was_told(table, cursor, row);
    }
    table->gone -= row->gone;
    leave_order(table, row);
    map_remove(&table->by_key, row->key);
    fleet_facts_put(&row->facts, &table->texts);
    keep_free(row, row_size(row->key));
}

/* Some at a time, for each time the rows are gone over. */
static void bound_gone(struct fleet_table *table)
{
    size_t left = table->gone > FLEET_GONE_MAX ? DROPPED_AT_ONCE : 0;

    list_each_safe (node, after, &table->rows) {
        struct fleet_row *row = row_at(node);
        if (left == 0)
            return;
        if (!row->gone || row->is_unsettled)
            continue;
        left--;
        table->first = row->revision > table->first ? row->revision : table->first;
        drop_row(table, row);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Changes */

static struct fleet_row *row_of_key(struct fleet_table *table, const char *ns, const char *key)
{
    struct fleet_row *row = map_get(&table->by_key, key);

    if (row)
        return row;
    row = keep_alloc(row_size(key));
    list_init(&row->node);
    row->gone = true; /* until it has been looked at */
    row->name_at = (unsigned char)(strlen(ns) + 1);
    strcpy(row->key, key);
    map_set(&table->by_key, row->key, row);
    return row;
}

void fleet_table_touch(struct fleet_table *table, const char *ns, const char *name)
{
    char key[KEY_MAX_SIZE];

    if (strlen(ns) > KUBE_NAMESPACE_MAX || snprintf(key, sizeof(key), "%s/%s", ns, name) >= (int)sizeof(key))
        return; /* no object has such a name */
    struct fleet_row *row = row_of_key(table, ns, key);
    if (row->is_unsettled)
        return;
    row->is_unsettled = true;
    row->unsettled = table->unsettled;
    table->unsettled = row;
}

static const struct record *record_of_row(const struct fleet_table *table, const struct fleet_row *row)
{
    char ns[KUBE_NAMESPACE_MAX + 1];

    snprintf(ns, sizeof(ns), "%.*s", row->name_at - 1, row->key);
    return store_get(table->store, KIND_RUNNER, ns, row->key + row->name_at);
}

static int32_t jobs_of(const struct fleet_table *table, const struct fleet_row *row, const struct fleet_facts *facts)
{
    char ns[KUBE_NAMESPACE_MAX + 1], jobs_ns[KUBE_NAMESPACE_MAX + 1];
    const char *text =
        facts->jobs_ns ? facts->jobs_ns->json + 1 : row->key; /* JSON's quotes, or the key's slash end it */

    snprintf(ns, sizeof(ns), "%.*s", row->name_at - 1, row->key);
    snprintf(jobs_ns, sizeof(jobs_ns), "%.*s", (int)strcspn(text, "\"/"), text);
    return fleet_counts_of(&table->counts, jobs_ns, ns, row->key + row->name_at);
}

static void see_end(struct fleet_table *table, struct fleet_row *row)
{
    if (row->revision == 0) { /* nobody knows of it */
        table->gone++;
        drop_row(table, row);
    } else if (!row->gone) {
        row->gone = true;
        table->gone++;
        table->len--;
        move_to_end(table, row);
    }
}

static void see_row(struct fleet_table *table, struct fleet_row *row, const struct record *record)
{
    struct fleet_facts facts = fleet_facts_of(record, table->manager_image, clock_wall_us() / 1000000, &table->texts);
    bool was_gone = row->gone;

    facts.jobs = jobs_of(table, row, &facts);
    bool same = !was_gone && fleet_facts_same(&facts, &row->facts);
    fleet_facts_put(&row->facts, &table->texts);
    row->facts = facts;
    if (same)
        return;
    table->gone -= was_gone && row->revision;
    table->len += was_gone;
    row->gone = false;
    move_to_end(table, row);
}

bool fleet_table_settle(struct fleet_table *table, int64_t budget_us)
{
    int64_t began_us = clock_us();

    while (table->unsettled) {
        struct fleet_row *row = table->unsettled;
        const struct record *record = record_of_row(table, row);
        table->unsettled = row->unsettled;
        row->is_unsettled = false;
        if (record)
            see_row(table, row, record);
        else
            see_end(table, row);
        if (clock_us() - began_us > budget_us)
            break;
    }
    bound_gone(table);
    table->whole |= !table->unsettled;
    return !table->unsettled;
}

void fleet_table_count(struct fleet_table *table, struct fleet_counts *counts)
{
    const char *key;
    void *value;

    fleet_counts_finish(&table->counts);
    table->counts = *counts;
    *counts = (struct fleet_counts){.known = false};
    for (size_t i = 0; map_iter(&table->by_key, &i, &key, &value);) {
        struct fleet_row *row = value;
        int32_t jobs = row->gone ? row->facts.jobs : jobs_of(table, row, &row->facts);
        if (jobs == row->facts.jobs)
            continue;
        row->facts.jobs = jobs;
        move_to_end(table, row);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Readers */

bool fleet_cursor_begin(struct fleet_table *table, struct fleet_cursor *cursor, uint64_t since)
{
    bool known = since >= table->first && since <= table->revision && table->whole;

    *cursor = (struct fleet_cursor){.at = &table->rows, .began = known ? since : table->revision};
    list_init(&cursor->node);
    list_append(&table->cursors, &cursor->node);
    if (!known)
        return false;
    cursor->at = table->rows.prev;
    while (cursor->at != &table->rows && row_at(cursor->at)->revision > since)
        cursor->at = cursor->at->prev;
    cursor->revision = since;
    return true;
}

struct fleet_row *fleet_cursor_peek(const struct fleet_table *table, const struct fleet_cursor *cursor)
{
    struct list *node = cursor->at->next;

    while (node != &table->rows && row_at(node)->gone && row_at(node)->revision <= cursor->began)
        node = node->next;
    return node == &table->rows ? NULL : row_at(node);
}

void fleet_cursor_pass(struct fleet_cursor *cursor, struct fleet_row *row)
{
    assert(row->revision > 0);
    cursor->at = &row->node;
    cursor->revision = row->revision;
}

void fleet_cursor_end(struct fleet_cursor *cursor)
{
    list_remove(&cursor->node);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void touch_record(void *arg, const struct record *record)
{
    fleet_table_touch(arg, record->ns, record->name);
}

/* Revisions of one table mean nothing to another: they begin at a number by chance, below 2^52 as JSON has them. */
static uint64_t first_revision(void)
{
    uint32_t random = 0;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
        random = (uint32_t)clock_us();
    return ((uint64_t)(random & 0xfffff) + 1) << 31;
}

struct fleet_table *fleet_table_create(const struct store *store, const char *manager_image)
{
    struct fleet_table *table = mem_alloc(sizeof(*table));

    *table = (struct fleet_table){.store = store, .manager_image = manager_image, .by_key.lent = true};
    list_init(&table->rows);
    list_init(&table->cursors);
    table->first = table->revision = first_revision();
    store_each(store, KIND_RUNNER, touch_record, table);
    return table;
}

void fleet_table_destroy(struct fleet_table *table)
{
    const char *key;
    void *value;

    if (!table)
        return;
    assert(list_empty(&table->cursors));
    for (size_t i = 0; map_iter(&table->by_key, &i, &key, &value);) {
        struct fleet_row *row = value;
        fleet_facts_put(&row->facts, &table->texts);
        keep_free(row, row_size(row->key));
    }
    map_finish(&table->by_key);
    fleet_texts_finish(&table->texts);
    fleet_counts_finish(&table->counts);
    free(table);
}
