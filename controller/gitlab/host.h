/* One GitLab host as its callers see it: how many calls may be in flight, and a circuit breaker.
 *
 *               threshold failures in a row,                      the pause is over, and
 *               or told to wait (429)                             the next caller asks
 *   ┌─► CLOSED ────────────────────────────► OPEN ◄──────────────────────┐
 *   │                                         │  ▲                        │
 *   │                                         ▼  │ failed: twice the pause │
 *   └──────────── answered ────────────── HALF_OPEN (one call, the probe) ─┘
 *
 *   1. While OPEN before its time, and while a probe is under way, everybody is refused at once.
 *   2. At most `concurrency` calls are in flight, whatever the state.
 *   3. A call that began before the last change of state only gives its place back: its outcome says nothing about now.
 *
 * So a host that is down costs one call per pause, however many want to call it. A pure state machine: time and chance
 * are arguments. */
#ifndef GITLAB_HOST_H
#define GITLAB_HOST_H

#include "base/err.h"

enum host_state { HOST_CLOSED, HOST_OPEN, HOST_HALF_OPEN };

struct host_limits {
    unsigned concurrency; /* at least 1                                       */
    unsigned threshold;   /* failures in a row that open the breaker          */
    int64_t pause_min_ms; /* the first pause; doubles with each failed probe … */
    int64_t pause_max_ms; /* … up to this, which no pause exceeds             */
};
extern const struct host_limits host_default_limits; /* 8 calls, 5 failures, 1 s … 5 min */

/* All zeroes: nothing is known of it. */
struct host {
    enum host_state state;
    unsigned epoch; /* changes with the state: which calls count              */
    unsigned in_flight;
    unsigned failures; /* in a row                                               */
    int64_t pause_ms;  /* the last one, before jitter; 0: none since the last answer */
    int64_t open_until_ms;
    struct err last;                         /* why it is OPEN, or the last failure                    */
    bool limited;                            /* it asked to be left alone (429)                        */
    uint64_t calls, failed, refused, opened; /* ever                           */
};

enum host_verdict {
    HOST_GO,    /* the call counts as in flight until host_leave() */
    HOST_WAIT,  /* all places are taken; ask again after host_leave() */
    HOST_REFUSE /* not now: see host_refusal()                     */
};

/* May a call be made? With HOST_GO *ret_epoch is to be given to host_leave(). */
enum host_verdict host_enter(struct host *h, const struct host_limits *limits, int64_t now_ms, unsigned *ret_epoch);

enum host_outcome {
    HOST_ANSWERED, /* any answer of a server that works, refusals too                                  */
    HOST_FAILED,   /* no answer, or a 5xx                                                              */
    HOST_LIMITED,  /* 429: for err->retry_after_ms, or as after a failed probe when nothing was said   */
    HOST_DROPPED,  /* the caller gave up: nothing was learnt                                           */
};

/* The end of a call. err: with HOST_FAILED and HOST_LIMITED. random: any number, for the jitter: a pause is shortened
 * by up to a quarter. */
void host_leave(struct host *h, const struct host_limits *limits, unsigned epoch, enum host_outcome outcome,
                const struct err *err, int64_t now_ms, uint32_t random);

/* Why callers of this host (name: for the text) are refused: ERR_RETRY, GitLabUnavailable or RateLimited, with the last
 * error, its code, and how long the pauses are. The text is the same for all of one pause. retry_after_ms: when the
 * pause is over, and up to half a pause (by random) later, so that those who were refused do not come back all at once.
 */
struct err host_refusal(const struct host *h, const char *name, int64_t now_ms, uint32_t random);

const char *host_state_name(enum host_state state); /* "closed", "open", "half-open" */

#endif
