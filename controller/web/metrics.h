/* The page /metrics: under the names that controller-runtime, client-go and Prometheus' clients have made common, and
 * our own, gitlab_runner_controller_…. docs/metrics.md lists them. Their number does not grow with that of the objects:
 * no label tells those apart, but for a bounded number of runners and hosts (fleet.h, gitlab/gate.h). */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "operator/reconcile.h"

struct buf;

void metrics_page(const struct reconciler *rec, struct buf *out);

#endif
