/* The metrics rest_client_… and leader_election_…, under the names that client-go has made common. */
#ifndef KUBE_METRICS_H
#define KUBE_METRICS_H

struct buf;
struct kube_client;
struct lease;

/* What the client has asked, and was answered. */
void metrics_client(const struct kube_client *client, struct buf *out);
/* NULL: nobody is elected, and there are no samples. */
void metrics_lease(const struct lease *lease, struct buf *out);

#endif
