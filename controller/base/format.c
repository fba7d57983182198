#include "base/format.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void put(char *to, size_t size, size_t at, const char *text, size_t len)
{
    if (at < size)
        memcpy(to + at, text, len < size - at ? len : size - at);
}

/* -1: there is more in the format than texts. */
static int put_together(char *to, size_t size, const char *format, va_list args)
{
    size_t room = size ? size - 1 : 0, at = 0;

    for (const char *next = format; *format; format = next) {
        const char *text = format;
        next = strchrnul(format, '%');
        size_t len = (size_t)(next - format);
        if (!len) {
            if (*++next != 's')
                return -1;
            text = va_arg(args, const char *);
            text = text ? text : "(null)";
            len = strlen(text);
            next++;
        }
        put(to, room, at, text, len);
        at += len;
    }
    if (size)
        to[at < room ? at : room] = '\0';
    return at <= INT_MAX ? (int)at : -1;
}

int format_text(char *to, size_t size, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int len = put_together(to, size, format, args);
    if (len < 0)
        len = vsnprintf(to, size, format, again);
    va_end(again);
    return len;
}

int format_into(char *to, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = format_text(to, size, format, args);
    va_end(args);
    return len;
}
