#include "web/health.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/key.h"
#include "operator/errand.h"
#include "operator/informers.h"
#include "kube/lease.h"
#include "kube/queue.h"

enum {
    ANSWER_MAX_S = 5 * 60, /* a request to the API server ends after 60 s, one to GitLab after 30 s */
    IDLE_MAX_S = 60,       /* keys are ready, none is taken and none is worked on            */
    WHY_MAX = 256,
};

/* ---------------------------------------------------------------------------------------------------------------------
 * The checks */

static bool ping(const struct reconciler_view *view, struct buf *why)
{
    (void)view, (void)why;
    return true;
}

/* Whatever a turn waits for has a deadline of its own, so one that waits longer was forgotten. */
static bool is_overdue(const char *key, int64_t asked_us, struct buf *why)
{
    double waited = seconds_since(asked_us);

    if (waited < ANSWER_MAX_S)
        return false;
    buf_addf(why, "%s has waited for %.0f s", key_path(key), waited);
    return true;
}

/* Of a search at GitLab each request is looked at by itself: how long it lasts is GitLab's doing. */
static bool turns_end(const struct reconciler_view *view, struct buf *why)
{
    list_each (node, view->turns) {
        const struct turn *turn = turn_of(container_of(node, struct work, node));
        if (turn->work.state == WORK_WAITING && is_overdue(turn->state->key, turn->asked_us, why))
            return false;
    }
    list_each (node, view->errands) {
        const struct errand *errand = container_of(node, struct errand, node);
        if (errand->call && is_overdue(errand->state->key, gitlab_asked_us(errand->call), why))
            return false;
    }
    return true;
}

static bool queue_moves(const struct reconciler_view *view, struct buf *why)
{
    bool may_work = view->leading && view->synced && !view->draining && view->turns_len == 0;

    if (!may_work || view->idle_seconds < IDLE_MAX_S || view->oldest_seconds < IDLE_MAX_S)
        return true;
    buf_addf(why, "%zu keys are ready, none was taken for %.0f s", queue_depth(view->queue), view->idle_seconds);
    return false;
}

static bool lease_is_renewed(const struct reconciler_view *view, struct buf *why)
{
    bool overdue = view->ctx->lease && lease_renewal_overdue(view->ctx->lease);

    if (overdue)
        buf_adds(why, "the Lease has run out, and this process has not noticed");
    return !overdue;
}

/* Names those that are not listed yet, as often as namespaces are watched one by one. */
static void add_missing(void *arg, const struct informer_facts *informer)
{
    struct buf *why = arg;

    if (!informer->synced)
        buf_addf(why, "%s%s%s%s", why->len ? ", " : "not listed yet: ", informer->kind, *informer->ns ? " in " : "",
                 informer->ns);
}

static bool has_synced(const struct reconciler_view *view, struct buf *why)
{
    if (!view->synced)
        informers_each(view->informers, add_missing, why);
    return view->synced;
}

static bool goes_on(const struct reconciler_view *view, struct buf *why)
{
    if (view->draining)
        buf_adds(why, "stopping");
    return !view->draining;
}

static const struct health_check live_checks[] = {
    {"ping", ping}, {"turns", turns_end}, {"queue", queue_moves}, {"leaderElection", lease_is_renewed}, {NULL, NULL},
};

static const struct health_check ready_checks[] = {
    {"ping", ping},
    {"sync", has_synced},
    {"shutdown", goes_on},
    {NULL, NULL},
};

const struct health_checks healthz = {"healthz", live_checks}, readyz = {"readyz", ready_checks};

/* ---------------------------------------------------------------------------------------------------------------------
 * The page */

static bool show_check(const struct health_check *check, const struct reconciler_view *view, struct buf *body)
{
    struct buf why cleanup_buf;

    buf_init(&why, WHY_MAX);
    bool well = check->is_well(view, &why);
    assert(well || why.len > 0);
    buf_addf(body, well ? "[+]%s ok\n" : "[-]%s failed: %s\n", check->name, why.data);
    return well;
}

int health_render(const struct health_checks *checks, const struct reconciler_view *view,
                  const struct serve_request *request, struct buf *body)
{
    bool well = true, known = false;
    char ignored[8];

    for (const struct health_check *check = checks->table; check->name; check++) {
        if (*request->below && strcmp(request->below, check->name) != 0)
            continue;
        known = true;
        well &= show_check(check, view, body);
    }
    if (!known)
        return 404;
    if (well && !serve_parameter(request, "verbose", ignored, sizeof(ignored)))
        buf_clear(body);
    buf_addf(body, body->len ? "%s check %s\n" : "ok\n", checks->name, well ? "passed" : "failed");
    return well ? 200 : 503;
}

int health_page(const struct health_checks *checks, const struct reconciler *rec, const struct serve_request *request,
                struct buf *body)
{
    const struct reconciler_view view = reconciler_view(rec);

    return health_render(checks, &view, request, body);
}
