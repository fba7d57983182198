#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Drops what is no UTF-8: what a peer made up, and the part of a character that is left when a long text is cut. The
 * API server would replace it, and the status would never be as it was written. */
static void keep_utf8(char *text)
{
    char *to = text;

    for (size_t len; *text; text += len ? len : 1) {
        len = utf8_len(text);
        memmove(to, text, len);
        to += len;
    }
    *to = '\0';
}

bool err_set(struct err *err, enum err_kind kind, const char *reason, const char *format, ...)
{
    va_list args;

    *err = (struct err){.kind = kind};
    snprintf(err->reason, sizeof(err->reason), "%s", reason);
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    keep_utf8(err->text);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char context[sizeof(err->text)], whole[2 * sizeof(err->text) + sizeof(": ")];
    va_list args;

    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    snprintf(whole, sizeof(whole), "%s: %s", context, err->text);
    whole[sizeof(err->text) - 1] = '\0';
    memcpy(err->text, whole, sizeof(err->text));
    keep_utf8(err->text);
    return false;
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
