/* The network: net/http.h as the operator knows it on one side, servers on the other.
 *
 * A request is delivered to its server after a while, the server answers at once, and the answer arrives after a while;
 * either may be lost, the connection cut, and a stream stand still. What the server does is done when the request is
 * delivered, whatever becomes of the answer. The network chooses all that; servers know nothing of it. */
#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange; /* a request that has been delivered, until its answer has ended */
struct sim;

/* As it was sent. Valid as long as the exchange. */
struct exchange_request {
    int replica;                /* whose: from 0 on; -1: a manager's or a user's */
    const char *method;         /* "GET"                                        */
    const char *host;           /* "gitlab-0.example"                           */
    const char *target;         /* path and query                               */
    const char *const *headers; /* "Name: value", ended by NULL         */
    const char *body;
    size_t body_len;
};

/* What comes before a body; members that are 0 or NULL are not there. */
struct exchange_head {
    long status;
    const char *content_type;
    int64_t retry_after_ms;
    const char *next_page;
};

/* A server: every request to that host. It calls exchange_answer(), or exchange_begin() and keeps the exchange to push
 * to; then it is told by `ended` when nobody listens any more (not after exchange_end()). */
struct server {
    const char *host;
    void (*request)(void *arg, struct exchange *exchange, const struct exchange_request *request);
    void (*ended)(void *arg, struct exchange *exchange); /* NULL: it keeps none */
    void *arg;
};

/* The struct is copied, the host lent. */
void network_serve(struct sim *sim, const struct server *server);

/* The whole answer; the exchange is gone then. Texts are copied. */
void exchange_answer(struct exchange *exchange, const struct exchange_head *head, const char *body, size_t len);
/* A stream: its head, its pieces, and its end in good order. */
void exchange_begin(struct exchange *exchange, const struct exchange_head *head);
void exchange_push(struct exchange *exchange, const char *data, size_t len);
void exchange_end(struct exchange *exchange);

/* "text/plain" for "Content-Type"; NULL: there is no such header. */
const char *exchange_header(const struct exchange_request *request, const char *name);

/* ------------------------------------------------------------------------------------------------------------------
 * For whoever looks on, and for those who disturb it. replica -1: all; host NULL: all. */

/* Told of each request that a server gets, before the server is. */
void network_on_request(struct sim *sim, void (*told)(void *arg, const struct exchange_request *request), void *arg);
/* … as it is sent; and of one that a server has got, when it is certain that its answer will not be heard. */
void network_on_sending(struct sim *sim, void (*told)(void *arg, const struct exchange_request *request), void *arg);
void network_on_unheard(struct sim *sim, void (*told)(void *arg, const struct exchange_request *request), void *arg);

enum network_state {
    NETWORK_UP,
    NETWORK_REFUSES,        /* no connection can be made */
    NETWORK_SILENT,         /* nothing gets through, and nobody is told */
    NETWORK_NO_NAME,        /* the host's name does not resolve */
    NETWORK_UNTRUSTED,      /* new connections: its certificate is none that is trusted */
    NETWORK_REFUSES_CLIENT, /* … it does not take the client's */
};

/* From now on, until it is set again. The numbers: of so many requests one; 0: none. */
struct network_weather {
    enum network_state state;
    int64_t slow_ms; /* so much longer takes everything, at most */
    uint32_t lost_before, lost_after, mute;
};

void network_set(struct sim *sim, int replica, const char *host, const struct network_weather *weather);
/* All connections break, which both sides see. */
void network_cut(struct sim *sim, int replica, const char *host);
/* The connections of now carry nothing any more, and nobody knows. */
void network_mute(struct sim *sim, int replica, const char *host);

#endif
