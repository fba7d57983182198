/* What the API server or the kubelet would refuse of each job's pod: bounds, security contexts, addresses, services. */
#include <arpa/inet.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/judge_parts.h"
#include "runner/kube_names.h"
#include "runner/pod_security.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Bounds.
 */
struct bound {
    const char *key, *most; /* … and how much of it a job may ask for */
};
#define BOUND(key_)                                                                                                    \
    {                                                                                                                  \
        .key = key_, .most = key_ "_overwrite_max_allowed"                                                             \
    }
#define RESOURCE(name)                                                                                                 \
    {                                                                                                                  \
        BOUND(name "_request"), BOUND(name "_limit")                                                                   \
    }
#define PART(prefix) RESOURCE(prefix "cpu"), RESOURCE(prefix "memory"), RESOURCE(prefix "ephemeral_storage")

enum { REQUEST, LIMIT, BOUNDS };
static const struct bound resources[][BOUNDS] = {PART(""), PART("service_"), PART("helper_"), PART("pod_")};

/* False: it is given, and no quantity. */
static bool read_bound(const struct judged *j, const char *key, double *ret)
{
    const char *text = json_str_or(j->kubernetes, key, "");

    *ret = -1;
    if (!*text || judged_has_variable(text))
        return true;
    if (quantity_parse(text, ret) && *ret >= 0)
        return true;
    judged_refuse(j, "%s must be a quantity such as 500m or 2Gi, not \"%s\": each job would fail", judged_field(j, key),
                  shown(text, 60).text);
    return false;
}

/* Used only when a job asks for more. */
static void judge_most(const struct judged *j, const char *most)
{
    const char *text = json_str_or(j->kubernetes, most, "");
    double ignored;

    if (*text && !quantity_parse(text, &ignored))
        judged_warn(j, "%s must be a quantity such as 500m or 2Gi, not \"%s\": each job that asks for more fails",
                    judged_field(j, most), shown(text, 60).text);
}

static void judge_resource(const struct judged *j, const struct bound bounds[static BOUNDS])
{
    double values[BOUNDS];

    for (size_t b = 0; b < BOUNDS; b++) {
        judge_most(j, bounds[b].most);
        if (!read_bound(j, bounds[b].key, &values[b]))
            return;
    }
    if (values[REQUEST] > values[LIMIT] && values[LIMIT] > 0)
        judged_refuse(j, "%s is more than %s, which no API server takes: lower the one or raise the other",
                      judged_field(j, bounds[REQUEST].key), judged_field(j, bounds[LIMIT].key));
}

void judge_quantities(const struct judged *j)
{
    for (size_t i = 0; i < ARRAY_LEN(resources); i++)
        judge_resource(j, resources[i]);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Security contexts.
 */
static const char *const contexts[] = {"build_container_security_context", "helper_container_security_context",
                                       "service_container_security_context",
                                       "init_permissions_container_security_context"};

static void judge_id(const struct judged *j, const char *context, const char *key)
{
    int64_t id = json_int_or(json_member(j->kubernetes, context), key, 0);

    if (id < 0 || id > INT32_MAX)
        judged_refuse(j, "%s.%s must be from 0 to %d: no API server takes another", judged_field(j, context), key,
                      INT32_MAX);
}

/* gitlab-runner passes over a profile of a type that it does not know. */
static void judge_profile(const struct judged *j, const char *context, const char *key)
{
    struct json_object *profile = json_get(json_member(j->kubernetes, context), key);
    if (!profile)
        return;
    const char *type = json_str_or(profile, "type", ""), *field = judged_field(j, context);
    bool local = strcmp(type, "Localhost") == 0;

    if (*type && word_index("RuntimeDefault, Localhost, Unconfined", type) < 0)
        judged_warn(j, "%s.%s.type must be RuntimeDefault, Localhost or Unconfined: gitlab-runner passes over \"%s\"",
                    field, key, shown(type, 60).text);
    if (local && !*json_str_or(profile, "localhost_profile", ""))
        judged_warn(j, "%s.%s has no localhost_profile, which the type Localhost needs: gitlab-runner passes over it",
                    field, key);
}

static void judge_context(const struct judged *j, const char *context)
{
    static const char *const ids[] = {"run_as_user", "run_as_group", "fs_group"};

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        judge_id(j, context, ids[i]);
    judge_profile(j, context, "seccomp_profile");
    judge_profile(j, context, "app_armor_profile");
}

/* A flag of a container's own security context, else that of all containers. */
static bool flag_of(const struct judged *j, struct json_object *context, const char *key, bool otherwise)
{
    return json_bool_or(context, key, json_bool_or(j->kubernetes, key, otherwise));
}

static void judge_privileges(const struct judged *j, const char *name)
{
    struct json_object *context = json_member(j->kubernetes, name),
                       *pod = json_member(j->kubernetes, "pod_security_context");
    bool non_root = json_bool_or(context, "run_as_non_root", json_bool_or(pod, "run_as_non_root", false));
    int64_t user = json_int_or(context, "run_as_user", json_int_or(pod, "run_as_user", -1));

    if (flag_of(j, context, "privileged", false) && !flag_of(j, context, "allow_privilege_escalation", true))
        judged_refuse(j,
                      "%s: privileged is true and allow_privilege_escalation is false, which no API server takes "
                      "together: take one of them out",
                      judged_field(j, name));
    if (non_root && user == 0)
        judged_refuse(j,
                      "%s: run_as_non_root is true and run_as_user is 0, so the container would never start: use "
                      "another user",
                      judged_field(j, name));
}

static void judge_proc_mount(const struct judged *j, const char *name)
{
    const char *mount = json_str_or(json_member(j->kubernetes, name), "proc_mount", "");

    if (*mount && strcasecmp(mount, "default") != 0 && strcasecmp(mount, "unmasked") != 0)
        judged_warn(j, "%s.proc_mount must be default or unmasked: gitlab-runner passes over \"%s\"",
                    judged_field(j, name), shown(mount, 60).text);
}

void judge_security(const struct judged *j)
{
    judge_context(j, "pod_security_context");
    for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
        judge_context(j, contexts[i]);
        judge_privileges(j, contexts[i]);
        judge_proc_mount(j, contexts[i]);
    }
}

