#include "web/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics_process.h"
#include "version.h"
#include "operator/kinds.h"
#include "kube/metrics.h"
#include "kube/queue.h"
#include "web/metrics_fleet.h"
#include "web/metrics_watch.h"
#include "net/loop.h"
#include "operator/orphans.h"

/* Each function shows one metric of a struct reconciler_view. */
#define SHOW(name) static void name(const struct metric_page *page, const void *source)

static const struct reconciler_view *view_of(const void *source)
{
    return source;
}

static const struct stats *stats_of(const void *source)
{
    return view_of(source)->ctx->stats;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reconciliations, as controller-runtime counts them */

static void of_controller(const struct metric_page *page, double value)
{
    metric_sample(page, value, "controller", CONTROLLER, NULL);
}

SHOW(show_reconciles)
{
    for (enum turn_result result = 0; result < RESULT_COUNT; result++)
        metric_sample(page, (double)stats_of(source)->results[result], "controller", CONTROLLER, "result",
                      turn_result_name(result), NULL);
}

SHOW(show_errors)
{
    of_controller(page, (double)stats_of(source)->results[RESULT_ERROR]);
}

SHOW(show_terminal_errors)
{
    of_controller(page, (double)stats_of(source)->stalled);
}

SHOW(show_no_panics)
{
    (void)source; /* what would be one ends the process */
    of_controller(page, 0);
}

SHOW(show_timeouts)
{
    of_controller(page, (double)stats_of(source)->not_converging);
}

SHOW(show_reconcile_seconds)
{
    metric_histogram(page, &stats_of(source)->reconcile_seconds, "controller", CONTROLLER, NULL);
}

SHOW(show_turns_max)
{
    of_controller(page, (double)view_of(source)->turns_max);
}

SHOW(show_turns)
{
    of_controller(page, (double)view_of(source)->turns_len);
}

static const struct metric reconcile_metrics[] = {
    {"controller_runtime_reconcile_total", METRIC_COUNTER, "Reconciliations by how they ended", show_reconciles},
    {"controller_runtime_reconcile_errors_total", METRIC_COUNTER,
     "Reconciliations that ended with a failed call or with something that a person has to put right", show_errors},
    {"controller_runtime_terminal_reconcile_errors_total", METRIC_COUNTER,
     "Reconciliations that ended with something that only a person can put right", show_terminal_errors},
    {"controller_runtime_reconcile_panics_total", METRIC_COUNTER, "Always 0: a defect ends the process",
     show_no_panics},
    {"controller_runtime_reconcile_timeouts_total", METRIC_COUNTER,
     "Reconciliations that were given up after too many steps", show_timeouts},
    {"controller_runtime_reconcile_time_seconds", METRIC_HISTOGRAM,
     "How long reconciliations took, the answers that they waited for included", show_reconcile_seconds},
    {"controller_runtime_max_concurrent_reconciles", METRIC_GAUGE, "How many runners may be worked on at a time",
     show_turns_max},
    {"controller_runtime_active_workers", METRIC_GAUGE, "Runners being worked on", show_turns},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * The work queue, as client-go counts it */

static void of_queue(const struct metric_page *page, double value)
{
    metric_sample(page, value, "name", CONTROLLER, "controller", CONTROLLER, NULL);
}

SHOW(show_depth)
{
    of_queue(page, (double)queue_depth(view_of(source)->queue));
}

SHOW(show_adds)
{
    of_queue(page, (double)queue_adds(view_of(source)->queue));
}

SHOW(show_retries)
{
    of_queue(page, (double)stats_of(source)->retries);
}

SHOW(show_queue_seconds)
{
    metric_histogram(page, queue_waits(view_of(source)->queue), "name", CONTROLLER, "controller", CONTROLLER, NULL);
}

SHOW(show_work_seconds)
{
    metric_histogram(page, &stats_of(source)->work_seconds, "name", CONTROLLER, "controller", CONTROLLER, NULL);
}

SHOW(show_unfinished)
{
    double sum = 0;

    list_each (node, view_of(source)->turns)
        sum += seconds_since(turn_of(container_of(node, struct work, node))->began_us);
    of_queue(page, sum);
}

SHOW(show_longest)
{
    const struct list *turns = view_of(source)->turns;
    bool any = turns->next != turns;

    of_queue(page, any ? seconds_since(turn_of(container_of(turns->next, struct work, node))->began_us) : 0);
}

static const struct metric queue_metrics[] = {
    {"workqueue_depth", METRIC_GAUGE, "Keys that wait to be worked on", show_depth},
    {"workqueue_adds_total", METRIC_COUNTER, "Keys added to the work queue", show_adds},
    {"workqueue_retries_total", METRIC_COUNTER, "Keys that were to be tried again after an error", show_retries},
    {"workqueue_queue_duration_seconds", METRIC_HISTOGRAM, "How long keys waited until they were worked on",
     show_queue_seconds},
    {"workqueue_work_duration_seconds", METRIC_HISTOGRAM, "How long the work on a key took", show_work_seconds},
    {"workqueue_unfinished_work_seconds", METRIC_GAUGE, "How long the work in progress has taken, all together",
     show_unfinished},
    {"workqueue_longest_running_processor_seconds", METRIC_GAUGE, "How long the oldest work in progress has taken",
     show_longest},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Our own */

SHOW(show_build)
{
    (void)source;
    metric_sample(page, 1, "version", version_number(), "commit", version_commit(), NULL);
}

SHOW(show_objects)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        metric_sample(page, (double)store_count(view_of(source)->ctx->store, kind), "kind", kind_resource(kind)->kind,
                      NULL);
}

SHOW(show_limit)
{
    metric_sample(page, kube_traffic(view_of(source)->ctx->client).limit, NULL);
}

SHOW(show_in_flight)
{
    metric_sample(page, kube_traffic(view_of(source)->ctx->client).in_flight, NULL);
}

SHOW(show_held)
{
    metric_sample(page, kube_traffic(view_of(source)->ctx->client).held, NULL);
}

SHOW(show_left_out)
{
    metric_sample(page, (double)shares_left_out(store_shares(view_of(source)->ctx->store), NULL), NULL);
}

SHOW(show_gitlab_calls)
{
    metric_tally(page, &stats_of(source)->gitlab_calls, "call", "result", NULL);
}

SHOW(show_gitlab_places)
{
    const struct gitlab *gitlab = view_of(source)->ctx->gitlab;

    metric_sample(page, (double)gitlab_inside(gitlab), "state", "in_flight", NULL);
    metric_sample(page, (double)gitlab_waiting(gitlab), "state", "waiting", NULL);
}

SHOW(show_breakers)
{
    struct gate_sight sights[GATE_SIGHTS + 1];
    size_t len = gitlab_sights(view_of(source)->ctx->gitlab, sights);

    for (size_t i = 0; i < len; i++)
        metric_sample(page, sights[i].open, "gitlab_host", sights[i].name, NULL);
}

SHOW(show_callers_held)
{
    struct gate_sight sights[GATE_SIGHTS + 1];
    size_t len = gitlab_sights(view_of(source)->ctx->gitlab, sights);

    for (size_t i = 0; i < len; i++)
        metric_sample(page, (double)sights[i].held, "gitlab_host", sights[i].name, NULL);
}

SHOW(show_gitlab_seconds)
{
    metric_histogram(page, &stats_of(source)->gitlab_seconds, NULL);
}

SHOW(show_orphans)
{
    metric_sample(page, (double)orphans_count(view_of(source)->ctx->orphans), NULL);
}

SHOW(show_orphaned)
{
    metric_sample(page, (double)stats_of(source)->orphans.recorded, "result", "recorded", NULL);
    metric_sample(page, (double)stats_of(source)->orphans.unrecorded, "result", "unrecorded", NULL);
    metric_sample(page, (double)stats_of(source)->orphans.deregistered, "result", "deregistered", NULL);
    metric_sample(page, (double)stats_of(source)->orphans.displaced, "result", "displaced", NULL);
}

SHOW(show_removed)
{
    metric_tally(page, &stats_of(source)->removed, "kind", "reason", NULL);
}

SHOW(show_events)
{
    metric_sample(page, (double)stats_of(source)->events.sent, "result", "sent", NULL);
    metric_sample(page, (double)stats_of(source)->events.lost, "result", "lost", NULL);
}

static const struct metric own_metrics[] = {
    {"gitlab_runner_controller_build_info", METRIC_GAUGE, "Always 1, with the version", show_build},
    {"gitlab_runner_controller_objects", METRIC_GAUGE, "Objects kept, by kind", show_objects},
    {"gitlab_runner_controller_api_requests_max", METRIC_GAUGE,
     "How many requests may be on their way to the API server, which adapts to what it bears", show_limit},
    {"gitlab_runner_controller_api_requests_in_flight", METRIC_GAUGE,
     "Requests to the API server on their way, watches left out", show_in_flight},
    {"gitlab_runner_controller_api_requests_held", METRIC_GAUGE, "Requests to the API server that are held back",
     show_held},
    {"gitlab_runner_controller_runners_left_out", METRIC_GAUGE,
     "GitLabRunners that are not served, because those of their namespace take more than its share", show_left_out},
    {"gitlab_runner_controller_gitlab_requests_total", METRIC_COUNTER,
     "Calls to GitLab by what was asked and what came of it (ok, or the reason of the failure)", show_gitlab_calls},
    {"gitlab_runner_controller_gitlab_calls", METRIC_GAUGE,
     "Calls to GitLab that have a place at the gate, and that wait for one, by state", show_gitlab_places},
    {"gitlab_runner_controller_gitlab_breaker_open", METRIC_GAUGE,
     "Whether a host that is called, or of which a failure is remembered, cannot be connected to", show_breakers},
    {"gitlab_runner_controller_gitlab_callers_held", METRIC_GAUGE,
     "Credentials at such a host that it answers 5xx or 429, whose calls are held back for a while", show_callers_held},
    {"gitlab_runner_controller_gitlab_request_duration_seconds", METRIC_HISTOGRAM, "How long calls to GitLab took",
     show_gitlab_seconds},
    {"gitlab_runner_controller_orphans", METRIC_GAUGE,
     "Runners that were left behind at GitLab and are to be deregistered when it allows it", show_orphans},
    {"gitlab_runner_controller_orphaned_runners_total", METRIC_COUNTER,
     "Runners left behind at GitLab, in the ledger or not, those that were deregistered later, and those that the "
     "ledger has "
     "no place for any more",
     show_orphaned},
    {"gitlab_runner_controller_children_removed_total", METRIC_COUNTER,
     "Children removed without their owner's doing: it is gone, or may not have them there (any more)", show_removed},
    {"gitlab_runner_controller_events_total", METRIC_COUNTER, "Events sent, and lost because they could not be",
     show_events},
};

/* ------------------------------------------------------------------------------------------------------------------ */

#define SHOW_TABLE(table) metrics_show(table, ARRAY_LEN(table), &view, out)

void metrics_page(const struct reconciler *rec, struct buf *out)
{
    const struct reconciler_view view = reconciler_view(rec);

    SHOW_TABLE(reconcile_metrics);
    SHOW_TABLE(queue_metrics);
    metrics_client(view.ctx->client, out);
    metrics_lease(view.ctx->lease, out);
    metrics_watch(view.informers, out);
    SHOW_TABLE(own_metrics);
    metrics_fleet(view.states, &view.ctx->stats->ready_reasons, loop_wall(view.ctx->loop), out);
    metrics_process(view.ctx->stats->start, out);
}
