#include "net/serve.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/machine.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/serve_listen.h"
#include "net/serve_parts.h"
#include "net/serve_request.h"

enum {
    BODIES_MAX = 4 << 20,   /* of all connections together, beside the one that is being written */
    ACCEPT_MAX = 16,        /* in one turn of the loop                                           */
    LEAVING_MAX = 64,       /* have no place any more, and are closed by libwebsockets in its next turns */
    ACCEPT_PAUSE_MS = 1000, /* after accept() failed for want of descriptors                     */
    HEAD_MS = 3000,
    SWEEP_MS = 250,
    CERTS_MS = 10 * 1000, /* between looks at files that somebody may renew */
    CLOSING_TURNS = 3,    /* of the loop, until libwebsockets has closed its handles  */
};

void client_enter(struct client *c, enum client_state to)
{
    static const char *const names[] = {
        [CLIENT_READING] = "reading",   [CLIENT_ASKING] = "asking",     [CLIENT_JUDGED] = "judged",
        [CLIENT_ANSWERED] = "answered", [CLIENT_STREAMED] = "streamed", [CLIENT_LEFT] = "left",
    };
    static const unsigned next[] = {
        [CLIENT_READING] = MACHINE_TO(CLIENT_ASKING) | MACHINE_TO(CLIENT_ANSWERED) | MACHINE_TO(CLIENT_STREAMED) |
                           MACHINE_TO(CLIENT_LEFT),
        [CLIENT_ASKING] = MACHINE_TO(CLIENT_JUDGED) | MACHINE_TO(CLIENT_LEFT),
        [CLIENT_JUDGED] = MACHINE_TO(CLIENT_ANSWERED) | MACHINE_TO(CLIENT_STREAMED) | MACHINE_TO(CLIENT_LEFT),
        [CLIENT_ANSWERED] = MACHINE_TO(CLIENT_LEFT),
        [CLIENT_STREAMED] = MACHINE_TO(CLIENT_LEFT),
        [CLIENT_LEFT] = 0,
    };
    static const struct machine machine = MACHINE("client", names, next);

    machine_step(&machine, c->state, to);
    assert((to == CLIENT_ANSWERED) == (c->sheet != NULL) && (to == CLIENT_STREAMED) == (c->reader != NULL));
    c->state = to;
}

