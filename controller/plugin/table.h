/* Tables for people: cells are padded by their width on a terminal, then coloured; on a terminal lines are cut to its
 * width. Nothing is printed before table_print().
 *
 *     struct table *t = table_create(columns, ARRAY_LEN(columns), call->a);
 *     table_row(t);
 *     table_cell(t, name, TONE_PLAIN);
 *     …
 *     table_print(t, stdout, &terminal, 0);
 */
#ifndef PLUGIN_TABLE_H
#define PLUGIN_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "plugin/terminal.h"

enum { TABLE_COLUMNS_MAX = 20 };

struct column {
    const char *name;
    bool wide;     /* shown with TABLE_WIDE alone                                                              */
    bool flexible; /* may be cut where the terminal is narrow                                                  */
    unsigned rank; /* left out where that is not enough, those with the highest first; 0: never                */
    size_t least;  /* a flexible one is not cut to less before others are left out; 0: 6                       */
};

enum { TABLE_WIDE = 1, TABLE_NO_HEADERS = 2 };

/* columns are lent until the table is printed; the arena owns it. */
struct table *table_create(const struct column *columns, size_t len, struct arena *a);
void table_row(struct table *t);
/* The next cell of the row, any text of anybody, copied; NULL or "": "-". Cells that are not said are "-", too. */
void table_cell(struct table *t, const char *text, enum tone tone);
/* Columns are at least so wide, and what they come to is written back: TABLE_COLUMNS_MAX widths, for tables that go on.
 */
void table_keep_widths(struct table *t, size_t *widths);
void table_print(struct table *t, FILE *out, const struct terminal *terminal, unsigned flags);

#endif
