/* Which Events a new status is worth. */
#ifndef OPERATOR_STATUS_EVENTS_H
#define OPERATOR_STATUS_EVENTS_H

#include "operator/turn.h"

/* The turn's status was written: sends an Event for each change that a person would want to know. before: the status as
 * it was; NULL: there was none. */
void status_events_tell(struct turn *turn, struct json_object *before, struct json_object *now);

#endif
