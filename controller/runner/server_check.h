/* What GitLab says of a registered runner, from check to check: whether it is there, whether its token is good, and
 * what somebody has changed there. One strange answer is no proof: only what GitLab has said twice, some seconds
 * apart, is acted on, and only in its own words; a proxy's page, a 5xx or no answer at all says nothing. */
#ifndef RUNNER_SERVER_CHECK_H
#define RUNNER_SERVER_CHECK_H

#include "runner/spec.h"

enum { CONFIRMATIONS = 2, CONFIRM_AFTER_MS = 15 * 1000, CONTACTED_NEVER = 1, PROOF_MS = 10 * 1000 };

enum shown {
    SHOWN_UNKNOWN,
    SHOWN_OURS,    /* the runner of the recorded id has our mark, or its token is the one that we have */
    SHOWN_FOREIGN, /* it has not, or nobody may see its note                                           */
};

struct server_check {
    int64_t due_ms;         /* monotonic: when GitLab is to be asked; 0: not planned yet            */
    unsigned absences;      /* times in a row that GitLab has no runner of this id                  */
    unsigned refusals;      /* times in a row that GitLab has refused the runner's token            */
    enum shown shown;       /* by the last answer about the id … */
    int64_t shown_ms;       /* … and when it was; monotonic */
    unsigned edited;        /* attributes that are not as they were told: bits of attributes_text() */
    bool try_token;         /* the id is not enough: the token itself is to be tried                */
    int credential_status;  /* with which the access token was refused last; 0: it was not          */
    int64_t refused_due_ms; /* … in the check of this time, which goes on with the runner's own token */
    int64_t contacted;      /* when GitLab heard of a manager last, seconds since 1970; 0: unknown, CONTACTED_NEVER */
    bool wants_version;     /* GitLab's is to be asked for in this check … */
    bool wants_self;        /* … or until when the access token lives      */
    int64_t version_due_ms, self_due_ms; /* 0: it was not heard yet                          */
    bool self_known;                     /* GitLab has been asked for that                   */
    int64_t credential_end;              /* … seconds since 1970; 0: never, or it does not tell */
    int major, minor;                    /* GitLab's version; 0, 0: not known                */
};

/* The runner of the recorded id was found to be ours, and just now: it may be changed by its id. A number may be
 * somebody else's later on, when GitLab came back from a backup. */
bool server_check_is_proof(const struct server_check *check, int64_t now_ms);

/* It has just been shown to be ours: the proof begins anew. */
void server_check_prove(struct server_check *check, int64_t now_ms);

/* Plans the first check of a process: somewhere within a period, by the object's uid, and not at the start; and one
 * that is further away than the spec now says. */
void server_check_plan(struct server_check *check, const char *uid, int64_t period, int64_t now_ms);

/* Answers. period in seconds, as in the spec; uid of the object, which spreads the next one. */
struct server_check_context {
    const struct spec *spec;
    const struct attributes *attributes; /* that the runner is to have */
    const char *uid;
    int64_t now_ms;
    bool managers; /* some are ready, so GitLab must have heard of them                 */
    bool by_id;    /* there is, or may be, an access token that shows the runner by its id */
};
/* GET /runners/:id: the runner as GitLab shows it. */
void server_check_shown(struct server_check *check, const struct server_check_context *in, struct json_object *runner);
/* 404 in GitLab's words. */
void server_check_absent(struct server_check *check, const struct server_check_context *in);
/* 401 or 403: the access token gives no right to look. */
void server_check_not_allowed(struct server_check *check, const struct server_check_context *in, int status);
/* The runner's own token is good; id: whose it is by GitLab's answer, recorded: by ours. If they differ the recorded
 * runner is not the one that we have the token of. */
void server_check_accepted(struct server_check *check, const struct server_check_context *in, int64_t id,
                           int64_t recorded);
/* … is refused by GitLab. */
void server_check_refused(struct server_check *check, const struct server_check_context *in);
/* … was not known to GitLab when the runner was to be removed by it: what was found before is void, and the runner is
 * to be looked for by its id. */
void server_check_dead(struct server_check *check);
/* No answer, or one that proves nothing: asked again as if all were well, and not before GitLab allows it. */
void server_check_unanswered(struct server_check *check, const struct server_check_context *in, int64_t retry_after_ms);
/* "19.3.1-ee", or NULL when GitLab does not tell. */
void server_check_version(struct server_check *check, const struct server_check_context *in, const char *version);
/* Until when the access token lives, as GitLab tells it ("2026-12-31"); NULL: for ever, or it does not tell. */
void server_check_self(struct server_check *check, const struct server_check_context *in, const char *day);
/* Neither was heard: it is asked in the next check, and what was known holds. */
void server_check_unheard(struct server_check *check);
/* The credential may be another one: it is asked about in the next check, and GitLab's version, if it was not told. */
void server_check_forget_credential(struct server_check *check);
/* Another token or other attributes: what was found about the former ones is void. elsewhere: and so is what GitLab has
 * said of itself, which is another one. */
void server_check_renewed(struct server_check *check, const struct server_check_context *in, bool elsewhere);

/* The attributes that GitLab shows another way than they are wanted, as bits; and as text ("tag_list, paused"). What
 * it does not show is passed over. */
unsigned attributes_edited(const struct attributes *wanted, struct json_object *runner);
const char *attributes_text(unsigned edited, struct arena *a);

/* The runner has our mark in its note; and belongs to the scope that the spec names. */
bool runner_is_marked(struct json_object *runner, const char *uid);
/* It has one, ours or another's. */
bool runner_is_somebodys(struct json_object *runner);
bool runner_is_in_scope(struct json_object *runner, const struct spec *spec);

#endif
