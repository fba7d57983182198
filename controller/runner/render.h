/* The objects that a GitLabRunner leads to, as pure functions of its spec.
 *
 * Each manifest is a complete object for server-side apply: apiVersion, kind, metadata (name, namespace, labels,
 * annotations with ANNOTATION_APPLIED_HASH, ownerReferences when in the owner's namespace) and content. The fingerprint
 * is taken over the manifest without ANNOTATION_INPUTS and with secret values replaced, so that it can be compared
 * without knowing any token. Equal input gives equal bytes. */
#ifndef RUNNER_RENDER_H
#define RUNNER_RENDER_H

#include "runner/features.h"
#include "runner/spec.h"

enum child {
    CHILD_TOKEN_SECRET,  /* precious: written at registration and rotation, never else */
    CHILD_CONFIG_SECRET, /* derived */
    CHILD_SERVICE_ACCOUNT,
    CHILD_JOBS_ACCOUNT,    /* of the jobs' pods, when asked for               */
    CHILD_ROLE_BINDING,    /* of what every job needs …                       */
    CHILD_FEATURE_BINDING, /* … and one for each feature that is asked for: */
    CHILD_LAST_FEATURE_BINDING = CHILD_FEATURE_BINDING + FEATURE_COUNT - 1,
    CHILD_DEPLOYMENT,
    CHILD_DISRUPTION_BUDGET, /* when asked for */
    CHILD_COUNT,
};

/* What the registration knows of itself; becomes the annotations and the content of the token Secret. */
struct registration {
    int64_t runner_id;
    const char *token; /* NULL: a placeholder, for comparing only */
    const char *url;
    const char *authentication; /* authentication_name()          */
    const char *scope;          /* scope_text()                   */
    const char *told_hash;      /* attributes_hash()              */
    const char *expiration;     /* RFC 3339, NULL: never expires  */
    const char *obtained;       /* the same, with an expiration; NULL: not known           */
    const char *rotation;       /* ANNOTATION_ROTATE_TOKEN as it was honoured; NULL: none  */
    const char *inputs;         /* ANNOTATION_INPUTS; NULL: none  */
};

/* What config.toml needs besides the spec. NULL stands for a placeholder, for comparing only. */
struct config_inputs {
    const char *token;
    const char *ca_pem;
    const char *client_cert, *client_key;
    struct json_object *cache; /* the data of the Secret that spec.cache names, as the API server shows it */
    const char *inputs;        /* ANNOTATION_INPUTS */
};

/* The manager's image where neither the spec nor the command line names one. */
#define DEFAULT_MANAGER_IMAGE "gitlab/gitlab-runner:alpine-v19.4.0"

/* What the operator's own settings add. */
struct render_settings {
    const char *manager_image; /* used where spec.manager.image is not given */
    const char *namespaces;    /* that are served (runner/namespaces.h)      */
};

/* Whether this spec leads to that child (a ServiceAccount of the user's own is not ours to make; a PodDisruptionBudget
 * must be asked for). */
bool child_wanted(enum child child, const struct spec *spec);
/* These live among the jobs, the other children beside their owner. */
bool child_is_binding(enum child child);
const char *child_kind(enum child child); /* "Secret", … */
/* Of a spec's owner at most 253 bytes, as Kubernetes has it: that of a RoleBinding, which has the owner's namespace in
 * it, is cut where it would be longer. */
const char *child_name(enum child child, const struct owner *owner, struct arena *a);
/* Key of the owner one of whose RoleBindings has this name; NULL: nobody's has, or the name is cut. */
const char *role_binding_owner(const char *name, struct arena *a);
/* Whose a Secret of this name is, the name alone; NULL: it is not one of ours. The arena owns it. */
const char *secret_owner(const char *name, struct arena *a);
const char *child_namespace(enum child child, const struct owner *owner, const struct spec *spec);

/* The label selector of the manager's pods, as status.selector has it. */
const char *selector_text(const struct owner *owner, struct arena *a);
/* The ServiceAccount of the jobs' pods; NULL: that of their namespace. */
const char *render_jobs_account_name(const struct owner *owner, const struct spec *spec, struct arena *a);
/* The ServiceAccount of the manager's pods: the user's own, or the one that we make. */
const char *render_account_name(const struct owner *owner, const struct spec *spec, struct arena *a);

/* The manifest; the arena owns the tree. */
struct json_object *render_token_secret(const struct owner *owner, const struct registration *r, struct arena *a);
struct json_object *render_config_secret(const struct owner *owner, const struct spec *spec,
                                         const struct config_inputs *in, struct arena *a);

/* Any child but the token Secret, with placeholders where config.toml needs more than the spec. */
struct json_object *render_child(enum child child, const struct owner *owner, const struct spec *spec,
                                 const struct render_settings *settings, struct arena *a);

/* What a Deployment is made of beside its spec: the uid of its pods' ServiceAccount, for of one that was made anew they
 * need new tokens; and the last restart that was asked for. In ANNOTATION_INPUTS: "account=UID restart=WORD". */
#define INPUT_ACCOUNT "account="
#define INPUT_RESTART "restart="
/* The arena's; NULL: they do not say. */
const char *input_of(const char *inputs, const char *name, struct arena *a);
/* Puts these into the pods of its manifest, so that others replace the pods, and all of them into itself. NULL, "":
 * none. The fingerprint stays. */
void render_deployment_inputs(struct json_object *deployment, const char *inputs, struct arena *a);

/* ANNOTATION_APPLIED_HASH of a manifest, lent by it; NULL: it has none. */
const char *manifest_hash(struct json_object *manifest);

/* What config.toml is written from: gitlab-runner's keys, `runners` being a list of one. Of *in the token and the
 * cache. The arena owns the tree, which may share values with spec.config. */
struct json_object *render_config_tree(const struct owner *owner, const struct spec *spec,
                                       const struct config_inputs *in, struct arena *a);
/* The same without what spec.config adds (runner/extra_config.h). */
struct json_object *config_of_fields(const struct owner *owner, const struct spec *spec, const struct config_inputs *in,
                                     struct arena *a);
/* The file itself. */
const char *render_config_toml(const struct owner *owner, const struct spec *spec, const struct config_inputs *in,
                               struct arena *a);
/* The runner's token in a config.toml that render_config_toml() has written for the GitLab at that url; NULL: there is
 * none, or it is of another GitLab. */
const char *config_toml_token(const char *toml, const char *url, struct arena *a);

#endif
