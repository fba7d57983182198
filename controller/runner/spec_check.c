/* Checks of the PodSpec shapes within a spec, and of the few names that are taken. */
#include <arpa/inet.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/shapes.h"
#include "runner/spec_parts.h"

static bool one_of(const char *const *words, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

#define ONE_OF(word, ...)                                                                                              \
    one_of((const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__})), word)

/* ------------------------------------------------------------------------------------------------------------------
 * Tolerations. config.toml has a table from "key=value" to one effect, so not everything can be said.
 */
static bool check_toleration(struct json_object *entry, size_t i, struct err *err)
{
    const char *key = json_str_or(entry, "key", ""), *value = json_str_or(entry, "value", "");
    const char *op = json_str_or(entry, "operator", "Equal"), *effect = json_str_or(entry, "effect", "");
    bool exists = strcmp(op, "Exists") == 0, ok = true;

    if (!json_object_is_type(entry, json_type_object))
        return spec_invalid(err, "spec.tolerations[%zu] must be an object", i);
    if (!ONE_OF(op, "Equal", "Exists"))
        ok = spec_invalid(err, "spec.tolerations[%zu].operator must be Equal or Exists, not \"%s\"", i,
                          shown(op, 60).text);
    if (!ONE_OF(effect, "", "NoSchedule", "PreferNoSchedule", "NoExecute"))
        ok = spec_invalid(err,
                          "spec.tolerations[%zu].effect must be NoSchedule, PreferNoSchedule or NoExecute, or be left "
                          "out for all, not \"%s\"",
                          i, shown(effect, 60).text);
    if (strchr(key, '='))
        ok = spec_invalid(err,
                          "spec.tolerations[%zu].key has a '=', which gitlab-runner cannot tell: write what is "
                          "behind it as the value",
                          i);
    if (strchr(value, '='))
        ok = spec_invalid(err, "spec.tolerations[%zu].value has a '=', which no value of a taint has: take it out", i);
    if (!exists && !*key)
        ok = spec_invalid(err, "spec.tolerations[%zu].key is missing: only the operator Exists goes without one", i);
    if (exists && *value)
        ok = spec_invalid(err,
                          "spec.tolerations[%zu].value belongs to the operator Equal: take it out, or change the "
                          "operator",
                          i);
    if (json_member(entry, "tolerationSeconds"))
        ok = spec_invalid(err,
                          "spec.tolerations[%zu].tolerationSeconds: gitlab-runner has no such setting, take it out", i);
    return ok;
}

static bool check_toleration_twice(struct json_object *tolerations, size_t i, struct err *err)
{
    for (size_t n = 0; n < i; n++)
        if (toleration_same_key(json_at(tolerations, n), json_at(tolerations, i)))
            return spec_invalid(err,
                                "spec.tolerations[%zu] has the key and value of another one, and gitlab-runner takes "
                                "one effect for both: leave effect out to tolerate all",
                                i);
    return true;
}

static bool check_tolerations(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->tolerations); i++)
        ok = check_toleration(json_at(spec->tolerations, i), i, err) &&
             check_toleration_twice(spec->tolerations, i, err) && ok;
    return ok;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Volumes. gitlab-runner names the volume of a claim, ConfigMap or Secret after that object, and has names of its own.
 */

/* Where the volume's name in the job's pod is from. */
static const char *volume_name_path(const struct volume_kind *kind, char ret[static 64])
{
    if (kind->object)
        snprintf(ret, 64, "%s.%s", kind->member, kind->object);
    else
        snprintf(ret, 64, "name");
    return ret;
}

/* What a volume's name must be for the API server to take the job's pod. Claims are free, since gitlab-runner puts the
 * job's variables into them. */
