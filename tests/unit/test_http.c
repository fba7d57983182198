#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/arena.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/loop.h"
#include "tiny_server.h"

enum { GUARD_MS = 60000 * SLOWNESS, BODY_MAX = 4096 };

struct world {
    struct loop *loop;
    struct http *http;
    struct loop_timer *guard;
    int waiting; /* results that are not done */
    struct identity ca, other_ca, server;
};

struct result {
    struct world *world;
    int calls, releases;
    struct http_reply reply; /* its strings point into the next members */
    char body[BODY_MAX + 1], content_type[64], next_page[16];
    struct buf stream;
    int pieces_wanted; /* 0: all */
    uint64_t cancel_in_data;
};

/* The resolver: no test asks the network. */

static sem_t resolver_may_go_on, request_is_there, answer_may_come;
static const char *rebound_to; /* the address that rebound.test has now */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (node && strcmp(node, "nowhere.test") == 0)
        return EAI_NONAME;
    if (node && strcmp(node, "rebound.test") == 0)
        node = rebound_to;
    if (node && strcmp(node, "slow.test") == 0) {
        sem_wait(&resolver_may_go_on);
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, ret);
}

/* The client's side. */

static void on_guard(void *arg)
{
    (void)arg;
    fail_msg("no answer within %d ms", GUARD_MS);
}

static void on_done(void *arg, const struct http_reply *reply)
{
    struct result *r = arg;

    r->calls++;
    r->reply = *reply;
    assert_int_equal(reply->body[reply->len], '\0');
    snprintf(r->body, sizeof(r->body), "%s", reply->body);
    snprintf(r->content_type, sizeof(r->content_type), "%s", reply->content_type);
    snprintf(r->next_page, sizeof(r->next_page), "%s", reply->next_page);
    if (--r->world->waiting == 0)
        loop_stop(r->world->loop);
}

static void on_release(void *arg)
{
    struct result *r = arg;

    r->releases++;
}

static uint64_t start(struct world *w, struct http_request request, struct result *r)
{
    *r = (struct result){.world = w};
    buf_init(&r->stream, BODY_MAX);
    request.method = request.method ? request.method : "GET";
    request.max_body = request.max_body ? request.max_body : BODY_MAX;
    request.connect_timeout_ms = request.connect_timeout_ms ? request.connect_timeout_ms : GUARD_MS;
    request.on_done = on_done;
    request.release = on_release;
    request.arg = r;
    w->waiting++;
    return http_start(w->http, &request);
}

static void run(struct world *w)
{
    loop_timer_set(w->guard, GUARD_MS);
    loop_run(w->loop);
    loop_timer_set(w->guard, -1);
}

static void fetch(struct world *w, struct http_request request, struct result *r)
{
    start(w, request, r);
    run(w);
    assert_int_equal(r->calls, 1);
    assert_int_equal(r->releases, 1);
}

static const char *url_of(const struct tiny_server *s, char text[64])
{
    snprintf(text, 64, "%s://127.0.0.1:%d/path?q=1", s->tls ? "https" : "http", s->port);
    return text;
}

#define URL(server) url_of(server, (char[64]){0})

static void assert_failed(const struct result *r, enum err_kind kind, const char *reason)
{
    assert_string_equal(r->reply.err.reason, reason);
    assert_int_equal(r->reply.err.kind, kind);
    assert_int_equal(r->reply.status, 0);
    assert_int_equal(r->reply.len, 0);
}

static void assert_ok(const struct result *r, const char *body)
{
    assert_string_equal(r->reply.err.text, "");
    assert_int_equal(r->reply.err.kind, ERR_NONE);
    assert_int_equal(r->reply.status, 200);
    assert_string_equal(r->body, body);
    assert_true(r->reply.sent);
}

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    w->loop = loop_create();
    w->http = http_create(w->loop, "tester/1");
    w->guard = loop_timer_create(w->loop, on_guard, w);
    w->ca = identity_make("our authority", NULL, NULL, -DAY, DAY);
    w->other_ca = identity_make("another authority", NULL, NULL, -DAY, DAY);
    w->server = identity_make("localhost", "DNS:localhost,IP:127.0.0.1", &w->ca, -DAY, DAY);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    http_destroy(w->http);
    loop_timer_destroy(w->guard);
    loop_destroy(w->loop);
    identity_free(&w->ca);
    identity_free(&w->other_ca);
    identity_free(&w->server);
    free(w);
    return 0;
}

/* What servers do. */

static bool respond_echo(struct tiny_conn *c)
{
    return tiny_answer(c, "200 OK\r\nContent-Type: text/echo", c->request);
}

static bool respond_length(struct tiny_conn *c)
{
    char text[32];

    snprintf(text, sizeof(text), "%zu", c->len);
    return tiny_answer(c, "200 OK", text);
}

static bool respond_hello(struct tiny_conn *c)
{
    return tiny_answer(c, "200 OK", "hello");
}

static bool respond_never(struct tiny_conn *c)
{
    (void)c;
    return true; /* waits for the next request */
}

/* Answers when the test says so, and a second server that answers when the first one has its request. */
static bool respond_when_told(struct tiny_conn *c)
{
    sem_post(&request_is_there);
    sem_wait(&answer_may_come);
    return respond_hello(c);
}

static bool respond_after_the_other(struct tiny_conn *c)
{
    sem_wait(&request_is_there);
    return respond_hello(c);
}

static bool respond_nothing(struct tiny_conn *c)
{
    (void)c;
    return false;
}

static bool respond_half(struct tiny_conn *c)
{
    tiny_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal");
    return false;
}

static bool respond_garbage(struct tiny_conn *c)
{
    tiny_say(c, "220 this is mail\r\n");
    return false;
}

/* libcurl takes it for HTTP/2 and a status of 0. */
static bool respond_no_status(struct tiny_conn *c)
{
    tiny_say(c, "HTTP/20 .y00hHTT\n\n");
    return false;
}

static bool respond_every_other(struct tiny_conn *c)
{
    return c->server->requests % 2 == 1 ? respond_hello(c) : false;
}

/* ---- Requests and answers. */

static void a_get_carries_what_was_asked_and_nothing_more(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_echo};
    struct result r;

    tiny_start(&s, NULL, NULL);
    const char *headers[] = {"Authorization: Bearer secret", "Accept: application/json", NULL};
    fetch(w, (struct http_request){.url = URL(&s), .headers = headers}, &r);
    assert_int_equal(r.reply.status, 200);
    assert_string_equal(r.content_type, "text/echo");
    assert_ptr_equal(strstr(r.body, "GET /path?q=1 HTTP/1.1\r\n"), r.body);
    assert_non_null(strstr(r.body, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(r.body, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(r.body, "\r\nUser-Agent: tester/1\r\n"));
    assert_null(strstr(r.body, "Accept-Encoding"));
    assert_null(strstr(r.body, "Content-"));
    tiny_stop(&s);
}

static void a_body_is_sent_whole_and_at_once(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_length};
    size_t len = (1 << 20) + 7; /* libcurl would wait for "100 Continue" from 1 MiB on */
    char *body = mem_alloc(len);
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .method = "PATCH", .body = body, .body_len = len}, &r);
    free(body);
    assert_true(strtoul(r.body, NULL, 10) > len);
    s.respond = respond_echo;
    fetch(w, (struct http_request){.url = URL(&s), .method = "POST", .body = "a=b", .body_len = 3}, &r);
    assert_non_null(strstr(r.body, "\r\nContent-Length: 3\r\n"));
    assert_null(strstr(r.body, "Expect"));
    assert_string_equal(r.body + r.reply.len - 7, "\r\n\r\na=b");
    tiny_stop(&s);
}

static void methods_without_a_body(void **state)
{
    static const struct {
        const char *method, *length;
    } cases[] = {{"POST", "Content-Length: 0"}, {"PUT", "Content-Length: 0"}, {"DELETE", NULL}, {"GET", NULL}};
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_echo};
    struct result r;

    tiny_start(&s, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fetch(w, (struct http_request){.url = URL(&s), .method = cases[i].method}, &r);
        assert_int_equal(strncmp(r.body, cases[i].method, strlen(cases[i].method)), 0);
        assert_int_equal(!!strstr(r.body, "Content-Length: 0"), cases[i].length != NULL);
    }
    tiny_stop(&s);
}

