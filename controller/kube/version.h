/* Resource versions are decimal numbers of any length, comparable within one kind of object.
 *
 * Source: Kubernetes enhancement 5504 (comparable resource versions). */
#ifndef KUBE_VERSION_H
#define KUBE_VERSION_H

#include <stdbool.h>

/* True for a decimal number without a leading zero. */
bool kube_version_valid(const char *version);
/* Negative, zero or positive as a is older than, equal to or newer than b; a malformed version is older than any other.
 */
int kube_version_compare(const char *a, const char *b);

#endif