static bool check_volume_name(struct json_object *entry, size_t i, struct err *err)
{
    const struct volume_kind *kind = volume_kind_of(entry);
    const char *name = volume_name(entry);
    char path[64];

    if (strcmp(kind->table, "pvc") != 0 && !is_dns_label(name))
        return spec_invalid(err,
                            "spec.volumes[%zu].%s: \"%s\" cannot be a volume's name, which gitlab-runner makes of "
                            "it: use lower-case letters, digits and dashes, at most 63",
                            i, volume_name_path(kind, path), shown(name, 60).text);
    if (ONE_OF(name, "repo", "scripts", "logs"))
        return spec_invalid(err, "spec.volumes[%zu].%s: gitlab-runner has a volume \"%s\" of its own: use another name",
                            i, volume_name_path(kind, path), name);
    return true;
}

/* The required members of each source. */
static bool check_source(const struct volume_kind *kind, struct json_object *entry, size_t i, struct err *err)
{
    static const struct {
        const char *member, *required;
    } rules[] = {
        {"hostPath", "path"},  {"persistentVolumeClaim", "claimName"},
        {"configMap", "name"}, {"secret", "secretName"},
        {"csi", "driver"},     {"nfs", "server"},
        {"nfs", "path"},
    };

    bool ok = true;

    for (size_t r = 0; r < ARRAY_LEN(rules); r++)
        if (strcmp(rules[r].member, kind->member) == 0 &&
            !*json_str_or(json_member(entry, kind->member), rules[r].required, ""))
            ok = spec_invalid(err, "spec.volumes[%zu].%s.%s is missing", i, kind->member, rules[r].required);
    return ok;
}

/* As Linux has it, or as Windows does: with a drive, or a pipe's name. */
static bool is_absolute(const char *path)
{
    bool drive = isalpha((unsigned char)path[0]) && path[1] == ':';

    return *path == '/' || *path == '\\' || (drive && (!path[2] || strchr("/\\", path[2])));
}

static bool check_propagation(const struct volume_kind *kind, struct json_object *entry, size_t i, struct err *err)
{
    const char *mode = json_str(entry, "mountPropagation");

    if (!json_member(entry, "mountPropagation"))
        return true;
    if (!mode || !ONE_OF(mode, "None", "HostToContainer", "Bidirectional"))
        return spec_invalid(err, "spec.volumes[%zu].mountPropagation must be None, HostToContainer or Bidirectional",
                            i);
    return kind->propagates || spec_invalid(err,
                                            "spec.volumes[%zu].mountPropagation: gitlab-runner has it for hostPath, "
                                            "persistentVolumeClaim and emptyDir alone, take it out",
                                            i);
}

static bool check_volume(struct json_object *entry, size_t i, struct err *err)
{
    const struct volume_kind *kind = volume_kind_of(entry);
    bool ok = true;

    if (!json_object_is_type(entry, json_type_object))
        return spec_invalid(err, "spec.volumes[%zu] must be an object", i);
    if (!is_absolute(json_str_or(entry, "mountPath", "")))
        ok = spec_invalid(err, "spec.volumes[%zu].mountPath must be a whole path, such as /cache or C:\\cache", i);
    if (!kind && volume_has_kind(entry))
        return spec_invalid(err, "spec.volumes[%zu] must have exactly one of %s", i, volume_members);
    if (!kind)
        return spec_invalid(err, "spec.volumes[%zu] is missing one of %s", i, volume_members);
    ok = check_source(kind, entry, i, err) && ok;
    ok = check_propagation(kind, entry, i, err) && ok;
    if (strcmp(kind->member, "emptyDir") == 0 && json_bool_or(entry, "readOnly", false))
        ok = spec_invalid(err, "spec.volumes[%zu].readOnly: an emptyDir begins empty, take readOnly out", i);
    if (!json_str(entry, "name"))
        ok = spec_invalid(err, "spec.volumes[%zu].name is missing", i);
    return (!volume_name(entry) || check_volume_name(entry, i, err)) && ok;
}

