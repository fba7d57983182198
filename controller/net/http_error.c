#include "net/http_error.h"

#include <openssl/x509_vfy.h>

#include "base/mem.h"

const struct http_failure http_connect_timeout = {ERR_RETRY, "ConnectTimeout", "no connection could be made in time"};
const struct http_failure http_timeout = {ERR_RETRY, "Timeout", "the answer was not complete in time"};
const struct http_failure http_silent = {ERR_RETRY, "ConnectionLost", "nothing came for too long"};
const struct http_failure http_too_large = {ERR_RETRY, "ResponseTooLarge", "the answer is longer than allowed"};
const struct http_failure http_cancelled = {ERR_RETRY, "Cancelled", "the request was ended by its receiver"};
const struct http_failure http_fenced = {ERR_RETRY, "Fenced", "not sent: this process may not act now"};
const struct http_failure http_invalid_url = {ERR_INVALID, "InvalidURL", "this is no http or https URL with a host"};
const struct http_failure http_invalid_request = {ERR_INVALID, "InvalidRequest",
                                                  "not sent: it holds what no request may"};
const struct http_failure http_address_refused = {ERR_DENIED, "AddressNotAllowed", "no call is made to this address"};

static const struct {
    CURLcode code;
    struct http_failure failure;
} by_code[] = {
    {CURLE_URL_MALFORMAT, {ERR_INVALID, "InvalidURL", "the URL cannot be used"}},
    {CURLE_COULDNT_RESOLVE_HOST, {ERR_RETRY, "HostNotFound", "the host name cannot be resolved"}},
    {CURLE_COULDNT_RESOLVE_PROXY, {ERR_RETRY, "HostNotFound", "the proxy's host name cannot be resolved"}},
    {CURLE_COULDNT_CONNECT, {ERR_RETRY, "ConnectionRefused", "no connection could be made"}},
    /* Of libcurl's timeouts only the one of connecting is in use. */
    {CURLE_OPERATION_TIMEDOUT, {ERR_RETRY, "ConnectTimeout", "no connection could be made in time"}},
    {CURLE_SSL_CONNECT_ERROR, {ERR_RETRY, "TLSError", "no TLS connection could be made"}},
    {CURLE_SSL_CERTPROBLEM, {ERR_DENIED, "TLSError", "the client certificate or its key cannot be used"}},
    {CURLE_SSL_CACERT_BADFILE, {ERR_DENIED, "InvalidCA", "the certificates to trust cannot be read"}},
    {CURLE_SSL_CIPHER, {ERR_DENIED, "TLSError", "there is no common TLS cipher"}},
};

static const struct {
    long result; /* X509_V_… */
    struct http_failure failure;
} by_verification[] = {
    /* The chain is good and nothing was said after that: libcurl itself found that the name is another one. */
    {X509_V_ERR_UNSPECIFIED, {ERR_DENIED, "CertificateHostMismatch", "the server's certificate is for another host"}},
    {X509_V_ERR_CERT_HAS_EXPIRED, {ERR_DENIED, "CertificateExpired", "a certificate of the server has expired"}},
    {X509_V_ERR_CERT_NOT_YET_VALID,
     {ERR_DENIED, "CertificateExpired", "a certificate of the server is not valid yet, or a clock is wrong"}},
};

static const struct http_failure untrusted = {ERR_DENIED, "UntrustedCertificate",
                                              "the server's certificate is not signed by a trusted authority"};
static const struct http_failure lost = {ERR_RETRY, "ConnectionLost",
                                         "the connection broke before the answer was complete"};

static const struct http_failure *verification_failure(CURL *easy)
{
    long result = X509_V_ERR_UNSPECIFIED;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    for (size_t i = 0; i < ARRAY_LEN(by_verification); i++) {
        if (by_verification[i].result == result)
            return &by_verification[i].failure;
    }
    return &untrusted;
}

const struct http_failure *http_failure_of(CURL *easy, CURLcode result)
{
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        return verification_failure(easy);
    for (size_t i = 0; i < ARRAY_LEN(by_code); i++) {
        if (by_code[i].code == result)
            return &by_code[i].failure;
    }
    return &lost;
}

void http_failure_set(struct err *err, const struct http_failure *why, const char *place, const char *detail)
{
    if (detail[0] != '\0')
        err_set(err, why->kind, why->reason, "%s: %s (%s)", place, why->sentence, detail);
    else
        err_set(err, why->kind, why->reason, "%s: %s", place, why->sentence);
}
