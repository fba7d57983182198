#include "operator/api_servers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/client.h"
#include "net/loop.h"

enum { CONFIGURED = 2, BEHIND_MAX = 16, URL_SIZE = 80, AGAIN_MS = 60 * 60 * 1000, RETRY_MS = 30 * 1000 };

static const struct kube_resource endpoint_slice = {
    .kind = "EndpointSlice", .api_version = "discovery.k8s.io/v1", .plural = "endpointslices", .namespaced = true};

struct api_servers {
    struct kube_client *client;
    struct loop_timer *timer;
    uint64_t request;
    char service[URL_SIZE];
    char *behind[BEHIND_MAX];
    const char *urls[CONFIGURED + BEHIND_MAX + 1]; /* without gaps */
};

static bool is_address(const char *text)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static void put_url(char ret[static URL_SIZE], const char *host, const char *port)
{
    snprintf(ret, URL_SIZE, strchr(host, ':') ? "https://[%.50s]:%.5s" : "https://%.50s:%.5s", host, port);
}

/* Each address with each port. */
size_t api_servers_of_slice(struct json_object *slice, char **ret, size_t max)
{
    struct json_object *endpoints = json_get(slice, "endpoints"), *ports = json_get(slice, "ports");
    size_t len = 0;

    for (size_t e = 0; e < json_len(endpoints); e++) {
        struct json_object *addresses = json_get(json_at(endpoints, e), "addresses");
        for (size_t i = 0; i < json_len(addresses) * json_len(ports) && len < max; i++) {
            const char *address = json_string(json_at(addresses, i / json_len(ports)));
            int64_t port = json_int_or(json_at(ports, i % json_len(ports)), "port", 0);
            char number[8];
            if (!address || !is_address(address) || port < 1 || port > 65535)
                continue;
            snprintf(number, sizeof(number), "%d", (int)port);
            ret[len] = mem_alloc(URL_SIZE);
            put_url(ret[len++], address, number);
        }
    }
    return len;
}

static size_t count_configured(const struct api_servers *servers)
{
    return *servers->service ? 2 : 1;
}

static void forget_behind(struct api_servers *servers)
{
    memset(&servers->urls[count_configured(servers)], 0, BEHIND_MAX * sizeof(servers->urls[0]));
    for (size_t i = 0; i < BEHIND_MAX; i++)
        free(take(servers->behind[i]));
}

static void on_slice(void *arg, const struct kube_reply *reply)
{
    struct api_servers *servers = arg;
    bool denied = reply->err.kind == ERR_DENIED || reply->err.kind == ERR_NOT_FOUND;

    servers->request = 0;
    loop_timer_set(servers->timer, reply->err.kind == ERR_NONE || denied ? AGAIN_MS : RETRY_MS);
    if (reply->err.kind != ERR_NONE) {
        log_event(LOG_DEBUG, "run", "the API server's endpoints are not known", "error", reply->err.text, NULL);
        return;
    }
    forget_behind(servers);
    size_t len = api_servers_of_slice(reply->object, servers->behind, BEHIND_MAX);
    assert(len <= BEHIND_MAX);
    for (size_t i = 0; i < len; i++)
        servers->urls[count_configured(servers) + i] = servers->behind[i];
}

static void read_slice(void *arg)
{
    struct api_servers *servers = arg;

    assert(servers->client && !servers->request);
    servers->request = kube_get(servers->client, &endpoint_slice, "default", "kubernetes", on_slice, servers);
}

struct api_servers *api_servers_create(struct loop *loop, const struct kube_config *config)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    struct api_servers *servers = mem_alloc(sizeof(*servers));

    *servers = (struct api_servers){.urls = {config->server}, .timer = loop_timer_create(loop, read_slice, servers)};
    if (host && *host) {
        put_url(servers->service, host, port ? port : "443");
        servers->urls[1] = servers->service;
    }
    return servers;
}

const char *const *api_servers_urls(const struct api_servers *servers)
{
    return servers->urls;
}

void api_servers_follow(struct api_servers *servers, struct kube_client *client)
{
    servers->client = client;
    read_slice(servers);
}

void api_servers_destroy(struct api_servers *servers)
{
    if (!servers)
        return;
    if (servers->request)
        kube_cancel(servers->client, servers->request);
    loop_timer_destroy(servers->timer);
    forget_behind(servers);
    free(servers);
}
