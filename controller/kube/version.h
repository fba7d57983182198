/* Resource versions are decimal numbers of any length, comparable within one kind of object.
 *
 * Source: Kubernetes enhancement 5504 (comparable resource versions). */
#ifndef KUBE_VERSION_H
#define KUBE_VERSION_H

#include <stdbool.h>

/* True for a decimal number without a leading zero. What is not is an error: who reads it from a peer refuses it. */
bool kube_version_valid(const char *version);
/* Both are versions, and a is the newer one. What is no version is neither newer nor older than anything, nor the same.
 */
bool kube_version_newer(const char *a, const char *b);

#endif
