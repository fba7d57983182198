#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static const char *sha256_digits(const void *data, size_t len, size_t digits, struct arena *a)
{
    static const char numerals[] = "0123456789abcdef";
    unsigned char hash[32];
    char *text = arena_alloc(a, sizeof(hash) * 2 + 1);

    if (!EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL))
        abort();
    for (size_t i = 0; i < digits; i++)
        text[i] = numerals[i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4];
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

void digest_key_make(struct digest_key *ret)
{
    if (RAND_bytes(ret->bytes, sizeof(ret->bytes)) != 1)
        abort();
}

uint64_t digest_keyed(const struct digest_key *key, const char *text)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    uint64_t number;

    if (!HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), (const unsigned char *)text, strlen(text), hash, NULL))
        abort();
    memcpy(&number, hash, sizeof(number));
    return number;
}

const char *base64_encode(const void *data, size_t len, struct arena *a)
{
    unsigned char *text = arena_alloc(a, (len + 2) / 3 * 4 + 1);

    EVP_EncodeBlock(text, data, (int)len);
    return (char *)text;
}

/* Padding at the end of base64 text, which EVP_DecodeBlock() counts as bytes. */
static size_t padding(const char *text, size_t len)
{
    size_t n = 0;

    while (n < 2 && n < len && text[len - 1 - n] == '=')
        n++;
    return n;
}

/* EVP_DecodeBlock() itself takes white space around the text, and '=' anywhere. */
static bool is_base64(const char *text, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return len % 4 == 0 && len <= INT32_MAX && strspn(text, alphabet) + padding(text, len) == len;
}

char *base64_decode(const char *text, size_t *ret_len, struct arena *a)
{
    size_t len = strlen(text);
    unsigned char *data = arena_alloc(a, len / 4 * 3 + 1);

    if (!is_base64(text, len))
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
