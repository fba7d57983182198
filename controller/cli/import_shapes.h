/* config.toml's shapes back into PodSpec's: the other way than runner/shapes.h and runner/affinity.h go.
 *
 * Each takes a value as config.toml has it and returns what the spec's field takes, owned by the caller; NULL when it
 * is of another type than gitlab-runner takes. */
#ifndef CLI_IMPORT_SHAPES_H
#define CLI_IMPORT_SHAPES_H

struct json_object;

typedef struct json_object *import_shape_fn(struct json_object *value);

import_shape_fn import_pull_policy;  /* "if-not-present", or a list of such */
import_shape_fn import_pull_secrets; /* ["registry"]                        */
import_shape_fn import_tolerations;  /* {"key=value": "NoSchedule"}         */
import_shape_fn import_environment;  /* ["KEY=value"]                       */
import_shape_fn import_affinity;     /* {node_affinity: …}                  */
import_shape_fn import_cache;        /* {Type, Path, s3: {BucketName, …}}   */
import_shape_fn import_quantity;     /* "500m", 1                           */

/* The entries of spec.volumes for the tables of [runners.kubernetes.volumes]. */
import_shape_fn import_volumes;

#endif
