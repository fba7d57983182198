/* What the store keeps of the objects of each kind, beside what all records have (kube/record.h). No tree, no token. */
#ifndef OPERATOR_KEPT_H
#define OPERATOR_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "operator/kinds.h"

/* Of each kind what its records keep. */
extern const struct record_layout kept_layouts[KIND_COUNT];
/* A store for all of them. */
struct store *kinds_store_create(void);

/* KIND_RUNNER. */
struct kept_runner {
    const char *spec, *status; /* JSON; NULL: none, or it is too large */
    const char *annotations;   /* JSON of those that steer it (runner/steering.h); NULL: none */
    const char *too_large;     /* why no more is known of it; NULL: all is */
    int64_t generation;
    int64_t deletion_time;  /* seconds since 1970; 0: it is not being deleted, -1: not to be read */
    uint32_t creation_time; /* the same          */
    bool deleting, finalizer, force_delete;
};

/* Any object of ours: the first member of what its kind keeps. */
struct kept_child {
    const char *hash, *inputs; /* ANNOTATION_APPLIED_HASH, ANNOTATION_INPUTS; NULL: none              */
    const char *fields;        /* the digest of its fields that are ours, see drift.h; NULL: not judged    */
    bool terminating;
    bool held;             /* our finalizer is on it */
    bool drifted;          /* or may have: see drift.h */
    bool applied, updated; /* some of its fields are ours by apply, by update (kube/managed_fields.h) */
};

/* KIND_SECRET: what the token Secret's annotations say of the registration, NULL: nothing. */
struct kept_secret {
    struct kept_child child;
    const char *runner_id, *url, *authentication, *scope, *told_hash, *expiration, *obtained, *rotation;
};

/* KIND_DEPLOYMENT: its status. */
struct kept_deployment {
    struct kept_child child;
    const char *problem; /* what its Progressing condition says when it failed, cut at 1 KiB; NULL: it has not */
    const char *failure; /* … its condition ReplicaFailure                                        */
    int64_t replicas, ready, available, updated;
    bool observed; /* its controller has seen its newest generation */
};

/* KIND_NAMESPACE. */
struct kept_namespace {
    const char *allowed_from, *pod_security; /* NULL: nothing is said */
    int64_t deletion_time;                   /* as above              */
    bool deleting;
};

/* What is kept of an object of the kind, is_child: that is one of ours. NULL: nothing. The arena has the struct; its
 * texts are lent by the object, or are the arena's. */
void *kept_of(enum kind kind, struct json_object *object, bool is_child, struct arena *a);

/* Of a record of that kind; NULL when there is none, or nothing is kept of it. */
const struct kept_runner *kept_runner(const struct record *runner);
const struct kept_child *kept_child(const struct record *child);
const struct kept_secret *kept_secret(const struct record *secret);
const struct kept_deployment *kept_deployment(const struct record *deployment);
const struct kept_namespace *kept_namespace(const struct record *ns);

/* The object as spec_parse() takes it, from a GitLabRunner's record, and its status; the arena owns them. NULL: it has
 * no status. */
struct json_object *runner_object(const struct record *runner, struct arena *a);
struct json_object *runner_status(const struct record *runner, struct arena *a);

/* All that is kept, for people; the caller owns it. NULL: nothing. */
struct json_object *kept_json(enum kind kind, const struct record *record);

#endif
