/* What somebody has to be told: an Event about the object, and what is settled by it. */
#ifndef OPERATOR_REPORT_H
#define OPERATOR_REPORT_H

#include "operator/turn.h"

/* Starts the request of ACT_REPORT. Its answer makes the turn ready, whatever it is: that an Event was refused holds
 * nothing up. But nothing is settled before: an Event is all that tells of a runner that nobody can find any more, and
 * a process that dies earlier leaves the doubt to the next one. */
void report_perform(struct turn *turn);

#endif
