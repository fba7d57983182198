/* The spec of a GitLabRunner: from JSON to a struct in which defaults are filled in.
 *
 * The API server has validated the object against the CRD; spec_parse() does it again, because `validate` and `render`
 * read files that no server has seen, and a server may have let an object in when the CRD was another one. Strings and
 * JSON values are lent by the tree or live in the arena; NULL means: not given. */
#ifndef RUNNER_SPEC_H
#define RUNNER_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runner/shape.h"
#include "runner/steering.h"
#include "runner/warnings.h"

struct arena;
struct complaints;
struct json_object;

/* Which GitLabRunner this is about. */
struct owner {
    const char *ns, *name;
    const char *uid; /* NULL: read from a file, no server has given it one */
};

enum authentication { AUTH_REGISTRATION_TOKEN, AUTH_ACCESS_TOKEN, AUTH_RUNNER_TOKEN };
enum scope_type { SCOPE_UNSET, SCOPE_INSTANCE, SCOPE_GROUP, SCOPE_PROJECT };
enum deletion_policy { DELETION_DELETE, DELETION_ORPHAN };
enum rotation_policy { ROTATION_AUTO, ROTATION_DISABLED };

struct key_ref {
    const char *name; /* NULL: no reference */
    const char *key;
};

struct strings {
    const char **items;
    size_t len;
};

struct host_alias {
    const char *ip;
    struct strings hostnames;
};

/* Of the manager and the jobs; see runner/proxy.h. */
struct proxy {
    struct json_object *whole, *no_proxy; /* as in the object */
    const char *http, *https;             /* URLs, NULL: none */
};

/* What GitLab keeps of a runner, in GitLab's words. */
struct attributes {
    const char *description; /* default: namespace/name                       */
    struct strings tags;     /* a set: sorted, each once                      */
    bool run_untagged;       /* default: true when there are no tags          */
    bool locked;             /* default: false                                */
    bool paused;
    const char *access_level;     /* "not_protected" or "ref_protected"            */
    int64_t maximum_timeout;      /* seconds; 0: not given                         */
    const char *maintenance_note; /* the user's text followed by our mark      */
};

struct manager_spec {
    const char *image; /* NULL: the operator's default                   */
    const char *image_pull_policy;
    int64_t replicas;                 /* default 1                                      */
    int64_t termination_grace_period; /* seconds, default 3600                  */
    const char *priority_class_name, *service_account_name;
    struct json_object *image_pull_secrets, *resources, *node_selector, *tolerations, *affinity,
        *topology_spread_constraints, *pod_labels, *pod_annotations, *env, *env_from; /* PodSpec shapes */
    struct json_object *account, *account_labels, *account_annotations; /* of the ServiceAccount that we make */
    struct json_object *deployment_labels, *deployment_annotations;     /* of the Deployment itself          */
    struct json_object *strategy; /* as in a DeploymentSpec, NULL: a new pod before an old one goes */
    int64_t min_ready, progress_deadline, revision_history; /* -1: the cluster's default; default 2       */
    struct json_object *pod_spec;                           /* merged into the PodSpec last, see runner/pod_spec.h */
    struct json_object *disruption_budget;                  /* {minAvailable} or {maxUnavailable}, NULL: none */
};

struct spec {
    struct json_object *json; /* what all of it was read from: null is as good as absent in it, where it is let pass */
    const char *url;          /* without a slash at the end                     */
    enum authentication authentication;
    struct key_ref credential;
    int64_t adopt_runner_id; /* a runner that exists, AUTH_ACCESS_TOKEN only; 0: none */
    enum scope_type scope;
    int64_t scope_id;  /* group or project, 0 for an instance            */
    struct key_ref ca; /* PEM bundle                                     */
    bool ca_in_config_map;
    struct key_ref client_cert, client_key; /* of one Secret */
    struct attributes attributes;

