/* Trust and proof of one transfer, as options of libcurl. Private to net/http. */
#ifndef NET_HTTP_TLS_H
#define NET_HTTP_TLS_H

#include <curl/curl.h>

#include "base/list.h"
#include "net/http.h"

struct arena;

/* Whom this machine trusts, alone and together with authorities that requests brought. */
struct http_trust {
    const char *file;             /* $SSL_CERT_FILE, else the one libcurl was built for */
    struct x509_store_st *system; /* of the file, parsed; NULL: not needed so far       */
    char *text;                   /* the file itself; NULL: not needed so far           */
    struct list stores;           /* parsed, the latest used last; bounded              */
};

void http_trust_init(struct http_trust *trust);
void http_trust_finish(struct http_trust *trust);

/* The strings of *request must live as long as the transfer; what has to be made is made in the arena. */
void http_tls_setup(CURL *easy, const struct http_request *request, struct http_trust *trust, struct arena *a);

#endif
