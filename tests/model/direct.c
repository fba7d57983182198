#include "tests/model/direct.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { SERVERS_MAX = 8, EVENTS_MAX = 4096, BODY_MAX = 64 << 20 };

struct event {
    int64_t due_ms;
    uint64_t id;
    void (*happen)(void *arg);
    void *arg;
};

struct exchange {
    struct sim *sim;
    const struct server *server;
    bool whole; /* its answer has ended */
};

struct sim {
    int64_t first_ms, now_ms;
    struct server servers[SERVERS_MAX];
    size_t n_servers;
    struct event events[EVENTS_MAX];
    size_t n_events;
    uint64_t last_id;
    struct exchange exchange;
    struct direct_answer answer;
};

struct sim *direct_create(void)
{
    struct sim *sim = mem_alloc(sizeof(*sim));

    *sim = (struct sim){.now_ms = 0};
    buf_init(&sim->answer.body, BODY_MAX);
    return sim;
}

void direct_destroy(struct sim *sim)
{
    buf_finish(&sim->answer.body);
    free(sim);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Time */

int64_t sim_now(const struct sim *sim)
{
    return sim->now_ms - sim->first_ms;
}

int64_t sim_wall(const struct sim *sim)
{
    return sim->now_ms / 1000;
}

uint64_t sim_later(struct sim *sim, int64_t delay_ms, void (*event)(void *arg), void *arg)
{
    assert(sim->n_events < EVENTS_MAX);
    sim->events[sim->n_events++] =
        (struct event){.due_ms = sim->now_ms + delay_ms, .id = ++sim->last_id, .happen = event, .arg = arg};
    return sim->last_id;
}

static void forget_event(struct sim *sim, size_t at)
{
    memmove(sim->events + at, sim->events + at + 1, (--sim->n_events - at) * sizeof(*sim->events));
}

void sim_forget(struct sim *sim, uint64_t id)
{
    for (size_t i = 0; i < sim->n_events; i++)
        if (sim->events[i].id == id) {
            forget_event(sim, i);
            return;
        }
}

/* The first of those that are due; NULL: there is none. */
static const struct event *next_event(const struct sim *sim, int64_t by_ms)
{
    const struct event *first = NULL;

    for (size_t i = 0; i < sim->n_events; i++)
        if (sim->events[i].due_ms <= by_ms && (!first || sim->events[i].due_ms < first->due_ms))
            first = &sim->events[i];
    return first;
}

void direct_set_time(struct sim *sim, int64_t ms)
{
    if (!sim->first_ms)
        sim->first_ms = sim->now_ms = ms - ms % 1000;
    for (const struct event *next = next_event(sim, ms); next; next = next_event(sim, ms)) {
        struct event event = *next;
        forget_event(sim, (size_t)(next - sim->events));
        sim->now_ms = event.due_ms > sim->now_ms ? event.due_ms : sim->now_ms;
        event.happen(event.arg);
    }
    sim->now_ms = ms;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Chance, and what is told */

uint32_t sim_choose(struct sim *sim, uint32_t n)
{
    (void)sim, (void)n;
    return 0;
}

bool sim_happens(struct sim *sim, uint32_t n)
{
    (void)sim, (void)n;
    return false;
}

void sim_tell(struct sim *sim, const char *format, ...)
{
    (void)sim, (void)format;
}

void sim_broken(struct sim *sim, enum property property, const char *format, ...)
{
    va_list args;

    (void)sim;
    va_start(args, format);
    fprintf(stderr, "property %d: ", (int)property);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

/* ------------------------------------------------------------------------------------------------------------------
 * The network */

void network_serve(struct sim *sim, const struct server *server)
{
    assert(sim->n_servers < SERVERS_MAX);
    sim->servers[sim->n_servers++] = *server;
}

const char *exchange_header(const struct exchange_request *request, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *h = request->headers; h && *h; h++)
        if (strncasecmp(*h, name, len) == 0 && (*h)[len] == ':')
            return *h + len + 1 + strspn(*h + len + 1, " ");
    return NULL;
}

void exchange_begin(struct exchange *exchange, const struct exchange_head *head)
{
    struct direct_answer *answer = &exchange->sim->answer;

    answer->status = head->status;
    answer->retry_after_ms = head->retry_after_ms;
    snprintf(answer->content_type, sizeof(answer->content_type), "%s", head->content_type ? head->content_type : "");
    snprintf(answer->next_page, sizeof(answer->next_page), "%s", head->next_page ? head->next_page : "");
}

void exchange_push(struct exchange *exchange, const char *data, size_t len)
{
    buf_add(&exchange->sim->answer.body, data, len);
}

void exchange_end(struct exchange *exchange)
{
    exchange->whole = true;
}

void exchange_answer(struct exchange *exchange, const struct exchange_head *head, const char *body, size_t len)
{
    exchange_begin(exchange, head);
    exchange_push(exchange, body, len);
    exchange_end(exchange);
}

/* Who asked last listens no more. */
static void leave(struct sim *sim)
{
    struct exchange *last = &sim->exchange;

    if (last->server && !last->whole && last->server->ended)
        last->server->ended(last->server->arg, last);
    *last = (struct exchange){.sim = sim};
    buf_clear(&sim->answer.body);
    sim->answer.status = 0;
}

const struct direct_answer *direct_ask(struct sim *sim, const char *method, const char *host, const char *target,
                                       const char *const *headers, const char *body)
{
    const struct exchange_request request = {.replica = -1,
                                             .method = method,
                                             .host = host,
                                             .target = target,
                                             .headers = headers,
                                             .body = body ? body : "",
                                             .body_len = body ? strlen(body) : 0};

    leave(sim);
    for (size_t i = 0; i < sim->n_servers; i++)
        if (strcmp(sim->servers[i].host, host) == 0)
            sim->exchange.server = &sim->servers[i];
    if (sim->exchange.server)
        sim->exchange.server->request(sim->exchange.server->arg, &sim->exchange, &request);
    return &sim->answer;
}
