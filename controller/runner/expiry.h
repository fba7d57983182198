/* Tokens that end: when they are replaced, and when a person has to be told because nobody else replaces them. */
#ifndef RUNNER_EXPIRY_H
#define RUNNER_EXPIRY_H

#include "runner/observed.h"

/* When the operator is to replace the runner's token, in seconds since 1970; 0: never, because it does not end, is the
 * user's, or spec.tokenRotation says so. There must be a spec. */
int64_t expiry_rotation_time(const struct observed *o);
/* When the runner's token ends; 0: never, or not known. */
int64_t expiry_end(const struct observed *o);
/* From when on a person is told of the end of a token that is the user's to replace: a week before, of a shorter life
 * whose beginning is known its last quarter. 0: never. */
int64_t expiry_warning_time(const struct observed *o);
/* NULL, or what ends when and what to do about it, once that time has come; the arena's. The same text until the token
 * is another one, but for its end, when it has ended. */
const char *expiry_warning(const struct observed *o, struct arena *a);

#endif
