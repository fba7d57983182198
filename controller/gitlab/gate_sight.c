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
    size_t len, others;
    bool other_open;
};

/* The order of the gate's own list changes with whose turn it is. */
static bool is_named_before(const struct seen_host *a, const struct seen_host *b)
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

static void leave_unnamed(struct seen_hosts *seen, const struct seen_host *one)
{
    seen->others++;
    seen->other_open |= is_out_of_reach(one->host);
}

static void see_host(struct seen_hosts *seen, struct seen_host one)
{
    size_t at = seen->len;

    while (at > 0 && is_named_before(&one, &seen->list[at - 1]))
        at--;
    if (seen->len == GATE_SIGHTS) {
        leave_unnamed(seen, at == GATE_SIGHTS ? &one : &seen->list[GATE_SIGHTS - 1]);
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

size_t gate_sights(const struct gate *gate, struct gate_sight ret[static GATE_SIGHTS + 1])
{
    struct seen_hosts seen = {.len = 0};

    list_each (node, &gate->hosts) {
        const struct gate_host *host = container_of(node, struct gate_host, node);
        see_host(&seen, (struct seen_host){host, list_len(&host->lanes)});
    }
    for (size_t i = 0; i < seen.len; i++)
        ret[i] = (struct gate_sight){.name = seen.list[i].host->name, .open = is_out_of_reach(seen.list[i].host)};
    ret[seen.len] = (struct gate_sight){.name = "other", .open = seen.other_open};
    count_held(gate, &seen, ret);
    return seen.len + (seen.others > 0);
}
