/* A circuit breaker before a server: the transport to a host, or what one of its URLs answers (gate.h has both).
 *
 *               threshold failures in a row,                      the pause is over, and
 *               or told to wait (429)                             the next caller asks
 *   ┌─► CLOSED ────────────────────────────► OPEN ◄──────────────────────┐
 *   │                                         │  ▲                        │
 *   │                                         ▼  │ failed: twice the pause │
 *   └──────────── answered ────────────── HALF_OPEN (one call, the probe) ─┘
 *
 *   1. While OPEN before its time, and while a probe is under way, everybody is refused at once.
 *   2. The outcome of a call that began before the last change of state says nothing about now.
 *
 * So what is down costs one call per pause, however many want to call it. A pure state machine: time and chance are
 * arguments. */
#ifndef GITLAB_HOST_H
#define GITLAB_HOST_H

#include "base/backoff.h"
#include "base/err.h"

enum host_state { HOST_CLOSED, HOST_OPEN, HOST_HALF_OPEN };

struct host_limits {
    unsigned threshold;    /* failures in a row that open the breaker               */
    struct backoff pauses; /* the first, then one for each probe that fails in a row */
};
extern const struct host_limits host_default_limits; /* 5 failures, 1 s … 5 min */

/* All zeroes: nothing is known of it. */
struct host {
    enum host_state state;
    unsigned epoch; /* changes with the state: which calls count              */
    unsigned in_flight;
    unsigned failures; /* in a row                                               */
    int64_t pause_ms;  /* the last one, before jitter; 0: none since the last answer */
    int64_t open_until_ms;
    struct err last; /* why it is OPEN, or the last failure                    */
    bool limited;    /* it asked to be left alone (429)                        */
};

/* Would a call be refused now? Changes nothing. */
bool host_refuses(const struct host *h, int64_t now_ms);
/* May a call be made? True: it is in flight until host_leave(), which is given *ret_epoch. False: see host_refusal().
 */
bool host_enter(struct host *h, int64_t now_ms, unsigned *ret_epoch);
/* Nothing is in flight, and nothing of it is worth remembering. */
bool host_is_unremarkable(const struct host *h);

enum host_outcome {
    HOST_ANSWERED, /* any answer of a server that works, refusals too                                  */
    HOST_FAILED,   /* no answer, or a 5xx                                                              */
    HOST_LIMITED,  /* 429: for err->retry_after_ms, or as after a failed probe when nothing was said   */
    HOST_DROPPED,  /* the caller gave up: nothing was learnt                                           */
    HOST_BLOCKED,  /* the proxy before it could not be reached: of the host itself nothing was learnt  */
};

/* The end of a call. err: with HOST_FAILED and HOST_LIMITED. random: any number, for the jitter. */
void host_leave(struct host *h, const struct host_limits *limits, unsigned epoch, enum host_outcome outcome,
                const struct err *err, int64_t now_ms, uint32_t random);

/* Why callers of this host are refused: what its last call came to, word for word, as ERR_RETRY and untried. So whoever
 * is refused and whoever has tried say the same, and go on saying it. retry_after_ms: when the pause is over, and up to
 * half a pause (by random) later, so that those who were refused do not come back all at once. */
struct err host_refusal(const struct host *h, int64_t now_ms, uint32_t random);

const char *host_state_name(enum host_state state); /* "closed", "open", "half-open" */

#endif
