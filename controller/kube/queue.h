/* The work queue: which keys want work, each at most once, and why.
 *
 * A key is in one of four states: unknown, ready, delayed (until a time) and busy. Adding a key that is ready changes
 * nothing; that is delayed makes it ready; that is busy makes it ready again as soon as queue_done() is called, exactly
 * once. The cause stays with the key: the first one since it last ran. */
#ifndef KUBE_QUEUE_H
#define KUBE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_create(void);
void queue_destroy(struct queue *queue);

/* cause: a constant text ("GitLabRunner changed"). */
void queue_add(struct queue *queue, const char *key, const char *cause);
/* Makes the key ready at that time, unless it is earlier already. */
void queue_add_at(struct queue *queue, const char *key, int64_t at_ms, const char *cause);

/* The next ready key in order of arrival, which is busy from now on; NULL when there is none. Delayed keys that are due
 * count as ready. The texts are valid until queue_done(). */
const char *queue_take(struct queue *queue, int64_t now_ms, const char **ret_cause);
/* The work on a busy key has ended. */
void queue_done(struct queue *queue, const char *key);

/* When the next delayed key is due; -1: never. Ready keys make it 0. */
int64_t queue_next_ms(const struct queue *queue);
size_t queue_depth(const struct queue *queue);
uint64_t queue_adds(const struct queue *queue);

#endif
