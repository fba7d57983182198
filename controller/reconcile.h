/* The one place where the pure core meets the world: watch, queue, gather, decide, perform, repeat. */
#ifndef RECONCILE_H
#define RECONCILE_H

#include "base/buf.h"
#include "gitlab/api.h"
#include "kinds.h"
#include "turn.h"

struct loop;
struct reconciler;

struct reconciler_settings {
    struct render_settings render;
    const char *instance; /* this process, in Events: the pod's name */
};

/* Lends everything it is given. */
struct reconciler *reconciler_create(struct loop *loop, struct kube_client *client, struct gitlab *gitlab,
                                     const struct reconciler_settings *settings);
/* Ends all watches and turns at once. NULL is fine. */
void reconciler_destroy(struct reconciler *rec);

/* Begins to watch; the loop does the rest. */
void reconciler_start(struct reconciler *rec);
/* Takes no new work; calls done(arg) from the loop when what is in flight has ended. */
void reconciler_drain(struct reconciler *rec, void (*done)(void *arg), void *arg);
/* Every kind has been listed completely. */
bool reconciler_synced(const struct reconciler *rec);

/* Metrics in Prometheus' text format. */
void reconciler_metrics(const struct reconciler *rec, struct buf *out);

/* For perform.c: what an answer may do. */
struct kube_client *reconciler_client(struct reconciler *rec);
struct gitlab *reconciler_gitlab(struct reconciler *rec);
struct store *reconciler_store(struct reconciler *rec);
int64_t reconciler_now(const struct reconciler *rec);
/* Puts an object that an answer has shown into the store. */
void reconciler_learn(struct reconciler *rec, enum kind kind, struct json_object *object);
/* An Event about the turn's object. */
void reconciler_event(const struct turn *turn, bool warning, const char *reason, const char *note);
/* Makes the turn ready: what is observed is gathered again and the next decision is taken by the loop's hook. */
void reconciler_ready(struct turn *turn);

#endif
