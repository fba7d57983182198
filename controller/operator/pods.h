/* ACT_LOOK: managers that take longer than usual are looked at, since their Deployment does not say why.
 *
 * Their pods are listed by label, 50 of them at most, and nothing is kept of them but what is wrong: a sieve lets
 * through conditions and states of containers, and neither variables nor anything else of a spec. It begins when the
 * managers have been waited for for some seconds, and is repeated, ever more seldom, while that lasts. Each namespace
 * has its own pace (kube/pace.h). A failure to look is no failure of the runner: it is looked again later. */
#ifndef OPERATOR_PODS_H
#define OPERATOR_PODS_H

#include "operator/turn.h"

/* Plans whether and when there is to be a look at the pods of the turn's runner, by what it observes: pods_due(). */
void pods_plan(struct turn *turn);
void pods_perform(struct turn *turn);
/* Frees what a look has held, if there was one; its request has ended, or was cancelled. */
void pods_look_end(struct turn *turn);

#endif
