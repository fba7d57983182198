/* Fields that the CRD does not have, which an API server drops in silence. */
#ifndef CLI_UNKNOWN_H
#define CLI_UNKNOWN_H

#include "runner/shape.h"

/* For shape_walk(): complains of a member that is not known, or of each of its own where it is no field that was put at
 * the wrong place as a whole, with what was meant (cli/hints.h). */
shape_member_fn find_unknown;

#endif
