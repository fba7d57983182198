#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/serve.h"
#include "net/serve_request.h"
#include "net/serve_sheet.h"

enum { GUARD_MS = 10000 * SLOWNESS, PAGE_MAX = 4 << 20 };

struct world {
    struct loop *loop;
    struct serve *serve;
    struct http *http;
    struct loop_timer *guard;
    int port, waiting, rendered;
    /* What the guard says, and when. */
    int verdict;
    bool late;
    uint64_t asked; /* the id, when it is late */
    struct serve_stream *stream;
    bool woken;
    int counted, ended, ended_fd;
    struct loop_timer *alarm;
    char credential[64];
};

struct result {
    struct world *world;
    long status;
    size_t len;
    bool ordered; /* the bytes are those of render_large() */
    char body[256], content_type[64], error[400];
};

/* Pages. */

static int render_ok(void *arg, const struct serve_request *request, struct buf *body)
{
    struct world *w = arg;

    (void)request;
    w->rendered++;
    buf_adds(body, "ok\n");
    return 200;
}

static int render_broken(void *arg, const struct serve_request *request, struct buf *body)
{
    (void)arg, (void)request;
    buf_adds(body, "no watch\n");
    return 503;
}

static int render_empty(void *arg, const struct serve_request *request, struct buf *body)
{
    (void)arg, (void)request, (void)body;
    return 200;
}

static char large_byte(size_t i)
{
    return (char)('a' + i / 1000 % 26);
}

static int render_large(void *arg, const struct serve_request *request, struct buf *body)
{
    struct world *w = arg;

    (void)request;
    w->rendered++;
    for (size_t i = 0; i < PAGE_MAX; i++) {
        char c = large_byte(i);
        buf_add(body, &c, 1);
    }
    return 200;
}

static int render_too_large(void *arg, const struct serve_request *request, struct buf *body)
{
    render_large(arg, request, body);
    buf_adds(body, "!");
    return 200;
}

/* Tells what it was asked for. */
static int render_asked(void *arg, const struct serve_request *request, struct buf *body)
{
    char key[8] = "none", flag[2];

    (void)arg;
    bool has_key = serve_parameter(request, "key", key, sizeof(key));
    bool has_flag = serve_parameter(request, "flag", flag, sizeof(flag));
    buf_addf(body, "below=%s key=%s%s flag=%d", request->below, key, has_key ? "!" : "", has_flag);
    return 200;
}

/* Streams: "/counted" tells a number each time that it is woken, and ends with the third; "/waiting" has nothing to
 * say;
 * "/endless" always has. */

static int begin_counting(void *arg, const struct serve_request *request, struct serve_stream *stream,
                          void **ret_reader, struct buf *words)
{
    struct world *w = arg;

    if (strcmp(request->query, "no") == 0) {
        buf_adds(words, "{\"message\":\"no\"}");
        return 403;
    }
    w->stream = stream;
    *ret_reader = w;
    return 200;
}

static bool next_number(void *reader, struct buf *piece)
{
    struct world *w = reader;

    if (!w->woken)
        return true;
    w->woken = false;
    buf_addf(piece, "%d\n", ++w->counted);
    return w->counted < 3;
}

static bool next_nothing(void *reader, struct buf *piece)
{
    (void)reader, (void)piece;
    return true;
}

static bool next_much(void *reader, struct buf *piece)
{
    (void)reader;
    while (piece->len < SERVE_PIECE_MAX)
        buf_adds(piece, "x");
    return true;
}

static void end_of_stream(void *reader)
{
    ((struct world *)reader)->ended++;
}

static const struct serve_streaming counted = {.begin = begin_counting, .next = next_number, .end = end_of_stream};
static const struct serve_streaming waiting = {.begin = begin_counting, .next = next_nothing, .end = end_of_stream};
static const struct serve_streaming endless = {.begin = begin_counting, .next = next_much, .end = end_of_stream};

