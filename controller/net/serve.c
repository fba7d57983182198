#include "net/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "net/loop.h"

enum {
    BODY_MAX = 4 << 20,
    QUERY_MAX = 1024,
    CHUNK = 16 << 10,       /* what is written at a time                                   */
    CLIENTS_MAX = 64,       /* probes, scrapers and a few people                           */
    WRITE_TIMEOUT_S = 30,   /* a client that does not take its page for so long is dropped */
    ACCEPT_PAUSE_MS = 1000, /* after accept() failed for want of descriptors               */
    CLOSING_TURNS = 3,      /* of the loop, until libwebsockets has closed its handles     */
};

struct serve {
    struct loop *loop;
    const struct serve_page *pages;
    void *arg;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    uv_poll_t listener;
    struct loop_timer *pause;
    int fd, port;
    uv_idle_t turns; /* while closing */
    int turns_left;
};

/* One connection; libwebsockets allocates it zeroed. */
struct session {
    struct buf body;
    size_t written;
};

/* ------------------------------------------------------------------------------------------------------------------
 * Answers. */

/* The page of the path, and in *ret_below what follows the page's own. */
static const struct serve_page *find_page(const struct serve *serve, const char *path, const char **ret_below)
{
    for (const struct serve_page *page = serve->pages; page->path; page++) {
        size_t len = strlen(page->path);
        *ret_below = path + len;
        if (strcmp(page->path, path) == 0 || (page->path[len - 1] == '/' && strncmp(page->path, path, len) == 0))
            return page;
    }
    return NULL;
}

static bool is_get(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
}

/* 127.0.0.0/8, ::1, and the former written as the latter. */
static bool is_loopback(const struct sockaddr_storage *peer)
{
    const struct sockaddr_in6 *v6 = (const void *)peer;
    const struct sockaddr_in *v4 = (const void *)peer;
    const unsigned char *bytes = v6->sin6_addr.s6_addr;

    if (peer->ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && bytes[12] == 127);
}

static bool is_local(struct lws *wsi)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);

    return getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &len) == 0 && is_loopback(&peer);
}

/* libwebsockets keeps the parameters apart. False when they are too long. */
static bool copy_query(struct lws *wsi, char ret[static QUERY_MAX])
{
    int at = 0, len;

    for (int i = 0; (len = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i)) > 0; i++) {
        if (at + len + 2 > QUERY_MAX)
            return false;
        if (at)
            ret[at++] = '&';
        at += lws_hdr_copy_fragment(wsi, ret + at, QUERY_MAX - at, WSI_TOKEN_HTTP_URI_ARGS, i);
    }
    ret[at] = '\0';
    return true;
}

bool serve_parameter(const struct serve_request *request, const char *name, char *ret, size_t size)
{
    size_t name_len = strlen(name);

    for (const char *at = request->query; *at; at += *at == '&') {
        size_t len = strcspn(at, "&");
        bool found = strncmp(at, name, name_len) == 0 && (len == name_len || at[name_len] == '=');
        size_t value = len > name_len ? name_len + 1 : len;
        if (found && (size_t)snprintf(ret, size, "%.*s", (int)(len - value), at + value) < size)
            return true;
        at += len;
    }
    return false;
}

static int render(struct serve *serve, struct lws *wsi, const char *path, struct buf *body, const char **ret_type)
{
    char query[QUERY_MAX];
    struct serve_request request = {.query = query, .local = is_local(wsi)};
    const struct serve_page *page = find_page(serve, path, &request.below);
    bool fits = copy_query(wsi, query);
    int status = !page ? 404 : !is_get(wsi) ? 405 : !fits ? 414 : page->render(serve->arg, &request, body);

    *ret_type = page && status < 400 ? page->content_type : "text/plain; charset=utf-8";
    if (body->full) {
        buf_clear(body);
        status = 500;
    }
    if (body->len == 0 && status >= 400)
        buf_addf(body, "%d\n", status);
    return status;
}

static int write_head(struct lws *wsi, int status, const char *content_type, size_t len)
{
    static const unsigned char allow[] = "Allow:", get[] = "GET";
    unsigned char head[LWS_PRE + 1024], *start = head + LWS_PRE, *at = start, *end = head + sizeof(head) - 1;

    if (lws_add_http_common_headers(wsi, (unsigned)status, content_type, len, &at, end) != 0)
        return -1;
    if (status == 405 && lws_add_http_header_by_name(wsi, allow, get, sizeof(get) - 1, &at, end) != 0)
        return -1;
    return lws_finalize_write_http_header(wsi, start, &at, end);
}

