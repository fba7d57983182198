/* Between toml_read.c, which knows tables and keys, and toml_scalar.c, which knows what a value looks like. */
#ifndef BASE_TOML_PARTS_H
#define BASE_TOML_PARTS_H

#include <stdbool.h>

#include "base/toml_read.h"

struct buf;

struct toml_reader {
    const char *name;
    const char *text, *at, *end; /* *end is a NUL                      */
    const char *counted;         /* the line breaks before it, …       */
    unsigned breaks;             /* … of which there are so many       */
    size_t values;               /* so far                             */
    struct err *err;
};

/* Says what is wrong where `place` is in the text, and the remedy. Returns false. */
bool toml_refuse(struct toml_reader *r, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads a string of one line, in either kind of quotes, as keys have it. */
bool toml_read_quoted(struct toml_reader *r, struct buf *ret);
/* Reads a value that is neither an array nor a table; the caller owns it. */
bool toml_read_scalar(struct toml_reader *r, struct json_object **ret, enum toml_kind *ret_kind);

#endif