static void forget_sheets(struct serve *serve)
{
    for (size_t i = 0; serve->config.pages[i].path; i++)
        sheet_release(take(serve->kept[i]));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Places */

/* All that is ours; libwebsockets may still hold the connection. */
static void leave_place(struct client *c)
{
    void *reader = take(c->reader);

    list_remove(&c->node);
    sheet_release(take(c->sheet));
    client_enter(c, CLIENT_LEFT);
    if (reader)
        c->page->streaming->end(reader);
}

void client_forget_request(struct client *c)
{
    struct buf *texts[] = {&c->host, &c->authorization, &c->query, &c->origin, &c->site, &c->accepts, &c->knows};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_finish(texts[i]);
    c->request = (struct serve_request){.query = "", .below = ""};
}

/* Without another word: libwebsockets closes it in its next turn. */
static void put_out(struct client *c)
{
    assert(c->state != CLIENT_LEFT);
    leave_place(c);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
    lws_cancel_service(c->serve->lws);
}

bool client_stays(const struct client *c)
{
    return c->state == CLIENT_STREAMED && !c->page->streaming->brief;
}

static size_t count_peer(const struct serve *serve, const char *peer)
{
    size_t count = 0;

    list_each (node, &serve->clients)
        count += strcmp(container_of(node, struct client, node)->peer, peer) == 0;
    return count;
}

/* Somebody gives way when all places are taken: the oldest one of the peer that has the most. */
static void make_place(struct serve *serve)
{
    struct client *who = NULL;
    size_t most = 0;

    if (list_len(&serve->clients) < CLIENTS_MAX)
        return;
    list_each (node, &serve->clients) {
        struct client *c = container_of(node, struct client, node);
        size_t count = client_stays(c) ? 0 : count_peer(serve, c->peer);
        if (count > most) {
            most = count;
            who = c;
        }
    }
    assert(who && STREAMS_MAX < CLIENTS_MAX); /* whoever has a place is at least one of its peer */
    put_out(who);
}

static void sweep(void *arg)
{
    struct serve *serve = arg;

    list_each_safe (node, after, &serve->clients) {
        struct client *c = container_of(node, struct client, node);
        if (loop_now(serve->loop) >= c->until_ms)
            put_out(c);
    }
    if (!list_empty(&serve->clients))
        loop_timer_set(serve->sweep, SWEEP_MS);
    else
        forget_sheets(serve); /* nothing is kept while nobody asks */
}

static void take_place(struct serve *serve, struct lws *wsi)
{
    struct client *c = mem_alloc(sizeof(*c));

    if (list_empty(&serve->clients))
        loop_timer_set(serve->sweep, SWEEP_MS);
    *c = (struct client){
        .serve = serve, .wsi = wsi, .id = ++serve->last_id, .until_ms = loop_now(serve->loop) + HEAD_MS};
    lws_get_peer_simple(wsi, c->peer, sizeof(c->peer));
    list_init(&c->node);
    list_append(&serve->clients, &c->node);
    lws_set_opaque_user_data(wsi, c);
}

void clients_bound_bodies(struct serve *serve, const struct client *but)
{
    size_t len = 0;

    for (struct list *node = serve->clients.prev, *before; node != &serve->clients; node = before) {
        struct client *c = container_of(node, struct client, node);
        before = node->prev;
        len += c->sheet && c != but ? c->sheet->body.len / c->sheet->refs : 0;
        if (len > BODIES_MAX && c->sheet && c != but)
            put_out(c);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

/* The text of a field, or the decoded parameters, which libwebsockets keeps apart. False when it has a NUL byte. */
static bool read_text(struct lws *wsi, enum lws_token_indexes name, struct buf *ret)
{
    char piece[HEAD_MAX];

    buf_init(ret, HEAD_MAX);
    for (int i = 0; lws_hdr_copy_fragment(wsi, piece, sizeof(piece), name, i) >= 0; i++)
        buf_addf(ret, "%s%s", i ? "&" : "", piece);
    explicit_bzero(piece, sizeof(piece)); /* perhaps a credential */
    return (int)ret->len == lws_hdr_total_length(wsi, name);
}

/* A field that is there twice could mean either to whoever stands before us. */
static bool read_header(struct lws *wsi, enum lws_token_indexes name, struct buf *text, const char **ret)
{
    bool plain = read_text(wsi, name, text) && lws_hdr_fragment_length(wsi, name, 1) == 0;

    *ret = text->len ? text_trim_end(text->data) : NULL;
    return plain;
}

/* A field that libwebsockets has no number for. */
static bool read_custom(struct lws *wsi, const char *name, struct buf *text, const char **ret)
{
    char piece[64] = "";
    int len = lws_hdr_custom_length(wsi, name, (int)strlen(name));

    buf_init(text, sizeof(piece));
    if (len < 0)
        return true;
    if (lws_hdr_custom_copy(wsi, piece, sizeof(piece), name, (int)strlen(name)) < 0)
        return false;
    buf_adds(text, piece);
    *ret = text->data;
    return (int)text->len == len;
}

static bool read_fields(struct client *c)
{
    struct serve_request *request = &c->request;
    bool plain = read_header(c->wsi, WSI_TOKEN_HOST, &c->host, &request->host) &&
                 read_header(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, &c->authorization, &request->authorization) &&
                 read_header(c->wsi, WSI_TOKEN_ORIGIN, &c->origin, &request->origin) &&
                 read_header(c->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, &c->accepts, &request->accept_encoding) &&
                 read_header(c->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, &c->knows, &request->if_none_match) &&
                 read_custom(c->wsi, "sec-fetch-site:", &c->site, &request->fetch_site) &&
                 read_text(c->wsi, WSI_TOKEN_HTTP_URI_ARGS, &c->query);

    request->query = c->query.data ? c->query.data : "";
    return plain;
}

/* The status of a refusal, or 0. */
static int check_request(struct client *c, const char *path)
{
    const struct serve_config *config = &c->serve->config;

    c->page = serve_request_page(config->pages, path, &c->request.below);
    if (!read_fields(c))
        return 400;
    if (config->local && !(serve_request_is_local(&c->request) && serve_peer_is_local(c->peer)))
        return 403;
    if (config->same_origin && !serve_request_is_same_origin(&c->request, config->tls_cert != NULL))
        return 403;
    if (!c->page)
        return 404;
    return lws_hdr_total_length(c->wsi, WSI_TOKEN_GET_URI) > 0 ? 0 : 405;
}

/* libwebsockets does not read while an answer is under way, but polls: what comes then would keep the loop busy. A
 * second descriptor of the same socket takes it, and sees when the peer is gone (on_rest()). It ends with the first. */
static int watch_rest(struct client *c)
{
    lws_sock_file_fd_type second = {.sockfd = fcntl(lws_get_socket_fd(c->wsi), F_DUPFD_CLOEXEC, 0)};

    if (second.sockfd < 0)
        return -1;
    return lws_adopt_descriptor_vhost(c->serve->vhost, LWS_ADOPT_SOCKET, second, "rest", c->wsi) ? 0 : -1;
}

/* The whole head is there. */
static int begin_client(struct client *c, const char *path)
{
    const struct serve_config *config = &c->serve->config;
    int status = check_request(c, path);

    if (status)
        return answer_client(c, sheet_of_status(status)); /* a body is read by libwebsockets, and thrown away */
    c->until_ms = loop_now(c->serve->loop) + ANSWER_MS;
    if (c->page->guarded && config->guard) {
        client_enter(c, CLIENT_ASKING);
        config->guard(config->guard_arg, c->id, &c->request);
    } else if (answer_page(c) != 0) {
        return -1;
    }
    return watch_rest(c);
}

/* libwebsockets calls back when it is writable. */
void serve_admit(struct serve *serve, uint64_t id, int status)
{
    list_each (node, &serve->clients) {
        struct client *c = container_of(node, struct client, node);
        if (c->id != id || c->state != CLIENT_ASKING)
            continue;
        assert(status >= 200 && status < 600);
        c->verdict = status;
        client_enter(c, CLIENT_JUDGED);
        lws_callback_on_writable(c->wsi);
        return;
    }
}

static void end_client(struct client *c)
{
    if (c->state != CLIENT_LEFT)
        leave_place(c);
    client_forget_request(c);
    free(c);
}

/* What libwebsockets asks; a negative answer closes the connection. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct client *c = lws_get_opaque_user_data(wsi);
    bool here = c && c->state != CLIENT_LEFT; /* else it has been put out */

    (void)user, (void)len;
    switch ((int)reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        take_place(lws_context_user(lws_get_context(wsi)), wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
        return here && c->state == CLIENT_READING ? begin_client(c, in) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return here ? answer_go_on(c) : -1;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* neither websockets nor HTTP/2 */
        if (here && c->state == CLIENT_READING)
            answer_client(c, sheet_of_status(400));
        return -1;
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT */
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        if (c)
            end_client(c);
        return 0;
    default:
        return 0;
    }
}

static int on_rest(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct client *c = reason == LWS_CALLBACK_RAW_CLOSE ? lws_get_opaque_user_data(lws_get_parent(wsi)) : NULL;

    (void)user, (void)in, (void)len;
    if (c && c->state != CLIENT_LEFT)
        put_out(c);
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_event},
    {.name = "rest", .callback = on_rest},
    {.name = NULL},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Connections: we accept, so that errors have their names and somebody can give way first. */

static void on_connection(uv_poll_t *poll, int status, int events);

static void resume(void *arg)
{
    struct serve *serve = arg;

    uv_poll_start(&serve->listener, UV_READABLE, on_connection);
}

/* Most have sent their request by now, so it is read at once. */
static void welcome(struct serve *serve, int fd)
{
    struct lws_pollfd ready = {.fd = fd, .events = LWS_POLLIN, .revents = LWS_POLLIN};

    make_place(serve);
    if (lws_adopt_socket_vhost(serve->vhost, fd)) /* closes it when it does not want it */
        lws_service_fd(serve->lws, &ready);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct serve *serve = poll->data;

    (void)status, (void)events;
    for (int i = 0; i < ACCEPT_MAX; i++) {
        int fd = accept4(serve->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(serve, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            uv_poll_stop(&serve->listener); /* it would stay readable and keep us busy */
            loop_timer_set(serve->pause, ACCEPT_PAUSE_MS);
        }
        return;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

static bool open_lws(struct serve *serve, struct err *err)
{
    static const struct lws_protocol_vhost_options headers[] = {
        {&headers[1], NULL, "cache-control:", "no-store"},
        {&headers[2], NULL, "x-content-type-options:", "nosniff"},
        {&headers[3], NULL, "referrer-policy:", "no-referrer"},
        {NULL, NULL, "content-security-policy:",
         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"},
    };
    void *loops[] = {loop_uv(serve->loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .headers = headers,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .fd_limit_per_thread = 2 * (CLIENTS_MAX + LEAVING_MAX),
        .max_http_header_pool = CLIENTS_MAX + LEAVING_MAX, /* nobody waits for one */
        .max_http_header_data = HEAD_MAX,
        .pt_serv_buf_size = PIECE_MAX,
        .user = serve,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };

    lws_set_log_level(0, NULL); /* what clients do wrong is not for our log */
    if (serve->config.tls_cert) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = serve->config.tls_cert;
        info.ssl_private_key_filepath = serve->config.tls_key;
        info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
        info.alpn = "http/1.1";
    }
    serve->lws = lws_create_context(&info);
    if (serve->lws)
        serve->vhost = lws_create_vhost(serve->lws, &info);
    if (serve->vhost)
        return true;
    return err_set(err, ERR_DENIED, "ListenFailed",
                   "libwebsockets cannot start; on Debian its libuv part is the package libwebsockets-evlib-uv");
}

/* Whoever renews them writes anew, or exchanges, both. */
static void look_at_certs(void *arg)
{
    struct serve *serve = arg;
    struct stat cert, key;

    if (!serve->certs)
        return;
    loop_timer_set(serve->certs, CERTS_MS);
    if (stat(serve->config.tls_cert, &cert) != 0 || stat(serve->config.tls_key, &key) != 0)
        return;
    uint64_t version = (uint64_t)cert.st_mtim.tv_sec * 1000003 + (uint64_t)cert.st_mtim.tv_nsec + cert.st_ino * 31 +
                       (uint64_t)key.st_mtim.tv_sec * 1000033 + (uint64_t)key.st_mtim.tv_nsec + key.st_ino * 37;
    if (serve->certs_version && serve->certs_version != version)
        lws_tls_cert_updated(serve->lws, serve->config.tls_cert, serve->config.tls_key, NULL, 0, NULL, 0);
    serve->certs_version = version;
}

struct serve *serve_create(struct loop *loop, const struct serve_config *config, struct err *err)
{
    int port, fd = serve_listen(config->address, config->port, &port, err);

    if (fd < 0)
        return NULL;
    struct serve *serve = mem_alloc(sizeof(*serve));
    *serve = (struct serve){.loop = loop, .config = *config, .fd = fd, .port = port};
    size_t pages = 0;
    while (config->pages[pages].path)
        pages++;
    serve->kept = mem_alloc((pages + 1) * sizeof(serve->kept[0]));
    list_init(&serve->clients);
    serve->pause = loop_timer_create(loop, resume, serve);
    serve->sweep = loop_timer_create(loop, sweep, serve);
    uv_poll_init_socket(loop_uv(loop), &serve->listener, fd);
    serve->listener.data = serve;
    resume(serve);
    if (config->tls_cert)
        serve->certs = loop_timer_create(loop, look_at_certs, serve);
    if (open_lws(serve, err)) {
        look_at_certs(serve);
        return serve;
    }
    serve_destroy(serve);
    return NULL;
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
    list_each_safe (node, after, &serve->clients)
        leave_place(container_of(node, struct client, node));
    forget_sheets(serve);
    free(serve->kept);
    loop_timer_destroy(serve->pause);
    loop_timer_destroy(serve->sweep);
    loop_timer_destroy(serve->certs);
    uv_close((uv_handle_t *)&serve->listener, NULL);
    close(serve->fd);
    lws_context_destroy(serve->lws);
    serve->turns_left = CLOSING_TURNS;
    uv_idle_init(loop_uv(serve->loop), &serve->turns);
    serve->turns.data = serve;
    uv_close((uv_handle_t *)&serve->turns, count_turn);
}
