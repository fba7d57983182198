/* What the process remembers of a runner beside what the store has seen: failures, doubts, a token on its way.
 *
 * All of it may be lost in a crash without harm: a restarted process begins with nothing, and the rules cope. */
#ifndef OPERATOR_STATE_H
#define OPERATOR_STATE_H

#include <stdint.h>

#include "base/map.h"
#include "operator/fleet.h"
#include "kube/store.h"
#include "runner/decide.h"

/* A rule's call that failed, and how many times in a row. */
struct failure {
    struct attempt attempt; /* rule NULL: none */
    unsigned count;
};

/* What GitLab has said once, and is to say again before it is believed; at_ms 0: nothing. */
struct hearsay {
    enum gitlab_call call;
    int64_t runner_id, at_ms;
};

/* What has gone wrong, and is tried again. Of most runners there is none, and it is large. */
struct troubles {
    struct err gitlab_err; /* what GitLab has answered the last call, kind ERR_NONE: all is well */
    size_t len;            /* at most ATTEMPTS_MAX */
    struct failure failures[];
};

/* Managers that are waited for, and what their pods have shown. */
struct starting {
    int64_t since_ms, due_ms; /* monotonic: since when; and when to look at the pods (again) */
    unsigned looks;
    struct trouble trouble; /* its message is owned */
};

struct errand;

struct state {
    char *key;                  /* base/key.h                                                             */
    char *uid;                  /* of the object that this is about; another one begins anew              */
    struct fingerprints wanted; /* of the spec of this generation                                 */
    int64_t generation;         /* of the spec that the failures are about                               */
    struct errand *errand;      /* what GitLab is asked for it, errand.h; NULL: nothing. It is ended before the state */
    struct troubles *troubles;  /* owned; NULL: none, see state_troubles()                        */
    struct registration *issued; /* owned, with its texts; NULL: none                             */
    struct starting *starting;   /* owned; NULL: all managers are there, or are not to be         */
    enum doubt doubt;
    int64_t found_id;
    bool judged;       /* it is known what the finalizer promises: it was there, and looked into; or we put it there */
    bool had_secret;   /* … and then there was a token Secret whose runner is still at GitLab    */
    bool owned_secret; /* there ever was one: another object's is its successor's, and nothing is inherited from that */
    bool config_token_dead, deregistered;
    struct server_check check;
    enum takeover takeover;
    struct hearsay heard;
    bool not_inherited;
    unsigned given_up;
    enum reach reach;
    bool insecure_told;        /* that spec.url is not https                                           */
    const char *reported;      /* the last report's reason, which the log has already                 */
    struct runner_facts facts; /* for metrics, as of the end of its last turn                       */
    bool foreign[CHILD_COUNT]; /* somebody else's object has this child's name                   */
};

struct states {
    struct map by_key;
    size_t shown_max, shown; /* runners that may have, and have, series of their own: fleet.h */
    struct shares *shown_by; /* … by namespace; NULL: none yet */
};

void states_finish(struct states *states);
/* The state of the runner of this key, made when there is none. */
struct state *states_get(struct states *states, const char *key);
void states_remove(struct states *states, const char *key);

/* Follows the record: another uid begins anew, another generation forgives what failed. */
void state_follow(struct state *state, const struct record *record, int64_t generation);
/* Tries again at once, because something outside of the spec has changed; searches again, because server, scope and
 * credential may be others. */
void state_forgive(struct state *state);
/* The token Secret was read, and is not there, or not ours: what was suspected is true. */
void state_token_is_absent(struct state *state);

/* Notes a failure of the rule's call and when to try again: 1 s, doubling to 5 minutes, with jitter; later when the
 * server asked so. Its success ends the row. */
void state_fail(struct state *state, const char *rule, const struct err *err, int64_t now_ms);
void state_succeed(struct state *state, const char *rule);
/* Never NULL; the state owns it, until the next change. */
const struct troubles *state_troubles(const struct state *state);
/* What GitLab has answered the last call; kind ERR_NONE: all is well. */
void state_note_gitlab(struct state *state, const struct err *err);
/* Nothing is left to do, so nothing is to be tried again: what failed has come about in another way. */
void state_rest(struct state *state);

/* The managers are waited for, since now; or not any more. */
struct starting *state_starting(struct state *state, int64_t now_ms);
void state_forget_starting(struct state *state);
/* Takes a copy of the message. */
void state_note_trouble(struct state *state, const struct trouble *trouble);

/* Takes copies; the token is cleansed by state_forget_issued(). */
void state_issue(struct state *state, const struct registration *registration);
void state_forget_issued(struct state *state);

#endif
