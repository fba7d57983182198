/* /healthz and /readyz: named checks, as Kubernetes' own components have them.
 *
 * /healthz fails when only a restart helps: work that nothing will finish any more. That the API server or GitLab is
 * away does not count, nor does a loop that stands still: then there is no answer at all. /readyz fails until all that
 * there is has been listed, and from the beginning of the end on.
 *
 * Each answers "ok", with ?verbose and when something fails a line a check; /healthz/NAME asks for one check.
 * Source: kubernetes.io/docs/reference/using-api/health-checks. */
#ifndef WEB_HEALTH_H
#define WEB_HEALTH_H

#include "net/serve.h"
#include "operator/reconcile.h"

struct health_check {
    const char *name;
    /* False when it is not well, with the reason in *why. */
    bool (*is_well)(const struct reconciler_view *view, struct buf *why);
};

struct health_checks {
    const char *name;
    const struct health_check *table; /* ended by a NULL name */
};

extern const struct health_checks healthz, readyz;

int health_page(const struct health_checks *checks, const struct reconciler *rec, const struct serve_request *request,
                struct buf *body);

/* The page of a view, for health_page() and its test. */
int health_render(const struct health_checks *checks, const struct reconciler_view *view,
                  const struct serve_request *request, struct buf *body);

#endif
