/* Keeping up with one object that may be read but not watched: it is read again and again.
 *
 * The API server lets a Role grant to read its own Namespace, but not to watch it: a watch, even of one name, is a
 * request for all namespaces (kubernetes.io/docs/reference/access-authn-authz/rbac, referring to resources). */
#ifndef KUBE_POLL_H
#define KUBE_POLL_H

#include "kube/client.h"

struct loop;
struct poll;

/* done(arg, reply): each answer, whatever it is; it only records. All but the name is lent, name is copied. */
struct poll *poll_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                         const char *ns, const char *name, kube_done_fn *done, void *arg);
/* Reads at once, then every 10 s, after a failure sooner, with jitter. */
void poll_start(struct poll *poll);
/* Cancels what is in flight. NULL is fine. */
void poll_destroy(struct poll *poll);

#endif
