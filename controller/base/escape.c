#include "base/escape.h"

#include <string.h>

#include "base/arena.h"

const char *percent_escaped(const char *text, struct arena *a)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = arena_alloc(a, strlen(text) * 3 + 1), *at = escaped;

    for (; *text; text++) {
        if (strchr(plain, *text)) {
            *at++ = *text;
        } else {
            *at++ = '%';
            *at++ = digits[(unsigned char)*text >> 4];
            *at++ = digits[(unsigned char)*text & 15];
        }
    }
    return escaped;
}
