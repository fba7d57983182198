/* net/http.h, on the simulated network: what net/http*.c promise, without libcurl. */
#include "tests/sim/network.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_error.h"
#include "net/http_tls.h"
#include "net/loop.h"
#include "tests/sim/network_parts.h"
#include "tests/sim/sabotage.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    STREAM_ERROR_MAX = 64 << 10,
    RETRY_AFTER_MAX_MS = 86400 * 1000,
    CONNECTING_MS = 3,
    FIRST_ADDRESS = 0x64141e01, /* 100.20.30.1, and those after it: the hosts' */
};

enum transfer_state { HELD, CONNECTING, SENT, CANCELLED };

struct http {
    struct loop *loop;
    struct network *network;
    int replica;
    struct list transfers; /* in order of start */
    struct loop_timer *kick;
    uint64_t last_id;
    bool (*fence_is_open)(void *arg);
    void *fence_arg;
};

struct transfer {
    struct list node;
    uint64_t id;
    enum transfer_state state;
    struct http *http;
    struct exchange *exchange;
    struct http_request request; /* its strings are in the exchange's memory */
    struct loop_timer *watchdog;
    struct loop_post connected;
    uint64_t connecting; /* the event */
    int64_t connect_deadline, deadline, moved_ms;
    const struct http_failure *why;
    char detail[80];
    struct exchange_head head;
    int64_t date_s;
    struct buf body;
};

static const struct http_failure lost_failure = {ERR_RETRY, "ConnectionLost",
                                                 "the connection broke before the answer was complete"};

struct loop *transfer_loop(const struct transfer *t)
{
    return t->http->loop;
}

static void kick(struct http *http)
{
    loop_timer_set(http->kick, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The end */

static void free_transfer(struct transfer *t)
{
    struct exchange *x = t->exchange;
    void (*release)(void *arg) = t->request.release;
    void *arg = t->request.arg;

    list_remove(&t->node);
    list_remove(&t->connected.node);
    sim_forget(x->sim, t->connecting);
    loop_timer_destroy(t->watchdog);
    buf_finish(&t->body);
    exchange_abandon(x);
    free(t);
    if (release)
        release(arg);
}

static struct http_reply answer_of(const struct transfer *t)
{
    int64_t wait = t->head.retry_after_ms;

    return (struct http_reply){
        .status = t->head.status,
        .content_type = t->head.content_type ? t->head.content_type : "",
        .body = t->body.data,
        .len = t->body.len,
        .retry_after_ms = wait < RETRY_AFTER_MAX_MS ? wait : RETRY_AFTER_MAX_MS,
        .next_page = t->head.next_page ? t->head.next_page : "",
        .date_s = t->date_s,
        .sent = true,
    };
}

static struct http_reply failure_of(const struct transfer *t, const struct http_failure *why)
{
    struct http_reply reply = {.content_type = "", .body = "", .next_page = "", .sent = t->state == SENT};
    const struct link *link = t->exchange->link;

    reply.mute = why == &http_timeout || why == &http_silent;
    http_failure_set(&reply.err, why, link ? link->host : "the URL", t->detail);
    return reply;
}

/* why NULL: the answer is whole. A refusal counts even when its explanation was cut off. */
static void end_transfer(struct transfer *t, const struct http_failure *why)
{
    bool is_answer = !why || (why == &lost_failure && t->head.status >= 400);
    const struct http_reply reply = is_answer ? answer_of(t) : failure_of(t, why);
    struct http *http = t->http;

    list_remove(&t->node); /* from now on its id is unknown */
    t->request.on_done(t->request.arg, &reply);
    free_transfer(t);
    kick(http);
}

static void rearm(struct transfer *t)
{
    int64_t now = loop_now(t->http->loop), until = t->deadline, idle = t->request.idle_timeout_ms;

    if (t->state < SENT && t->connect_deadline < until)
        until = t->connect_deadline;
    if (t->state == SENT && idle > 0 && t->moved_ms + idle < until)
        until = t->moved_ms + idle;
    loop_timer_set(t->watchdog, until == INT64_MAX ? -1 : until > now ? until - now : 0);
}

static void on_watchdog(void *arg)
{
    struct transfer *t = arg;
    bool whole = loop_now(t->http->loop) >= t->deadline;

    snprintf(t->detail, sizeof(t->detail), "after %lld ms",
             (long long)(whole ? t->request.timeout_ms : t->request.idle_timeout_ms));
    end_transfer(t, t->state < SENT ? &http_connect_timeout : whole ? &http_timeout : &http_silent);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The beginning */

static bool is_fenced_out(const struct transfer *t)
{
    const struct http *http = t->http;

    return t->request.fenced && http->fence_is_open && !http->fence_is_open(http->fence_arg) &&
           !sabotage_is(SABOTAGE_FENCE);
}

static const char *refused_address(const struct transfer *t)
{
    const struct exchange *x = t->exchange;
    uint32_t number = FIRST_ADDRESS + (uint32_t)(x->link->server - x->network->servers);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(number), .sin_port = htons(443)};

    return t->request.refuse_address ? t->request.refuse_address(t->request.policy, (struct sockaddr *)&address) : NULL;
}

static void send_transfer(struct transfer *t)
{
    struct exchange *x = t->exchange;

    if (refused_address(t)) {
        end_transfer(t, &http_address_refused);
    } else if (is_fenced_out(t)) {
        end_transfer(t, &http_fenced);
    } else {
        t->state = SENT;
        t->moved_ms = loop_now(t->http->loop);
        rearm(t);
        exchange_send(x);
    }
}

/* Why no connection can be made; NULL: one can. */
static const struct http_failure *refusal_of(enum network_state state)
{
    switch (state) {
    case NETWORK_REFUSES:
        return http_failure_of(NULL, CURLE_COULDNT_CONNECT);
    case NETWORK_UNTRUSTED:
        return http_failure_of(NULL, CURLE_PEER_FAILED_VERIFICATION);
    case NETWORK_REFUSES_CLIENT:
        return &http_certificate_refused;
    case NETWORK_UP:
    case NETWORK_SILENT:
    case NETWORK_NO_NAME:
        break;
    }
    return NULL;
}

static void on_connection(struct loop_post *post)
{
    struct transfer *t = container_of(post, struct transfer, connected);
    struct link *link = t->exchange->link;

    if (t->state == CANCELLED)
        return;
    const struct http_failure *why = refusal_of(link->weather.state);
    if (why) {
        link->open = false;
        end_transfer(t, why);
        return;
    }
    if (link->weather.state == NETWORK_SILENT)
        return; /* its deadline will come */
    link->open = !t->request.alone || link->open;
    send_transfer(t);
}

static void on_connecting_end(void *arg)
{
    struct transfer *t = arg;

    t->connecting = 0;
    loop_post(t->http->loop, &t->connected);
}

/* Those that come meanwhile wait for the same connection. */
static void connect_transfer(struct transfer *t)
{
    struct exchange *x = t->exchange;
    struct link *link = x->link;
    int64_t now = x->sim->now;

    t->state = CONNECTING;
    if (t->request.alone || link->connected_at <= now) {
        link->latest++;
        link->connected_at = now + CONNECTING_MS + sim_choose(x->sim, 10);
    }
    x->connection = link->latest;
    t->connecting = sim_later(x->sim, link->connected_at - now, on_connecting_end, t);
}

static void begin_transfer(struct transfer *t)
{
    struct link *link = t->exchange->link;

    if (t->why || !link || link->weather.state == NETWORK_NO_NAME) {
        end_transfer(t, t->why ? t->why : http_failure_of(NULL, CURLE_COULDNT_RESOLVE_HOST));
    } else if (!link->open || t->request.alone) {
        t->exchange->sim->figures.refused += link->weather.state == NETWORK_REFUSES;
        connect_transfer(t);
    } else {
        t->exchange->connection = link->latest;
        send_transfer(t);
    }
}

static void free_cancelled(struct http *http)
{
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->state == CANCELLED)
            free_transfer(t);
    }
}

