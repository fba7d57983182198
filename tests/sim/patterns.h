/* Three ways in which controllers go wrong, each at each place of a life, one after the other: a life without faults is
 * told, and again for each of its writes, after which one thing happens. (The patterns are those of Sieve, OSDI 2022.)
 */
#ifndef TESTS_SIM_PATTERNS_H
#define TESTS_SIM_PATTERNS_H

#include "tests/sim/plan.h"

struct story;

enum pattern {
    PATTERN_NONE,
    PATTERN_STALE,      /* the leader dies, and the next one sees what there was some writes ago */
    PATTERN_BETWEEN,    /* the leader dies, and begins again with what is half done */
    PATTERN_UNOBSERVED, /* what happens now no watch tells: history is forgotten, and streams break */
    PATTERNS
};
const char *pattern_name(enum pattern pattern);

/* A life of one runner: made, edited, moved, restarted and deleted; mode: enum spec_mode of its beginning. */
void plan_life(struct plan *ret, unsigned mode);
/* For story.c: a write has been done, the story's n-th. */
void pattern_saw_write(struct story *story, unsigned n);

#endif
