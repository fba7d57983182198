/* GitLabRunner objects from files, as `kubectl apply -f` takes them: YAML or JSON, several documents in a file, Lists.
 */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct arena;
struct buf;
struct complaints;
struct json_object;
struct spec;

struct loaded {
    const char *file;           /* lent by the caller, "standard input" for "-" */
    struct json_object *object; /* owned by the arena                           */
};

struct load {
    struct loaded *items;
    size_t len, size;
    size_t skipped; /* objects of other kinds */
};

/* Adds a whole file ("-": standard input, `name` in messages) to the text. False and *err, which begins with the name:
 * it cannot be read (ERR_NOT_FOUND), or does not fit (ERR_INVALID). */
bool load_text(const char *file, const char *name, struct buf *text, struct err *err);
/* Adds the GitLabRunners of a file ("-": standard input) of at most 4 MiB. False and *err when it cannot be read
 * (ERR_NOT_FOUND) or holds something that is no object (ERR_INVALID); the text begins with the file's name. */
bool load_file(struct load *load, const char *file, struct arena *a, struct err *err);
/* Adds those of all files, says on standard error what is wrong, also that there are none. The exit code so far. */
int load_files(struct load *load, const char *const *files, size_t len, struct arena *a);
/* Frees the list; all zeroes is an empty one. */
void load_finish(struct load *load);

/* "FILE: GitLabRunner NAMESPACE/NAME", how messages name an object. */
const char *loaded_name(const struct loaded *item, struct arena *a);
/* As spec_parse(), for what no API server has seen: its name and namespace may be no text. */
bool loaded_parse(const struct loaded *item, struct spec *ret, struct complaints *all);
/* The same, and what was meant by fields that nobody knows. */
bool loaded_validate(const struct loaded *item, struct spec *ret, struct complaints *all);
/* Prints a line for each complaint. */
void loaded_complain(const struct loaded *item, const struct complaints *all, FILE *out);

#define cleanup_load __attribute__((cleanup(load_finish)))

#endif