static const struct serve_page pages[] = {
    {"/counted", "text/event-stream", .streaming = &counted},
    {"/waiting", "text/event-stream", .streaming = &waiting},
    {"/endless", "text/event-stream", .streaming = &endless},
    {"/asked", "text/plain", .render = render_asked},
    {"/asked/", "text/plain", .render = render_asked},
    {"/healthz", "text/plain; version=0.0.4; charset=utf-8", .render = render_ok},
    {"/readyz", "text/plain", .render = render_broken},
    {"/empty", "text/plain", .render = render_empty},
    {"/large", "application/octet-stream", .render = render_large, .shared = true},
    {"/too-large", "text/plain", .render = render_too_large},
    {"/guarded", "text/plain", .render = render_ok, .guarded = true},
    {.path = NULL},
};

static void guard(void *arg, uint64_t id, const struct serve_request *request)
{
    struct world *w = arg;

    snprintf(w->credential, sizeof(w->credential), "%s", request->authorization ? request->authorization : "none");
    w->asked = id;
    if (!w->late)
        serve_admit(w->serve, id, w->verdict);
}

/* Client and server run on one loop. */

static void on_guard(void *arg)
{
    (void)arg;
    fail_msg("no answer within %d ms", GUARD_MS);
}

static struct serve *serve_at(struct world *w, const char *address, int port, struct err *err)
{
    const struct serve_config config = {
        .address = address, .port = port, .pages = pages, .arg = w, .guard = guard, .guard_arg = w};

    return serve_create(w->loop, &config, err);
}

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct err err = {0};

    w->loop = loop_create();
    w->guard = loop_timer_create(w->loop, on_guard, w);
    w->http = http_create(w->loop, "tester/1");
    w->serve = serve_at(w, "127.0.0.1", 0, &err);
    assert_string_equal(err.text, "");
    w->port = serve_port(w->serve);
    assert_in_range(w->port, 1, 65535);
    *state = w;
    return 0;
}

/* loop_destroy() asserts that libwebsockets has left nothing behind. */
static int tear_down(void **state)
{
    struct world *w = *state;

    http_destroy(w->http);
    serve_destroy(w->serve);
    loop_timer_destroy(w->guard);
    loop_destroy(w->loop);
    free(w);
    return 0;
}

static void on_done(void *arg, const struct http_reply *reply)
{
    struct result *r = arg;

    r->status = reply->status;
    r->len = reply->len;
    snprintf(r->body, sizeof(r->body), "%s", reply->body);
    snprintf(r->content_type, sizeof(r->content_type), "%s", reply->content_type);
    snprintf(r->error, sizeof(r->error), "%s", reply->err.text);
    r->ordered = true;
    for (size_t i = 0; i < reply->len; i++)
        r->ordered = r->ordered && reply->body[i] == large_byte(i);
    if (--r->world->waiting == 0)
        loop_stop(r->world->loop);
}

static void start(struct world *w, const char *method, const char *path, struct result *r)
{
    char url[96];
    struct http_request request = {.method = method, .url = url, .max_body = 8 << 20, .on_done = on_done, .arg = r};

    *r = (struct result){.world = w};
    if (strcmp(method, "GET") != 0) {
        request.body = "something";
        request.body_len = strlen(request.body);
    }
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", w->port, path);
    w->waiting++;
    http_start(w->http, &request);
}

static void run(struct world *w)
{
    loop_timer_set(w->guard, GUARD_MS);
    loop_run(w->loop);
    loop_timer_set(w->guard, -1);
}

static void fetch(struct world *w, const char *method, const char *path, struct result *r)
{
    start(w, method, path, r);
    run(w);
    assert_string_equal(r->error, "");
}