/* Two entries may share a volume only if it is a claim, which gitlab-runner then mounts twice. */
static bool check_volume_twice(struct json_object *volumes, size_t i, struct err *err)
{
    struct json_object *entry = json_at(volumes, i);
    const struct volume_kind *kind = volume_kind_of(entry);

    for (size_t n = 0; n < i; n++) {
        struct json_object *other = json_at(volumes, n);
        const char *name = volume_name(other);
        bool claims = strcmp(kind->table, "pvc") == 0 && volume_kind_of(other) == kind;
        if (!claims && name && strcmp(name, volume_name(entry)) == 0)
            return spec_invalid(err,
                                "spec.volumes[%zu] becomes the volume \"%s\" of the job's pod, as spec.volumes[%zu] "
                                "does: mount it once, or give one of the two another name",
                                i, shown(volume_name(entry), 60).text, n);
    }
    return true;
}

static bool check_volumes(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->volumes); i++)
        ok = check_volume(json_at(spec->volumes, i), i, err) && check_volume_twice(spec->volumes, i, err) && ok;
    return ok;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The rest of the job's pod.
 */
static bool check_bound(const char *name, struct json_object *value, const char *which, struct err *err)
{
    const char *const *known = resource_names;

    while (*known && strcmp(*known, name) != 0)
        known++;
    if (!*known)
        return spec_invalid(err,
                            "spec.resources.%s.%s: gitlab-runner bounds cpu, memory and ephemeral-storage only: "
                            "take it out",
                            which, shown(name, 60).text);
    return quantity_text(value) ||
           spec_invalid(err, "spec.resources.%s.%s must be a quantity such as 500m or 2Gi", which, name);
}

static bool check_resources(const struct spec *spec, struct err *err)
{
    static const char *const groups[] = {"requests", "limits"};
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        json_each (it, json_get(spec->resources, groups[i]))
            ok = check_bound(it.key, it.value, groups[i], err) && ok;
    return ok;
}

static bool check_pull_policy(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->pull_policy); i++)
        if (!ONE_OF(json_string(json_at(spec->pull_policy, i)), "Always", "IfNotPresent", "Never"))
            ok = spec_invalid(err, "spec.pullPolicy[%zu] must be Always, IfNotPresent or Never", i);
    return ok;
}

static bool check_pull_secrets(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->image_pull_secrets); i++)
        if (!*json_str_or(json_at(spec->image_pull_secrets, i), "name", ""))
            ok = spec_invalid(err, "spec.imagePullSecrets[%zu].name is missing", i);
    return ok;
}

static bool check_variable(struct json_object *entry, size_t i, struct err *err)
{
    const char *name = json_str_or(entry, "name", "");
    struct json_object *value = json_member(entry, "value");
    bool ok = true;

    if (!*name || strchr(name, '='))
        ok = spec_invalid(err, "spec.environment[%zu].name must be a variable's name, without '='", i);
    if (json_member(entry, "valueFrom"))
        return spec_invalid(err,
                            "spec.environment[%zu].valueFrom: a job's variables that are secret belong in GitLab's "
                            "CI/CD variables, others have their value here",
                            i);
    if (!value)
        return spec_invalid(err, "spec.environment[%zu].value is missing", i);
    return (json_object_is_type(value, json_type_string) ||
            spec_invalid(err, "spec.environment[%zu].value must be text: put it in quotes", i)) &&
           ok;
}

static bool check_environment(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->environment); i++)
        ok = check_variable(json_at(spec->environment, i), i, err) && ok;
    return ok;
}

/* The manager's container has variables of its own. */
static bool check_manager_env(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->manager.env); i++) {
        const char *name = json_str_or(json_at(spec->manager.env, i), "name", "");
        if (!*name || ONE_OF(name, "HOME", "POD_UID"))
            ok = spec_invalid(err,
                              "spec.manager.env[%zu].name must be there and be neither HOME nor POD_UID, which the "
                              "operator sets",
                              i);
    }
    return ok;
}

/* A whole number of pods, or a percentage of them. */
static bool is_pods(struct json_object *value)
{
    const char *text = json_string(value);
    size_t digits = strspn(text, "0123456789");

    if (json_object_is_type(value, json_type_int))
        return json_object_get_int64(value) >= 0 && json_object_get_int64(value) <= INT32_MAX;
    return digits > 0 && strcmp(text + digits, "%") == 0 && (digits < 3 || strcmp(text, "100%") == 0);
}

