/* What is seen of runners beside their objects: the jobs that run, by their pods, and the managers' versions, by their
 * Deployments. */
#ifndef PLUGIN_BESIDE_H
#define PLUGIN_BESIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

struct json_object;
struct plugin_call;
struct runner_row;

/* Live jobs by the name of their runner, as labels have it (runner/job_pods.h). All zeroes knows of none. */
struct job_counts {
    struct map counts;
};

void job_counts_add(struct job_counts *c, const char *label);
void job_counts_finish(struct job_counts *c);

/* Fills in jobs and versions of the rows, with few requests whatever their number: one list of pods, and one of
 * Deployments, of all namespaces or of each that they are in (up to 16; then of all). What may not be seen is told with
 * not_seen(). */
void beside_read(struct plugin_call *call, struct runner_row *rows, size_t len);
/* The pods of these runners' jobs that have not ended, in full, as an array of the arena's; NULL: none may be seen. */
struct json_object *beside_pods(struct plugin_call *call, struct runner_row *rows, size_t len);
/* The versions alone. */
void beside_versions(struct plugin_call *call, struct runner_row *rows, size_t len);
/* Fills in the jobs. Of two runners whose labels are the same, both being cut, nothing is known. */
void beside_count(const struct job_counts *counts, struct runner_row *rows, size_t len);

#endif
