/* The one place where the pure core meets the world: queue, gather, decide, perform, repeat. */
#ifndef RECONCILE_H
#define RECONCILE_H

#include "base/buf.h"
#include "turn.h"

struct reconciler;

/* Lends what the workshop names, but for its store, which the reconciler makes. */
struct reconciler *reconciler_create(const struct workshop *shop);
/* Ends all watches and turns at once. NULL is fine. */
void reconciler_destroy(struct reconciler *rec);

/* Begins to watch; the loop does the rest. */
void reconciler_start(struct reconciler *rec);
/* Takes no new work; calls done(arg) from the loop when what is in flight has ended, and in each later turn of it. */
void reconciler_drain(struct reconciler *rec, void (*done)(void *arg), void *arg);
/* Every kind has been listed completely. */
bool reconciler_synced(const struct reconciler *rec);

/* Metrics in Prometheus' text format, under the names that controller-runtime and client-go have made common. */
void reconciler_metrics(const struct reconciler *rec, struct buf *out);

#endif
