/* Which addresses a transfer may connect to: where libcurl asks, the request's own policy answers. Private to net/http.
 */
#ifndef NET_HTTP_ADDRESS_H
#define NET_HTTP_ADDRESS_H

#include "net/http_transfer.h"

/* CURLOPT_OPENSOCKETFUNCTION, with the transfer as argument: a socket for an address that the request does not refuse,
 * else CURL_SOCKET_BAD, and t->refused says why. */
curl_socket_t http_address_open(void *transfer, curlsocktype purpose, struct curl_sockaddr *address);

/* The same judgement of an address that libcurl tells as text; false, and t->refused, when it is refused. */
bool http_address_is_allowed(struct transfer *t, const char *ip, int port);

#endif
