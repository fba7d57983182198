/* The parts of extra_config_validate(): private to extra_config*.c. */
#ifndef RUNNER_EXTRA_CONFIG_PARTS_H
#define RUNNER_EXTRA_CONFIG_PARTS_H

#include "runner/extra_config.h"

enum {
    EXTRA_CONFIG_MAX_DEPTH = 16,         /* tables and arrays within each other       */
    EXTRA_CONFIG_MAX_BYTES = 128 * 1024, /* of JSON; a Secret may have 1 MiB at most  */
};

/* Says what TOML cannot say at all, whatever it means. False when it is nested too deep, or too large, to be looked at
 * any further. */
bool extra_config_validate_shape(struct json_object *config, struct arena *a, struct err *err);

/* Whether the key of that path ("runners.kubernetes.image") may be in spec.config; the object's spec is asked for the
 * fields that say the same. exact: it is known, and written as gitlab-runner writes it; else case counts for nothing.
 */
bool extra_config_validate_owner(const char *path, bool exact, struct json_object *spec, struct err *err);

/* Whether a key that is the operator's or of another field has a value that gitlab-runner writes by itself into a
 * config.toml where nobody has set it: such a one is no wish, so it is neither refused nor taken. */
bool extra_config_says_nothing(const char *path, struct json_object *value);

/* The field of the spec ("tolerations") that says what the key of that path does, or the table that it is in; NULL:
 * there is none, and *why is NULL where the key may be in spec.config, or what it is ("is always kubernetes") where it
 * may be nowhere. */
const char *extra_config_owner(const char *path, const char **why);

/* The field of the spec that may make the key as well, because it makes a part of the table that the key is in; NULL:
 * none does. */
const char *extra_config_shared_with(const char *path);

/* What gitlab-runner asks of some values before it takes the file. */
bool extra_config_validate_values(struct json_object *config, struct err *err);

#endif
