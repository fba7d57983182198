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
    bool allow_loopback; /* for development: a GitLab on this machine                                        */
    /* URLs of Kubernetes' API server, ended by NULL, or NULL: their host and port are never called. They may become
     * others as time goes by. */
    const char *const *api_servers;
};

/* May this URL be called, at this address where somebody gave one (else NULL)? False and *err, ERR_DENIED with reason
 * HTTPSRequired, HostNotAllowed or AddressNotAllowed (the API server by its name), and what to do. */
bool policy_allows_url(const struct gitlab_policy *policy, const char *url, const char *address, struct err *err);

/* The same where a proxy makes the connection, so that no address is seen by us: what can be told from the texts alone.
 * Of a host, or an address, that is written as one, in whatever form: what policy_refuses_address() says of it; and
 * names that lead, wherever they are looked up, to this machine, to a cloud's metadata or to Kubernetes' API server.
 * What any other name leads to is the proxy's to judge. */
bool policy_allows_through_proxy(const struct gitlab_policy *policy, const char *url, const char *address,
                                 struct err *err);

/* Is the URL's host on a list like that of allowed_hosts? So must be the address that it is called at, where somebody
 * gave one: what is listed by name is where DNS says. */
bool policy_lists(const char *list, const char *url, const char *address);

/* May this address be connected to? NULL, or what it is: "a loopback address". Addresses of IPv4 inside of IPv6
 * (mapped, compatible, translated, NAT64 with the well-known and the local prefixes, 6to4, Teredo) are judged as what
 * they lead to. Behind any other prefix that a NAT64 might have, single addresses (metadata, the API server) are found,
 * and ranges are not: too many addresses that lead nowhere else would look like it. The form is that of struct
 * http_request: policy points to a struct gitlab_policy. */
const char *policy_refuses_address(const void *policy, const struct sockaddr *address);

#endif
