/* The life of a transfer:
 *
 *   http_start ─► HELD ──begin──► CONNECTING ──on_sending──► SENT ──► ENDED: on_done, freed
 *                  │ ▲ nobody else connects     │               │
 *                  │ └ to the same origin       └─ on_watchdog ─┴─► ENDED
 *                  └── http_cancel (in any state) ─► CANCELLED ─► freed
 *
 *   1. Only on_kick(), on_watchdog() and the pool's on_transfer_end() and end_fenced() add, remove and free: all four
 * are called by the loop and never from inside libcurl, so http_start() and http_cancel() may be called from any
 * callback.
 *   2. A transfer that is not CANCELLED has an armed watchdog until it is SENT, and after that when it has a limit.
 *   3. The newest pool gets the new transfers; older ones live until they are empty. */
#include "net/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_address.h"
#include "net/http_error.h"
#include "net/http_pool.h"
#include "net/http_reply.h"
#include "net/http_tls.h"
#include "net/http_transfer.h"
#include "net/loop.h"

struct http {
    struct loop *loop;
    struct list pools;       /* the newest is the last                                      */
    struct list transfers;   /* in order of start                                           */
    struct loop_timer *kick; /* armed when there is something to do for on_kick()         */
    struct http_trust trust;
    char *user_agent;
    uint64_t last_id;
    bool (*fence_is_open)(void *arg); /* NULL: always */
    void *fence_arg;
};

static void kick(struct http *http)
{
    loop_timer_set(http->kick, 0);
}

static struct http_pool *newest(struct http *http)
{
    return container_of(http->pools.prev, struct http_pool, node);
}

static bool fence_is_open(const struct http *http)
{
    return !http->fence_is_open || http->fence_is_open(http->fence_arg);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The beginning. */

/* Called before each sending: more than once when libcurl repeats what a dying reused connection has swallowed. And a
 * connection that is used again was perhaps opened for somebody who may go there. */
static int on_sending(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = arg;

    (void)local_ip, (void)local_port;
    if (t->state == TRANSFER_CANCELLED || (t->state == TRANSFER_SENT && t->request.once) ||
        !http_address_is_allowed(t, ip, port))
        return CURL_PREREQFUNC_ABORT;
    if (t->request.fenced && !fence_is_open(t->http)) {
        t->why = &http_fenced;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer_enter(t, TRANSFER_SENT);
    transfer_moved(t);
    kick(t->http); /* whoever waits for this connection */
    return CURL_PREREQFUNC_OK;
}

static void set_callbacks(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->libcurl_error);
    curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, http_address_open);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
}

static void begin_transfer(struct transfer *t)
{
    assert(t->state == TRANSFER_HELD && !t->why && !t->easy);
    t->easy = curl_easy_init();
    if (!t->easy)
        abort();
    transfer_set_options(t, t->http->user_agent, &t->http->trust);
    set_callbacks(t);
    http_reply_collect(t);
    t->pool = newest(t->http);
    transfer_enter(t, TRANSFER_CONNECTING);
    http_pool_add(t->pool, t->easy);
}

/* The first transfer to an origin opens the connection that the others will share, if the server speaks HTTP/2: wait
 * until it is there. (libcurl's own waiting, CURLOPT_PIPEWAIT, has one queue for all origins: a dead one stops the
 * others.) */
static bool should_wait(const struct transfer *t)
{
    bool connecting = false;

    list_each (node, &t->http->transfers) {
        const struct transfer *other = container_of(node, struct transfer, node);
        if (!t->origin || !other->origin || other->pool != newest(t->http) || strcmp(other->origin, t->origin) != 0)
            continue;
        if (other->state == TRANSFER_SENT)
            return false;
        connecting = connecting || other->state == TRANSFER_CONNECTING;
    }
    return connecting;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The end. */

static void end_transfer(struct transfer *t, CURLcode result)
{
    assert(t->state <= TRANSFER_SENT);
    struct http_reply reply = http_reply_of(t, result);
    struct http *http = t->http;

    transfer_enter(t, TRANSFER_ENDED);
    list_remove(&t->node); /* from now on its id is unknown */
    t->request.on_done(t->request.arg, &reply);
    transfer_free(t);
    kick(http);
}

static void on_watchdog(void *arg)
{
    struct transfer *t = arg;

    transfer_time_out(t);
    end_transfer(t, CURLE_OPERATION_TIMEDOUT);
}

static void on_transfer_end(void *arg, CURLcode result)
{
    struct transfer *t = arg;

    if (t->state != TRANSFER_CANCELLED)
        end_transfer(t, result);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The whole. */

static void begin_held_transfers(struct http *http)
{
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->state != TRANSFER_HELD || should_wait(t))
            continue;
        if (t->why)
            end_transfer(t, CURLE_OK);
        else
            begin_transfer(t);
    }
}

