/* The runners that the process knows by their keys: what it remembers of each (runner/memory.h), what GitLab is asked
 * for it, and what metrics tell of it. */
#ifndef OPERATOR_STATE_H
#define OPERATOR_STATE_H

#include <stdint.h>

#include "base/map.h"
#include "operator/fleet.h"
#include "kube/store.h"
#include "runner/decide.h"

struct errand;
struct subject;

struct state {
    char *key;                  /* base/key.h                                                             */
    char *uid;                  /* of the object that this is about; another one begins anew              */
    struct fingerprints wanted; /* of the spec that was seen last                                         */
    struct errand *errand;      /* what GitLab is asked for it, errand.h; NULL: nothing. It is ended before the state */
    struct memory memory;
    struct subject
        *subject; /* the object of memory_knows_alone(), should it go by force; NULL: nothing is to be kept */
    struct runner_facts facts; /* for metrics, as of the end of its last turn                       */
};

struct states {
    struct map by_key;
    size_t shown_max, shown; /* runners that may have, and have, series of their own: fleet.h */
    struct shares *shown_by; /* … by namespace; NULL: none yet */
};

/* No state may have an errand any more. */
void states_finish(struct states *states);
/* The state of the runner of this key, made when there is none. */
struct state *states_get(struct states *states, const char *key);
/* Nothing when there is none; it may have no errand any more. */
void states_remove(struct states *states, const char *key);

/* Keeps a copy of the record in the place of the former one; NULL: none. */
void state_keep_subject(struct state *state, const struct record *record);
/* Lent until the next of these; NULL: none. */
const struct record *state_subject(const struct state *state);

/* Follows what is observed of the object, another uid begins anew, another generation of its spec forgives what failed;
 * and lends it what is remembered. */
void state_observe(struct state *state, struct observed *o, struct arena *a);

#endif
