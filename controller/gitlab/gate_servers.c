/* What the gate knows, and forgets. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "gitlab/gate_parts.h"
#include "net/http.h"
#include "net/loop.h"

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

char *gate_host_name(const char *url, const char *address, struct arena *a)
{
    char place[256] = "";
    struct err ignored;
    int scheme = (int)strcspn(url, ":");

    http_url_is_valid(url, place, sizeof(place), &ignored);
    char *name = arena_printf(a, "%.*s://%s%s%s", scheme, url, place, address ? " at " : "", address ? address : "");
    lower(name);
    return name;
}

static struct gate_host *host_named(struct gate *gate, const char *name, bool proxied)
{
    list_each (node, &gate->hosts) {
        struct gate_host *host = container_of(node, struct gate_host, node);
        if (strcmp(host->name, name) == 0)
            return host;
    }
    struct gate_host *host = mem_alloc(sizeof(*host));
    host->name = mem_strdup(name);
    host->proxy = proxied ? &gate->proxy : NULL;
    list_init(&host->node);
    list_init(&host->lanes);
    list_append(&gate->hosts, &host->node);
    return host;
}

static struct tenant *known_tenant(const struct gate *gate, const char *ns)
{
    list_each (node, &gate->tenants) {
        struct tenant *tenant = container_of(node, struct tenant, node);
        if (strcmp(tenant->ns, ns) == 0)
            return tenant;
    }
    return NULL;
}

static struct tenant *tenant_of(struct gate *gate, const char *ns)
{
    struct tenant *tenant = known_tenant(gate, ns);

    if (tenant)
        return tenant;
    tenant = mem_alloc(sizeof(*tenant));
    tenant->ns = mem_strdup(ns);
    list_init(&tenant->node);
    list_init(&tenant->servers);
    list_append(&gate->tenants, &tenant->node);
    return tenant;
}

static struct gate_lane *lane_between(struct gate_host *host, struct tenant *tenant)
{
    list_each (node, &host->lanes) {
        struct gate_lane *lane = container_of(node, struct gate_lane, node);
        if (lane->tenant == tenant)
            return lane;
    }
    struct gate_lane *lane = mem_alloc(sizeof(*lane));
    lane->host = host;
    lane->tenant = tenant;
    list_init(&lane->node);
    list_init(&lane->urgent);
    list_init(&lane->routine);
    list_append(&host->lanes, &lane->node);
    return lane;
}

static void forget_lane(struct gate_lane *lane)
{
    assert(!lane->servers && !lane->inside && list_empty(&lane->urgent) && list_empty(&lane->routine));
    struct gate_host *host = lane->host;

    list_remove(&lane->node);
    free(lane);
    if (!list_empty(&host->lanes))
        return;
    list_remove(&host->node);
    free(host->name);
    free(host);
}

static void forget_server(struct gate_server *server)
{
    assert(!server->passes);
    struct gate_lane *lane = server->lane;
    struct tenant *tenant = lane->tenant;

    gate_answers_forget(server);
    list_remove(&server->node);
    free(server->url);
    free(server);
    assert(lane->servers > 0);
    if (--lane->servers == 0)
        forget_lane(lane);
    if (!list_empty(&tenant->servers))
        return;
    assert(!tenant->inside && !tenant->answers);
    list_remove(&tenant->node);
    free(tenant->ns);
    free(tenant);
}

static bool is_unremarkable(const struct gate_server *server)
{
    return !server->passes && list_empty(&server->answers) && host_is_unremarkable(&server->lane->host->transport);
}

static bool is_past(const struct gate_server *server, int64_t now_ms)
{
    return !server->passes && now_ms > server->used_ms + GATE_FORGET_MS;
}

/* Namespaces come and go. */
static void forget_the_past(struct gate *gate)
{
    int64_t now = loop_now(gate->loop);

    list_each_safe (node, after, &gate->tenants) {
        const struct tenant *tenant = container_of(node, struct tenant, node);
        struct list *last = tenant->servers.prev;
        for (struct list *at = tenant->servers.next, *next; at; at = next) {
            struct gate_server *server = container_of(at, struct gate_server, node);
            next = at == last ? NULL : at->next;
            if (is_past(server, now))
                forget_server(server); /* with the last one the tenant goes, too */
        }
    }
}

/* False: all of them are in use. */
static bool makes_room(struct tenant *tenant)
{
    if (list_len(&tenant->servers) < GATE_SERVERS)
        return true;
    list_each (node, &tenant->servers) {
        struct gate_server *server = container_of(node, struct gate_server, node);
        if (server->passes)
            continue;
        forget_server(server); /* not the last one: the tenant stays */
        return true;
    }
    return false;
}

static struct gate_server *known_server(const struct gate *gate, const struct gate_door *door, const char *name)
{
    const struct tenant *tenant = known_tenant(gate, door->ns);

    if (!tenant)
        return NULL;
    list_each (node, &tenant->servers) {
        struct gate_server *server = container_of(node, struct gate_server, node);
        if (strcmp(server->url, door->url) == 0 && strcmp(server->lane->host->name, name) == 0)
            return server;
    }
    return NULL;
}

static struct gate_server *add_server(struct gate *gate, const struct gate_door *door, const char *name)
{
    forget_the_past(gate);
    struct tenant *tenant = tenant_of(gate, door->ns);
    if (!makes_room(tenant))
        return NULL;
    struct gate_server *server = mem_alloc(sizeof(*server));
    server->url = mem_strdup(door->url);
    server->lane = lane_between(host_named(gate, name, door->proxied), tenant);
    server->lane->servers++;
    list_init(&server->node);
    list_init(&server->answers);
    return server;
}

struct gate_server *gate_server_of(struct gate *gate, const struct gate_door *door)
{
    cleanup_arena struct arena a = {0};
    const char *name = gate_host_name(door->url, door->address, &a);
    struct gate_server *server = known_server(gate, door, name);

    if (!server)
        server = add_server(gate, door, name);
    if (!server)
        return NULL;
    list_remove(&server->node);
    list_append(&server->lane->tenant->servers, &server->node);
    return server;
}

void gate_server_unused(struct gate *gate, struct gate_server *server)
{
    server->used_ms = loop_now(gate->loop);
    if (is_unremarkable(server))
        forget_server(server);
}

void gate_servers_finish(struct gate *gate)
{
    while (!list_empty(&gate->tenants)) {
        const struct tenant *tenant = container_of(gate->tenants.next, struct tenant, node);
        forget_server(container_of(tenant->servers.next, struct gate_server, node));
    }
}
