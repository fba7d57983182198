/* What GitLab's answers about a runner that exists come to: checks, rotation, takeovers. Beside
 * perform_gitlab.c, whose turns they are part of. */
#ifndef OPERATOR_CHECKS_H
#define OPERATOR_CHECKS_H

#include "operator/turn.h"

/* Notes what an answer says. True when that is all there is to it: it neither issues a token nor counts as a failure
 * that is tried again. */
bool checks_learn(struct turn *turn, const struct gitlab_answer *answer);
/* Whether the runner whose token GitLab does not know is done with; else it is to be looked for by its id. */
bool checks_done_with(struct turn *turn);
/* A token was issued, or attributes were told: what was found about the former ones is void. Says so by an Event. */
void checks_renew(struct turn *turn);

/* False: the answer would lose a runner, or make a second one, and GitLab has not said it before, some seconds ago;
 * *ret_err, ERR_RETRY, says when it is to be asked again. */
bool checks_believe(struct turn *turn, const struct gitlab_answer *answer, struct err *ret_err);

#endif
