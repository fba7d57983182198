/* Whose child an object is. */
#ifndef OPERATOR_OWNERSHIP_H
#define OPERATOR_OWNERSHIP_H

#include "operator/kinds.h"

/* Key (base/key.h) and uid of a GitLabRunner; "": nobody's. */
struct ownership {
    const char *key, *uid;
};

/* By our annotations, its controller, or its name, unless that is cut (runner/render.h). store: of GitLabRunners, known
 * so far; one that says whose it is need not be known. The texts are lent by the object, or the arena has them. */
struct ownership ownership_of(enum kind kind, struct json_object *object, const struct store *store, struct arena *a);

/* The GitLabRunner of this key; NULL: it is not known. */
const struct record *owner_record(const struct store *store, const char *key);

#endif
