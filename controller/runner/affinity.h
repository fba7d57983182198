/* spec.affinity: PodSpec's shape, and the tables of [runners.kubernetes.affinity] that gitlab-runner has for it.
 *
 * The two differ in their names alone (nodeAffinity, node_affinity), so the CRD's shape is what is rendered along.
 * Source: KubernetesAffinity in gitlab-runner's common/config.go. */
#ifndef RUNNER_AFFINITY_H
#define RUNNER_AFFINITY_H

#include <stdbool.h>

#include "base/err.h"

struct arena;
struct json_object;

/* False and *err (ERR_INVALID) with the path and the remedy, where an expression has not as many values as its operator
 * takes. NULL is fine. */
bool affinity_validate(struct json_object *affinity, struct arena *a, struct err *err);

/* The tables of a valid affinity; NULL when it says nothing. The caller owns the tree. */
struct json_object *affinity_table(struct json_object *affinity);

#endif
