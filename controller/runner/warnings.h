/* What is accepted and will not work as it is meant: a key that gitlab-runner passes over, a setting that has no effect
 * without another one, …
 *
 * Nothing is refused for it, since a newer gitlab-runner, or a job's own variables, may make it right. All warnings of
 * a spec are found while it is parsed, by the rules of runner/judge.h; `validate` prints them, the conditions
 * ConfigApplied and Ready tell them. */
#ifndef RUNNER_WARNINGS_H
#define RUNNER_WARNINGS_H

#include <stddef.h>

struct arena;

enum {
    WARNINGS_MAX = 20,        /* more are counted only                                 */
    WARNINGS_TEXT_MAX = 1800, /* for a condition, so that it is less than CHARSET_PROSE */
    WARNINGS_NOTE_MAX = 950,  /* for an Event, whose note may have 1024                 */
};

/* Reasons of ConfigApplied. */
#define WARNS_OF_UNKNOWN_KEYS "UnknownConfigKeys"
#define WARNS_OF_ANYTHING     "Warnings"

struct warnings {
    const char *texts[WARNINGS_MAX]; /* sentences without a full stop, lent by the arena */
    size_t len, more;
    const char *reason; /* WARNS_OF_UNKNOWN_KEYS when all are about such keys, else WARNS_OF_ANYTHING; NULL: none */
};

/* Adds one: which field, what will happen, and the cure. What is no UTF-8 is taken out. */
void warn(struct warnings *w, struct arena *a, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds the one about keys that gitlab-runner does not know. */
void warn_of_unknown_keys(struct warnings *w, struct arena *a, const char *sentence);

/* All of them in one text, the arena's, of about `max` bytes at most: whole sentences, the first in any case, and how
 * many are left out. NULL: there are none. */
const char *warnings_text(const struct warnings *w, size_t max, struct arena *a);

#endif
