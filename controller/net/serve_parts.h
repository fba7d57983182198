/* What the files of net/serve*.c share, and nobody else includes. */
#ifndef NET_SERVE_PARTS_H
#define NET_SERVE_PARTS_H

#include <libwebsockets.h>
#include <uv.h>

#include "base/list.h"
#include "net/serve.h"
#include "net/serve_sheet.h"

enum {
    HEAD_MAX = 8 << 10,
    PIECE_MAX = SERVE_PIECE_MAX, /* of a body, written at a time                                      */
    CLIENTS_MAX = 64,            /* scrapers, a few people, and whoever is slow                         */
    STREAMS_MAX = 24,            /* … of which so many stay: the others are for who asks once           */
    ANSWER_MS = 10 * 1000,       /* also the guard's; of a stream, the time that a piece may take     */
};

enum client_state {
    CLIENT_READING,  /* its head is not whole yet                         */
    CLIENT_ASKING,   /* the guard is asked                                */
    CLIENT_JUDGED,   /* … and has answered                                */
    CLIENT_ANSWERED, /* the answer is written, as the socket takes it     */
    CLIENT_STREAMED, /* … and goes on as long as both want it             */
    CLIENT_LEFT,     /* it has no place any more; libwebsockets closes it */
};

/* A connection; libwebsockets says when it begins and ends. */
struct client {
    struct list node; /* the oldest first; in no list when it has left */
    struct serve *serve;
    struct lws *wsi;
    uint64_t id;
    enum client_state state;
    char peer[64]; /* its address */
    int64_t until_ms;
    struct buf host, authorization, query, origin, site, accepts, knows;
    const struct serve_page *page;
    struct serve_request request; /* lent by these, and by libwebsockets */
    int verdict;                  /* of the guard, from JUDGED on */
    struct sheet *sheet;          /* in ANSWERED */
    size_t written;
    void *reader; /* in STREAMED: what the page began */
    bool idle;    /* … and nothing is there to be written */
};

struct serve {
    struct loop *loop;
    struct serve_config config;
    struct sheet **kept; /* of each page, the last one; NULL */
    struct list clients;
    uint64_t last_id;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    uv_poll_t listener;
    struct loop_timer *pause, *sweep, *certs; /* certs: NULL without TLS */
    uint64_t certs_version;                   /* tells whether the files are other ones; 0: not looked at yet */
    int fd, port;
    uv_idle_t turns; /* while closing */
    int turns_left;
};

void client_enter(struct client *c, enum client_state to);
/* It has a stream that goes on. */
bool client_stays(const struct client *c);
/* What was asked for is needed no more, and a credential in it not kept. */
void client_forget_request(struct client *c);
/* Whoever does not read keeps a page in memory; all together they may keep so much. */
void clients_bound_bodies(struct serve *serve, const struct client *but);

/* What these return is for libwebsockets: a negative one closes the connection, when all that was written is out. */

/* Answers with the sheet, which it takes over. */
int answer_client(struct client *c, struct sheet *sheet);
/* Answers with the page that was asked for. */
int answer_page(struct client *c);
/* There is room for more of the answer. */
int answer_go_on(struct client *c);

#endif
