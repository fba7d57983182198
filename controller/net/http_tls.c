#include "net/http_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"

/* What is kept parsed: the system's authorities once, which the stores share, and of those that requests brought so
 * many certificates (some 4 KiB each) in so many stores. */
enum { STORES_MAX = 64, CERTIFICATES_MAX = 4 * HTTP_CA_COUNT_MAX };

/* The system's authorities and those of one PEM text. To parse them takes some 100 us for each certificate, which
 * libcurl would spend on each connection. */
struct trust_store {
    struct list node;
    char *digest;
    size_t len; /* certificates beside the system's */
    X509_STORE *store;
};

void http_trust_init(struct http_trust *trust)
{
    const char *file = secure_getenv("SSL_CERT_FILE");

    *trust = (struct http_trust){.file = file ? file : curl_version_info(CURLVERSION_NOW)->cainfo};
    list_init(&trust->stores);
}

static void drop_store(struct trust_store *s)
{
    list_remove(&s->node);
    X509_STORE_free(s->store);
    free(s->digest);
    free(s);
}

void http_trust_finish(struct http_trust *trust)
{
    list_each_safe (node, after, &trust->stores)
        drop_store(container_of(node, struct trust_store, node));
    X509_STORE_free(trust->system);
    free(trust->text);
}

/* The number of certificates; those beyond the bound are not looked at. */
static size_t add_authorities(X509_STORE *store, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert;
    size_t len = 0;

    while (len < HTTP_CA_COUNT_MAX && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        X509_STORE_add_cert(store, cert);
        X509_free(cert);
        len++;
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text counts as one */
    return len;
}

/* A machine without a file trusts nobody. */
static void add_system(struct http_trust *trust, X509_STORE *store)
{
    if (!trust->system) {
        trust->system = X509_STORE_new();
        if (trust->file)
            X509_STORE_load_file(trust->system, trust->file);
    }
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust->system);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (cert)
            X509_STORE_add_cert(store, cert);
    }
    ERR_clear_error();
}

/* With the flags that libcurl gives its own stores. */
static struct trust_store *make_store(struct http_trust *trust, const char *pem, const char *digest)
{
    struct trust_store *s = mem_alloc(sizeof(*s));

    *s = (struct trust_store){.digest = mem_strdup(digest), .store = X509_STORE_new()};
    list_init(&s->node);
    add_system(trust, s->store);
    s->len = http_ca_refuses(pem) ? 0 : add_authorities(s->store, pem);
    X509_STORE_set_flags(s->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    return s;
}

static struct trust_store *find_store(struct http_trust *trust, const char *digest)
{
    list_each (node, &trust->stores) {
        struct trust_store *s = container_of(node, struct trust_store, node);
        if (strcmp(s->digest, digest) == 0)
            return s;
    }
    return NULL;
}

/* What was used longest ago goes; what was just used stays. */
static void bound_stores(struct http_trust *trust)
{
    size_t stores = 0, certificates = 0;

    for (struct list *node = trust->stores.prev, *before; node != &trust->stores; node = before) {
        struct trust_store *s = container_of(node, struct trust_store, node);
        before = node->prev;
        certificates += s->len;
        if (++stores > STORES_MAX || certificates > CERTIFICATES_MAX)
            drop_store(s);
    }
}

static struct trust_store *store_with(struct http_trust *trust, const char *pem, const char *digest)
{
    struct trust_store *s = find_store(trust, digest);

    if (!s)
        s = make_store(trust, pem, digest);
    list_remove(&s->node);
    list_append(&trust->stores, &s->node);
    bound_stores(trust);
    return s;
}

/* What a transfer brings to its connection, if it needs a new one. */
struct brought {
    struct http_trust *trust;
    const char *pem, *digest; /* NULL: no authorities beside the system's  */
    struct http_asked *asked;
};

static CURLcode use_brought(CURL *easy, void *ssl_ctx, void *arg)
{
    const struct brought *brought = arg;

    (void)easy;
    http_asked_watch(brought->asked, ssl_ctx);
    if (!brought->pem)
        return CURLE_OK;
    const struct trust_store *s = store_with(brought->trust, brought->pem, brought->digest);
    SSL_CTX_set1_cert_store(ssl_ctx, s->store);
    return s->len > 0 ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = {.data = (void *)pem, .len = pem ? strlen(pem) : 0, .flags = CURL_BLOB_NOCOPY};

    if (pem)
        curl_easy_setopt(easy, option, &blob);
}

/* In addition to the system's. libcurl reads nothing: it gets a finished store, and tells connections apart by the
 * name of a directory that cannot be. */
static void set_additional(CURL *easy, const char *pem, struct brought *brought, struct arena *a)
{
    brought->pem = pem;
    brought->digest = digest_sha256(pem, strlen(pem), a);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, arena_printf(a, "/dev/null/%s", brought->digest));
}

