/* The plots of the fleet page: of the last hour, a sample a minute, also while nobody looks (of jobs only then).
 *
 * The stream's event `plots` is {"jobs":[[TIME,N],…60],"reconcile":[[TIME,P95MS],…],"hosts":[{"host":NAME,
 * "calls_per_minute":[N,…60],"breaker":"closed"|"open"|"half-open","retry_in":SECONDS|null},…]}: oldest first, times in
 * seconds since 1970, null for what nobody knows. p95 is that of the reconciliations of that minute, null when there
 * were none. Of hosts the eight that were called last are there. */
#ifndef WEB_FLEET_PLOTS_H
#define WEB_FLEET_PLOTS_H

#include <stdbool.h>

#include "operator/turn.h"

struct fleet_plots;
struct json_object;

/* Lends the context. */
struct fleet_plots *fleet_plots_create(const struct context *ctx);
void fleet_plots_destroy(struct fleet_plots *plots);
/* How many jobs run now, -1: not known; for the next sample. */
void fleet_plots_note_jobs(struct fleet_plots *plots, int64_t jobs);
/* The event's data; the caller owns it. */
struct json_object *fleet_plots_json(const struct fleet_plots *plots);
/* The same for who may not see all: of jobs there is but one point, how many of theirs run now (-1: not known), and of
 * hosts those of which shows() says so. */
struct json_object *fleet_plots_of_some(const struct fleet_plots *plots, int64_t jobs,
                                        bool (*shows)(void *arg, const char *host), void *arg);

#endif
