/* How many jobs each runner runs, counted by their pods while somebody looks: a list of their metadata each ten
 * seconds, of at most 10,000. */
#ifndef WEB_FLEET_JOBS_H
#define WEB_FLEET_JOBS_H

#include "base/map.h"
#include "operator/turn.h"

/* By whose they are. All zeroes: nothing is known. */
struct fleet_counts {
    struct map by_runner; /* "pods' namespace/label" → count */
    bool known;
    int64_t all;
};

/* -1: not known. jobs_ns: where the runner's jobs run. */
int32_t fleet_counts_of(const struct fleet_counts *counts, const char *jobs_ns, const char *ns, const char *name);
void fleet_counts_finish(struct fleet_counts *counts);

struct fleet_jobs;

/* counted() is told of each new count, which it takes over. Begins at once. Lends the context. */
struct fleet_jobs *fleet_jobs_create(const struct context *ctx, void (*counted)(void *arg, struct fleet_counts *counts),
                                     void *arg);
/* NULL is fine. */
void fleet_jobs_destroy(struct fleet_jobs *jobs);

#endif
