/* What is kept of one object: who it is, whose it is, and what its kind keeps beside. */
#ifndef KUBE_RECORD_H
#define KUBE_RECORD_H

#include <stddef.h>

struct arena;

struct record {
    const char *ns; /* "" for kinds without a namespace                                         */
    const char *name;
    const char *uid;
    const char *version;   /* resourceVersion                                                          */
    const char *owner;     /* key of the object that this one belongs to (base/key.h); "" for none     */
    const char *owner_uid; /* … and that object's uid, as this one has it; "" for none                 */
    const void *kept;      /* a struct of the kind's own, see struct record_layout; NULL: nothing      */
    unsigned price;        /* what it counts for in the share of its namespace, or of its owner's      */
};

/* The struct that a kind keeps of its objects. It is copied as it is, and its texts with it. */
struct record_layout {
    size_t size;         /* of the struct                                                   */
    const size_t *texts; /* offsets of those of its members that are a const char *, or NULL */
    size_t texts_len;
};

/* Bytes of *kept with its texts; 0 when it is NULL. */
size_t kept_size(const struct record_layout *layout, const void *kept);
/* Copies both to where there is so much room, aligned for any type; returns the copy, NULL for NULL. */
const void *kept_place(const struct record_layout *layout, const void *kept, void *at);

/* A copy of its own; the arena owns it. The price is not copied. */
struct record record_copy(const struct record_layout *layout, const struct record *record, struct arena *a);

#endif