static void free_cancelled(struct http *http)
{
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->state == TRANSFER_CANCELLED)
            transfer_free(t);
    }
}

static void free_old_pools(struct http *http)
{
    list_each_safe (node, after, &http->pools) {
        struct http_pool *pool = container_of(node, struct http_pool, node);
        if (pool != newest(http) && pool->len == 0)
            http_pool_destroy(pool);
    }
}

static void on_kick(void *arg)
{
    struct http *http = arg;

    free_cancelled(http);
    free_old_pools(http);
    begin_held_transfers(http);
}

/* The fence may have closed since libcurl ran last, while the process was stopped: what it has begun to send, such as a
 * HTTP/2 request whose body is to follow, must not be sent to its end. */
static void end_fenced(void *arg)
{
    struct http *http = arg;

    if (fence_is_open(http))
        return;
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (!t->request.fenced || (t->state != TRANSFER_CONNECTING && t->state != TRANSFER_SENT))
            continue;
        t->why = &http_fenced;
        end_transfer(t, CURLE_OK);
    }
}

static void add_pool(struct http *http)
{
    list_append(&http->pools, &http_pool_create(http->loop, on_transfer_end, end_fenced, http)->node);
}

struct http *http_create(struct loop *loop, const char *user_agent)
{
    struct http *http = mem_alloc(sizeof(*http));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    *http = (struct http){.loop = loop, .user_agent = mem_strdup(user_agent)};
    list_init(&http->pools);
    list_init(&http->transfers);
    http_trust_init(&http->trust);
    http->kick = loop_timer_create(loop, on_kick, http);
    add_pool(http);
    return http;
}

void http_destroy(struct http *http)
{
    struct list *node;

    if (!http)
        return;
    while ((node = list_pop(&http->transfers)))
        transfer_free(container_of(node, struct transfer, node));
    while ((node = list_pop(&http->pools)))
        http_pool_destroy(container_of(node, struct http_pool, node));
    loop_timer_destroy(http->kick);
    http_trust_finish(&http->trust);
    free(http->user_agent);
    free(http);
    curl_global_cleanup();
}

uint64_t http_start(struct http *http, const struct http_request *request)
{
    assert(request->method && request->url && request->on_done && request->timeout_ms >= 0);
    struct transfer *t = transfer_create(http->loop, request, on_watchdog);

    t->id = ++http->last_id;
    t->http = http;
    list_append(&http->transfers, &t->node);
    kick(http);
    return t->id;
}

void http_cancel(struct http *http, uint64_t id)
{
    list_each (node, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->id != id || t->state == TRANSFER_CANCELLED)
            continue;
        transfer_enter(t, TRANSFER_CANCELLED);
        loop_timer_set(t->watchdog, -1);
        kick(http);
    }
}

void http_close_idle(struct http *http)
{
    add_pool(http);
    kick(http);
}

void http_distrust(struct http *http, const char *url, int64_t idle_ms)
{
    cleanup_arena struct arena a = {0};
    struct http_url to;

    if (!http_url_parse(url, NULL, &a, &to))
        return;
    list_each (node, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        bool there = strcmp(t->url.host, to.host) == 0 && strcmp(t->url.port, to.port) == 0;
        if (t->state != TRANSFER_SENT || !there || t->request.idle_timeout_ms <= idle_ms)
            continue;
        t->request.idle_timeout_ms = idle_ms;
        transfer_rearm(t);
    }
    http_close_idle(http);
}

void http_fence(struct http *http, bool (*is_open)(void *arg), void *arg)
{
    http->fence_is_open = is_open;
    http->fence_arg = arg;
}

size_t http_fenced_in_flight(const struct http *http)
{
    size_t len = 0;

    list_each (node, &http->transfers) {
        const struct transfer *t = container_of(node, struct transfer, node);
        len += t->state != TRANSFER_CANCELLED && t->request.fenced;
    }
    return len;
}
