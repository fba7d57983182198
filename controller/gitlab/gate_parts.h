/* Private to gate*.c. Who knows whom: a server (a URL that a namespace calls) is at a host, and of a tenant (a
 * namespace); what the two share is a lane. Hosts, lanes and tenants are there as long as they have servers. A server
 * has what it answers, by caller. */
#ifndef GITLAB_GATE_PARTS_H
#define GITLAB_GATE_PARTS_H

#include "gitlab/gate.h"

struct arena;

struct gate_host {
    struct list node;
    char *name;
    struct host transport;
    struct host *proxy; /* the gate's, where calls go through it; else NULL */
    size_t inside;
    struct list lanes; /* in the order of their turns */
};

/* A namespace at all hosts. */
struct tenant {
    struct list node;
    char *ns;
    size_t inside, answers;
    struct list servers; /* the one that was asked for last is at the end */
};

/* A namespace at one host. */
struct gate_lane {
    struct list node;
    struct gate_host *host;
    struct tenant *tenant;
    size_t inside, servers;
    struct list urgent, routine; /* passes that wait, the first to come in front */
};

struct gate_server {
    struct list node; /* of its tenant's */
    struct gate_lane *lane;
    char *url;
    struct list answers; /* struct gate_answers            */
    size_t passes;       /* that wait, or have a place     */
    int64_t used_ms;     /* when the last one went         */
};

/* Of one caller; there while a call is made, and as long as something of it is worth remembering. */
struct gate_answers {
    struct list node; /* of its server's */
    struct gate_server *server;
    uint64_t caller;
    struct host breaker;
    int64_t used_ms; /* when the last call ended */
};

struct gate {
    struct loop *loop;
    struct host_limits limits;
    struct host proxy;
    size_t concurrency, inside, waiting;
    struct list hosts, tenants;
    void (*called)(void *arg, const char *host); /* NULL: nobody is told */
    void *called_arg;
    struct list refused;      /* passes that are told so when the timer fires  */
    struct loop_timer *timer; /* armed while somebody is among the refused     */
};

/* A failure that nobody has tried to repeat for so long is forgotten. */
enum { GATE_FORGET_MS = 10 * 60 * 1000 };

/* gate_answers.c. What the caller is answered, NULL: nothing worth remembering. */
struct gate_answers *gate_answers_known(const struct gate_server *server, uint64_t caller);
/* … made when it is not known; of those of the same namespace that do not call now, the oldest may go for it. */
struct gate_answers *gate_answers_of(struct gate_server *server, uint64_t caller, int64_t now_ms);
/* A call of it has ended: it goes, unless something of it is worth remembering. */
void gate_answers_unused(struct gate_answers *answers, int64_t now_ms);
/* All of them; none may be calling. */
void gate_answers_forget(struct gate_server *server);

/* gate_servers.c. The server behind the door, made when there is none; of those of the same namespace that nobody uses
 * one may go for it. NULL: the namespace calls too many already. */
struct gate_server *gate_server_of(struct gate *gate, const struct gate_door *door);
/* "https://gitlab.test at 10.0.0.1"; the arena owns it. */
char *gate_host_name(const char *url, const char *address, struct arena *a);
/* Nobody uses it any more: it goes, unless something of it is worth remembering. */
void gate_server_unused(struct gate *gate, struct gate_server *server);
void gate_servers_finish(struct gate *gate);

#endif
