/* A story: a world with users, a cluster, GitLabs and the operator's replicas; what its plan says happens in it; then
 * everything heals, and after a while all must be well and at rest. */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/observed.h"
#include "tests/sim/api.h"
#include "tests/sim/driver.h"
#include "tests/sim/gitlab.h"
#include "tests/sim/plan.h"
#include "tests/sim/replica.h"
#include "tests/sim/sim_parts.h"
#include "tests/sim/specs.h"

/* serverCheckPeriodSeconds where GitLab is asked often. */
enum { CHECK_S = 120 };

enum { WISHES_MAX = 3, GREEDY_MAX = 16, GITLABS = 2, API_HOSTS = 2, REPORTS_MAX = 64, MADE_MAX = 64 };

#define RUNNERS "gitlabrunners"
/* The operator's own, for the API server, begins so. */
#define OPERATOR_TOKEN "glpat-OperatorsOwnTokenOfTheApiServer"

/* The hashes of what is to be applied of each child; "": not rendered yet. */
struct rendered {
    char version[24]; /* of the object, which no two states have */
    char hashes[CHILD_COUNT][FINGERPRINT_SIZE];
};

/* What somebody wishes for under one name, and what has been done to it. */
struct wish {
    int number;
    const char *ns, *name;
    struct json_object *spec;           /* as it was last applied; NULL: never */
    struct json_object *backup, *token; /* the object and its token Secret, as they were then; NULL: none */
    struct rendered rendered;
    bool refused;      /* when it was last applied */
    bool moved;        /* to another GitLab, scope, or way to prove who it is */
    bool may_roll;     /* something was done that may replace pods */
    bool disowned;     /* somebody took a runner at GitLab, or its token, out of the operator's hands */
    bool edited_there; /* an attribute was edited that a registration token cannot push */
};

/* An Event of a runner that is left behind. */
struct report {
    int gitlab;
    uint64_t id;  /* its number; 0: only the mark is known */
    bool kept;    /* as its user has wished */
    char uid[40]; /* … which has this uid */
};

/* A runner that the operator has made. */
struct made {
    int gitlab;
    uint64_t id;
    unsigned term; /* in which it was */
    enum spec_mode mode;
    unsigned lost; /* bits of enum lost_by: why it may be */
};

enum lost_by {
    LOST_ALONE = 1,   /* nobody else is left to look for it where it is, or at all */
    LOST_KEYLESS = 2, /* the credential to look for it with goes */
    LOST_WANTED = 4,  /* its object went, and wished it to stay */
};

/* What has been seen, for the properties (properties.h). */
struct seen {
    bool waits;                  /* a deletion waits for a GitLab that cannot be asked: up to 15 minutes */
    bool meddled;                /* somebody has changed something at GitLab */
    bool misdated;               /* a clock was set: what was written down since may be in the past, or the future */
    int64_t due;                 /* when the last thing begins that somebody has told to wait */
    bool resting;                /* from here on nothing may be written */
    unsigned writes;             /* the operator's, but for Lease and Events, and users' of GitLabRunners */
    unsigned unheard;            /* registrations that nobody may look for, whose answer did not come */
    unsigned terms;              /* of leading; what only one of them knew the next one does not */
    uint64_t term[REPLICAS_MAX]; /* … that was seen last (replica_term()) */
    unsigned disowned[GITLABS];  /* runners that the operator cannot find any more, by somebody's doing */
    unsigned spoiled;            /* … or GitLab's trouble has made another */
    bool taken;                  /* the name of a child is somebody else's: whether it still is, is seen by trying */
    unsigned keepers;            /* objects that went, or moved, and whose runner was to stay */
    unsigned unsearchable;       /* times that a credential had no right to look for what was lost */
    unsigned forced;             /* deletions that wait for nothing: each step is tried once */
    struct made made[MADE_MAX];  /* the last of them */
    unsigned made_len;
    struct report reports[REPORTS_MAX];
    unsigned reports_len;
};

