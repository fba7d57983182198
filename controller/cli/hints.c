#include "cli/hints.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/words.h"
#include "runner/key_place.h"
#include "runner/shape.h"
#include "runner/spec.h"

/* "did you mean X?": X is a bare name where it is at the very place. */
static bool mean(const struct unknown *u, const char *path, const char *note, struct hint *ret)
{
    size_t len = strlen(u->parent);
    bool here = !u->away && strncmp(path, u->parent, len) == 0 && path[len] == '.' && !strpbrk(path + len + 1, ".[");

    ret->path = path;
    ret->text =
        arena_printf(u->a, "did you mean %s?%s%s", here ? path + len + 1 : path, note ? " " : "", note ? note : "");
    return true;
}

static bool is_at(const struct unknown *u, const char *place)
{
    return strcmp(u->parent, place) == 0;
}

static const char *here(const struct unknown *u, const char *name)
{
    return *u->parent ? arena_printf(u->a, "%s.%s", u->parent, name) : name;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What other tools call it: GitLab's chart and operator, the other operators for runners, and `gitlab-runner register`.
 */
#define SECRET_NOTE "It names a Secret: no token is written into this object."
#define AS_YAML     "what is in there goes under spec.config, as YAML instead of TOML"
#define OWN_RIGHTS  "the operator makes the ServiceAccount and its rights itself: take it out"

static const struct alias {
    const char *at, *name;
    const char *path; /* NULL: there is no field for it, `note` says what to do */
    const char *note;
} aliases[] = {
    {"spec", "gitlab_url", "spec.url", NULL},
    {"spec", "gitlab_instance_url", "spec.url", NULL},
    {"spec", "instance_url", "spec.url", NULL},
    {"spec", "server", "spec.url", NULL},
    {"spec", "host", "spec.url", NULL},
    {"spec", "token", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec", "runner_token", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec", "authentication_token", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec", "registration_token", "spec.authentication.registrationTokenSecretRef", SECRET_NOTE},
    {"spec", "runner_registration_token", "spec.authentication.registrationTokenSecretRef", SECRET_NOTE},
    {"spec", "access_token", "spec.authentication.accessTokenSecretRef", SECRET_NOTE},
    {"spec", "secret", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec", "token_secret", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec", "token_secret_ref", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec", "concurrency", "spec.concurrent", NULL},
    {"spec", "max_jobs", "spec.concurrent", NULL},
    {"spec", "interval", "spec.checkIntervalSeconds", NULL},
    {"spec", "poll_interval_seconds", "spec.checkIntervalSeconds", NULL},
    {"spec", "name", "spec.description", NULL},
    {"spec", "runner_name", "spec.description", NULL},
    {"spec", "tag_list", "spec.tags", NULL},
    {"spec", "runner_tags", "spec.tags", NULL},
    {"spec", "protected", "spec.accessLevel", "RefProtected takes jobs of protected branches only."},
    {"spec", "maximum_timeout", "spec.maximumTimeoutSeconds", NULL},
    {"spec", "maintainer_note", "spec.maintenanceNote", NULL},
    {"spec", "build_image", "spec.image", NULL},
    {"spec", "default_image", "spec.image", NULL},
    {"spec", "runner_image", "spec.manager.image", NULL},
    {"spec", "image_pull_policy", "spec.pullPolicy", NULL},
    {"spec", "env", "spec.environment", "(of the jobs; of the manager: spec.manager.env)"},
    {"spec", "env_vars", "spec.environment", "(of the jobs; of the manager: spec.manager.env)"},
    {"spec", "labels", "spec.podLabels", NULL},
    {"spec", "annotations", "spec.podAnnotations", NULL},
    {"spec", "service_account_annotations", "spec.manager.serviceAccount.annotations", NULL},
    {"spec", "ca", "spec.caSecretRef", NULL},
    {"spec", "certs_secret_name", "spec.caSecretRef", NULL},
    {"spec", "cache_type", "spec.cache.type", NULL},
    {"spec", "cache_path", "spec.cache.path", NULL},
    {"spec", "cache_shared", "spec.cache.shared", NULL},
    {"spec", "runners", "spec.config.runners", NULL},
    {"spec", "executor_config", "spec.config.runners.kubernetes", NULL},
    {"spec", "config_toml", NULL, AS_YAML},
    {"spec", "toml", NULL, AS_YAML},
    {"spec", "rbac", NULL, OWN_RIGHTS},
    {"spec", "service_account", "spec.manager.serviceAccountName", "(the jobs' is spec.serviceAccountName)"},
    {"spec", "metrics", NULL, "the manager's metrics are always on, at port 9252: take it out"},
    {"spec", "unregister_runners", NULL,
     "the runner is deregistered when this object is deleted: take it out, or see spec.deletionPolicy"},
    {"spec", "hpa", NULL,
     "a HorizontalPodAutoscaler can name this object, which has the subresource scale: take it out"},
    {"spec", "deployment_spec", "spec.manager.podSpec", NULL},
    {"spec", "pod_spec", "spec.manager.podSpec",
     "(of the manager; patches of the jobs' pods are spec.config.runners.kubernetes.pod_spec)"},
    {"spec", "security_context", "spec.config.runners.kubernetes.pod_security_context",
     "(of the jobs; of the manager: spec.manager.podSpec.securityContext)"},
    {"spec", "pod_security_context", "spec.config.runners.kubernetes.pod_security_context",
     "(of the jobs; of the manager: spec.manager.podSpec.securityContext)"},
    {"spec", "requests", "spec.resources.requests", NULL},
    {"spec", "limits", "spec.resources.limits", NULL},
    {"spec.manager", "labels", "spec.manager.podLabels", NULL},
    {"spec.manager", "annotations", "spec.manager.podAnnotations", NULL},
    {"spec.manager", "pod_security_context", "spec.manager.podSpec.securityContext", NULL},
    {"spec.manager", "service_account", "spec.manager.serviceAccountName", NULL},
    {"spec.manager", "pull_policy", "spec.manager.imagePullPolicy", NULL},
    {"spec.manager", "environment", "spec.manager.env", NULL},
    {"spec.runners", "config", NULL, AS_YAML},
    {"spec.runners", "name", "spec.description", NULL},
    {"spec.runners", "secret", "spec.authentication.runnerTokenSecretRef", SECRET_NOTE},
    {"spec.runners", "image_pull_policy", "spec.pullPolicy", NULL},
    {"spec.runners", "env", "spec.environment", NULL},
    {"spec.runners", "protected", "spec.accessLevel", "RefProtected takes jobs of protected branches only."},
    {"spec.runners", "service_account_name", "spec.serviceAccountName", NULL},
    {"spec.runners", "builds", "spec.resources", NULL},
    {"spec.serviceAccount", "name", "spec.serviceAccountName",
     "It names an account that is there, instead of this one."},
    {"spec.serviceAccount", "create", NULL, OWN_RIGHTS},
    {"spec.manager.serviceAccount", "name", "spec.manager.serviceAccountName",
     "It names an account that is there, instead of this one."},
    {"spec.manager.serviceAccount", "create", NULL, OWN_RIGHTS},
    {"spec.cache.s3", "server", "spec.cache.s3.serverAddress", NULL},
    {"spec.cache.s3", "endpoint", "spec.cache.s3.serverAddress", NULL},
    {"spec.cache.s3", "region", "spec.cache.s3.bucketLocation", NULL},
    {"spec.cache", "secret_name", NULL, "it belongs below the type, as credentialsSecretRef.name"},
};

static bool by_alias(const struct unknown *u, struct hint *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!is_at(u, aliases[i].at) || !same_words(aliases[i].name, u->name))
            continue;
        ret->text = aliases[i].note;
        return !aliases[i].path || mean(u, aliases[i].path, aliases[i].note, ret);
    }
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * At the same place
 */
/* The member's name that is the same as words. */
static const char *same_word(const struct shape_member *members, const char *name)
{
    for (const struct shape_member *m = members; m && m->name; m++)
        if (same_words(m->name, name))
            return m->name;
    return NULL;
}

static bool in_another_style(const struct unknown *u, struct hint *ret)
{
    const char *found = u->in ? same_word(u->in->members, u->name) : NULL;

    return found && mean(u, here(u, found), NULL, ret);
}

static bool misspelt(const struct unknown *u, struct hint *ret)
{
    const char *near = u->in ? shape_near(u->in, u->name) : NULL;

    return near && mean(u, here(u, near), NULL, ret);
}

/* Whether the name is a word of a longer one, its first or its last: bucket of bucketName, name of secretName. */
static bool is_word_of(const char *name, const char *longer)
{
    size_t len = strlen(name), all = strlen(longer);

    if (len < 3 || len >= all)
        return false;
    return (strncmp(longer, name, len) == 0 && isupper((unsigned char)longer[len])) ||
           (isupper((unsigned char)longer[all - len]) && same_but_for_case(longer + all - len, name));
}

static bool in_part(const struct unknown *u, struct hint *ret)
{
    const char *found = NULL;

    for (const struct shape_member *m = u->in ? u->in->members : NULL; m && m->name; m++) {
        if (!is_word_of(u->name, m->name))
            continue;
        bool is_name = same_words(m->name, arena_printf(u->a, "%s_name", u->name));
        if (found && !is_name)
            return false;
        found = m->name;
        if (is_name)
            break;
    }
    return found && mean(u, here(u, found), NULL, ret);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Of the manager's pod
 */
static bool is_pod_field(const char *name)
{
    static const char *const fields[] = {"volumes",
                                         "initContainers",
                                         "containers",
                                         "activeDeadlineSeconds",
                                         "dnsPolicy",
                                         "dnsConfig",
                                         "nodeName",
                                         "hostNetwork",
                                         "hostPID",
                                         "hostIPC",
                                         "hostUsers",
                                         "hostname",
                                         "hostAliases",
                                         "subdomain",
                                         "setHostnameAsFQDN",
                                         "shareProcessNamespace",
                                         "securityContext",
                                         "schedulerName",
                                         "schedulingGates",
                                         "priority",
                                         "priorityClassName",
                                         "preemptionPolicy",
                                         "readinessGates",
                                         "runtimeClassName",
                                         "enableServiceLinks",
                                         "overhead",
                                         "topologySpreadConstraints",
                                         "terminationGracePeriodSeconds",
                                         "os",
                                         "resourceClaims"};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i], name) == 0)
            return true;
    return false;
}

