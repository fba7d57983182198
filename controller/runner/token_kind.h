/* What kind of token a Secret holds, told by how it begins, before it is sent anywhere. */
#ifndef RUNNER_TOKEN_KIND_H
#define RUNNER_TOKEN_KIND_H

#include "runner/spec.h"

/* NULL when the text may be what this way of authentication takes; else what it is and where it belongs, for "key K of
 * Secret NS/NAME …", owned by the arena. Only what is surely wrong is found: GitLab's own prefixes, of which an
 * administrator may choose others, and a token that was put into base64 by hand. ref is where it was read. No part of
 * the token is repeated but its prefix. Source: docs.gitlab.com/security/tokens (token prefixes). */
const char *token_complaint(enum authentication mode, const struct key_ref *ref, const char *token, struct arena *a);

#endif
