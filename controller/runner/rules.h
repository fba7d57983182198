/* Rules: private to the decision. A rule looks at what is observed and passes (nothing to do here, ask the next one),
 * waits and says why, or asks for one action. The tables of them are the product; order matters, a rule relies on
 * all rules above it in its table. */
#ifndef RUNNER_RULES_H
#define RUNNER_RULES_H

#include "runner/decide.h"

struct rule {
    const char *name; /* of the log, and of what is tried again; NULL ends a table */
    struct action (*ask)(const struct observed *o, struct arena *a);
    const char *says;         /* what is so when it passes, as people are told  */
    const struct rule *below; /* a table that it may go through; NULL: none     */
};

extern const struct rule unseen_rules[]; /* rules.c: what is not watched is read before anything is decided */

extern const struct rule rights_rules[];       /* rules_manager.c: asked first and always; what they wait for holds up
                                                  nobody */
extern const struct rule registration_rules[]; /* rules_registration.c */
extern const struct rule manager_rules[];      /* rules_manager.c      */
extern const struct rule deletion_rules[];     /* rules_deletion.c     */

/* The first action that a rule of the table asks for, unless an earlier failure makes it wait; ACT_PASS when none does.
 */
struct action rules_first(const struct rule *rules, const struct observed *o, struct arena *a);

/* Actions. reason is for the condition, message for the person; stalled: a person has to act. uid: of the object to
 * change, which goes into the manifest; NULL: create. */
extern const struct action act_pass;
struct action act_wait(const char *reason, const char *message, bool stalled);
struct action act_read(enum readable what);
struct action act_finalizer(bool hold);
struct action act_apply(enum child child, struct json_object *manifest, const char *uid);
struct action act_call(enum gitlab_call what, const char *url, const char *token, int64_t runner_id);
struct action act_report(const char *reason, const char *message);
struct action act_tell(const char *reason, const char *message); /* good news */

/* Pass when the value is at hand; else read it, or wait and say what is wrong with it. try_tls() never waits. */
struct action need_credential(const struct observed *o, struct arena *a);
struct action need_client_certificate(const struct observed *o, struct arena *a);
struct action need_tls(const struct observed *o, struct arena *a); /* CA and client certificate */
struct action need_cache(const struct observed *o, struct arena *a);
struct action need_token(const struct observed *o, struct arena *a);
struct action try_tls(const struct observed *o);
/* The data of the Secret that spec.cache names, when it was read; NULL: it was not. */
struct json_object *cache_data(const struct observed *o, struct arena *a);
const char *credential_value(const struct observed *o);

/* Rules, and parts of rules, of more than one table. */
struct action need_a_new_secret(const struct observed *o, const char *reason, const char *lacks, struct arena *a);
struct action name_conflict(const struct observed *o, enum child child, struct arena *a);
struct action release_token_secret(const struct observed *o, struct arena *a);
struct action hold_finalizer(const struct observed *o, struct arena *a);
struct action read_an_unseen_token(const struct observed *o, struct arena *a);
struct action find_lost_runner(const struct observed *o, struct arena *a);
/* … is where the spec does not say any more, nor the credential may look. */
bool is_lost_elsewhere(const struct observed *o, struct arena *a);
struct action report_possible_orphan(const struct observed *o, struct arena *a);
struct action report_orphan(const struct registration *r, const char *why, struct arena *a);
/* The same, but it goes into the ledger as well, if somebody could deregister it later. */
struct action leave_behind(const struct observed *o, const struct registration *r, const char *why, struct arena *a);
/* The call of this rule was made in vain, and not just because the API server could not be reached, was not trusted or
 * was busy: without it nothing that follows would come about either, not even an Event. */
const struct attempt *refused_attempt(const struct observed *o, const char *rule);

/* rules_server_check.c: a registered runner, as time goes by. */
struct action ask_gitlab(const struct observed *o, struct arena *a);
struct action ask_what_is_seldom_asked(const struct observed *o, struct arena *a);
struct action replace_a_runner_that_is_gone(const struct observed *o, struct arena *a);
struct action renew_a_dead_token(const struct observed *o, struct arena *a);
struct action rotate_the_token(const struct observed *o, struct arena *a);
/* Somebody asks for a new token, and has not got it. */
bool is_rotation_requested(const struct observed *o);
/* The runner of the recorded id may be changed by its id: it was found to be ours just now. So it may while the rule's
 * own call has failed and has to wait, for nothing is asked for a call that is not made. */
bool is_proven(const struct observed *o, const char *rule);
/* The call that shows whether it is ours. By a rule of its own, "proof": its success is not that of the change, whose
 * failures would be forgotten. */
struct action prove(enum gitlab_call what, const char *url, const char *token, int64_t runner_id);
/* Monotonic, when the first of these has something to do though nothing happens; 0: never. retries: what is overdue is
 * held up by a failure, and that has a time of its own. */
int64_t next_look(const struct observed *o, bool retries, struct arena *a);

/* rules_takeover.c: a runner that exists already, and can stay. */
struct action take_over_in_place(const struct observed *o, struct arena *a);
struct action adopt_a_runner(const struct observed *o, struct arena *a);
struct action keep_to_the_adopted(const struct observed *o, struct arena *a);
struct action inherit_a_token_secret(const struct observed *o, struct arena *a);

/* The first of them that is there, wanted or not. */
struct action remove_role_bindings(const struct observed *o, struct arena *a);
struct action remove_binding(const struct observed *o, enum child child, struct arena *a);
struct action remove_strays(const struct observed *o, struct arena *a);

/* The status tells of the last registration, and that it was for the url, mode and scope that the spec asks for. */
bool was_registered(const struct observed *o, struct arena *a);

/* The status tells of this very runner, and where it is. */
bool status_tells(const struct observed *o, const struct registration *r);
/* Until when a deletion waits for what this rule says, and how a person ends it. No text of it ticks. */
const char *deletion_way_out(const struct observed *o, const char *rule, struct arena *a);
/* When the next thing that a deletion waits for is given up, in seconds since 1970. */
int64_t deletion_patience(const struct observed *o);
/* Without two of its annotations nobody knows whose runner the token Secret's is, or where. */
bool is_damaged(const struct registration *r);
/* Made by the user, who gave us its token. */
bool is_users_own(const struct registration *r);

#endif
