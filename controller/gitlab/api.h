/* GitLab's runner API: one call in, one answer out, refusals turned into a reason and a remedy.
 *
 * Source: docs.gitlab.com/api/runners and …/api/users (create a runner linked to a user). A call is one HTTP request,
 * but for GITLAB_OP_FIND, which reads lists page by page. Redirects are never followed. Each request passes the gate
 * (gate.h: how many at once, and not while the host is down) and the policy (policy.h: where to at all). */
#ifndef GITLAB_API_H
#define GITLAB_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gitlab/egress.h"
#include "gitlab/gate.h"
#include "gitlab/policy.h"

/* What an access token may do for us: make runners, change and remove them, and look for one that a crash has lost.
 * docs.gitlab.com/user/profile/personal_access_tokens has what each scope gives. Every list of them is this one. */
#define ACCESS_TOKEN_SCOPES "create_runner, manage_runner and read_api"

struct gitlab;
struct gitlab_op;
struct http;
struct json_object;

enum gitlab_op_kind {
    GITLAB_OP_REGISTER,   /* POST   /runners, token: registration token                → id, token, expiration */
    GITLAB_OP_CREATE,     /* POST   /user/runners, token: access token                 → id, token, expiration */
    GITLAB_OP_VERIFY,     /* POST   /runners/verify, token: runner token               → id, token, expiration */
    GITLAB_OP_RESET,      /* POST   /runners/:id/reset_authentication_token            → token, expiration     */
    GITLAB_OP_UPDATE,     /* PUT    /runners/:id                                                               */
    GITLAB_OP_DEREGISTER, /* DELETE /runners, token: runner token; a token that GitLab does not know is success */
    GITLAB_OP_REMOVE,     /* DELETE /runners/:id; a runner that GitLab does not know is success                */
    GITLAB_OP_SHOW,       /* GET    /runners/:id, token: access token                  → id, body             */
    GITLAB_OP_VERSION,    /* GET    /version, token: access token with read_user, read_api or api → body      */
    GITLAB_OP_ROTATE,     /* POST   /runners/reset_authentication_token, token: which dies → token, expiration */
    GITLAB_OP_FIND,       /* lists, then GET /runners/:id; runner_id first, if given   → id, 0 when none       */
    GITLAB_OP_SELF,       /* GET    /personal_access_tokens/self, token: any access token        → expiration */
    GITLAB_OP_LIST,       /* GET    /runners, a page of those that the token's user administers  → body, next_page */
    GITLAB_OP_LIST_ALL,   /* GET    /runners/all, a page of all, for an administrator            → body, next_page */
    GITLAB_OP_RUNNING,    /* GET    /runners/:id/jobs?status=running                 → body: [], or one that runs   */
};

struct gitlab_request {
    enum gitlab_op_kind op;
    const char *url;                      /* of the server, without a slash at the end            */
    const char *address;                  /* connect there instead of asking DNS; NULL            */
    const char *ca_pem;                   /* trusted beside the system's; NULL                    */
    const char *client_cert, *client_key; /* shown to a server that asks, see struct http_tls; NULL */
    const char *token;                    /* what proves the right to do it                       */
    int64_t runner_id;
    int64_t page;                   /* LIST, LIST_ALL: from 1 on */
    struct json_object *attributes; /* description, tag_list, …; REGISTER, CREATE, UPDATE */
    const char *runner_type;        /* "instance_type", "group_type", "project_type"; CREATE, FIND */
    int64_t scope_id;               /* group or project                             */
    const char *mark;               /* FIND: the mark in its maintenance note, base/mark.h */
    const char *ns;                 /* whose share of the places at the gate it takes; NULL: nobody's in particular */
    struct gate_pass *place; /* already let in for gitlab_door(), handed over to the call; NULL: it waits in line */
};

struct gitlab_answer {
    struct err err;
    bool unknown;   /* DEREGISTER, REMOVE: GitLab did not know it, which is success, too    */
    bool ambiguous; /* with err: GitLab may have done it all the same                       */
    bool proven;    /* a 403 or 404 in the very words that GitLab has for it, from a server that lets us in: proof.c */
    int64_t id;
    const char *token;        /* lent during the callback                              */
    const char *expiration;   /* RFC 3339, NULL: never                                 */
    struct json_object *body; /* the whole answer, lent as token is; NULL: none (204)    */
    int64_t next_page;        /* LIST, LIST_ALL: that comes after this one, 0: none      */
    int64_t date_s;           /* GitLab's clock when it answered, in seconds since 1970; 0: not known */
};

typedef void gitlab_done_fn(void *arg, const struct gitlab_answer *answer);

struct gitlab_settings {
    unsigned concurrency; /* requests in flight to one host; 0: GATE_CONCURRENCY */
    struct gitlab_policy policy;
    struct gitlab_egress egress;
};

/* settings: copied, its texts are lent; NULL: all zeroes. */
struct gitlab *gitlab_create(struct loop *loop, struct http *http, const struct gitlab_settings *settings);
void gitlab_destroy(struct gitlab *gitlab);

/* Of a call: where it goes, whose share it takes, and with whom its answers count, namely with those to the same
 * credential that is asked the same (op). Not urgent. Texts are the call's. */
struct gate_door gitlab_door(const struct gitlab *gitlab, const struct gitlab_request *call);
/* Asks for a place before a call is put together (gate_enter(), after the policy): what waits in line need not be more
 * than a pass. It goes to gitlab_start(), or back by gitlab_step_back(). */
enum gate_verdict gitlab_enter(struct gitlab *gitlab, struct gate_pass *pass, const struct gate_door *door,
                               struct err *ret_err);
void gitlab_step_back(struct gitlab *gitlab, struct gate_pass *pass);

/* Starts a call; everything in it is copied. done is called once, never from within, unless gitlab_cancel() comes
 * first; the handle is dead after either. Answers are bounded at 128 KiB, pages of lists at 320, requests at 30 s once
 * they are let through, a search at 10 min. What is no answer of GitLab's (answer.c) is UnexpectedAnswer; a refusal
 * that others may have made is Unconfirmed. */
struct gitlab_op *gitlab_start(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done,
                               void *arg);
void gitlab_cancel(struct gitlab_op *op);
/* When the request that is in flight, or the call itself, began (base/clock.h): each has its deadline, however many
 * there are. */
int64_t gitlab_asked_us(const struct gitlab_op *op);
/* How many calls have a place at the gate, and how many wait for one, those that have not been started, too. NULL is
 * fine. */
size_t gitlab_inside(const struct gitlab *gitlab);
size_t gitlab_waiting(const struct gitlab *gitlab);
/* The URL of the proxy, NULL where there is none, and how it fares. */
const char *gitlab_proxy(const struct gitlab *gitlab, const struct host **ret_fares);
/* Each request to a host is told: gate_follow(). */
void gitlab_follow(struct gitlab *gitlab, void (*called)(void *arg, const char *host), void *arg);
/* The hosts and how they fare: gate_sights(). */
size_t gitlab_sights(const struct gitlab *gitlab, struct gate_sight ret[static GATE_SIGHTS + 1]);

/* An answer that is not the expected one, as struct err: a closed table, see docs/conditions.md. body: len bytes. */
struct err gitlab_classify(enum gitlab_op_kind op, const char *url, long status, const char *body, size_t len,
                           int64_t retry_after_ms);
/* Adds the remedy to an error that came instead of an answer: names that do not resolve, certificates, … */
void gitlab_explain(struct err *err);
/* Adds that the spec's own proxy is none of the operator's, to an error that says that GitLab could not be reached. */
void gitlab_explain_proxy(struct err *err);

#endif
