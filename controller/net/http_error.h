/* Why a request has failed, as kind, reason and sentence. Private to net/http. */
#ifndef NET_HTTP_ERROR_H
#define NET_HTTP_ERROR_H

#include <curl/curl.h>

#include "base/err.h"

struct http_failure {
    enum err_kind kind;
    const char *reason;
    const char *sentence;
};

/* What we decide ourselves. */
extern const struct http_failure http_connect_timeout, http_timeout, http_silent, http_too_large, http_cancelled,
    http_fenced, http_invalid_url, http_invalid_request, http_address_refused;

/* What a server says of client certificates: it demands one; it does not take this one. */
extern const struct http_failure http_certificate_required, http_certificate_refused;
/* What a transfer through a proxy has failed of, when it is the proxy, or its answer to CONNECT; else NULL. result,
 * why: as far as known. */
const struct http_failure *http_proxy_failure_of(CURL *easy, CURLcode result, const struct http_failure *why);
/* What libcurl reports; never NULL. */
const struct http_failure *http_failure_of(CURL *easy, CURLcode result);
/* "place: sentence (detail)"; without detail when it is empty. */
void http_failure_set(struct err *err, const struct http_failure *why, const char *place, const char *detail);

#endif
