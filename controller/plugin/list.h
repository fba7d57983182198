/* What `list` and its --watch share: which runners are shown, in which order and how. */
#ifndef PLUGIN_LIST_H
#define PLUGIN_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/command.h"
#include "plugin/runner_row.h"

struct list_options {
    bool watch, not_ready;
    const char *sort_by, *reason, *host, *tag;
};

/* Whether the names and options of the call want this runner. */
bool list_wants(const struct plugin_call *call, const struct runner_row *row);
/* Sorts rows as --sort-by says. */
void list_sort(const struct plugin_call *call, struct runner_row *rows, size_t len);
/* A table of the rows, whose namespaces are shown when they are of several. */
struct table *list_table(const struct plugin_call *call, const struct runner_row *rows, size_t len, int64_t now,
                         struct arena *a);
/* Prints the object, with what the columns say of it, as a document or its name. */
void list_print_object(const struct runner_row *row, enum plugin_output output);
/* Follows what changes, and never ends but by what cannot be repaired. */
enum plugin_exit list_watch(struct plugin_call *call);

#endif
