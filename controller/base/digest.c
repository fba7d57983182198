#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"

static const char *sha256_digits(const void *data, size_t len, size_t digits, struct arena *a)
{
    unsigned char hash[32];
    char *text = arena_alloc(a, sizeof(hash) * 2 + 1);

    if (!EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL))
        abort();
    for (size_t i = 0; i < digits / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    return text;
}

const char *digest_sha256(const void *data, size_t len, struct arena *a)
{
    return sha256_digits(data, len, 64, a);
}

const char *digest_short(const void *data, size_t len, struct arena *a)
{
    return sha256_digits(data, len, 16, a);
}

const char *base64_encode(const void *data, size_t len, struct arena *a)
{
    unsigned char *text = arena_alloc(a, (len + 2) / 3 * 4 + 1);

    EVP_EncodeBlock(text, data, (int)len);
    return (char *)text;
}

/* Padding at the end of base64 text: EVP_DecodeBlock() counts it as bytes. */
static size_t padding(const char *text, size_t len)
{
    size_t n = 0;

    while (n < 2 && n < len && text[len - 1 - n] == '=')
        n++;
    return n;
}

char *base64_decode(const char *text, size_t *ret_len, struct arena *a)
{
    size_t len = strlen(text);
    unsigned char *data = arena_alloc(a, len / 4 * 3 + 1);

    if (len % 4 != 0 || len > INT32_MAX)
        return NULL;
    int decoded = len ? EVP_DecodeBlock(data, (const unsigned char *)text, (int)len) : 0;
    if (decoded < 0)
        return NULL;
    size_t real = (size_t)decoded - padding(text, len);
    data[real] = '\0';
    if (ret_len)
        *ret_len = real;
    return (char *)data;
}

const char *time_format(int64_t seconds, struct arena *a)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char *text = arena_alloc(a, sizeof("2026-01-02T03:04:05Z") + 8);

    gmtime_r(&t, &tm);
    strftime(text, sizeof("2026-01-02T03:04:05Z") + 8, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return text;
}

int64_t time_parse(const char *text)
{
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

    if (!rest)
        return -1;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (strcmp(rest, "Z") != 0)
        return -1;
    return timegm(&tm);
}
