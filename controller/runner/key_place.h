/* Where in a GitLabRunner a key of config.toml belongs, in whatever style it is written and wherever that was: from the
 * table of the keys that gitlab-runner knows, so that nothing is listed twice. */
#ifndef RUNNER_KEY_PLACE_H
#define RUNNER_KEY_PLACE_H

#include <stdbool.h>

struct arena;

/* Lent by the arena that was given, or constants. */
struct key_place {
    const char *path; /* "spec.config.runners.limit", "spec.tolerations"; NULL: it has none      */
    const char *why;  /* why not: "is always kubernetes"                                          */
};

/* The place of a key of that name: poll_timeout, pollTimeout, poll-timeout, POLL_TIMEOUT are one. Where several keys
 * have it, the runner's own counts most, then that of its executor, then that of the whole file; deeper ones count only
 * when there is one. False: gitlab-runner has no such key. */
bool key_place_of(const char *name, struct key_place *ret, struct arena *a);

/* The same for a name that is nearly one of these keys. */
bool key_place_near(const char *name, struct key_place *ret, struct arena *a);

/* The same for a key of the table at a path of config.toml, such as runners.kubernetes. */
bool key_place_in(const char *table, const char *name, struct key_place *ret, struct arena *a);

/* Whether there is a table of that path. */
bool key_place_is_table(const char *table);

#endif
