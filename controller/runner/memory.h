/* What the process remembers of a runner beside what the store has seen: failures, doubts, a token on its way.
 *
 * All of it may be lost in a crash without harm: a restarted process begins with nothing, and the rules cope. Decisions
 * read it (observed.h); it is changed here and by what is learned (learn.h), and nowhere else. */
#ifndef RUNNER_MEMORY_H
#define RUNNER_MEMORY_H

#include "runner/server_check.h"
#include "runner/gitlab_call.h"
#include "runner/render.h"
#include "runner/trouble.h"

/* The reason of an attempt whose answer is believed when it was said twice: until then it is no news to people. */
#define CONFIRMING "Confirming"
/* What a report that nobody has heard counts as a failure of, whatever its rule: that one may have failed before, which
 * is what the report is about. */
#define RULE_REPORT "event"
/* What puts a token that was just got into its Secret. */
#define RULE_SAVE "save"

/* A call that failed the last time, and when it may be made again. Each rule's calls are by themselves: a Deployment
 * that nobody may write holds up neither the registration nor the status that tells of it. */
struct attempt {
    const char *rule; /* NULL: none */
    struct err err;
    int64_t retry_at_ms; /* monotonic; not before */
};
enum {
    ATTEMPTS_MAX = 8
}; /* that are remembered, then the one that has been due for longest is forgotten; a table of
      rules ends at the first that fails */

/* A rule's call that failed, and how many times in a row. */
struct failure {
    struct attempt attempt;
    unsigned count;
};

/* What has gone wrong, and is tried again. Of most runners there is none, and it is large. */
struct troubles {
    struct err gitlab_err; /* what GitLab has answered the last call, kind ERR_NONE: all is well */
    size_t len;            /* at most ATTEMPTS_MAX */
    struct failure failures[];
};

/* What GitLab has said once, and is to say again before it is believed; at_ms 0: nothing. */
struct hearsay {
    enum gitlab_call call;
    int64_t runner_id, at_ms;
};

/* Managers that are waited for, and what their pods have shown. */
struct starting {
    int64_t since_ms, due_ms; /* monotonic: since when; and when to look at the pods (again), 0: not planned yet */
    unsigned looks;
    struct trouble trouble; /* its message is owned */
};

/* What a deletion does not wait for any more; an Event has said so. Bits. */
enum { GAVE_UP_MANAGER = 1, GAVE_UP_ELSEWHERE = 2 };

/* Whether a runner that was made in another way can stay, now that the spec names another credential. */
enum takeover {
    TAKEOVER_UNTRIED,
    TAKEOVER_UNMARKED, /* it is where the spec says and has nobody's mark: one that a person has made    */
    TAKEOVER_FITS,     /* it is where the spec says and has our mark                                     */
    TAKEOVER_REFUSED,
};
enum reach { REACH_UNKNOWN, REACH_YES, REACH_NO };
/* Whether a runner may exist at GitLab whose token was lost in a crash: the finalizer was on the object before this
 * process first saw it, but no token Secret is there. The watches may be behind, so they are not believed at once. */
enum doubt {
    DOUBT_NONE,
    DOUBT_SUSPECTED,    /* it may, if the object is what the watch shows: the next write of the finalizer will tell */
    DOUBT_UNREAD,       /* … and if there is no token Secret, as the watch says: nobody has tried to read it */
    DOUBT_LOST,         /* it may, and nobody has looked yet at GitLab          */
    DOUBT_SEARCHED,     /* GitLab was asked for our mark; see found_id          */
    DOUBT_UNSEARCHABLE, /* the credential gives no right to look                */
};

/* Where a registration was lost. */
struct lost {
    char *url, *scope; /* scope: as scope_text(); "": not known, as a registration token does not tell */
};

