/* How long something took. Decisions take their *now* from the loop (net/loop.h); this is for measuring alone. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic microseconds. */
static inline int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline double seconds_since(int64_t begin_us)
{
    return (double)(clock_us() - begin_us) / 1e6;
}

#endif
