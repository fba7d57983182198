/* What the process counts of its own work; web/metrics.c shows it. */
#ifndef OPERATOR_STATS_H
#define OPERATOR_STATS_H

#include "base/metrics.h"
#include "kube/event.h"

/* How a turn ended, in controller-runtime's words. */
enum turn_result {
    RESULT_SUCCESS,       /* nothing is left to do                                */
    RESULT_ERROR,         /* a call failed, or a person has to act                */
    RESULT_REQUEUE,       /* begun anew at once: the object changed meanwhile     */
    RESULT_REQUEUE_AFTER, /* it waits for what somebody else is at                */
    RESULT_COUNT,
};

struct stats {
    double start;   /* seconds since 1970                                    */
    uint32_t run;   /* random: tells our turns from those of another process */
    uint64_t turns; /* begun                                                 */
    uint64_t results[RESULT_COUNT];
    uint64_t stalled;        /* errors that only a person can end            */
    uint64_t not_converging; /* turns given up after too many steps          */
    uint64_t retries;        /* keys that are to be tried again after errors */
    struct histogram reconcile_seconds, work_seconds;
    struct tally gitlab_calls; /* by call and result */
    struct histogram gitlab_seconds;
    struct event_counts events;
    struct {
        uint64_t recorded, unrecorded, deregistered, displaced;
    } orphans;                  /* runners left behind; and those that GitLab has let go later */
    struct tally removed;       /* children without a claim, by kind and why   */
    struct tally ready_reasons; /* that were seen; the counts mean nothing */
};

void stats_init(struct stats *stats);
const char *turn_result_name(enum turn_result result);
/* A number, from 1 to TALLY_MAX, for each reason of the condition Ready, the last for all that come when the tally is
 * full; 0 for NULL. */
unsigned stats_ready_reason(struct stats *stats, const char *reason);

#endif
