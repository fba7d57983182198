#include "net/serve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/serve_listen.h"
#include "net/serve_request.h"
#include "net/serve_sheet.h"

enum {
    HEAD_MAX = 8 << 10,
    BODIES_MAX = 4 << 20,   /* of all connections together, beside the one that is being written */
    CLIENTS_MAX = 64,       /* scrapers, a few people, and whoever is slow                       */
    ACCEPT_MAX = 16,        /* in one turn of the loop                                           */
    ACCEPT_PAUSE_MS = 1000, /* after accept() failed for want of descriptors                     */
    SWEEP_MS = 250,
    MAKING_SHARE = 20, /* see serve.h                                                       */
};

/* Where a connection is, and how long it may be there. Only forward. */
enum stage { READING, ASKING, WRITING, LEAVING };
static const int64_t stage_ms[] = {
    [READING] = 3000, [ASKING] = 10 * 1000, [WRITING] = 10 * 1000, [LEAVING] = 1000, /* until it has closed, too: a body
                                                                                        that nobody reads would take the
                                                                                        answer with it */
};

struct client {
    struct list node; /* the oldest first */
    struct serve *serve;
    uint64_t id;
    uv_poll_t poll;
    int fd;
    struct in6_addr peer;
    enum stage stage;
    int64_t until_ms;
    struct buf head; /* of the request, then of the answer */
    const struct serve_page *page;
    struct serve_request request; /* lent by head */
    struct sheet *sheet;
    size_t written;
};

struct serve {
    struct loop *loop;
    struct serve_config config;
    struct sheet **kept; /* of each page, the last one; NULL */
    struct list clients;
    uint64_t last_id;
    uv_poll_t listener;
    struct loop_timer *pause, *sweep;
    int fd, port;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Pages */

static struct sheet *render_sheet(const struct serve *serve, const struct client *c)
{
    struct sheet *sheet = sheet_create(200);

    sheet->status = c->page->render(serve->config.arg, &c->request, &sheet->body);
    sheet_complete(sheet, c->page->content_type);
    return sheet;
}

/* The kept one while it is young. The caller releases it. */
static struct sheet *sheet_of(const struct serve *serve, const struct client *c)
{
    struct sheet **kept = &serve->kept[c->page - serve->config.pages];

    if (!c->page->shared)
        return render_sheet(serve, c);
    if (!*kept || clock_us() - (*kept)->made_us >= (*kept)->cost_us * MAKING_SHARE) {
        sheet_release(*kept);
        *kept = render_sheet(serve, c);
    }
    (*kept)->refs++;
    return *kept;
}

static void forget_sheets(struct serve *serve)
{
    for (size_t i = 0; serve->config.pages[i].path; i++)
        sheet_release(take(serve->kept[i]));
}

/* The page of the path, and in *ret_below what follows the page's own. */
static const struct serve_page *find_page(const struct serve *serve, const char *path, const char **ret_below)
{
    for (const struct serve_page *page = serve->config.pages; page->path; page++) {
        size_t len = strlen(page->path);
        *ret_below = path + len;
        if (strcmp(page->path, path) == 0 || (page->path[len - 1] == '/' && strncmp(page->path, path, len) == 0))
            return page;
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Connections */

static void on_ready(uv_poll_t *poll, int status, int events);

static void move_on(struct client *c, enum stage stage)
{
    assert(stage > c->stage || stage == READING);
    c->stage = stage;
    c->until_ms = loop_now(c->serve->loop) + stage_ms[stage];
    if (stage == ASKING)
        uv_poll_start(&c->poll, UV_DISCONNECT, on_ready);
    else
        uv_poll_start(&c->poll, stage == WRITING ? UV_WRITABLE : UV_READABLE, on_ready);
}

static void free_client(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)handle, struct client, poll));
}

static void drop_client(struct client *c)
{
    list_remove(&c->node);
    buf_finish(&c->head);
    sheet_release(take(c->sheet));
    uv_close((uv_handle_t *)&c->poll, free_client);
    close(c->fd);
}

