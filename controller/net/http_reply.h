/* What comes in answer to one transfer, and what its receiver is told of it at the end. Private to net/http. */
#ifndef NET_HTTP_REPLY_H
#define NET_HTTP_REPLY_H

#include <curl/curl.h>

#include "net/http.h"

struct transfer;

/* Has libcurl hand over head and body: the body is collected in t->body, or goes to the request's on_data. */
void http_reply_collect(struct transfer *t);
/* For on_done: the answer, or why there is none. Lends what *t holds. */
struct http_reply http_reply_of(struct transfer *t, CURLcode result);

#endif
