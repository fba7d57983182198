#include "base/escape.h"

#include <string.h>

#include "base/arena.h"

int hex_digit(int32_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' ^ 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

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
