#include "gitlab/host.h"

#include <assert.h>

#include "base/machine.h"

const struct host_limits host_default_limits = {.threshold = 5, .pauses = {1000, 5 * 60 * 1000, 25}};

static const char *const host_states[] = {
    [HOST_CLOSED] = "closed", [HOST_OPEN] = "open", [HOST_HALF_OPEN] = "half-open"};

static void host_change(struct host *h, enum host_state to)
{
    static const unsigned next[] = {
        [HOST_CLOSED] = MACHINE_TO(HOST_OPEN),
        [HOST_OPEN] = MACHINE_TO(HOST_HALF_OPEN),
        [HOST_HALF_OPEN] = MACHINE_TO(HOST_CLOSED) | MACHINE_TO(HOST_OPEN),
    };
    static const struct machine machine = MACHINE("host", host_states, next);

    machine_step(&machine, h->state, to);
    h->state = to;
    h->epoch++;
}

bool host_refuses(const struct host *h, int64_t now_ms)
{
    return h->state == HOST_HALF_OPEN || (h->state == HOST_OPEN && now_ms < h->open_until_ms);
}

bool host_enter(struct host *h, int64_t now_ms, unsigned *ret_epoch)
{
    if (host_refuses(h, now_ms))
        return false;
    if (h->state == HOST_OPEN)
        host_change(h, HOST_HALF_OPEN);
    h->in_flight++;
    *ret_epoch = h->epoch;
    return true;
}

bool host_is_unremarkable(const struct host *h)
{
    return h->state == HOST_CLOSED && !h->failures && !h->in_flight;
}

static void open_for(struct host *h, int64_t pause_ms, int64_t now_ms)
{
    assert(pause_ms >= 0 && pause_ms <= h->pause_ms);
    h->open_until_ms = now_ms + pause_ms;
    host_change(h, HOST_OPEN);
}

static void open_again(struct host *h, const struct host_limits *limits, int64_t now_ms, uint32_t random)
{
    h->pause_ms = backoff_next(&limits->pauses, h->pause_ms);
    open_for(h, backoff_jitter(&limits->pauses, h->pause_ms, random), now_ms);
}

static void on_answered(struct host *h)
{
    h->failures = 0;
    h->pause_ms = 0;
    if (h->state == HOST_HALF_OPEN)
        host_change(h, HOST_CLOSED);
}

static void on_failed(struct host *h, const struct host_limits *limits, const struct err *err, int64_t now_ms,
                      uint32_t random)
{
    h->failures++;
    h->last = *err;
    h->limited = false;
    if (h->state == HOST_HALF_OPEN || h->failures >= limits->threshold)
        open_again(h, limits, now_ms, random);
}

/* One caller's Retry-After holds for all of them, but nobody sends all of them away for a day. */
static void on_limited(struct host *h, const struct host_limits *limits, const struct err *err, int64_t now_ms,
                       uint32_t random)
{
    h->last = *err;
    h->limited = true;
    if (err->retry_after_ms <= 0) {
        open_again(h, limits, now_ms, random);
        return;
    }
    h->pause_ms = err->retry_after_ms < limits->pauses.max_ms ? err->retry_after_ms : limits->pauses.max_ms;
    open_for(h, h->pause_ms, now_ms);
}

void host_leave(struct host *h, const struct host_limits *limits, unsigned epoch, enum host_outcome outcome,
                const struct err *err, int64_t now_ms, uint32_t random)
{
    assert(h->in_flight > 0);
    h->in_flight--;
    if (epoch != h->epoch)
        return;
    switch (outcome) {
    case HOST_ANSWERED:
        on_answered(h);
        break;
    case HOST_FAILED:
        on_failed(h, limits, err, now_ms, random);
        break;
    case HOST_LIMITED:
        on_limited(h, limits, err, now_ms, random);
        break;
    case HOST_DROPPED:
    case HOST_BLOCKED:
        if (h->state == HOST_HALF_OPEN)
            host_change(h, HOST_OPEN); /* its time has come, so the next caller is the probe */
        break;
    }
}

struct err host_refusal(const struct host *h, int64_t now_ms, uint32_t random)
{
    int64_t left = h->open_until_ms > now_ms ? h->open_until_ms - now_ms : 0;
    struct err err = h->last;

    err.kind = ERR_RETRY;
    err.untried = true;
    err.retry_after_ms = left + random % (h->pause_ms / 2 + 1);
    return err;
}

const char *host_state_name(enum host_state state)
{
    return host_states[state];
}
