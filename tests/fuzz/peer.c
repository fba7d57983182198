#include "peer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { REQUESTS_MAX = 128, TIMERS_MAX = 256, HEAD = 3, HOUR_S = 3600 };

struct loop_timer {
    void (*callback)(void *arg);
    void *arg;
    int64_t due; /* negative: not at all */
};

/* All timers are before `end`; some there may be NULL. */
struct loop {
    int64_t now;
    struct loop_timer *timers[TIMERS_MAX];
    size_t end;
};

/* All requests are before `end`. */
struct http {
    struct {
        uint64_t id;                 /* 0: none */
        struct http_request request; /* its texts are gone, but for these */
        char method[8], url[256];
    } requests[REQUESTS_MAX];
    size_t end;
    uint64_t last_id;
};

static struct loop loop;
static struct http http;
static const char *answers;
static void (*shown)(const char *method, const char *url, const struct http_reply *reply);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * net/loop.h */

int64_t loop_now(const struct loop *l)
{
    return l->now;
}

int64_t loop_boottime(const struct loop *l)
{
    return l->now;
}

int64_t loop_wall(const struct loop *l)
{
    return 1800000000 + l->now / 1000;
}

void loop_wake(struct loop *l)
{
    (void)l;
}

struct loop_timer *loop_timer_create(struct loop *l, void (*callback)(void *arg), void *arg)
{
    struct loop_timer *timer = mem_alloc(sizeof(*timer));
    size_t i = 0;

    *timer = (struct loop_timer){.callback = callback, .arg = arg, .due = -1};
    while (i < TIMERS_MAX && l->timers[i])
        i++;
    expect(i < TIMERS_MAX);
    l->end = i < l->end ? l->end : i + 1;
    return l->timers[i] = timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    timer->due = delay_ms < 0 ? -1 : loop.now + delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    for (size_t i = 0; timer && i < loop.end; i++)
        if (loop.timers[i] == timer)
            loop.timers[i] = NULL;
    free(timer);
}

