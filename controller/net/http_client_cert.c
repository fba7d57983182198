/* Client certificates: whether a pair can be used, and whether a server has asked for one in vain. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/ssl3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"
#include "net/http_tls.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Whether a server has asked, and has let us in. A connection, which knows, may outlive the transfer that
 * opened it, and the other way round: whoever is last frees what both look at.
 */
struct http_asked {
    unsigned holders;
    bool asked, let_in;
};

struct http_asked *http_asked_create(void)
{
    struct http_asked *a = mem_alloc(sizeof(*a));

    *a = (struct http_asked){.holders = 1};
    return a;
}

void http_asked_drop(void *arg)
{
    struct http_asked *a = arg;

    if (a && --a->holders == 0)
        free(a);
}

bool http_asked_in_vain(const struct http_asked *a)
{
    return a && a->asked && !a->let_in;
}

static void drop_with_context(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    http_asked_drop(ptr);
}

static int asked_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, drop_with_context);
    return index;
}

/* Up to TLS 1.2 the server's last word comes when it has seen our certificate, or that there is none. With 1.3 that is
 * so of all that follows its handshake: tickets, and whatever it says to our request. */
static bool lets_in(const SSL *ssl, int content_type, unsigned char first)
{
    bool new = SSL_version(ssl) >= TLS1_3_VERSION;

    if (content_type == SSL3_RT_HANDSHAKE)
        return first == SSL3_MT_NEWSESSION_TICKET || (!new &&first == SSL3_MT_FINISHED);
    return new &&content_type == SSL3_RT_INNER_CONTENT_TYPE &&first == SSL3_RT_APPLICATION_DATA;
}

static void on_tls_message(int write, int version, int content_type, const void *data, size_t len, SSL *ssl, void *arg)
{
    struct http_asked *a = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), asked_index());
    unsigned char first = len > 0 ? *(const unsigned char *)data : 0;

    (void)version, (void)arg;
    if (!a || write)
        return;
    a->asked |= content_type == SSL3_RT_HANDSHAKE && first == SSL3_MT_CERTIFICATE_REQUEST;
    a->let_in |= lets_in(ssl, content_type, first);
}

void http_asked_watch(struct http_asked *a, SSL_CTX *context)
{
    if (SSL_CTX_get_ex_data(context, asked_index()) || !SSL_CTX_set_ex_data(context, asked_index(), a))
        return;
    a->holders++;
    SSL_CTX_set_msg_callback(context, on_tls_message);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Whether a pair can be used.
 */

/* An encrypted key would ask somebody for its password: there is nobody. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

static X509 *first_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static EVP_PKEY *first_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    BIO_free(bio);
    ERR_clear_error();
    return key;
}

bool http_pair_fits(const char *cert_pem, const char *key_pem)
{
    X509 *cert = first_certificate(cert_pem);
    EVP_PKEY *key = first_key(key_pem);
    bool ok = cert && key && X509_check_private_key(cert, key) == 1;

    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    return ok;
}

static const char *day_of(const ASN1_TIME *time, struct arena *a)
{
    struct tm tm;
    char text[32];

    return ASN1_TIME_to_tm(time, &tm) == 1 && strftime(text, sizeof(text), "%Y-%m-%d", &tm) ? arena_strdup(a, text)
                                                                                            : "a day that nobody knows";
}

static const char *out_of_time(const X509 *cert, int64_t now, struct arena *a)
{
    time_t at = (time_t)now;

    if (X509_cmp_time(X509_get0_notAfter(cert), &at) < 0)
        return arena_printf(a, "has a certificate that expired on %s: put a newer one there",
                            day_of(X509_get0_notAfter(cert), a));
    if (X509_cmp_time(X509_get0_notBefore(cert), &at) > 0)
        return arena_printf(a, "has a certificate that is not valid before %s: put one there that is",
                            day_of(X509_get0_notBefore(cert), a));
    return NULL;
}

static bool is_too_long(const char *pem)
{
    return strnlen(pem, HTTP_CLIENT_PEM_MAX + 1) > HTTP_CLIENT_PEM_MAX;
}

const char *http_client_cert_refuses(const char *pem, int64_t now, struct arena *a)
{
    if (is_too_long(pem))
        return "is longer than 64 KiB: one certificate and those between it and its authority are enough";
    X509 *cert = first_certificate(pem);
    const char *why = cert ? out_of_time(cert, now, a) : "has no certificate in PEM: put it there";

    X509_free(cert);
    return why;
}

const char *http_client_key_refuses(const char *key_pem, const char *cert_pem)
{
    bool encrypted = strstr(key_pem, "ENCRYPTED");
    EVP_PKEY *key = is_too_long(key_pem) || encrypted ? NULL : first_key(key_pem);
    const char *why = encrypted
                          ? "is encrypted, and nobody has its password here: put it there without one (openssl pkey)"
                      : !key ? "has no private key in PEM: put it there"
                      : cert_pem && !http_pair_fits(cert_pem, key_pem)
                          ? "is not the key of the certificate beside it: put the two there that belong together"
                          : NULL;

    EVP_PKEY_free(key);
    return why;
}

/* ------------------------------------------------------------------------------------------------------------------
 */

/* libcurl keeps a copy of the certificate with each connection, and tells connections apart by it, but not by the key.
 * So what it gets are the certificates alone, and behind them, where PEM may have any text, the key's digest. */
const char *http_certificates_of(const char *cert_pem, const char *key_pem, struct arena *a)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const char *text = "", *stop;

    for (const char *at = cert_pem; (at = strstr(at, begin)) && (stop = strstr(at, end)); at = stop)
        text = arena_printf(a, "%s%.*s%s\n", text, (int)(stop - at), at, end);
    return arena_printf(a, "%s%s\n", text, key_pem ? digest_sha256(key_pem, strlen(key_pem), a) : "");
}
