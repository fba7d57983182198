#include "kube/limit.h"

#include <assert.h>

void limit_init(struct limit *limit)
{
    *limit = (struct limit){.size = LIMIT_START, .cut_ms = INT64_MIN, .resume_ms = INT64_MIN};
}

bool limit_admits(const struct limit *limit, int64_t now_ms)
{
    assert(limit->size >= LIMIT_MIN && limit->size <= LIMIT_MAX);
    return now_ms >= limit->resume_ms && limit->in_flight < (unsigned)limit->size;
}

void limit_begin(struct limit *limit)
{
    limit->in_flight++;
}

void limit_end(struct limit *limit)
{
    assert(limit->in_flight > 0);
    limit->in_flight--;
}

/* What is not made use of is not proven. */
void limit_raise(struct limit *limit)
{
    if (limit->in_flight + 1 < limit->size / 2)
        return;
    limit->size += 1 / limit->size;
    if (limit->size > LIMIT_MAX)
        limit->size = LIMIT_MAX;
}

void limit_cut(struct limit *limit, int64_t began_ms, int64_t now_ms)
{
    if (began_ms <= limit->cut_ms)
        return;
    limit->cut_ms = now_ms;
    limit->size /= 2;
    if (limit->size < LIMIT_MIN)
        limit->size = LIMIT_MIN;
}

void limit_pause(struct limit *limit, int64_t pause_ms, int64_t now_ms)
{
    if (pause_ms > LIMIT_PAUSE_MAX_MS)
        pause_ms = LIMIT_PAUSE_MAX_MS;
    if (now_ms + pause_ms > limit->resume_ms)
        limit->resume_ms = now_ms + pause_ms;
}
