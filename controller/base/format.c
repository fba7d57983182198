#include "base/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool has_nothing_but_texts(const char *format)
{
    while (*(format = strchrnul(format, '%')))
        if (format[1] == 's')
            format += 2;
        else
            return false;
    return true;
}

static void put(char *to, size_t size, size_t at, const char *text, size_t len)
{
    if (at < size)
        memcpy(to + at, text, len < size - at ? len : size - at);
}

static int put_together(char *to, size_t size, const char *format, va_list args)
{
    size_t room = size ? size - 1 : 0, at = 0;

    while (*format) {
        bool between = *format != '%';
        const char *text = between ? format : va_arg(args, const char *);
        text = text ? text : "(null)";
        size_t len = between ? (size_t)(strchrnul(format, '%') - format) : strlen(text);
        put(to, room, at, text, len);
        at += len;
        format += between ? len : 2;
    }
    if (size)
        to[at < room ? at : room] = '\0';
    return at <= INT_MAX ? (int)at : -1;
}

int format_text(char *to, size_t size, const char *format, va_list args)
{
    return has_nothing_but_texts(format) ? put_together(to, size, format, args) : vsnprintf(to, size, format, args);
}

int format_into(char *to, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = format_text(to, size, format, args);
    va_end(args);
    return len;
}
