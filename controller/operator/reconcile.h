/* The one place where the pure core meets the world: queue, gather, decide, perform, repeat. */
#ifndef OPERATOR_RECONCILE_H
#define OPERATOR_RECONCILE_H

#include "operator/turn.h"

struct informers;
struct queue;
struct reconciler;

/* Lends what the context names, but for what the reconciler makes itself, whatever the context says: store, controller,
 * orphans, errands, garbage, paces and stats. */
struct reconciler *reconciler_create(const struct context *ctx);
/* Ends all watches and turns at once. NULL is fine. */
void reconciler_destroy(struct reconciler *rec);

/* Begins to watch; the loop does the rest. */
void reconciler_start(struct reconciler *rec);
/* Takes no new work; calls done(arg) from the loop when what is in flight has ended, and in each later turn of it. */
void reconciler_drain(struct reconciler *rec, void (*done)(void *arg), void *arg);

/* What it is at, to be shown to people and Prometheus; all is lent until the loop goes on. */
struct reconciler_view {
    const struct context *ctx;
    const struct queue *queue;
    const struct states *states;
    const struct informers *informers;
    const struct list *turns;   /* struct work of turns (turn_of), the oldest first */
    const struct list *errands; /* struct errand, the oldest first            */
    size_t turns_len, turns_max;
    bool synced, leading, draining;
    double idle_seconds;   /* since a turn last began or went on            */
    double oldest_seconds; /* how long the oldest ready key has waited      */
};
struct reconciler_view reconciler_view(const struct reconciler *rec);

#endif
