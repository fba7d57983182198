/* Where the operator may call GitLab: whoever may write a GitLabRunner chooses a URL and an address that a process with
 * rights in the cluster then calls, and must not reach with it what only that process can. */
#ifndef GITLAB_POLICY_H
#define GITLAB_POLICY_H

#include <stdbool.h>

#include "base/err.h"

struct sockaddr;

/* All texts are lent. All zeroes: any host, http too, but no loopback, link-local, … address. */
struct gitlab_policy {
    const char *allowed_hosts; /* "gitlab.example.com, *.example.org:8443": names or shell patterns, each with a port or
                                  for all ports; NULL or "": any host                                              */
    bool require_https;
    bool allow_loopback;        /* for development: a GitLab on this machine                                        */
    const char *api_servers[2]; /* URLs of Kubernetes' API server, or NULL: their host and port are never called   */
};

/* May this URL be called? False and *err, ERR_DENIED with reason HTTPSRequired, HostNotAllowed or AddressNotAllowed
 * (the API server by its name), and what to do. */
bool policy_allows_url(const struct gitlab_policy *policy, const char *url, struct err *err);

/* Is the URL's host on a list like that of allowed_hosts? */
bool policy_lists(const char *list, const char *url);

/* May this address be connected to? NULL, or what it is: "a loopback address". Addresses of IPv4 inside of IPv6
 * (mapped, compatible, NAT64, 6to4) are judged as what they lead to. The form is that of struct http_request: policy
 * points to a struct gitlab_policy. */
const char *policy_refuses_address(const void *policy, const struct sockaddr *address);

#endif
