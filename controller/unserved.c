#include "unserved.h"

#include "base/log.h"
#include "kube/event.h"
#include "kube/lease.h"
#include "net/loop.h"
#include "runner/names.h"

enum { TOO_LARGE_GAP_MS = 10 * 1000, LEFT_OUT_GAP_MS = 500 }; /* from one to the next */

static void tell(const struct workshop *shop, const struct kube_resource *r, const struct record *seen,
                 const char *reason, const char *why, bool by_event)
{
    const struct event event = {
        .regarding =
            {.api_version = r->api_version, .kind = r->kind, .ns = seen->ns, .name = seen->name, .uid = seen->uid},
        .warning = true,
        .reason = reason,
        .note = why,
    };

    log_event(LOG_WARN, "watch", reason, "kind", r->kind, "namespace", seen->ns, "name", seen->name, "error", why,
              NULL);
    if (by_event && (!shop->lease || lease_is_leading(shop->lease)))
        event_send(shop->client, &event, GROUP "/controller", shop->instance, event_sent, &shop->stats->events);
}

static bool is_due(const struct workshop *shop, int64_t *next_ms, int64_t gap_ms)
{
    int64_t now = loop_now(shop->loop);
    bool due = now >= *next_ms;

    if (due)
        *next_ms = now + gap_ms;
    return due;
}

void unserved_too_large(struct unserved *u, const struct workshop *shop, enum kind kind, const struct record *seen,
                        const char *why)
{
    const struct kube_resource *r = kind_resource(kind);

    if (is_due(shop, &u->too_large_ms, TOO_LARGE_GAP_MS))
        tell(shop, r, seen, "TooLarge", why, r->namespaced && kind != KIND_RUNNER);
}

void unserved_left_out(struct unserved *u, const struct workshop *shop, const struct record *runner)
{
    if (is_due(shop, &u->left_out_ms, LEFT_OUT_GAP_MS))
        tell(shop, kind_resource(KIND_RUNNER), runner, "NamespaceOverShare",
             "the GitLabRunners of this namespace take more of the operator's memory than its share, so this one is "
             "not served: make others smaller, or delete some; it is looked at again within a minute",
             true);
}
