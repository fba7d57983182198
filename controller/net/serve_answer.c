/* Answers: a sheet that is written as the socket takes it, or a stream. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "net/loop.h"
#include "net/serve_parts.h"

enum { HEAD_SIZE = 2048 };

/* The head of an answer, as it grows. */
struct head {
    struct lws *wsi;
    unsigned char text[LWS_PRE + HEAD_SIZE], *at;
    bool failed;
};

static unsigned char *head_end(struct head *h)
{
    return h->text + sizeof(h->text) - 1;
}

/* value NULL: none. */
static void add_field(struct head *h, const char *name, const char *value)
{
    if (value && lws_add_http_header_by_name(h->wsi, (const unsigned char *)name, (const unsigned char *)value,
                                             (int)strlen(value), &h->at, head_end(h)) != 0)
        h->failed = true;
}

/* It says that the connection is closed, which libwebsockets then does when the answer is out. */
static void begin_head(struct head *h, struct lws *wsi, int status, const char *content_type)
{
    h->wsi = wsi;
    h->at = h->text + LWS_PRE;
    h->failed = lws_add_http_common_headers(wsi, (unsigned)status, content_type, LWS_ILLEGAL_HTTP_CONTENT_LEN, &h->at,
                                            head_end(h)) != 0;
}

static int send_head(struct head *h)
{
    if (h->failed)
        return -1;
    return lws_finalize_write_http_header(h->wsi, h->text + LWS_PRE, &h->at, head_end(h)) == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Sheets */

static struct sheet *make_sheet(const struct client *c)
{
    const struct serve *serve = c->serve;
    struct sheet **kept = &serve->kept[c->page - serve->config.pages];

    if (c->page->file)
        return sheet_of_file(c->page, &c->request);
    return c->page->shared ? sheet_share(kept, c->page, serve->config.arg, &c->request)
                           : sheet_render(c->page, serve->config.arg, &c->request);
}

static int write_head(struct lws *wsi, const struct sheet *sheet)
{
    struct head head;

    begin_head(&head, wsi, sheet->status, sheet->content_type);
    if (lws_add_http_header_content_length(wsi, sheet->body.len, &head.at, head_end(&head)) != 0)
        return -1;
    add_field(&head, "www-authenticate:", sheet->status == 401 ? "Bearer" : NULL);
    add_field(&head, "allow:", sheet->status == 405 ? "GET" : NULL);
    add_field(&head, "etag:", sheet->etag);
    add_field(&head, "vary:", sheet->etag ? "Accept-Encoding" : NULL);
    add_field(&head, "content-encoding:", sheet->encoding);
    return send_head(&head);
}

/* As much as the socket takes now. libwebsockets wants room before each piece. */
static int write_on(struct client *c)
{
    unsigned char piece[LWS_PRE + PIECE_MAX];

    assert(c->state == CLIENT_ANSWERED && c->written <= c->sheet->body.len);
    while (c->written < c->sheet->body.len) {
        size_t left = c->sheet->body.len - c->written, len = left < PIECE_MAX ? left : PIECE_MAX;
        if (lws_send_pipe_choked(c->wsi))
            return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
        memcpy(piece + LWS_PRE, c->sheet->body.data + c->written, len);
        if (lws_write(c->wsi, piece + LWS_PRE, len, LWS_WRITE_HTTP) < 0)
            return -1;
        c->written += len;
    }
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

int answer_client(struct client *c, struct sheet *sheet)
{
    c->sheet = sheet;
    client_enter(c, CLIENT_ANSWERED);
    c->until_ms = loop_now(c->serve->loop) + ANSWER_MS;
    clients_bound_bodies(c->serve, c);
    return write_head(c->wsi, sheet) == 0 ? write_on(c) : -1;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Streams */

static size_t count_streams(const struct serve *serve)
{
    size_t len = 0;

    list_each (node, &serve->clients)
        len += client_stays(container_of(node, struct client, node));
    return len;
}

/* The status of a refusal, with its words; or 200. */
static int begin_reading(struct client *c, struct buf *words)
{
    if (!c->page->streaming->brief && count_streams(c->serve) >= STREAMS_MAX) {
        buf_addf(words, "{\"message\":\"%d streams are open, and no more at a time: try again later\"}\n", STREAMS_MAX);
        return 503;
    }
    return c->page->streaming->begin(c->serve->config.arg, &c->request, (struct serve_stream *)c, &c->reader, words);
}

/* One piece at a time: others have their turn in between. */
static int stream_on(struct client *c)
{
    unsigned char room[LWS_PRE + PIECE_MAX];
    struct buf piece cleanup_buf;

    assert(c->state == CLIENT_STREAMED);
    buf_init(&piece, PIECE_MAX);
    bool more = c->page->streaming->next(c->reader, &piece);
    c->idle = more && piece.len == 0;
    c->until_ms = c->idle ? INT64_MAX : loop_now(c->serve->loop) + ANSWER_MS;
    memcpy(room + LWS_PRE, piece.data, piece.len);
    if (piece.len && lws_write(c->wsi, room + LWS_PRE, piece.len, LWS_WRITE_HTTP) < 0)
        return -1;
    if (!more)
        return lws_http_transaction_completed(c->wsi) ? -1 : 0;
    return c->idle || lws_callback_on_writable(c->wsi) >= 0 ? 0 : -1;
}

void serve_stream_wake(struct serve_stream *stream)
{
    struct client *c = (struct client *)stream;

    if (c->state != CLIENT_STREAMED || !c->idle)
        return;
    c->idle = false;
    c->until_ms = loop_now(c->serve->loop) + ANSWER_MS;
    lws_callback_on_writable(c->wsi);
}

static int begin_stream(struct client *c)
{
    struct buf words;
    struct head head;

    buf_init(&words, HEAD_SIZE);
    int status = begin_reading(c, &words);
    if (status != 200)
        return answer_client(c, sheet_of_words(status, &words));
    buf_finish(&words);
    client_enter(c, CLIENT_STREAMED);
    client_forget_request(c);
    begin_head(&head, c->wsi, 200, c->page->content_type);
    lws_http_mark_sse(c->wsi); /* it keeps neither the request's head nor times of its own */
    if (send_head(&head) != 0)
        return -1;
    return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

/* In the guard's words. */
static int refuse_client(struct client *c)
{
    const struct serve_config *config = &c->serve->config;
    struct buf words;

    buf_init(&words, HEAD_SIZE);
    if (config->refuse)
        config->refuse(config->guard_arg, &c->request, c->verdict, &words);
    return answer_client(c, sheet_of_words(c->verdict, &words));
}

int answer_page(struct client *c)
{
    return c->page->streaming ? begin_stream(c) : answer_client(c, make_sheet(c));
}

int answer_go_on(struct client *c)
{
    if (c->state == CLIENT_ANSWERED)
        return write_on(c);
    if (c->state == CLIENT_STREAMED)
        return stream_on(c);
    if (c->state != CLIENT_JUDGED)
        return 0;
    return c->verdict == 200 ? answer_page(c) : refuse_client(c);
}
