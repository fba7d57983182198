/* The runners of a call, kept up with: their objects and the pods of their jobs, by watches that survive whatever
 * happens to the API server (kube/watch.h). Between two looks the caller waits by runner_watch_wait(). */
#ifndef PLUGIN_RUNNER_WATCH_H
#define PLUGIN_RUNNER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/beside.h"

struct json_object;
struct plugin_call;
struct runner_watch;

struct watched_runner {
    struct json_object *object; /* as it was last */
    char *shown;                /* what its line said when it was shown last; NULL: never. The caller's to set */
    char *version;              /* of gitlab-runner, the same                                                 */
    bool gone;                  /* it is not there any more; forgotten by runner_watch_forget_gone()          */
    bool listed;
};

/* The call outlives it. */
struct runner_watch *runner_watch_create(struct plugin_call *call);
void runner_watch_destroy(struct runner_watch *w);

/* Waits until something has changed, for ms at most; what comes within a moment after it is waited for, too. False:
 * nothing has. */
bool runner_watch_wait(struct runner_watch *w, int64_t ms);
/* Whether there is a whole list. */
bool runner_watch_synced(const struct runner_watch *w);
/* Why nothing comes, "": it does. */
const char *runner_watch_problem(const struct runner_watch *w);

/* for (size_t i = 0; (runner = runner_watch_next(w, &i));) { … }, in no order. */
struct watched_runner *runner_watch_next(struct runner_watch *w, size_t *i);
void runner_watch_forget_gone(struct runner_watch *w);

/* Pods of jobs are watched where these runners run theirs, too: in up to 16 namespaces. */
void runner_watch_jobs(struct runner_watch *w, const char *ns);
/* Counts the live jobs anew; false: some of them are not seen. */
bool runner_watch_count(const struct runner_watch *w, struct job_counts *ret);

#endif
