/* Runners that were left behind are tried again, from the ledger (ledger.h), until GitLab has let them go.
 *
 * An entry is a key of the loop (kube/controller.h), "LedgerEntry/NAMESPACE/its key", and so is the ledger itself,
 * which a new leader looks at.
 *
 *   1. Its work reads the ledger, with all others that begin at about the same time, deregisters the runner, says so by
 *      an Event, which is sent again while nobody answers, and takes the entry out. Between two looks no token is
 *      remembered: it is in memory for as long as its call.
 *   2. Several go on at a time, and a few of one namespace. The gate before GitLab's hosts (gitlab/gate.h) holds for
 *      these calls as for all others. */
#ifndef OPERATOR_ORPHANS_H
#define OPERATOR_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct orphans;
struct context;

/* Lends the context; its controller does the work, and ends first. */
struct orphans *orphans_create(const struct context *ctx);
/* NULL is fine. */
void orphans_destroy(struct orphans *orphans);

/* An entry of this key is about to be written, for a runner that was a GitLabRunner's of namespace ns; what: names it,
 * for people; size: of key and text. Whose entries have to leave for it is decided here. False: not now (ERR_RETRY), or
 * whatever stands in the way of reading the ledger. */
bool orphans_admit(struct orphans *orphans, const char *key, const char *ns, const char *what, size_t size,
                   struct err *err);
/* for (size_t i = 0; orphans_next_leaving(orphans, newcomer, &i, &key);) over the keys that leave in the same write. */
bool orphans_next_leaving(const struct orphans *orphans, const char *newcomer, size_t *i, const char **ret_key);
/* It was written, or not. GitLab has been tried, so the runner is tried again after a while. */
void orphans_written(struct orphans *orphans, const char *key, bool success);
/* How many there are, as far as this process knows: who does not lead knows of none. NULL is fine. */
size_t orphans_count(const struct orphans *orphans);

#endif
