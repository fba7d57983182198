/* Requests on their way to a server, and answers on their way back. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/loop.h"
#include "tests/sim/network_parts.h"
#include "tests/sim/sabotage.h"

enum { USUAL_MS = 1, JITTER_MS = 8 };

/* ---------------------------------------------------------------------------------------------------------------------
 * The end */

static bool is_over(const struct exchange *x)
{
    return !x->delivery && !x->farewell && !x->inside && !x->kept && !x->client && list_empty(&x->packets);
}

void packet_free(struct packet *p)
{
    if (p->event)
        sim_forget(p->exchange->sim, p->event);
    list_remove(&p->post.node);
    list_remove(&p->node);
    free(p);
}

static void drop_packets(struct exchange *x)
{
    struct list *node;

    while ((node = list_pop(&x->packets)))
        packet_free(container_of(node, struct packet, node));
}

void exchange_drop(struct exchange *x)
{
    drop_packets(x);
    sim_forget(x->sim, x->delivery);
    sim_forget(x->sim, x->farewell);
    if (x->served && !x->heard)
        network_tell(x, NEWS_UNHEARD);
    list_remove(&x->node);
    arena_finish(&x->mem);
    free(x);
}

static void free_if_over(struct exchange *x)
{
    if (is_over(x))
        exchange_drop(x);
}

static int64_t latency(const struct exchange *x)
{
    int64_t slow = x->link->weather.slow_ms;

    x->sim->figures.slow += slow > 0;
    return USUAL_MS + sim_choose(x->sim, JITTER_MS) + (slow ? sim_choose(x->sim, (uint32_t)slow) : 0);
}

static void say_farewell(void *arg)
{
    struct exchange *x = arg;

    x->farewell = 0;
    if (x->kept && x->link->server->ended)
        x->link->server->ended(x->link->server->arg, x);
    x->kept = false;
    free_if_over(x);
}

static void tell_server(struct exchange *x)
{
    if (x->kept && !x->farewell)
        x->farewell = sim_later(x->sim, latency(x), say_farewell, x);
}

