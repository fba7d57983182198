/* References as in LZ77: a byte that tells the length, then two of seven bits each that tell how far back. */
#include "base/pack.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
    LITERAL = 1, /* the next byte stands for itself, though it looks like a reference */
    FIRST = 2,   /* a reference of LENGTH_MIN; … */
    LAST = 31,   /* … the longest one            */
    LENGTH_MIN = 4,
    LENGTH_MAX = LENGTH_MIN + LAST - FIRST,
    BACK_MAX = (1 << 14) - 1,
    SLOT_BITS = 12,
    SLOTS = 1 << SLOT_BITS,
};

/* All that was seen, dictionary first; and where a beginning of LENGTH_MIN bytes was seen last, plus one. */
struct window {
    const char *bytes;
    size_t len, end;
    uint32_t seen[SLOTS];
};

static size_t slot_of(const char *at)
{
    uint32_t four;

    memcpy(&four, at, sizeof(four));
    return (four * 2654435761u) >> (32 - SLOT_BITS);
}

static void see(struct window *w, size_t at)
{
    if (at + LENGTH_MIN <= w->end)
        w->seen[slot_of(w->bytes + at)] = (uint32_t)at + 1;
}

/* With the dictionary only. There is one for all texts, and it is longer than most. */
static const struct window *front_window(const char *dictionary)
{
    static struct window front;

    if (front.bytes != dictionary)
        front = (struct window){.bytes = dictionary, .end = strlen(dictionary)};
    while (front.len < front.end)
        see(&front, front.len++);
    return &front;
}

/* How many bytes at w->len were seen before, and how far back; 0: too few. */
static size_t match(const struct window *w, size_t *ret_back)
{
    size_t at = w->len, len = 0;

    if (at + LENGTH_MIN > w->end)
        return 0;
    uint32_t seen = w->seen[slot_of(w->bytes + at)];
    if (!seen || at - (seen - 1) > BACK_MAX)
        return 0;
    *ret_back = at - (seen - 1);
    while (len < LENGTH_MAX && at + len < w->end && w->bytes[at + len] == w->bytes[at + len - *ret_back])
        len++;
    return len < LENGTH_MIN ? 0 : len;
}

/* Writes what stands for the next bytes, and returns how many they are. */
static size_t put_next(const struct window *w, char **to)
{
    size_t back = 0, len = match(w, &back);
    unsigned char byte = (unsigned char)w->bytes[w->len];

    if (len) {
        *(*to)++ = (char)(FIRST + len - LENGTH_MIN);
        *(*to)++ = (char)(0x80 | (back & 0x7f));
        *(*to)++ = (char)(0x80 | (back >> 7));
        return len;
    }
    if (byte <= LAST)
        *(*to)++ = LITERAL;
    *(*to)++ = (char)byte;
    return 1;
}

char *pack(const char *text, const char *dictionary, struct arena *a)
{
    cleanup_arena struct arena mem = {0};
    const struct window *front = front_window(dictionary);
    struct window w = *front;
    size_t len = strlen(text);
    char *bytes = arena_alloc(&mem, front->len + len + 1), *packed = arena_alloc(&mem, 2 * len + 1), *to = packed;

    memcpy(bytes, dictionary, front->len);
    memcpy(bytes + front->len, text, len);
    w.bytes = bytes;
    w.end += len;
    while (w.len < w.end)
        for (size_t n = put_next(&w, &to); n > 0; n--)
            see(&w, w.len++);
    return arena_strndup(a, packed, (size_t)(to - packed));
}

/* What a packed text is made of. */
struct piece {
    size_t len, back; /* back 0: the byte itself */
    char byte;
};

static bool next_piece(const unsigned char **at, struct piece *ret)
{
    const unsigned char *p = *at;

    if (*p > LAST || (*p == LITERAL && p[1])) {
        *at += *p > LAST ? 1 : 2;
        *ret = (struct piece){.len = 1, .byte = (char)(*p > LAST ? *p : p[1])};
        return true;
    }
    if (*p == LITERAL || !(p[1] & 0x80) || !(p[2] & 0x80))
        return false;
    *at += 3;
    *ret = (struct piece){.len = *p - FIRST + LENGTH_MIN, .back = (p[1] & 0x7fu) | (p[2] & 0x7fu) << 7};
    return ret->back > 0;
}

/* How long the text is; SIZE_MAX: it was not packed with a dictionary of this size. */
static size_t length_of(const char *packed, size_t front)
{
    size_t len = 0;
    struct piece piece;

    for (const unsigned char *at = (const unsigned char *)packed; *at; len += piece.len)
        if (!next_piece(&at, &piece) || piece.back > front + len)
            return SIZE_MAX;
    return len;
}

char *unpack(const char *packed, const char *dictionary, struct arena *a)
{
    size_t front = strlen(dictionary), len = length_of(packed, front), n = 0;
    struct piece piece;

    if (len == SIZE_MAX)
        return NULL;
    char *text = arena_alloc(a, len + 1);
    for (const unsigned char *at = (const unsigned char *)packed; *at;) {
        next_piece(&at, &piece);
        for (size_t i = 0; i < piece.len; i++, n++)
            text[n] = !piece.back      ? piece.byte
                      : piece.back > n ? dictionary[front + n - piece.back]
                                       : text[n - piece.back];
    }
    return text;
}
