/* The rows of the fleet page, in the order in which they last changed.
 *
 * Each row is there once, and has the revision of its last change; so what a reader has not been told yet is what comes
 * after its place in that order: from the first row on for a new one, and for one that has fallen behind no more than
 * each row once. A row that is gone stays for a while, to be told; of those at most FLEET_GONE_MAX are kept, and a
 * reader that has not been told of one that was dropped is lost: it begins anew. */
#ifndef WEB_FLEET_TABLE_H
#define WEB_FLEET_TABLE_H

#include "base/list.h"
#include "web/fleet_jobs.h"
#include "web/fleet_row.h"

struct store;

enum { FLEET_GONE_MAX = 1024 };

struct fleet_row {
    struct list node;            /* by revision                        */
    struct fleet_row *unsettled; /* the next one of those, NULL: the last */
    uint64_t revision;           /* 0: never shown                     */
    struct fleet_facts facts;
    bool is_unsettled, gone;
    unsigned char name_at; /* of the name in the key */
    char key[];            /* "ns/name" */
};

/* How far somebody has read. */
struct fleet_cursor {
    struct list node;         /* in the table's */
    struct list *at;          /* the last row that was told; the head of the list: none */
    uint64_t began, revision; /* began: what was gone by then need not be told          */
    bool lost;
};

struct fleet_table {
    const struct store *store; /* lent */
    const char *manager_image; /* lent */
    struct map by_key;
    struct list rows, cursors;
    struct fleet_row *unsettled; /* what may have changed */
    struct fleet_texts texts;
    struct fleet_counts counts;
    uint64_t first, revision; /* of the table, and of the last change */
    size_t len, gone;
    bool whole; /* all rows that were there at the beginning are in it */
};

struct fleet_table *fleet_table_create(const struct store *store, const char *manager_image);
/* No cursor may be in it. NULL is fine. */
void fleet_table_destroy(struct fleet_table *table);

/* The runner may have changed, come, or gone. */
void fleet_table_touch(struct fleet_table *table, const char *ns, const char *name);
/* Looks at what may have changed, for at most so many microseconds. False: there is more. */
bool fleet_table_settle(struct fleet_table *table, int64_t budget_us);
/* How many jobs run, which it takes over. */
void fleet_table_count(struct fleet_table *table, struct fleet_counts *counts);

/* Begins after what was told by the revision since; false: nobody knows what that was, so it begins at the first row.
 */
bool fleet_cursor_begin(struct fleet_table *table, struct fleet_cursor *cursor, uint64_t since);
/* The next row that was not told, NULL: none. Told is what fleet_cursor_pass() was called for. */
struct fleet_row *fleet_cursor_peek(const struct fleet_table *table, const struct fleet_cursor *cursor);
void fleet_cursor_pass(struct fleet_cursor *cursor, struct fleet_row *row);
void fleet_cursor_end(struct fleet_cursor *cursor);

#endif
