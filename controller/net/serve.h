/* The operator's own small HTTP server: /healthz, /readyz, /metrics, /debug/…, and what browsers show.
 *
 * GET only, one request a connection. Pages are a table of path and function; a function writes the body into a buf and
 * returns the status. Instead of the function there may be a file of the program, or an answer that goes on (a stream).
 *
 * Any pod may connect, and a probe must get its answer all the same. A request is read when its head is whole, and what
 * of the answer fits into the socket is written in the same step, so a probe never depends on a place among others.
 * Whoever keeps a connection longer has one of 64 places, for a time that no byte prolongs; when all are
 * taken, a new one takes the place of the oldest one of the peer that has the most. (libwebsockets parses and writes;
 * it would wait for each byte anew, and refuse who comes last.) Of the places at most 24 are streams, which keep
 * theirs while their readers read. */
#ifndef NET_SERVE_H
#define NET_SERVE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct serve;

/* What is asked for; lent during the call. */
struct serve_request {
    const char *below; /* what follows the page's path: "ping" of /healthz/ping; "" for the path itself */
    const char *query; /* what follows the question mark, decoded; ""                                   */
    const char *host;  /* the fields of that name, NULL when absent                                     */
    const char *authorization;
    const char *origin;
    const char *fetch_site;      /* Sec-Fetch-Site    */
    const char *accept_encoding; /* Accept-Encoding   */
    const char *if_none_match;   /* If-None-Match     */
};

/* A file that the program has in itself. */
struct serve_file {
    const unsigned char *plain, *gzip; /* what is in it, and the same compressed */
    size_t plain_len, gzip_len;
    const char *etag; /* quoted; another content has another one */
};

enum { SERVE_PIECE_MAX = 16 << 10 }; /* bytes of a stream, written at a time */
struct serve_stream;

/* An answer that goes on. All is called on the loop's thread. */
struct serve_streaming {
    /* Begins it: 200, and *ret_reader is for the other two; or the status of a refusal, and its words. */
    int (*begin)(void *arg, const struct serve_request *request, struct serve_stream *stream, void **ret_reader,
                 struct buf *words);
    /* Writes the next piece, up to SERVE_PIECE_MAX; nothing: there is none until serve_stream_wake(). False: this is
     * the last one. Called when there is room for it: a reader who has not taken a piece after ten seconds is put out.
     */
    bool (*next)(void *reader, struct buf *piece);
    /* It ends by itself, and soon: it is none of the 24, and gives way as other answers do. */
    bool brief;
    /* The stream has ended, by whichever side; it and the reader are not named again. */
    void (*end)(void *reader);
};

struct serve_page {
    const char *path;         /* "/healthz"; one that ends in a slash has pages below it, but for "/" */
    const char *content_type; /* "text/plain; version=0.0.4; charset=utf-8"              */
    /* Writes the body (up to the buf's maximum, 4 MiB), returns the HTTP status. Called on the loop's thread. */
    int (*render)(void *arg, const struct serve_request *request, struct buf *body);
    /* One of these, where there is no such function. */
    const struct serve_file *file;
    const struct serve_streaming *streaming;
    /* The same whatever is asked for. It is made anew when twenty times the time has passed that making it took, so
     * that nobody can take more than a twentieth of the process with it. */
    bool shared;
    bool guarded; /* who asks must be admitted by the guard */
};

struct serve_config {
    const char *address;            /* as serve_listen() takes it                                       */
    int port;                       /* 0: any free one, see serve_port()                                */
    const struct serve_page *pages; /* ended by a NULL path; must outlive the server                    */
    void *arg;                      /* of render()                                                      */
    /* Refuse by 403 who does not ask for this machine (DNS rebinding), or from it: a proxy that calls from 127.0.0.6 is
     * asked by somebody else. */
    bool local;
    /* … and requests that pages of other sites make. */
    bool same_origin;
    /* Asked about each request for a guarded page: calls serve_admit() with that id, now or later. NULL: all may. */
    void (*guard)(void *guard_arg, uint64_t id, const struct serve_request *request);
    /* Writes the words of a refusal of the guard, JSON. NULL: it says its status. */
    void (*refuse)(void *guard_arg, const struct serve_request *request, int status, struct buf *words);
    void *guard_arg;
    /* Files in PEM, to be reached by https alone; read again when they change. NULL: by http. */
    const char *tls_cert, *tls_key;
};

/* The value of a parameter of the query, up to size bytes, "" when it has none; false when it is not there. */
bool serve_parameter(const struct serve_request *request, const char *name, char *ret, size_t size);

/* Everything in *config is lent for the server's life. NULL and *err (ERR_DENIED) when the port cannot be had. */
struct serve *serve_create(struct loop *loop, const struct serve_config *config, struct err *err);
int serve_port(const struct serve *serve);
/* There is something to write. */
void serve_stream_wake(struct serve_stream *stream);
/* The guard's word: 200 shows the page, another status is the answer. An id that has ended is ignored. */
void serve_admit(struct serve *serve, uint64_t id, int status);
/* Returns at once; the loop gives the memory back in its next turns, at the latest in loop_destroy(). NULL is fine. */
void serve_destroy(struct serve *serve);

#endif
