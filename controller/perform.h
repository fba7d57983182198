/* Actions become requests, answers become facts. */
#ifndef PERFORM_H
#define PERFORM_H

#include "turn.h"

/* Starts the request of an action that needs one (ACT_READ, ACT_FINALIZER, ACT_APPLY, ACT_DELETE, ACT_GITLAB,
 * ACT_STATUS, ACT_RECORD). Its answer changes the store, the state and what the turn observes, and makes the turn
 * ready. */
void perform(struct turn *turn, const struct action *act);

#endif