static void pages_know_what_they_are_asked_for(void **state)
{
    static const struct {
        const char *path, *body;
    } cases[] = {
        {"/asked", "below= key=none flag=0"},
        {"/asked?", "below= key=none flag=0"},
        {"/asked/", "below= key=none flag=0"},
        {"/asked/watches/x", "below=watches/x key=none flag=0"},
        {"/asked?flag", "below= key=none flag=1"},
        {"/asked?flagged&xkey=1&k=2", "below= key=none flag=0"},
        {"/asked?key=a/b&flag", "below= key=a/b! flag=1"},
        {"/asked?flag=1&key=a%2Fb", "below= key=a/b! flag=1"},
        {"/asked?key", "below= key=! flag=0"},
        {"/asked?key=", "below= key=! flag=0"},
    };
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fetch(w, "GET", cases[i].path, &r);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body, cases[i].body);
    }
    fetch(w, "GET", "/asked?key=much-too-long-for-it", &r);
    assert_null(strstr(r.body, "!"));
}

static void pages_are_found_by_path(void **state)
{
    static const struct {
        const char *path;
        long status;
        const char *content_type, *body;
    } cases[] = {
        {"/healthz", 200, "text/plain; version=0.0.4; charset=utf-8", "ok\n"},
        {"/healthz?verbose", 200, "text/plain; version=0.0.4; charset=utf-8", "ok\n"},
        {"/readyz", 503, "text/plain; charset=utf-8", "no watch\n"},
        {"/empty", 200, "text/plain", ""},
        {"/", 404, "text/plain; charset=utf-8", "404\n"},
        {"/healthz/x", 404, "text/plain; charset=utf-8", "404\n"},
        {"/../etc/passwd", 404, "text/plain; charset=utf-8", "404\n"},
    };
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fetch(w, "GET", cases[i].path, &r);
        assert_int_equal(r.status, cases[i].status);
        assert_string_equal(r.content_type, cases[i].content_type);
        assert_string_equal(r.body, cases[i].body);
    }
    assert_int_equal(w->rendered, 2);
}

static void other_methods_are_refused(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH"};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        fetch(w, methods[i], "/healthz", &r);
        assert_int_equal(r.status, 405);
        assert_string_equal(r.body, "405\n");
        fetch(w, "GET", "/healthz", &r); /* it is still well */
        assert_int_equal(r.status, 200);
    }
}

static void a_large_page_arrives_whole(void **state)
{
    struct world *w = *state;
    struct result r[3];

    fetch(w, "GET", "/large", &r[0]);
    assert_int_equal(r[0].len, PAGE_MAX);
    assert_true(r[0].ordered);
    fetch(w, "GET", "/too-large", &r[0]);
    assert_int_equal(r[0].status, 500);
    assert_string_equal(r[0].body, "500\n");
    for (size_t i = 0; i < ARRAY_LEN(r); i++) /* at the same time */
        start(w, "GET", "/large", &r[i]);
    run(w);
    for (size_t i = 0; i < ARRAY_LEN(r); i++) {
        assert_int_equal(r[i].len, PAGE_MAX);
        assert_true(r[i].ordered);
    }
}

/* Clients that are no good, on a thread of their own while the loop runs. */

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

static size_t read_until(int fd, char *text, size_t size, const char *end)
{
    size_t len = 0;
    ssize_t n;

    text[0] = '\0';
    while (len + 1 < size && !(end && strstr(text, end)) && (n = recv(fd, text + len, size - 1 - len, 0)) > 0) {
        len += (size_t)n;
        text[len] = '\0';
    }
    return len;
}

struct rude {
    struct world *world;
    char text[18][1024];
    pthread_t thread;
    struct loop_timer *poll; /* looks whether the thread has ended */
};

static void stop_when_joined(void *arg)
{
    struct rude *rude = arg;

    if (pthread_tryjoin_np(rude->thread, NULL) == 0)
        loop_stop(rude->world->loop);
    else
        loop_timer_set(rude->poll, 1);
}

static void run_beside(struct world *w, struct rude *rude, void *(*body)(void *arg))
{
    rude->world = w;
    assert_int_equal(pthread_create(&rude->thread, NULL, body, rude), 0);
    rude->poll = loop_timer_create(w->loop, stop_when_joined, rude);
    loop_timer_set(rude->poll, 0);
    run(w);
    loop_timer_destroy(rude->poll);
}

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        abort();
}

