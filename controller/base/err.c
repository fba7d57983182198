#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/charset.h"
#include "base/shorten.h"

enum { WHOLE_MAX = 3 * sizeof(((struct err *)NULL)->text) };

/* The text as prose, as far as there is room for it. */
static void put_text(struct err *err, char *whole)
{
    shorten(charset_to_prose(whole), sizeof(err->text) - 1);
    memcpy(err->text, whole, strlen(whole) + 1);
}

bool err_set(struct err *err, enum err_kind kind, const char *reason, const char *format, ...)
{
    assert(kind != ERR_NONE && *reason);
    char whole[WHOLE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(whole, sizeof(whole), format, args);
    va_end(args);
    *err = (struct err){.kind = kind};
    snprintf(err->reason, sizeof(err->reason), "%s", reason);
    put_text(err, whole);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char context[sizeof(err->text)], whole[WHOLE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    snprintf(whole, sizeof(whole), "%s: %s", context, err->text);
    put_text(err, whole);
    return false;
}

void err_add(struct err *err, const char *text)
{
    char whole[WHOLE_MAX];

    snprintf(whole, sizeof(whole), "%s; %s", err->text, text);
    put_text(err, whole);
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return "none";
    case ERR_RETRY:
        return "retry";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_NOT_FOUND:
        return "not-found";
    case ERR_EXPIRED:
        return "expired";
    case ERR_DENIED:
        return "denied";
    case ERR_INVALID:
        return "invalid";
    }
    return "?";
}
