#include "web/metrics_fleet.h"

#include "base/key.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "operator/state.h"

struct fleet_source {
    const struct states *states;
    const struct tally *reasons;
    int64_t now;
    struct fleet fleet;
};

#define SHOW(name) static void name(const struct metric_page *page, const void *source)

static const struct fleet *fleet_of(const void *source)
{
    return &((const struct fleet_source *)source)->fleet;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All of them: tenants decide how many there are */

SHOW(show_runners)
{
    const struct tally *reasons = ((const struct fleet_source *)source)->reasons;

    for (size_t i = 0; i < reasons->len; i++)
        metric_sample(page, fleet_of(source)->runners[i + 1], "reason", reasons->rows[i].a, NULL);
}

SHOW(show_unready_since)
{
    const struct tally *reasons = ((const struct fleet_source *)source)->reasons;

    for (size_t i = 0; i < reasons->len; i++)
        if (fleet_of(source)->unready_since[i + 1])
            metric_sample(page, (double)fleet_of(source)->unready_since[i + 1], "reason", reasons->rows[i].a, NULL);
}

SHOW(show_token_expiry)
{
    if (fleet_of(source)->token_end)
        metric_sample(page, (double)fleet_of(source)->token_end, NULL);
}

SHOW(show_unattended_expiry)
{
    if (fleet_of(source)->unattended_end)
        metric_sample(page, (double)fleet_of(source)->unattended_end, NULL);
}

SHOW(show_rotation_overdue)
{
    int64_t now = ((const struct fleet_source *)source)->now, due = fleet_of(source)->rotation_time;

    metric_sample(page, due && now > due ? (double)(now - due) : 0, NULL);
}

SHOW(show_managers)
{
    metric_sample(page, (double)fleet_of(source)->managers_wanted, "state", "wanted", NULL);
    metric_sample(page, (double)fleet_of(source)->managers_ready, "state", "ready", NULL);
}

static const struct metric fleet_metrics[] = {
    {"gitlab_runner_controller_runners", METRIC_GAUGE, "GitLabRunners by the reason of their condition Ready",
     show_runners},
    {"gitlab_runner_controller_unready_since_timestamp_seconds", METRIC_GAUGE,
     "Since when the GitLabRunner that has not been ready for longest is not, by reason, since 1970; absent while all "
     "are, but for those that are suspended or draining",
     show_unready_since},
    {"gitlab_runner_controller_token_expiry_timestamp_seconds", METRIC_GAUGE,
     "When the first of all runners' tokens expires, since 1970; absent while none does", show_token_expiry},
    {"gitlab_runner_controller_token_unattended_expiry_timestamp_seconds", METRIC_GAUGE,
     "When the first of those tokens expires that the operator does not replace, or is late with, since 1970",
     show_unattended_expiry},
    {"gitlab_runner_controller_token_rotation_overdue_seconds", METRIC_GAUGE,
     "For how long the token that should have been replaced first has not been", show_rotation_overdue},
    {"gitlab_runner_controller_managers", METRIC_GAUGE,
     "Managers of all GitLabRunners, as many as are asked for, and those that are ready, by state", show_managers},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Each, by the name that it has in config.toml, too */

typedef void show_facts_fn(const struct metric_page *page, const char *name, const struct runner_facts *facts);

static void of_each(const struct metric_page *page, const void *source, show_facts_fn *show)
{
    const struct fleet_source *s = source;
    const char *key;
    void *state;

    for (size_t i = 0; map_iter(&s->states->by_key, &i, &key, &state);)
        if (((const struct state *)state)->facts.shown)
            show(page, key_path(key), &((const struct state *)state)->facts);
}

static void show_ready(const struct metric_page *page, const char *name, const struct runner_facts *facts)
{
    metric_sample(page, facts->ready, "runner_name", name, NULL);
}

static void show_expiry(const struct metric_page *page, const char *name, const struct runner_facts *facts)
{
    if (facts->token_end)
        metric_sample(page, (double)facts->token_end, "runner_name", name, NULL);
}

static void show_own_managers(const struct metric_page *page, const char *name, const struct runner_facts *facts)
{
    metric_sample(page, facts->managers_wanted, "runner_name", name, "state", "wanted", NULL);
    metric_sample(page, facts->managers_ready, "runner_name", name, "state", "ready", NULL);
}

SHOW(show_each_ready)
{
    of_each(page, source, show_ready);
}

SHOW(show_each_expiry)
{
    of_each(page, source, show_expiry);
}

SHOW(show_each_managers)
{
    of_each(page, source, show_own_managers);
}

SHOW(show_without_series)
{
    const struct states *states = ((const struct fleet_source *)source)->states;

    metric_sample(page, (double)(states->by_key.len - states->shown), NULL);
}

static const struct metric runner_metrics[] = {
    {"gitlab_runner_controller_runner_ready", METRIC_GAUGE, "Whether the GitLabRunner is ready", show_each_ready},
    {"gitlab_runner_controller_runner_token_expiry_timestamp_seconds", METRIC_GAUGE,
     "When the runner's token expires, since 1970; absent if it does not", show_each_expiry},
    {"gitlab_runner_controller_runner_managers", METRIC_GAUGE,
     "Managers of the GitLabRunner, as many as are asked for, and those that are ready, by state", show_each_managers},
    {"gitlab_runner_controller_runners_without_series", METRIC_GAUGE,
     "GitLabRunners that have no series of their own, because so many others have", show_without_series},
};

/* ------------------------------------------------------------------------------------------------------------------ */

void metrics_fleet(const struct states *states, const struct tally *reasons, int64_t now, struct buf *out)
{
    const struct fleet_source source = {
        .states = states, .reasons = reasons, .now = now, .fleet = fleet_count(states, now)};

    metrics_show(fleet_metrics, ARRAY_LEN(fleet_metrics), &source, out);
    if (states->shown_max)
        metrics_show(runner_metrics, ARRAY_LEN(runner_metrics), &source, out);
}
