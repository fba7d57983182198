/* What was meant by a field that the schema does not have.
 *
 * Looked for at this very place first, then where such a field would belong in the whole: as a key of config.toml, as a
 * field of the manager's pod, under the name that other tools have for it. A hint names only what can be set there. */
#ifndef CLI_HINTS_H
#define CLI_HINTS_H

#include <stdbool.h>

struct arena;
struct shape;

struct unknown {
    const struct shape *in;    /* of the place where it was found, NULL: it has none   */
    const char *parent, *name; /* "spec.manager", "replica"                            */
    bool away;                 /* whether the parent is where it belongs, not where it was found */
    struct arena *a;
};

/* The texts are constants, or the arena's. */
struct hint {
    const char *path;  /* the field that was meant, as a whole path; NULL: nobody knows                    */
    const char *text;  /* of the complaint, behind "… is not known: "                                      */
    const char *table; /* where the field is a table of config.toml: its path in it, such as "runners"     */
};

struct hint hint_for(const struct unknown *u);

/* For a member of a table that was put at the wrong place, `table` being where it belongs. */
struct hint hint_within(const struct unknown *u, const char *table);

#endif
