/* YAML to JSON and back, as kubectl does it (sigs.k8s.io/yaml, which follows YAML 1.1). */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;
struct json_object;

enum yaml_scalars {
    YAML_TYPED, /* a scalar without quotes and tag is what yaml_scalar() makes of it */
    YAML_TEXTS, /* … is text as it is written, 010 too, or null: where all is text    */
};

enum {
    YAML_VALUES_MAX = 100000, /* in all documents, aliases followed        */
    YAML_TEXT_MAX = 16 << 20, /* bytes of keys and scalars, just so        */
};

/* Reads a text (len bytes and a NUL) of one or more documents: an array of those that are not empty, owned by the
 * caller. NULL and *err (ERR_INVALID, "name:line:column: what is wrong: remedy") when it is not YAML, is not what JSON
 * can say, has a key twice, or is too much: more than JSON_DEPTH_MAX levels, or than the maxima above. */
struct json_object *yaml_read(const char *name, const char *text, size_t len, enum yaml_scalars scalars,
                              struct err *err);
/* The same, and *ret_marks, unless ret_marks is NULL: an array of the same shape, owned by the caller, that has a mark
 * (base/line_mark.h) for each value that has none within it: of an alias, where its value stands. */
struct json_object *yaml_read_marked(const char *name, const char *text, size_t len, enum yaml_scalars scalars,
                                     struct json_object **ret_marks, struct err *err);

/* What a scalar without quotes and tag means: a number, true, false, null, or else itself as text. The caller owns it.
 */
struct json_object *yaml_scalar(const char *text);
bool yaml_is_null(const char *text);

/* Appends the tree as one document, headed by "---". Text of several lines becomes a literal block. */
void yaml_write(struct json_object *tree, struct buf *out);

#endif
