#include "kube/micro_time.h"

#include <time.h>

#include "base/arena.h"

const char *kube_micro_time(struct arena *a)
{
    struct timespec now;
    struct tm tm;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    return arena_printf(a, "%s.%06ldZ", text, now.tv_nsec / 1000);
}
