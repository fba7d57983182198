/* Runners that were left behind are tried again, from the ledger (ledger.h), until GitLab has let them go.
 *
 *   1. One request is in flight at a time: the ledger is read, one runner that is due is deregistered, its entry is
 * taken out. Between two of them nothing but keys is remembered: a token is in memory for as long as its call.
 *   2. Each has a pause of its own: 10 s, doubling to 10 minutes, with jitter. The gate before GitLab's hosts
 *      (gitlab/gate.h) holds for these calls as for all others.
 *   3. Only who leads does any of this. A new leader looks at once. */
#ifndef ORPHANS_H
#define ORPHANS_H

#include <stdbool.h>
#include <stddef.h>

struct orphans;
struct workshop;

/* Lends the workshop. */
struct orphans *orphans_create(const struct workshop *shop);
/* NULL is fine. */
void orphans_destroy(struct orphans *orphans);

/* Whether this process acts; true not before it is known which Secrets there are. A change begins anew: what is in
 * flight ends, what is remembered is forgotten. */
void orphans_lead(struct orphans *orphans, bool leading);
/* An entry of this key was just written: GitLab has been tried, so it is tried again after a while. NULL is fine. */
void orphans_expect(struct orphans *orphans, const char *key);
/* How many there are, as far as this process knows: who does not lead knows of none. NULL is fine. */
size_t orphans_count(const struct orphans *orphans);

#endif
