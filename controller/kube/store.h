/* Compact records of what the watches have seen.
 *
 * A record is one block of memory: fixed fields, then its strings. It keeps what its kind's watcher chose to keep, as a
 * short JSON text, never a tree and never a token. Records are owned by the store and replaced whole by the next event:
 * never hold a pointer to one across a wait; keep the key and look again. */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct record {
    const char *ns; /* "" for kinds without a namespace                                         */
    const char *name;
    const char *uid;
    const char *version; /* resourceVersion                                                          */
    const char *owner;   /* "namespace/name" of the object that this one belongs to; "" for none     */
    const char *text;    /* JSON                                                                     */
};

struct store;

/* kinds: how many kinds of object; a kind is an index below it. */
struct store *store_create(unsigned kinds);
void store_destroy(struct store *store);

/* Copies the record in, replacing the former one. */
void store_put(struct store *store, unsigned kind, const struct record *record);
/* Says that a complete list still has the record, without changing it. */
void store_touch(struct store *store, unsigned kind, const char *ns, const char *name);
void store_remove(struct store *store, unsigned kind, const char *ns, const char *name);
const struct record *store_get(const struct store *store, unsigned kind, const char *ns, const char *name);
size_t store_count(const struct store *store, unsigned kind);

/* Around a complete list of the namespace ("": of all): what is not put between the two is gone, and reported to gone()
 * just before it is removed. Lists of several namespaces may overlap: begun is what store_list_begin() returned. */
unsigned store_list_begin(struct store *store, unsigned kind);
void store_list_end(struct store *store, unsigned kind, const char *ns, unsigned begun,
                    void (*gone)(void *arg, unsigned kind, const struct record *record), void *arg);

/* All records of a kind, in no order; the callback must not change the store. */
void store_each(const struct store *store, unsigned kind, void (*each)(void *arg, const struct record *record),
                void *arg);
/* All records, of every kind, that belong to the owner. */
void store_each_owned(const struct store *store, const char *owner,
                      void (*each)(void *arg, unsigned kind, const struct record *record), void *arg);

#endif