struct story {
    struct sim *sim;
    struct plan plan;
    struct api *api;
    struct gitlab_server *gitlabs[GITLABS];
    struct told_of {
        struct story *story;
        int gitlab;
    } told_of[GITLABS]; /* what the properties are told of each */
    const char *access[GITLABS], *registration[GITLABS];
    struct replica *replicas[REPLICAS_MAX];
    int replicas_len, wishes_len;
    struct wish wishes[WISHES_MAX];
    struct seen seen;
    bool troubled[GITLABS];
    char token[64];     /* the operator's, that works now */
    size_t next;        /* step */
    const char *greedy; /* the namespace of a team that wants all there is; NULL: there is none (greed.c) */
    bool healed;
    int64_t healed_at;
};

/* Tells it from beginning to end (driver.h). */
void story_tell(const struct plan *plan, int telling, struct outcome *ret);

/* ---------------------------------------------------------------------------------------------------------------------
 * For deeds and properties. */

const char *gitlab_host(int gitlab);
const char *api_host(int host);
struct wish *story_wish(struct story *story, uint32_t number);
/* The object as it is; NULL: there is none. */
struct json_object *wish_object(const struct story *story, const struct wish *wish);
/* Its child of that resource; suffix: "" or what is behind its name. */
struct json_object *wish_child(const struct story *story, const struct wish *wish, const char *resource,
                               const char *suffix);
/* Whatever a user asks the API server for; its status. body is taken over. */
int user_request(struct story *story, const char *user, const char *method, const char *target,
                 const char *content_type, struct json_object *body);
/* Of the core, or of the group's resource: the path of an object, lent until the next but three. */
const char *object_path(const char *resource, const char *ns, const char *name);
/* Makes sure that a Secret is there with that one value. */
void put_secret(struct story *story, const char *ns, const char *name, const char *key, const char *value);
/* All Secrets that specs name, with what works now. */
void put_credentials(struct story *story, const char *ns);
/* Whether the runner token that the spec names works. */
bool has_runner_token(const struct story *story, const struct wish *wish);
/* A runner that somebody has made in the web page, when the spec names its token. */
void put_runner_token(struct story *story, const struct wish *wish, bool only_if_absent);
/* Puts the spec there, as kubectl apply does. */
void apply_wish(struct story *story, struct wish *wish);

/* Lets time go by, until all that check(story) checks holds and will go on to: nobody has written anything while
 * GitLab was asked about each runner twice; or until so much time has gone by (calm.c). True: all holds. */
bool story_settle(struct story *story, int64_t within_ms, void (*check)(void *arg));
/* GitLab's version is another than it was when it was asked for it, which is long ago and long until the next time. */
bool story_waits_for_version(const struct story *story);
/* GitLab has not let go yet of all that was left behind. */
bool ledger_has_some(const struct story *story);

/* The operator's token of now works (deeds_operator.c). */
void operator_mend(struct story *story);
/* Lists come in pages, if the plan says so, and something may happen between two (pages.c). */
void pages_begin(struct story *story);
/* greed.c: a team has more objects than there is room for, if the plan says so; it gives way in the end, and all that
 * is left must be served. */
void greed_begin(struct story *story);
void greed_end(struct story *story);
/* The team's credential works. */
void greed_mend(struct story *story);
/* What is told of those that are left out is so; nothing where there is no such team. */
void greed_check(struct story *story);
/* Who lives there may be left out. */
bool greed_is_in(const struct story *story, const char *ns);
/* Which of the team's objects has the uid; -1: none. */
int greed_number(const struct story *story, const char *uid);
/* All that is out of the ordinary ends (deeds_faults.c). */
void faults_heal(struct story *story);
void gitlabs_heal(struct story *story, int gitlab);
/* Nobody else waits for an object to go any more. */
void finalizers_mend(struct story *story);
/* Objects with a child's name that are not the operator's go (deeds_objects.c). */
void children_mend(struct story *story);
/* What people have done wrong is put right (deeds_users.c). */
void users_mend(struct story *story);

#endif
