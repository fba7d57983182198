/* Links between replicas and hosts, and what disturbs them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/network_parts.h"

struct network *network_of(struct sim *sim)
{
    if (sim->network)
        return sim->network;
    struct network *network = mem_alloc(sizeof(*network));

    network->sim = sim;
    list_init(&network->exchanges);
    return sim->network = network;
}

void network_destroy(struct network *network)
{
    if (!network)
        return;
    list_each_safe (node, after, &network->exchanges)
        exchange_drop(container_of(node, struct exchange, node));
    free(network);
}

void network_serve(struct sim *sim, const struct server *server)
{
    struct network *network = network_of(sim);
    size_t at = network->servers_len++;

    assert(at < HOSTS_MAX);
    network->servers[at] = *server;
    for (int i = 0; i < REPLICAS_MAX; i++)
        network->links[i][at] =
            (struct link){.network = network, .replica = i, .host = server->host, .server = &network->servers[at]};
}

struct link *network_link(struct network *network, int replica, const char *host, size_t len)
{
    assert(replica >= 0 && replica < REPLICAS_MAX);
    for (size_t i = 0; i < network->servers_len; i++)
        if (strncmp(network->servers[i].host, host, len) == 0 && !network->servers[i].host[len])
            return &network->links[replica][i];
    return NULL;
}

static void listen(struct sim *sim, enum network_news news,
                   void (*told)(void *arg, const struct exchange_request *request), void *arg)
{
    struct network *network = network_of(sim);

    network->told[news] = told;
    network->told_arg[news] = arg;
}

void network_on_request(struct sim *sim, void (*told)(void *arg, const struct exchange_request *request), void *arg)
{
    listen(sim, NEWS_REQUEST, told, arg);
}

void network_on_sending(struct sim *sim, void (*told)(void *arg, const struct exchange_request *request), void *arg)
{
    listen(sim, NEWS_SENDING, told, arg);
}

void network_on_unheard(struct sim *sim, void (*told)(void *arg, const struct exchange_request *request), void *arg)
{
    listen(sim, NEWS_UNHEARD, told, arg);
}

void network_tell(struct exchange *x, enum network_news news)
{
    const struct network *network = x->network;

    if (network->told[news])
        network->told[news](network->told_arg[news], &x->request);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Disturbances */

static void each_link(struct sim *sim, int replica, const char *host, void (*each)(struct link *link, const void *arg),
                      const void *arg)
{
    struct network *network = network_of(sim);

    for (int r = 0; r < REPLICAS_MAX; r++)
        for (size_t i = 0; i < network->servers_len; i++)
            if ((replica < 0 || replica == r) && (!host || strcmp(host, network->servers[i].host) == 0))
                each(&network->links[r][i], arg);
}

static void set_weather(struct link *link, const void *arg)
{
    link->weather = *(const struct network_weather *)arg;
}

void network_set(struct sim *sim, int replica, const char *host, const struct network_weather *weather)
{
    each_link(sim, replica, host, set_weather, weather);
}

/* TCP's own timeouts, as net/http_options.c sets them. */
static void bury(void *arg)
{
    struct link *link = arg;

    list_each_safe (node, after, &link->network->exchanges) {
        struct exchange *x = container_of(node, struct exchange, node);
        if (x->link == link && x->request.replica == link->replica && x->connection && x->connection <= link->dead)
            exchange_break(x);
    }
    link->open &= link->latest > link->dead;
}

void link_die(struct link *link)
{
    enum { FOUND_OUT_MS = 35000 };

    if (link->dead == link->latest)
        return;
    link->dead = link->latest;
    sim_later(link->network->sim, FOUND_OUT_MS, bury, link);
}

static void mute_link(struct link *link, const void *arg)
{
    (void)arg;
    link_die(link);
}

void network_mute(struct sim *sim, int replica, const char *host)
{
    sim->figures.muted++;
    each_link(sim, replica, host, mute_link, NULL);
}

static void close_link(struct link *link, const void *arg)
{
    (void)arg;
    link->open = false;
    link->connected_at = 0;
}

void network_cut(struct sim *sim, int replica, const char *host)
{
    sim->figures.cut++;
    list_each_safe (node, after, &network_of(sim)->exchanges) {
        struct exchange *x = container_of(node, struct exchange, node);
        bool there = (replica < 0 || replica == x->request.replica) && (!host || strcmp(host, x->link->host) == 0);
        if (there && x->connection)
            exchange_break(x);
    }
    each_link(sim, replica, host, close_link, NULL);
}

void network_begin(struct sim *sim, int replica)
{
    each_link(sim, replica, NULL, close_link, NULL);
}

/* What its owner destroys next is abandoned then. */
void network_sever(struct sim *sim, int replica)
{
    list_each_safe (node, after, &network_of(sim)->exchanges) {
        struct exchange *x = container_of(node, struct exchange, node);
        if (x->request.replica == replica)
            exchange_lose(x);
    }
}
