/* A JSON text of any size becomes a small one: of all that streams through, only the members that somebody needs stay.
 *
 * Neither the size of the text nor its depth takes memory: what is held is the small text and a fixed state. Brackets
 * and quotes are trusted to fit: what comes out of wrong JSON may be anything, so parse it. A key that is written with
 * escapes fits no path; nor does one behind an array. */
#ifndef BASE_JSON_SIEVE_H
#define BASE_JSON_SIEVE_H

#include <stdint.h>

#include "base/buf.h"

enum { SIEVE_PATH = 4, SIEVE_KEEPS = 32, SIEVE_KEY = 320 };

struct json_keep {
    /* The keys that lead to a member, NULL after the last; "x*" fits all keys that begin with x. Of two that fit, one
     * must not lead into the other. */
    const char *path[SIEVE_PATH + 1];
    size_t max; /* bytes of the value; in the place of a longer one, or one without room in the small text, is a 0 */
    /* The member is an array whose elements go to the sieve's element(): an empty one stays in its place, or 0 where it
     * is neither an array nor null. */
    bool each;
};

struct json_sieve {
    const struct json_keep *keeps;
    size_t keeps_len;
    struct buf out; /* the small text */
    /* A piece of an element; end: the last of it, perhaps of no byte. */
    void (*element)(void *arg, const char *bytes, size_t len, bool end);
    void *arg;

    /* Where it is in the text; private. */
    unsigned char place;
    bool quoted, escaped, in_element;
    size_t level, depth;           /* objects that were entered; brackets open in what is passed over or kept    */
    uint32_t open[SIEVE_PATH + 1]; /* which paths lead through the objects that were entered                     */
    char key[SIEVE_KEY];
    size_t key_len; /* SIEVE_KEY: it fits nothing                                     */
    const struct json_keep *kept;
    size_t start; /* in out: of the value that is kept                                */
};

/* keeps: at most SIEVE_KEEPS, lent; max: of the small text. */
void json_sieve_init(struct json_sieve *s, const struct json_keep *keeps, size_t len, size_t max);
/* The next bytes, whatever pieces they come in. */
void json_sieve_feed(struct json_sieve *s, const char *bytes, size_t len);
/* Whether what came is one whole object: then out is complete. */
bool json_sieve_is_complete(const struct json_sieve *s);
/* Frees; accepts an all-zero one. */
void json_sieve_finish(struct json_sieve *s);

#endif