static void *talk_on_one_connection(void *arg)
{
    struct rude *rude = arg;
    int fd = connect_to(rude->world->port);

    say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, rude->text[0], sizeof(rude->text[0]), NULL); /* until it is closed */
    close(fd);
    fd = connect_to(rude->world->port);
    say(fd, "GET /healthz HTTP/1.0\r\n\r\n");
    read_until(fd, rude->text[1], sizeof(rude->text[1]), NULL);
    close(fd);
    return NULL;
}

static void a_connection_is_for_one_request(void **state)
{
    struct rude rude = {0};

    run_beside(*state, &rude, talk_on_one_connection);
    for (int i = 0; i < 2; i++) {
        const char *end = strstr(rude.text[i], "\r\n\r\nok\n");
        assert_non_null(end);
        assert_string_equal(end, "\r\n\r\nok\n");
        assert_non_null(strcasestr(rude.text[i], "\r\nConnection: close\r\n"));
    }
}

static const char long_head[] = "GET /healthz HTTP/1.1\r\nX: ";

static const struct {
    const char *request, *status; /* status NULL: closed without a word */
} nonsense[] = {
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello in TLS\r\n\r\n", "403"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "403"},
    {"BREW /healthz HTTP/1.1\r\n\r\n", "403"},
    {"HEAD /healthz HTTP/1.1\r\n\r\n", "405"},
    {"OPTIONS /healthz HTTP/1.1\r\n\r\n", "405"},
    {"POST /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n", "405"},
    {"CONNECT /healthz HTTP/1.1\r\n\r\nhello", NULL},
    {"GET http://x/healthz HTTP/1.1\r\n\r\n", "403"},
    {"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"GET /healthz HTTP/1.1\r\n", NULL},
    {"GET /healthz", NULL},
    {"GET /%zz HTTP/1.1\r\n\r\n", "403"},
    {"GET /%00 HTTP/1.1\r\n\r\n", "404"},
    {"GET\r\n\r\n", "403"},
    {"\r\n\r\n", NULL},
    {long_head, NULL}, /* and 64 KiB more */
};

static void *talk_nonsense(void *arg)
{
    struct rude *rude = arg;
    char more[64 << 10];

    memset(more, 'x', sizeof(more));
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        char *text = rude->text[i];
        int fd = connect_to(rude->world->port);
        say(fd, nonsense[i].request);
        if (nonsense[i].request == long_head)
            (void)send(fd, more, sizeof(more), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        read_until(fd, text, sizeof(rude->text[i]), NULL);
        close(fd);
    }
    return NULL;
}

static void nonsense_is_refused(void **state)
{
    struct world *w = *state;
    struct rude rude = {0};
    struct result r;
    char begin[32];

    run_beside(w, &rude, talk_nonsense);
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        char *text = rude.text[i], *version = strncmp(text, "HTTP/1.", 7) == 0 ? text + 7 : NULL;
        snprintf(begin, sizeof(begin), " %s ", nonsense[i].status ? nonsense[i].status : "");
        if (nonsense[i].status ? !version || strncmp(version + 1, begin, strlen(begin)) != 0 : *text != '\0')
            fail_msg("%zu: %s", i, text);
    }
    assert_int_equal(w->rendered, 0);
    fetch(w, "GET", "/healthz", &r);
    assert_int_equal(r.status, 200);
}

/* Who insists on another protocol is refused. */
static void *ask_for_an_upgrade(void *arg)
{
    struct rude *rude = arg;
    int fd = connect_to(rude->world->port);

    say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
    read_until(fd, rude->text[0], sizeof(rude->text[0]), NULL);
    close(fd);
    return NULL;
}

