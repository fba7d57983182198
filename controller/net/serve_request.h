/* The head of a request to our pages: parsed in place, when all of it is there. */
#ifndef NET_SERVE_REQUEST_H
#define NET_SERVE_REQUEST_H

#include <stddef.h>

#include "net/serve.h"

/* head: len bytes that end with the empty line, and a NUL. Its path is put into *ret_path, the rest into *ret; both are
 * lent by head, which is changed. Returns 0, or the status of a refusal: 400 (not HTTP/1.x, a field twice, a NUL byte),
 * 405 (not GET). Source: RFC 9112. */
int serve_request_parse(char *head, size_t len, struct serve_request *ret, const char **ret_path);

/* Is it meant for this machine? True where the Host field is localhost, 127.0.0.1 or [::1], with any port: a web page
 * whose name was made to lead here (DNS rebinding) has its own name there. */
bool serve_request_is_local(const struct serve_request *request);

#endif