struct memory {
    int64_t generation;          /* of the spec that the failures are about                                       */
    struct troubles *troubles;   /* owned; NULL: none, see memory_troubles()                                      */
    struct registration *issued; /* owned, with its texts: a token just got that is not in its Secret yet; NULL: none */
    struct starting *starting;   /* owned; NULL: all managers are there, or are not to be                         */
    enum doubt doubt;
    struct lost *lost; /* owned; NULL: nothing was lost, or nobody knows where                           */
    int64_t found_id;  /* with DOUBT_SEARCHED: the runner that carries our mark; 0: none                     */
    bool judged;       /* it is known what the finalizer promises: it was there, and looked into; or we put it there */
    bool had_secret;   /* … and then there was a token Secret whose runner is still at GitLab                */
    bool owned_secret; /* there ever was one: another object's is its successor's, and nothing is inherited from that */
    bool config_token_dead;    /* GitLab has refused the token that the config Secret still has                      */
    bool deregistered;         /* GitLab has said that the runner of the token Secret is gone; or it was left behind
                                  there, and an Event says so                                                        */
    bool not_inherited;        /* GitLab has refused the token of the former object's Secret                         */
    struct server_check check; /* what GitLab has said of the runner since it was registered                      */
    enum takeover takeover;
    struct hearsay heard;
    unsigned given_up; /* of its deletion */
    enum reach reach;
    bool ailing;               /* it was told of a failure, and not yet that all is well again                    */
    const char *reported;      /* the last report's reason, a constant, which the log has already; NULL: none     */
    bool foreign[CHILD_COUNT]; /* somebody else's object has this child's name                                    */
};

/* This process alone knows of a runner, or that there may be one: its token is on its way to its Secret, or the answer
 * to its registration was lost. */
bool memory_knows_alone(const struct memory *m);
/* What is believed from now on; without a doubt of a loss nothing is known of where it was. */
void memory_doubt(struct memory *m, enum doubt doubt);
/* A registration may have been lost there. Takes copies. */
void memory_lose(struct memory *m, const char *url, const char *scope);
/* Frees what it owns, and cleanses the token; it remembers nothing then. */
void memory_finish(struct memory *m);

/* Follows the spec: another generation forgives what failed. */
void memory_follow(struct memory *m, int64_t generation);
/* Tries again at once, because something outside of the spec has changed; searches again, because server, scope and
 * credential may be others. */
void memory_forgive(struct memory *m);

/* A name that somebody else had may be free now. */
void memory_forget_foreign(struct memory *m);

/* Notes a failure of the rule's call and when to try again: 1 s, doubling to 5 minutes, with jitter; later when the
 * server asked so. Its success ends the row. rule: a constant; chance: any number, of which the jitter is made. */
void memory_fail(struct memory *m, const char *rule, const struct err *err, int64_t now_ms, uint32_t chance);
void memory_succeed(struct memory *m, const char *rule);
/* How many times in a row. */
unsigned memory_failures(const struct memory *m, const char *rule);
/* Never NULL; the memory owns it, until the next change. */
const struct troubles *memory_troubles(const struct memory *m);
/* What GitLab has answered the last call; kind ERR_NONE: all is well. */
void memory_note_gitlab(struct memory *m, const struct err *err);
/* Nothing is left to do, so nothing is to be tried again: what failed has come about in another way. */
void memory_rest(struct memory *m);

/* The managers are waited for, since now or before; or not any more. */
void memory_await(struct memory *m, int64_t now_ms);
void memory_forget_starting(struct memory *m);
/* What their pods have shown. Takes a copy of the message. */
void memory_note_trouble(struct memory *m, const struct trouble *trouble);

/* The texts of the copy are the arena's. */
struct registration registration_copy(const struct registration *registration, struct arena *a);
/* Takes copies; without a token there is none. */
void memory_issue(struct memory *m, const struct registration *registration);
/* One that could not be saved is tried again then at the latest. Returns when it is; -1: there is none. */
int64_t memory_hurry_to_save(struct memory *m, int64_t latest_ms);
/* Cleanses the token. */
void memory_forget_issued(struct memory *m);

#endif
