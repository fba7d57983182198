#include "net/http_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

/* Each store holds the system's authorities, about a megabyte; most installations need one. */
enum { STORES_MAX = 4 };

/* The system's authorities and those of pem. To parse them takes 20 ms, which libcurl would spend on each
 * connection. */
struct trust_store {
    struct list node;
    char *pem;
    X509_STORE *store;
};

void http_trust_init(struct http_trust *trust)
{
    const char *file = secure_getenv("SSL_CERT_FILE");

    *trust = (struct http_trust){.file = file ? file : curl_version_info(CURLVERSION_NOW)->cainfo};
    list_init(&trust->stores);
}

static void drop(struct trust_store *s)
{
    list_remove(&s->node);
    X509_STORE_free(s->store);
    free(s->pem);
    free(s);
}

void http_trust_finish(struct http_trust *trust)
{
    list_each_safe (node, after, &trust->stores)
        drop(container_of(node, struct trust_store, node));
}

static void add_authorities(X509_STORE *store, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert;

    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        X509_STORE_add_cert(store, cert);
        X509_free(cert);
    }
    BIO_free(bio);
}

/* With the flags that libcurl gives its own stores. A machine without a file trusts pem alone. */
static struct trust_store *make_store(const struct http_trust *trust, const char *pem)
{
    struct trust_store *s = mem_alloc(sizeof(*s));

    *s = (struct trust_store){.pem = mem_strdup(pem), .store = X509_STORE_new()};
    list_init(&s->node);
    if (trust->file)
        X509_STORE_load_file(s->store, trust->file);
    add_authorities(s->store, pem);
    ERR_clear_error(); /* the end of the text counts as one */
    X509_STORE_set_flags(s->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    return s;
}

static struct trust_store *find_store(struct http_trust *trust, const char *pem)
{
    list_each (node, &trust->stores) {
        struct trust_store *s = container_of(node, struct trust_store, node);
        if (strcmp(s->pem, pem) == 0)
            return s;
    }
    return NULL;
}

static X509_STORE *store_with(struct http_trust *trust, const char *pem)
{
    struct trust_store *s = find_store(trust, pem);
    size_t len = 0;

    if (!s)
        s = make_store(trust, pem);
    list_remove(&s->node);
    list_append(&trust->stores, &s->node);
    list_each (node, &trust->stores)
        len++;
    if (len > STORES_MAX)
        drop(container_of(trust->stores.next, struct trust_store, node));
    return s->store;
}

static CURLcode use_store(CURL *easy, void *ssl_ctx, void *store)
{
    (void)easy;
    SSL_CTX_set1_cert_store(ssl_ctx, store);
    return CURLE_OK;
}

static void release_store(void *store)
{
    X509_STORE_free(store);
}

static void set_store(CURL *easy, X509_STORE *store, struct arena *a)
{
    X509_STORE_up_ref(store); /* the transfer may outlive its place among the stores */
    arena_defer(a, release_store, store);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_store);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store);
}

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = {.data = (void *)pem, .len = pem ? strlen(pem) : 0, .flags = CURL_BLOB_NOCOPY};

    if (pem)
        curl_easy_setopt(easy, option, &blob);
}

/* libcurl takes authorities from a file, which it parses once, or from memory, which replaces the file. The directory
 * of its defaults holds the same as the file and would be trusted in addition: never used.
 *
 * Connections are told apart by the text in memory. So that one which trusts the system too is never used for a request
 * that trusts the same text alone, its text has a line more. */
static void set_authorities(CURL *easy, const struct http_tls *tls, struct http_trust *trust, struct arena *a)
{
    bool both = tls->ca_pem && !tls->ca_only;

    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_only ? NULL : trust->file);
    set_blob(easy, CURLOPT_CAINFO_BLOB, both ? arena_printf(a, "%s\n\n", tls->ca_pem) : tls->ca_pem);
    if (both)
        set_store(easy, store_with(trust, tls->ca_pem), a);
}

void http_tls_setup(CURL *easy, const struct http_tls *tls, struct http_trust *trust, struct arena *a)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
    set_authorities(easy, tls, trust, a);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->client_cert);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->client_key);
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

/* An encrypted key would ask somebody for its password: there is nobody. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

static bool fit(const char *cert_pem, const char *key_pem)
{
    BIO *cert_bio = BIO_new_mem_buf(cert_pem, -1), *key_bio = BIO_new_mem_buf(key_pem, -1);
    X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
    bool ok = cert && key && X509_check_private_key(cert, key) == 1;

    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    BIO_free(key_bio);
    BIO_free(cert_bio);
    return ok;
}

bool http_tls_check(const struct http_tls *tls)
{
    bool pair = tls->client_cert && tls->client_key;

    return (!tls->ca_pem || is_authorities(tls->ca_pem)) && (!pair || fit(tls->client_cert, tls->client_key));
}
