/* The kinds of object that are watched. */
#ifndef OPERATOR_KINDS_H
#define OPERATOR_KINDS_H

#include "kube/client.h"
#include "kube/store.h"
#include "runner/render.h"

/* Kubernetes' own limits of names. */
enum { KUBE_NAMESPACE_MAX = 63, KUBE_NAME_MAX = 253 };

enum kind {
    KIND_RUNNER, /* first: it takes one to find out whose a child is that does not say so */
    KIND_SECRET,
    KIND_CONFIG_MAP,
    KIND_NAMESPACE,
    KIND_SERVICE_ACCOUNT,
    KIND_ROLE_BINDING,
    KIND_DEPLOYMENT,
    KIND_DISRUPTION_BUDGET,
    KIND_COUNT,
};

const struct kube_resource *kind_resource(enum kind kind);
/* A label selector, NULL: all objects. */
const char *kind_selector(enum kind kind);
/* Whether anything is kept of an object of this name. There may be any number of Secrets and ConfigMaps: only those
 * that a GitLabRunner refers to, and Secrets that are ours by their names, concern us. */
bool kind_concerns(enum kind kind, const char *ns, const char *name, const struct store *store);
/* What a GitLabRunner, valid or not, refers to; returns how many. secrets_by_name: its own Secrets, too, for nobody
 * tells of them. The names are lent by the object, or the arena has them. */
size_t kind_references(struct json_object *runner, bool secrets_by_name, struct reference ret[static REFERENCES_MAX],
                       struct arena *a);
/* Whether the selector fits, so that the watch tells of the object's changes and its end. */
bool kind_shows(enum kind kind, struct json_object *object);
/* Our label is on it, and some of its fields are ours. Anybody may say that an object belongs to a runner;
 * this much is known of who wrote it. */
bool kind_is_made_by_us(struct json_object *object);
/* FieldsV1 of what is ours, as managed_fields_of() has it: text; lent, NULL: nothing. */
const char *kind_fields(struct json_object *object);
/* Lent; NULL: there is none, or it is longer than any that we look at, 4 KiB. */
const char *kind_annotation(struct json_object *object, const char *key);
enum kind kind_of_child(enum child child);
/* Whether a child of this kind that is made for the owner has this name, wherever it is. */
bool kind_has_child_named(enum kind kind, const char *name, const struct owner *owner, struct arena *a);
/* The same of some children, a bit each. */
bool kind_has_one_named(unsigned children, enum kind kind, const char *name, const struct owner *owner,
                        struct arena *a);
/* By kind's name ("Secret"); KIND_COUNT when it is none of these. */
enum kind kind_by_name(const char *name);

#endif
