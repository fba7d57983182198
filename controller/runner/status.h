/* The status of a GitLabRunner, from what is observed: conditions in the manner of kstatus. */
#ifndef RUNNER_STATUS_H
#define RUNNER_STATUS_H

#include "runner/decide.h"

/* Why one half of the work (registration, manager) cannot go on; reason NULL: it can, or is done. */
struct finding {
    const char *reason, *message;
    bool stalled;
};

/* Bytes of JSON by which any status may be longer than that of one that is not served. */
enum { STATUS_GROWS_MAX = 8 << 10 };

/* The complete status; the arena owns it. A condition keeps its lastTransitionTime unless its status flips. */
struct json_object *status_render(const struct observed *o, const struct finding *registration,
                                  const struct finding *manager, struct arena *a);

/* Of a manager whose Deployment is about to be written: the finding that makes status_render() tell it as started. */
struct finding manager_starting(const struct observed *o, struct arena *a);

/* True when *o shows this status already, or as good as that: while managers start the number of their pods waits for
 * the next change of anything else. */
bool status_is_shown(const struct observed *o, struct json_object *status);

/* Since when the condition Ready is not True, in seconds since 1970; 0: it is, nothing is known yet, or nobody wants it
 * to be: the runner is suspended, or its managers finish their jobs before it goes. */
int64_t status_unready_since(struct json_object *status);

/* A member of a condition ("status", "reason", "message") in a status, NULL when it is not there. */
const char *condition_get(struct json_object *status, const char *type, const char *member);

#endif
