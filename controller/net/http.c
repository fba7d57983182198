/* The life of a transfer:
 *
 *   http_start ─► HELD ──begin──► CONNECTING ──on_sending──► SENT ──► end: on_done, freed
 *                  │ ▲ nobody else connects     │               │
 *                  │ └ to the same origin       └─ on_watchdog ─┴─► end
 *                  └── http_cancel (in any state) ─► CANCELLED ─► freed
 *
 *   1. Only on_kick(), on_watchdog() and the pool's on_end() add, remove and free: all three are called by the loop and
 *      never from inside libcurl, so http_start() and http_cancel() may be called from any callback.
 *   2. A transfer that is not CANCELLED has an armed watchdog until it is SENT, and after that when it has a limit.
 *   3. The newest pool gets the new transfers; older ones live until they are empty. */
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_address.h"
#include "net/http_error.h"
#include "net/http_pool.h"
#include "net/http_tls.h"
#include "net/http_transfer.h"
#include "net/loop.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    STREAM_ERROR_MAX = 64 << 10, /* an answer to a streaming request that is no stream   */
    RETRY_AFTER_MAX_S = 86400,   /* nobody may send us away for longer                   */
};

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

/* ------------------------------------------------------------------------------------------------------------------
 * A request becomes a transfer. */

static const char *const *copy_headers(const char *const *headers, struct arena *a)
{
    size_t len = 0;

    while (headers && headers[len])
        len++;
    const char **copy = arena_alloc(a, (len + 1) * sizeof(*copy));
    for (size_t i = 0; i < len; i++)
        copy[i] = arena_strdup(a, headers[i]);
    return copy;
}

static struct http_request copy_request(const struct http_request *r, struct arena *a)
{
    struct http_request copy = *r;

    copy.method = arena_strdup(a, r->method);
    copy.url = arena_strdup(a, r->url);
    copy.headers = copy_headers(r->headers, a);
    copy.body = r->body ? arena_strndup(a, r->body, r->body_len) : NULL;
    copy.connect_to = arena_strdup(a, r->connect_to);
    copy.proxy = arena_strdup(a, r->proxy ? r->proxy : "");
    copy.tls.ca_pem = arena_strdup(a, r->tls.ca_pem);
    copy.tls.client_cert = arena_strdup(a, r->tls.client_cert);
    copy.tls.client_key = arena_strdup(a, r->tls.client_key);
    copy.tls.server_name = arena_strdup(a, r->tls.server_name);
    return copy;
}

