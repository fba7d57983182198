/* What GitLab's answers about a runner that exists come to: checks, rotation, takeovers. Beside perform.c, whose turns
 * they are part of. */
#ifndef CHECKS_H
#define CHECKS_H

#include "turn.h"

/* Notes what an answer says. True when that is all there is to it: it neither issues a token nor counts as a failure
 * that is tried again. */
bool checks_learn(struct turn *turn, const struct gitlab_answer *answer);
/* A token was issued, or attributes were told: what was found about the former ones is void. Says so by an Event. */
void checks_renew(struct turn *turn);

#endif