static int begin_answer(struct serve *serve, struct lws *wsi, struct session *session, const char *path)
{
    const char *content_type;

    buf_finish(&session->body);
    buf_init(&session->body, BODY_MAX);
    session->written = 0;
    int status = render(serve, wsi, path, &session->body, &content_type);
    if (write_head(wsi, status, content_type, session->body.len) != 0)
        return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

/* The next piece of the body. libwebsockets wants room before it, and would buffer itself what the socket does not
 * take. */
static int write_more(struct lws *wsi, struct session *session)
{
    unsigned char piece[LWS_PRE + CHUNK];
    size_t len = session->body.len - session->written;
    bool last = len <= CHUNK;

    if (!last)
        len = CHUNK;
    memcpy(piece + LWS_PRE, session->body.data + session->written, len);
    if (lws_write(wsi, piece + LWS_PRE, len, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)len)
        return -1;
    session->written += len;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_TIMEOUT_S);
    if (!last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    buf_finish(&session->body);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* What libwebsockets asks; a negative answer closes the connection. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct session *session = user;

    (void)len;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return begin_answer(lws_context_user(lws_get_context(wsi)), wsi, session, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return session->body.max ? write_more(wsi, session) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (session)
            buf_finish(&session->body);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* neither websockets nor HTTP/2 */
        return -1;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_event, .per_session_data_size = sizeof(struct session)},
    {.name = NULL},
};

/* ------------------------------------------------------------------------------------------------------------------
 * Connections: we listen, so that errors have their names, and give libwebsockets what we accepted. */

static void on_connection(uv_poll_t *poll, int status, int events);

static void resume(void *arg)
{
    struct serve *serve = arg;

    uv_poll_start(&serve->listener, UV_READABLE, on_connection);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct serve *serve = poll->data;
    int fd = accept4(serve->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)status, (void)events;
    if (fd >= 0) {
        lws_adopt_socket_vhost(serve->vhost, fd); /* closes it when it does not want it */
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        uv_poll_stop(&serve->listener); /* it would stay readable and keep us busy */
        loop_timer_set(serve->pause, ACCEPT_PAUSE_MS);
    }
}

static int listen_at(const struct addrinfo *address)
{
    const int on = 1, off = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A listening socket, or -1 and errno. */
static int try_listen(const char *address, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[16];

    snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(address, service, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = listen_at(found);
    freeaddrinfo(found);
    return fd;
}

static bool open_listener(struct serve *serve, const char *address, int port, struct err *err)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof(bound);
    char service[16];

    serve->fd = try_listen(address ? address : "::", port);
    if (serve->fd < 0 && !address && errno == EAFNOSUPPORT) /* a machine without IPv6 */
        serve->fd = try_listen("0.0.0.0", port);
    if (serve->fd < 0)
        return err_set(err, ERR_DENIED, "ListenFailed", "cannot listen on %s port %d: %s",
                       address ? address : "any address", port, strerror(errno));
    getsockname(serve->fd, (struct sockaddr *)&bound, &len);
    getnameinfo((struct sockaddr *)&bound, len, NULL, 0, service, sizeof(service), NI_NUMERICSERV);
    serve->port = atoi(service);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The whole. */

static bool open_lws(struct serve *serve, struct err *err)
{
    void *loops[] = {loop_uv(serve->loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .fd_limit_per_thread = CLIENTS_MAX,
        .user = serve,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };

    lws_set_log_level(0, NULL); /* what clients do wrong is not for our log */
    serve->lws = lws_create_context(&info);
    if (serve->lws)
        serve->vhost = lws_create_vhost(serve->lws, &info);
    if (serve->vhost)
        return true;
    return err_set(err, ERR_DENIED, "ListenFailed",
                   "libwebsockets cannot start; on Debian its libuv part is the package libwebsockets-evlib-uv");
}

struct serve *serve_create(struct loop *loop, const char *address, int port, const struct serve_page *pages, void *arg,
                           struct err *err)
{
    struct serve *serve = mem_alloc(sizeof(*serve));

    *serve = (struct serve){.loop = loop, .pages = pages, .arg = arg};
    if (!open_listener(serve, address, port, err)) {
        free(serve);
        return NULL;
    }
    serve->pause = loop_timer_create(loop, resume, serve);
    uv_poll_init_socket(loop_uv(loop), &serve->listener, serve->fd);
    serve->listener.data = serve;
    resume(serve);
    if (!open_lws(serve, err)) {
        serve_destroy(serve);
        return NULL;
    }
    return serve;
}

int serve_port(const struct serve *serve)
{
    return serve->port;
}

/* libwebsockets ends in steps: its first lws_context_destroy() closes the connections, their close callbacks close its
 * timer and its idle handle, whose callbacks come a turn later, and only then may the second lws_context_destroy() free
 * it all and unload its libuv part. A handle of ours that is closed again and again counts the turns of the loop. */
static void count_turn(uv_handle_t *handle)
{
    struct serve *serve = handle->data;

    if (serve->turns_left-- > 0) {
        uv_idle_init(handle->loop, &serve->turns);
        uv_close(handle, count_turn);
        return;
    }
    lws_context_destroy(serve->lws);
    free(serve);
}

void serve_destroy(struct serve *serve)
{
    if (!serve)
        return;
    loop_timer_destroy(serve->pause);
    uv_close((uv_handle_t *)&serve->listener, NULL);
    close(serve->fd);
    lws_context_destroy(serve->lws);
    serve->turns_left = CLOSING_TURNS;
    uv_idle_init(loop_uv(serve->loop), &serve->turns);
    serve->turns.data = serve;
    uv_close((uv_handle_t *)&serve->turns, count_turn);
}