static bool respond_busy(struct tiny_conn *c)
{
    const char *wish = strstr(c->request, "Wish: ") + 6;
    char head[256];

    snprintf(head, sizeof(head), "%.*s\r\nX-Next-Page: 3", (int)strcspn(wish, "|\r"), wish);
    char *more = strchr(wish, '|');
    if (more)
        snprintf(head + strlen(head), sizeof(head) - strlen(head), "\r\n%.*s", (int)strcspn(more + 1, "\r"), more + 1);
    return tiny_answer(c, head, "{}");
}

static void the_server_says_when_to_come_back(void **state)
{
    struct world *w = *state;
    char soon[80], soon_reset[80], date[40];
    time_t then = time(NULL) + 90;
    struct {
        const char *wish;
        long status;
        int64_t min, max;
    } cases[] = {
        {"429 Too Many|Retry-After: 7", 429, 7000, 7000},
        {"503 Busy|Retry-After: 0", 503, 0, 0},
        {"503 Busy|Retry-After: -5", 503, 0, 0},
        {"503 Busy|Retry-After: nonsense", 503, 0, 0},
        {"503 Busy|Retry-After: 99999999999999", 503, 86400000, 86400000},
        {soon, 503, 80000, 90000},
        {soon_reset, 429, 80000, 91000},
        {"200 OK|RateLimit-ResetTime: Fri, 01 Jan 2038 00:00:00 GMT", 200, 0, 0},
        {"429 Too Many|RateLimit-ResetTime: Fri, 01 Jan 2038 00:00:00 GMT", 429, 86400000, 86400000},
        {"429 Too Many|RateLimit-ResetTime: Fri, 01 Jan 1999 00:00:00 GMT", 429, 0, 0},
        {"404 Gone|Other: x", 404, 0, 0},
    };
    struct tiny_server s = {.respond = respond_busy};

    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    snprintf(soon, sizeof(soon), "503 Busy|Retry-After: %s", date);
    snprintf(soon_reset, sizeof(soon_reset), "429 Busy|RateLimit-ResetTime: %s", date);
    tiny_start(&s, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char wish[128];
        struct result r;
        snprintf(wish, sizeof(wish), "Wish: %s", cases[i].wish);
        const char *headers[] = {wish, NULL};
        fetch(w, (struct http_request){.url = URL(&s), .headers = headers}, &r);
        assert_int_equal(r.reply.status, cases[i].status);
        assert_int_equal(r.reply.err.kind, ERR_NONE);
        assert_in_range(r.reply.retry_after_ms, cases[i].min, cases[i].max);
        assert_string_equal(r.next_page, "3");
        assert_string_equal(r.body, "{}");
    }
    tiny_stop(&s);
}

static void a_longer_answer_than_allowed_fails(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .max_body = 5}, &r);
    assert_ok(&r, "hello");
    fetch(w, (struct http_request){.url = URL(&s), .max_body = 4}, &r);
    assert_failed(&r, ERR_RETRY, "ResponseTooLarge");
    assert_non_null(strstr(r.reply.err.text, "status 200, more than 4 bytes"));
    assert_true(r.reply.sent);
    tiny_stop(&s);
}

static void a_redirect_is_an_answer(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_busy};
    const char *headers[] = {"Wish: 302 Found|Location: /elsewhere", NULL};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .headers = headers}, &r);
    assert_int_equal(r.reply.status, 302);
    assert_int_equal(s.requests, 1);
    tiny_stop(&s);
}

static void proxies_come_from_the_request_only(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_echo};
    char proxy[64];
    struct result r;

    tiny_start(&s, NULL, NULL);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", s.port);
    fetch(w, (struct http_request){.url = URL(&s), .proxy = ""}, &r); /* main() has set http_proxy */
    assert_int_equal(r.reply.status, 200);
    fetch(w, (struct http_request){.url = "http://nowhere.test/x", .proxy = proxy}, &r);
    assert_ptr_equal(strstr(r.body, "GET http://nowhere.test/x HTTP/1.1\r\n"), r.body);
    tiny_stop(&s);
}

/* ---- Proxies. */

/* What the proxy says to CONNECT; then it is the server that was asked for, with TLS where the test gives it one. */
static struct {
    const char *says;
    SSL_CTX *tls;
    char connect[1024];
} way;

static bool respond_as_proxy(struct tiny_conn *c)
{
    if (strncmp(c->request, "CONNECT ", 8) != 0)
        return tiny_answer(c, "200 OK", c->request);
    snprintf(way.connect, sizeof(way.connect), "%s", c->request);
    if (!tiny_say(c, way.says))
        return false;
    if (!way.tls || c->ssl)
        return true;
    c->ssl = SSL_new(way.tls);
    SSL_set_fd(c->ssl, c->fd);
    return SSL_accept(c->ssl) == 1;
}

static void begin_way(struct tiny_server *proxy, const char *says, char url[static 64])
{
    proxy->respond = respond_as_proxy;
    way.says = says;
    tiny_start(proxy, NULL, NULL);
    snprintf(url, 64, "http://127.0.0.1:%d", proxy->port);
}

#define OPEN "HTTP/1.1 200 Connection established\r\n\r\n"

/* The credentials of each are for itself. */
static void a_proxy_gets_its_own_credentials_only(void **state)
{
    static const char *const headers[] = {"PRIVATE-TOKEN: glpat-secret", NULL};
    struct world *w = *state;
    struct tiny_server proxy = {0}, target = {.respond = respond_echo};
    char url[64];
    struct result r;

    begin_way(&proxy, OPEN, url);
    tiny_start(&target, &w->server, NULL);
    way.tls = target.tls;
    fetch(w,
          (struct http_request){.url = "https://localhost/x",
                                .headers = headers,
                                .proxy = url,
                                .proxy_auth = "me:pass word%3A",
                                .tls = {.ca_pem = w->ca.cert_pem}},
          &r);
    assert_string_equal(r.reply.err.text, "");
    assert_ptr_equal(strstr(way.connect, "CONNECT localhost:443 HTTP/1.1\r\n"), way.connect);
    assert_non_null(strstr(way.connect, "Proxy-Authorization: Basic bWU6cGFzcyB3b3JkJTNB\r\n"));
    assert_null(strstr(way.connect, "glpat-secret"));
    assert_non_null(strstr(r.body, "PRIVATE-TOKEN: glpat-secret"));
    assert_null(strstr(r.body, "Proxy-Authorization"));
    way.tls = NULL;
    tiny_stop(&target);
    tiny_stop(&proxy);
}

/* Plain http is forwarded; to an address of one's own choice it is led like anything else. */
static void plain_http_through_a_proxy(void **state)
{
    struct world *w = *state;
    struct tiny_server proxy = {0};
    char url[64];
    struct result r;

    begin_way(&proxy, OPEN, url);
    fetch(w, (struct http_request){.url = "http://nowhere.test/x", .proxy = url, .proxy_auth = "me:secret"}, &r);
    assert_ptr_equal(strstr(r.body, "GET http://nowhere.test/x HTTP/1.1\r\n"), r.body);
    assert_non_null(strstr(r.body, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
    fetch(w, (struct http_request){.url = "http://nowhere.test/x", .proxy = url, .connect_to = "10.0.0.7"}, &r);
    assert_ptr_equal(strstr(way.connect, "CONNECT 10.0.0.7:80 HTTP/1.1\r\n"), way.connect);
    assert_ptr_equal(strstr(r.body, "GET /x HTTP/1.1\r\n"), r.body);
    assert_non_null(strstr(r.body, "Host: nowhere.test\r\n"));
    tiny_stop(&proxy);
}

static void what_a_proxy_answers_is_not_the_servers(void **state)
{
    static const struct {
        const char *says, *reason;
        enum err_kind kind;
    } cases[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
         "ProxyRefused", ERR_DENIED},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n", "ProxyRefused", ERR_DENIED},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "ConnectionRefused", ERR_RETRY},
        {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "ConnectionRefused", ERR_RETRY},
        {"HTTP/1.1 302 Found\r\nLocation: http://x.test/\r\nContent-Length: 0\r\n\r\n", "ConnectionRefused", ERR_RETRY},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiny_server proxy = {0};
        char url[64];
        struct result r;
        begin_way(&proxy, cases[i].says, url);
        fetch(w,
              (struct http_request){.url = "https://nowhere.test/x",
                                    .method = "POST",
                                    .body = "secret",
                                    .body_len = 6,
                                    .once = true,
                                    .alone = true,
                                    .proxy = url},
              &r);
        assert_failed(&r, cases[i].kind, cases[i].reason);
        assert_false(r.reply.sent);
        assert_non_null(strstr(r.reply.err.text, "nowhere.test:443 through a proxy: the proxy "));
        tiny_stop(&proxy);
    }
}

static void a_proxy_that_is_not_there(void **state)
{
    struct world *w = *state;
    struct tiny_server proxy = {0}, silent = {.silent = true};
    const char *urls[] = {NULL, "http://nowhere.test:3128", "http://192.0.2.1:3128"};
    char url[64];
    struct result r;

    begin_way(&proxy, "", url);
    tiny_stop(&proxy);
    urls[0] = url;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        fetch(w, (struct http_request){.url = "https://nowhere.test/x", .proxy = urls[i], .connect_timeout_ms = 300},
              &r);
        assert_failed(&r, ERR_RETRY, PROXY_UNREACHABLE);
        fetch(w, (struct http_request){.url = "http://nowhere.test/x", .proxy = urls[i], .connect_timeout_ms = 300},
              &r);
        assert_failed(&r, ERR_RETRY, PROXY_UNREACHABLE);
    }
    tiny_start(&silent, NULL, NULL); /* it is there, and does not get through: nobody knows whose fault that is */
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", silent.port);
    fetch(w, (struct http_request){.url = "https://nowhere.test/x", .proxy = url, .connect_timeout_ms = 300}, &r);
    assert_failed(&r, ERR_RETRY, "ConnectTimeout");
    tiny_stop(&silent);
}

