/* What the API server's refusals mean. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kube/client.h"

/* What a status of the API server asks the caller to do. */
static enum err_kind err_kind_of(long status)
{
    switch (status) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
        return ERR_INVALID;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_EXPIRED;
    default:
        return ERR_RETRY; /* 401: the token is read again; 429, 5xx, and what proxies make up */
    }
}

/* What server-side apply cannot merge, since it has another shape than the schema, is told as an error of the server;
 * but it is the object's, and is the same each time. */
static bool cannot_be_merged(long status, const char *message)
{
    static const char said[] = "failed to create typed patch object";

    return status == 500 && strncmp(message, said, sizeof(said) - 1) == 0;
}

/* A message may be empty, or have nothing in it that people can see. */
static struct err refusal_of(enum err_kind kind, const char *reason, const char *message)
{
    struct err err;

    err_set(&err, kind, reason, "%s", message);
    if (!*err.text)
        err_set(&err, kind, reason, "the API server gave no explanation");
    return err;
}

struct err kube_classify(long status, const char *body, size_t len, int64_t retry_after_ms)
{
    struct err err = {0}, ignored;
    cleanup_json struct json_object *object = NULL;

    if (status >= 200 && status < 300)
        return err;
    object = json_parse(body, len, &ignored);
    const char *message = json_str_or(object, "message", "");
    const char *reason = json_str_or(object, "reason", "");
    char code[16];
    snprintf(code, sizeof(code), "HTTP%ld", status);
    if (cannot_be_merged(status, message))
        err = refusal_of(ERR_INVALID, "Invalid", message);
    else
        err = refusal_of(err_kind_of(status), *reason ? reason : code, message);
    err.code = (int)status;
    err.retry_after_ms = retry_after_ms;
    return err;
}
