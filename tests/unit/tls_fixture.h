/* Certificates made on the spot: authorities, and what they sign. */
#ifndef TESTS_TLS_FIXTURE_H
#define TESTS_TLS_FIXTURE_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400 };

struct identity {
    X509 *cert;
    EVP_PKEY *key;
    char *cert_pem, *key_pem;
};

static inline char *identity_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);

    BIO_free(bio);
    return text;
}

static inline void identity_extension(struct identity *id, const struct identity *by, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, by ? by->cert : id->cert, id->cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    X509_add_ext(id->cert, extension, -1);
    X509_EXTENSION_free(extension);
}

/* names: a subjectAltName ("DNS:localhost,IP:127.0.0.1"); NULL makes an authority. by: who signs; NULL: itself. */
static inline struct identity identity_make(const char *name, const char *names, const struct identity *by, long from,
                                            long to)
{
    static long serial = 1;
    struct identity id = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    X509_NAME *subject = X509_get_subject_name(id.cert);

    X509_set_version(id.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(id.cert), from);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), to);
    X509_set_pubkey(id.cert, id.key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id.cert, by ? X509_get_subject_name(by->cert) : subject);
    identity_extension(&id, by, NID_basic_constraints, names ? "CA:FALSE" : "critical,CA:TRUE");
    if (names)
        identity_extension(&id, by, NID_subject_alt_name, names);
    X509_sign(id.cert, by ? by->key : id.key, EVP_sha256());

    BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(cert, id.cert);
    PEM_write_bio_PrivateKey(key, id.key, NULL, NULL, 0, NULL, NULL);
    id.cert_pem = identity_text(cert);
    id.key_pem = identity_text(key);
    return id;
}

static inline void identity_free(struct identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
    free(id->cert_pem);
    free(id->key_pem);
}

#endif
