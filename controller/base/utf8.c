#include "base/utf8.h"

#include <string.h>

#include "base/mem.h"

size_t utf8_len(const char *text)
{
    static const struct {
        unsigned char first, last, min_second, max_second;
        size_t len;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *bytes = (const unsigned char *)text;

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
            continue;
        for (size_t n = 1; n < forms[i].len; n++)
            if (bytes[n] < (n == 1 ? forms[i].min_second : 0x80) || bytes[n] > (n == 1 ? forms[i].max_second : 0xbf))
                return 0;
        return forms[i].len;
    }
    return 0;
}

size_t utf8_count(const char *text)
{
    size_t count = 0;

    for (; *text; count++)
        text += utf8_len(text) ? utf8_len(text) : 1;
    return count;
}

char *utf8_keep(char *text)
{
    const char *from = text;
    char *to = text;

    for (size_t len; *from; from += len ? len : 1) {
        len = utf8_len(from);
        memmove(to, from, len);
        to += len;
    }
    *to = '\0';
    return text;
}
