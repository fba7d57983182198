/* PodSpec's shapes, and what gitlab-runner makes of them.
 *
 * The spec speaks PodSpec where config.toml has shapes of its own. Both the validation of a spec and its rendering need
 * to know how one becomes the other, so it is written down here, once. */
#ifndef RUNNER_SHAPES_H
#define RUNNER_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct json_object;

/* One member of a volume source and its key in config.toml. */
struct volume_column {
    const char *from, *to;
};

/* One kind of volume: the member of the entry that says it is of this kind, and its table in config.toml. */
struct volume_kind {
    const char *member, *table;
    const char *object;              /* where the source names its object; gitlab-runner names the volume after it.
                                        NULL: the volume has the entry's own name */
    bool propagates;                 /* gitlab-runner has mount_propagation for it */
    struct volume_column columns[4]; /* ended by an empty one                      */
};

/* The only source of the entry, or NULL when it has none or several. */
const struct volume_kind *volume_kind_of(struct json_object *entry);
bool volume_has_kind(struct json_object *entry);
/* The volume's name in the job's pod; NULL when it is not given. */
const char *volume_name(struct json_object *entry);
/* The i-th kind, NULL behind the last one; and "hostPath, …" for a message. */
const struct volume_kind *volume_kind_at(size_t i);
extern const char volume_members[];

/* The key of a toleration in [runners.kubernetes.node_tolerations]: "key=value", or "key" where the value is of no
 * matter. Its value there is the effect, "" for all. */
const char *toleration_key(struct json_object *toleration, struct arena *a);

/* A quantity, which JSON may give as text or whole number, as text lent by the tree; NULL for anything else. */
const char *quantity_text(struct json_object *quantity);

/* A DNS label (RFC 1123), as the names of namespaces and of a pod's volumes have to be. */
bool is_dns_label(const char *name);

/* The resources that gitlab-runner can bound, as Kubernetes calls them; ended by NULL. */
extern const char *const resource_names[];

#endif
