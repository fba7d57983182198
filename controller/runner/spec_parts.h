/* The parts of spec_parse(): private to spec*.c. */
#ifndef RUNNER_SPEC_PARTS_H
#define RUNNER_SPEC_PARTS_H

#include "runner/complaints.h"
#include "runner/spec.h"

/* The fields that hold one value each, and their defaults. `json` is the object's spec; a value that has not the type
 * that the CRD wants counts as absent. */
void spec_read_fields(struct json_object *json, struct spec *ret);

/* What the shapes of the fields do not say: what goes together, and what gitlab-runner can do. */
bool spec_validate_shapes(const struct spec *spec, struct err *err);

#endif
