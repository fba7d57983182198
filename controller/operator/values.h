/* A value that lives in a Secret or ConfigMap: where it is, and what is wrong with it. */
#ifndef OPERATOR_VALUES_H
#define OPERATOR_VALUES_H

#include "operator/kinds.h"
#include "runner/observed.h"

struct value_source {
    enum kind kind;
    const char *name; /* beside the runner; NULL: the spec, which is valid, names none */
    const char *key;  /* NULL: all of them, see READ_CACHE */
};

/* The arena owns names that are not the spec's. */
struct value_source value_source_of(const struct observed *o, enum readable what, struct arena *a);
/* Puts into o->values what was found: object is what the API server has under the source's name, NULL: nothing. A
 * client certificate comes before its key. The arena has what is kept. */
void value_learn(struct observed *o, enum readable what, struct json_object *object, struct arena *a);

#endif