static bool check_disruption_budget(const struct spec *spec, struct err *err)
{
    static const char *const members[] = {"minAvailable", "maxUnavailable"};
    bool ok = true;
    int given = 0;

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct json_object *value = json_member(spec->manager.disruption_budget, members[i]);
        given += value != NULL;
        if (value && !is_pods(value))
            ok = spec_invalid(err,
                              "spec.manager.podDisruptionBudget.%s must be a number of pods or a percentage of them, "
                              "such as 1 or 50%%",
                              members[i]);
    }
    if (!spec->manager.disruption_budget || given == 1)
        return ok;
    return spec_invalid(err, "spec.manager.podDisruptionBudget %s minAvailable or maxUnavailable%s",
                        given ? "must have either" : "is missing", given ? ", not both" : "");
}

static bool check_host_aliases(const struct spec *spec, struct err *err)
{
    struct in6_addr address;
    bool ok = true;

    for (size_t i = 0; i < spec->host_aliases_len; i++) {
        const char *ip = spec->host_aliases[i].ip;
        bool six = inet_pton(AF_INET6, ip, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address);
        if (*ip && !six && inet_pton(AF_INET, ip, &address) != 1)
            ok = spec_invalid(err, "spec.hostAliases[%zu].ip must be an IPv4 or IPv6 address, not \"%s\"", i,
                              shown(ip, 60).text);
    }
    return ok;
}

/* An account that the operator makes is in the object's own namespace, and nobody else's. */
static bool check_accounts(const struct spec *spec, struct err *err)
{
    if (spec->account && spec->service_account_name)
        return spec_invalid(err,
                            "spec.serviceAccount has an account made for the jobs, spec.serviceAccountName names one "
                            "that is there: keep one");
    if (spec->manager.account && spec->manager.service_account_name)
        return spec_invalid(err, "spec.manager.serviceAccount is about the account that the operator makes, and "
                                 "spec.manager.serviceAccountName names another one: keep one");
    return true;
}

/* As in a DeploymentSpec. */
static bool check_strategy(const struct spec *spec, struct err *err)
{
    static const char *const members[] = {"maxSurge", "maxUnavailable"};
    struct json_object *rolling = json_get(spec->manager.strategy, "rollingUpdate");
    const char *type = json_str_or(spec->manager.strategy, "type", "RollingUpdate");

    if (!ONE_OF(type, "RollingUpdate", "Recreate"))
        return spec_invalid(err, "spec.manager.deployment.strategy.type must be RollingUpdate or Recreate, not \"%s\"",
                            shown(type, 60).text);
    if (rolling && strcmp(type, "Recreate") == 0)
        return spec_invalid(err,
                            "spec.manager.deployment.strategy.rollingUpdate goes with the type RollingUpdate: take it "
                            "out, or change the type");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct json_object *value = json_member(rolling, members[i]);
        if (value && !is_pods(value))
            return spec_invalid(
                err,
                "spec.manager.deployment.strategy.rollingUpdate.%s must be a number of pods or a percentage "
                "of them, such as 1 or 50%%",
                members[i]);
    }
    return true;
}

static bool check_namespace(const struct spec *spec, struct err *err)
{
    if (is_dns_label(spec->namespace))
        return true;
    return spec_invalid(err, "spec.namespace must be lower-case letters, digits and dashes, at most 63, not \"%s\"",
                        shown(spec->namespace, 60).text);
}

bool spec_check_shapes(const struct spec *spec, struct err *err)
{
    static bool (*const checks[])(const struct spec *, struct err *) = {
        check_namespace,   check_host_aliases,      check_tolerations,  check_volumes,
        check_resources,   check_pull_policy,       check_pull_secrets, check_environment,
        check_manager_env, check_disruption_budget, check_accounts,     check_strategy,
    };

    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        ok = checks[i](spec, err) && ok;
    return ok;
}