static const char *system_text(struct http_trust *trust)
{
    struct buf text;
    FILE *file = trust->text || !trust->file ? NULL : fopen(trust->file, "re");

    buf_init(&text, 4 << 20);
    if (file) {
        buf_add_file(&text, file);
        fclose(file);
    }
    if (!trust->text)
        trust->text = buf_detach(&text);
    return trust->text;
}

/* The same before an https proxy. libcurl would ask for a store for the proxy's certificate, too, and the authorities
 * that a request brings are none of the proxy's: so it reads them itself, which takes longer. */
static void set_additional_behind_tls(CURL *easy, const char *pem, struct http_trust *trust, struct arena *a)
{
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    set_blob(easy, CURLOPT_CAINFO_BLOB, http_ca_refuses(pem) ? "" : arena_printf(a, "%s\n%s", pem, system_text(trust)));
}

static void set_proxy_trust(CURL *easy, const char *ca_pem, const struct http_trust *trust)
{
    curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, ca_pem ? NULL : trust->file);
    set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, ca_pem);
}

/* libcurl takes authorities from a file, which it parses once, or from memory, which replaces the file. The directory
 * of its defaults holds the same as the file and would be trusted in addition: never used. */
static void set_authorities(CURL *easy, const struct http_request *request, struct brought *brought, struct arena *a)
{
    const struct http_tls *tls = &request->tls;
    bool tls_proxy = strncasecmp(request->proxy, "https", 5) == 0;

    if (tls_proxy)
        set_proxy_trust(easy, request->proxy_ca, brought->trust);
    if (tls->ca_pem && !tls->ca_only && tls_proxy) {
        set_additional_behind_tls(easy, tls->ca_pem, brought->trust, a);
        return;
    }
    if (tls->ca_pem && !tls->ca_only) {
        set_additional(easy, tls->ca_pem, brought, a);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_only ? NULL : brought->trust->file);
    set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca_pem);
}

static void set_certificate(CURL *easy, const struct http_tls *tls, struct arena *a)
{
    if (!tls->client_cert)
        return;
    set_blob(easy, CURLOPT_SSLCERT_BLOB, http_certificates_of(tls->client_cert, tls->client_key, a));
    set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->client_key);
}

const struct http_asked *http_tls_setup(CURL *easy, const struct http_request *request, struct http_trust *trust,
                                        struct arena *a)
{
    const struct http_tls *tls = &request->tls;
    struct brought *brought = arena_alloc(a, sizeof(*brought));

    brought->trust = trust;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
    set_authorities(easy, request, brought, a);
    set_certificate(easy, tls, a);
    brought->asked = http_asked_create();
    arena_defer(a, http_asked_drop, brought->asked);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_brought);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, brought);
    return brought->asked;
}

const char *http_ca_refuses(const char *pem)
{
    static const char begin[] = "-----BEGIN "; /* also of what is none: each is looked into */
    size_t len = 0;

    if (strnlen(pem, HTTP_CA_BYTES_MAX + 1) > HTTP_CA_BYTES_MAX)
        return "is longer than 256 KiB";
    for (const char *at = pem; (at = strstr(at, begin)); at += strlen(begin))
        len++;
    return len > HTTP_CA_COUNT_MAX ? "has more than 200 certificates" : NULL;
}

/* Certificates and nothing broken between or behind them. */
static bool is_authorities(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    size_t len = 0;

    ERR_clear_error();
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)); len++)
        X509_free(cert);
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    return len > 0 && at_end;
}

bool http_tls_is_valid(const struct http_tls *tls)
{
    bool pair = tls->client_cert && tls->client_key;

    return (!tls->ca_pem || is_authorities(tls->ca_pem)) &&
           (!pair || http_pair_fits(tls->client_cert, tls->client_key));
}
