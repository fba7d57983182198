/* What comes over a connection. After 's' a request as our pages get it, after 'h' and 'H' an answer as our client gets
 * it, whole or as a stream. Both sides are real, on one loop; who sends the text here closes the connection after it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/mem.h"
#include "fuzz.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/serve.h"

enum { PATIENCE_MS = 300, BODY_MAX = 1000, DAY_MS = 86400 * 1000 };

static struct {
    struct loop *loop;
    struct http *http;
    struct serve *serve;
    struct loop_timer *patience;
    int listener, port;
    const char *text; /* what is sent */
    size_t len;
    char said[64]; /* the beginning of our server's answer */
    size_t said_len;
    unsigned ends; /* of our client's request */
} wire;

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(wire.loop);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Sockets */

struct socket {
    uv_poll_t poll;
    int fd;
    void (*ready)(struct socket *s);
};

static void on_socket_closed(uv_handle_t *handle)
{
    struct socket *s = handle->data;

    close(s->fd);
    free(s);
}

static void close_socket(struct socket *s)
{
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct socket *s = poll->data;

    (void)status, (void)events;
    s->ready(s);
}

static struct socket *follow(int fd, void (*ready)(struct socket *s))
{
    struct socket *s = mem_alloc(sizeof(*s));

    *s = (struct socket){.fd = fd, .ready = ready};
    uv_poll_init_socket(loop_uv(wire.loop), &s->poll, fd);
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, on_ready);
    return s;
}

static struct sockaddr_in address_of(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void send_text(int fd)
{
    for (size_t at = 0; at < wire.len;) {
        ssize_t n = send(fd, wire.text + at, wire.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    shutdown(fd, SHUT_WR);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Our pages */

static int render_asked(void *arg, const struct serve_request *request, struct buf *body)
{
    char value[16];

    (void)arg;
    serve_parameter(request, "since", value, sizeof(value));
    buf_addf(body, "%s %s\n", request->below, request->query);
    return 200;
}

static void guard(void *arg, uint64_t id, const struct serve_request *request)
{
    (void)arg;
    serve_admit(wire.serve, id, request->authorization ? 200 : 401);
}

static const struct serve_page pages[] = {
    {"/", "text/plain", .render = render_asked},
    {"/asked/", "text/plain", .render = render_asked},
    {"/guarded", "text/plain", .render = render_asked, .guarded = true},
    {.path = NULL},
};

static void hear_server(struct socket *s)
{
    char piece[4096];
    ssize_t n = recv(s->fd, piece, sizeof(piece), MSG_DONTWAIT);

    if (n <= 0) {
        loop_stop(wire.loop);
        return;
    }
    for (ssize_t i = 0; i < n && wire.said_len + 1 < sizeof(wire.said); i++)
        wire.said[wire.said_len++] = piece[i];
}

static void ask_server(void)
{
    const struct sockaddr_in address = address_of(serve_port(wire.serve));
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    expect(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        expect(errno == EINTR); /* libFuzzer's own alarm */
        close(fd);
        return;
    }
    memset(wire.said, 0, sizeof(wire.said));
    wire.said_len = 0;
    send_text(fd);
    struct socket *s = follow(fd, hear_server);
    loop_timer_set(wire.patience, PATIENCE_MS);
    loop_run(wire.loop);
    close_socket(s);
    expect(wire.said_len == 0 || (strncmp(wire.said, "HTTP/1.", 7) == 0 && strchr("2345", wire.said[9])));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Our client */

static void on_request(struct socket *s)
{
    char ignored[4096];

    if (recv(s->fd, ignored, sizeof(ignored), MSG_DONTWAIT) > 0)
        send_text(s->fd);
    close_socket(s);
}

static void on_client(struct socket *s)
{
    int fd = accept(s->fd, NULL, NULL);

    if (fd >= 0)
        follow(fd, on_request);
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    (void)arg;
    wire.ends++;
    expect(reply->content_type && reply->body && reply->next_page);
    expect(reply->retry_after_ms >= 0 && reply->retry_after_ms <= DAY_MS && reply->date_s >= 0);
    if (reply->err.kind == ERR_NONE)
        expect(reply->status >= 100 && reply->len <= BODY_MAX);
    else
        expect(*reply->err.reason && charset_admits(CHARSET_PROSE, reply->err.text));
    loop_stop(wire.loop);
}

static void on_status(void *arg, long status)
{
    (void)arg;
    expect(status >= 200);
}

static bool on_bytes(void *arg, const char *bytes, size_t len)
{
    (void)arg;
    return !memchr(bytes, '\f', len);
}

static void ask_by_client(bool stream)
{
    char url[64];
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .timeout_ms = PATIENCE_MS,
                                         .max_body = BODY_MAX,
                                         .alone = true,
                                         .on_data = stream ? on_bytes : NULL,
                                         .on_status = on_status,
                                         .on_done = on_reply};

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", wire.port);
    wire.ends = 0;
    loop_timer_set(wire.patience, 10 * PATIENCE_MS);
    http_start(wire.http, &request);
    loop_run(wire.loop);
    expect(wire.ends == 1);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void begin(void)
{
    struct sockaddr_in address = address_of(0);
    socklen_t size = sizeof(address);
    const struct serve_config config = {
        .address = "127.0.0.1", .pages = pages, .local = true, .same_origin = true, .guard = guard};
    struct err err = {0};

    if (wire.loop)
        return;
    wire.loop = loop_create();
    wire.http = http_create(wire.loop, "tester/1");
    wire.patience = loop_timer_create(wire.loop, stop, NULL);
    wire.serve = serve_create(wire.loop, &config, &err);
    wire.listener = socket(AF_INET, SOCK_STREAM, 0);
    expect(wire.serve && bind(wire.listener, (const struct sockaddr *)&address, size) == 0);
    expect(listen(wire.listener, 64) == 0 && getsockname(wire.listener, (struct sockaddr *)&address, &size) == 0);
    wire.port = ntohs(address.sin_port);
    follow(wire.listener, on_client);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    (void)a;
    begin();
    if (len == 0)
        return;
    wire.text = text + 1;
    wire.len = len - 1;
    if (*text == 's')
        ask_server();
    if (*text == 'h' || *text == 'H')
        ask_by_client(*text == 'H');
    loop_timer_set(wire.patience, -1);
}
