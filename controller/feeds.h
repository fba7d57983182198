/* From the watches to the queue: one feed a kind keeps the store up to date and wakes the runners that a change is
 * about. */
#ifndef FEEDS_H
#define FEEDS_H

#include "kube/queue.h"
#include "turn.h"

struct feeds;

/* Lends everything it is given. */
struct feeds *feeds_create(const struct workshop *shop, struct queue *queue, struct states *states);
void feeds_destroy(struct feeds *feeds);
/* Begins with the runners; the other kinds follow when all of those are known. */
void feeds_start(struct feeds *feeds);
/* Every kind has been listed completely. */
bool feeds_synced(const struct feeds *feeds);

#endif