/* Whom the proxy's certificate may be from is said beside it; the authority of a request's own is for the server. */
static void an_https_proxy_is_trusted_by_its_own_authority(void **state)
{
    struct world *w = *state;
    struct identity other = identity_make("localhost", "DNS:localhost,IP:127.0.0.1", &w->other_ca, -DAY, DAY);
    struct tiny_server proxy = {.respond = respond_as_proxy};
    struct result r;
    char url[64];

    way.says = OPEN;
    tiny_start(&proxy, &other, NULL);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", proxy.port);
    fetch(w,
          (struct http_request){
              .url = "http://nowhere.test/x", .alone = true, .proxy = url, .proxy_ca = w->other_ca.cert_pem},
          &r);
    assert_ptr_equal(strstr(r.body, "GET http://nowhere.test/x HTTP/1.1\r\n"), r.body);
    fetch(w,
          (struct http_request){.url = "http://nowhere.test/x",
                                .alone = true,
                                .proxy = url,
                                .connect_to = "10.0.0.7",
                                .proxy_ca = w->other_ca.cert_pem,
                                .tls = {.ca_pem = w->ca.cert_pem}},
          &r);
    assert_ptr_equal(strstr(r.body, "GET /x HTTP/1.1\r\n"), r.body);
    fetch(w, (struct http_request){.url = "http://nowhere.test/x", .alone = true, .proxy = url}, &r);
    assert_failed(&r, ERR_RETRY, PROXY_UNREACHABLE);
    fetch(w,
          (struct http_request){
              .url = "http://nowhere.test/y", .alone = true, .proxy = url, .tls = {.ca_pem = w->other_ca.cert_pem}},
          &r);
    assert_failed(&r, ERR_RETRY, PROXY_UNREACHABLE);
    tiny_stop(&proxy);
    identity_free(&other);
}

/* ---- Connections that fail. */

static void nobody_listens(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    char place[32];
    struct result r;

    tiny_start(&s, NULL, NULL);
    tiny_stop(&s);
    snprintf(place, sizeof(place), "127.0.0.1:%d: ", s.port);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_failed(&r, ERR_RETRY, "ConnectionRefused");
    assert_ptr_equal(strstr(r.reply.err.text, place), r.reply.err.text);
    assert_non_null(strstr(r.reply.err.text, "Connection refused"));
    assert_false(r.reply.sent);
}

static void a_name_that_does_not_exist(void **state)
{
    struct world *w = *state;
    struct result r;

    fetch(w, (struct http_request){.url = "https://nowhere.test/x"}, &r);
    assert_failed(&r, ERR_RETRY, "HostNotFound");
    assert_ptr_equal(strstr(r.reply.err.text, "nowhere.test:443: "), r.reply.err.text);
    assert_false(r.reply.sent);
}

static void urls_that_are_none(void **state)
{
    static const char *const urls[] = {
        "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "http:///x", "http://", ""};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        fetch(w, (struct http_request){.url = urls[i]}, &r);
        assert_failed(&r, ERR_INVALID, "InvalidURL");
        assert_false(r.reply.sent);
    }
}

/* Whoever calls: what would become a second request, or another place, is not sent. */
static void requests_that_hold_what_none_may(void **state)
{
    static const char *const broken[] = {"PRIVATE-TOKEN: x\r\nX-Injected: yes\r\n\r\nDELETE /all HTTP/1.1", NULL},
                             *const alone[] = {"X: a\nb", NULL}, *const nul[] = {"X: \x7f", NULL},
                             *const german[] = {"X: \xc3\xa4", NULL};
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_echo};
    struct result r;
    tiny_start(&s, NULL, NULL);
    const struct http_request requests[] = {
        {.headers = broken},
        {.headers = alone},
        {.headers = nul},
        {.headers = german},
        {.method = "GET / HTTP/1.1\r\nX: y"},
        {.connect_to = "127.0.0.1\n"},
        {.connect_to = "127.0.0.1,evil"},
        {.tls = {.server_name = "a b"}},
    };

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct http_request request = requests[i];
        request.url = URL(&s);
        fetch(w, request, &r);
        if (request.tls.server_name && strcmp(r.reply.err.reason, "InvalidURL") == 0)
            continue;
        assert_failed(&r, ERR_INVALID, "InvalidRequest");
        assert_false(r.reply.sent);
        assert_null(strstr(r.reply.err.text, "DELETE")); /* nothing of it is told */
    }
    assert_int_equal(s.requests, 0);
    tiny_stop(&s);
}

/* Heads without an end, in each of the three places where they may come. */
static bool respond_endless_head(struct tiny_conn *c)
{
    tiny_say(c, "HTTP/1.1 200 OK\r\n");
    while (tiny_say(c, "X-Header: 0123456789012345678901234567890123456789\r\n"))
        ;
    return false;
}

static bool respond_endless_continue(struct tiny_conn *c)
{
    while (tiny_say(c, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"))
        ;
    return false;
}

static bool respond_endless_trailer(struct tiny_conn *c)
{
    tiny_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n");
    while (tiny_say(c, "X-Trailer: 0123456789012345678901234567890123456789\r\n"))
        ;
    return false;
}

static void heads_without_an_end(void **state)
{
    static bool (*const heads[])(struct tiny_conn * c) = {respond_endless_head, respond_endless_continue,
                                                          respond_endless_trailer};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct tiny_server s = {.respond = heads[i]};
        tiny_start(&s, NULL, NULL);
        fetch(w, (struct http_request){.url = URL(&s)}, &r);
        assert_failed(&r, ERR_RETRY, "ResponseTooLarge");
        tiny_stop(&s);
    }
}

static void connections_that_break(void **state)
{
    static bool (*const breaks[])(struct tiny_conn * c) = {respond_nothing, respond_half, respond_garbage,
                                                           respond_no_status};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        struct tiny_server s = {.respond = breaks[i]};
        tiny_start(&s, NULL, NULL);
        fetch(w, (struct http_request){.url = URL(&s)}, &r);
        assert_failed(&r, ERR_RETRY, "ConnectionLost");
        assert_true(r.reply.sent);
        tiny_stop(&s);
    }
}

static bool respond_half_a_refusal(struct tiny_conn *c)
{
    tiny_say(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 10\r\n\r\nhal");
    return false;
}

static void a_refusal_counts_without_its_explanation(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_half_a_refusal};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_int_equal(r.reply.err.kind, ERR_NONE);
    assert_int_equal(r.reply.status, 401);
    assert_string_equal(r.body, "hal");
    tiny_stop(&s);
}

