/* libcurl's multi interface on the loop: a cache of connections and the transfers that use it. Private to net/http. */
#ifndef NET_HTTP_POOL_H
#define NET_HTTP_POOL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct loop;
struct loop_timer;

struct http_pool {
    struct list node; /* for the owner */
    struct loop *loop;
    CURLM *multi;
    struct list sockets;      /* that libcurl wants to be watched                        */
    struct loop_timer *timer; /* libcurl's own                                           */
    struct loop_timer *again; /* armed after something came, see on_again()              */
    unsigned round;           /* of on_again()                                           */
    bool moved;               /* set by the owner's callbacks when they are given bytes  */
    size_t len;               /* transfers inside                                        */
    /* A transfer (its CURLOPT_PRIVATE) has ended; the callee removes it from the pool. Called from the loop, never from
     * inside libcurl. */
    void (*on_end)(void *transfer, CURLcode result);
    /* Called with arg before libcurl does anything for its sockets; may remove transfers. */
    void (*before)(void *arg);
    void *arg;
};

struct http_pool *http_pool_create(struct loop *loop, void (*on_end)(void *transfer, CURLcode result),
                                   void (*before)(void *arg), void *arg);
/* Closes all connections; no transfer may be inside. */
void http_pool_destroy(struct http_pool *pool);

/* Not from inside a callback of libcurl. */
void http_pool_add(struct http_pool *pool, CURL *easy);
void http_pool_remove(struct http_pool *pool, CURL *easy);

#endif
