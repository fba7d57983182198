/* spec.proxy: the HTTP proxy of the manager and the jobs, as variables of their environment.
 *
 * Programs disagree about the case of the names, so each is set in both. NO_PROXY always has what is in the cluster. */
#ifndef RUNNER_PROXY_H
#define RUNNER_PROXY_H

#include <stdbool.h>

#include "runner/spec.h"

/* False and *err (ERR_INVALID) with the path and the remedy. A proxy that is not given is fine. */
bool proxy_validate(const struct proxy *proxy, struct err *err);

/* [{name, value}, …], without the names that `users`, of the same shape, has: whoever sets a variable himself means it.
 * also: one more entry of NO_PROXY, NULL: none. Empty when there is no proxy. The caller owns the list. */
struct json_object *proxy_variables(const struct proxy *proxy, const char *also, struct json_object *users,
                                    struct arena *a);

/* Whether a list of variables has one of this name. */
bool variable_is_given(struct json_object *list, const char *name);

#endif
