/* What becomes of each value of a file that is imported: nothing is dropped in silence.
 *
 * A source is a tree with its leaves: values that are neither tables, unless empty, nor lists of tables. Each is
 * accounted for once, by whoever takes it; what nobody has taken at the end is told as such. */
#ifndef CLI_IMPORT_REPORT_H
#define CLI_IMPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;
struct json_object;

enum import_fate {
    IMPORT_OPEN,   /* nobody has taken it yet                                          */
    IMPORT_MOVED,  /* note: where it is now ("spec.concurrent")                        */
    IMPORT_SECRET, /* note: which Secret it goes to                                    */
    IMPORT_OURS,   /* note: why it is needed no more ("the operator makes it")         */
    IMPORT_CANNOT, /* note: why it cannot be moved, and what to do                     */
};

struct import_leaf {
    const char *path; /* "runners[0].kubernetes.image" */
    unsigned line;    /* 0: not known                  */
    enum import_fate fate;
    const char *note;
};

struct import_source {
    const char *name; /* "values.yaml", or "values.yaml:31 runners.config" of a text within one */
    bool within;
    struct json_object *tree;
    struct import_leaf *leaves;
    size_t len, size;
    size_t told; /* where the next one to be told of is looked for first */
};

/* A key of a config.toml that nobody has written: "runners[0].cache.Type" is what the source has at `path`. */
struct import_origin {
    const char *key;
    struct import_source *source;
    const char *path;
};

/* The keys of a config.toml, by where they were written: each is the origin's that is nearest above it, or else the
 * source's own. */
struct import_view {
    struct import_source *source; /* NULL: there is no such text at all */
    struct import_origin *origins;
    size_t len;
};

/* The report of one run; everything is in its arena. All zeroes but for that to begin with. */
struct import_report {
    struct arena *a;
    struct import_source **sources;
    size_t len;
    struct json_object *defaults; /* [what it is without a word, where it is said now] … */
};

/* Adds a source; marks are of the shape of the tree (base/toml_read.h). Lends both trees. */
struct import_source *import_source_add(struct import_report *report, const char *name, bool within,
                                        struct json_object *tree, struct json_object *marks);
/* Adds a leaf that no tree has, such as a line of a template. */
void import_leaf_add(struct import_report *report, struct import_source *source, const char *path, unsigned line);
/* Says where a key of a config.toml, and what is below it, was written. Both texts are copied. */
void import_origin_add(struct import_report *report, struct import_view *view, const char *key,
                       struct import_source *source, const char *path);

/* Accounts for the open leaves at a path of the source, and for those below it. The note is copied. False: there are
 * none, accounted for or not. */
bool import_tell(struct import_report *report, struct import_source *source, const char *path, enum import_fate fate,
                 const char *note, ...) __attribute__((format(printf, 5, 6)));
/* The same for a key of a config.toml. */
void import_tell_key(struct import_report *report, const struct import_view *view, const char *key,
                     enum import_fate fate, const char *note, ...) __attribute__((format(printf, 5, 6)));
/* What was told of this key was too good: what was moved for it cannot be. */
void import_tell_better(struct import_report *report, const struct import_view *view, const char *key,
                        const char *note);
/* A default of the source's that is another one here, so that it is written out. */
void import_tell_default(struct import_report *report, const char *was, const char *field);
/* Prints a line for each leaf, and one that sums up. Returns how many could not be moved. */
size_t import_report_print(const struct import_report *report, FILE *out);

#endif
