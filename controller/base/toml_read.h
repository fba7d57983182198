/* Reading TOML 1.0, beside the writer (runner/toml.h): whoever comes from a config.toml of their own has one.
 *
 * What TOML can say and JSON cannot: a date or time becomes its text, an infinity or NaN stays a number that JSON has
 * no words for. A key with a NUL is refused, for nothing that reads JSON in C could tell it from another. */
#ifndef BASE_TOML_READ_H
#define BASE_TOML_READ_H

#include <stddef.h>

#include "base/err.h"

struct json_object;

/* What a key without quotes consists of. */
#define TOML_BARE_KEY "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

enum toml_kind { TOML_PLAIN, TOML_DATE_TIME, TOML_LOCAL_DATE_TIME, TOML_LOCAL_DATE, TOML_LOCAL_TIME };

/* Reads a document of len bytes: an object, owned by the caller. NULL and *err (ERR_INVALID, "name:line:column: what is
 * wrong: remedy") when it is not TOML, or is too much: more than JSON_DEPTH_MAX levels or 100000 values.
 * *ret_marks, unless ret_marks is NULL: a tree of the same shape, owned by the caller, that has a mark
 * (base/line_mark.h, of an enum toml_kind) for each value that is neither a table nor an array. */
struct json_object *toml_read(const char *name, const char *text, size_t len, struct json_object **ret_marks,
                              struct err *err);

#endif
