/* One request on its way: its copy, its deadlines, and (net/http_options.c) how it becomes options of libcurl. Private
 * to net/http. */
#ifndef NET_HTTP_TRANSFER_H
#define NET_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "net/http.h"
#include "net/http_url.h"

struct http_asked;
struct http_failure;
struct http_pool;
struct http_trust;
struct loop;
struct loop_timer;

enum transfer_state {
    TRANSFER_HELD,       /* libcurl does not know it yet                          */
    TRANSFER_CONNECTING, /* name, TCP, TLS                                        */
    TRANSFER_SENT,       /* the request may have reached the server               */
    TRANSFER_CANCELLED,  /* nobody may be called any more; the next kick frees it */
    TRANSFER_ENDED,      /* its receiver is told                                  */
};

struct transfer {
    struct list node;
    uint64_t id;
    enum transfer_state state;
    struct loop *loop;
    struct http *http;
    struct http_pool *pool;      /* NULL until CONNECTING                                     */
    CURL *easy;                  /* NULL until CONNECTING                                     */
    struct http_request request; /* its strings are in mem                               */
    struct http_url url;
    const char *origin; /* who may share a connection; NULL: it needs one of its own     */
    const char *place;  /* host and port, for messages                                   */
    struct loop_timer *watchdog;
    int64_t connect_deadline;
    int64_t deadline;               /* of the whole; INT64_MAX: none                                   */
    int64_t moved_ms;               /* when it was sent, then when the latest byte came                */
    const struct http_failure *why; /* what ended it, when it was not libcurl            */
    char detail[80];                /* about why                                         */
    char refused[80];               /* the address that was not allowed, and what it is; "": none */
    char libcurl_error[CURL_ERROR_SIZE];
    const struct http_asked *asked; /* of the connection that it opened; NULL: not begun */
    size_t head_len;                /* bytes of all heads so far, those of "100 Continue" and trailers too */
    struct buf body;
    struct arena mem;
};

/* A copy of the request, HELD, with an armed watchdog; why is set when its URL is none. The caller sets id and http.
 * on_watchdog is called with the transfer when one of its deadlines has passed. */
struct transfer *transfer_create(struct loop *loop, const struct http_request *request, void (*on_watchdog)(void *arg));
void transfer_enter(struct transfer *t, enum transfer_state to);
/* Takes it out of its list and its pool. Not from inside a callback of libcurl. */
void transfer_free(struct transfer *t);

/* The request is being sent, or bytes have come: the idle timeout begins anew. */
void transfer_moved(struct transfer *t);
/* Sets the watchdog to the deadline that is next. libcurl's own timeouts do not count while a transfer waits for
 * another one's connection. */
void transfer_rearm(struct transfer *t);
/* Records which deadline has passed as the reason of the end. */
void transfer_time_out(struct transfer *t);

/* Gives t->easy all options but the callbacks. */
void transfer_set_options(struct transfer *t, const char *user_agent, struct http_trust *trust);

#endif