static bool fire_next_timer(void)
{
    struct loop_timer *next = NULL;

    for (size_t i = 0; i < loop.end; i++) {
        struct loop_timer *timer = loop.timers[i];
        if (timer && timer->due >= 0 && (!next || timer->due < next->due))
            next = timer;
    }
    if (!next)
        return false;
    loop.now = next->due > loop.now ? next->due : loop.now;
    next->due = -1;
    next->callback(next->arg);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * net/http.h */

uint64_t http_start(struct http *h, const struct http_request *request)
{
    size_t i = 0;

    while (i < REQUESTS_MAX && h->requests[i].id)
        i++;
    expect(i < REQUESTS_MAX);
    h->end = i < h->end ? h->end : i + 1;
    h->requests[i].request = *request;
    snprintf(h->requests[i].method, sizeof(h->requests[i].method), "%s", request->method);
    snprintf(h->requests[i].url, sizeof(h->requests[i].url), "%s", request->url);
    return h->requests[i].id = ++h->last_id;
}

static struct http_request take_request(size_t i)
{
    http.requests[i].id = 0;
    return http.requests[i].request;
}

void http_cancel(struct http *h, uint64_t id)
{
    for (size_t i = 0; id && i < h->end; i++)
        if (h->requests[i].id == id) {
            const struct http_request request = take_request(i);
            if (request.release)
                request.release(request.arg);
        }
}

struct http *http_create(struct loop *l, const char *user_agent)
{
    (void)l, (void)user_agent;
    return &http;
}

void http_destroy(struct http *h)
{
    for (size_t i = 0; h && i < h->end; i++)
        http_cancel(h, h->requests[i].id);
}

void http_close_idle(struct http *h)
{
    (void)h;
}

void http_distrust(struct http *h, const char *url, int64_t idle_ms)
{
    (void)h, (void)url, (void)idle_ms;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The other side */

static const char *take_answer(size_t *ret_len)
{
    const char *answer = answers;

    *ret_len = strcspn(answer, "\f");
    answers += *ret_len + (answers[*ret_len] == '\f');
    return answer;
}

static long status_of(char letter)
{
    static const long statuses[] = {200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 410, 422, 429, 500, 503};

    return letter >= 'a' && (size_t)(letter - 'a') < ARRAY_LEN(statuses) ? statuses[letter - 'a'] : 0;
}

static const struct failure {
    char letter;
    enum err_kind kind;
    const char *reason;
    bool sent, mute;
} failures[] = {
    {'!', ERR_RETRY, "ConnectionRefused", false, false},
    {'%', ERR_RETRY, PROXY_UNREACHABLE, false, false},
    {'#', ERR_RETRY, "Fenced", false, false},
    {'^', ERR_DENIED, "CertificateUnknown", false, false},
    {'~', ERR_RETRY, "ConnectionLost", true, true},
};

static bool fails(char letter, struct http_reply *reply)
{
    for (size_t i = 0; i < ARRAY_LEN(failures); i++)
        if (failures[i].letter == letter) {
            err_set(&reply->err, failures[i].kind, failures[i].reason, "x:1 does not answer");
            reply->sent = failures[i].sent;
            reply->mute = failures[i].mute;
            return true;
        }
    return false;
}

static bool stream(const struct http_request *request, const char *body, size_t len)
{
    size_t half = len / 2;

    return request->on_data(request->arg, body, half) && request->on_data(request->arg, body + half, len - half);
}

/* By the answerer's clock, which may be wrong. */
static int64_t date_of(char letter)
{
    return loop_wall(&loop) + (letter == '>' ? HOUR_S : letter == '<' ? -HOUR_S : 0);
}

static struct http_reply reply_of(const struct http_request *request, const char *answer, size_t len)
{
    struct http_reply reply = {.content_type = "", .body = "", .next_page = "", .sent = true};
    long status = len >= HEAD ? status_of(answer[0]) : 0;
    bool streamed = request->on_data && status / 100 == 2;

    if (len && fails(answer[0], &reply))
        return reply;
    if (status && request->on_status)
        request->on_status(request->arg, status);
    if (!status || (streamed && !stream(request, answer + HEAD, len - HEAD)) ||
        (!streamed && len - HEAD > (request->max_body ? request->max_body : 64 << 10))) {
        err_set(&reply.err, ERR_RETRY, status ? "Cancelled" : "ConnectionLost", "the connection to x:1 broke");
        return reply;
    }
    reply.status = status;
    reply.date_s = date_of(answer[2]);
    reply.retry_after_ms = answer[2] >= '0' && answer[2] <= '9' ? (answer[2] - '0') * 1000 : 0;
    if (!streamed) {
        reply.body = answer + HEAD;
        reply.len = len - HEAD;
    }
    return reply;
}

/* False: nobody asks for anything. */
static bool answer_next(void)
{
    size_t next = REQUESTS_MAX, len;

    for (size_t i = 0; i < http.end; i++)
        if (http.requests[i].id && (next == REQUESTS_MAX || http.requests[i].id < http.requests[next].id))
            next = i;
    if (next == REQUESTS_MAX)
        return false;
    const char *answer = take_answer(&len);
    const char page[2] = {len > 1 && answer[1] != '-' ? answer[1] : '\0', '\0'};
    cleanup_free char *copy = mem_alloc(len + 1);
    memcpy(copy, answer, len);
    copy[len] = '\0';
    const struct http_request request = take_request(next);
    struct http_reply reply = reply_of(&request, copy, len);
    reply.next_page = page;
    if (shown)
        shown(http.requests[next].method, http.requests[next].url, &reply);
    request.on_done(request.arg, &reply);
    if (request.release)
        request.release(request.arg);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct loop *peer_begin(const char *text)
{
    srand(1); /* the same jitter, whatever came before */
    loop = (struct loop){.now = 1000};
    http.end = http.last_id = 0;
    answers = text;
    shown = NULL;
    return &loop;
}

struct http *peer_http(void)
{
    return &http;
}

void peer_show(void (*see)(const char *method, const char *url, const struct http_reply *reply))
{
    shown = see;
}

bool peer_run(unsigned steps)
{
    bool goes_on = true;

    while (goes_on && steps-- > 0)
        goes_on = answer_next() || fire_next_timer();
    return goes_on;
}

void peer_end(void)
{
    for (size_t i = 0; i < http.end; i++)
        expect(!http.requests[i].id);
    for (size_t i = 0; i < loop.end; i++)
        expect(!loop.timers[i]);
}
