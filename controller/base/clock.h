/* What the clocks say at this moment. Decisions take their *now* from the loop (net/loop.h). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* So many times as long as usual all takes, in a build for a slow machine: `make valgrind`. */
#ifndef SLOWNESS
#define SLOWNESS 1
#endif

/* Monotonic microseconds: how long something took, and that alone. */
int64_t clock_us(void);
double seconds_since(int64_t begin_us);
/* Microseconds since 1970, as the machine's clock has them: for stamps that people compare. */
int64_t clock_wall_us(void);

#endif
