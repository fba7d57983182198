/* Actions become requests, answers become facts. */
#ifndef OPERATOR_PERFORM_H
#define OPERATOR_PERFORM_H

#include "operator/turn.h"

/* Starts the request of an action that needs one (ACT_READ, ACT_FINALIZER, ACT_APPLY, ACT_DELETE, ACT_GITLAB,
 * ACT_STATUS, ACT_RECORD, ACT_REPORT, ACT_LOOK). Its answer changes the store, the state and what the turn observes,
 * and makes the turn ready. */
void perform(struct turn *turn, const struct action *act);

/* ---------------------------------------------------------------------------------------------------------------------
 * For perform*.c, and for who performs beside them: report.c, pods.c, errand.c */

void perform_read(struct turn *turn);      /* perform_read.c   */
void perform_finalizer(struct turn *turn); /* perform_object.c */
void perform_status(struct turn *turn);
void perform_apply(struct turn *turn); /* perform_child.c  */
void perform_delete(struct turn *turn);
void perform_record(struct turn *turn); /* perform_record.c: from then on the runner is the ledger's business */

/* perform_gitlab.c: asks for the call of the action that the turn has asked for, an ACT_GITLAB: see errand_ask(). */
void perform_gitlab(struct turn *turn);
/* What an answer to turn->asked, or a refusal to ask at all, comes to. */
void perform_gitlab_answered(struct turn *turn, const struct gitlab_answer *answer);
/* What the turn has asked for did not work, and is tried again later: a line in the log. */
void perform_log_failure(const struct turn *turn, const struct err *err);
/* A request to Kubernetes is over, and did not work: the rule's next attempt is later; or it did. The turn is ready. */
void perform_kube_failed(struct turn *turn, const struct err *err);
void perform_succeeded(struct turn *turn);
/* A write of what was asked for is about to be sent: what the watch tells of its object waits for the answer (echo.h).
 */
void perform_announce(struct turn *turn);
/* True when the answer to a write is good. Else it is dealt with: after a conflict the object is read again. */
bool perform_expect_success(struct turn *turn, const struct kube_reply *reply);
/* Whether the answer to an apply that has given up our finalizer still has it: who has restored the object from a
 * backup owns it, too, and an apply leaves it to them. Then a patch is sent that takes it off, and `done` gets its
 * answer. */
bool perform_takes_off_finalizer(struct turn *turn, enum kind kind, struct json_object *object, kube_done_fn *done);
/* Whether the object belongs to the turn's, as the store would have it. */
bool perform_is_ours(struct turn *turn, enum kind kind, struct json_object *object);

#endif
