/* Versions that do not go together: GitLab's, the manager's and that of the helper image. */
#ifndef RUNNER_SKEW_H
#define RUNNER_SKEW_H

#include "runner/observed.h"

/* A reason and, in *ret_message, a sentence; NULL when the versions go together or are not known: an image's version is
 * known by its tag only. GitLab supports a runner of its own major version that is not newer than GitLab
 * (docs.gitlab.com/runner/#gitlab-runner-versions); the helper image must be of the manager's version. */
const char *version_skew(const struct observed *o, struct arena *a, const char **ret_message);

/* Where the number begins in the tag of an image, such as v19.4.0, alpine-v17.3.1, x86_64-v19.4.0 or 17.3; NULL: it has
 * no tag, or none with a number. */
const char *image_version(const char *image);

#endif
