/* What the namespace of the jobs forbids of their pods. */
#ifndef RUNNER_POD_SECURITY_H
#define RUNNER_POD_SECURITY_H

#include "runner/spec.h"

/* The first field of the spec ("spec.volumes[0].hostPath") for which the API server would refuse every job's pod in a
 * namespace that enforces this level of the Pod Security Standards, by its label LABEL_POD_SECURITY; NULL when there is
 * none, also for the level NULL (no label). "baseline" forbids privileged containers and hostPath, "restricted" also
 * volumes of other kinds than the seven that it names; see kubernetes.io/docs/concepts/security/pod-security-standards.
 * What restricted demands of a pod besides is not looked at: gitlab-runner's own settings can grant it. */
const char *pod_security_forbids(const struct spec *spec, const char *level, struct arena *a);

#endif
