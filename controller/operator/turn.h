/* One runner being worked on, from the queue's take to done: the work of a GitLabRunner's key (kube/controller.h).
 *
 *   READY ──decide──► WAITING (one request to Kubernetes in flight) ──answer──► READY
 *     │
 *     ├── ACT_GITLAB ──► PARKED: an errand (errand.h) goes on, and another turn when it is over
 *     └── ACT_DONE, ACT_WAIT, failure ──► ENDED: its memory is freed
 *
 *   1. At most one request is in flight; it is cancelled before the turn is freed.
 *   2. Every request has a deadline (kube/client.c), so no turn waits for ever; for GitLab none waits at all.
 *   3. An answer only changes the store, the state and what is observed; then the turn is READY again.
 *   4. steps ≤ STEPS_MAX, or the rules do not converge: back off and say which rule repeats. */
#ifndef OPERATOR_TURN_H
#define OPERATOR_TURN_H

#include "base/arena.h"
#include "kube/controller.h"
#include "operator/echo.h"
#include "operator/gather.h"
#include "gitlab/api.h"
#include "operator/stats.h"

struct errands;
struct garbage;
struct loop;
struct orphans;
struct paces;
struct pods_look;
struct reading;
struct reads;

#define CONTROLLER "gitlabrunner" /* what metrics and logs call us */

enum { STEPS_MAX = 48, TURN_ID_SIZE = 32 };

/* What all turns work with. */
struct context {
    struct loop *loop;
    struct kube_client *client;
    struct gitlab *gitlab;
    const struct lease *lease; /* nothing is decided while we do not lead; NULL: we always lead */
    struct store *store;
    struct render_settings render;
    const char *instance;    /* this process, in Events: the pod's name */
    const char *ns;          /* its namespace, where the ledger of orphans is */
    bool secrets_by_name;    /* no right to list them: those that are referred to are read, round and round */
    bool metrics_per_runner; /* runners have series of their own: fleet.h */
    size_t kept_budget;      /* bytes of all that is kept of objects; 0: KEPT_BUDGET */
    struct controller *controller;
    struct orphans *orphans;
    struct errands *errands;
    struct garbage *garbage;
    struct list *echoes; /* of what turns write */
    struct paces *paces; /* of looks at pods */
    struct reads *reads;
    struct spec_cache *specs; /* NULL: each turn reads its own */
    struct stats *stats;
    void (*evicted)(void *arg, const struct record *runner); /* a GitLabRunner gives way */
    void *evicted_arg;
};

/* What was known of an object when it was asked for. */
struct prior {
    const char *uid; /* NULL: it was not known                 */
    bool unknown;    /* … and whether it is there was not either */
};

struct turn {
    struct work work; /* the first member                                  */
    const struct context *ctx;
    char id[TURN_ID_SIZE]; /* in the log: tells turns of one key apart       */
    int64_t began_us;      /* base/clock.h                                      */
    int64_t asked_us;      /* when what is in flight was asked for              */
    const char *cause;     /* why it was woken                                  */
    struct state *state;
    struct record record; /* the object as the turn began, or as its last write to it left it */
    struct observed observed;
    size_t object_cost;      /* what the trees of spec and status take            */
    struct arena mem;        /* until the turn ends                               */
    struct arena step;       /* what was gathered and decided, until the next decision */
    struct action asked;     /* the action whose answer is awaited                */
    uint64_t request;        /* to Kubernetes, in flight; 0: none                 */
    struct echo echo;        /* … of a write                                      */
    struct pods_look *look;  /* … at pods; NULL: none */
    struct reading *reading; /* that it waits for; NULL: none (reads.h) */
    struct list reader;      /* … among its readers                     */
    struct prior prior;      /* of the object that turn_get() reads     */
    unsigned steps;
    bool urgent; /* somebody waits for it                              */
    bool stale;  /* the object itself has changed: begin anew         */
};

/* A line of the log about the turn, as log_event(). */
#define turn_log(turn, level, message, ...)                                                                            \
    log_event(level, "reconcile", message, "controller", CONTROLLER, "namespace", (turn)->observed.owner.ns, "name",   \
              (turn)->observed.owner.name, "reconcileID", (turn)->id, __VA_ARGS__)

/* Begins to work on the runner of this record: gathers what is known. The turn is ready. */
struct turn *turn_create(const struct context *ctx, const struct record *record, struct state *state,
                         const char *cause);
struct turn *turn_of(struct work *work);
/* Cancels what is in flight; its errand goes on. */
void turn_destroy(struct turn *turn);

/* Looks again at all that may have changed, and learns from what is seen; what is found is in turn->step. */
void turn_look(struct turn *turn);
/* An answer has come, and was learned from: the next decision is taken by the loop's hook, never from within a
 * callback. */
void turn_ready(struct turn *turn);
/* The record of an object, with the verdict on its drift. The arena has its texts, or the object lends them. */
struct record context_record(const struct context *ctx, enum kind kind, struct json_object *object, struct arena *a);
/* Puts the record of this object into the store, with what the object refers to. listed: by a list that is not complete
 * yet. False: its namespace holds its share already, so nothing is kept of the object. */
bool context_keep(const struct context *ctx, enum kind kind, struct json_object *object, const struct record *record,
                  bool listed);
/* Puts an object that an answer has shown into the store; one that is gone is buried. What is older than what is known
 * is passed over, because a watch may overtake the answer: of a write, what the watch has told already; of what was
 * read, only a version before the one that is known, for an object may change without its watch showing it. Nothing is
 * kept of what nobody refers to any more (kind_concerns()). */
void context_learn_applied(const struct context *ctx, enum kind kind, struct json_object *object); /* a child */
void context_learn_written(const struct context *ctx, enum kind kind, struct json_object *object);
void context_learn_read(const struct context *ctx, enum kind kind, struct json_object *object);
struct prior context_prior(const struct context *ctx, enum kind kind, const char *ns, const char *name,
                           struct arena *a);
/* It was looked for and is not there, unless the watch has shown a newer one of that name since. */
void context_learn_absence(const struct context *ctx, const struct prior *prior, enum kind kind, const char *ns,
                           const char *name);
/* It was read, so it is there, unless it was known and the watch has told of its end since. */
void context_learn_presence(const struct context *ctx, const struct prior *prior, enum kind kind,
                            struct json_object *object);
/* Reads an object anew; the answer is the turn's request. */
void turn_get(struct turn *turn, enum kind kind, const char *ns, const char *name, kube_done_fn *done);
/* Sends an Event about the turn's object. */
void turn_event(const struct turn *turn, bool warning, const char *reason, const char *note);
/* … that somebody waits for; returns the request, as kube/client.h has it. */
uint64_t turn_send_event(const struct turn *turn, bool warning, const char *reason, const char *note,
                         kube_done_fn *done, void *arg);

#endif
