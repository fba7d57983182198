#include "kube/metrics.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "kube/client.h"
#include "kube/client_stats.h"
#include "kube/lease.h"

#define SHOW(name) static void name(const struct metric_page *page, const void *source)

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests to the API server, as client-go counts them: of a client */

static const struct kube_stats *stats_of_client(const void *source)
{
    return kube_stats(source);
}

SHOW(show_requests)
{
    metric_tally(page, &stats_of_client(source)->answers, "code", "method", "host", stats_of_client(source)->host,
                 NULL);
}

/* One histogram of each method that was used. offset: its place in struct kube_method_stats. */
static void by_method(const struct metric_page *page, const struct kube_stats *stats, size_t offset)
{
    for (const struct kube_method_stats *m = stats->methods; m < stats->methods + KUBE_METHODS; m++)
        if (((const struct histogram *)((const char *)m + offset))->count)
            metric_histogram(page, (const struct histogram *)((const char *)m + offset), "verb", m->method, "host",
                             stats->host, NULL);
}

SHOW(show_repeats)
{
    metric_tally(page, &stats_of_client(source)->repeats, "code", "verb", "host", stats_of_client(source)->host, NULL);
}

SHOW(show_held_seconds)
{
    by_method(page, stats_of_client(source), offsetof(struct kube_method_stats, held_seconds));
}

SHOW(show_ca_reloads)
{
    metric_sample(page, (double)kube_traffic(source).ca_reloads, "result", "success", "reason", "updated", NULL);
}

SHOW(show_request_seconds)
{
    by_method(page, stats_of_client(source), offsetof(struct kube_method_stats, seconds));
}

SHOW(show_request_bytes)
{
    by_method(page, stats_of_client(source), offsetof(struct kube_method_stats, request_bytes));
}

SHOW(show_response_bytes)
{
    by_method(page, stats_of_client(source), offsetof(struct kube_method_stats, response_bytes));
}

SHOW(show_dns_seconds)
{
    metric_histogram(page, &stats_of_client(source)->dns_seconds, "host", stats_of_client(source)->host, NULL);
}

static const struct metric client_metrics[] = {
    {"rest_client_requests_total", METRIC_COUNTER,
     "Requests to the API server by status code (<error>: no answer), method and host", show_requests},
    {"rest_client_request_duration_seconds", METRIC_HISTOGRAM,
     "How long requests to the API server took, watches left out", show_request_seconds},
    {"rest_client_request_size_bytes", METRIC_HISTOGRAM, "Sizes of the bodies of requests to the API server",
     show_request_bytes},
    {"rest_client_response_size_bytes", METRIC_HISTOGRAM, "Sizes of the bodies of the API server's answers",
     show_response_bytes},
    {"rest_client_request_retries_total", METRIC_COUNTER,
     "Requests to the API server that were sent again, by the code that they had got", show_repeats},
    {"rest_client_rate_limiter_duration_seconds", METRIC_HISTOGRAM,
     "How long requests to the API server were held back, of those that were", show_held_seconds},
    {"rest_client_transport_ca_reload_total", METRIC_COUNTER, "How often another CA was read from its file",
     show_ca_reloads},
    {"rest_client_dns_resolution_duration_seconds", METRIC_HISTOGRAM,
     "How long it took to resolve the API server's name, for each connection", show_dns_seconds},
};

void metrics_client(const struct kube_client *client, struct buf *out)
{
    metrics_show(client_metrics, ARRAY_LEN(client_metrics), client, out);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Leader election: of a lease, or NULL */

SHOW(show_leading)
{
    if (source)
        metric_sample(page, lease_is_leading(source), "name", lease_name(source), NULL);
}

SHOW(show_slow_paths)
{
    if (source)
        metric_sample(page, (double)lease_slow_paths(source), "name", lease_name(source), NULL);
}

static const struct metric lease_metrics[] = {
    {"leader_election_master_status", METRIC_GAUGE, "Whether this process leads", show_leading},
    {"leader_election_slowpath_total", METRIC_COUNTER, "Renewals that had to look at the Lease first", show_slow_paths},
};

void metrics_lease(const struct lease *lease, struct buf *out)
{
    metrics_show(lease_metrics, ARRAY_LEN(lease_metrics), lease, out);
}
