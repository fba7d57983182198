#include "base/backoff.h"

#include <assert.h>

int64_t backoff_next(const struct backoff *b, int64_t last_ms)
{
    assert(b->min_ms >= 0 && b->max_ms >= b->min_ms && last_ms >= 0);
    if (last_ms == 0)
        return b->min_ms;
    return last_ms < b->max_ms / 2 ? last_ms * 2 : b->max_ms;
}

int64_t backoff_jitter(const struct backoff *b, int64_t pause_ms, uint32_t random)
{
    assert(pause_ms >= 0 && b->jitter_percent <= 100);
    return pause_ms - random % (pause_ms * b->jitter_percent / 100 + 1);
}

int64_t backoff_pause(const struct backoff *b, unsigned failures, int64_t retry_after_ms, uint32_t random)
{
    int64_t pause = b->min_ms;

    for (unsigned i = 1; i < failures && pause < b->max_ms; i++)
        pause = backoff_next(b, pause);
    pause = backoff_jitter(b, pause, random);
    return pause > retry_after_ms ? pause : retry_after_ms;
}
