/* The kinds of object that are watched, and what of each is kept in the store. */
#ifndef OPERATOR_KINDS_H
#define OPERATOR_KINDS_H

#include "kube/client.h"
#include "kube/store.h"
#include "runner/render.h"

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
 * tells of them. The arena owns the names. */
size_t kind_references(struct json_object *runner, bool secrets_by_name, struct reference ret[static REFERENCES_MAX],
                       struct arena *a);
/* Whether the selector fits, so that the watch tells of the object's changes and its end. */
bool kind_shows(enum kind kind, struct json_object *object);
/* Our label is on it, and some of its fields are ours by apply. Anybody may say that an object belongs to a runner;
 * this much is known of who wrote it. */
bool kind_is_made_by_us(struct json_object *object);
enum kind kind_of_child(enum child child);
/* Whether a child of this kind that is made for the owner has this name, wherever it is. */
bool kind_has_child_named(enum kind kind, const char *name, const struct owner *owner, struct arena *a);
/* By kind's name ("Secret"); KIND_COUNT when it is none of these. */
enum kind kind_by_name(const char *name);

/* A store for all of them. */
struct store *kinds_store_create(void);

/* What the store keeps of an object. Members of the record's text:
 *   GitLabRunner   generation, finalizer, deletionTimestamp, rotateToken, forceDelete, setAtGitLab, spec, status; of
 *                  one that is too large, no spec but why, tooLarge
 *   our children   hash, inputs, terminating, held; and what is special to the kind:
 *     Secret       the annotations of the registration
 *     Deployment   replicas, ready, available, updated, observed, problem, failure
 *   Namespace      allowedFrom, podSecurity, deletionTimestamp
 * Its fields are those of a child that are ours by apply, for drift.h. store: to find the owner of a child that does
 * not say whose it is. The arena owns the strings. */
struct record kind_record(enum kind kind, struct json_object *object, const struct store *store, struct arena *a);

/* What is kept of an object, as JSON; NULL when that is nothing. The arena owns it. */
struct json_object *record_kept(const struct record *record, struct arena *a);

/* What record_kept() would take of the heap: json_cost(). */
size_t record_cost(const struct record *record);

/* The record's fields, as FieldsV1; NULL: nothing is left to look at. The arena owns them. */
struct json_object *record_fields(const struct record *record, struct arena *a);

/* The object as spec_parse() takes it, from a GitLabRunner's record; the arena owns it. */
struct json_object *runner_object(const struct record *record, struct arena *a);

#endif
