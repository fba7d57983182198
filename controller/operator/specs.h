/* What was read of specs lately, so that the turns that follow each other on one object read its spec once. */
#ifndef OPERATOR_SPECS_H
#define OPERATOR_SPECS_H

#include "base/err.h"
#include "kube/record.h"
#include "runner/spec.h"

enum { SPECS_MAX = 4 };

/* All zeroes: nothing was read yet. */
struct specs {
    struct read_spec *read[SPECS_MAX];
    unsigned next; /* to be replaced */
};
/* What is in use stays until its arenas end. */
void specs_finish(struct specs *specs);

/* What the spec of a GitLabRunner's record says; NULL and *err: it is invalid (spec_parse()). Valid until the arena
 * ends. specs NULL: it is read for this arena alone. */
const struct spec *specs_read(struct specs *specs, const struct record *runner, struct arena *a, struct err *err);
/* What its status is, for as long as the arena; nobody changes it. It is parsed once as long as it stays, if the spec
 * was read before. NULL: it has none. */
struct json_object *specs_read_status(struct specs *specs, const struct record *runner, struct arena *a);

#endif
