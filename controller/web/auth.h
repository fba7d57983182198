/* Who may see a guarded page: whoever the API server knows by the bearer token (TokenReview), and lets do what is asked
 * for (SubjectAccessReview): `get` a path that is no resource, as controller-runtime's
 * WithAuthenticationAndAuthorization, or `list` a resource, in all namespaces or in some.
 *
 * Anybody may send tokens, so the API server is asked for few of them: what it said is kept for a while, a yes for a
 * minute, and tokens that nobody has seen before share a rate. A token that was good is asked for again without regard
 * to that, so strangers cannot keep somebody out that was once let in. Tokens themselves are not kept, but their
 * digests and whose they are. Whoever is held (a stream) is reviewed again before each minute is over: of the token no
 * more is known then than whose it was. */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include "net/serve.h"

struct auth;
struct auth_user;
struct kube_client;
struct loop;

/* What somebody is to be allowed. */
struct auth_question {
    const char *path; /* that may be got; NULL: the next ones */
    const char *group, *plural;
    /* Tells of each namespace that counts, for who may not list in all of them: of AUTH_NAMESPACES_MAX it is asked. */
    void (*namespaces)(void *arg, void (*each)(void *each_arg, const char *ns), void *each_arg);
    /* Of somebody who is held: another verdict, or other namespaces. NULL: nobody is held. */
    void (*changed)(void *arg, struct auth_user *user);
    void *arg;
};

enum { AUTH_NAMESPACES_MAX = 256 };

/* Loop and client are lent; of the question the texts. */
struct auth *auth_create(struct loop *loop, struct kube_client *client, const struct auth_question *question);
/* Whose requests it decides about: lent, and to be there as long as there may be requests. */
void auth_serves(struct auth *auth, struct serve *serve);
/* The guard of struct serve_config, with the auth as its argument. Answers 401 (no token, or nobody's), 403 (not
 * allowed), 429 (too many strangers at once) or 503 (the API server does not answer); and its words, {"message":TEXT,
 * "user":NAME, "need":"get /metrics"}. */
void auth_ask(void *arg, uint64_t id, const struct serve_request *request);
void auth_refuse(void *arg, const struct serve_request *request, int status, struct buf *words);
/* Cancels what is in flight. Nobody may be held. NULL is fine. */
void auth_destroy(struct auth *auth);

/* Who was let in with this request, held until auth_release(). NULL: it is forgotten again, as many others came. */
struct auth_user *auth_hold(struct auth *auth, const struct serve_request *request);
/* NULL is fine. */
void auth_release(struct auth_user *user);

/* Is still allowed something. NULL, here and below: nobody was asked who it is, and may see all. */
bool auth_may(const struct auth_user *user);
bool auth_may_see(const struct auth_user *user, const char *ns);
bool auth_may_see_all(const struct auth_user *user);
const char *auth_user_name(const struct auth_user *user); /* NULL of NULL */
/* Of who may not see all, in the order of their names; how many. */
size_t auth_namespaces(const struct auth_user *user, const char *const **ret);

#endif
