/* A GitLab as far as its runner API goes: /api/v4/runners, /user/runners, /personal_access_tokens, /version …; what it
 * answers is written down in gitlab-facts and proven against the stand-in of the e2e suites (make model). */
#ifndef TESTS_SIM_GITLAB_H
#define TESTS_SIM_GITLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim.h"

struct gitlab_server;
struct json_object;

/* Answers requests to that host ("gitlab-0.example") from now on. */
struct gitlab_server *gitlab_server_create(struct sim *sim, const char *host);
void gitlab_server_destroy(struct gitlab_server *gitlab);

/* Tokens that work there; each call makes another one, lent as long as the server lives. */
const char *gitlab_access_token(struct gitlab_server *gitlab, const char *scopes, bool may_create, bool may_search);
const char *gitlab_registration_token(struct gitlab_server *gitlab);
/* A runner that somebody made in the web page: its token. */
const char *gitlab_runner_by_hand(struct gitlab_server *gitlab);
/* That token (of whatever kind) works no more. */
void gitlab_revoke(struct gitlab_server *gitlab, const char *token);

/* A runner as it is there. Lent. */
struct gitlab_runner {
    uint64_t id;
    const char *token;
    const char *description, *note; /* "": none */
    struct json_object *tags;
    bool paused, locked, run_untagged;
    int64_t expires_s;   /* 0: never */
    int64_t contacted_s; /* when its token was last used by a manager; 0: never */
    bool by_hand;
};
void gitlab_each(const struct gitlab_server *gitlab, void (*each)(void *arg, const struct gitlab_runner *runner),
                 void *arg);
/* What was asked: verb of ours ("create", "delete", "reset", "verify", "update", "find"), which runner, whose request.
 */
struct gitlab_call {
    const char *verb;
    uint64_t id; /* 0: none came of it */
    int status;
    int replica;
};
void gitlab_on_call(struct gitlab_server *gitlab, void (*told)(void *arg, const struct gitlab_call *call), void *arg);

/* What people and time do there. */
void gitlab_delete_runner(struct gitlab_server *gitlab, uint64_t id);
void gitlab_edit_runner(struct gitlab_server *gitlab, uint64_t id, uint32_t chance); /* an attribute, by chance */
void gitlab_take_mark(struct gitlab_server *gitlab, uint64_t id);
void gitlab_reset_token(struct gitlab_server *gitlab, uint64_t id);
void gitlab_expiry(struct gitlab_server *gitlab, int64_t seconds); /* of tokens made from now on; 0: never */
/* A backup: what is there now; and back to it (numbers are given anew, as PostgreSQL's sequences go back too). */
void gitlab_backup(struct gitlab_server *gitlab);
void gitlab_restore(struct gitlab_server *gitlab);
/* Each request is answered with 500, 502, 503, 429 (Retry-After as given), 404 of a proxy or garbage, until 0 is set;
 * before or after what it asks for is done. */
struct gitlab_trouble {
    int status; /* 0: none; -1: a page that is no JSON with 200 */
    bool after;
    int64_t retry_after_ms;
};
void gitlab_trouble(struct gitlab_server *gitlab, const struct gitlab_trouble *trouble);
void gitlab_registration_off(struct gitlab_server *gitlab, bool off); /* 410 of legacy registration */

#endif