static void describe(struct transfer *t)
{
    const struct http_request *r = &t->request;
    const char *to = r->connect_to;

    t->place = t->why ? "the URL"
                      : arena_printf(&t->mem, "%s:%s%s%s%s", t->url.host, t->url.port, to ? " at " : "", to ? to : "",
                                     *r->proxy ? " through a proxy" : "");
    if (t->url.tls && !t->request.alone)
        t->origin = arena_printf(&t->mem, "%s:%s %s %s", t->url.host, t->url.port, to ? to : "", r->proxy);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Time. */

static void kick(struct http *http)
{
    loop_timer_set(http->kick, 0);
}

static void end(struct transfer *t, CURLcode result);

/* Arms the watchdog anew. */
static void rearm(struct transfer *t)
{
    int64_t now = loop_now(t->http->loop);
    int64_t idle = t->request.idle_timeout_ms;
    int64_t until = t->deadline;

    if (t->state < SENT && t->connect_deadline < until)
        until = t->connect_deadline;
    if (t->state == SENT && idle > 0 && t->moved_ms + idle < until)
        until = t->moved_ms + idle;
    loop_timer_set(t->watchdog, until == INT64_MAX ? -1 : until > now ? until - now : 0);
}

/* libcurl's own timeouts do not count while a transfer waits for another one's connection. */
static void on_watchdog(void *arg)
{
    struct transfer *t = arg;
    const struct http_request *r = &t->request;
    bool whole = loop_now(t->http->loop) >= t->deadline;
    int64_t waited = whole ? r->timeout_ms : r->idle_timeout_ms;

    t->why = whole ? &http_timeout : &http_silent;
    if (t->state < SENT) {
        t->why = &http_connect_timeout;
        waited = whole ? r->timeout_ms : r->connect_timeout_ms;
    }
    snprintf(t->detail, sizeof(t->detail), "after %lld ms", (long long)waited);
    end(t, CURLE_OPERATION_TIMEDOUT);
}

static void set_deadlines(struct transfer *t)
{
    int64_t now = loop_now(t->http->loop);
    struct http_request *r = &t->request;

    if (r->connect_timeout_ms <= 0)
        r->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    t->connect_deadline = now + r->connect_timeout_ms;
    t->deadline = r->timeout_ms > 0 ? now + r->timeout_ms : INT64_MAX;
    t->watchdog = loop_timer_create(t->http->loop, on_watchdog, t);
    rearm(t);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Callbacks of libcurl: they only record. */

static void moved(struct transfer *t)
{
    t->moved_ms = loop_now(t->http->loop);
    rearm(t);
}

static bool may_be_sent(const struct transfer *t)
{
    const struct http *http = t->http;

    return !t->request.fenced || !http->fence_is_open || http->fence_is_open(http->fence_arg);
}

/* Called before each sending: more than once when libcurl repeats what a dying reused connection has swallowed. And a
 * connection that is used again was perhaps opened for somebody who may go there. */
static int on_sending(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = arg;

    (void)local_ip, (void)local_port;
    if (t->state == CANCELLED || (t->state == SENT && t->request.once) || !http_address_check_text(t, ip, port))
        return CURL_PREREQFUNC_ABORT;
    if (!may_be_sent(t)) {
        t->why = &http_fenced;
        return CURL_PREREQFUNC_ABORT;
    }
    t->state = SENT;
    moved(t);
    kick(t->http); /* whoever waits for this connection */
    return CURL_PREREQFUNC_OK;
}

static void bytes_came(struct transfer *t)
{
    moved(t);
    t->pool->moved = true;
}

static long status_of(const struct transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* An empty line ends the head, also that of "100 Continue" and of a proxy's answer. */
static void tell_status(const struct transfer *t, char first)
{
    long status = status_of(t);

    if (strchr("\r\n", first) && status >= 200 && t->request.on_status)
        t->request.on_status(t->request.arg, status);
}

static size_t on_header(char *data, size_t size, size_t len, void *arg)
{
    struct transfer *t = arg;

    if (t->state == CANCELLED)
        return 0;
    bytes_came(t);
    tell_status(t, *data);
    return size * len;
}

static bool collect_body(struct transfer *t, const char *data, size_t len)
{
    if (buf_add(&t->body, data, len))
        return true;
    t->why = &http_too_large;
    snprintf(t->detail, sizeof(t->detail), "status %ld, more than %zu bytes", status_of(t), t->body.max);
    return false;
}

static bool stream_body(struct transfer *t, const char *data, size_t len)
{
    if (t->request.on_data(t->request.arg, data, len))
        return t->state != CANCELLED; /* on_data may have cancelled it */
    t->why = &http_cancelled;
    return false;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;

    if (t->state == CANCELLED)
        return 0;
    bytes_came(t);
    bool stream = t->request.on_data && status_of(t) / 100 == 2;
    return (stream ? stream_body(t, data, len) : collect_body(t, data, len)) ? len : 0;
}

static void set_callbacks(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->libcurl_error);
    curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, http_address_open);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

static struct http_pool *newest(struct http *http)
{
    return container_of(http->pools.prev, struct http_pool, node);
}

static void begin(struct transfer *t)
{
    t->easy = curl_easy_init();
    if (!t->easy)
        abort();
    transfer_set_options(t, t->http->user_agent, &t->http->trust);
    set_callbacks(t);
    t->state = CONNECTING;
    t->pool = newest(t->http);
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
        if (other->state == SENT)
            return false;
        connecting = connecting || other->state == CONNECTING;
    }
    return connecting;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The end. */

/* In an empty value libcurl leaves the end of the line. */
static const char *header(const struct transfer *t, const char *name)
{
    struct curl_header *h;
    bool there = curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK;

    return there && !strchr("\r\n", *h->value) ? h->value : "";
}

/* GitLab says with a 429 when its window ends. */
static int64_t rate_limit_wait(const struct transfer *t)
{
    time_t until = curl_getdate(header(t, "RateLimit-ResetTime"), NULL);

    return until == -1 ? 0 : (int64_t)until - loop_wall(t->http->loop);
}

static int64_t retry_after_ms(const struct transfer *t, long status)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0 && status == 429)
        seconds = rate_limit_wait(t);
    if (seconds > RETRY_AFTER_MAX_S)
        seconds = RETRY_AFTER_MAX_S;
    return seconds > 0 ? seconds * 1000 : 0;
}

static int64_t dns_us(const struct transfer *t)
{
    curl_off_t us = 0;
    long connections = 0;

    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &us);
    return connections ? us : 0;
}

static struct http_reply answer(const struct transfer *t)
{
    struct http_reply reply = {.status = status_of(t), .body = t->body.data, .len = t->body.len, .sent = true};
    char *type = NULL;

    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    reply.content_type = type ? type : "";
    reply.next_page = header(t, "X-Next-Page");
    reply.retry_after_ms = retry_after_ms(t, reply.status);
    reply.dns_us = dns_us(t);
    return reply;
}

