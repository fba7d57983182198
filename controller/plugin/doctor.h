/* What `doctor` looks at, and what it finds. Private to plugin/doctor*.c.
 *
 * The view is filled once (doctor_view.c); then each check of the table (doctor_checks.c) is a function that reads it
 * and adds findings. A check whose source may not be read is skipped in words. Checks ask nobody anything: given a view
 * they always find the same. */
#ifndef PLUGIN_DOCTOR_H
#define PLUGIN_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runner/spec.h"

struct arena;
struct json_object;
struct session;

enum doctor_source {
    SOURCE_KIND,              /* the CustomResourceDefinition                                   */
    SOURCE_RUNNERS,           /* GitLabRunners                                                  */
    SOURCE_OPERATORS,         /* the operator's Deployments                                     */
    SOURCE_OPERATOR_PODS,     /* …                                                              */
    SOURCE_LEASES,            /* by which operators lead                                        */
    SOURCE_ROLES,             /* the ClusterRoles of gitlab-runner-executor                     */
    SOURCE_NAMESPACES,        /* metadata alone                                                 */
    SOURCE_CHILD_DEPLOYMENTS, /* made for runners, metadata alone                               */
    SOURCE_CHILD_BINDINGS,    /* …                                                              */
    SOURCE_LEDGER,            /* runners that were left behind                                  */
    SOURCE_OWN_RIGHTS,        /* what the caller may do, of doctor_own_rights: an array of booleans */
    SOURCE_OPERATOR_RIGHTS,   /* what the operator lacks: an array of texts                      */
    SOURCE_FROM_HERE,         /* with --from-here, what this machine sees of GitLab's hosts       */
    SOURCE_COUNT,
};

enum source_state { SOURCE_READ, SOURCE_DENIED, SOURCE_ABSENT, SOURCE_FAILED };

struct doctor_answer {
    enum source_state state;
    const char *needs;          /* the right: "list gitlabrunners"        */
    struct json_object *object; /* SOURCE_READ: the object, or an array   */
    bool cut;                   /* of a list: there is more               */
    struct err err;             /* SOURCE_FAILED: why                     */
};

/* A GitLabRunner, with what is asked of it again and again. */
struct doctor_runner {
    struct json_object *object, *status;
    struct owner owner;
    const struct spec *spec; /* NULL: it is not valid                                       */
    const char *url, *host;  /* host and port of spec.url                                   */
    const char *jobs_ns;     /* where its jobs run                                          */
    const char *key;         /* "ci/builds"                                                 */
    int64_t written_s;       /* when somebody wrote its spec last, or made it               */
    bool deleting;
};

/* An operator, as its Deployment or the Lease alone shows it. */
struct doctor_operator {
    const char *ns, *name;
    const char *version;       /* of the image's tag; "?"                                            */
    const char *namespaces;    /* that it serves (runner/namespaces.h), NULL: all                    */
    bool secrets_by_name;      /* --secrets=referenced                                               */
    bool elects;               /* it acts while it holds its Lease                                   */
    bool outside;              /* a Lease, and no Deployment: a process outside of the cluster        */
    int64_t wanted, ready;     /* pods                                                               */
    const char *account;       /* its ServiceAccount                                                 */
    struct json_object *lease; /* NULL: there is none, or it may not be seen                        */
};

struct doctor_view {
    struct arena *a;
    int64_t now;         /* seconds since 1970, by the API server's clock where it told it */
    const char *ns;      /* what was asked for; NULL: all                                  */
    const char *program; /* the version of this one */
    struct doctor_answer sources[SOURCE_COUNT];
    struct doctor_runner *runners;
    size_t runners_len;
    struct doctor_operator *operators;
    size_t operators_len;
    unsigned calls;     /* requests that it took                                 */
    bool answered;      /* the API server has answered at least one              */
    bool others_unseen; /* not all namespaces, as was wished, but one: the caller may not list more */
    struct err first;   /* else what came instead                                */
};

/* Fills *v, within timeout_ms. ns NULL: all namespaces. */
void doctor_look(struct doctor_view *v, struct session *session, const char *ns, int64_t timeout_ms, struct arena *a);
/* The same of GitLab's hosts, from this machine, after doctor_look(). */
void doctor_look_from_here(struct doctor_view *v, struct session *session, int64_t timeout_ms);
/* What sources lead to, without a cluster: the runners; the operators. */
void doctor_digest_runners(struct doctor_view *v);
void doctor_digest_operators(struct doctor_view *v);
/* Whoever held it has not renewed it in its time. now: seconds since 1970. */
bool lease_is_stale(struct json_object *lease, int64_t now);
/* What is kept of a GitLabRunner: of managedFields, which are as long as the rest, when the spec was written last
 * (doctor.written) and when whoever owns spec.paused wrote last (doctor.paused). */
void doctor_slim_runner(struct json_object *runner);

enum doctor_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR, LEVEL_SKIP, LEVEL_COUNT };
enum doctor_group { GROUP_INSTALLATION, GROUP_HOSTS, GROUP_NAMESPACES, GROUP_RUNNERS, GROUP_COUNT };

