/* What a client has asked and was answered, as client-go counts it.
 *
 * A request is counted once, when the head of its answer is there or when there will be none; a watch counts from its
 * beginning, and has neither duration nor size. */
#ifndef KUBE_CLIENT_STATS_H
#define KUBE_CLIENT_STATS_H

#include <stdbool.h>

#include "base/metrics.h"

struct http_reply;

struct kube_method_stats {
    const char *method;
    struct histogram seconds, request_bytes, response_bytes;
    struct histogram held_seconds; /* before it was sent; of those that were held back */
};

enum { KUBE_METHODS = 5 };

struct kube_stats {
    char host[300];       /* host[:port] of the server               */
    struct tally answers; /* by code ("<error>": none) and by method */
    struct tally repeats; /* of them, those that were then sent again */
    struct kube_method_stats methods[KUBE_METHODS];
    struct histogram dns_seconds;
};

/* One request on its way. */
struct kube_call {
    const char *method; /* a constant */
    size_t sent;        /* bytes      */
    int64_t began_us;
    bool streamed, counted;
};

/* server: a URL */
void kube_stats_init(struct kube_stats *stats, const char *server);
void kube_stats_held(struct kube_stats *stats, const struct kube_call *call, int64_t held_ms);
void kube_stats_answered(struct kube_stats *stats, struct kube_call *call, long status);
/* received: bytes of the answer that the reply does not have. */
void kube_stats_ended(struct kube_stats *stats, struct kube_call *call, const struct http_reply *reply,
                      size_t received);
void kube_stats_repeated(struct kube_stats *stats, const struct kube_call *call, long status);

#endif
