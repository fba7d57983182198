/* A GitLab as far as its runner API goes: /api/v4/runners, /user/runners, /personal_access_tokens, /version …; what it
 * answers is written down in gitlab-facts and proven against the stand-in of the e2e suites (make model).
 *
 * It has the groups and the projects 1 … GITLAB_OWNERS; project N belongs to group N. */
#ifndef TESTS_SIM_GITLAB_H
#define TESTS_SIM_GITLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim.h"

struct gitlab_server;
struct json_object;

enum { GITLAB_OWNERS = 4 };

/* Answers requests to that host ("gitlab-0.example", lent) from now on, those of plain http and https alike. */
struct gitlab_server *gitlab_server_create(struct sim *sim, const char *host);
void gitlab_server_destroy(struct gitlab_server *gitlab);

/* What an access token's user is, in every group and project there is. Owners and administrators create, change, see
 * and list the runners of groups; maintainers those of projects; administrators alone those of the instance. */
enum gitlab_role { GITLAB_DEVELOPER, GITLAB_MAINTAINER, GITLAB_OWNER, GITLAB_ADMIN };

/* Tokens that work there, lent as long as the server lives. An access token is another one with each call; scopes:
 * "create_runner manage_runner read_api". */
const char *gitlab_access_token(struct gitlab_server *gitlab, const char *scopes, enum gitlab_role role);
/* That of an instance_type (owner 0), a group_type or a project_type (its number). */
const char *gitlab_registration_token(struct gitlab_server *gitlab, const char *runner_type, uint64_t owner);
/* A runner of the instance that somebody made in the web page: its token. */
const char *gitlab_runner_by_hand(struct gitlab_server *gitlab);
/* That token (of whatever kind) works no more. A registration token is replaced, a runner's is reset. */
void gitlab_revoke(struct gitlab_server *gitlab, const char *token);
/* An access token ends at the beginning of that day, in seconds since 1970; 0: never. */
void gitlab_access_ends(struct gitlab_server *gitlab, const char *token, int64_t day_s);
/* Another one's rights for a token that is out already. */
void gitlab_rights(struct gitlab_server *gitlab, const char *token, const char *scopes, enum gitlab_role role);
/* The users of access tokens are blocked, or no more. */
void gitlab_block_users(struct gitlab_server *gitlab, bool blocked);

/* A runner as it is there. Lent. */
struct gitlab_runner {
    uint64_t id;
    const char *token;
    const char *type;               /* "instance_type", "group_type", "project_type" */
    uint64_t owner;                 /* group or project; 0: the instance */
    const char *description, *note; /* "": none */
    struct json_object *tags;
    bool paused, locked, run_untagged;
    int64_t expires_s;   /* 0: never */
    int64_t contacted_s; /* when its token was last used by a manager; 0: never */
    bool by_hand;
};
/* In the order of their numbers. */
void gitlab_each(const struct gitlab_server *gitlab, void (*each)(void *arg, const struct gitlab_runner *runner),
                 void *arg);
/* The runner whose token this is, if it works now; 0: none. */
uint64_t gitlab_runner_of(const struct gitlab_server *gitlab, const char *token);

/* What was asked, of runners: "register", "create", "verify", "rotate" (by its own token), "reset", "update",
 * "deregister" (by its own token), "remove", "show", "list"; and "version", "self", "jobs", "other". */
struct gitlab_asked {
    const char *verb;
    uint64_t id; /* which runner: 0: none, or none came of it */
    int status;  /* what the server meant to answer, whatever trouble made of it */
    int replica;
};
void gitlab_on_call(struct gitlab_server *gitlab, void (*told)(void *arg, const struct gitlab_asked *asked), void *arg);

/* What people and time do there. Nothing where there is no such runner. */
void gitlab_delete_runner(struct gitlab_server *gitlab, uint64_t id);
void gitlab_edit_runner(struct gitlab_server *gitlab, uint64_t id, uint32_t chance); /* an attribute, by chance */
void gitlab_take_mark(struct gitlab_server *gitlab, uint64_t id);                    /* its note is emptied */
void gitlab_reset_token(struct gitlab_server *gitlab, uint64_t id);
void gitlab_expiry(struct gitlab_server *gitlab, int64_t seconds); /* of tokens made from now on; 0: never */
/* A job of it runs, or no more. */
void gitlab_run_job(struct gitlab_server *gitlab, uint64_t id, bool runs);
/* A backup: what is there now; and back to it (numbers are given anew, as PostgreSQL's sequences go back too). */
void gitlab_backup(struct gitlab_server *gitlab);
void gitlab_restore(struct gitlab_server *gitlab);
void gitlab_registration_off(struct gitlab_server *gitlab, bool off); /* 410 of legacy registration */
/* Of a group or a project that has so many runners no more are made; as it is installed: 1000. */
void gitlab_limit(struct gitlab_server *gitlab, unsigned runners);
void gitlab_version(struct gitlab_server *gitlab, const char *version);
bool gitlab_is_version(const struct gitlab_server *gitlab, int major, int minor);

/* Each request is answered so until 0 is set, before or after what it asks for is done: 500 in GitLab's JSON; 502, 503,
 * 504 and 404 by a proxy's page; 429 by the throttle's plain text, with Retry-After as given; 403 as by an IP
 * restriction; 422: its runner is orphaned. */
enum { GITLAB_GARBAGE = -1, GITLAB_HALF = -2 }; /* a page that is no JSON, or half of the answer, with its status */
struct gitlab_trouble {
    int status;       /* 0: none */
    const char *verb; /* struct gitlab_asked has them; NULL: each; lent */
    bool after;
    int64_t retry_after_ms;
};
void gitlab_trouble(struct gitlab_server *gitlab, const struct gitlab_trouble *trouble);
/* A throttle of its own: so many requests in a minute of one access token, or of all others together; 0: none. */
void gitlab_throttle(struct gitlab_server *gitlab, unsigned per_minute);

#endif
