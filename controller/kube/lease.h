/* Leader election: of several processes one holds a Lease, and only that one may act.
 *
 *              ┌─── held by somebody else, refused, no answer: after a pause ───┐
 *              ▼                                                                │
 *   start ─► STANDBY ──timer──► look: GET ──free, run out or not there──► claim: PUT or POST
 *              ▲                                                                │ 2xx
 *              │                                                                ▼
 *              └── somebody else's, or the renew deadline has passed ──────── LEADING ◄─┐
 *                                                                            │  └─timer─┘ renew: PUT; after a failure
 *   RELEASED ◄── PUT, held by nobody ◄── lease_release() ◄───────────────────┘            look first
 *      ▲
 *      └── lease_release() ◄── STANDBY
 *
 *   1. At most one request is in flight, for at most half of the renew deadline.
 *   2. We lead in LEADING while now < the start of the last write that succeeded + renew deadline. Everybody else waits
 *      for the whole duration from when they saw that write, which was later: so duration − renew deadline lies between
 *      the last thing that we may do and the first that they may.
 *   3. now is read when it is asked for, from a clock that goes on while the machine sleeps and that nobody can set. Of
 *      a record's own times none is ever used: it counts from when we first saw it as it is.
 *   4. Every write is about the version of the record that it was decided on, so of two that claim only one succeeds.
 *   5. A write that failed, or whose answer was lost, proves nothing: the record is looked at before the next one.
 *   6. A Lease that somebody deletes is still good for as long as we have seen it to be.
 *
 * What is left: two clocks may not differ in speed by more than duration ÷ renew deadline, and what was sent before the
 * deadline may take effect after it; each such request carries a precondition or leaves a mark (docs/ARCHITECTURE.md).
 *
 * Source: coordination.k8s.io/v1 and client-go's tools/leaderelection, which has the same record and rules but for 2, 3
 * (suspend) and 6. */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kube_client;
struct lease;
struct loop;

struct lease_timing {
    int64_t duration_ms; /* others wait so long for a holder that says nothing                    */
    int64_t renew_ms;    /* a holder that could not renew for so long stops                       */
    int64_t retry_ms;    /* between renewals (up to a fifth more), and looks (up to a fifth less) */
};

struct lease_config {
    const char *ns, *name;
    const char *identity; /* of this process; no other may ever have the same */
    struct lease_timing timing;
};

/* What can work: duration > renew deadline > 1.2 · retry period > 0. Else *err says what must be otherwise. */
bool lease_timing_is_valid(const struct lease_timing *timing, struct err *err);

/* Copies config, lends the others. */
struct lease *lease_create(struct loop *loop, struct kube_client *client, const struct lease_config *config);
/* Cancels what is in flight; gives nothing back. NULL is fine. */
void lease_destroy(struct lease *lease);
void lease_start(struct lease *lease);

/* Gives the Lease back if we hold it, after what is in flight, and takes part no more; then done(arg), which may come
 * from within. Only for who has ended all that it did as the holder: somebody else may begin at once. Not again
 * after done. A NULL lease is given back already. */
void lease_release(struct lease *lease, void (*done)(void *arg), void *arg);

/* The number of this time of leading, 0 when we do not lead; asks the clock. From one number to another somebody else
 * may have led. NULL: there is no election, and we always lead. */
uint64_t lease_term(const struct lease *lease);
bool lease_is_leading(const struct lease *lease);
/* Others may have begun, and we have not stopped: whoever should see to it is stuck. */
bool lease_renewal_overdue(const struct lease *lease);
/* Renewals that had to look at the record first, since the start. */
uint64_t lease_slow_paths(const struct lease *lease);
/* Who holds it, as it was last seen; "": nobody, or it was never seen. Lent until the loop goes on. */
const char *lease_holder(const struct lease *lease);
const char *lease_name(const struct lease *lease);

#endif
