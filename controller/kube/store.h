/* Records of what the watches have seen.
 *
 * A record is one block of memory: fixed fields, its texts, what its kind keeps; what it says of its owner it shares
 * with the owner's other records. Records are owned by the store and replaced whole by the next event: never hold a
 * pointer to one across a wait; keep the key and look again.
 *
 * Watches and answers to our own requests both fill it, and each may overtake the other. What the watches have reached
 * is kept along with the records, so that the order in which the two come makes no difference:
 *   - an answer of a version that its watch has reached tells nothing: the watch has told it, and what came after;
 *   - an object that was deleted, as an answer said, is buried: what the watch still tells of its life is no news;
 *   - an object of a list that nobody knows, though its version was reached before, is not shown until the list has
 *     proved to be the newest: it may be one that is gone since, seen by a server that lags. */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include "kube/record.h"
#include "kube/references.h"
#include "kube/shares.h"

struct store;

/* names: of so many kinds of object ("Secret"), layouts: of what is kept of each; they outlive the store. A kind is an
 * index below len. */
struct store *store_create(const char *const names[], const struct record_layout layouts[], unsigned len);
void store_destroy(struct store *store);

/* Everything up to this version was told by the watch of the kind and namespace ("": of all namespaces). */
void store_reach(struct store *store, unsigned kind, const char *ns, const char *version);
/* What the watch that covers the namespace has reached; NULL: nothing yet. */
const char *store_reached(const struct store *store, unsigned kind, const char *ns);

/* Whether what the watch tells (ns, name, uid and version of *seen; gone: of its end) is newer than what is known. */
bool store_is_news(const struct store *store, unsigned kind, const struct record *seen, bool gone);
/* Copies the record in, replacing the former one. */
void store_put(struct store *store, unsigned kind, const struct record *record);
/* The same for an object of a list that is not complete yet: it may not be shown before the list's end. */
void store_put_listed(struct store *store, unsigned kind, const struct record *record);
/* Says that a complete list still has the record, without changing it. */
void store_touch(struct store *store, unsigned kind, const char *ns, const char *name);
void store_remove(struct store *store, unsigned kind, const char *ns, const char *name);
/* The object may be there, but its record is not kept. */
void store_leave_out(struct store *store, unsigned kind, const char *ns, const char *name);
/* The object of this uid is gone, as an answer said: it is not shown any more. Nothing when another one is known. */
void store_bury(struct store *store, unsigned kind, const char *ns, const char *name, const char *uid);
const struct record *store_get(const struct store *store, unsigned kind, const char *ns, const char *name);
/* Whether there is a record, be it shown or not. */
bool store_has(const struct store *store, unsigned kind, const char *ns, const char *name);
/* Whether it is known that the object is there, or is not. It is not where no watch covers the kind, nor of a reference
 * that is younger than the last list: then the object has to be read, and what comes of it put or removed. */
bool store_knows(const struct store *store, unsigned kind, const char *ns, const char *name);

/* The holder (its key), whose record is of the first kind, refers to these from now on, and to no others; see
 * kube/references.h. Its references end with its record. */
void store_refer(struct store *store, const char *holder, const struct reference *to, size_t len);
/* From now on the record of an object that nobody refers to any more goes, unless it concerns() us all the same. */
void store_let_go(struct store *store,
                  bool (*concerns)(unsigned kind, const char *ns, const char *name, const struct store *store));
const struct references *store_references(const struct store *store);

/* What namespaces hold of the prices of all records. No bound unless one is set. */
struct shares *store_shares(const struct store *store);
/* Whether there is room for the record, in the place of the former one of its name. Where other namespaces have to give
 * way, records of theirs go: of owners, the first kind, with what they own there, each told of before. */
bool store_make_room(struct store *store, unsigned kind, const struct record *record,
                     void (*evicted)(void *arg, const struct record *owner), void *arg);
/* This owner goes in the same way; nothing happens when it is not known. */
void store_give_way(struct store *store, const char *ns, const char *name,
                    void (*evicted)(void *arg, const struct record *owner), void *arg);

/* changed() is told of each record that comes, changes, or goes, before the store is asked about it again; by then it
 * may not be shown. One at a time is told; NULL: nobody. */
void store_follow(struct store *store, void (*changed)(void *arg, unsigned kind, const struct record *record),
                  void *arg);

size_t store_count(const struct store *store, unsigned kind);

/* Around a complete list of the namespace ("": of all), of this version: what it has is put_listed or touched between
 * the two, and what it does not have is gone, but for what an answer shows meanwhile of a newer version. Reports each
 * record that goes, just before it is removed, and each that is shown only now. A list may begin anew without having
 * ended, and those of several namespaces may overlap: begun is what store_list_begin() returned. */
unsigned store_list_begin(struct store *store, unsigned kind);
void store_list_end(struct store *store, unsigned kind, const char *ns, unsigned begun, const char *version,
                    void (*changed)(void *arg, unsigned kind, const struct record *record), void *arg);

/* All records of a kind, in no order; the callback must not change the store. */
void store_each(const struct store *store, unsigned kind, void (*each)(void *arg, const struct record *record),
                void *arg);
/* All records, of every kind, that belong to the owner. */
void store_each_owned(const struct store *store, const char *owner,
                      void (*each)(void *arg, unsigned kind, const struct record *record), void *arg);

#endif
