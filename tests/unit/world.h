/* A world in memory: an API server, two GitLab servers, users who change things, and the operator's process around
 * decide().
 *
 * The model is written from what Kubernetes and GitLab do, not from the program's own code, so that it is a second
 * opinion on the rules. Everything that is chosen at random is an option of the scenario or comes from its seed: the
 * same scenario gives the same story, and an option that is 0 is the harmless case, which is how a story that goes
 * wrong is made short. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdio.h>

#include "base/arena.h"
#include "runner/decide.h"

/* ------------------------------------------------------------------------------------------------------------------
 * The scenario: what is wished for, and what goes wrong.
 */
enum option {
    /* the spec */
    OPT_MODE,  /* access token, registration token, runner token */
    OPT_CA,    /* none, Secret, ConfigMap                        */
    OPT_PLACE, /* enum place of the jobs                         */
    OPT_TAGS,
    OPT_ACCOUNT,  /* the manager runs under the user's own account  */
    OPT_KEEP,     /* deletionPolicy Orphan                          */
    OPT_REPLICAS, /* one, none, two                                 */
    OPT_SUSPEND,
    OPT_INVALID,
    /* the beginning */
    OPT_START, /* enum start */
    /* what users do, and before which action of the operator's */
    OPT_EDIT, /* enum edit */
    OPT_EDIT_AT,
    OPT_DELETE, /* the object, or its namespace */
    OPT_DELETE_AT,
    OPT_DAMAGE, /* enum damage */
    OPT_DAMAGED_CHILD,
    OPT_DAMAGE_AT,
    OPT_DAMAGE_2,
    OPT_DAMAGED_CHILD_2,
    OPT_DAMAGE_AT_2,
    /* troubles that end when the world heals, and some that never do */
    OPT_CREDENTIAL,    /* enum value_trouble: 2 * trouble - 1 ends, 2 * trouble does not */
    OPT_CA_TROUBLE,    /* the same                                                       */
    OPT_PLACE_TROUBLE, /* 1, 2: the namespace is missing; 3, 4: it is closed */
    OPT_GITLAB,        /* enum gitlab_trouble */
    OPT_API,           /* enum api_trouble */
    OPT_DENIED_CHILD,
    OPT_REPLACED_FOR_EVER, /* a DAMAGE_REPLACED stays */
    OPT_NO_SEARCH,         /* the access token gives no right to look: 1 by role, 2 by scope */
    OPT_HEAL_LATE,         /* the world heals after half an hour, not after a minute and a half */
    OPT_REMOTE,            /* enum remote: what somebody does to the runner at GitLab … */
    OPT_REMOTE_AT,
    OPT_ROTATE, /* somebody asks for a new token … */
    OPT_ROTATE_AT,
    OPT_PAUSE, /* enum pause: somebody annotates the object … */
    OPT_PAUSE_AT,
    OPT_RESUME, /* … and takes that away */
    OPT_RESUME_AT,
    OPT_RESTART, /* somebody asks for new pods: once, twice */
    OPT_RESTART_AT,
    OPT_EXPIRES,   /* tokens live for four hours                                             */
    OPT_ELSEWHERE, /* the registration token is of another project than the access token     */
    OPT_LAG,       /* watches deliver between turns only */
    OPT_FROZEN, /* after a crash the watches show, for a minute, what there was before this action of the operator's */
    OPT_NO_LEDGER,     /* nobody may write it */
    OPT_NO_BUDGET,     /* the spec, again: no PodDisruptionBudget is asked for */
    OPT_CACHE,         /* the keys of a cache are in a Secret                   */
    OPT_CACHE_TROUBLE, /* as OPT_CREDENTIAL */
    OPT_FEATURE,       /* a setting that needs rights of its own */
    OPTIONS
};

