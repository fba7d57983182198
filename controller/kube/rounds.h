/* Keeping up with objects that may be read by name, but not listed or watched: each is read again and again.
 *
 * Every object is read about once in ROUND_MS, and all of them together at most ROUND_RATE times a second; where they
 * are too many for both, a round takes longer. Namespaces take turns, so that the many objects of one hold up no
 * other's. Only metadata is asked for. */
#ifndef KUBE_ROUNDS_H
#define KUBE_ROUNDS_H

#include "kube/client.h"

struct loop;
struct rounds;

enum { ROUND_MS = 60 * 1000, ROUND_RATE = 50 };

/* Called from within the loop; they only record. */
struct rounds_handler {
    /* The uid of the object as it is known, "": it is not there; NULL: nobody wants to know any more. */
    const char *(*known)(void *arg, const char *ns, const char *name);
    /* What the object is like; known: its uid as it was known when it was asked for. */
    void (*read)(void *arg, const char *ns, const char *name, const char *known, const struct kube_reply *reply);
    void *arg;
};

/* Lends the first three and *handler->arg. */
struct rounds *rounds_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                             const struct rounds_handler *handler);
/* From now on, until it is not known any more; nothing new when it is read already. The first time in a round's time.
 */
void rounds_add(struct rounds *rounds, const char *ns, const char *name);
/* Cancels what is in flight. NULL is fine. */
void rounds_destroy(struct rounds *rounds);

#endif
