/* What only a person can put right. It counts as long as the present spec uses what is wrong, and people are to read
 * just the reason that belongs to it. */
#ifndef TESTS_WORLD_OBSTACLES_H
#define TESTS_WORLD_OBSTACLES_H

#include "world.h"

/* Something is in the way now. */
bool needs_a_person(struct world *w);
/* … that leads to this reason. */
bool reason_is_expected(struct world *w, const char *reason);

/* A trouble was drawn that has no end. */
bool trouble_lasts(const struct world *w, enum option which);
/* A server that never answers again. */
bool server_is_dead(const struct world *w, const char *url);

#endif
