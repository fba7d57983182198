/* A socket to listen on. */
#ifndef NET_SERVE_LISTEN_H
#define NET_SERVE_LISTEN_H

#include "base/err.h"

/* address: "127.0.0.1", "::1", "localhost" (127.0.0.1, or ::1 where there is no IPv4), NULL: all. port 0: any free one.
 * Returns the socket, non-blocking, and its port in *ret_port; else -1 and *err (ERR_DENIED, ListenFailed). What is
 * accepted there has small buffers in the kernel, which count as ours in a container. */
int serve_listen(const char *address, int port, int *ret_port, struct err *err);

#endif
