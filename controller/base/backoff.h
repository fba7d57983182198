/* Exponential backoff: how long to wait before what has failed is tried again. Pure: chance is an argument, of which
 * base/jitter.h has some. Milliseconds. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t min_ms;          /* after the first failure, not negative; doubles with each …  */
    int64_t max_ms;          /* … up to this, which is not less, and at most 10¹⁵           */
    unsigned jitter_percent; /* by how much chance may shorten a pause; it lengthens none   */
};

/* The pause that follows one of last_ms (0: there was none), without jitter: min_ms, or twice last_ms, at most max_ms.
 */
int64_t backoff_next(const struct backoff *b, int64_t last_ms);
/* A pause as chance shortens it; random: any number. */
int64_t backoff_jitter(const struct backoff *b, int64_t pause_ms, uint32_t random);
/* The pause after so many failures in a row (1: the first), with jitter; not less than retry_after_ms, what the server
 * asked for (0: nothing). */
int64_t backoff_pause(const struct backoff *b, unsigned failures, int64_t retry_after_ms, uint32_t random);

#endif