    int64_t concurrent, check_interval; /* defaults 10 and 3 s */
    const char *log_level, *log_format; /* NULL: gitlab-runner's own default */

    const char *namespace; /* of the jobs; default: the object's own         */
    const char *image, *helper_image, *service_account_name;
    struct json_object *node_selector, *tolerations, *affinity, *cache, *volumes, *resources, *image_pull_secrets,
        *pull_policy, *pod_labels, *pod_annotations, *environment; /* as in the object        */
    bool privileged;
    const char *pod_security;    /* "Baseline", "Restricted"; NULL: nothing is asked of the jobs' pods */
    struct json_object *account; /* that we make for the jobs; NULL: none */
    struct json_object *account_labels, *account_annotations;
    struct proxy proxy;
    struct host_alias *host_aliases;
    size_t host_aliases_len;
    struct json_object *host_aliases_json;

    struct json_object *config;  /* more of config.toml, in GitLab's words (runner/extra_config.h) */
    const char *config_left_out; /* paths of what is in there and says nothing; NULL: none                 */

    struct manager_spec manager;
    enum deletion_policy deletion_policy;
    int64_t deregistration_deadline; /* seconds, default 900 */
    int64_t server_check_period;     /* seconds, default 600 */
    enum rotation_policy rotation_policy;
    int64_t rotate_at_percent; /* of a token's life that is left when it is rotated, default 25 */
    bool suspend;

    struct steering steering; /* by annotations, which are no part of the spec but of the same will */

    struct warnings warnings; /* about all of the above */
};

/* The object's identity, lent by the tree; the namespace is "default" where the object says none. */
struct owner owner_of(struct json_object *object);

/* Reads the whole object (apiVersion, kind, metadata with the annotations of runner/steering.h, spec). False and *err
 * (ERR_INVALID) when something that the code relies on is missing or wrong: err->all has a sentence with the field's
 * path and the remedy for each such thing, in the order of the object's fields, the text is the first of them. The
 * arena owns that list. */
bool spec_parse(struct json_object *object, struct spec *ret, struct arena *a, struct err *err);

/* Its two halves, whose complaints join those that are in the list already: what can be said of the fields by
 * themselves, first of all that they have another type, and of fields that nobody knows those of the jobs' pods; and
 * what would become of the jobs (runner/judge.h). That is asked, when something has been complained of, of a copy
 * without it, and *spec is left alone. False when there are complaints. */
bool spec_read_all(struct json_object *object, struct spec *ret, struct complaints *all, struct arena *a);
bool spec_judge_all(struct json_object *object, struct spec *spec, struct complaints *all, struct arena *a);

/* As spec_read_all(), where somebody else is asked about fields that nobody knows. */
bool spec_read_with(struct json_object *object, shape_member_fn *member, struct spec *ret, struct complaints *all,
                    struct arena *a);

/* Whether the path is below a field that gitlab-runner's own tables are made of; and what is said of what has no place
 * in them. */
bool spec_is_of_jobs_pod(const char *path);
#define NO_SUCH_SETTING "gitlab-runner has no such setting, take it out"

/* "RegistrationToken", …; "Instance", "Group/12", "Project/7" ("" when unset), as in annotations and status. */
const char *authentication_name(enum authentication mode);
const char *scope_text(const struct spec *spec, struct arena *a);

/* The address that a host alias gives for the URL's host, or NULL when it is to be looked up in DNS. */
const char *spec_address_of(const struct spec *spec, const char *url, struct arena *a);

/* The attributes as JSON in the shape of GitLab's API (description, tag_list, run_untagged, locked, paused,
 * access_level, maximum_timeout, maintenance_note), owned by the arena; and its fingerprint. A timeout that is not
 * given is null, so that taking it out of the spec takes it away at GitLab too. */
struct json_object *attributes_json(const struct attributes *attributes, struct arena *a);
const char *attributes_hash(const struct attributes *attributes, struct arena *a);

#endif
