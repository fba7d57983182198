#include "base/digest.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
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

const char *time_format(int64_t seconds, struct arena *a)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char *text = arena_alloc(a, sizeof("2026-01-02T03:04:05Z") + 8);

    gmtime_r(&t, &tm);
    strftime(text, sizeof("2026-01-02T03:04:05Z") + 8, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return text;
}

/* Each 'd' stands for a digit, anything else for itself in either case. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape; text++, shape++)
        if (*shape == 'd' ? !isdigit((unsigned char)*text) : toupper((unsigned char)*text) != *shape)
            return false;
    return true;
}

/* "Z", "+hh:mm" or "-hh:mm" as seconds east of UTC. */
static bool offset_parse(const char *text, int64_t *ret)
{
    *ret = 0;
    if (has_shape(text, "Z"))
        return !text[1];
    if ((*text != '+' && *text != '-') || !has_shape(text + 1, "dd:dd") || text[6])
        return false;
    int hours = atoi(text + 1), minutes = atoi(text + 4);
    *ret = (*text == '-' ? -60 : 60) * (hours * 60 + minutes);
    return hours < 24 && minutes < 60;
}

int64_t time_parse(const char *text)
{
    struct tm tm = {0};
    int64_t offset;

    if (!text || !has_shape(text, "dddd-dd-ddTdd:dd:dd"))
        return -1;
    const char *date_end = strptime(text, "%Y-%m-%d", &tm);
    const char *rest = date_end ? strptime(date_end + 1, "%H:%M:%S", &tm) : NULL;
    if (rest && *rest == '.' && isdigit((unsigned char)rest[1]))
        rest += 1 + strspn(rest + 1, "0123456789");
    if (!rest || !offset_parse(rest, &offset))
        return -1;
    int day = tm.tm_mday;
    time_t seconds = timegm(&tm);
    return tm.tm_mday == day ? seconds - offset : -1; /* another day: there is no February 30 */
}

int64_t day_parse(const char *text)
{
    char time[32];

    snprintf(time, sizeof(time), "%sT00:00:00Z", text ? text : "");
    return time_parse(time);
}
