/* Trust and proof of one transfer, as options of libcurl. Private to net/http. */
#ifndef NET_HTTP_TLS_H
#define NET_HTTP_TLS_H

#include <curl/curl.h>

#include "base/buf.h"
#include "net/http.h"

struct arena;

/* The authorities that this machine trusts: $SSL_CERT_FILE, else the file libcurl was built for. */
struct http_trust {
    const char *file;
    struct buf bundle; /* its content, read when first needed */
};

void http_trust_init(struct http_trust *trust);
void http_trust_finish(struct http_trust *trust);

/* The strings of *tls must live as long as the transfer; what has to be made is made in the arena. */
void http_tls_setup(CURL *easy, const struct http_tls *tls, struct http_trust *trust, struct arena *a);

#endif
