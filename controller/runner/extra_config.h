/* spec.config: the keys of config.toml that no field of the spec has, in GitLab's own words.
 *
 * What would break the file is refused: gitlab-runner refuses a config.toml as a whole when one value has another type
 * than it expects. What gitlab-runner does not know is written all the same, since a newer one may know it, and
 * reported, since gitlab-runner passes over it in silence. What a field of the spec or the operator writes is refused
 * by name; of a table that a field makes a part of (spec.cache, say) only the keys that the field of this very object
 * makes. */
#ifndef RUNNER_EXTRA_CONFIG_H
#define RUNNER_EXTRA_CONFIG_H

#include "runner/spec.h"

/* spec.config without null where gitlab-runner has a table, which the arena owns; the same tree when there is none.
 * This is what an API server leaves of a table whose keys were all taken out by who applies, when others have set the
 * table: server-side apply does so below x-kubernetes-preserve-unknown-fields. NULL is fine. */
struct json_object *extra_config_without_emptied(struct json_object *config, struct arena *a);

/* Validates spec.config of the object's spec, whose fields are read; err->all has what is wrong with them so far. False
 * and *err (ERR_INVALID) with the key's path and the remedy; else the keys that gitlab-runner does not know are warned
 * about. */
bool extra_config_validate(const struct owner *owner, const struct spec *fields, struct json_object *spec,
                           struct warnings *warnings, struct arena *a, struct err *err);

/* Where in the object the key of config.toml of that path ("runners.kubernetes.image") is set: "spec.image" when that
 * field is given, else "spec.config.runners.kubernetes.image". The arena owns it. */
const char *extra_config_field(const char *path, struct json_object *spec, struct arena *a);

/* spec.config without the keys of the operator's, or of another field, whose values are but what gitlab-runner writes
 * by itself (host = "", empty tables); the same tree when there are none. *left_out is the list of their paths for a
 * person, or NULL. The arena owns both. */
struct json_object *extra_config_said(struct json_object *config, const char **left_out, struct arena *a);

/* Adds spec.config to the tree of config.toml, whose `runners` is a list of one. What is there already stays. */
void extra_config_merge(struct json_object *tree, struct json_object *config);

/* Fingerprint of those keys that gitlab-runner reads at its start only; NULL when none of them is given. */
const char *extra_config_start_hash(struct json_object *config, struct arena *a);

#endif
