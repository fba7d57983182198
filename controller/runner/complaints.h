/* What is wrong with a spec: all of it, so that a person need not ask once for each error.
 *
 * A complaint is a sentence that begins with the path of its field ("spec.tags[0] must be …"). A field is complained of
 * once: what is found first hides what only follows from it. */
#ifndef RUNNER_COMPLAINTS_H
#define RUNNER_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct arena;
struct json_object;

enum {
    COMPLAINTS_MAX = 200,          /* that are kept; more are counted only                     */
    COMPLAINTS_MESSAGE_MAX = 2000, /* bytes of what a condition shows; less than CHARSET_PROSE */
};

struct complaint {
    const char *text;
    size_t path_len;   /* of the path that it begins with                   */
    bool moot_below;   /* whatever is said of what is below means nothing   */
    const char *meant; /* the path of the field that was meant; NULL: none  */
};

struct complaints {
    struct arena *a; /* holds the sentences */
    struct complaint items[COMPLAINTS_MAX];
    size_t len, left_out;
};

/* A complaint, which a person has to act upon: a sentence that begins with the field's path and has the remedy. Where
 * spec_parse() is at work it joins those that are there already, so that validation can go on with the field's
 * neighbours. Returns false. */
bool spec_invalid(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a copy of the sentence. */
void complaints_add(struct complaints *all, const char *text);
/* The same for a value of the wrong type: complaints about what is below it, which come later, are dropped. */
void complaints_add_type(struct complaints *all, const char *text);

/* The same for a field that is not known, where `meant` is the path of the one that was meant: that this one is
 * missing, or what it belongs to, is no error of its own then. */
void complaints_add_unknown(struct complaints *all, const char *text, const char *meant);

/* When all have been added: leaves out what only follows from others, and puts them into the order in which the object
 * has the fields; what is missing comes after what is there. */
void complaints_settle(struct complaints *all, struct json_object *object);

/* For a condition: the one sentence, or "3 errors: (1) … (2) … (3) …", as many as fit, and how many more there are. */
const char *complaints_message(const struct complaints *all, struct arena *a);

#endif
