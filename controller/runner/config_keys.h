/* What gitlab-runner knows in config.toml: keys and the types of their values, taken from the structs that it reads the
 * file into. config_keys.c is generated. */
#ifndef RUNNER_CONFIG_KEYS_H
#define RUNNER_CONFIG_KEYS_H

#include "runner/shape.h"

/* The whole file; its `runners` is one table here, since spec.config is about one runner. */
extern const struct shape config_shape;
/* The version of gitlab-runner that the table is of. */
extern const char config_keys_version[];

#endif
