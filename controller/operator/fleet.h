/* What metrics tell of the runners: what each one's last turn has found, and what all of them add up to.
 *
 * Runners have series of their own only where that is asked for (run --metrics-per-runner), and then so many of them:
 * tenants decide how many objects there are. A runner has its place among them from the end of its first turn until it
 * is gone, so that its series have no gaps. */
#ifndef OPERATOR_FLEET_H
#define OPERATOR_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "runner/observed.h"

struct state;
struct states;

enum { FLEET_SHOWN_MAX = 1000 }; /* runners with series of their own, four each */

/* Of one runner. Times are seconds since 1970. */
struct runner_facts {
    unsigned ready_reason; /* of its condition Ready, see stats.h                                    */
    bool ready, shown;     /* shown: it has series of its own                                         */
    uint16_t managers_wanted, managers_ready;
    int64_t unready_since; /* 0: it is ready, or is not to be: suspended, or draining           */
    int64_t token_end;     /* 0: never, or not known                                                  */
    int64_t rotation_time; /* when the token is to be replaced; 0: never                              */
};

/* Fills all but ready_reason and shown. */
void runner_facts_learn(struct runner_facts *facts, const struct observed *o);

/* The runner of this state gets series of its own while places are left. A namespace takes no more of them while it has
 * as many as are left: others find some. */
void fleet_show(struct states *states, struct state *state);
/* It gives its place back. */
void fleet_hide(struct states *states, struct state *state);

/* Of all runners; reasons by their number, see stats.h. */
struct fleet {
    unsigned runners[TALLY_MAX + 1];
    int64_t unready_since[TALLY_MAX + 1]; /* of the one that has been so for longest; 0: none */
    int64_t token_end, rotation_time;     /* the first; 0: none                                */
    int64_t unattended_end; /* the first end of a token that nobody replaces, or that should have been replaced */
    uint64_t managers_wanted, managers_ready;
};

/* Looks at each state once. now: seconds since 1970. */
struct fleet fleet_count(const struct states *states, int64_t now);

#endif
