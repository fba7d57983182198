/* Actions become requests, answers become facts. */
#ifndef OPERATOR_PERFORM_H
#define OPERATOR_PERFORM_H

#include "operator/turn.h"

/* Starts the request of an action that needs one (ACT_READ, ACT_FINALIZER, ACT_APPLY, ACT_DELETE, ACT_GITLAB,
 * ACT_STATUS, ACT_RECORD, ACT_REPORT, ACT_LOOK). Its answer changes the store, the state and what the turn observes,
 * and makes the turn ready. */
void perform(struct turn *turn, const struct action *act);

/* ---------------------------------------------------------------------------------------------------------------------
 * For perform*.c */

/* perform_gitlab.c: asks for the call of the action that the turn has asked for, an ACT_GITLAB: see errand_ask(). */
void perform_gitlab(struct turn *turn);
/* What an answer to turn->asked, or a refusal to ask at all, comes to. */
void perform_gitlab_answered(struct turn *turn, const struct gitlab_answer *answer);
/* What the turn has asked for did not work: the rule's next attempt is later. Logged, here and nowhere else. */
void perform_failed(struct turn *turn, const struct err *err);

#endif