enum start { START_NEW, START_CONVERGED, START_RESTARTED, START_REMAINS, START_RESTORED };
enum remote {
    REMOTE_NONE,
    REMOTE_DELETED,
    REMOTE_PAUSED,   /* an attribute is edited                          */
    REMOTE_UNMARKED, /* our mark is taken out of its note               */
    REMOTE_RESET,    /* its token is reset                              */
    REMOTE_REPLACED, /* its number is that of somebody else's runner now */
    REMOTES
};
enum edit {
    EDIT_NONE,
    EDIT_URL,
    EDIT_MODE,
    EDIT_MODE_BACK,
    EDIT_SCOPE,
    EDIT_TAGS,
    EDIT_IMAGE,
    EDIT_REPLICAS,
    EDIT_PLACE,
    EDIT_ACCOUNT,
    EDIT_CA,
    EDIT_SUSPEND,
    EDIT_KEEP,
    EDIT_INVALID,
    EDIT_BUDGET,
    EDIT_PRIVILEGED,
    EDIT_CACHE,
    EDIT_FEATURE,
    EDITS
};
enum pause { PAUSE_NONE, PAUSE_FOR_EVER, PAUSE_SHORTLY, PAUSE_FOR_LONG, PAUSE_UNREADABLE, PAUSES };
enum damage {
    DAMAGE_NONE,
    DAMAGE_DELETED,   /* kubectl delete                                                     */
    DAMAGE_FORCED,    /* the same, with every finalizer taken off                           */
    DAMAGE_PINNED,    /* deleted, but somebody's finalizer keeps it until the world heals   */
    DAMAGE_DRIFTED,   /* somebody took a field                                              */
    DAMAGE_REWRITTEN, /* the fingerprint is another                                         */
    DAMAGE_EMPTIED,   /* a Secret's content is lost                                         */
    DAMAGE_BARE,      /* the annotations of the registration are lost                       */
    DAMAGE_REPLACED,  /* somebody else's object of that name; it goes when the world heals  */
    DAMAGES
};
enum value_trouble {
    VALUE_FINE,
    VALUE_MISSING,
    VALUE_NO_KEY,
    VALUE_EMPTY,
    VALUE_NOT_FOR_HOST,
    VALUE_INVALID,
    VALUE_WRONG_KIND,
    VALUE_WRONG,
    VALUE_TROUBLES
};
enum gitlab_trouble {
    GITLAB_FINE,
    GITLAB_DOWN,    /* no connection                                                  */
    GITLAB_ERROR,   /* 500, nothing done                                              */
    GITLAB_BUSY,    /* 429                                                            */
    GITLAB_LOSSY,   /* done, but the answer is lost                                   */
    GITLAB_LOSING,  /* the request is lost, which looks the same                      */
    GITLAB_GARBAGE, /* done, but the answer cannot be read                            */
    GITLAB_BEHIND,  /* something that is no GitLab answers 404                        */
    GITLAB_GONE,    /* registration tokens are switched off                           */
    GITLAB_DOWN_FOREVER,
    GITLAB_GONE_FOREVER,
    GITLAB_ONE_DOWN_FOREVER, /* the first of the two servers */
    GITLAB_TROUBLES
};
enum api_trouble {
    API_FINE,
    API_DOWN,   /* no connection                      */
    API_FLAKY,  /* every other request fails          */
    API_LOSSY,  /* every other answer is lost         */
    API_DENIED, /* one child may not be written       */
    API_DENIED_FOREVER,
    API_TROUBLES
};

/* One spec, read and rendered once for all worlds of a scenario. */
struct wish {
    struct spec spec;
    bool valid;
    struct err err;
    struct wanted wanted[CHILD_COUNT];
};

struct scenario {
    uint64_t seed;
    int options[OPTIONS];
    struct arena mem;
    struct wish wishes[2]; /* before and after the edit */
};

/* Options drawn from the seed. */
void scenario_draw(uint64_t seed, int options[OPTIONS]);
/* Reads and renders the wishes; scenario_finish() frees them. */
void scenario_init(struct scenario *s, uint64_t seed, const int options[OPTIONS]);
void scenario_finish(struct scenario *s);
/* The options that are not 0, as text. */
/* Sets what a line of scenario_print() names. */
void scenario_read(const char *text, int options[OPTIONS]);
void scenario_print(const struct scenario *s, FILE *out);

/* ------------------------------------------------------------------------------------------------------------------
 * The API server.
 */
enum place { PLACE_OWN, PLACE_JOBS, PLACE_OTHER, PLACES };
enum { OUR_UID = 1, FORMER_UID = 2, NOBODY = 0 };

struct object {
    bool exists, terminating, drifted;
    bool held;   /* our finalizer is on it       */
    bool pinned; /* somebody else's finalizer is */
    int uid, version;
    int owner; /* uid of the GitLabRunner that it says it was made for; NOBODY: it is not one of these */
    char hash[24], inputs[64];
    char token[24]; /* token and config Secret; "": lost        */
    bool ca;        /* the config Secret has the CA             */
    int64_t runner_id;
    char url[40], authentication[24], scope[16], told_hash[24]; /* token Secret */
    char expiration[24], obtained[24], rotation[8];             /* the same     */
    int64_t replicas;                                           /* Deployment: wanted */
    bool rolled_out;                                            /* … and they run     */
    bool draining;                                              /* deleted; its pods have jobs */
};

/* A Secret or ConfigMap of the user's. */
struct value {
    enum value_trouble trouble;
    int version;
};