static void nothing_is_upgraded(void **state)
{
    struct rude rude = {0};

    run_beside(*state, &rude, ask_for_an_upgrade);
    assert_non_null(strstr(rude.text[0], " 400 Bad Request\r\n"));
    assert_int_equal(((struct world *)*state)->rendered, 0);
}

static void *leave_early(void *arg)
{
    struct rude *rude = arg;

    for (int i = 0; i < 20; i++) {
        int fd = connect_to(rude->world->port);
        if (i % 2) {
            say(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
            read_until(fd, rude->text[0], 64, NULL);
        }
        close(fd);
    }
    return NULL;
}

static void clients_may_leave_at_any_time(void **state)
{
    struct world *w = *state;
    struct rude rude = {0};
    struct result r;

    run_beside(w, &rude, leave_early);
    fetch(w, "GET", "/healthz", &r);
    assert_int_equal(r.status, 200);
}

static void busy_connections_end_with_the_server(void **state)
{
    struct world *w = *state;
    int fd = connect_to(w->port), idle = connect_to(w->port);
    struct result r;

    say(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"); /* and never reads */
    fetch(w, "GET", "/large", &r);                     /* meanwhile the other one fills its socket */
    assert_int_equal(r.len, PAGE_MAX);
    close(idle);
    serve_destroy(take(w->serve));
    close(fd);
}

/* Slow ones. */

enum { CROWD = 300 };

/* From 127.0.first.x, each from its own when spread. */
static int connect_from(int port, int i, bool spread)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f010001u + (spread ? (unsigned)i : 0))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

static const char *const slow_ways[] = {"", "G", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-a: b\r\n",
                                        "GET /large HTTP/1.1\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n"};

/* All of them never go on and never read; each time somebody else asks once. */
static void a_probe_is_answered_whoever_is_slow(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    struct result r;

    for (size_t way = 0; way < 2 * ARRAY_LEN(slow_ways); way++) {
        for (int i = 0; i < CROWD; i++) {
            fds[i] = connect_from(w->port, i, way % 2);
            (void)send(fds[i], slow_ways[way / 2], strlen(slow_ways[way / 2]), MSG_NOSIGNAL);
            if (i % 50 == 49) {
                fetch(w, "GET", "/healthz", &r);
                assert_int_equal(r.status, 200);
            }
        }
        for (int i = 0; i < CROWD; i++)
            close(fds[i]);
    }
}

/* Neither does one peer's crowd push out another's only connection. */
static void the_crowd_gives_way_first(void **state)
{
    struct world *w = *state;
    int fds[CROWD], other = connect_from(w->port, 77, true);
    struct rude rude = {0};
    struct result r;

    say(other, "GET /healthz HTTP/1.1\r\n");
    for (int i = 0; i < CROWD; i++)
        fds[i] = connect_from(w->port, 0, false);
    fetch(w, "GET", "/empty", &r);
    say(other, "\r\n");
    for (int i = 0; i < 3; i++)
        fetch(w, "GET", "/empty", &r);
    read_until(other, rude.text[0], sizeof(rude.text[0]), "ok\n");
    assert_non_null(strstr(rude.text[0], "200 OK"));
    close(other);
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
}

/* A byte now and then does not prolong it. */
static void *dribble(void *arg)
{
    struct rude *rude = arg;
    int fd = connect_to(rude->world->port);
    struct timeval tenth = {.tv_usec = 100 * 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth));
    say(fd, "GET /healthz HTTP/1.1\r\nX: ");
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 && recv(fd, rude->text[0], 1, 0) != 0)
        continue;
    close(fd);
    return NULL;
}

static void a_head_has_a_deadline(void **state)
{
    struct world *w = *state;
    struct rude rude = {0};

    run_beside(w, &rude, dribble); /* ends at all */
    assert_int_equal(w->rendered, 0);
}

