/* Checks about rights: the operator's, those of jobs, and the caller's own. The tables are held against
 * manifests/base/ by tests/unit/test_doctor.c. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "plugin/doctor.h"
#include "runner/names.h"
#include "runner/rights.h"

#define ALL_VERBS "get,list,watch,create,patch,delete"

/* clang-format off */
const struct doctor_right doctor_operator_rights[] = {
    {GROUP, PLURAL, "get,list,watch,patch", NULL, RIGHT_EVERYWHERE},
    {GROUP, PLURAL "/status", "patch", NULL, RIGHT_EVERYWHERE},
    {"", "secrets", "get,create,patch,delete", NULL, RIGHT_EVERYWHERE},
    {"", "secrets", "list,watch", NULL, RIGHT_LISTED},
    {"", "serviceaccounts", ALL_VERBS, NULL, RIGHT_EVERYWHERE},
    {"apps", "deployments", ALL_VERBS, NULL, RIGHT_EVERYWHERE},
    {"", "pods", "list", NULL, RIGHT_EVERYWHERE},
    {"policy", "poddisruptionbudgets", ALL_VERBS, NULL, RIGHT_EVERYWHERE},
    {"rbac.authorization.k8s.io", "rolebindings", ALL_VERBS, NULL, RIGHT_EVERYWHERE},
    {"rbac.authorization.k8s.io", "clusterroles", "bind", EXECUTOR_CLUSTER_ROLE, RIGHT_EVERYWHERE},
    {"rbac.authorization.k8s.io", "clusterroles", "bind", EXECUTOR_CLUSTER_ROLE "-autoscaler", RIGHT_EVERYWHERE},
    {"rbac.authorization.k8s.io", "clusterroles", "bind", EXECUTOR_CLUSTER_ROLE "-pod-disruption-budget", RIGHT_EVERYWHERE},
    {"rbac.authorization.k8s.io", "clusterroles", "bind", EXECUTOR_CLUSTER_ROLE "-suspendable-environments", RIGHT_EVERYWHERE},
    {"", "configmaps", "get,list,watch", NULL, RIGHT_EVERYWHERE},
    {"", "namespaces", "get,list,watch", NULL, RIGHT_CLUSTER},
    {"discovery.k8s.io", "endpointslices", "get", "kubernetes", RIGHT_CLUSTER},
    {"events.k8s.io", "events", "create", NULL, RIGHT_EVERYWHERE},
    {"events.k8s.io", "events", "list", NULL, RIGHT_OF_PAGE},
    {"coordination.k8s.io", "leases", "create", NULL, RIGHT_HOME},
    {"coordination.k8s.io", "leases", "get,update", FIELD_MANAGER, RIGHT_HOME},
    {"", "secrets", "get,patch", LEDGER_NAME, RIGHT_HOME},
    {.group = NULL},
};

const struct doctor_right doctor_executor_rights[] = {
    {"", "events", "list,watch", NULL, 0},
    {"", "pods", "create,delete,get,list,watch", NULL, 0},
    {"", "pods/attach", "create,delete,get,patch", NULL, 0},
    {"", "pods/exec", "create,delete,get,patch", NULL, 0},
    {"", "pods/log", "get,list", NULL, 0},
    {"", "secrets", "create,delete,get,update", NULL, 0},
    {"", "serviceaccounts", "get", NULL, 0},
    {"", "services", "create,get", NULL, 0},
    {.group = NULL},
};

const struct doctor_own_right doctor_own_rights[] = {
    {{GROUP, PLURAL, "list", NULL, 0}, "list, doctor"},
    {{GROUP, PLURAL, "patch", NULL, 0}, "pause, resume, drain, rotate, restart"},
    {{"", "pods", "list", NULL, 0}, "list, jobs, explain"},
    {{"", "pods/log", "get", NULL, 0}, "logs"},
    {{"apps", "deployments", "get", NULL, 0}, "explain, render, diff"},
    {{"", "events", "list", NULL, 0}, "explain"},
    {{"", "secrets", "get", NULL, 0}, "orphans"},
    {{"", "pods/portforward", "create", NULL, 0}, "ui"},
    {.right = {.group = NULL}},
};
/* clang-format on */

static const char *texts_of(struct json_object *texts, struct arena *a)
{
    const char *all = "";

    for (size_t i = 0; i < json_len(texts); i++)
        all = arena_printf(a, "%s%s%s", all, *all ? "; " : "", json_string(json_at(texts, i)));
    return all;
}