enum { LEDGER_MAX = 16 };

struct api {
    int last; /* uid and resource version given out last */
    bool exists, finalizer, deleting;
    bool gone; /* by force, or succeeded by another one, while a turn goes on */
    int64_t deletion_time;
    int generation, version;
    int rotations, restarts;    /* how often another token, other pods were asked for by annotations */
    enum pause pause;           /* the annotation, and until when … */
    int64_t paused_until;       /* … PAUSE_SHORTLY, PAUSE_FOR_LONG: seconds since 1970 */
    char set_at_gitlab[24];     /* the annotation that says what GitLab has been told by somebody */
    bool force_delete;          /* the annotation that ends a deletion's patience */
    int wish;                   /* which of the scenario's the spec is now */
    struct json_object *status; /* one reference                           */
    struct object children[CHILD_COUNT][PLACES];
    struct value credentials[3], ca[2], cache; /* by mode; Secret and ConfigMap */
    struct {
        bool missing, closed, terminating;
        int64_t deletion_time;
        const char *level; /* of Pod Security that it enforces; NULL: none */
    } places[PLACES];
    struct {
        int64_t runner_id; /* 0: a free place */
        char url[40], token[24];
    } ledger[LEDGER_MAX]; /* of runners that were left behind */
};

const char *place_name(enum place place);
enum place place_by_name(const char *name);

/* ------------------------------------------------------------------------------------------------------------------
 * GitLab.
 */
enum { SERVERS = 2, RUNNERS_MAX = 48 };

struct remote_runner {
    int64_t id;
    bool alive, contacted;
    bool ours;    /* carries our mark                 */
    bool by_user; /* made by the user, not by anybody with our mark */
    char token[24];
    char attributes[24]; /* their fingerprint             */
    int told;            /* the wish that they are from   */
    bool paused;         /* by somebody                   */
    int mark;            /* uid in its note; NOBODY: none */
    int project;
    int64_t contacted_at, expires_at; /* seconds since 1970; 0: never */
    int64_t replaced_ms;              /* monotonic: it is somebody else's since then; 0: it is not */
};

struct server {
    struct remote_runner runners[RUNNERS_MAX];
    int len;
};

const char *server_url(int server);

/* ------------------------------------------------------------------------------------------------------------------
 * The operator's process: lost in a crash.
 */
struct process {
    struct api seen;        /* the store: the API server as the watches have shown it */
    const char *namespaces; /* that it serves; NULL: all                             */
    struct memory memory;
    bool in_line; /* for a call to GitLab */
    bool calling; /* somebody else is asking GitLab */
};

/* ------------------------------------------------------------------------------------------------------------------
 * All of it.
 */
struct journal {
    int actions;      /* asked for, in all                                    */
    int longest_turn; /* in decisions                                      */
    int writes;       /* that had an effect, here or there                    */
    int changes;      /* the same without statuses and reports                */
    int calls[GITLAB_REMOVE + 1];
    int rotated;                     /* times that GitLab gave the runner a new token for its old one */
    int made, lost_answers, crashes; /* runners; answers and processes that may have cost one */
    int untraceable;                 /* runners that were lost just when the spec moved on    */
    int possible_orphans, orphans;   /* reported                                              */
    int recorded;                    /* in the ledger                                         */
    char violation[256];             /* of what must hold at every step; "": none             */
};

struct crash {
    int at;      /* before which action; -1: never              */
    bool effect; /* the action is carried out all the same       */
    bool final;  /* no process follows                           */
};

struct world {
    const struct scenario *scenario;
    uint64_t random;
    int64_t began_ms, now_ms;
    bool calm;             /* nothing goes wrong yet                      */
    int64_t heals_at;      /* when what does not last for ever ends       */
    bool happened[9];      /* edit, deletion, damages, at GitLab, token, pause, end of it, restart */
    int64_t edited_at;     /* seconds since 1970; 0: not yet              */
    int64_t watched_until; /* monotonic: until then somebody's deed may not have been found out */
    struct api api;
    struct server servers[SERVERS];
    struct process process;
    struct crash crash;
    int looks;         /* times that GitLab was asked for the runner …                  */
    int lie_at;        /* … and at which of them it lies, in its own words; 0: never    */
    struct api frozen; /* what the watches show after a crash, with OPT_FROZEN … */
    int64_t thaws_at;  /* … until then */
    struct journal journal;
    struct action last; /* what the last turn ended with; its texts live in mem */
    struct arena mem;   /* of the turn */
    struct observed observed;
    int turn_wish; /* the spec that the turn began with */
    bool stale;    /* the turn must begin anew          */
    FILE *trace;
    void (*told)(const struct observed *o, const struct action *act); /* of each decision; NULL: nobody */
};

