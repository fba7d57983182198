#include "operator/stats.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

/* Those of controller-runtime (pkg/internal/controller/metrics), of client-go (util/workqueue/metrics.go), and for
 * GitLab those of client-go's requests. */
static const struct buckets reconcile_buckets = {
    40, {0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,  1.25, 1.5,
         1.75,  2,    2.5,   3,    3.5, 4,    4.5, 5,    6,   7,    8,   9,    10,  15,  20,  25,  30,  40, 50,   60}};
static const struct buckets work_buckets = {12, {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000}};
static const struct buckets gitlab_buckets = {12, {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60}};

void stats_init(struct stats *stats)
{
    *stats = (struct stats){.reconcile_seconds = {.buckets = &reconcile_buckets},
                            .work_seconds = {.buckets = &work_buckets},
                            .gitlab_seconds = {.buckets = &gitlab_buckets}};
    stats->start = (double)clock_wall_us() / 1e6;
    if (getrandom(&stats->run, sizeof(stats->run), GRND_NONBLOCK) != sizeof(stats->run))
        stats->run = 0;
}

const char *turn_result_name(enum turn_result result)
{
    static const char *const names[] = {[RESULT_SUCCESS] = "success",
                                        [RESULT_ERROR] = "error",
                                        [RESULT_REQUEUE] = "requeue",
                                        [RESULT_REQUEUE_AFTER] = "requeue_after"};

    assert(result < RESULT_COUNT);
    return names[result];
}

unsigned stats_ready_reason(struct stats *stats, const char *reason)
{
    const struct tally *seen = &stats->ready_reasons;

    if (!reason)
        return 0;
    tally_add(&stats->ready_reasons, reason, "", 1);
    for (unsigned i = 0; i < seen->len; i++)
        if (strncmp(seen->rows[i].a, reason, TALLY_LABEL_MAX - 1) == 0)
            return i + 1;
    assert(seen->len == TALLY_MAX);
    return (unsigned)seen->len; /* "other" */
}
