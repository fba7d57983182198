/* The gate before GitLab's hosts: each call passes it, and is let through, waits in line, or is refused.
 *
 * A host is a scheme, a name, a port and the address that spec.hostAliases gives it: what one of them does says nothing
 * about another. Whoever may write an object chooses a host and how it behaves, so nobody minds his neighbours:
 *
 *   - Places. A call has a place from when it is let in until it ends. There are so many at each host (concurrency),
 * and so many at all hosts (GATE_PLACES). A namespace takes another one only while more are free than it holds: alone
 *     it gets half of them, and however slow its answers are, the next namespace finds a place at once.
 *   - Lines. Who finds no place waits; a host's line takes the namespaces in turns, and of one the urgent calls first.
 *   - Breakers, host.h, on two levels. That a host cannot be connected to is told to everybody who calls it. What it
 *     answers (5xx, 429) or does not (a request without an answer) is told to those of the namespace that would call
 *     this URL with the same credential for the same purpose, and to nobody else: gate_door.caller.
 *     Where calls go through a proxy, that is the transport of all hosts behind it and has a breaker of its own: while
 *     it cannot be reached, nobody who needs it calls, and all are told ProxyUnreachable.
 *   - Memory. A namespace calls at most GATE_SERVERS URLs at a time, and at most GATE_ANSWERS callers are remembered of
 *     it, beside those whose calls are under way; its own make room. */
#ifndef GITLAB_GATE_H
#define GITLAB_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "gitlab/host.h"

struct gate;
struct gate_answers;
struct gate_server;
struct loop;

enum {
    GATE_CONCURRENCY = 16, /* places at one host, if nothing else is said                                       */
    GATE_PLACES = 64,      /* places at all hosts together: each is a connection, and an answer that is read    */
    GATE_SERVERS = 32,     /* URLs that one namespace calls at the same time                                    */
    GATE_ANSWERS = 32,     /* of one namespace, callers that are remembered for what they were answered         */
};

/* Where a call goes, and whose share it is. Texts are lent to gate_enter(). */
struct gate_door {
    const char *url, *address; /* address NULL: no alias */
    const char *ns;
    uint64_t caller; /* whoever comes with the same number is answered alike: a credential at a path; 0: has none */
    bool urgent;     /* before the other calls of its namespace */
    bool proxied;    /* through the proxy; always the same for one url and address */
};

/* One call's way through:
 *
 *   OUTSIDE ──gate_enter()──► IN_LINE ──a place is free──► INSIDE ◄──gate_begin(), gate_end()──► CALLING
 *      ▲  └──────────────────── a place is free ─────────────┘ │                                    │
 *      └── gate_cancel() in any state; in line, a breaker opens ◄──────────────────────────────────┘ */
enum gate_pass_state { PASS_OUTSIDE, PASS_IN_LINE, PASS_INSIDE, PASS_CALLING };

/* Embedded in its owner; all zeroes: outside. */
struct gate_pass {
    struct list node; /* in a line, or among the refused                  */
    enum gate_pass_state state;
    struct gate_server *server; /* NULL: outside                                    */
    uint64_t caller;
    struct gate_answers *answers; /* while it calls                                   */
    unsigned proxy_epoch, host_epoch, answers_epoch;
    bool urgent;
    struct err *refusal; /* owned; what is to be told                        */
    /* Called when a pass in line has a place (NULL), or why it has none: then it is outside again. Never called from
     * within gate_enter() or gate_cancel() of the same pass, nor after the latter. */
    void (*go)(struct gate_pass *pass, const struct err *refusal);
};

enum gate_verdict { GATE_GO, GATE_WAIT, GATE_REFUSE };

struct gate *gate_create(struct loop *loop, unsigned concurrency);
/* All passes must be outside. NULL is fine. */
void gate_destroy(struct gate *gate);

/* called() is told of each request to a host, by the name that gate_sights() has; NULL: nobody. */
void gate_follow(struct gate *gate, void (*called)(void *arg, const char *host), void *arg);

/* Asks for a place. GATE_GO: the pass has one; GATE_WAIT: go() will tell; GATE_REFUSE: it is outside, and *ret_err says
 * why (host_refusal(), or TooManyServers). */
enum gate_verdict gate_enter(struct gate *gate, struct gate_pass *pass, const struct gate_door *door,
                             struct err *ret_err);
/* The pass waits, or has a place, for this very door. */
bool gate_is_for(const struct gate_pass *pass, const struct gate_door *door);
/* Another pass, which is outside, has the place from now on. */
void gate_hand_over(struct gate_pass *from, struct gate_pass *to);

/* A request of the call begins; false: a breaker has opened meanwhile, and *ret_err says why. The pass has a place. */
bool gate_begin(struct gate *gate, struct gate_pass *pass, struct err *ret_err);
/* It has ended: what that says of the transport (HOST_BLOCKED: of that to the proxy), and of what its caller is
 * answered. The place is kept, for the next request. */
void gate_end(struct gate *gate, struct gate_pass *pass, enum host_outcome transport, enum host_outcome answer,
              const struct err *err);

/* Wherever the pass is, it is outside afterwards, and go() is not called; who is next in line goes on. */
void gate_cancel(struct gate *gate, struct gate_pass *pass);
/* The pass, outside or inside, stays where it is, and is told err as a refusal is told. */
void gate_refuse(struct gate *gate, struct gate_pass *pass, const struct err *err);

/* A host as /metrics and /debug/state show it; lent until the loop goes on. */
struct gate_sight {
    const char *name; /* "https://gitlab.test at 10.0.0.1"; or "other": those beyond GATE_SIGHTS, which most namespaces
                         do not call */
    const struct host *transport; /* NULL: of the others                                                      */
    bool open;                    /* it cannot be connected to, or the proxy before it cannot; one of the others */
    size_t inside, waiting;       /* calls with a place, and in line                                          */
    size_t held;                  /* callers that it answers 5xx or 429, who are held back for a while        */
};
enum { GATE_SIGHTS = 32 };
/* The hosts of which something is known, at most GATE_SIGHTS by name, and one more for all others; returns how many. */
size_t gate_sights(const struct gate *gate, struct gate_sight ret[static GATE_SIGHTS + 1]);
/* How the proxy fares. */
const struct host *gate_proxy(const struct gate *gate);
/* How many places are taken, and how many calls wait, at all hosts. */
size_t gate_inside(const struct gate *gate);
size_t gate_waiting(const struct gate *gate);

#endif