static void every_wait_ends(void **state)
{
    struct world *w = *state;
    struct tiny_server dumb = {.silent = true}, mute = {.respond = respond_never};
    struct result r;

    tiny_start(&dumb, &w->server, NULL);
    tiny_start(&mute, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&dumb), .connect_timeout_ms = 60}, &r);
    assert_failed(&r, ERR_RETRY, "ConnectTimeout");
    assert_false(r.reply.sent);
    fetch(w, (struct http_request){.url = URL(&mute), .connect_timeout_ms = 5000, .timeout_ms = 400}, &r);
    assert_failed(&r, ERR_RETRY, "Timeout");
    assert_non_null(strstr(r.reply.err.text, "after 400 ms"));
    assert_true(r.reply.sent);
    fetch(w, (struct http_request){.url = URL(&mute), .idle_timeout_ms = 300, .timeout_ms = 30000}, &r);
    assert_failed(&r, ERR_RETRY, "ConnectionLost");
    assert_non_null(strstr(r.reply.err.text, "after 300 ms"));
    assert_true(r.reply.sent);
    tiny_stop(&dumb);
    tiny_stop(&mute);
}

/* ---- Repeating. */

static void what_may_happen_once_is_never_sent_twice(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_every_other};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_ok(&r, "hello"); /* leaves a connection that will die unanswered */
    fetch(w, (struct http_request){.url = URL(&s), .method = "POST", .body = "x", .body_len = 1, .once = true}, &r);
    assert_failed(&r, ERR_RETRY, "ConnectionLost");
    assert_true(r.reply.sent);
    assert_int_equal(s.requests, 2);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_ok(&r, "hello");
    fetch(w, (struct http_request){.url = URL(&s)}, &r); /* libcurl repeats this one, on a new connection */
    assert_ok(&r, "hello");
    assert_int_equal(s.requests, 5);
    tiny_stop(&s);
}

static void connections_are_kept_and_can_be_closed(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result r;

    tiny_start(&s, NULL, NULL);
    for (int i = 0; i < 3; i++)
        fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_int_equal(s.connections, 1);
    http_close_idle(w->http);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_int_equal(s.connections, 2);
    tiny_stop(&s);
}

static void closing_idle_ones_does_not_disturb_the_busy(void **state)
{
    struct world *w = *state;
    struct tiny_server slow = {.respond = respond_when_told}, s = {.respond = respond_after_the_other};
    struct result busy, r;

    tiny_start(&slow, NULL, NULL);
    tiny_start(&s, NULL, NULL);
    start(w, (struct http_request){.url = URL(&slow)}, &busy);
    start(w, (struct http_request){.url = URL(&s)}, &r);
    w->waiting = 1;
    run(w);
    assert_ok(&r, "hello");
    http_close_idle(w->http);
    sem_post(&answer_may_come);
    w->waiting = 1;
    run(w);
    assert_ok(&busy, "hello");
    tiny_stop(&slow);
    tiny_stop(&s);
}

/* ---- Cancelling. */

static void a_cancelled_request_is_silent(void **state)
{
    struct world *w = *state;
    struct tiny_server mute = {.respond = respond_when_told}, s = {.respond = respond_after_the_other};
    struct result held, sent, r;

    tiny_start(&mute, NULL, NULL);
    tiny_start(&s, NULL, NULL);
    uint64_t sent_id = start(w, (struct http_request){.url = URL(&mute), .fenced = true}, &sent);
    start(w, (struct http_request){.url = URL(&s)}, &r);
    w->waiting = 1;
    run(w); /* the other one is on its way */
    s.respond = respond_hello;
    uint64_t held_id = start(w, (struct http_request){.url = URL(&s), .fenced = true}, &held);
    assert_int_equal(http_fenced_in_flight(w->http), 2);
    http_cancel(w->http, held_id);
    http_cancel(w->http, sent_id);
    http_cancel(w->http, sent_id); /* twice, or an id that never was: nothing */
    http_cancel(w->http, 4711);
    assert_int_equal(http_fenced_in_flight(w->http), 0);
    w->waiting = 0;
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_int_equal(sent.calls + held.calls, 0);
    assert_int_equal(sent.releases + held.releases, 2);
    assert_int_equal(s.requests, 2);
    sem_post(&answer_may_come);
    tiny_stop(&mute);
    tiny_stop(&s);
}

static void nobody_waits_for_a_slow_resolver(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result slow, late, r;

    tiny_start(&s, NULL, NULL);
    uint64_t id = start(w, (struct http_request){.url = "http://slow.test/"}, &slow);
    start(w, (struct http_request){.url = "http://slow.test/", .connect_timeout_ms = 50}, &late);
    w->waiting = 1;
    run(w); /* blocks for ever when the resolver's thread is waited for */
    assert_failed(&late, ERR_RETRY, "ConnectTimeout");
    http_cancel(w->http, id);
    w->waiting = 0;
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(slow.calls, 0);
    sem_post(&resolver_may_go_on);
    sem_post(&resolver_may_go_on);
    tiny_stop(&s);
}

static void what_is_in_flight_ends_with_its_owner(void **state)
{
    struct world *w = *state;
    struct tiny_server mute = {.respond = respond_never}, dumb = {.silent = true};
    struct result r[3];

    tiny_start(&mute, NULL, NULL);
    tiny_start(&dumb, &w->server, NULL);
    start(w, (struct http_request){.url = URL(&mute), .timeout_ms = 50}, &r[0]);
    start(w, (struct http_request){.url = URL(&mute), .fenced = true}, &r[1]);
    start(w, (struct http_request){.url = URL(&dumb), .fenced = true}, &r[2]);
    w->waiting = 1;
    run(w); /* two are on their way now; tear_down() destroys */
    http_close_idle(w->http);
    assert_int_equal(http_fenced_in_flight(w->http), 2);
    http_destroy(w->http);
    w->http = NULL;
    assert_int_equal(r[1].calls + r[2].calls, 0);
    assert_int_equal(r[1].releases + r[2].releases, 2);
    tiny_stop(&mute);
    tiny_stop(&dumb);
}

/* ---- The fence. */

static bool is_open(void *arg)
{
    return *(bool *)arg;
}

static void nothing_fenced_is_sent_while_the_fence_is_closed(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result r;
    bool open = false;

    tiny_start(&s, NULL, NULL);
    http_fence(w->http, is_open, &open);
    fetch(w, (struct http_request){.url = URL(&s), .fenced = true}, &r);
    assert_failed(&r, ERR_RETRY, "Fenced");
    assert_false(r.reply.sent);
    assert_int_equal(s.requests, 0);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_ok(&r, "hello");
    open = true;
    fetch(w, (struct http_request){.url = URL(&s), .fenced = true}, &r);
    assert_ok(&r, "hello");
    open = false;
    http_fence(w->http, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .fenced = true}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(s.requests, 3);
    tiny_stop(&s);
}

/* What was started while the fence was open may wait for its name, its connection, or a process that was stopped. */
static void the_fence_is_asked_at_the_last_moment(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result fenced, other;
    bool open = true;

    tiny_start(&s, NULL, NULL);
    http_fence(w->http, is_open, &open);
    start(w, (struct http_request){.url = URL(&s), .fenced = true}, &fenced);
    start(w, (struct http_request){.url = URL(&s)}, &other);
    assert_int_equal(http_fenced_in_flight(w->http), 1);
    open = false;
    run(w);
    assert_failed(&fenced, ERR_RETRY, "Fenced");
    assert_ok(&other, "hello");
    assert_int_equal(http_fenced_in_flight(w->http), 0);
    assert_int_equal(s.requests, 1);
    tiny_stop(&s);
}

/* Its body may not be sent yet: nothing that has been begun goes on. */
static void what_is_under_way_ends_when_the_fence_closes(void **state)
{
    struct world *w = *state;
    struct tiny_server mute = {.respond = respond_when_told}, s = {.respond = respond_after_the_other};
    struct result fenced, other;
    bool open = true;

    tiny_start(&mute, NULL, NULL);
    tiny_start(&s, NULL, NULL);
    http_fence(w->http, is_open, &open);
    start(w, (struct http_request){.url = URL(&mute), .fenced = true}, &fenced);
    start(w, (struct http_request){.url = URL(&s)}, &other);
    w->waiting = 1;
    run(w);
    open = false;
    s.respond = respond_hello;
    w->waiting = 2;
    start(w, (struct http_request){.url = URL(&s)}, &other);
    w->waiting = 2;
    run(w);
    assert_failed(&fenced, ERR_RETRY, "Fenced");
    assert_true(fenced.reply.sent);
    assert_ok(&other, "hello");
    sem_post(&answer_may_come);
    tiny_stop(&mute);
    tiny_stop(&s);
}

