/* Events about an object, for `kubectl describe` and `kubectl events`: one that cannot be sent is lost.
 *
 * Source: events.k8s.io/v1. */
#ifndef KUBE_EVENT_H
#define KUBE_EVENT_H

#include "kube/client.h"

struct event {
    struct {
        const char *api_version, *kind, *ns, *name, *uid;
    } regarding;
    bool warning;
    const char *reason; /* CamelCase                        */
    const char *note;   /* a sentence; cut at 1024 bytes    */
};

struct event_counts {
    uint64_t sent, lost;
};

/* controller: the reporting controller ("example.dev/controller"); instance: this process. Returns the request,
 * which ends in done: event_sent() when nobody waits for it, with counts that outlive it. */
uint64_t event_send(struct kube_client *client, const struct event *event, const char *controller, const char *instance,
                    kube_done_fn *done, void *arg);
/* A kube_done_fn. counts: struct event_counts. */
void event_sent(void *counts, const struct kube_reply *reply);

/* Whether an Event that somebody has to hear is sent again, after so many failures: there was no answer, for whatever
 * reason, and it was not tried for some minutes yet. A refusal is final. */
bool event_sends_again(const struct kube_reply *reply, unsigned failures);

#endif
