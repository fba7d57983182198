/* Who may read /metrics, with --metrics-auth: whoever the API server knows by the bearer token (TokenReview), and lets
 * `get` the non-resource URL /metrics (SubjectAccessReview). As controller-runtime's
 * WithAuthenticationAndAuthorization.
 *
 * Anybody may send tokens, so the API server is asked for few of them: what it said is kept for a while, and tokens
 * that nobody has seen before share a rate. A token that was good is asked for again without regard to that, so
 * strangers cannot keep a scraper out that was once let in. Tokens themselves are not kept, but their digests. */
#ifndef WEB_METRICS_AUTH_H
#define WEB_METRICS_AUTH_H

#include "net/serve.h"

struct kube_client;
struct loop;
struct metrics_auth;

/* Both are lent. */
struct metrics_auth *metrics_auth_create(struct loop *loop, struct kube_client *client);
/* Whose requests it decides about: lent, and to be there as long as there may be requests. */
void metrics_auth_serves(struct metrics_auth *auth, struct serve *serve);
/* The guard of struct serve_config, with the metrics_auth as its argument. Answers 401 (no token, or nobody's), 403
 * (not allowed), 429 (too many strangers at once) or 503 (the API server does not answer). */
void metrics_auth_ask(void *arg, uint64_t id, const struct serve_request *request);
/* Cancels what is in flight. NULL is fine. */
void metrics_auth_destroy(struct metrics_auth *auth);

#endif
