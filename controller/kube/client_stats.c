#include "kube/client_stats.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/http.h"

/* Those of client-go (component-base/metrics/prometheus/restclient). */
static const struct buckets second_buckets = {12, {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60}};
/* Fewer than there: each is a series for each method. */
static const struct buckets byte_buckets = {6, {64, 1 << 10, 16 << 10, 256 << 10, 1 << 20, 16 << 20}};

void kube_stats_init(struct kube_stats *stats, const char *server)
{
    static const char *const methods[KUBE_METHODS] = {"GET", "PATCH", "POST", "DELETE", "PUT"};
    const char *host = strstr(server, "://");

    *stats = (struct kube_stats){.dns_seconds = {.buckets = &second_buckets}};
    host = host ? host + 3 : server;
    tally_add(&stats->repeats, "429", "GET", 0);
    snprintf(stats->host, sizeof(stats->host), "%.*s", (int)strcspn(host, "/"), host);
    for (size_t i = 0; i < KUBE_METHODS; i++)
        stats->methods[i] = (struct kube_method_stats){.method = methods[i],
                                                       .seconds = {.buckets = &second_buckets},
                                                       .request_bytes = {.buckets = &byte_buckets},
                                                       .response_bytes = {.buckets = &byte_buckets},
                                                       .held_seconds = {.buckets = &second_buckets}};
}

static void count(struct tally *tally, const struct kube_call *call, long status)
{
    char code[16] = "<error>";

    if (status)
        snprintf(code, sizeof(code), "%ld", status);
    tally_add(tally, code, call->method, 1);
}

void kube_stats_answered(struct kube_stats *stats, struct kube_call *call, long status)
{
    if (!call->counted)
        count(&stats->answers, call, status);
    call->counted = true;
}

void kube_stats_repeated(struct kube_stats *stats, const struct kube_call *call, long status)
{
    count(&stats->repeats, call, status);
}

static struct kube_method_stats *stats_of_method(struct kube_stats *stats, const char *method)
{
    size_t i = 0;

    while (i < KUBE_METHODS - 1 && strcmp(stats->methods[i].method, method) != 0)
        i++;
    return &stats->methods[i];
}

void kube_stats_ended(struct kube_stats *stats, struct kube_call *call, const struct http_reply *reply, size_t received)
{
    struct kube_method_stats *method = stats_of_method(stats, call->method);

    kube_stats_answered(stats, call, reply->status);
    if (reply->dns_us > 0)
        histogram_observe(&stats->dns_seconds, (double)reply->dns_us / 1e6);
    if (call->streamed)
        return;
    histogram_observe(&method->seconds, seconds_since(call->began_us));
    histogram_observe(&method->request_bytes, (double)call->sent);
    if (reply->status)
        histogram_observe(&method->response_bytes, (double)(reply->len + received));
}

void kube_stats_held(struct kube_stats *stats, const struct kube_call *call, int64_t held_ms)
{
    if (held_ms > 0)
        histogram_observe(&stats_of_method(stats, call->method)->held_seconds, (double)held_ms / 1e3);
}
