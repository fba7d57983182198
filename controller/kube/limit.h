/* How many requests may be on their way to the API server at a time, and when none may.
 *
 * No fixed rate: the server's own flow control knows better what it can bear. The limit grows by one for each limit's
 * worth of answers while it is made use of, and is halved by a sign of overload (429, 503, 504, no answer in time): at
 * most once for all requests that were on their way at that time, because they tell of the same moment. A 429 holds up
 * everything until its Retry-After has passed.
 *
 * Pure: the caller says what time it is, in monotonic milliseconds.
 * Sources: API Priority and Fairness (kubernetes.io/docs/concepts/cluster-administration/flow-control); additive
 * increase, multiplicative decrease as TCP's (RFC 5681). */
#ifndef KUBE_LIMIT_H
#define KUBE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LIMIT_MIN = 1,
    LIMIT_START = 32, /* as many turns as there can be */
    LIMIT_MAX = 64,   /* with the watches, what one HTTP/2 connection takes (100 streams): a second one costs memory */
    LIMIT_PAUSE_MAX_MS = 5 * 60 * 1000, /* nobody may hold us up for longer without being asked again */
};

struct limit {
    double size; /* LIMIT_MIN … LIMIT_MAX */
    unsigned in_flight;
    int64_t cut_ms;    /* when it was halved last  */
    int64_t resume_ms; /* nothing begins earlier   */
};

void limit_init(struct limit *limit);

/* True when one more request may begin now. */
bool limit_admits(const struct limit *limit, int64_t now_ms);
/* A request begins; limit_end() has to follow. */
void limit_begin(struct limit *limit);
/* It has ended, or was cancelled. */
void limit_end(struct limit *limit);

/* What the end of a request that began then says about the server: it can bear this much, or it cannot. */
void limit_raise(struct limit *limit);
void limit_cut(struct limit *limit, int64_t began_ms, int64_t now_ms);
/* Nothing begins before this time has passed; a longer pause is not made shorter. */
void limit_pause(struct limit *limit, int64_t pause_ms, int64_t now_ms);

#endif
