#include "web/pages.h"

#include "web/debug_state.h"
#include "web/health.h"
#include "web/metrics.h"

static int page_healthz(void *arg, const struct serve_request *request, struct buf *body)
{
    return health_page(&healthz, arg, request, body);
}

static int page_readyz(void *arg, const struct serve_request *request, struct buf *body)
{
    return health_page(&readyz, arg, request, body);
}

static int page_metrics(void *arg, const struct serve_request *request, struct buf *body)
{
    (void)request;
    metrics_page(arg, body);
    return 200;
}

static int page_debug_state(void *arg, const struct serve_request *request, struct buf *body)
{
    return debug_state_page(arg, request, body);
}

const struct serve_page public_pages[] = {
    {"/healthz", "text/plain; charset=utf-8", .render = page_healthz},
    {"/healthz/", "text/plain; charset=utf-8", .render = page_healthz},
    {"/readyz", "text/plain; charset=utf-8", .render = page_readyz},
    {"/readyz/", "text/plain; charset=utf-8", .render = page_readyz},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", .render = page_metrics, .shared = true, .guarded = true},
    {.path = NULL},
};

/* What people are at is nobody else's business: who can look at it may also forward a port of the pod. */
const struct serve_page debug_pages[] = {
    {"/debug/state", "application/json", .render = page_debug_state},
    {.path = NULL},
};