void check_operator_rights(struct doctor *d)
{
    struct json_object *lacks = doctor_source(d, SOURCE_OPERATOR_RIGHTS);

    if (json_len(lacks))
        doctor_find(d, NULL, NULL, NULL, "the operator's ServiceAccount may not: %s", texts_of(lacks, d->a));
    else if (d->view->operators_len)
        doctor_fact(d, NULL, "the operator has its rights");
}

/* An array of booleans, as the table is. */
void check_own_rights(struct doctor *d)
{
    struct json_object *answers = doctor_source(d, SOURCE_OWN_RIGHTS);
    const char *lacks = "";

    for (size_t i = 0; doctor_own_rights[i].right.group; i++) {
        const struct doctor_own_right *own = &doctor_own_rights[i];
        if (i < json_len(answers) && strcmp(json_string(json_at(answers, i)), "no") == 0)
            lacks = arena_printf(d->a, "%s%s%s %s (%s)", lacks, *lacks ? "; " : "", own->right.verbs,
                                 own->right.resource, own->commands);
    }
    if (*lacks)
        doctor_find(d, NULL, NULL, NULL, "you may not: %s", lacks);
    else
        doctor_fact(d, NULL, "you have the rights for all commands");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Roles */

static struct json_object *role_named(struct json_object *roles, const char *name)
{
    for (size_t i = 0; i < json_len(roles); i++)
        if (strcmp(json_str_or(json_at(roles, i), "metadata.name", ""), name) == 0)
            return json_at(roles, i);
    return NULL;
}

static bool is_asked_for(const struct doctor_view *v, enum feature feature)
{
    for (size_t i = 0; i < v->runners_len; i++)
        if (v->runners[i].spec && feature_is_wanted(feature, v->runners[i].spec))
            return true;
    return false;
}

/* The first is every job's; the others count where some runner asks for them. */
void check_executor_roles(struct doctor *d)
{
    struct json_object *roles = doctor_source(d, SOURCE_ROLES);

    if (!role_named(roles, EXECUTOR_CLUSTER_ROLE))
        doctor_find(d, NULL, "ClusterRole " EXECUTOR_CLUSTER_ROLE, NULL, "it is not there: no job can run");
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        const char *name = feature_role(feature, d->a);
        if (!role_named(roles, name) && is_asked_for(d->view, feature))
            doctor_find(d, NULL, arena_printf(d->a, "ClusterRole %s", name), NULL,
                        "it is not there, and a runner asks for %s", feature_facts[feature].setting);
    }
}

static bool list_admits(struct json_object *list, const char *word)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_at(list, i)), word) == 0 || strcmp(json_string(json_at(list, i)), "*") == 0)
            return true;
    return false;
}

static bool role_allows(struct json_object *role, const struct doctor_right *right, const char *verb)
{
    struct json_object *rules = json_get(role, "rules");

    for (size_t i = 0; i < json_len(rules); i++) {
        struct json_object *rule = json_at(rules, i);
        if (list_admits(json_get(rule, "apiGroups"), right->group) && list_admits(json_get(rule, "verbs"), verb) &&
            list_admits(json_get(rule, "resources"), right->resource) && !json_len(json_get(rule, "resourceNames")))
            return true;
    }
    return false;
}

static const char *lacking(struct json_object *role, const struct doctor_right *right, struct arena *a)
{
    const char *lacks = "";

    for (const char *at = right->verbs; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        const char *verb = arena_strndup(a, at, strcspn(at, ","));
        if (!role_allows(role, right, verb))
            lacks = arena_printf(a, "%s%s%s", lacks, *lacks ? "," : "", verb);
    }
    return *lacks ? arena_printf(a, "%s %s", lacks, right->resource) : "";
}

void check_executor_rights(struct doctor *d)
{
    struct json_object *role = role_named(doctor_source(d, SOURCE_ROLES), EXECUTOR_CLUSTER_ROLE);
    const char *lacks = "";

    for (const struct doctor_right *right = doctor_executor_rights; role && right->group; right++) {
        const char *these = lacking(role, right, d->a);
        if (*these)
            lacks = arena_printf(d->a, "%s%s%s", lacks, *lacks ? "; " : "", these);
    }
    if (*lacks)
        doctor_find(d, NULL, "ClusterRole " EXECUTOR_CLUSTER_ROLE, NULL, "it lacks: %s", lacks);
    else if (role)
        doctor_fact(d, NULL, "jobs have their role");
}
