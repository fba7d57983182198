/* The decision: from everything observed to the single next action. The tables at the end of rules_registration.c,
 * rules_manager.c and rules_deletion.c are the product in some fifty lines: read them first. */
#ifndef RUNNER_DECIDE_H
#define RUNNER_DECIDE_H

#include "runner/observed.h"
#include "runner/orphan.h"

enum act_kind {
    ACT_PASS,      /* only between rules: nothing to do here, ask the next one    */
    ACT_WAIT,      /* until an event, or until retry_at_ms                        */
    ACT_READ,      /* read a value                                                */
    ACT_LOOK,      /* look at the managers' pods                                  */
    ACT_FINALIZER, /* put our finalizer on the object, or take it off             */
    ACT_APPLY,     /* write a child                                               */
    ACT_DELETE,    /* delete one of our objects                                   */
    ACT_GITLAB,    /* one call to GitLab                                          */
    ACT_RECORD,    /* put a runner that is left behind into the ledger            */
    ACT_REPORT,    /* an Event that is not a change of condition                  */
    ACT_STATUS,    /* write the status                                            */
    ACT_DONE,      /* converged                                                   */
};

enum { RECHECK_MS = 20 * 1000 }; /* who is stalled by something that no watch shows (a taken name) looks again */

struct action {
    enum act_kind kind;
    const char *rule;    /* which rule asked for it; of a read: what is read */
    int64_t again_at_ms; /* ACT_WAIT, ACT_DONE: monotonic, when to look again though nothing has happened; 0: never */
    union {
        struct {
            const char *reason, *message; /* for the condition                         */
            bool stalled;                 /* a person has to act                        */
            bool quiet;                   /* it is over in a moment: no status for it   */
            int64_t retry_at_ms;          /* 0: only an event can change it             */
        } wait;
        enum readable read;
        bool hold_finalizer;
        struct {
            enum child child;
            struct json_object *manifest; /* complete                                   */
            const char *uid;              /* of the object to change; NULL: create, fail when it is there */
            bool release;                 /* the token Secret without our finalizer: it may go            */
        } apply;
        struct stray delete;
        struct {
            enum gitlab_call call;
            const char *url;
            const char *token; /* what proves the right to do it             */
            int64_t runner_id;
        } gitlab;
        struct orphan record;
        struct {
            bool warning;
            const char *reason, *message;
        } report;
        struct json_object *status; /* the complete status                        */
    };
};

/* Says the single next thing to do for one runner.
 *
 * Pure: reads only *o, allocates only in *a; no I/O, no clock (o->now), no globals; it cannot fail. Called again after
 * each answer until it says ACT_DONE or ACT_WAIT. */
struct action decide(const struct observed *o, struct arena *a);

const char *act_kind_name(enum act_kind kind);

#endif
