/* The parts of a URL that a transfer needs. Private to net/http; http_url_is_valid() is in net/http.h. */
#ifndef NET_HTTP_URL_H
#define NET_HTTP_URL_H

#include <stdbool.h>

struct arena;

struct http_url {
    const char *text;      /* for libcurl                                */
    const char *authority; /* host[:port] as written                     */
    const char *host;      /* an IPv6 address stands in brackets         */
    const char *port;      /* always there                               */
    bool tls;
};

/* False when it is no http or https URL with a host. With name, text has this host in the place of the URL's own. */
bool http_url_parse(const char *url, const char *name, struct arena *a, struct http_url *ret);

#endif