/* ---- Streams. */

static bool respond_stream(struct tiny_conn *c)
{
    tiny_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        if (!tiny_say(c, "4\r\nabc\n\r\n"))
            return false;
    }
    return tiny_say(c, "0\r\n\r\n");
}

static bool on_data(void *arg, const char *data, size_t len)
{
    struct result *r = arg;

    buf_add(&r->stream, data, len);
    if (r->cancel_in_data) {
        http_cancel(r->world->http, r->cancel_in_data);
        loop_stop(r->world->loop);
    }
    return r->pieces_wanted == 0 || --r->pieces_wanted > 0;
}

static void a_stream_comes_in_pieces(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_stream};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .on_data = on_data}, &r);
    assert_ok(&r, "");
    assert_string_equal(r.stream.data, "abc\nabc\nabc\nabc\n");
    buf_finish(&r.stream);

    start(w, (struct http_request){.url = URL(&s), .on_data = on_data}, &r);
    r.pieces_wanted = 1;
    run(w);
    assert_failed(&r, ERR_RETRY, "Cancelled");
    buf_finish(&r.stream);

    uint64_t id = start(w, (struct http_request){.url = URL(&s), .on_data = on_data}, &r);
    r.cancel_in_data = id;
    run(w);
    struct result next;
    w->waiting = 0;
    fetch(w, (struct http_request){.url = URL(&s)}, &next); /* meanwhile the cancelled one is given back */
    assert_int_equal(r.calls, 0);
    assert_int_equal(r.releases, 1);
    buf_finish(&r.stream);
    tiny_stop(&s);
}

static void a_refused_stream_has_a_body(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_busy};
    const char *headers[] = {"Wish: 410 Gone", NULL};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .headers = headers, .on_data = on_data}, &r);
    assert_int_equal(r.reply.status, 410);
    assert_string_equal(r.body, "{}");
    assert_int_equal(r.stream.len, 0);
    tiny_stop(&s);
}

static bool respond_trickle(struct tiny_conn *c)
{
    const struct timespec pause = {.tv_nsec = 100000000};

    tiny_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        tiny_say(c, "1\r\nx\r\n");
        nanosleep(&pause, NULL); /* the pace of this server, not a wait of the test */
    }
    return true; /* and then silence */
}

static void a_stream_ends_when_nothing_comes(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_trickle};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .on_data = on_data, .idle_timeout_ms = 600}, &r);
    assert_failed(&r, ERR_RETRY, "ConnectionLost");
    assert_string_equal(r.stream.data, "xxxxxxxxxx"); /* a second of pieces did not count as silence */
    buf_finish(&r.stream);
    tiny_stop(&s);
}

/* Two streams go silent; of the one whose peer is in doubt less patience is had. New requests get new connections. */
static void a_peer_in_doubt_is_waited_for_less(void **state)
{
    struct world *w = *state;
    struct tiny_server mute = {.respond = respond_never}, other = {.respond = respond_when_told};
    struct http_request request = {.url = NULL, .idle_timeout_ms = 50000, .on_data = on_data};
    struct result lost, kept, r;

    tiny_start(&mute, NULL, NULL);
    tiny_start(&other, NULL, NULL);
    request.url = URL(&mute);
    start(w, request, &lost);
    request.url = URL(&other);
    start(w, request, &kept);
    start(w, (struct http_request){.url = URL(&mute), .timeout_ms = 1500}, &r);
    w->waiting = 1;
    run(w);
    assert_failed(&r, ERR_RETRY, "Timeout");
    assert_true(r.reply.mute);
    http_distrust(w->http, URL(&mute), 400);
    w->waiting = 1;
    run(w);
    assert_failed(&lost, ERR_RETRY, "ConnectionLost");
    assert_non_null(strstr(lost.reply.err.text, "after 400 ms"));
    assert_true(lost.reply.mute);
    assert_int_equal(kept.calls, 0);
    sem_post(&answer_may_come);
    w->waiting = 1;
    run(w);
    assert_int_equal(kept.reply.status, 200);
    assert_string_equal(kept.stream.data, "hello");
    int before = mute.connections;
    mute.respond = respond_hello;
    fetch(w, (struct http_request){.url = URL(&mute)}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(mute.connections, before + 1);
    buf_finish(&kept.stream);
    tiny_stop(&mute);
    tiny_stop(&other);
}

/* ---- TLS. */

static void certificates_are_judged(void **state)
{
    struct world *w = *state;
    struct identity expired = identity_make("localhost", "IP:127.0.0.1", &w->ca, -2 * DAY, -DAY);
    struct identity early = identity_make("localhost", "IP:127.0.0.1", &w->ca, DAY, 2 * DAY);
    struct identity elsewhere = identity_make("other", "DNS:other.test", &w->ca, -DAY, DAY);
    struct identity self_signed = identity_make("localhost", "IP:127.0.0.1", NULL, -DAY, DAY);
    struct {
        const struct identity *server;
        struct http_tls tls;
        const char *reason; /* NULL: trusted */
        enum err_kind kind;
    } cases[] = {
        {&w->server, {.ca_pem = w->ca.cert_pem, .ca_only = true}, NULL, ERR_NONE},
        {&w->server, {.ca_pem = w->ca.cert_pem}, NULL, ERR_NONE},
        {&w->server, {0}, "UntrustedCertificate", ERR_DENIED},
        {&w->server, {.ca_only = true}, "UntrustedCertificate", ERR_DENIED},
        {&w->server, {.ca_pem = w->other_ca.cert_pem, .ca_only = true}, "UntrustedCertificate", ERR_DENIED},
        {&w->server, {.ca_pem = w->other_ca.cert_pem}, "UntrustedCertificate", ERR_DENIED},
        {&w->server, {.ca_pem = "no certificate", .ca_only = true}, "InvalidCA", ERR_DENIED},
        {&w->server, {.insecure = true}, NULL, ERR_NONE},
        {&self_signed, {0}, "UntrustedCertificate", ERR_DENIED},
        {&self_signed, {.ca_pem = self_signed.cert_pem}, NULL, ERR_NONE},
        {&expired, {.ca_pem = w->ca.cert_pem}, "CertificateExpired", ERR_DENIED},
        {&early, {.ca_pem = w->ca.cert_pem}, "CertificateExpired", ERR_DENIED},
        {&elsewhere, {.ca_pem = w->ca.cert_pem}, "CertificateHostMismatch", ERR_DENIED},
        {&elsewhere, {.ca_pem = w->ca.cert_pem, .server_name = "other.test"}, NULL, ERR_NONE},
        {&w->server, {.ca_pem = w->ca.cert_pem, .server_name = "other.test"}, "CertificateHostMismatch", ERR_DENIED},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiny_server s = {.respond = respond_hello};
        struct result r;
        tiny_start(&s, cases[i].server, NULL);
        fetch(w, (struct http_request){.url = URL(&s), .tls = cases[i].tls}, &r);
        if (!cases[i].reason) {
            assert_ok(&r, "hello");
        } else {
            assert_failed(&r, cases[i].kind, cases[i].reason);
            assert_false(r.reply.sent);
        }
        tiny_stop(&s);
    }
    identity_free(&expired);
    identity_free(&early);
    identity_free(&elsewhere);
    identity_free(&self_signed);
}

/* A CA that is configured is added to what the machine trusts, unless it shall be the only one. */
static void the_system_is_trusted_too(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    char path[] = "/tmp/test-http-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    struct result r;

    fputs(w->ca.cert_pem, file);
    fclose(file);
    setenv("SSL_CERT_FILE", path, 1);
    http_destroy(w->http);
    w->http = http_create(w->loop, "tester/1");
    tiny_start(&s, &w->server, NULL);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_ok(&r, "hello");
    fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = w->other_ca.cert_pem}, &r);
    assert_ok(&r, "hello");
    fetch(w, (struct http_request){.url = URL(&s), .tls = {.ca_pem = w->other_ca.cert_pem, .ca_only = true}}, &r);
    assert_failed(&r, ERR_DENIED, "UntrustedCertificate"); /* although a connection for this text is there */
    tiny_stop(&s);
    unlink(path);
    unsetenv("SSL_CERT_FILE");
}

