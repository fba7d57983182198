/* The loop that all work goes through: keys of several kinds, as client-go's controllers have them.
 *
 *   queue ──start()──► READY ──step()──► WAITING ──work_ready()──► READY
 *                                           ├──work_park()──► PARKED: what goes on outside adds the key when it is over
 *                                           └──work_done(), work_retry()──► ENDED
 *
 *   1. A kind of work has a queue and places of its own, which the namespaces share (kube/queue.h, kube/places.h).
 *   2. Keys are taken when all is synced and we lead. Another term of the lease ends all that is in flight, and each
 *      kind forgets what it remembers.
 *   3. Works begin, go on and end in the loop's hook, after the sockets were polled, and for a while at most: then the
 *      sockets are polled again.
 *   4. While it drains, only what was begun outside (QUEUE_BEGUN) is taken, of kinds that have drain(). */
#ifndef KUBE_CONTROLLER_H
#define KUBE_CONTROLLER_H

#include "base/backoff.h"
#include "base/err.h"
#include "base/list.h"
#include "kube/places.h"
#include "kube/queue.h"

struct controller;
struct lease;
struct loop;

enum work_state { WORK_READY, WORK_WAITING, WORK_PARKED, WORK_ENDED };

/* A key that is worked on: the beginning of what a kind knows of it. */
struct work {
    struct list node;      /* in its kind's works, the oldest first                             */
    struct work_queue *of; /* the controller's; NULL: it is in no loop                           */
    const char *key;       /* lent by the queue                                                 */
    enum work_state state; /* start() may leave it READY or WAITING                             */
    struct place place;
    size_t cost; /* of the kind's memory, in bytes: an estimate that start() has made */
};

struct work_kind {
    const char *const *names; /* kinds of its keys, NULL at the end                                               */
    size_t places;            /* works at the same time …                                                         */
    size_t routine_places;    /* … of which routine ones begin only while there are fewer than these in all …     */
    size_t namespace_places;  /* … and so many of one namespace; 0: as many as there are                          */
    size_t memory;            /* bytes: none begins while those under way take as much; 0: no bound               */
    const struct backoff *retry; /* after work_retry(); NULL: never */
    /* Begins to work on the key, which is lent until the work ends. NULL: there is nothing to do. */
    struct work *(*start)(void *arg, const char *key, enum queue_priority priority, const char *cause);
    /* Goes on with a READY work, which is WAITING now. */
    void (*step)(struct work *work);
    /* Cancels what is in flight and frees the work. */
    void (*stop)(struct work *work);
    /* All of these may be NULL. We lead, and all is synced: once in a term; and then before keys are taken. */
    void (*begin)(void *arg);
    void (*prepare)(void *arg);
    /* Somebody else may act now: what is remembered is no longer what is. The kind's works have ended. */
    void (*forget)(void *arg);
    /* No work of any kind has been under way for a while: the heap is about to be trimmed. */
    void (*rest)(void *arg);
    /* Ends what has not begun outside. Whether nothing is left outside. */
    bool (*drain)(void *arg);
};

/* Lends all; lease NULL: we always lead. synced: whether what there is is known. Takes the loop's hook. */
struct controller *controller_create(struct loop *loop, const struct lease *lease, bool (*synced)(void *arg),
                                     void *arg);
/* Ends all works at once, and forgets. NULL is fine. */
void controller_destroy(struct controller *controller);
/* arg is handed to the kind's functions. Lends both. */
void controller_add_kind(struct controller *controller, const struct work_kind *kind, void *arg);

/* As queue_add() and queue_add_at(); a key of a kind that nobody works on is passed over. */
void controller_add(struct controller *controller, const char *key, enum queue_priority priority, const char *cause);
void controller_add_at(struct controller *controller, const char *key, int64_t at_ms, const char *cause);
/* How many times in a row the work on the key has failed: then it has a time of its own. */
unsigned controller_failures(const struct controller *controller, const char *key);
/* Takes no new work; calls done(arg) from the loop when what is in flight has ended, and in each later turn of it. */
void controller_drain(struct controller *controller, void (*done)(void *arg), void *arg);

/* An answer has come: the work goes on. */
void work_ready(struct work *work);
/* Something outside goes on; the work ends after its step. */
void work_park(struct work *work);
/* Nothing is left to do. */
void work_done(struct work *work);
/* It has failed, and its key is tried again after a while, not before what *err says; returns how many times in a row.
 */
unsigned work_retry(struct work *work, const struct err *err);

/* What the kind that works on these keys is at; all is lent until the loop goes on. */
struct work_view {
    const struct queue *queue;
    const struct list *works; /* struct work, the oldest first         */
    size_t len, places;
    double idle_seconds; /* since one last went on                */
};
struct work_view controller_view(const struct controller *controller, const char *kind);
bool controller_is_leading(const struct controller *controller);
bool controller_is_draining(const struct controller *controller);

#endif
