/* YAML to JSON and back, as kubectl does it (sigs.k8s.io/yaml, which follows YAML 1.1). */
#ifndef CLI_YAML_H
#define CLI_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;
struct json_object;

/* Reads a text (len bytes and a NUL) of one or more documents: an array of those that are not empty, owned by the
 * caller. NULL and *err (ERR_INVALID, "name:line:column: what is wrong: remedy") when it is not YAML, is not what JSON
 * can say, or is too much: more than JSON_DEPTH_MAX levels or 100000 values, aliases followed. */
struct json_object *yaml_read(const char *name, const char *text, size_t len, struct err *err);

/* What a scalar without quotes and tag means: a number, true, false, null, or else itself as text. The caller owns it.
 */
struct json_object *yaml_scalar(const char *text);

/* Appends the tree as one document, headed by "---". Text of several lines becomes a literal block. */
void yaml_write(struct json_object *tree, struct buf *out);

#endif
