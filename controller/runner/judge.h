/* What gitlab-runner, and the API server that it asks for a job's pod, would make of a spec whose fields are all right
 * by themselves.
 *
 * What they would refuse for sure (gitlab-runner the file, the API server every job's pod) is refused here, with the
 * remedy; what would not work as it is meant is warned about. The rules are a table at the end of judge.c. They look at
 * the tree that config.toml is written from, so a field of the spec and the same key in spec.config are one to them. */
#ifndef RUNNER_JUDGE_H
#define RUNNER_JUDGE_H

#include "runner/spec.h"

/* Judges a spec that is valid otherwise. Adds to spec->warnings; false and *err (ERR_INVALID) when something cannot
 * work. */
bool judge_spec(const struct owner *owner, struct spec *spec, struct arena *a, struct err *err);

#endif
