/* What is remembered of the ledger's entries (ledger.h) between two looks at it: no token, but enough to know who has
 * to make room.
 *
 * The ledger is one Secret, so it has an end. When it is full, the namespace that takes most of it makes room, its
 * oldest entry first; the newcomer counts for its own. So nobody loses an entry whose namespace takes less than the
 * others. */
#ifndef OPERATOR_ORPHAN_INDEX_H
#define OPERATOR_ORPHAN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

enum {
    LEDGER_BYTES = 512 * 1024, /* half of what a Secret may have, so that it is read in one piece            */
    ENTRY_OVERHEAD = 128,      /* of an entry in the Secret beside its key and text: who owns it, above all  */
    AT_A_TIME = 8,             /* runners that are deregistered at the same time …                           */
    AT_A_TIME_OF_ONE = 2,      /* … of one namespace                                                         */
};

struct orphan_entry {
    char *key;  /* in the ledger                                                                */
    char *ns;   /* of its GitLabRunner; "": not known                                           */
    char *what; /* it is, for people                                                            */
    size_t size;
    int64_t since_s;   /* it is in the ledger, since 1970                                              */
    bool unknown;      /* to GitLab, as it has said once: it is believed the second time               */
    bool gone;         /* from GitLab: an Event says so, and then its entry is taken out               */
    bool heard;        /* the Event was taken, or there is nobody who takes it                         */
    unsigned unheard;  /* times that it was sent without an answer                                     */
    bool busy;         /* somebody is at it                                                            */
    bool seen;         /* in the ledger, when it was last read                                         */
    bool recording;    /* it is not in the ledger yet                                                  */
    bool told;         /* of, that it is to leave                                                      */
    char *leaving_for; /* key of the newcomer that it makes room for; NULL: it stays                   */
};

struct orphan_index {
    struct map by_key; /* struct orphan_entry */
    size_t bytes;      /* of all that do not leave */
};

/* An entry that is not there yet; the index owns it, and takes copies. size: of key and text. */
struct orphan_entry *orphan_index_add(struct orphan_index *index, const char *key, const char *ns, const char *what,
                                      size_t size);
struct orphan_entry *orphan_index_find(const struct orphan_index *index, const char *key);
void orphan_index_drop(struct orphan_index *index, struct orphan_entry *entry);
void orphan_index_finish(struct orphan_index *index);

/* Nobody is at it, and it is there to stay. */
bool orphan_may_begin(const struct orphan_entry *entry);

/* Marks entries as leaving for the newcomer, which is in the index already, until all others fit. False, with nothing
 * marked, when they cannot, as those that would have to leave are busy. */
bool orphan_index_make_room(struct orphan_index *index, const struct orphan_entry *newcomer);
/* Those that would have left for it stay. */
void orphan_index_stay(struct orphan_index *index, const char *newcomer);

#endif
