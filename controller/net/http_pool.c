#include "net/http_pool.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "net/loop.h"

/* Idle connections kept. libcurl's default depends on how many transfers are inside: few, between two bursts. */
enum { CONNECTIONS_MAX = 64 };

/* A socket that libcurl wants to be watched; freed by its close callback, when libcurl has long forgotten it. */
struct watched {
    struct list node;
    uv_poll_t poll;
    struct http_pool *pool;
    curl_socket_t fd;
    int events;     /* UV_READABLE, UV_WRITABLE       */
    unsigned round; /* the latest on_again() it saw   */
};

static void collect(struct http_pool *pool)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(pool->multi, &left))) {
        CURLcode result = message->data.result;
        char *transfer = NULL;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        assert(message->msg == CURLMSG_DONE && transfer);
        pool->on_end(transfer, result);
    }
}

/* After every step of libcurl's state machine. Results are collected each time: the last transfer's failure is reported
 * when nothing is running any more. */
static void settle_pool(struct http_pool *pool)
{
    collect(pool);
    if (pool->moved)
        loop_timer_set(pool->again, 0);
}

static void run_pool(struct http_pool *pool, curl_socket_t fd, int events)
{
    int running;

    pool->before(pool->arg);
    curl_multi_socket_action(pool->multi, fd, events, &running);
    settle_pool(pool);
}

static struct watched *next_of_round(struct http_pool *pool)
{
    list_each (node, &pool->sockets) {
        struct watched *w = container_of(node, struct watched, node);
        if (w->round != pool->round)
            return w;
    }
    return NULL;
}

/* libcurl 7.88 reads a HTTP/2 connection on behalf of one stream and may keep what belongs to the others in its own
 * buffer, with nobody told to fetch it and nothing left in the socket that would wake us: those streams would stand
 * still for ever. So after bytes have come we say that there are more, once per turn, until none come. */
static void on_again(void *arg)
{
    struct http_pool *pool = arg;
    struct watched *w;
    int running;

    pool->before(pool->arg);
    pool->moved = false;
    pool->round++;
    while ((w = next_of_round(pool))) { /* each step may end sockets */
        w->round = pool->round;
        curl_multi_socket_action(pool->multi, w->fd, CURL_CSELECT_IN, &running);
    }
    settle_pool(pool);
}

static void on_pool_timer(void *arg)
{
    run_pool(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long delay_ms, void *arg)
{
    struct http_pool *pool = arg;

    (void)multi;
    loop_timer_set(pool->timer, delay_ms);
    return 0;
}

static void on_socket(uv_poll_t *poll, int status, int events);

static void start_poll(struct watched *w)
{
    uv_poll_start(&w->poll, w->events, on_socket);
}

/* libuv stops watching a socket in error and does not tell what can still be read (a refusal sent before the reset,
 * for example): libcurl shall look itself, until it lets go of the socket. */
static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct watched *w = poll->data;
    int flags = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR : 0;

    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    run_pool(w->pool, w->fd, flags);
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
        start_poll(w);
}

static struct watched *watch(struct http_pool *pool, curl_socket_t fd)
{
    struct watched *w = mem_alloc(sizeof(*w));

    *w = (struct watched){.pool = pool, .fd = fd, .round = pool->round};
    list_init(&w->node);
    list_append(&pool->sockets, &w->node);
    if (uv_poll_init_socket(loop_uv(pool->loop), &w->poll, fd) != 0)
        abort(); /* libcurl hands out open sockets, each once */
    w->poll.data = w;
    curl_multi_assign(pool->multi, fd, w);
    return w;
}

static void free_watched(uv_handle_t *handle)
{
    free(handle->data);
}

static void unwatch(struct watched *w)
{
    assert(!uv_is_closing((uv_handle_t *)&w->poll));
    list_remove(&w->node);
    uv_close((uv_handle_t *)&w->poll, free_watched);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct http_pool *pool = arg;
    struct watched *w = assigned;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            unwatch(w);
        return 0;
    }
    if (!w)
        w = watch(pool, fd);
    assert(w->fd == fd && w->pool == pool);
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    start_poll(w);
    return 0;
}

struct http_pool *http_pool_create(struct loop *loop, void (*on_end)(void *transfer, CURLcode result),
                                   void (*before)(void *arg), void *arg)
{
    struct http_pool *pool = mem_alloc(sizeof(*pool));

    *pool = (struct http_pool){.loop = loop, .on_end = on_end, .before = before, .arg = arg};
    list_init(&pool->node);
    list_init(&pool->sockets);
    pool->timer = loop_timer_create(loop, on_pool_timer, pool);
    pool->again = loop_timer_create(loop, on_again, pool);
    pool->multi = curl_multi_init();
    if (!pool->multi)
        abort();
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
    return pool;
}

void http_pool_destroy(struct http_pool *pool)
{
    if (!pool)
        return;
    assert(pool->len == 0);
    list_remove(&pool->node);
    curl_multi_cleanup(pool->multi);
    loop_timer_destroy(pool->timer);
    loop_timer_destroy(pool->again);
    free(pool);
}

void http_pool_add(struct http_pool *pool, CURL *easy)
{
    curl_multi_add_handle(pool->multi, easy);
    pool->len++;
}

void http_pool_remove(struct http_pool *pool, CURL *easy)
{
    assert(pool->len > 0);
    curl_multi_remove_handle(pool->multi, easy);
    pool->len--;
}
