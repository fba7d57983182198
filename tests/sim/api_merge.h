/* Server-side apply: a manifest laid over an object, and what the manifest had before and has no more taken out. */
#ifndef TESTS_SIM_API_MERGE_H
#define TESTS_SIM_API_MERGE_H

#include <stddef.h>

struct json_object;
struct schema;

/* live with all that manifest says; branches that stay are shared. Returns a reference of the caller's. */
struct json_object *merge_values(struct json_object *live, struct json_object *manifest, const struct schema *schema);

enum { MERGE_OWNERS_MAX = 24 };
struct merge_owners {
    struct json_object *sets[MERGE_OWNERS_MAX];
    size_t len;
};
/* value without the fields of `last` that no owner has. Returns a reference of the caller's; NULL: it is emptied. */
struct json_object *merge_pruned(struct json_object *value, struct json_object *last, const struct merge_owners *owners,
                                 const struct schema *schema);

#endif
