/* The network from inside: its links, and requests on their way. */
#ifndef TESTS_SIM_NETWORK_PARTS_H
#define TESTS_SIM_NETWORK_PARTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "net/http.h"
#include "tests/sim/loop.h"
#include "tests/sim/network.h"
#include "tests/sim/sim_parts.h"

enum { HOSTS_MAX = 8 };

enum network_news { NEWS_SENDING, NEWS_REQUEST, NEWS_UNHEARD, NETWORK_NEWS };

/* Between a replica and a host. Connections have numbers, from 1 on. */
struct link {
    struct network *network;
    int replica;
    const char *host; /* lent by the server */
    const struct server *server;
    struct network_weather weather;
    unsigned latest;      /* connection */
    bool open;            /* the latest one may be used for the next request */
    unsigned dead;        /* connections up to this one carry nothing, and nobody knows */
    int64_t connected_at; /* when the one that is being made will be there */
};

struct network {
    struct sim *sim;
    struct server servers[HOSTS_MAX];
    size_t servers_len;
    struct link links[REPLICAS_MAX][HOSTS_MAX]; /* by replica and server */
    struct list exchanges;
    void (*told[NETWORK_NEWS])(void *arg, const struct exchange_request *request);
    void *told_arg[NETWORK_NEWS];
};

enum packet_kind { PACKET_HEAD, PACKET_DATA, PACKET_END, PACKET_BREAK };

/* A piece of an answer, on its way. */
struct packet {
    struct loop_post post;
    struct list node; /* in its exchange */
    struct exchange *exchange;
    enum packet_kind kind;
    uint64_t event; /* its arrival; 0: it has arrived */
    struct exchange_head head;
    const char *data; /* in the packet's own memory */
    size_t len;
};

/* A request on its way, and its answer, until neither side knows it any more. */
struct exchange {
    struct list node;
    struct sim *sim;
    struct network *network;
    struct transfer *client; /* NULL: nobody listens */
    struct link *link;
    unsigned connection;
    struct exchange_request request; /* in mem */
    struct arena mem;
    uint64_t delivery;  /* the event; 0: it is there, or not sent yet */
    uint64_t farewell;  /* the event by which the server hears that nobody listens */
    bool served, heard; /* the server has got it; the client has the whole answer */
    bool inside, kept;  /* with the server, which keeps it */
    bool mute, broken;  /* nothing comes back: the client does not know, knows */
    int64_t last_at;    /* of the packets' arrivals */
    struct list packets;
};

/* network_server.c */
void exchange_send(struct exchange *x);
/* The client knows nothing of it any more, and the server hears that nobody listens, if it still keeps it. */
void exchange_abandon(struct exchange *x);
/* Its connection breaks, which both sides see. */
void exchange_break(struct exchange *x);
/* Half of what is on the way to the server gets there no more. */
void exchange_lose(struct exchange *x);
/* Frees it, whoever knows it. */
void exchange_drop(struct exchange *x);
void packet_free(struct packet *p);

/* network.c: a packet has come to the client. */
void transfer_come(struct transfer *t, const struct packet *packet);
struct loop *transfer_loop(const struct transfer *t);

/* network_links.c */
struct network *network_of(struct sim *sim);
/* The connections up to the latest carry nothing any more; after a while the system finds out. */
void link_die(struct link *link);
void network_tell(struct exchange *x, enum network_news news);
struct link *network_link(struct network *network, int replica, const char *host, size_t len);
void network_destroy(struct network *network);
/* A process begins, with no connections; or has gone: what it has sent is on its way, or not. */
void network_begin(struct sim *sim, int replica);
void network_sever(struct sim *sim, int replica);

#endif
