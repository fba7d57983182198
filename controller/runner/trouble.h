/* Why managers do not start: from what the API server says when it refuses their pods, and from the pods themselves.
 *
 * What a manager goes through while it does not start (pulled in vain, waited for, pulled again) is one trouble with
 * one text: no counters, times or names that are made up anew each time, or the status would tick. */
#ifndef RUNNER_TROUBLE_H
#define RUNNER_TROUBLE_H

#include "runner/spec.h"

struct trouble {
    const char *reason;  /* a constant; NULL: none. The kubelet's and the scheduler's own words where they have one */
    const char *message; /* with the remedy                                                                          */
    bool stalled;        /* only a person can help                                                                    */
    bool vague;          /* the same, told with less: it does not take the place of a trouble of the same reason      */
    unsigned rank;       /* of several the one with the highest is told                                               */
    int64_t patience_ms; /* it is a trouble when it lasts for so long: until then it is the usual course              */
};

/* Whose managers they are. */
struct trouble_context {
    const struct owner *owner;
    const struct spec *spec;
};

/* The API server, or an admission plugin, refuses to make the pods. message: of the Deployment's condition
 * ReplicaFailure (deployment_controller.go, FailedCreate). The arena owns the text. */
struct trouble trouble_of_refusal(const char *message, const struct trouble_context *in, struct arena *a);

/* What keeps one pod from being ready; reason NULL: nothing that is known. pod: metadata.deletionTimestamp,
 * status.phase, reason, message, conditions, containerStatuses and initContainerStatuses of a v1 Pod, as far as they
 * are there. The arena owns the text. */
struct trouble trouble_of_pod(struct json_object *pod, const struct trouble_context *in, struct arena *a);

#endif