static void trust_is_not_shared(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct http_tls good = {.ca_pem = w->ca.cert_pem, .ca_only = true};
    struct http_tls bad[] = {{.ca_pem = w->other_ca.cert_pem, .ca_only = true}, {.ca_only = true}, {0}};
    struct result r, r2;

    tiny_start(&s, &w->server, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .tls = good}, &r);
    fetch(w, (struct http_request){.url = URL(&s), .tls = {.insecure = true}}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(s.connections, 2);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) { /* while good connections are idle */
        fetch(w, (struct http_request){.url = URL(&s), .tls = bad[i]}, &r);
        assert_failed(&r, ERR_DENIED, "UntrustedCertificate");
    }
    start(w, (struct http_request){.url = URL(&s), .tls = good}, &r); /* at the same time */
    start(w, (struct http_request){.url = URL(&s), .tls = bad[0]}, &r2);
    run(w);
    assert_ok(&r, "hello");
    assert_failed(&r2, ERR_DENIED, "UntrustedCertificate");
    tiny_stop(&s);
}

/* More authorities than are kept parsed, and the first one again. */
static void many_authorities(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct identity others[6];
    struct result r;

    tiny_start(&s, &w->server, NULL);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i] = identity_make("another", NULL, NULL, -DAY, DAY);
        fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = others[i].cert_pem}, &r);
        assert_failed(&r, ERR_DENIED, "UntrustedCertificate");
        fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = w->ca.cert_pem}, &r);
        assert_ok(&r, "hello");
        http_close_idle(w->http);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        identity_free(&others[i]);
    tiny_stop(&s);
}

/* As a text of len certificates, or so many bytes more. */
static char *bundle_of(const char *pem, size_t len, size_t padding)
{
    size_t size = strlen(pem);
    char *text = mem_alloc(len * size + padding + 1);

    for (size_t i = 0; i < len; i++)
        memcpy(text + i * size, pem, size);
    memset(text + len * size, '\n', padding);
    return text;
}

static void a_bundle_has_its_bounds(void **state)
{
    struct world *w = *state;
    const struct {
        size_t len, padding;
        const char *complaint;
    } cases[] = {
        {1, 0, NULL},
        {HTTP_CA_COUNT_MAX, 0, NULL},
        {HTTP_CA_COUNT_MAX + 1, 0, "has more than 200 certificates"},
        {1, HTTP_CA_BYTES_MAX, "is longer than 256 KiB"},
        {1, HTTP_CA_BYTES_MAX / 2, NULL},
    };
    struct tiny_server s = {.respond = respond_hello};

    tiny_start(&s, &w->server, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_free char *text = bundle_of(w->ca.cert_pem, cases[i].len, cases[i].padding);
        struct result r;
        const char *complaint = http_ca_refuses(text);
        assert_string_equal(complaint ? complaint : "", cases[i].complaint ? cases[i].complaint : "");
        fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = text}, &r);
        if (complaint)
            assert_failed(&r, ERR_DENIED, "InvalidCA");
        else
            assert_ok(&r, "hello");
    }
    tiny_stop(&s);
}

/* Neither what is no certificate, nor nothing. */
static void what_is_no_bundle(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {"", "no certificate",
                                        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    struct tiny_server s = {.respond = respond_hello};
    struct result r;

    tiny_start(&s, &w->server, NULL);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = texts[i]}, &r);
        assert_failed(&r, ERR_DENIED, "InvalidCA");
    }
    tiny_stop(&s);
}

/* Each version of TLS has its own way to say that there must be a certificate, or another one. */
static void a_client_proves_itself(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct world *w = *state;
    struct identity client = identity_make("client", "DNS:client", &w->other_ca, -DAY, DAY);
    struct identity stranger = identity_make("client", "DNS:client", &w->ca, -DAY, DAY);
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tiny_server s = {.respond = respond_hello};
        struct http_tls tls = {.ca_pem = w->ca.cert_pem}, none = tls, other = tls;
        tiny_start(&s, &w->server, &w->other_ca);
        SSL_CTX_set_max_proto_version(s.tls, versions[i]);
        tls.client_cert = client.cert_pem;
        tls.client_key = client.key_pem;
        fetch(w, (struct http_request){.url = URL(&s), .tls = tls}, &r);
        assert_ok(&r, "hello");
        fetch(w, (struct http_request){.url = URL(&s), .tls = none}, &r); /* must not use the proven connection */
        assert_failed(&r, ERR_DENIED, "ClientCertificateRequired");
        assert_false(r.reply.sent);
        other.client_cert = stranger.cert_pem;
        other.client_key = stranger.key_pem;
        fetch(w, (struct http_request){.url = URL(&s), .tls = other}, &r);
        assert_failed(&r, ERR_DENIED, "ClientCertificateRefused");
        assert_false(r.reply.sent);
        assert_int_equal(s.requests, 1);
        tiny_stop(&s);
    }
    identity_free(&client);
    identity_free(&stranger);
}

/* Who knows a certificate, which is no secret, and not its key gets nowhere; not on another one's connection either. */
static void a_certificate_is_nothing_without_its_key(void **state)
{
    struct world *w = *state;
    struct identity client = identity_make("client", "DNS:client", &w->other_ca, -DAY, DAY);
    struct tiny_server s = {.respond = respond_hello};
    struct http_tls tls = {
        .ca_pem = w->ca.cert_pem, .ca_only = true, .client_cert = client.cert_pem, .client_key = client.key_pem};
    const char *keys[] = {w->other_ca.key_pem, "nonsense"};
    struct result r;

    tiny_start(&s, &w->server, &w->other_ca);
    fetch(w, (struct http_request){.url = URL(&s), .tls = tls}, &r);
    assert_ok(&r, "hello");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct http_tls wrong = tls;
        wrong.client_key = keys[i];
        fetch(w, (struct http_request){.url = URL(&s), .tls = wrong}, &r);
        assert_failed(&r, ERR_DENIED, "TLSError");
    }
    fetch(w, (struct http_request){.url = URL(&s), .tls = tls}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(s.requests, 2);
    tiny_stop(&s);
    identity_free(&client);
}

/* A server that asks, and lets in who has none, is as any other, also when it breaks the connection. One that breaks it
 * without a word, after it has asked, is taken to demand one, where the request says so. */
static void a_certificate_that_is_asked_for_may_be_left_out(void **state)
{
    static const struct {
        bool (*respond)(struct tiny_conn *c);
        size_t tickets; /* by which TLS 1.3 shows that the handshake has ended */
        bool tells_demand;
        const char *reason;
    } cases[] = {{respond_hello, 2, true, NULL},
                 {respond_hello, 0, true, NULL},
                 {respond_nothing, 2, true, "ConnectionLost"},
                 {respond_nothing, 0, false, "ConnectionLost"},
                 {respond_nothing, 0, true, "ClientCertificateRequired"}};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiny_server s = {.respond = cases[i].respond};
        struct http_tls tls = {.ca_pem = w->ca.cert_pem, .tells_demand = cases[i].tells_demand};
        tiny_start(&s, &w->server, &w->other_ca);
        SSL_CTX_set_verify(s.tls, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_num_tickets(s.tls, cases[i].tickets);
        fetch(w, (struct http_request){.url = URL(&s), .tls = tls}, &r);
        if (cases[i].reason)
            assert_string_equal(r.reply.err.reason, cases[i].reason);
        else
            assert_ok(&r, "hello");
        assert_true(!cases[i].reason || r.reply.sent); /* it may have read the request */
        tiny_stop(&s);
    }
}

static char *encrypted(const struct identity *id)
{
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PrivateKey(bio, id->key, EVP_aes_128_cbc(), (const unsigned char *)"x", 1, NULL, NULL);
    return identity_text(bio);
}

