/* config.toml's shapes back into PodSpec's: the other way than runner/shapes.h and runner/affinity.h go.
 *
 * Each takes a value as config.toml has it and returns what the spec's field takes, owned by the caller; NULL when it
 * is of another type than gitlab-runner takes. */
#ifndef CLI_IMPORT_SHAPES_H
#define CLI_IMPORT_SHAPES_H

#include <stdbool.h>

struct json_object;

/* As people and programs write what nobody has set: null, "", a list or table of nothing. */
bool import_is_unset(struct json_object *value);

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

/* cli/import_shapes_values.c: what charts and objects have, as the spec takes it. */
import_shape_fn import_comma_list;   /* "a, b" as [a, b]                                       */
import_shape_fn import_protected;    /* true as RefProtected                                   */
import_shape_fn import_access_level; /* "ref_protected" as RefProtected                        */
import_shape_fn import_not;          /* `active`, of which `paused` is the contrary            */
import_shape_fn import_scope;        /* "group_type" as Group                                  */
import_shape_fn import_whole;        /* "3600" as 3600                                         */
import_shape_fn import_log_level;    /* "warning" as warn                                      */
import_shape_fn import_references;   /* [a, {name: b}] as [{name: a}, {name: b}]               */

/* … and as config.toml takes it. */
import_shape_fn import_variables;        /* {KEY: value} as ["KEY=value"]                            */
import_shape_fn import_toleration_table; /* [{key, operator, value, effect}] as {"key=value": effect} */

#endif