struct doctor;

struct doctor_check {
    const char *code; /* "GLR001", for good */
    enum doctor_group group;
    enum doctor_level level; /* of its findings, where they do not say otherwise    */
    const char *name;        /* what is looked at                                   */
    unsigned needs;          /* of sources: NEEDS(RUNNERS) | …                      */
    void (*run)(struct doctor *d);
    const char *means, *remedy; /* as docs/doctor.md has them                       */
};

#define NEEDS(source) (1u << SOURCE_##source)

/* The table; ends with code NULL. */
extern const struct doctor_check doctor_checks[];
const struct doctor_check *doctor_check_named(const char *code);

struct doctor_found {
    const struct doctor_check *check;
    enum doctor_level level;
    const char *place;  /* the host or namespace that it is about; "" else */
    const char *object; /* "Secret ci/my-gitlab"; ""                       */
    const char *text, *remedy;
};

/* What is as it should be, for the first line of a group. */
struct doctor_fact {
    enum doctor_group group;
    const char *place, *text;
};

enum { DOCTOR_FOUND_MAX = 2000 }; /* more are counted only */

struct doctor {
    const struct doctor_view *view;
    struct arena *a;
    const struct doctor_check *check; /* that is at it */
    struct doctor_found *found;
    size_t found_len, found_size, more;
    struct doctor_fact *facts;
    size_t facts_len, facts_size;
    bool incomplete, late; /* something was skipped for want of rights; of an answer */
};

/* Runs all checks but those whose codes are in `ignored` ("GLR001,GLR002"; NULL: none). */
void doctor_examine(struct doctor *d, const char *ignored);

/* For checks: a finding of this check. place NULL: none; object: what it is about; remedy NULL: the check's own. All
 * texts are copied. */
void doctor_find(struct doctor *d, const char *place, const char *object, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void doctor_find_as(struct doctor *d, enum doctor_level level, const char *place, const char *object,
                    const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));
void doctor_fact(struct doctor *d, const char *place, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What is in a source; NULL or nothing when it was not read. */
struct json_object *doctor_source(const struct doctor *d, enum doctor_source source);

/* A member of a condition of its status; "": there is none. */
const char *doctor_condition(const struct doctor_runner *r, const char *type, const char *member);

enum right_of {
    RIGHT_EVERYWHERE, /* where runners are served, by a binding in each namespace or in all */
    RIGHT_LISTED,     /* … but where Secrets are read by name alone                         */
    RIGHT_CLUSTER,    /* only where all namespaces are served                               */
    RIGHT_HOME,       /* in the operator's own namespace                                    */
    RIGHT_OF_PAGE,    /* its page shows less without it; nobody asks                        */
};

/* The rights that the operator has by manifests/base/rbac.yaml, and those of jobs by executor.yaml. */
struct doctor_right {
    const char *group, *resource; /* resource: with its subresource, "pods/log" */
    const char *verbs;            /* "get,list"                                 */
    const char *name;             /* of one object; NULL: of all                */
    unsigned of;                  /* enum right_of                              */
};
extern const struct doctor_right doctor_operator_rights[]; /* end with group NULL */
extern const struct doctor_right doctor_executor_rights[];

/* What commands of the plugin need. */
struct doctor_own_right {
    struct doctor_right right;
    const char *commands;
};
extern const struct doctor_own_right doctor_own_rights[]; /* ends with right.group NULL */

/* doctor_installation.c */
void check_kind_is_there(struct doctor *d);
void check_kind_is_served(struct doctor *d);
void check_kind_fields(struct doctor *d);
void check_operator_is_there(struct doctor *d);
void check_operator_is_ready(struct doctor *d);
void check_operators_agree(struct doctor *d);
void check_lease(struct doctor *d);
void check_versions(struct doctor *d);
/* doctor_rights.c */
void check_operator_rights(struct doctor *d);
void check_executor_roles(struct doctor *d);
void check_executor_rights(struct doctor *d);
void check_own_rights(struct doctor *d);
/* doctor_hosts.c */
void check_host_is_reached(struct doctor *d);
void check_credentials(struct doctor *d);
void check_access_tokens_end(struct doctor *d);
void check_runner_tokens_end(struct doctor *d);
void check_version_skew(struct doctor *d);
void check_plain_http(struct doctor *d);
/* doctor_from_here.c */
void check_from_here(struct doctor *d);
void check_clocks(struct doctor *d);
/* doctor_namespaces.c */
void check_namespaces_are_there(struct doctor *d);
void check_consent(struct doctor *d);
void check_pod_security(struct doctor *d);
/* doctor_runners.c */
void check_needs_a_person(struct doctor *d);
void check_is_served(struct doctor *d);
void check_suspended(struct doctor *d);
void check_paused_long(struct doctor *d);
void check_deletion_ends(struct doctor *d);
void check_children_left(struct doctor *d);
void check_name_conflicts(struct doctor *d);
void check_not_ready_long(struct doctor *d);
void check_warnings(struct doctor *d);
void check_ledger(struct doctor *d);

#endif
