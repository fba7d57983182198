/* From the watches to the queue: one informer a kind, and a namespace where only some are served, keeps the store up to
 * date and wakes the runners that a change is about. */
#ifndef OPERATOR_INFORMERS_H
#define OPERATOR_INFORMERS_H

#include "kube/watch.h"
#include "operator/turn.h"

struct informers;

/* Lends everything it is given. ctx->render.namespaces: which to serve. */
struct informers *informers_create(const struct context *ctx, struct states *states);
/* Cancels what is in flight. NULL is fine. */
void informers_destroy(struct informers *informers);
/* Begins with the runners; the other kinds follow when all of those are known. */
void informers_start(struct informers *informers);
/* Every kind has been listed completely, in every namespace that can be read. */
bool informers_synced(const struct informers *informers);

/* The runner, which was served, has to give way: it is told so. */
void informers_left_out(struct informers *informers, const struct record *runner);

/* How an informer fares, for people and metrics; texts are lent during the call. */
struct informer_facts {
    const char *kind;
    const char *ns;                        /* that it watches; "": all     */
    const char *state, *version, *problem; /* kube/watch.h; "" for none */
    bool synced;
    size_t objects; /* of the kind, in all namespaces */
    struct watch_counts counts;
};
void informers_each(const struct informers *informers, void (*each)(void *arg, const struct informer_facts *facts),
                    void *arg);

#endif