/* Many may ask for it at once, and nobody reads: it is made a few times, and kept a few times. */
static void a_shared_page_is_not_made_for_each(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    struct result r;

    for (int i = 0; i < CROWD; i++) {
        fds[i] = connect_from(w->port, i, true);
        say(fds[i], "GET /large HTTP/1.1\r\n\r\n");
    }
    fetch(w, "GET", "/healthz", &r);
    assert_in_range(w->rendered, 2, CROWD / 10); /* one of them is /healthz */
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
}

static void count_turn(void *arg)
{
    ++*(int *)arg;
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

/* Of those who do not read their answer, one goes on talking, one has nothing more to say, one is gone. */
static void what_follows_a_request_keeps_nobody_busy(void **state)
{
    struct world *w = *state;
    struct loop_timer *over = loop_timer_create(w->loop, stop_loop, w->loop);
    int fds[3], turns = 0;

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_to(w->port);
        say(fds[i], "GET /large HTTP/1.1\r\n\r\nGET");
    }
    struct result r;
    fetch(w, "GET", "/healthz", &r);
    say(fds[0], "more");
    shutdown(fds[1], SHUT_WR);
    close(fds[2]);
    loop_after(w->loop, count_turn, &turns);
    loop_timer_set(over, 500);
    run(w);
    assert_in_range(turns, 1, 100);
    loop_after(w->loop, NULL, NULL);
    loop_timer_destroy(over);
    close(fds[0]);
    close(fds[1]);
}

static void a_guard_decides(void **state)
{
    static const int verdicts[] = {200, 401, 403};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        w->verdict = verdicts[i];
        fetch(w, "GET", "/guarded", &r);
        assert_int_equal(r.status, verdicts[i]);
        assert_string_equal(w->credential, "none");
    }
    assert_int_equal(w->rendered, 1);
    serve_admit(w->serve, w->asked, 200); /* it has gone */
}

static void a_guard_may_take_its_time(void **state)
{
    struct world *w = *state;
    int fd = connect_to(w->port);
    struct result r;
    char text[256];

    w->late = true;
    say(fd, "GET /guarded HTTP/1.1\r\nauthorization:  Bearer abc \r\n\r\n");
    while (!w->asked)
        fetch(w, "GET", "/empty", &r);
    assert_string_equal(w->credential, "Bearer abc");
    serve_admit(w->serve, w->asked, 200);
    fetch(w, "GET", "/empty", &r);
    read_until(fd, text, sizeof(text), "ok\n");
    assert_non_null(strstr(text, "200 OK"));
    close(fd);
}

static void only_what_is_meant_for_this_machine(void **state)
{
    static const struct {
        const char *host;
        bool local;
    } cases[] = {
        {"localhost", true},
        {"LOCALHOST:6060", true},
        {"127.0.0.1:6060", true},
        {"127.0.0.1", true},
        {"[::1]:1", true},
        {"[::1]", true},
        {NULL, false},
        {"", false},
        {"localhost.evil.de", false},
        {"evil.de", false},
        {"127.0.0.6", false},
        {"localhost:x", false},
        {"localhost:6060.evil.de", false},
        {"10.0.0.1", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct serve_request request = {.host = cases[i].host};
        assert_int_equal(serve_request_is_local(&request), cases[i].local);
    }
}

static void *ask_host_x(void *arg)
{
    struct rude *rude = arg;
    int fd = connect_to(rude->world->port);

    say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, rude->text[0], sizeof(rude->text[0]), NULL);
    close(fd);
    return NULL;
}

static void a_local_server_refuses_other_hosts(void **state)
{
    struct world *w = *state;
    const struct serve_config config = {.address = "localhost", .pages = pages, .arg = w, .local = true};
    struct err err = {0};
    struct rude rude = {0};
    struct result r;

    serve_destroy(w->serve);
    w->serve = serve_create(w->loop, &config, &err);
    assert_non_null(w->serve);
    w->port = serve_port(w->serve);
    fetch(w, "GET", "/healthz", &r);
    assert_int_equal(r.status, 200);
    run_beside(w, &rude, ask_host_x);
    assert_non_null(strstr(rude.text[0], "HTTP/1.1 403 "));
}