static void a_pair_that_nobody_could_use_is_told(void **state)
{
    struct world *w = *state;
    cleanup_arena struct arena a = {0};
    int64_t now = time(NULL);
    struct identity good = identity_make("good", "DNS:good", &w->ca, -DAY, DAY);
    cleanup_free char *locked = encrypted(&good), *lots = calloc(1, HTTP_CLIENT_PEM_MAX + 2);
    struct {
        const char *cert;
        int64_t now;
        const char *why;
    } certs[] = {
        {good.cert_pem, now, NULL},
        {arena_printf(&a, "some words\n%s%s", good.cert_pem, w->ca.cert_pem), now, NULL},
        {good.cert_pem, now + 3 * DAY, "has a certificate that expired on 2"},
        {good.cert_pem, now - 3 * DAY, "has a certificate that is not valid before 2"},
        {"", now, "has no certificate in PEM"},
        {good.key_pem, now, "has no certificate in PEM"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", now, "has no certificate in PEM"},
        {memset(lots, 'x', HTTP_CLIENT_PEM_MAX + 1), now, "is longer than 64 KiB"},
    };
    const char *keys[][2] = {{good.key_pem, NULL},
                             {w->ca.key_pem, "is not the key of the certificate"},
                             {good.cert_pem, "has no private key in PEM"},
                             {"", "has no private key in PEM"},
                             {locked, "is encrypted"},
                             {lots, "has no private key in PEM"}};

    for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
        const char *why = http_client_cert_refuses(certs[i].cert, certs[i].now, &a);
        assert_true(certs[i].why ? why && strncmp(why, certs[i].why, strlen(certs[i].why)) == 0 : !why);
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *why = http_client_key_refuses(keys[i][0], good.cert_pem);
        assert_true(keys[i][1] ? why && strncmp(why, keys[i][1], strlen(keys[i][1])) == 0 : !why);
    }
    identity_free(&good);
}

static void the_address_may_differ_from_the_name(void **state)
{
    struct world *w = *state;
    struct identity id = identity_make("gitlab.test", "DNS:gitlab.test", &w->ca, -DAY, DAY);
    struct tiny_server s = {.respond = respond_echo};
    struct http_tls tls = {.ca_pem = w->ca.cert_pem, .ca_only = true};
    char url[64], host[64];
    struct result r;

    tiny_start(&s, &id, NULL);
    snprintf(url, sizeof(url), "https://gitlab.test:%d/", s.port);
    snprintf(host, sizeof(host), "\r\nHost: gitlab.test:%d\r\n", s.port);
    fetch(w, (struct http_request){.url = url, .tls = tls, .connect_to = "127.0.0.1"}, &r);
    assert_int_equal(r.reply.status, 200);
    assert_non_null(strstr(r.body, host));
    fetch(w, (struct http_request){.url = url, .tls = tls, .connect_to = "::1", .connect_timeout_ms = 500}, &r);
    assert_int_equal(r.reply.status, 0); /* a bare IPv6 address, where nobody listens: not the same connection */
    assert_non_null(strstr(r.reply.err.text, " at ::1: "));
    tls.server_name = "gitlab.test"; /* the other way round */
    fetch(w, (struct http_request){.url = URL(&s), .tls = tls}, &r);
    snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", s.port);
    assert_non_null(strstr(r.body, host));
    tiny_stop(&s);
    identity_free(&id);
}

/* A connection that one authority has vouched for is not used by who trusts another, nor are the system's. */
static void each_keeps_to_its_own_authority(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct http_tls mine = {.ca_pem = w->ca.cert_pem}, others[] = {{.ca_pem = w->other_ca.cert_pem}, {0}};
    struct result r;

    tiny_start(&s, &w->server, NULL);
    fetch(w, (struct http_request){.url = URL(&s), .tls = mine}, &r);
    assert_ok(&r, "hello");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        fetch(w, (struct http_request){.url = URL(&s), .tls = others[i]}, &r);
        assert_failed(&r, ERR_DENIED, "UntrustedCertificate");
        assert_false(r.reply.sent);
    }
    assert_int_equal(s.requests, 1);
    fetch(w, (struct http_request){.url = URL(&s), .tls = mine}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(s.connections, 3); /* the first of them was used again */
    tiny_stop(&s);
}

static void old_tls_is_refused(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result r;

    tiny_start(&s, &w->server, NULL);
    SSL_CTX_set_security_level(s.tls, 0);
    SSL_CTX_set_max_proto_version(s.tls, TLS1_1_VERSION);
    fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = w->ca.cert_pem}, &r);
    assert_failed(&r, ERR_RETRY, "TLSError");
    SSL_CTX_set_max_proto_version(s.tls, TLS1_2_VERSION);
    fetch(w, (struct http_request){.url = URL(&s), .tls.ca_pem = w->ca.cert_pem}, &r);
    assert_ok(&r, "hello");
    tiny_stop(&s);
}

/* ---- Addresses that the owner of the request does not want. */

static int asked;

static const char *refuse_loopback(const void *policy, const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    bool inside = address->sa_family == AF_INET6 || ntohl(v4->sin_addr.s_addr) >> 24 == 127;

    asked++;
    return inside ? policy : NULL;
}

static const char *refuse_nothing(const void *policy, const struct sockaddr *address)
{
    (void)policy, (void)address;
    return NULL;
}

static void an_address_is_refused_however_it_is_written(void **state)
{
    static const char *const hosts[] = {"127.0.0.1",       "localhost", "2130706433",  "0x7f000001",
                                        "0177.0.0.1",      "127.1",     "[::1]",       "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]", "LOCALHOST", "rebound.test"};
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    char url[80];
    struct result r;

    rebound_to = "127.0.0.1";
    tiny_start(&s, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        snprintf(url, sizeof(url), "http://%s:%d/", hosts[i], s.port);
        fetch(w, (struct http_request){.url = url, .refuse_address = refuse_loopback, .policy = "our own"}, &r);
        assert_failed(&r, ERR_DENIED, "AddressNotAllowed");
        assert_non_null(strstr(r.reply.err.text, " is our own)"));
        assert_false(r.reply.sent);
    }
    fetch(w,
          (struct http_request){
              .url = "http://x.test", .connect_to = "127.0.0.1", .refuse_address = refuse_loopback, .policy = "ours"},
          &r);
    assert_failed(&r, ERR_DENIED, "AddressNotAllowed");
    assert_non_null(strstr(r.reply.err.text, "x.test:80 at 127.0.0.1: "));
    assert_non_null(strstr(r.reply.err.text, "(127.0.0.1 is ours)"));
    assert_int_equal(s.connections, 0); /* not even a SYN */
    tiny_stop(&s);
}

static const char *refuse_all_but_the_first_loopback(const void *policy, const struct sockaddr *address)
{
    return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_LOOPBACK) ? NULL : policy;
}

static void a_name_that_changes_its_mind_is_judged_again(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    char url[80];
    struct http_request request = {
        .url = url, .refuse_address = refuse_all_but_the_first_loopback, .policy = "not what it was"};
    struct result r;

    tiny_start(&s, NULL, NULL);
    snprintf(url, sizeof(url), "http://rebound.test:%d/", s.port);
    rebound_to = "127.0.0.1";
    fetch(w, request, &r);
    assert_ok(&r, "hello");
    rebound_to = "127.0.0.2";
    fetch(w, request, &r);
    assert_ok(&r, "hello"); /* over the connection that is there, which leads where it may */
    assert_int_equal(s.connections, 1);
    http_close_idle(w->http);
    fetch(w, request, &r);
    assert_failed(&r, ERR_DENIED, "AddressNotAllowed");
    assert_non_null(strstr(r.reply.err.text, "(127.0.0.2 is not what it was)"));
    tiny_stop(&s);
}

/* Somebody who may go there has left a connection open. */
static void a_connection_that_is_there_already_is_judged_too(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct result r;

    tiny_start(&s, NULL, NULL);
    fetch(w, (struct http_request){.url = URL(&s)}, &r);
    assert_ok(&r, "hello");
    fetch(w, (struct http_request){.url = URL(&s), .refuse_address = refuse_nothing}, &r);
    assert_ok(&r, "hello");
    assert_int_equal(s.connections, 1);
    asked = 0;
    fetch(w, (struct http_request){.url = URL(&s), .refuse_address = refuse_loopback, .policy = "ours"}, &r);
    assert_failed(&r, ERR_DENIED, "AddressNotAllowed");
    assert_false(r.reply.sent);
    assert_true(asked > 0);
    assert_int_equal(s.requests, 2);
    tiny_stop(&s);
}

/* ---- HTTP/2. */

