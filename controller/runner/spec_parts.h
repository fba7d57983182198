/* The parts of spec_parse(): private to spec*.c. */
#ifndef RUNNER_SPEC_PARTS_H
#define RUNNER_SPEC_PARTS_H

#include "runner/complaints.h"
#include "runner/spec.h"

/* The fields that hold one value each: type, bounds, default. `json` is the object's spec. */
bool spec_read_fields(struct json_object *json, struct spec *ret, struct err *err);

/* Passes over host, port and path, as they follow the scheme of a URL: the first character that belongs to none of
 * them, or the end. */
const char *spec_skip_address(const char *at);

/* Which of `words` ("a, b, c") the word is; -1: none. */
int spec_word_index(const char *words, const char *word);

/* The PodSpec shapes: what gitlab-runner cannot do is refused, not dropped in silence. */
bool spec_check_shapes(const struct spec *spec, struct err *err);

#endif
