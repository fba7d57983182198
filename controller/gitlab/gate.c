#include "gitlab/gate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/loop.h"

struct gate_host {
    struct list node;
    char *name;
    struct host host;
    struct list line; /* of passes that wait, the first to come in front */
};

struct gate {
    struct loop *loop;
    struct host_limits limits;
    struct list hosts;        /* the one that was asked for last is at the end */
    struct list refused;      /* passes that are told so when the timer fires  */
    struct loop_timer *timer; /* armed while somebody is among the refused     */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Hosts */

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

static char *name_of(const char *url, const char *address, struct arena *a)
{
    char place[256] = "";
    struct err ignored;
    int scheme = (int)strcspn(url, ":");

    http_url_check(url, place, sizeof(place), &ignored);
    char *name = arena_printf(a, "%.*s://%s%s%s", scheme, url, place, address ? " at " : "", address ? address : "");
    lower(name);
    return name;
}

static void forget(struct gate_host *h)
{
    list_remove(&h->node);
    free(h->name);
    free(h);
}

/* Names come from specs, and nobody shall fill our memory with them. */
static void forget_the_oldest(struct gate *gate)
{
    size_t len = 0;

    list_each (node, &gate->hosts)
        len++;
    list_each_safe (node, after, &gate->hosts) {
        struct gate_host *h = container_of(node, struct gate_host, node);
        if (len < GATE_HOSTS_MAX)
            return;
        if (h->host.in_flight || !list_empty(&h->line))
            continue;
        forget(h);
        len--;
    }
}

static struct gate_host *add_host(struct gate *gate, const char *name)
{
    struct gate_host *h = mem_alloc(sizeof(*h));

    forget_the_oldest(gate);
    h->name = mem_strdup(name);
    list_init(&h->node);
    list_init(&h->line);
    return h;
}

static struct gate_host *host_of(struct gate *gate, const char *url, const char *address)
{
    cleanup_arena struct arena a = {0};
    const char *name = name_of(url, address, &a);
    struct gate_host *found = NULL;

    list_each (node, &gate->hosts) {
        struct gate_host *h = container_of(node, struct gate_host, node);
        if (strcmp(h->name, name) == 0)
            found = h;
    }
    if (!found)
        found = add_host(gate, name);
    list_remove(&found->node);
    list_append(&gate->hosts, &found->node);
    return found;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Passes */

static uint32_t chance(void)
{
    return (uint32_t)rand();
}

void gate_refuse(struct gate *gate, struct gate_pass *pass, const struct err *err)
{
    pass->refusal = *err;
    pass->host = NULL;
    list_init(&pass->node);
    list_append(&gate->refused, &pass->node);
    loop_timer_set(gate->timer, 0);
}

/* Lets the pass in, or refuses it, and takes it out of the line; false when it has to wait. */
static bool try_to_enter(struct gate *gate, struct gate_pass *pass)
{
    struct gate_host *h = pass->host;
    int64_t now = loop_now(gate->loop);
    enum host_verdict verdict = host_enter(&h->host, &gate->limits, now, &pass->epoch);

    if (verdict == HOST_WAIT)
        return false;
    list_remove(&pass->node);
    if (verdict == HOST_REFUSE) {
        const struct err err = host_refusal(&h->host, h->name, now, chance());
        gate_refuse(gate, pass, &err);
    } else {
        pass->inside = true;
        pass->go(pass, NULL);
    }
    return true;
}

static void advance(struct gate *gate, struct gate_host *h)
{
    while (!list_empty(&h->line))
        if (!try_to_enter(gate, container_of(h->line.next, struct gate_pass, node)))
            return;
}

void gate_enter(struct gate *gate, struct gate_pass *pass, const char *url, const char *address)
{
    list_init(&pass->node);
    pass->host = host_of(gate, url, address);
    if (!list_empty(&pass->host->line) || !try_to_enter(gate, pass))
        list_append(&pass->host->line, &pass->node);
}

void gate_leave(struct gate *gate, struct gate_pass *pass, enum host_outcome outcome, const struct err *err)
{
    struct gate_host *h = pass->host;

    pass->inside = false;
    pass->host = NULL;
    host_leave(&h->host, &gate->limits, pass->epoch, outcome, err, loop_now(gate->loop), chance());
    advance(gate, h);
}

void gate_cancel(struct gate *gate, struct gate_pass *pass)
{
    static const struct err none;

    if (pass->inside)
        gate_leave(gate, pass, HOST_DROPPED, &none);
    else if (pass->node.next)
        list_remove(&pass->node);
    pass->host = NULL;
}

static void on_timer(void *arg)
{
    struct gate *gate = arg;
    struct list *node;

    while ((node = list_pop(&gate->refused))) {
        struct gate_pass *pass = container_of(node, struct gate_pass, node);
        pass->go(pass, &pass->refusal);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct gate *gate_create(struct loop *loop, unsigned concurrency)
{
    struct gate *gate = mem_alloc(sizeof(*gate));

    *gate = (struct gate){.loop = loop, .limits = host_default_limits};
    gate->limits.concurrency = concurrency;
    list_init(&gate->hosts);
    list_init(&gate->refused);
    gate->timer = loop_timer_create(loop, on_timer, gate);
    return gate;
}

void gate_destroy(struct gate *gate)
{
    if (!gate)
        return;
    list_each_safe (node, after, &gate->hosts)
        forget(container_of(node, struct gate_host, node));
    loop_timer_destroy(gate->timer);
    free(gate);
}

bool gate_info(const struct gate *gate, size_t i, struct gate_info *ret)
{
    list_each (node, &gate->hosts) {
        const struct gate_host *h = container_of(node, struct gate_host, node);
        if (i-- > 0)
            continue;
        *ret = (struct gate_info){.name = h->name, .host = &h->host, .waiting = list_len(&h->line)};
        return true;
    }
    return false;
}
