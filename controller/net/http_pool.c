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
    uv_poll_t poll;
    struct http_pool *pool;
    curl_socket_t fd;
    int events; /* UV_READABLE, UV_WRITABLE */
};

static void collect(struct http_pool *pool)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(pool->multi, &left))) {
        CURLcode result = message->data.result;
        char *transfer = NULL;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        pool->on_end(transfer, result);
    }
}

/* The one way into libcurl's state machine. Results are collected every time: the last transfer's failure is reported
 * when nothing is running any more. */
static void run(struct http_pool *pool, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(pool->multi, fd, events, &running);
    collect(pool);
}

static void on_timer(void *arg)
{
    run(arg, CURL_SOCKET_TIMEOUT, 0);
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
    run(w->pool, w->fd, flags);
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
        start_poll(w);
}

static struct watched *watch(struct http_pool *pool, curl_socket_t fd)
{
    struct watched *w = mem_alloc(sizeof(*w));

    *w = (struct watched){.pool = pool, .fd = fd};
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

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct http_pool *pool = arg;
    struct watched *w = assigned;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            uv_close((uv_handle_t *)&w->poll, free_watched);
        return 0;
    }
    if (!w)
        w = watch(pool, fd);
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    start_poll(w);
    return 0;
}

struct http_pool *http_pool_create(struct loop *loop, void (*on_end)(void *transfer, CURLcode result))
{
    struct http_pool *pool = mem_alloc(sizeof(*pool));

    *pool = (struct http_pool){.loop = loop, .on_end = on_end};
    list_init(&pool->node);
    pool->timer = loop_timer_create(loop, on_timer, pool);
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
    free(pool);
}

void http_pool_add(struct http_pool *pool, CURL *easy)
{
    curl_multi_add_handle(pool->multi, easy);
    pool->len++;
}

void http_pool_remove(struct http_pool *pool, CURL *easy)
{
    curl_multi_remove_handle(pool->multi, easy);
    pool->len--;
}
