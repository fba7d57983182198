/* What a server has answered, and what its model answers: where they differ. */
#ifndef TESTS_MODEL_COMPARE_H
#define TESTS_MODEL_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

struct differences;
struct json_object;

/* Reads the table of differences that are known, with reasons: a line each, "PATTERN | reason" (fnmatch(3)), or a
 * comment that begins with #. Ends the program when it cannot. */
struct differences *differences_read(const char *file);

/* A difference of an exchange: "GET /api/v4/runners/N", at a place in it: "body.tags[]". Known ones are counted, others
 * are printed, with both texts; each but once. */
void differences_found(struct differences *d, const char *exchange, const char *where, const char *real,
                       const char *model);
/* Prints what there was of known ones, and lines of the table that fit none. True: there is nothing new, and each line
 * is needed. */
bool differences_told(struct differences *d);
void differences_free(struct differences *d);

/* Both trees: what is in one alone, or another value. is_same says, of two values of any kind, that they count as
 * equal; name: of the member, or of the array. */
struct comparison {
    struct differences *differences;
    const char *exchange;
    bool (*is_same)(const char *name, struct json_object *real, struct json_object *model);
};
void compare_trees(const struct comparison *c, struct json_object *real, struct json_object *model);

#endif
