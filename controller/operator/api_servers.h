/* Where Kubernetes' API server is, so that no GitLabRunner can have it called: at the address that we call it at, at
 * that of its Service, and at those behind the Service, which the EndpointSlice `kubernetes` in `default` has. The
 * slice is read as the process starts and once an hour; whoever may not read it (a namespaced installation) does
 * without. */
#ifndef OPERATOR_API_SERVERS_H
#define OPERATOR_API_SERVERS_H

#include "kube/config.h"

struct api_servers;
struct json_object;
struct kube_client;
struct loop;

/* config is lent. What is known without asking is there at once. */
struct api_servers *api_servers_create(struct loop *loop, const struct kube_config *config);
/* URLs, ended by NULL, at most 16 of them behind the Service; the array stays where it is, its texts change. */
const char *const *api_servers_urls(const struct api_servers *servers);
/* Begins to read the slice; client is lent. */
void api_servers_follow(struct api_servers *servers, struct kube_client *client);
/* Cancels what is in flight. NULL is fine. */
void api_servers_destroy(struct api_servers *servers);

/* The URLs of an EndpointSlice, for the above and its test: at most max of them, each to be freed. Returns how many. */
size_t api_servers_of_slice(struct json_object *slice, char **ret, size_t max);

#endif