/* What is asked for by one field holds for all that is said beside it. */
void judge_pod_security(const struct judged *j)
{
    const char *text = "";
    struct cures cures;

    if (!j->spec->pod_security)
        return;
    pod_security_judge(j->spec, j->runner, j->spec->pod_security, &cures, j->a);
    for (size_t i = 0; i < cures.len; i++)
        text = arena_printf(j->a, "%s%s%s", text, i ? "; " : "", cures.texts[i]);
    if (cures.len)
        judged_refuse(j, "spec.podSecurity is %s, which the rest of the spec breaks: %s", j->spec->pod_security, text);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Names and addresses that a pod resolves.
 */
static bool is_ip(const char *text)
{
    struct in6_addr ignored;

    return inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1;
}

static void judge_hostnames(const struct judged *j)
{
    struct json_object *list = json_member(j->kubernetes, "host_aliases");
    const char *field = list ? judged_field(j, "host_aliases") : NULL;

    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *names = json_member(json_at(list, i), "hostnames");
        for (size_t n = 0; n < json_len(names); n++)
            if (!is_dns_subdomain(json_string(json_at(names, n))))
                judged_refuse(
                    j, "%s[%zu].hostnames[%zu]: \"%s\" is one that no API server takes: it must have " SUBDOMAIN_WORDS,
                    field, i, n, shown(json_string(json_at(names, n)), 80).text);
    }
}

static void judge_nameservers(const struct judged *j)
{
    struct json_object *list = json_get(j->kubernetes, "dns_config.nameservers");
    const char *field = list ? judged_field(j, "dns_config.nameservers") : NULL;

    if (json_len(list) > 3)
        judged_refuse(j, "%s has %zu entries; a pod may have 3", field, json_len(list));
    for (size_t i = 0; i < json_len(list); i++)
        if (!is_ip(json_string(json_at(list, i))))
            judged_refuse(j, "%s[%zu] must be an IP address, not \"%s\"", field, i,
                          shown(json_string(json_at(list, i)), 60).text);
}

static void judge_searches(const struct judged *j)
{
    struct json_object *list = json_get(j->kubernetes, "dns_config.searches");
    const char *field = list ? judged_field(j, "dns_config.searches") : NULL;

    for (size_t i = 0; i < json_len(list); i++) {
        char *name = arena_strdup(j->a, json_string(json_at(list, i)));
        size_t len = strlen(name);
        if (strcmp(name, ".") == 0)
            continue;
        if (len > 1 && name[len - 1] == '.')
            name[len - 1] = '\0';
        for (char *c = name; *c; c++)
            *c = *c == '_' ? '-' : *c; /* which names of services may have */
        if (!is_dns_subdomain(name))
            judged_refuse(j, "%s[%zu]: \"%s\" is no domain that an API server takes", field, i,
                          shown(json_string(json_at(list, i)), 60).text);
    }
}

void judge_network(const struct judged *j)
{
    const char *policy = json_str_or(j->kubernetes, "dns_policy", "");

    judge_hostnames(j);
    judge_nameservers(j);
    judge_searches(j);
    if (*policy && word_index("none, default, cluster-first, cluster-first-with-host-net", policy) < 0)
        judged_warn(j,
                    "%s must be none, default, cluster-first or cluster-first-with-host-net: with \"%s\" jobs have "
                    "cluster-first",
                    judged_field(j, "dns_policy"), shown(policy, 60).text);
    if (strcmp(policy, "none") == 0 && !json_len(json_get(j->kubernetes, "dns_config.nameservers")))
        judged_refuse(j, "%s is none, so %s must have an address at least: no API server takes the jobs' pods else",
                      judged_field(j, "dns_policy"), judged_field(j, "dns_config.nameservers"));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Services. Their aliases become names in /etc/hosts.
 */
static void judge_aliases(const struct judged *j, const char *field, size_t i, const char *aliases)
{
    char *rest = arena_strdup(j->a, aliases), *alias;

    while ((alias = strsep(&rest, ", \t\n")))
        if (*alias && !judged_has_variable(alias) && !is_dns_subdomain(alias))
            judged_refuse(j, "%s[%zu].alias: \"%s\" is no host's name, so each job would fail: use " SUBDOMAIN_WORDS,
                          field, i, shown(alias, 60).text);
}

void judge_services(const struct judged *j)
{
    struct json_object *list = json_member(j->kubernetes, "services");
    const char *field = list ? judged_field(j, "services") : NULL;

    for (size_t i = 0; i < json_len(list); i++) {
        judge_aliases(j, field, i, json_str_or(json_at(list, i), "alias", ""));
        if (!*json_str_or(json_at(list, i), "name", ""))
            judged_warn(j, "%s[%zu] has no name, which is the service's image: gitlab-runner passes over it", field, i);
    }
}
