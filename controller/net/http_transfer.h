/* One request on its way, and how it becomes options of libcurl. Private to net/http. */
#ifndef NET_HTTP_TRANSFER_H
#define NET_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "net/http.h"
#include "net/http_url.h"

struct http_failure;
struct http_pool;
struct http_trust;
struct loop_timer;

enum transfer_state {
    HELD,       /* libcurl does not know it yet                          */
    CONNECTING, /* name, TCP, TLS                                        */
    SENT,       /* the request may have reached the server               */
    CANCELLED,  /* nobody may be called any more; the next kick frees it */
};

struct transfer {
    struct list node;
    uint64_t id;
    enum transfer_state state;
    struct http *http;
    struct http_pool *pool;      /* NULL while HELD                                           */
    CURL *easy;                  /* NULL while HELD                                           */
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
    char libcurl_error[CURL_ERROR_SIZE];
    struct buf body;
    struct arena mem;
};

/* Gives t->easy all options but the callbacks. */
void transfer_set_options(struct transfer *t, const char *user_agent, struct http_trust *trust);

#endif
