#include "net/http_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { BUNDLE_MAX = 8 << 20 };

void http_trust_init(struct http_trust *trust)
{
    const char *file = secure_getenv("SSL_CERT_FILE");

    *trust = (struct http_trust){.file = file ? file : curl_version_info(CURLVERSION_NOW)->cainfo};
    buf_init(&trust->bundle, BUNDLE_MAX);
}

void http_trust_finish(struct http_trust *trust)
{
    buf_finish(&trust->bundle);
}

/* The system's bundle as text; empty when there is none, and then the next request looks again. */
static const char *bundle_text(struct http_trust *trust)
{
    char chunk[16384];
    size_t len;
    FILE *file = trust->bundle.len == 0 && trust->file ? fopen(trust->file, "re") : NULL;

    if (!file)
        return trust->bundle.data;
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0 && buf_add(&trust->bundle, chunk, len))
        ;
    fclose(file);
    return trust->bundle.data;
}

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = {.data = (void *)pem, .len = pem ? strlen(pem) : 0, .flags = CURL_BLOB_NOCOPY};

    if (pem)
        curl_easy_setopt(easy, option, &blob);
}

/* libcurl takes authorities from a file, which it parses once for all connections, or from memory, which replaces the
 * file. The directory of its defaults holds the same as the file and would be trusted in addition: never used. */
static void set_authorities(CURL *easy, const struct http_tls *tls, struct http_trust *trust, struct arena *a)
{
    bool system = !tls->ca_only;
    const char *pem = tls->ca_pem;

    if (pem && system)
        pem = arena_printf(a, "%s\n%s", bundle_text(trust), pem);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, system ? trust->file : NULL);
    set_blob(easy, CURLOPT_CAINFO_BLOB, pem);
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
