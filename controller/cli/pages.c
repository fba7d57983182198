#include "cli/pages.h"

#include "cli/debug_state.h"
#include "cli/health.h"
#include "metrics.h"

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

/* What people are at is nobody else's business: who can look at it may also forward a port of the pod. */
static int page_debug_state(void *arg, const struct serve_request *request, struct buf *body)
{
    if (request->local)
        return debug_state_page(arg, request, body);
    buf_adds(body, "only for clients on this machine: use kubectl port-forward\n");
    return 403;
}

const struct serve_page pages[] = {
    {"/healthz", "text/plain; charset=utf-8", page_healthz},
    {"/healthz/", "text/plain; charset=utf-8", page_healthz},
    {"/readyz", "text/plain; charset=utf-8", page_readyz},
    {"/readyz/", "text/plain; charset=utf-8", page_readyz},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", page_metrics},
    {"/debug/state", "application/json", page_debug_state},
    {NULL, NULL, NULL},
};
