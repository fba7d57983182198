/* How hosts fare, for those who watch: whoever may write an object chooses a host, so of many of them few are named. */
#include <string.h>

#include "base/mem.h"
#include "gitlab/gate_parts.h"

/* A host with what decides whether it is named. */
struct seen_host {
    const struct gate_host *host;
    size_t namespaces;
};

struct seen_hosts {
    struct seen_host list[GATE_SIGHTS]; /* the one that most namespaces call in front */
    size_t len;
    struct gate_sight others;
    bool some_unnamed;
};

/* The order of the gate's own list changes with whose turn it is. */
static bool is_called_more(const struct seen_host *a, const struct seen_host *b)
{
    if (a->namespaces != b->namespaces)
        return a->namespaces > b->namespaces;
    return strcmp(a->host->name, b->host->name) < 0;
}

/* A call that finds out whether it is there again has not been answered yet. */
static bool is_out_of_reach(const struct gate_host *host)
{
    return host->transport.state != HOST_CLOSED || (host->proxy && host->proxy->state != HOST_CLOSED);
}

static size_t waiting_at(const struct gate_host *host)
{
    size_t waiting = 0;

    list_each (node, &host->lanes) {
        const struct gate_lane *lane = container_of(node, struct gate_lane, node);
        waiting += list_len(&lane->urgent) + list_len(&lane->routine);
    }
    return waiting;
}

static void leave_unnamed(struct seen_hosts *seen, const struct gate_host *host)
{
    seen->some_unnamed = true;
    seen->others.open |= is_out_of_reach(host);
    seen->others.inside += host->inside;
    seen->others.waiting += waiting_at(host);
}

static void see_host(struct seen_hosts *seen, struct seen_host one)
{
    size_t at = seen->len;

    while (at > 0 && is_called_more(&one, &seen->list[at - 1]))
        at--;
    if (seen->len == GATE_SIGHTS) {
        leave_unnamed(seen, at == GATE_SIGHTS ? one.host : seen->list[GATE_SIGHTS - 1].host);
        if (at == GATE_SIGHTS)
            return;
        seen->len--;
    }
    memmove(&seen->list[at + 1], &seen->list[at], (seen->len - at) * sizeof(one));
    seen->list[at] = one;
    seen->len++;
}

static struct gate_sight *sight_of(const struct seen_hosts *seen, struct gate_sight *sights,
                                   const struct gate_host *host)
{
    size_t i = 0;

    while (i < seen->len && seen->list[i].host != host)
        i++;
    return &sights[i];
}

static void count_held(const struct gate *gate, const struct seen_hosts *seen, struct gate_sight *sights)
{
    list_each (node, &gate->tenants) {
        list_each (at, &container_of(node, struct tenant, node)->servers) {
            const struct gate_server *server = container_of(at, struct gate_server, node);
            list_each (a, &server->answers)
                if (container_of(a, struct gate_answers, node)->breaker.state != HOST_CLOSED)
                    sight_of(seen, sights, server->lane->host)->held++;
        }
    }
}

static struct gate_sight sight_named(const struct gate_host *host)
{
    return (struct gate_sight){.name = host->name,
                               .transport = &host->transport,
                               .open = is_out_of_reach(host),
                               .inside = host->inside,
                               .waiting = waiting_at(host)};
}

size_t gate_sights(const struct gate *gate, struct gate_sight ret[static GATE_SIGHTS + 1])
{
    struct seen_hosts seen = {.others.name = "other"};

    list_each (node, &gate->hosts) {
        const struct gate_host *host = container_of(node, struct gate_host, node);
        see_host(&seen, (struct seen_host){host, list_len(&host->lanes)});
    }
    for (size_t i = 0; i < seen.len; i++)
        ret[i] = sight_named(seen.list[i].host);
    ret[seen.len] = seen.others;
    count_held(gate, &seen, ret);
    return seen.len + seen.some_unnamed;
}