static void requests_share_a_connection(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.http2 = true, .h2_body = 2};
    struct http_tls tls = {.ca_pem = w->ca.cert_pem, .ca_only = true};
    struct result r[20];

    tiny_start(&s, &w->server, NULL);
    for (size_t i = 0; i < ARRAY_LEN(r); i++)
        start(w, (struct http_request){.url = URL(&s), .tls = tls}, &r[i]);
    run(w);
    for (size_t i = 0; i < ARRAY_LEN(r); i++)
        assert_ok(&r[i], "xx");
    assert_int_equal(s.requests, 20);
    assert_int_equal(s.connections, 1);
    fetch(w, (struct http_request){.url = URL(&s), .tls = tls, .method = "POST", .once = true}, &r[0]);
    assert_ok(&r[0], "xx");
    assert_int_equal(s.connections, 1);
    fetch(w, (struct http_request){.url = URL(&s), .tls = tls, .method = "POST", .alone = true}, &r[0]);
    assert_ok(&r[0], "xx");
    assert_int_equal(s.connections, 2);
    tiny_stop(&s);
}

/* libcurl 7.88 forgets streams whose bytes it has read already; see http_pool.c. */
static void no_stream_is_forgotten(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.http2 = true, .h2_body = 1};
    struct http_request request = {.tls = {.ca_pem = w->ca.cert_pem, .ca_only = true}, .max_body = 1 << 20};
    struct result r[30];

    tiny_start(&s, &w->server, NULL);
    request.url = URL(&s);
    fetch(w, request, &r[0]); /* opens the connection */
    s.h2_at_once = ARRAY_LEN(r);
    for (size_t round = 0; round < 20; round++) {
        s.h2_body = 50000 + round * 7919;
        for (size_t i = 0; i < ARRAY_LEN(r); i++)
            start(w, request, &r[i]);
        run(w);
        for (size_t i = 0; i < ARRAY_LEN(r); i++)
            assert_int_equal(r[i].reply.len, s.h2_body);
    }
    assert_int_equal(s.connections, 1);
    tiny_stop(&s);
}

static void servers_without_http2_get_more_connections(void **state)
{
    struct world *w = *state;
    struct tiny_server s = {.respond = respond_hello};
    struct http_tls tls = {.ca_pem = w->ca.cert_pem, .ca_only = true};
    struct result r[8];

    tiny_start(&s, &w->server, NULL);
    for (size_t i = 0; i < ARRAY_LEN(r); i++)
        start(w, (struct http_request){.url = URL(&s), .tls = tls}, &r[i]);
    run(w);
    for (size_t i = 0; i < ARRAY_LEN(r); i++)
        assert_ok(&r[i], "hello");
    assert_in_range(s.connections, 1, ARRAY_LEN(r));
    tiny_stop(&s);
}

static void a_dead_host_does_not_hold_up_the_others(void **state)
{
    struct world *w = *state;
    struct tiny_server dumb = {.silent = true}, s = {.http2 = true, .h2_body = 2};
    struct http_tls tls = {.ca_pem = w->ca.cert_pem, .ca_only = true};
    struct result dead[10], good[10];

    tiny_start(&dumb, &w->server, NULL);
    tiny_start(&s, &w->server, NULL);
    for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
        start(w, (struct http_request){.url = URL(&dumb), .tls = tls, .connect_timeout_ms = 1500}, &dead[i]);
        start(w, (struct http_request){.url = URL(&s), .tls = tls}, &good[i]);
    }
    w->waiting = ARRAY_LEN(good);
    run(w);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(&good[i], "xx");
        assert_int_equal(dead[i].calls, 0);
    }
    w->waiting = ARRAY_LEN(dead);
    run(w); /* together, not one after the other */
    for (size_t i = 0; i < ARRAY_LEN(dead); i++)
        assert_failed(&dead[i], ERR_RETRY, "ConnectTimeout");
    assert_int_equal(s.connections, 1);
    tiny_stop(&dumb);
    tiny_stop(&s);
}

/* ---- URLs. */

static void urls_are_checked(void **state)
{
    static const struct {
        const char *url, *host; /* host NULL: refused */
    } cases[] = {
        {"https://gitlab.test", "gitlab.test"},
        {"https://gitlab.test/", "gitlab.test"},
        {"HTTP://gitlab.test:8080/git/lab", "gitlab.test:8080"},
        {"https://[::1]:8443/", "[::1]:8443"},
        {"https://gitlab.test/a@b", "gitlab.test"},
        {"gitlab.test", NULL},
        {"ftp://gitlab.test", NULL},
        {"https:/gitlab.test", NULL},
        {"https:///gitlab.test", NULL},
        {"https://", NULL},
        {"", NULL},
        {"https://user@gitlab.test", NULL},
        {"https://user:secret@gitlab.test", NULL},
        {"https://@gitlab.test", NULL},
        {"https://gitlab.test\\@evil.test", NULL},
        {"https://gitlab.test?x", NULL},
        {"https://gitlab.test/?", NULL},
        {"https://gitlab.test/#x", NULL},
        {"https://gitlab.test:99999/", NULL},
        {"https://git lab.test/", NULL},
        {"https://gitlab.test/a b", NULL},
        {"https://gitlab.test/\r\nX: y", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        char host[64] = "";
        assert_int_equal(http_url_is_valid(cases[i].url, host, sizeof(host), &err), cases[i].host != NULL);
        assert_string_equal(host, cases[i].host ? cases[i].host : "");
        assert_int_equal(err.kind, cases[i].host ? ERR_NONE : ERR_INVALID);
        assert_null(strstr(err.text, "secret"));
    }
    assert_true(http_url_is_valid("http://x.test", NULL, 0, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_get_carries_what_was_asked_and_nothing_more),
        TEST(a_body_is_sent_whole_and_at_once),
        TEST(methods_without_a_body),
        TEST(the_server_says_when_to_come_back),
        TEST(a_longer_answer_than_allowed_fails),
        TEST(a_redirect_is_an_answer),
        TEST(proxies_come_from_the_request_only),
        TEST(a_proxy_gets_its_own_credentials_only),
        TEST(plain_http_through_a_proxy),
        TEST(what_a_proxy_answers_is_not_the_servers),
        TEST(a_proxy_that_is_not_there),
        TEST(an_https_proxy_is_trusted_by_its_own_authority),
        TEST(nobody_listens),
        TEST(a_name_that_does_not_exist),
        TEST(urls_that_are_none),
        TEST(requests_that_hold_what_none_may),
        TEST(heads_without_an_end),
        TEST(connections_that_break),
        TEST(a_refusal_counts_without_its_explanation),
        TEST(every_wait_ends),
        TEST(what_may_happen_once_is_never_sent_twice),
        TEST(connections_are_kept_and_can_be_closed),
        TEST(closing_idle_ones_does_not_disturb_the_busy),
        TEST(a_cancelled_request_is_silent),
        TEST(nothing_fenced_is_sent_while_the_fence_is_closed),
        TEST(the_fence_is_asked_at_the_last_moment),
        TEST(what_is_under_way_ends_when_the_fence_closes),
        TEST(nobody_waits_for_a_slow_resolver),
        TEST(what_is_in_flight_ends_with_its_owner),
        TEST(a_stream_comes_in_pieces),
        TEST(a_refused_stream_has_a_body),
        TEST(a_stream_ends_when_nothing_comes),
        TEST(a_peer_in_doubt_is_waited_for_less),
        TEST(certificates_are_judged),
        TEST(the_system_is_trusted_too),
        TEST(trust_is_not_shared),
        TEST(many_authorities),
        TEST(a_bundle_has_its_bounds),
        TEST(what_is_no_bundle),
        TEST(a_client_proves_itself),
        TEST(a_certificate_is_nothing_without_its_key),
        TEST(a_certificate_that_is_asked_for_may_be_left_out),
        TEST(a_pair_that_nobody_could_use_is_told),
        TEST(each_keeps_to_its_own_authority),
        TEST(old_tls_is_refused),
        TEST(the_address_may_differ_from_the_name),
        TEST(an_address_is_refused_however_it_is_written),
        TEST(a_name_that_changes_its_mind_is_judged_again),
        TEST(a_connection_that_is_there_already_is_judged_too),
        TEST(requests_share_a_connection),
        TEST(no_stream_is_forgotten),
        TEST(servers_without_http2_get_more_connections),
        TEST(a_dead_host_does_not_hold_up_the_others),
        cmocka_unit_test(urls_are_checked),
    };

    sem_init(&resolver_may_go_on, 0, 0);
    sem_init(&request_is_there, 0, 0);
    sem_init(&answer_may_come, 0, 0);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