/* libcurl's sentence; about a connection that could not be made the system knows more. */
static const char *libcurl_detail(const struct transfer *t, CURLcode result)
{
    long number = 0;

    if (result == CURLE_COULDNT_CONNECT)
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    return number ? strerror((int)number) : t->libcurl_error;
}

static struct http_reply failure(const struct transfer *t, CURLcode result)
{
    struct http_reply reply = {.content_type = "", .body = "", .next_page = "", .sent = t->state == SENT};

    reply.mute = t->why == &http_timeout || t->why == &http_silent;
    if (t->why)
        http_failure_set(&reply.err, t->why, t->place, t->detail);
    else if (*t->refused && (result == CURLE_COULDNT_CONNECT || result == CURLE_ABORTED_BY_CALLBACK))
        http_failure_set(&reply.err, &http_address_refused, t->place, t->refused);
    else
        http_failure_set(&reply.err, http_failure_of(t->easy, result), t->place, libcurl_detail(t, result));
    return reply;
}

static void transfer_free(struct transfer *t)
{
    if (t->pool)
        http_pool_remove(t->pool, t->easy);
    list_remove(&t->node);
    curl_easy_cleanup(t->easy);
    loop_timer_destroy(t->watchdog);
    buf_finish(&t->body);
    arena_finish(&t->mem);
    if (t->request.release)
        t->request.release(t->request.arg);
    free(t);
}

/* A refusal counts even when its explanation was cut off: servers that do not read the whole request reset the stream
 * after their answer, and libcurl 7.88 may lose what it has not read by then. */
static bool is_answer(const struct transfer *t, CURLcode result)
{
    return !t->why && (result == CURLE_OK || status_of(t) >= 400);
}

static void end(struct transfer *t, CURLcode result)
{
    struct http_reply reply = is_answer(t, result) ? answer(t) : failure(t, result);
    struct http *http = t->http;

    list_remove(&t->node); /* from now on its id is unknown */
    t->request.on_done(t->request.arg, &reply);
    transfer_free(t);
    kick(http);
}

static void on_end(void *arg, CURLcode result)
{
    struct transfer *t = arg;

    if (t->state != CANCELLED)
        end(t, result);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The whole. */

static void begin_held(struct http *http)
{
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->state != HELD || should_wait(t))
            continue;
        if (t->why)
            end(t, CURLE_OK);
        else
            begin(t);
    }
}

static void free_cancelled(struct http *http)
{
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->state == CANCELLED)
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
    begin_held(http);
}

/* The fence may have closed since libcurl ran last, while the process was stopped: what it has begun to send, such as a
 * HTTP/2 request whose body is to follow, must not be sent to its end. */
static void end_fenced(void *arg)
{
    struct http *http = arg;

    if (!http->fence_is_open || http->fence_is_open(http->fence_arg))
        return;
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (!t->request.fenced || (t->state != CONNECTING && t->state != SENT))
            continue;
        t->why = &http_fenced;
        end(t, CURLE_OK);
    }
}

static void add_pool(struct http *http)
{
    list_append(&http->pools, &http_pool_create(http->loop, on_end, end_fenced, http)->node);
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
    struct transfer *t = mem_alloc(sizeof(*t));

    t->id = ++http->last_id;
    t->http = http;
    t->request = copy_request(request, &t->mem);
    if (!http_url_parse(t->request.url, t->request.tls.server_name, &t->mem, &t->url))
        t->why = &http_invalid_url;
    describe(t);
    buf_init(&t->body, request->on_data ? STREAM_ERROR_MAX : request->max_body);
    set_deadlines(t);
    list_init(&t->node);
    list_append(&http->transfers, &t->node);
    kick(http);
    return t->id;
}

void http_cancel(struct http *http, uint64_t id)
{
    list_each (node, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->id != id || t->state == CANCELLED)
            continue;
        t->state = CANCELLED;
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
        if (t->state != SENT || !there || t->request.idle_timeout_ms <= idle_ms)
            continue;
        t->request.idle_timeout_ms = idle_ms;
        rearm(t);
    }
    http_close_idle(http);
}

void http_fence(struct http *http, bool (*is_open)(void *arg), void *arg)
{
    http->fence_is_open = is_open;
    http->fence_arg = arg;
}

static size_t count_in_flight(const struct http *http, bool fenced_only)
{
    size_t len = 0;

    list_each (node, &http->transfers) {
        const struct transfer *t = container_of(node, struct transfer, node);
        len += t->state != CANCELLED && (t->request.fenced || !fenced_only);
    }
    return len;
}

size_t http_in_flight(const struct http *http)
{
    return count_in_flight(http, false);
}

size_t http_fenced_in_flight(const struct http *http)
{
    return count_in_flight(http, true);
}
