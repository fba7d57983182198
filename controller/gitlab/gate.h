/* The gate before GitLab's hosts: each request passes it, and is let through, waits in line, or is refused.
 *
 * A host is a scheme, a name, a port and the address that spec.hostAliases gives it: what one of them does says nothing
 * about another. Each has its own bound, its own line (first come, first served) and its own breaker: see host.h. */
#ifndef GITLAB_GATE_H
#define GITLAB_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "gitlab/host.h"

struct gate;
struct gate_host;
struct loop;

/* One request's way through. Embedded in its owner; all zeroes: outside. */
struct gate_pass {
    struct list node; /* in the host's line, or among the refused         */
    struct gate_host *host;
    unsigned epoch;
    bool inside;
    struct err refusal;
    /* Called once, unless gate_cancel() comes first: NULL when the request may be made now, which gate_leave() ends;
     * else why not, and the pass is outside again. */
    void (*go)(struct gate_pass *pass, const struct err *refusal);
};

struct gate *gate_create(struct loop *loop, unsigned concurrency);
/* All passes must be outside. NULL is fine. */
void gate_destroy(struct gate *gate);

/* Asks to make a request to the host of url at address (may be NULL). go() is called from within only when the request
 * may be made at once; a refusal always comes later. */
void gate_enter(struct gate *gate, struct gate_pass *pass, const char *url, const char *address);
/* The request has ended; whoever is next in line goes on. */
void gate_leave(struct gate *gate, struct gate_pass *pass, enum host_outcome outcome, const struct err *err);
/* Wherever it is, it is outside afterwards, and go() is not called. */
void gate_cancel(struct gate *gate, struct gate_pass *pass);
/* Without a call: it is told err as a refusal is told. */
void gate_refuse(struct gate *gate, struct gate_pass *pass, const struct err *err);

/* For /metrics and /debug/state. At most this many hosts are remembered beside those with calls; the ones that were
 * called last. */
enum { GATE_HOSTS_MAX = 64 };
struct gate_info {
    const char *name; /* "https://gitlab.test at 10.0.0.1", lent until the loop goes on */
    const struct host *host;
    size_t waiting;
};
/* The i-th host that is known; false when there are no more. */
bool gate_info(const struct gate *gate, size_t i, struct gate_info *ret);

#endif
