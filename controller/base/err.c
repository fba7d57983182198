#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/charset.h"

bool err_set(struct err *err, enum err_kind kind, const char *reason, const char *format, ...)
{
    va_list args;

    *err = (struct err){.kind = kind};
    snprintf(err->reason, sizeof(err->reason), "%s", reason);
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    charset_to_prose(err->text);
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
    charset_to_prose(err->text);
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
