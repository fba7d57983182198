#include "kube/rounds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/jitter.h"
#include "base/key.h"
#include "base/list.h"
#include "base/mem.h"
#include "kube/queue.h"
#include "net/loop.h"

enum { IN_FLIGHT_MAX = 8, GAP_MS = 1000 / ROUND_RATE };

struct rounds {
    struct loop *loop;
    struct kube_client *client;
    const struct kube_resource *resource;
    struct rounds_handler handler;
    struct queue *queue; /* "namespace/name" of all that are read, by when they are due */
    struct list readings;
    size_t in_flight;
    int64_t next_ms; /* not before                                                 */
    struct loop_timer *timer;
};

struct reading {
    struct list node;
    struct rounds *rounds;
    uint64_t request;
    char *ns, *name, *known;
};

static void arm_round(struct rounds *r)
{
    int64_t due = queue_next_ms(r->queue, QUEUE_ROUTINE), now = loop_now(r->loop);
    int64_t next = due > r->next_ms ? due : r->next_ms;

    if (due < 0 || r->in_flight == IN_FLIGHT_MAX)
        loop_timer_set(r->timer, -1);
    else
        loop_timer_set(r->timer, next > now ? next - now : 0);
}

static void reading_free(struct reading *reading)
{
    assert(reading->rounds->in_flight > 0);
    list_remove(&reading->node);
    reading->rounds->in_flight--;
    free(reading->ns);
    free(reading->name);
    free(reading->known);
    free(reading);
}

static void on_round_answer(void *arg, const struct kube_reply *reply)
{
    struct reading *reading = arg;
    struct rounds *r = reading->rounds;
    const struct key_text key = key_text(r->resource->kind, reading->ns, reading->name);

    queue_add_at(r->queue, key.text, loop_now(r->loop) + jitter(ROUND_MS * 3 / 4, ROUND_MS / 2), "read");
    queue_done(r->queue, key.text);
    r->handler.read(r->handler.arg, reading->ns, reading->name, reading->known, reply);
    reading_free(reading);
    arm_round(r);
}

static void ask_next_round(struct rounds *r, const char *ns, const char *name, const char *known)
{
    assert(r->in_flight < IN_FLIGHT_MAX);
    cleanup_arena struct arena a = {0};
    struct reading *reading = mem_alloc(sizeof(*reading));

    *reading =
        (struct reading){.rounds = r, .ns = mem_strdup(ns), .name = mem_strdup(name), .known = mem_strdup(known)};
    list_append(&r->readings, &reading->node);
    r->in_flight++;
    const struct kube_request request = {.method = "GET",
                                         .path = kube_path(r->resource, ns, name, NULL, &a),
                                         .accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                                         .resource = r->resource,
                                         .done = on_round_answer,
                                         .arg = reading};
    reading->request = kube_start(r->client, &request);
}

/* The next one whose time has come; those that nobody wants to know of are forgotten on the way. */
static void read_next(struct rounds *r)
{
    const char *text, *cause;
    struct key key;

    while ((text = queue_take(r->queue, loop_now(r->loop), QUEUE_ROUTINE, &cause))) {
        key_parse(text, &key);
        const char *known = r->handler.known(r->handler.arg, key.ns, key.name);
        if (known) {
            ask_next_round(r, key.ns, key.name, known);
            return;
        }
        queue_done(r->queue, text);
    }
}

static void on_round_timer(void *arg)
{
    struct rounds *r = arg;

    r->next_ms = loop_now(r->loop) + GAP_MS;
    read_next(r);
    arm_round(r);
}

struct rounds *rounds_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                             const struct rounds_handler *handler)
{
    struct rounds *r = mem_alloc(sizeof(*r));

    *r = (struct rounds){
        .loop = loop, .client = client, .resource = resource, .handler = *handler, .queue = queue_create()};
    list_init(&r->readings);
    r->timer = loop_timer_create(loop, on_round_timer, r);
    return r;
}

void rounds_add(struct rounds *r, const char *ns, const char *name)
{
    int64_t at = loop_now(r->loop) + jitter(ROUND_MS / 2, ROUND_MS / 2);

    queue_add_at(r->queue, key_text(r->resource->kind, ns, name).text, at, "read");
    arm_round(r);
}

void rounds_destroy(struct rounds *r)
{
    if (!r)
        return;
    list_each_safe (node, after, &r->readings) {
        struct reading *reading = container_of(node, struct reading, node);
        kube_cancel(r->client, reading->request);
        reading_free(reading);
    }
    loop_timer_destroy(r->timer);
    queue_destroy(r->queue);
    free(r);
}
