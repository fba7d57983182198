/* spec.manager.podSpec: whatever else of the manager's PodSpec a user wants, merged last.
 *
 * As kubectl patches a PodSpec: objects are merged member by member, containers by their names. The entries of the
 * other lists that have keys (volumes by name, mounts by mountPath, …) replace the one of that key as a whole; all
 * other lists are replaced. Nothing can be taken out: null says nothing. */
#ifndef RUNNER_POD_SPEC_H
#define RUNNER_POD_SPEC_H

#include <stdbool.h>

#include "base/err.h"

struct arena;
struct json_object;

/* Of the manager's pod; a user's podSpec may not change them. */
#define MANAGER_CONTAINER "manager"
#define CONFIG_VOLUME     "config"
#define FOLDER_VOLUME     "folder"
#define CONFIG_MOUNT      "/run/secrets/gitlab-runner" /* config.toml names ca.crt by this path */
#define CONFIG_FOLDER     "/etc/gitlab-runner"

/* False and *err (ERR_INVALID) with the path and the remedy, where it is no PodSpec, or would change what the manager
 * could not work without. NULL is fine. */
bool pod_spec_validate(struct json_object *patch, struct arena *a, struct err *err);

/* The PodSpec with a valid patch; patch may be NULL. The caller owns the tree. */
struct json_object *pod_spec_merged(struct json_object *pod, struct json_object *patch);

#endif