/* What is written is the head and then the sheet. Returns false when the peer is gone. */
static bool write_some(struct client *c)
{
    size_t of_head = c->written < c->head.len ? c->head.len - c->written : 0;
    size_t of_body = c->written > c->head.len ? c->written - c->head.len : 0;
    struct iovec pieces[] = {{c->head.data + c->head.len - of_head, of_head},
                             {c->sheet->body.data + of_body, c->sheet->body.len - of_body}};
    const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = ARRAY_LEN(pieces)};
    ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);

    if (n > 0)
        c->written += (size_t)n;
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static void write_on(struct client *c)
{
    if (!write_some(c))
        return drop_client(c);
    if (c->written < c->head.len + c->sheet->body.len)
        return;
    sheet_release(take(c->sheet));
    shutdown(c->fd, SHUT_WR);
    move_on(c, LEAVING);
}

/* Whoever does not read keeps a page in memory; all together they may keep so much. */
static void bound_bodies(struct serve *serve, const struct client *but)
{
    size_t len = 0;

    for (struct list *node = serve->clients.prev, *before; node != &serve->clients; node = before) {
        struct client *c = container_of(node, struct client, node);
        before = node->prev;
        len += c->sheet && c != but ? c->sheet->body.len / c->sheet->refs : 0;
        if (len > BODIES_MAX && c->sheet && c != but)
            drop_client(c);
    }
}

/* Answers with the sheet, which it takes over. The client may be gone afterwards. */
static void answer(struct client *c, struct sheet *sheet)
{
    sheet_head(sheet, &c->head);
    c->sheet = sheet;
    bound_bodies(c->serve, c);
    move_on(c, WRITING);
    write_on(c);
}

static void answer_status(struct client *c, int status)
{
    struct sheet *sheet = sheet_create(status);

    sheet_complete(sheet, NULL);
    answer(c, sheet);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

static void ask_guard(struct client *c)
{
    const struct serve_config *config = &c->serve->config;

    move_on(c, ASKING);
    config->guard(config->guard_arg, c->id, &c->request);
}

/* The whole head is there; what follows it is nobody's. */
static void begin(struct client *c, size_t head_len)
{
    const struct serve *serve = c->serve;
    const char *path;

    c->head.data[head_len] = '\0';
    int status = serve_request_parse(c->head.data, head_len, &c->request, &path);
    if (!status && serve->config.local && !serve_request_is_local(&c->request))
        status = 403;
    c->page = find_page(serve, path, &c->request.below);
    if (status == 400 || status == 403)
        answer_status(c, status);
    else if (!c->page || status)
        answer_status(c, c->page ? status : 404);
    else if (c->page->guarded && serve->config.guard)
        ask_guard(c);
    else
        answer(c, sheet_of(serve, c));
}

static void read_head(struct client *c)
{
    char piece[HEAD_MAX + 1];
    ssize_t n = recv(c->fd, piece, HEAD_MAX + 1 - c->head.len, 0);

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            drop_client(c);
        return;
    }
    size_t seen = c->head.len > 3 ? c->head.len - 3 : 0;
    buf_add(&c->head, piece, (size_t)n);
    explicit_bzero(piece, (size_t)n); /* perhaps a credential */
    const char *end = memmem(c->head.data + seen, c->head.len - seen, "\r\n\r\n", 4);
    if (end)
        begin(c, (size_t)(end + 4 - c->head.data));
    else if (c->head.len > HEAD_MAX)
        answer_status(c, 431);
    else if (c->head.data[0] < 'A' || c->head.data[0] > 'Z') /* no method: TLS, for example */
        answer_status(c, 400);
}

