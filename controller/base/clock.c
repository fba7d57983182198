#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double seconds_since(int64_t begin_us)
{
    return (double)(clock_us() - begin_us) / 1e6;
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}
