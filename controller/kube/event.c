#include "kube/event.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/shorten.h"
#include "base/time.h"

enum { NOTE_MAX = 1024, NAME_MAX_LEN = 240 }; /* the server adds five characters */

static const struct kube_resource events = {
    .kind = "Event", .api_version = "events.k8s.io/v1", .plural = "events", .namespaced = true};

void event_sent(void *arg, const struct kube_reply *reply)
{
    struct event_counts *counts = arg;

    if (reply->err.kind == ERR_NONE)
        counts->sent++;
    else
        counts->lost++;
    if (reply->err.kind != ERR_NONE)
        log_event(LOG_DEBUG, "event", "lost", "error", reply->err.text, NULL);
}

uint64_t event_send(struct kube_client *client, const struct event *e, const char *controller, const char *instance,
                    kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    struct json_object *object = arena_json(
        &a,
        json_build(
            "{apiVersion: 'events.k8s.io/v1', kind: Event, metadata: {generateName: %s, namespace: %s}, eventTime: %s, "
            "reportingController: %s, reportingInstance: %s, action: Reconcile, reason: %s, note: %s, type: %s, "
            "regarding: {apiVersion: %s, kind: %s, namespace: %s, name: %s, uid: %s}}",
            arena_printf(&a, "%.*s-", NAME_MAX_LEN, e->regarding.name), e->regarding.ns,
            time_format_us(clock_wall_us(), 6, &a), controller, instance, e->reason,
            shorten(charset_to_prose(arena_strdup(&a, e->note)), NOTE_MAX), e->warning ? "Warning" : "Normal",
            e->regarding.api_version, e->regarding.kind, e->regarding.ns, e->regarding.name, e->regarding.uid));

    return kube_create(client, &events, e->regarding.ns, object, done, arg);
}

bool event_sends_again(const struct kube_reply *reply, unsigned failures)
{
    enum { TRIES_MAX = 8 }; /* what is told may be all that a deletion, or a namespace's end, waits for */

    return reply->err.kind != ERR_NONE && !reply->err.code && failures < TRIES_MAX;
}