/* The answer is out: until it has closed too, what it still says is thrown away. */
static void read_rest(struct client *c)
{
    char piece[HEAD_MAX];
    ssize_t n = recv(c->fd, piece, sizeof(piece), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        drop_client(c);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct client *c = container_of(poll, struct client, poll);

    (void)events;
    if (status < 0 || c->stage == ASKING)
        drop_client(c);
    else if (c->stage == READING)
        read_head(c);
    else if (c->stage == WRITING)
        write_on(c);
    else
        read_rest(c);
}

void serve_admit(struct serve *serve, uint64_t id, int status)
{
    list_each (node, &serve->clients) {
        struct client *c = container_of(node, struct client, node);
        if (c->id != id || c->stage != ASKING)
            continue;
        if (status == 200)
            answer(c, sheet_of(serve, c));
        else
            answer_status(c, status);
        return;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Places */

static size_t count_peer(const struct serve *serve, const struct in6_addr *peer)
{
    size_t count = 0;

    list_each (node, &serve->clients)
        count += IN6_ARE_ADDR_EQUAL(&container_of(node, struct client, node)->peer, peer);
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
        size_t count = count_peer(serve, &c->peer);
        if (count > most) {
            most = count;
            who = c;
        }
    }
    drop_client(who);
}

static struct in6_addr address_of(const struct sockaddr_storage *peer)
{
    const struct sockaddr_in6 *v6 = (const void *)peer;
    const struct sockaddr_in *v4 = (const void *)peer;
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    if (peer->ss_family == AF_INET6)
        return v6->sin6_addr;
    memcpy(&mapped.s6_addr[12], &v4->sin_addr, 4);
    return mapped;
}

static void sweep(void *arg)
{
    struct serve *serve = arg;

    list_each_safe (node, after, &serve->clients) {
        struct client *c = container_of(node, struct client, node);
        if (loop_now(serve->loop) >= c->until_ms)
            drop_client(c);
    }
    if (!list_empty(&serve->clients))
        loop_timer_set(serve->sweep, SWEEP_MS);
    else
        forget_sheets(serve); /* nothing is kept while nobody asks */
}

/* Most have sent their request by now, so it is read at once. */
static void welcome(struct serve *serve, int fd, const struct sockaddr_storage *peer)
{
    struct client *c = mem_alloc(sizeof(*c));

    make_place(serve);
    if (list_empty(&serve->clients))
        loop_timer_set(serve->sweep, SWEEP_MS);
    *c = (struct client){.serve = serve, .id = ++serve->last_id, .fd = fd, .peer = address_of(peer)};
    buf_init(&c->head, 2 * HEAD_MAX);
    uv_poll_init_socket(loop_uv(serve->loop), &c->poll, fd);
    list_init(&c->node);
    list_append(&serve->clients, &c->node);
    move_on(c, READING);
    read_head(c);
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void resume(void *arg)
{
    struct serve *serve = arg;

    uv_poll_start(&serve->listener, UV_READABLE, on_connection);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct serve *serve = poll->data;
    struct sockaddr_storage peer = {0};

    (void)status, (void)events;
    for (int i = 0; i < ACCEPT_MAX; i++) {
        socklen_t len = sizeof(peer);
        int fd = accept4(serve->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(serve, fd, &peer);
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

static size_t count_pages(const struct serve_page *pages)
{
    size_t count = 0;

    while (pages[count].path)
        count++;
    return count;
}

struct serve *serve_create(struct loop *loop, const struct serve_config *config, struct err *err)
{
    int port, fd = serve_listen(config->address, config->port, &port, err);

    if (fd < 0)
        return NULL;
    struct serve *serve = mem_alloc(sizeof(*serve));
    *serve = (struct serve){.loop = loop, .config = *config, .fd = fd, .port = port};
    serve->kept = mem_alloc((count_pages(config->pages) + 1) * sizeof(serve->kept[0]));
    list_init(&serve->clients);
    serve->pause = loop_timer_create(loop, resume, serve);
    serve->sweep = loop_timer_create(loop, sweep, serve);
    uv_poll_init_socket(loop_uv(loop), &serve->listener, fd);
    serve->listener.data = serve;
    resume(serve);
    return serve;
}

int serve_port(const struct serve *serve)
{
    return serve->port;
}

static void free_serve(uv_handle_t *listener)
{
    free(listener->data);
}

void serve_destroy(struct serve *serve)
{
    if (!serve)
        return;
    list_each_safe (node, after, &serve->clients)
        drop_client(container_of(node, struct client, node));
    forget_sheets(serve);
    free(serve->kept);
    loop_timer_destroy(serve->pause);
    loop_timer_destroy(serve->sweep);
    uv_close((uv_handle_t *)&serve->listener, free_serve);
    close(serve->fd);
}
