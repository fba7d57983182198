#include "net/http_error.h"

#include <errno.h>
#include <openssl/x509_vfy.h>

#include "base/mem.h"
#include "net/http.h"

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
const struct http_failure http_certificate_required = {ERR_DENIED, "ClientCertificateRequired",
                                                       "the server demands a client certificate, and none is given"};
const struct http_failure http_certificate_refused = {ERR_DENIED, "ClientCertificateRefused",
                                                      "the server does not take the client certificate"};

static const struct {
    CURLcode code;
    struct http_failure failure;
} by_code[] = {
    {CURLE_URL_MALFORMAT, {ERR_INVALID, "InvalidURL", "the URL cannot be used"}},
    {CURLE_COULDNT_RESOLVE_HOST, {ERR_RETRY, "HostNotFound", "the host name cannot be resolved"}},
    {CURLE_COULDNT_CONNECT, {ERR_RETRY, "ConnectionRefused", "no connection could be made"}},
    /* Of libcurl's timeouts only the one of connecting is in use. */
    {CURLE_OPERATION_TIMEDOUT, {ERR_RETRY, "ConnectTimeout", "no connection could be made in time"}},
    {CURLE_SSL_CONNECT_ERROR, {ERR_RETRY, "TLSError", "no TLS connection could be made"}},
    {CURLE_SSL_CERTPROBLEM, {ERR_DENIED, "TLSError", "the client certificate or its key cannot be used"}},
    {CURLE_SSL_CACERT_BADFILE, {ERR_DENIED, "InvalidCA", "the certificates to trust cannot be read"}},
    {CURLE_SSL_CIPHER, {ERR_DENIED, "TLSError", "there is no common TLS cipher"}},
};

/* Of what could not be connected to, by what the system has said. */
static const struct {
    int number; /* errno */
    struct http_failure failure;
} by_errno[] = {
    {ENETUNREACH, {ERR_RETRY, "NetworkUnreachable", "no way leads to this address"}},
    {EHOSTUNREACH, {ERR_RETRY, "NetworkUnreachable", "no way leads to this address"}},
    {ENETDOWN, {ERR_RETRY, "NetworkUnreachable", "no way leads to this address"}},
    {EHOSTDOWN, {ERR_RETRY, "NetworkUnreachable", "no way leads to this address"}},
    {EADDRNOTAVAIL, {ERR_RETRY, "NetworkUnreachable", "no way leads to this address"}},
    {EACCES, {ERR_RETRY, "NetworkUnreachable", "the way to this address is closed"}},
    {EPERM, {ERR_RETRY, "NetworkUnreachable", "the way to this address is closed"}},
    {ETIMEDOUT, {ERR_RETRY, "ConnectTimeout", "no connection could be made in time"}},
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

static const struct http_failure *connection_failure(CURL *easy)
{
    long number = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    for (size_t i = 0; i < ARRAY_LEN(by_errno); i++)
        if (by_errno[i].number == number)
            return &by_errno[i].failure;
    return NULL;
}

const struct http_failure *http_failure_of(CURL *easy, CURLcode result)
{
    const struct http_failure *known = result == CURLE_COULDNT_CONNECT ? connection_failure(easy) : NULL;

    if (known)
        return known;
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        return verification_failure(easy);
    for (size_t i = 0; i < ARRAY_LEN(by_code); i++) {
        if (by_code[i].code == result)
            return &by_code[i].failure;
    }
    return &lost;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A proxy */

static const struct http_failure proxy_away = {ERR_RETRY, PROXY_UNREACHABLE,
                                               "no connection to the proxy could be made"};
static const struct http_failure proxy_untrusted = {ERR_RETRY, PROXY_UNREACHABLE,
                                                    "the proxy's certificate is not to be trusted"};
static const struct http_failure proxy_rude = {ERR_RETRY, PROXY_UNREACHABLE,
                                               "the proxy has not answered as a proxy does"};

/* Its answers to CONNECT. */
static const struct {
    long first, last;
    struct http_failure failure;
} by_connect[] = {
    {407, 407, {ERR_DENIED, "ProxyRefused", "the proxy asks for credentials, or does not take those that it got"}},
    {400, 499, {ERR_DENIED, "ProxyRefused", "the proxy does not let us connect there"}},
    {300, 999, {ERR_RETRY, "ConnectionRefused", "the proxy could make no connection"}},
};

static const struct http_failure *connect_failure(CURL *easy)
{
    long code = 0;

    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &code);
    for (size_t i = 0; i < ARRAY_LEN(by_connect); i++)
        if (code >= by_connect[i].first && code <= by_connect[i].last)
            return &by_connect[i].failure;
    return NULL;
}

/* Whether the proxy itself has been connected to. (libcurl's times count the way behind it, too.) */
static bool is_connected(CURL *easy)
{
    char *address = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    return address && *address;
}

static bool is_proxy_untrusted(CURL *easy, CURLcode result)
{
    long verified = 0;

    curl_easy_getinfo(easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &verified);
    return result == CURLE_PEER_FAILED_VERIFICATION && verified != X509_V_OK;
}

const struct http_failure *http_proxy_failure_of(CURL *easy, CURLcode result, const struct http_failure *why)
{
    bool late = why == &http_connect_timeout || (!why && result == CURLE_OPERATION_TIMEDOUT);

    if (why && !late)
        return NULL;
    if (connect_failure(easy))
        return connect_failure(easy);
    if (result == CURLE_COULDNT_RESOLVE_PROXY || (!is_connected(easy) && (late || result == CURLE_COULDNT_CONNECT)))
        return &proxy_away;
    if (is_proxy_untrusted(easy, result))
        return &proxy_untrusted;
    return result == CURLE_PROXY ? &proxy_rude : NULL;
}

void http_failure_set(struct err *err, const struct http_failure *why, const char *place, const char *detail)
{
    if (detail[0] != '\0')
        err_set(err, why->kind, why->reason, "%s: %s (%s)", place, why->sentence, detail);
    else
        err_set(err, why->kind, why->reason, "%s: %s", place, why->sentence);
}
