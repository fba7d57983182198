/* Errors, named by what the caller does next.
 *
 * A function that can fail takes `struct err *err` last and returns false, NULL or a negative number. On success
 * *err is untouched; on failure it is set. Errors are classified once, at the edge where they happen; on the way
 * up err_wrap() adds context; whoever acts on the error logs it, once. An error never allocates. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_kind {
    ERR_NONE,
    ERR_RETRY,     /* the other side may answer better later: wait (retry_after_ms, else backoff) and repeat */
    ERR_CONFLICT,  /* somebody else changed or made the object: look again, then decide again               */
    ERR_NOT_FOUND, /* it is not there                                                                       */
    ERR_EXPIRED,   /* the resource version is too old: list again                                           */
    ERR_DENIED,    /* credentials or rights are missing: a person has to act                                */
    ERR_INVALID,   /* the request itself is wrong: a person has to act                                      */
};

struct complaints;

struct err {
    enum err_kind kind;
    int code;               /* HTTP status, or 0 when no answer came        */
    int64_t retry_after_ms; /* what the server asked for; 0: nothing said   */
    bool untried;           /* nothing was sent: it tells of an earlier call, which has failed              */
    char reason[48];        /* one CamelCase word for conditions and logs   */
    char text[400];         /* a sentence for a person: prose (charset.h), shortened when it is too long */
    struct complaints *all; /* all that is wrong, the text being the first; whose they are knows what they are */
};

/* Fill *err and return false, so that a failing function can end with `return err_set(…)`. */
bool err_set(struct err *err, enum err_kind kind, const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Put `context: ` in front of the text. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put `; ` and a remedy behind the text. */
void err_add(struct err *err, const char *text);

/* The kind as a word for logs and metric labels; never NULL. */
const char *err_kind_name(enum err_kind kind);

#endif
