/* Fingerprints and base64. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct arena;

/* SHA-256 of the bytes as 64 hexadecimal digits. */
const char *digest_sha256(const void *data, size_t len, struct arena *a);
/* The first 16 digits: enough to tell two versions of one object apart. */
const char *digest_short(const void *data, size_t len, struct arena *a);

/* A number that stands for a secret text while the process runs, and tells nobody anything about it. */
struct digest_key {
    unsigned char bytes[32];
};
/* A key of chance; out of it aborts. */
void digest_key_make(struct digest_key *ret);
/* HMAC-SHA-256, its first eight bytes. */
uint64_t digest_keyed(const struct digest_key *key, const char *text);

/* Standard base64 with padding, as in a Secret's data. */
const char *base64_encode(const void *data, size_t len, struct arena *a);
/* Decodes; the bytes are followed by a NUL. NULL when the text is not base64. Bits of the last character that belong to
 * no byte may be any, as Go takes them. *ret_len may be NULL. */
char *base64_decode(const char *text, size_t *ret_len, struct arena *a);

#endif