static const char *manager_path(const struct unknown *u, const char *name)
{
    const struct shape *manager = shape_find(&crd_shape, "spec.manager");

    assert(manager);
    return arena_printf(u->a, "spec.manager.%s%s", shape_member(manager, name) ? "" : "podSpec.", name);
}

static bool of_the_pod(const struct unknown *u, struct hint *ret)
{
    struct key_place jobs;

    if (!is_pod_field(u->name))
        return false;
    if (is_at(u, "spec.manager"))
        return mean(u, manager_path(u, u->name), NULL, ret);
    if (!is_at(u, "spec"))
        return false;
    bool known = key_place_of(u->name, &jobs, u->a) && jobs.path;
    ret->path = known ? jobs.path : manager_path(u, u->name);
    ret->text = known ? arena_printf(u->a, "of the jobs: %s; of the manager: %s", jobs.path, manager_path(u, u->name))
                      : arena_printf(u->a,
                                     "of the manager: %s; of the jobs: patches in "
                                     "spec.config.runners.kubernetes.pod_spec",
                                     ret->path);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Elsewhere
 */
static bool at_another_place(const struct unknown *u)
{
    return u->away || is_at(u, "") || is_at(u, "spec") || is_at(u, "spec.manager");
}

static bool in_place(const struct unknown *u, const struct key_place *place, struct hint *ret)
{
    if (place->path)
        return mean(u, place->path, NULL, ret);
    assert(place->why);
    ret->text = arena_printf(u->a, "it %s: take it out", place->why);
    return true;
}

static bool of_config_toml(const struct unknown *u, struct hint *ret)
{
    struct key_place place;

    return at_another_place(u) && key_place_of(u->name, &place, u->a) && in_place(u, &place, ret);
}

static bool nearly_of_config_toml(const struct unknown *u, struct hint *ret)
{
    struct key_place place;

    return at_another_place(u) && key_place_near(u->name, &place, u->a) && place.path && in_place(u, &place, ret);
}

/* Only in the spec itself and in what it groups, and only when there is one such field. */
static bool of_another_group(const struct unknown *u, struct hint *ret)
{
    const char *found = NULL;

    for (const struct shape_member *m = shape_find(&crd_shape, "spec")->members; m->name; m++) {
        const char *inner = same_word(m->shape->members, u->name);
        if (same_words(m->name, u->name))
            return at_another_place(u) && mean(u, arena_printf(u->a, "spec.%s", m->name), NULL, ret);
        if (inner && found)
            return false;
        if (inner)
            found = arena_printf(u->a, "spec.%s.%s", m->name, inner);
    }
    return found && at_another_place(u) && mean(u, found, NULL, ret);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole
 */
static struct hint with_table(struct hint hint)
{
    static const char config[] = "spec.config.";

    if (hint.path && strncmp(hint.path, config, sizeof(config) - 1) == 0)
        hint.table = hint.path + sizeof(config) - 1;
    return hint;
}

static struct hint first_of(const struct unknown *u, bool (*const ways[])(const struct unknown *, struct hint *))
{
    struct hint hint = {0};

    assert(u->parent && u->name && u->a);
    while (*ways && !(*ways)(u, &hint))
        ways++;
    if (!hint.text)
        hint.text = spec_is_of_jobs_pod(u->parent) ? NO_SUCH_SETTING : "take it out";
    return with_table(hint);
}

/* What is sure comes before what only may be. */
struct hint hint_for(const struct unknown *u)
{
    static bool (*const ways[])(const struct unknown *, struct hint *) = {
        by_alias, in_another_style,      of_the_pod, of_another_group, of_config_toml, misspelt,
        in_part,  nearly_of_config_toml, NULL,
    };

    return first_of(u, ways);
}

static bool by_similar_key(const struct unknown *u, const char *table, struct hint *ret)
{
    struct key_place place;

    return key_place_in(table, u->name, &place, u->a) && in_place(u, &place, ret);
}

struct hint hint_within(const struct unknown *u, const char *table)
{
    static bool (*const ways[])(const struct unknown *, struct hint *) = {of_another_group, of_config_toml,
                                                                          nearly_of_config_toml, NULL};
    struct hint hint = {0};

    if (by_alias(u, &hint) || by_similar_key(u, table, &hint))
        return with_table(hint);
    return first_of(u, ways);
}
