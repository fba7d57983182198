/* From the watches to the queue: one feed a kind, and a namespace where only some are served, keeps the store up to
 * date and wakes the runners that a change is about. */
#ifndef OPERATOR_FEEDS_H
#define OPERATOR_FEEDS_H

#include "kube/watch.h"
#include "operator/turn.h"

struct feeds;

/* Lends everything it is given. shop->render.namespaces: which to serve. */
struct feeds *feeds_create(const struct workshop *shop, struct states *states);
void feeds_destroy(struct feeds *feeds);
/* Begins with the runners; the other kinds follow when all of those are known. */
void feeds_start(struct feeds *feeds);
/* Every kind has been listed completely, in every namespace that can be read. */
bool feeds_synced(const struct feeds *feeds);

/* The runner, which was served, has to give way: it is told so. */
void feeds_left_out(struct feeds *feeds, const struct record *runner);

/* How a feed fares, for people and metrics; texts are lent during the call. */
struct feed_facts {
    const char *kind;
    const char *ns;                        /* that it watches; "": all     */
    const char *state, *version, *problem; /* kube/watch.h; "" for none */
    bool synced;
    size_t objects; /* of the kind, in all namespaces */
    struct watch_counts counts;
};
void feeds_each(const struct feeds *feeds, void (*each)(void *arg, const struct feed_facts *facts), void *arg);

#endif
