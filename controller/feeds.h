/* From the watches to the queue: one feed a kind, and a namespace where only some are served, keeps the store up to
 * date and wakes the runners that a change is about. */
#ifndef FEEDS_H
#define FEEDS_H

#include "kube/queue.h"
#include "turn.h"

struct feeds;

/* Lends everything it is given. shop->render.namespaces: which to serve. */
struct feeds *feeds_create(const struct workshop *shop, struct queue *queue, struct states *states);
void feeds_destroy(struct feeds *feeds);
/* Begins with the runners; the other kinds follow when all of those are known. */
void feeds_start(struct feeds *feeds);
/* Every kind has been listed completely, in every namespace that can be read. */
bool feeds_synced(const struct feeds *feeds);

#endif
