#include "kube/micro_time.h"

#include <time.h>

#include "base/arena.h"
#include "base/digest.h"

const char *kube_micro_time(struct arena *a)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return arena_printf(a, "%.19s.%06ldZ", time_format(now.tv_sec, a), now.tv_nsec / 1000);
}
