/* The page /metrics: under the names that controller-runtime, client-go and Prometheus' clients have made common, and
 * our own, gitlab_runner_controller_…. docs/metrics.md lists them. No label tells objects apart, so their number does
 * not grow with that of the objects. */
#ifndef METRICS_H
#define METRICS_H

#include "reconcile.h"

struct buf;

void metrics_page(const struct reconciler *rec, struct buf *out);

#endif
