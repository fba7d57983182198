#include "net/http_transfer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/charset.h"
#include "base/clock.h"
#include "base/machine.h"
#include "base/mem.h"
#include "net/http_error.h"
#include "net/http_pool.h"
#include "net/loop.h"

enum {
    CONNECT_TIMEOUT_MS = 10000 * SLOWNESS,
    STREAM_ERROR_MAX = 64 << 10, /* an answer to a streaming request that is no stream */
};

void transfer_enter(struct transfer *t, enum transfer_state to)
{
    static const char *const names[] = {
        [TRANSFER_HELD] = "held",           [TRANSFER_CONNECTING] = "connecting", [TRANSFER_SENT] = "sent",
        [TRANSFER_CANCELLED] = "cancelled", [TRANSFER_ENDED] = "ended",
    };
    static const unsigned anyhow = MACHINE_TO(TRANSFER_CANCELLED) | MACHINE_TO(TRANSFER_ENDED);
    static const unsigned next[] = {
        [TRANSFER_HELD] = anyhow | MACHINE_TO(TRANSFER_CONNECTING),
        [TRANSFER_CONNECTING] = anyhow | MACHINE_TO(TRANSFER_SENT),
        [TRANSFER_SENT] =
            anyhow | MACHINE_TO(TRANSFER_SENT), /* libcurl sends again what a dying connection swallowed */
        [TRANSFER_CANCELLED] = 0,
        [TRANSFER_ENDED] = 0,
    };
    static const struct machine machine = MACHINE("transfer", names, next);

    machine_step(&machine, t->state, to);
    assert(to == TRANSFER_CANCELLED || to == TRANSFER_ENDED || (t->easy && t->pool));
    t->state = to;
}

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
    copy.proxy_auth = arena_strdup(a, r->proxy_auth);
    copy.proxy_ca = arena_strdup(a, r->proxy_ca);
    copy.tls.ca_pem = arena_strdup(a, r->tls.ca_pem);
    copy.tls.client_cert = arena_strdup(a, r->tls.client_cert);
    copy.tls.client_key = arena_strdup(a, r->tls.client_key);
    copy.tls.server_name = arena_strdup(a, r->tls.server_name);
    return copy;
}

/* A line break in one of these would begin a second request on a connection that others use, too. What is refused is
 * not sent, whoever asked for it. */
static bool is_refused(struct transfer *t, enum charset place, const char *what, const char *text)
{
    const char *complaint = text ? charset_refuses(place, text, strlen(text)) : NULL;

    if (complaint) {
        t->why = &http_invalid_request;
        snprintf(t->detail, sizeof(t->detail), "%s %s", what, complaint);
    }
    return complaint != NULL;
}

static bool is_header_refused(struct transfer *t, const char *header)
{
    char what[40];

    snprintf(what, sizeof(what), "header %.*s", (int)strcspn(header, ": \r\n"), header);
    return is_refused(t, CHARSET_HEADER, charset_to_prose(what), header);
}

static void check_request_texts(struct transfer *t)
{
    const struct http_request *r = &t->request;
    bool refused = is_refused(t, CHARSET_METHOD, "the method", r->method) ||
                   is_refused(t, CHARSET_URL, "the URL", r->url) ||
                   is_refused(t, CHARSET_ADDRESS, "the address to connect to", r->connect_to) ||
                   is_refused(t, CHARSET_ADDRESS, "the name to verify", r->tls.server_name) ||
                   (*r->proxy && is_refused(t, CHARSET_URL, "the proxy's URL", r->proxy));

    for (const char *const *h = r->headers; !refused && *h; h++)
        refused = is_header_refused(t, *h);
}

static void describe(struct transfer *t)
{
    const struct http_request *r = &t->request;
    const char *to = r->connect_to;

    t->place = t->why == &http_invalid_request ? "the request"
               : t->why                        ? "the URL"
                        : arena_printf(&t->mem, "%s:%s%s%s%s", t->url.host, t->url.port, to ? " at " : "", to ? to : "",
                                       *r->proxy ? " through a proxy" : "");
    if (t->url.tls && !t->request.alone)
        t->origin = arena_printf(&t->mem, "%s:%s %s %s", t->url.host, t->url.port, to ? to : "", r->proxy);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Deadlines */

void transfer_rearm(struct transfer *t)
{
    assert(t->state <= TRANSFER_SENT);
    int64_t now = loop_now(t->loop);
    int64_t idle = t->request.idle_timeout_ms;
    int64_t until = t->deadline;

    if (t->state < TRANSFER_SENT && t->connect_deadline < until)
        until = t->connect_deadline;
    if (t->state == TRANSFER_SENT && idle > 0 && t->moved_ms + idle < until)
        until = t->moved_ms + idle;
    loop_timer_set(t->watchdog, until == INT64_MAX ? -1 : until > now ? until - now : 0);
}

void transfer_moved(struct transfer *t)
{
    t->moved_ms = loop_now(t->loop);
    transfer_rearm(t);
}

void transfer_time_out(struct transfer *t)
{
    const struct http_request *r = &t->request;
    assert(t->state <= TRANSFER_SENT);
    bool whole = loop_now(t->loop) >= t->deadline;
    int64_t waited = whole ? r->timeout_ms : r->idle_timeout_ms;

    t->why = whole ? &http_timeout : &http_silent;
    if (t->state < TRANSFER_SENT) {
        t->why = &http_connect_timeout;
        waited = whole ? r->timeout_ms : r->connect_timeout_ms;
    }
    snprintf(t->detail, sizeof(t->detail), "after %lld ms", (long long)waited);
}

static void set_deadlines(struct transfer *t)
{
    int64_t now = loop_now(t->loop);
    struct http_request *r = &t->request;

    if (r->connect_timeout_ms <= 0)
        r->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    t->connect_deadline = now + r->connect_timeout_ms;
    t->deadline = r->timeout_ms > 0 ? now + r->timeout_ms : INT64_MAX;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The whole */

struct transfer *transfer_create(struct loop *loop, const struct http_request *request, void (*on_watchdog)(void *arg))
{
    struct transfer *t = mem_alloc(sizeof(*t));

    t->loop = loop;
    t->request = copy_request(request, &t->mem);
    if (!http_url_parse(t->request.url, t->request.tls.server_name, &t->mem, &t->url))
        t->why = &http_invalid_url;
    else
        check_request_texts(t);
    describe(t);
    buf_init(&t->body, request->on_data ? STREAM_ERROR_MAX : request->max_body);
    list_init(&t->node);
    set_deadlines(t);
    t->watchdog = loop_timer_create(loop, on_watchdog, t);
    transfer_rearm(t);
    return t;
}

void transfer_free(struct transfer *t)
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
