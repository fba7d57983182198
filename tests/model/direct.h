/* A simulation without a network and without chance, for who asks one server at a time: a request reaches its server
 * at once, and the answer is at hand. Time stands still until it is set. */
#ifndef TESTS_MODEL_DIRECT_H
#define TESTS_MODEL_DIRECT_H

#include "base/buf.h"
#include "tests/sim/network.h"
#include "tests/sim/sim.h"

struct sim *direct_create(void);
void direct_destroy(struct sim *sim);
/* Milliseconds since 1970; sim_now() counts from the first on that was set. What is due by then happens; a time
 * that is before the last one is as good. */
void direct_set_time(struct sim *sim, int64_t ms);

/* Of the last request, until the next one. Texts that are missing are "". */
struct direct_answer {
    long status; /* 0: no server is there */
    char content_type[80], next_page[24];
    int64_t retry_after_ms;
    struct buf body; /* of a stream what has come so far */
};
/* headers: ended by NULL; NULL: none. */
const struct direct_answer *direct_ask(struct sim *sim, const char *method, const char *host, const char *target,
                                       const char *const *headers, const char *body);

#endif
