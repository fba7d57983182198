/* Trust and proof of one transfer, as options of libcurl. Private to net/http. */
#ifndef NET_HTTP_TLS_H
#define NET_HTTP_TLS_H

#include <curl/curl.h>

#include "base/list.h"
#include "net/http.h"

struct arena;
struct ssl_ctx_st;

/* Whom this machine trusts, alone and together with authorities that requests brought. */
struct http_trust {
    const char *file;             /* $SSL_CERT_FILE, else the one libcurl was built for */
    struct x509_store_st *system; /* of the file, parsed; NULL: not needed so far       */
    char *text;                   /* the file itself; NULL: not needed so far           */
    struct list stores;           /* parsed, the latest used last; bounded              */
};

void http_trust_init(struct http_trust *trust);
void http_trust_finish(struct http_trust *trust);

/* Whether a server has asked for a client certificate, and was content (http_client_cert.c). */
struct http_asked;

/* The strings of *request must live as long as the transfer; what has to be made is made in the arena. Returns what is
 * known of the connection that the transfer opens, if it opens one; it lives as long as the arena. */
const struct http_asked *http_tls_setup(CURL *easy, const struct http_request *request, struct http_trust *trust,
                                        struct arena *a);
/* It has asked, and nothing shows that it lets in who was there. NULL: it has not asked. */
bool http_asked_in_vain(const struct http_asked *asked);

struct http_asked *http_asked_create(void);
void http_asked_drop(void *asked);
/* From now on it is kept for as long as the context lives, and told what its servers ask for. */
void http_asked_watch(struct http_asked *asked, struct ssl_ctx_st *context);

/* Whether the key is that of the first certificate. */
bool http_pair_fits(const char *cert_pem, const char *key_pem);
/* What libcurl is to have as the certificate, so that connections of different pairs are different. key_pem may be
 * NULL. */
const char *http_certificates_of(const char *cert_pem, const char *key_pem, struct arena *a);

#endif
