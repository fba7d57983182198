/* spec.cache: where the jobs' caches are kept, and the table [runners.cache] that gitlab-runner has for it.
 *
 * The keys of the bucket are in a Secret of the object's own namespace, under the names that the official chart gives
 * them. They reach the runner by config.toml, which lies in a Secret itself, so a change of them restarts nothing.
 * Source: gitlab-runner's cache/cacheconfig. */
#ifndef RUNNER_CACHE_H
#define RUNNER_CACHE_H

#include "base/err.h"

struct arena;
struct json_object;

/* False and *err (ERR_INVALID) with the path and the remedy, where gitlab-runner could not use it; of a type that there
 * is not, which its shape complains of, without a word. NULL is fine. */
bool cache_validate(struct json_object *cache, struct err *err);

/* The name of the Secret that a valid cache refers to; NULL: none. */
const char *cache_secret_name(struct json_object *cache);

/* The key that a Secret lacks for this cache, or has no value for: such as "secretkey". NULL: it has all. data is the
 * Secret's, as the API server shows it: keys, and values in base64. */
const char *cache_missing_key(struct json_object *cache, struct json_object *data, struct arena *a);

/* The key of a complete Secret whose value somebody has put into quotation marks; NULL: none. */
const char *cache_quoted_key(struct json_object *cache, struct json_object *data, struct arena *a);

/* The table of a valid cache, with what the Secret's data says; NULL data stands for placeholders. NULL when there is
 * no cache. The caller owns the tree. */
struct json_object *cache_table(struct json_object *cache, struct json_object *data, struct arena *a);

#endif