static void on_kick(void *arg)
{
    struct http *http = arg;

    free_cancelled(http);
    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if (t->state == HELD)
            begin_transfer(t);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes */

static bool take_data(struct transfer *t, const char *data, size_t len)
{
    bool stream = t->request.on_data && t->head.status / 100 == 2;

    if (!len)
        return true;
    t->why = stream ? &http_cancelled : &http_too_large;
    if (stream ? !t->request.on_data(t->request.arg, data, len) : !buf_add(&t->body, data, len))
        return false;
    t->why = NULL;
    return true;
}

/* Callbacks may cancel the transfer. */
void transfer_come(struct transfer *t, const struct packet *p)
{
    if (t->state == CANCELLED)
        return;
    t->moved_ms = loop_now(t->http->loop);
    rearm(t);
    if (p->head.status) {
        t->head = p->head;
        t->date_s = sim_wall(t->exchange->sim);
        if (t->request.on_status)
            t->request.on_status(t->request.arg, p->head.status);
    }
    bool good = t->state == CANCELLED || take_data(t, p->data, p->len);
    if (t->state == CANCELLED)
        return;
    if (!good)
        end_transfer(t, t->why);
    else if (p->kind == PACKET_BREAK || p->kind == PACKET_END)
        end_transfer(t, p->kind == PACKET_BREAK ? &lost_failure : NULL);
}

/* The fence may have closed while the process stood still. */
static void end_fenced(void *arg)
{
    struct http *http = arg;

    list_each_safe (node, after, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        if ((t->state == CONNECTING || t->state == SENT) && is_fenced_out(t))
            end_transfer(t, &http_fenced);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Copies */

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

/* The URL's host, and where its target begins; NULL: it is none. */
static const char *url_host(const char *url, size_t *ret_len)
{
    const char *host = strstr(url, "://");

    if (!host || strncmp(url, "http", 4) != 0)
        return NULL;
    *ret_len = strcspn(host + 3, "/?#");
    return *ret_len ? host + 3 : NULL;
}

static void copy_request(struct exchange *x, const struct http_request *r)
{
    size_t len = 0;
    const char *host = url_host(r->url, &len);

    x->request = (struct exchange_request){
        .replica = x->request.replica,
        .method = arena_strdup(&x->mem, r->method),
        .host = host ? arena_strndup(&x->mem, host, len) : "",
        .target = arena_strdup(&x->mem, host && host[len] ? host + len : "/"),
        .headers = copy_headers(r->headers, &x->mem),
        .body = r->body ? arena_strndup(&x->mem, r->body, r->body_len) : "",
        .body_len = r->body ? r->body_len : 0,
    };
    if (host)
        x->link = network_link(x->network, x->request.replica, host, len);
}

static struct exchange *create_exchange(struct transfer *t, const struct http_request *r)
{
    struct exchange *x = mem_alloc(sizeof(*x));

    *x = (struct exchange){.sim = t->http->network->sim, .network = t->http->network, .client = t};
    x->request.replica = t->http->replica;
    list_init(&x->packets);
    list_init(&x->node);
    list_append(&x->network->exchanges, &x->node);
    copy_request(x, r);
    return x;
}

static void set_deadlines(struct transfer *t)
{
    int64_t now = loop_now(t->http->loop), timeout = t->request.timeout_ms, connect = t->request.connect_timeout_ms;

    t->connect_deadline = now + (connect > 0 ? connect : CONNECT_TIMEOUT_MS);
    t->deadline = timeout > 0 ? now + timeout : INT64_MAX;
    rearm(t);
}

static void check_request(struct transfer *t, const struct http_request *r)
{
    static const struct http_failure invalid_ca = {ERR_DENIED, "InvalidCA", "the certificates to trust cannot be read"};
    const char *pem = r->tls.ca_pem;

    if (!url_host(r->url, &(size_t){0}))
        t->why = &http_invalid_url;
    else if (pem && (http_ca_refuses(pem) || !http_tls_is_valid(&(struct http_tls){.ca_pem = pem})))
        t->why = &invalid_ca;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * net/http.h */

struct http *http_create(struct loop *loop, const char *user_agent)
{
    struct sim *sim = sim_current();
    struct http *http = mem_alloc(sizeof(*http));

    (void)user_agent;
    *http = (struct http){.loop = loop, .network = network_of(sim), .replica = sim_current_replica()};
    list_init(&http->transfers);
    http->kick = loop_timer_create(loop, on_kick, http);
    loop_before_posts(loop, end_fenced, http);
    network_begin(sim, http->replica);
    return http;
}

void http_destroy(struct http *http)
{
    if (!http)
        return;
    list_each_safe (node, after, &http->transfers)
        free_transfer(container_of(node, struct transfer, node));
    loop_timer_destroy(http->kick);
    loop_before_posts(http->loop, NULL, NULL);
    free(http);
}

uint64_t http_start(struct http *http, const struct http_request *request)
{
    assert(request->method && request->url && request->on_done && request->timeout_ms >= 0);
    struct transfer *t = mem_alloc(sizeof(*t));

    *t = (struct transfer){.id = ++http->last_id, .http = http, .request = *request};
    t->exchange = create_exchange(t, request);
    t->connected.come = on_connection;
    list_init(&t->connected.node);
    list_init(&t->node);
    list_append(&http->transfers, &t->node);
    buf_init(&t->body, request->on_data ? STREAM_ERROR_MAX : request->max_body);
    t->watchdog = loop_timer_create(http->loop, on_watchdog, t);
    check_request(t, request);
    set_deadlines(t);
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

static void forget_connections(struct http *http, const char *host)
{
    for (size_t i = 0; i < http->network->servers_len; i++) {
        struct link *link = &http->network->links[http->replica][i];
        if (!host || strcmp(host, link->host) == 0)
            link->open = false;
    }
}

void http_close_idle(struct http *http)
{
    forget_connections(http, NULL);
}

void http_distrust(struct http *http, const char *url, int64_t idle_ms)
{
    size_t len = 0;
    const char *host = url_host(url, &len);

    list_each (node, &http->transfers) {
        struct transfer *t = container_of(node, struct transfer, node);
        const struct link *link = t->exchange->link;
        bool there = host && link && strncmp(link->host, host, len) == 0 && !link->host[len];
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

size_t http_fenced_in_flight(const struct http *http)
{
    size_t len = 0;

    list_each (node, &http->transfers) {
        const struct transfer *t = container_of(node, struct transfer, node);
        len += t->state != CANCELLED && t->request.fenced;
    }
    return len;
}
