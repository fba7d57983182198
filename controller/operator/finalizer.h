/* Our finalizer on an object, which others may own, too: who has restored it from a backup does, and an apply that
 * gives it up leaves it to them. So it is taken off by a patch of what has been read. */
#ifndef OPERATOR_FINALIZER_H
#define OPERATOR_FINALIZER_H

#include <stdbool.h>

struct json_object;

bool finalizer_is_on(struct json_object *object);
/* A merge patch that takes it off this very version, so that nobody else's is lost. The caller owns it; NULL: it is not
 * on. */
struct json_object *finalizer_off(struct json_object *object);

#endif