void exchange_abandon(struct exchange *x)
{
    x->client = NULL;
    drop_packets(x);
    tell_server(x);
    free_if_over(x);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Packets */

static void on_arrival(void *arg)
{
    struct packet *p = arg;
    struct transfer *t = p->exchange->client;

    p->event = 0;
    assert(t);
    loop_post(transfer_loop(t), &p->post);
}

static void on_packet(struct loop_post *post)
{
    struct packet *p = container_of(post, struct packet, post);
    struct transfer *t = p->exchange->client;

    list_remove(&p->node); /* the transfer's end must not free it under us */
    p->exchange->heard |= p->kind == PACKET_END;
    p->exchange = NULL;
    transfer_come(t, p);
    free(p);
}

/* They come in the order in which they were sent. */
static void send_packet(struct exchange *x, enum packet_kind kind, const struct exchange_head *head, const char *data,
                        size_t len)
{
    struct packet *p = mem_resize(NULL, sizeof(*p) + len);
    int64_t at = x->sim->now + latency(x) + sabotage_delay_ms(x);

    *p = (struct packet){.kind = kind, .exchange = x, .data = (const char *)(p + 1), .len = len};
    if (len)
        memcpy(p + 1, data, len);
    if (head)
        p->head = *head;
    p->post.come = on_packet;
    list_init(&p->post.node);
    list_append(&x->packets, &p->node);
    x->last_at = at > x->last_at ? at : x->last_at;
    p->event = sim_later(x->sim, x->last_at - x->sim->now, on_arrival, p);
}

/* What is not carried to its end makes a connection of no use. */
static bool is_carried(struct exchange *x)
{
    if (x->link->weather.state == NETWORK_SILENT)
        link_die(x->link);
    return x->client && !x->mute && !x->broken && x->connection > x->link->dead;
}

static void push(struct exchange *x, enum packet_kind kind, const struct exchange_head *head, const char *data,
                 size_t len)
{
    if (is_carried(x))
        send_packet(x, kind, head, data, len);
}

static struct exchange_head copy_head(struct exchange *x, const struct exchange_head *head)
{
    struct exchange_head copy = *head;

    copy.content_type = arena_strdup(&x->mem, head->content_type);
    copy.next_page = arena_strdup(&x->mem, head->next_page);
    return copy;
}

void exchange_begin(struct exchange *x, const struct exchange_head *head)
{
    const struct exchange_head copy = copy_head(x, head);

    assert(!x->kept);
    x->kept = true;
    push(x, PACKET_HEAD, &copy, NULL, 0);
    if (!x->client || x->broken)
        tell_server(x);
}

void exchange_push(struct exchange *x, const char *data, size_t len)
{
    assert(x->kept);
    if (!sabotage_swallows(x, data, len))
        push(x, PACKET_DATA, NULL, data, len);
}

void exchange_end(struct exchange *x)
{
    assert(x->kept);
    x->kept = false;
    sim_forget(x->sim, x->farewell);
    x->farewell = 0;
    push(x, PACKET_END, NULL, NULL, 0);
    free_if_over(x);
}

void exchange_answer(struct exchange *x, const struct exchange_head *head, const char *body, size_t len)
{
    const struct exchange_head copy = copy_head(x, head);

    assert(!x->kept);
    push(x, PACKET_END, &copy, body, len);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

void exchange_break(struct exchange *x)
{
    if (x->delivery && sim_choose(x->sim, 2) == 1) {
        sim_forget(x->sim, x->delivery);
        x->delivery = 0;
    }
    drop_packets(x);
    if (x->client && !x->broken)
        send_packet(x, PACKET_BREAK, NULL, NULL, 0);
    x->broken = true;
    tell_server(x);
}

void exchange_lose(struct exchange *x)
{
    if (!x->delivery || sim_choose(x->sim, 2) == 0)
        return;
    sim_forget(x->sim, x->delivery);
    x->delivery = 0;
    free_if_over(x);
}

static bool strikes(struct exchange *x, uint32_t once_in, uint64_t *count)
{
    bool struck = once_in && sim_happens(x->sim, once_in);

    *count += struck;
    return struck;
}

/* The server does what it is asked for, whatever becomes of its answer. */
static void serve(struct exchange *x)
{
    const struct server *server = x->link->server;
    struct exchange_head head = {.content_type = "application/json"};
    const char *body;

    x->sim->figures.requests++;
    x->inside = true;
    x->served = true;
    bool bent = sabotage_request(x, &head.status, &body);
    network_tell(x, NEWS_REQUEST);
    if (bent)
        exchange_answer(x, &head, body, strlen(body));
    else
        server->request(server->arg, x, &x->request);
    x->inside = false;
}

static void deliver(void *arg)
{
    struct exchange *x = arg;
    const struct network_weather *w = &x->link->weather;
    struct figures *figures = &x->sim->figures;

    x->delivery = 0;
    if (!is_carried(x) && !x->broken && x->client) {
        x->mute = true;
    } else if (strikes(x, w->lost_before, &figures->lost_before)) {
        exchange_break(x);
    } else {
        x->mute |= strikes(x, w->mute, &figures->muted);
        serve(x);
        if (strikes(x, w->lost_after, &figures->lost_after))
            exchange_break(x);
    }
    free_if_over(x);
}

void exchange_send(struct exchange *x)
{
    sabotage_sending(x);
    network_tell(x, NEWS_SENDING);
    x->delivery = sim_later(x->sim, latency(x), deliver, x);
}

const char *exchange_header(const struct exchange_request *request, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *h = request->headers; *h; h++)
        if (strncasecmp(*h, name, len) == 0 && (*h)[len] == ':')
            return *h + len + 1 + strspn(*h + len + 1, " ");
    return NULL;
}
