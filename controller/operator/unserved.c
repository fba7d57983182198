#include <assert.h>

#include "operator/unserved.h"

#include "base/json.h"
#include "base/log.h"
#include "kube/event.h"
#include "kube/lease.h"
#include "net/loop.h"
#include "runner/names.h"
#include "runner/status.h"

enum { TOO_LARGE_GAP_MS = 10 * 1000, LEFT_OUT_GAP_MS = 500 }; /* from one to the next */

/* The answer to a write may be without the spec, which is what there is no room for. */
static const struct kube_resource runner_by_name = {
    .kind = KIND, .api_version = API_VERSION, .plural = PLURAL, .namespaced = true, .metadata_only = true};

static bool may_write(const struct context *ctx)
{
    return !ctx->lease || lease_is_leading(ctx->lease);
}

static void tell(const struct context *ctx, const struct kube_resource *r, const struct record *seen,
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
    if (by_event && may_write(ctx))
        event_send(ctx->client, &event, GROUP "/controller", ctx->instance, event_sent, &ctx->stats->events);
}

static bool is_due(const struct context *ctx, int64_t *next_ms, int64_t gap_ms)
{
    int64_t now = loop_now(ctx->loop);
    bool due = now >= *next_ms;

    if (due)
        *next_ms = now + gap_ms;
    return due;
}

void unserved_too_large(struct unserved *u, const struct context *ctx, enum kind kind, const struct record *seen,
                        const char *why)
{
    const struct kube_resource *r = kind_resource(kind);

    if (is_due(ctx, &u->too_large_ms, TOO_LARGE_GAP_MS))
        tell(ctx, r, seen, "TooLarge", why, r->namespaced && kind != KIND_RUNNER);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Runners that there is no room for */

#define OVER_SHARE "NamespaceOverShare"
#define WHY                                                                                                            \
    "the GitLabRunners of this namespace take more of the operator's memory than its share, so this one is not "       \
    "served, and its managers go on as they are: make others smaller, or delete some; it is looked at again "          \
    "within a minute"

/* NULL: it says so already; or the object is being deleted, and its status has times of which nobody can tell now. */
static struct json_object *status_left_out(const struct context *ctx, const struct record *runner, struct arena *a)
{
    static const struct finding why = {OVER_SHARE, WHY, true}, none;
    static const struct memory nothing;
    const struct kept_runner *kept = kept_runner(runner);
    assert(kept);
    const struct observed o = {.owner = {.ns = runner->ns, .name = runner->name, .uid = runner->uid},
                               .generation = kept->generation,
                               .status = runner_status(runner, a),
                               .memory = &nothing,
                               .now = loop_wall(ctx->loop)};
    struct json_object *status = status_render(&o, &why, &none, a);

    return kept->deleting || status_is_shown(&o, status) ? NULL : status;
}

static void on_status_told(void *arg, const struct kube_reply *reply)
{
    struct unserved_write *write = arg;
    enum err_kind kind = reply->err.kind;

    assert(write->request);
    write->request = 0;
    write->of->skipped |= kind != ERR_NONE && kind != ERR_CONFLICT && kind != ERR_NOT_FOUND; /* else there is news */
    if (kind != ERR_NONE)
        log_event(LOG_DEBUG, "watch", "status not written", "error", reply->err.text, NULL);
}

/* NULL: none. */
static struct unserved_write *free_write(struct unserved *u)
{
    for (size_t i = 0; i < UNSERVED_WRITES; i++)
        if (!u->writes[i].request)
            return &u->writes[i];
    return NULL;
}

/* To the version that is known, as perform_object.c does. */
static void write_status(struct unserved *u, const struct context *ctx, const struct record *runner,
                         struct json_object *status)
{
    cleanup_arena struct arena a = {0};
    struct unserved_write *write = may_write(ctx) ? free_write(u) : NULL;

    u->skipped |= !write;
    if (!write)
        return;
    struct json_object *patch = arena_json(
        &a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s, uid: %s, resourceVersion: %s}, "
                       "status: %o}",
                       API_VERSION, KIND, runner->ns, runner->name, runner->uid, runner->version, json_ref(status)));
    write->of = u;
    write->request = kube_apply(ctx->client, &runner_by_name, "status", patch, FIELD_MANAGER, on_status_told, write);
}

void unserved_left_out(struct unserved *u, const struct context *ctx, const struct record *runner)
{
    cleanup_arena struct arena a = {0};
    struct json_object *status = status_left_out(ctx, runner, &a);

    if (!status)
        return;
    if (is_due(ctx, &u->left_out_ms, LEFT_OUT_GAP_MS))
        tell(ctx, kind_resource(KIND_RUNNER), runner, OVER_SHARE, WHY, true);
    write_status(u, ctx, runner, status);
}

bool unserved_skipped(struct unserved *u, const struct context *ctx)
{
    bool skipped = u->skipped && may_write(ctx);

    u->skipped = u->skipped && !skipped;
    return skipped;
}

void unserved_finish(struct unserved *u, const struct context *ctx)
{
    for (size_t i = 0; i < UNSERVED_WRITES; i++)
        if (u->writes[i].request)
            kube_cancel(ctx->client, u->writes[i].request);
}