static void addresses_that_cannot_be_had(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    char port[32];

    assert_null(serve_at(w, "127.0.0.1", w->port, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_string_equal(err.reason, "ListenFailed");
    snprintf(port, sizeof(port), "port %d", w->port);
    assert_non_null(strstr(err.text, port));
    assert_non_null(strstr(err.text, "Address already in use"));
    assert_null(serve_at(w, "192.0.2.1", 0, &err));
    assert_null(serve_at(w, "no address", 0, &err));
    assert_non_null(strstr(err.text, "no address"));
}

static void everywhere_includes_ipv4(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct result r;

    serve_destroy(w->serve);
    w->serve = serve_at(w, NULL, 0, &err);
    assert_non_null(w->serve);
    w->port = serve_port(w->serve);
    fetch(w, "GET", "/healthz", &r);
    assert_int_equal(r.status, 200);
}

static void nothing_is_destroyed_quietly(void **state)
{
    (void)state;
    serve_destroy(NULL);
}

static void wake_again(void *arg)
{
    struct world *w = arg;

    w->woken = true;
    if (w->stream && !w->ended)
        serve_stream_wake(w->stream);
    if (w->waiting)
        loop_timer_set(w->alarm, 20);
}

static void a_stream_goes_on_until_its_end(void **state)
{
    struct world *w = *state;
    struct result r;

    w->alarm = loop_timer_create(w->loop, wake_again, w);
    loop_timer_set(w->alarm, 20);
    fetch(w, "GET", "/counted", &r);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.content_type, "text/event-stream");
    assert_string_equal(r.body, "1\n2\n3\n");
    assert_int_equal(w->ended, 1);
    fetch(w, "GET", "/counted?no", &r);
    assert_int_equal(r.status, 403);
    assert_string_equal(r.body, "{\"message\":\"no\"}");
    assert_string_equal(r.content_type, "application/json");
    loop_timer_destroy(w->alarm);
}

/* What others want once has its place all the same. */
static void so_many_streams_and_no_more(void **state)
{
    struct world *w = *state;
    struct result many[24], r;
    struct err err = {0};
    struct http *others = http_create(w->loop, "others/1");
    struct http *own = w->http;

    w->http = others;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        start(w, "GET", "/waiting", &many[i]);
    w->http = own;
    w->waiting = 0;
    for (int i = 0; i < 5; i++) {
        fetch(w, "GET", "/healthz", &r);
        assert_int_equal(r.status, 200);
    }
    fetch(w, "GET", "/waiting", &r);
    assert_int_equal(r.status, 503);
    assert_non_null(strstr(r.body, "24"));
    (void)err;
    http_destroy(others);
    for (int i = 0; i < 50 && w->ended < 24; i++)
        fetch(w, "GET", "/healthz", &r);
    assert_int_equal(w->ended, 24);
}

static void *never_read(void *arg)
{
    struct world *w = arg;
    int fd = connect_to(w->port);
    static const char request[] = "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n";

    if (send(fd, request, strlen(request), 0) < 0)
        abort();
    w->ended_fd = fd;
    return NULL;
}

static void look_for_end(void *arg)
{
    struct world *w = arg;

    if (w->ended)
        loop_stop(w->loop);
    else
        loop_timer_set(w->alarm, 100);
}

static void who_does_not_read_is_put_out(void **state)
{
    struct world *w = *state;
    pthread_t thread;

    w->alarm = loop_timer_create(w->loop, look_for_end, w);
    loop_timer_set(w->alarm, 100);
    pthread_create(&thread, NULL, never_read, w);
    pthread_join(thread, NULL);
    loop_timer_set(w->guard, 2 * GUARD_MS);
    loop_run(w->loop);
    loop_timer_set(w->guard, -1);
    assert_int_equal(w->ended, 1);
    close(w->ended_fd);
    loop_timer_destroy(w->alarm);
}

static void a_file_is_sent_as_it_is_understood(void **state)
{
    static const struct serve_file file = {(const unsigned char *)"plain", (const unsigned char *)"gz", 5, 2, "\"e\""};
    static const struct serve_page page = {"/f", "text/css", .file = &file};
    static const struct {
        const char *accepts, *knows, *body, *encoding;
        int status;
    } cases[] = {
        {NULL, NULL, "plain", NULL, 200},         {"gzip, br", NULL, "gz", "gzip", 200},
        {"br", NULL, "plain", NULL, 200},         {"gzip;q=0", NULL, "plain", NULL, 200},
        {"gzip", "\"e\"", "", NULL, 304},         {"gzip", "\"x\", W/\"e\"", "", NULL, 304},
        {"gzip", "\"other\"", "gz", "gzip", 200},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct serve_request request = {.accept_encoding = cases[i].accepts, .if_none_match = cases[i].knows};
        struct sheet *sheet = sheet_of_file(&page, &request);
        assert_int_equal(sheet->status, cases[i].status);
        assert_string_equal(sheet->body.data, cases[i].body);
        assert_true(!sheet->encoding == !cases[i].encoding);
        assert_string_equal(sheet->etag, "\"e\"");
        sheet_release(sheet);
    }
}

static void other_sites_pages_are_told_apart(void **state)
{
    static const struct {
        const char *host, *origin, *site;
        bool tls, own;
    } cases[] = {
        {"localhost:6060", NULL, NULL, false, true},
        {"localhost:6060", "http://localhost:6060", "same-origin", false, true},
        {"localhost:6060", "http://LOCALHOST:6060", "none", false, true},
        {"localhost:6060", "http://localhost:6061", NULL, false, false},
        {"localhost:6060", "https://localhost:6060", NULL, false, false},
        {"localhost:6060", "https://localhost:6060", NULL, true, true},
        {"localhost:6060", "null", NULL, false, false},
        {"localhost:6060", "http://evil.test", NULL, false, false},
        {"localhost:6060", "", NULL, false, false},
        {NULL, "http://localhost", NULL, false, false},
        {"localhost", NULL, "cross-site", false, false},
        {"localhost", NULL, "same-site", false, false},
        {"localhost", NULL, "", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct serve_request request = {
            .host = cases[i].host, .origin = cases[i].origin, .fetch_site = cases[i].site};
        assert_int_equal(serve_request_is_same_origin(&request, cases[i].tls), cases[i].own);
    }
    assert_true(serve_peer_is_local("127.0.0.1") && serve_peer_is_local("::1"));
    assert_false(serve_peer_is_local("127.0.0.6") || serve_peer_is_local("10.0.0.1") || serve_peer_is_local(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_goes_on_until_its_end),
        TEST(so_many_streams_and_no_more),
        TEST(who_does_not_read_is_put_out),
        TEST(a_file_is_sent_as_it_is_understood),
        TEST(other_sites_pages_are_told_apart),
        TEST(pages_are_found_by_path),
        TEST(pages_know_what_they_are_asked_for),
        TEST(other_methods_are_refused),
        TEST(a_large_page_arrives_whole),
        TEST(a_connection_is_for_one_request),
        TEST(nonsense_is_refused),
        TEST(nothing_is_upgraded),
        TEST(clients_may_leave_at_any_time),
        TEST(busy_connections_end_with_the_server),
        TEST(a_probe_is_answered_whoever_is_slow),
        TEST(the_crowd_gives_way_first),
        TEST(a_head_has_a_deadline),
        TEST(a_shared_page_is_not_made_for_each),
        TEST(what_follows_a_request_keeps_nobody_busy),
        TEST(a_guard_decides),
        TEST(a_guard_may_take_its_time),
        TEST(only_what_is_meant_for_this_machine),
        TEST(a_local_server_refuses_other_hosts),
        TEST(addresses_that_cannot_be_had),
        TEST(everywhere_includes_ipv4),
        TEST(nothing_is_destroyed_quietly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
