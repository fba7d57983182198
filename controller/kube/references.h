/* Which objects are referred to by name, and by whom.
 *
 * Of kinds with many objects the store keeps what somebody refers to, and nothing of the others. A reference says too
 * whether it is known if its object is there: one that is made after the lists were told has to be read first. */
#ifndef KUBE_REFERENCES_H
#define KUBE_REFERENCES_H

#include <stdbool.h>
#include <stddef.h>

struct references;

enum { REFERENCES_MAX = 9 }; /* of one holder */

/* What an object refers to; the kind is an index, ns is "" for kinds without a namespace. */
struct reference {
    unsigned kind;
    const char *ns, *name; /* name NULL: to nothing                        */
    unsigned epoch;        /* the kind's last list that has begun (kube/store.h) */
};

/* forgotten() is told of each object (path: "namespace/name") that nobody refers to any more, from within
 * references_set(), and must not change the references; not when all of them are destroyed. NULL: nobody is told. */
struct references *references_create(void (*forgotten)(void *arg, unsigned kind, const char *path), void *arg);
void references_destroy(struct references *references);

/* The holder (its key) refers to these from now on, and to no others. */
void references_set(struct references *references, const char *holder, const struct reference *to, size_t len);
bool references_have(const struct references *references, unsigned kind, const char *ns, const char *name);
/* Everybody who refers to the object; the callback must not change the references. */
void references_each(const struct references *references, unsigned kind, const char *ns, const char *name,
                     void (*each)(void *arg, const char *holder), void *arg);

/* It has been seen whether the object is there. Nothing when nobody refers to it. */
void references_settle(struct references *references, unsigned kind, const char *ns, const char *name);
/* Nobody will tell of it any more. */
void references_unsettle(struct references *references, unsigned kind, const char *ns, const char *name);
bool references_settled(const struct references *references, unsigned kind, const char *ns, const char *name);
/* A complete list of the kind and namespace ("": of all) has settled all that was referred to when it began. */
void references_list_end(struct references *references, unsigned kind, const char *ns, unsigned begun);

#endif
