/* What a request to our pages asks for. */
#ifndef NET_SERVE_REQUEST_H
#define NET_SERVE_REQUEST_H

#include "net/serve.h"

/* The page of the path, or NULL; and in *ret_below what follows the page's own path. */
const struct serve_page *serve_request_page(const struct serve_page *pages, const char *path, const char **ret_below);

/* Is it meant for this machine? True where the Host field is localhost, 127.0.0.1 or [::1], with any port: a web page
 * whose name was made to lead here (DNS rebinding) has its own name there. */
bool serve_request_is_local(const struct serve_request *request);

/* Whether the address is the one that this machine's own clients call from: 127.0.0.1 or ::1, and no other loopback. */
bool serve_peer_is_local(const char *peer);

/* Whether a browser that shows pages of ours, or none, has sent it; other clients say nothing of that. tls: it came by
 * https. */
bool serve_request_is_same_origin(const struct serve_request *request, bool tls);

#endif
