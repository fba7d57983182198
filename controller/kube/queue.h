/* The work queue: which keys want work, each at most once, and why.
 *
 * A key (base/key.h) is in one of four states: unknown, ready, delayed (until a time) and busy. Adding a key that
 * is ready changes nothing but its priority; that is delayed makes it ready; that is busy makes it ready again as soon
 * as queue_done() is called, exactly once. Since it last ran, a key keeps the highest priority that it was added with
 * and the first cause of that priority; the earliest time wins.
 *
 * Order: what was begun first, of which there is little; then the urgent before the others, but every eighth key is one
 * of the others, so none starves. Within a priority the namespaces take turns, a key each, so that thousands of keys of
 * one do not hold up the single one of another; within a namespace keys come in order of arrival. */
#ifndef KUBE_QUEUE_H
#define KUBE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histogram;
struct queue;

enum queue_priority {
    QUEUE_ROUTINE, /* what a first list shows, echoes of our own work, retries, rechecks */
    QUEUE_URGENT,  /* somebody has just changed something and looks at what comes of it  */
    QUEUE_BEGUN,   /* something outside waits for what was begun to go on: before all    */
    QUEUE_PRIORITIES,
};

enum { QUEUE_FAIR_SHARE = 8 }; /* of so many keys in a row, one is not urgent */

struct queue *queue_create(void);
void queue_destroy(struct queue *queue);

/* Who may be taken now is also somebody else's to say, by namespace and priority; NULL, as in the beginning: everybody.
 */
void queue_ask(struct queue *queue, bool (*admits)(void *arg, const char *ns, enum queue_priority priority), void *arg);

/* cause: a constant text ("the object changed"). Allocates nothing for a key that is known. */
void queue_add(struct queue *queue, const char *key, enum queue_priority priority, const char *cause);
/* Makes the key ready at that time, unless it is earlier already; a matter of routine. */
void queue_add_at(struct queue *queue, const char *key, int64_t at_ms, const char *cause);

/* The next ready key of at least this priority, which is busy from now on; NULL when there is none that may be taken.
 * Delayed keys that are due count as ready. The texts are valid until queue_done(). */
const char *queue_take(struct queue *queue, int64_t now_ms, enum queue_priority least, const char **ret_cause);
/* The priority that a busy key was taken with. */
enum queue_priority queue_taken_priority(const struct queue *queue, const char *key);
/* The work on a busy key has failed; returns how many times in a row, of which the first 255 are counted. To be tried
 * again it is added, too. */
unsigned queue_fail(struct queue *queue, const char *key);
/* In a row, until now. */
unsigned queue_failures(const struct queue *queue, const char *key);
/* The work on a busy key has ended; it ends the row, too, unless this work has failed. */
void queue_done(struct queue *queue, const char *key);

/* When queue_take() may have a key, if everybody may be taken: 0 when one is ready, else when the next delayed one is
 * due; -1: never. */
int64_t queue_next_ms(const struct queue *queue, enum queue_priority least);
/* When the next delayed key is due, which may be one that may be taken; -1: there is none. */
int64_t queue_next_due_ms(const struct queue *queue);
size_t queue_depth(const struct queue *queue);
size_t queue_delayed(const struct queue *queue);
uint64_t queue_adds(const struct queue *queue);
/* How long keys were ready before they were taken. */
const struct histogram *queue_waits(const struct queue *queue);
/* How long the oldest ready key has waited; 0 when there is none. */
double queue_oldest_seconds(const struct queue *queue);

#endif
