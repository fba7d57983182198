/* What becomes of the fields of a source: a table of rows, one for each field.
 *
 * What goes to config.toml is written into a tree of it first, so that one converter (cli/import_config.c) decides
 * which of it has a typed field here; all the rest goes straight to the spec. */
#ifndef CLI_IMPORT_ROWS_H
#define CLI_IMPORT_ROWS_H

#include <stdint.h>

#include "cli/import.h"
#include "cli/import_shapes.h"

enum import_way {
    IMPORT_TO_CONFIG, /* to: a key of config.toml, "runners.…" being of this runner     */
    IMPORT_TO_SPEC,   /* to: a field of the spec                                        */
    IMPORT_NEEDLESS,  /* to: why nobody has to say it any more                          */
    IMPORT_REFUSED,   /* to: why it cannot be moved, and what to do                     */
};

struct import_row {
    const char *path; /* of the field in the source */
    enum import_way way;
    const char *to;
    import_shape_fn *shape; /* NULL: the same value                                           */
    const char *off;        /* the value that says nothing there, such as "false"; NULL: none */
};

/* One GitLabRunner in the making. */
struct import_draft {
    struct import *im;
    struct import_source *source;
    const char *prefix;         /* of the rows' paths in the source: "spec." */
    struct json_object *values; /* what is there, lent                       */
    struct json_object *config; /* config.toml, the arena's                  */
    struct import_view *view;   /* where its keys come from                  */
    struct json_object *spec;   /* once there is one                         */
    bool templates;             /* a text with {{ is no value                */
    struct json_object *used;   /* the fields that templates name, or NULL   */
};

/* All is lent. */
struct import_draft import_draft_begin(struct import *im, struct import_source *source, const char *prefix,
                                       struct json_object *values);
/* Writes what the rows have for config.toml; afterwards defaults of the source's may be set. */
void import_rows_to_config(struct import_draft *d, const struct import_row *rows, size_t len);
/* What the source takes where nobody has said it, and gitlab-runner or the operator does not. */
struct import_default {
    const char *key, *text; /* of config.toml; NULL as a text: the number */
    int64_t number;
    const char *field; /* where it is said now */
};
/* Writes those of whose keys nothing is in config.toml, and tells of them. */
void import_config_defaults(struct import_draft *d, const struct import_default *defaults, size_t len);
/* Makes a GitLabRunner of config.toml. */
void import_draft_runner(struct import_draft *d, const char *name);
/* Writes and tells all other rows. */
void import_rows_to_spec(struct import_draft *d, const struct import_row *rows, size_t len);
/* Tells the same of the fields of all rows. */
void import_rows_tell(struct import_draft *d, const struct import_row *rows, size_t len, enum import_fate fate,
                      const char *note);

/* Of a field of the draft's. */
#define import_tell_field(d, path, fate, ...)                                                                          \
    import_tell(&(d)->im->report, (d)->source, arena_printf((d)->im->a, "%s%s", (d)->prefix, path), fate, __VA_ARGS__)

#endif
