/* Whether GitLab is called through a proxy. Only whoever starts the operator says so; nobody who writes objects does.
 */
#ifndef GITLAB_EGRESS_H
#define GITLAB_EGRESS_H

#include <stdbool.h>

#include "base/err.h"

/* All texts are lent; all zeroes: GitLab is called directly. */
struct gitlab_egress {
    const char *proxy;     /* "http://proxy.example.com:3128", or https; without a user                            */
    const char *no_proxy;  /* what is called directly: "example.com, .example.org, 10.0.0.0/8, ::1, host:8443, *"  */
    const char *auth_file; /* holds "user:password" for the proxy; may be replaced. NULL: it asks for none         */
    const char *ca_file;   /* PEM: whom alone to trust for the certificate of an https proxy; NULL: the system's   */
};

/* The URL of a proxy: http or https, a host, perhaps a port, and nothing else. */
bool egress_proxy_is_good(const char *url);
/* A list as that of no_proxy. */
bool egress_list_is_good(const char *list);

/* Is this URL, at this address where somebody gave one (else NULL), called through the proxy? Listed is a host by its
 * name (with what is below it), by its address or the one that it was given, with a port where the list names one. */
bool egress_is_proxied(const struct gitlab_egress *egress, const char *url, const char *address);

#endif
