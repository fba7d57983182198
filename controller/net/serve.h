/* The operator's own small HTTP server (libwebsockets on the loop): /healthz, /readyz, /metrics, /debug/….
 *
 * GET only. Pages are a table of path and function; a function writes the body into a buf and returns the status. */
#ifndef NET_SERVE_H
#define NET_SERVE_H

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct serve;

/* What is asked for; lent during render(). */
struct serve_request {
    const char *below; /* what follows the page's path: "ping" of /healthz/ping; "" for the path itself */
    const char *query; /* what follows the question mark, decoded; ""                                  */
    bool local;        /* the client is on this machine, or in this pod                                */
};

struct serve_page {
    const char *path;         /* "/healthz"; one that ends in a slash has pages below it */
    const char *content_type; /* "text/plain; version=0.0.4; charset=utf-8"              */
    /* Writes the body (up to the buf's maximum, 4 MiB), returns the HTTP status. Called on the loop's thread. */
    int (*render)(void *arg, const struct serve_request *request, struct buf *body);
};

/* The value of a parameter of the query, up to size bytes, "" when it has none; false when it is not there. */
bool serve_parameter(const struct serve_request *request, const char *name, char *ret, size_t size);

/* Listens on address ("127.0.0.1", "::1", NULL: all) and port (0: any free one, see serve_port()). pages: an array
 * ended by a NULL path that must outlive the server. NULL and *err (ERR_DENIED) when the port cannot be had. */
struct serve *serve_create(struct loop *loop, const char *address, int port, const struct serve_page *pages, void *arg,
                           struct err *err);
int serve_port(const struct serve *serve);
/* Returns at once; the loop gives the memory back in its next turns, at the latest in loop_destroy(). NULL is fine. */
void serve_destroy(struct serve *serve);

#endif