/* What GitLab is to keep of the runner by now, as the API server has it. */
struct attributes world_attributes(struct world *w);

void world_init(struct world *w, const struct scenario *s, struct crash crash, FILE *trace);
void world_finish(struct world *w);

/* The watches bring the store up to date, unless the server that they ask is behind. */
void world_deliver(struct world *w);
bool world_is_frozen(const struct world *w);
/* Begins a turn: w->observed is what the operator sees; its texts live in w->mem. */
void world_observe(struct world *w);
/* What may have changed since the last step; the object itself and the values that were read stay as they are. */
void world_update(struct world *w);
/* Carries out one action, with whatever is to go wrong, and has the operator learn from the answer. */
void world_perform(struct world *w, const struct action *act);
/* One call to GitLab, and what is learned from its answer. */
void world_call(struct world *w, const struct action *act);
/* The rule's call did not work and is tried again later; or it did, and the row of failures has ended. */
void world_failed(struct world *w, const struct action *act, const struct err *err);
void world_succeeded(struct world *w, const struct action *act);
/* Decides and performs until decide() waits or is done. */
void world_turn(struct world *w);
/* Takes turns and lets time pass, until nothing changes any more. False when that does not come about. */
bool world_run(struct world *w);
/* How many runners were made by us while nobody holds their token; and how many of these nobody can find any more. */
struct leaked {
    int count, unmarked;
} world_leaked(struct world *w);
/* The process is killed and a new one has listed everything. */
void world_crash(struct world *w);

/* ------------------------------------------------------------------------------------------------------------------
 * For world_*.c.
 */
int option(const struct world *w, enum option option);
/* What is the matter with a value or a namespace now: the option's trouble, or 0 when it is over. */
int trouble(const struct world *w, enum option option);
uint32_t world_random(struct world *w, uint32_t below);
void world_trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_violate(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The spec as it is now, and as it was when the turn began. */
const struct wish *world_wish(const struct world *w);
const struct wish *world_turn_wish(const struct world *w);
/* What the token Secret's annotations say, with its token. */
struct registration world_registration(const struct object *secret, struct arena *a);
/* Of Secrets all are watched, of other kinds those that carry our label. */
bool world_is_watched(const struct object *object, enum child child);

void api_copy(struct api *to, const struct api *from);
void api_finish(struct api *api);
void api_set_status(struct api *api, struct json_object *status);
/* The object itself, without what belongs to it. */
void api_copy_runner(struct api *to, const struct api *from);
bool api_apply(struct world *w, const struct action *act, struct err *err);
bool api_delete(struct world *w, const struct stray *what, struct err *err);
bool api_finalizer(struct world *w, bool hold, struct err *err);
bool api_record(struct world *w, const struct orphan *orphan, struct err *err);
struct value *api_credential(struct api *api, const struct wish *wish);
struct value *api_ca(struct api *api, const struct wish *wish);
struct object *api_find(struct api *api, const char *kind, const char *ns, const char *name);
void api_runner_gone(struct world *w);
void object_create(struct api *api, struct object *object, int owner);
void object_gone(struct object *object);
/* A deletion: held objects stay, terminating. */
void object_delete(struct object *object);

/* Users' Secrets, ConfigMaps and namespaces become as the options say. */
void world_set_troubles(struct world *w);
/* Where a child of the object is. */
enum place world_place(const struct world *w, enum child child);
/* What users, garbage collectors and Deployment controllers do. next: when something will change by itself; -1: never.
 */
void world_change(struct world *w);
int64_t world_next_change(const struct world *w);
/* What users do before the next action; all that is left of it when `now`. True when something was done. */
bool world_users(struct world *w, bool now);

void gitlab_init(struct world *w);
/* The spec asks for another server, mode or scope after the edit. */
bool world_moves(const struct world *w);
/* Its texts are the turn's. */
struct call_answer gitlab_call_made(struct world *w, const struct action *act);
/* Somebody does something to the runner at GitLab. */
void gitlab_meddle(struct world *w, enum remote what);
/* The token Secret is about to be lost. Its runner is nobody's if the Secret is from a backup, and nobody has taken it
 * over yet; or that has just been done, and the Secret goes by force before the status names the runner, which has been
 * in use and so is in none of GitLab's lists that are searched. */
void gitlab_forsake(struct world *w, bool by_force);
/* The mark of the runner that is there becomes another. */
void gitlab_mark(struct world *w, int uid);
/* The managers ask for jobs. */
void gitlab_hear(struct world *w);
struct remote_runner *gitlab_runner(struct world *w, const char *url, const char *token);

#endif
