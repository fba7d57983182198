/* What goes together in the PodSpec shapes within a spec, and the few names that are taken. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/shapes.h"
#include "runner/spec_parts.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Tolerations. config.toml has a table from "key=value" to one effect, so not everything can be said.
 */
static bool validate_toleration(struct json_object *entry, size_t i, struct err *err)
{
    bool exists = strcmp(json_str_or(entry, "operator", "Equal"), "Exists") == 0;

    if (!exists && !*json_str_or(entry, "key", ""))
        return spec_invalid(err, "spec.tolerations[%zu].key is missing: only the operator Exists goes without one", i);
    return !exists || !*json_str_or(entry, "value", "") ||
           spec_invalid(err,
                        "spec.tolerations[%zu].value belongs to the operator Equal: take it out, or change the "
                        "operator",
                        i);
}

/* seen: the keys of those before it, as the table has them. */
static bool validate_toleration_once(struct json_object *entry, struct json_object *seen, size_t i, struct err *err)
{
    cleanup_arena struct arena a = {0};

    return json_first_seen(seen, toleration_key(entry, &a), i) == i ||
           spec_invalid(err,
                        "spec.tolerations[%zu] has the key and value of another one, and gitlab-runner takes one "
                        "effect for both: leave effect out to tolerate all",
                        i);
}

static bool validate_tolerations(const struct spec *spec, struct err *err)
{
    cleanup_json struct json_object *seen = json_object_new_object();
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->tolerations); i++) {
        struct json_object *entry = json_at(spec->tolerations, i);
        ok = validate_toleration(entry, i, err) && validate_toleration_once(entry, seen, i, err) && ok;
    }
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

static bool validate_volume_name(struct json_object *entry, size_t i, struct err *err)
{
    const struct volume_kind *kind = volume_kind_of(entry);
    const char *name = volume_name(entry);
    char path[64];

    return !name || word_index("repo, scripts, logs", name) < 0 ||
           spec_invalid(err, "spec.volumes[%zu].%s: gitlab-runner has a volume \"%s\" of its own: use another name", i,
                        volume_name_path(kind, path), name);
}

static bool validate_volume(struct json_object *entry, size_t i, struct err *err)
{
    const struct volume_kind *kind = volume_kind_of(entry);
    bool ok = true;

    if (!kind)
        return spec_invalid(err, "spec.volumes[%zu] %s one of %s", i,
                            volume_has_kind(entry) ? "must have exactly" : "is missing", volume_members);
    if (json_member(entry, "mountPropagation") && !kind->propagates)
        ok = spec_invalid(err,
                          "spec.volumes[%zu].mountPropagation: gitlab-runner has it for hostPath, "
                          "persistentVolumeClaim and emptyDir alone, take it out",
                          i);
    if (strcmp(kind->member, "emptyDir") == 0 && json_bool_or(entry, "readOnly", false))
        ok = spec_invalid(err, "spec.volumes[%zu].readOnly: an emptyDir begins empty, take readOnly out", i);
    return validate_volume_name(entry, i, err) && ok;
}

/* first: the first entry of its name. Two may share a volume only if it is a claim, which gitlab-runner then mounts
 * twice. */
static bool validate_volume_once(struct json_object *volumes, size_t first, size_t i, struct err *err)
{
    const struct volume_kind *kind = volume_kind_of(json_at(volumes, i));

    if (first == i || (strcmp(kind->table, "pvc") == 0 && volume_kind_of(json_at(volumes, first)) == kind))
        return true;
    return spec_invalid(err,
                        "spec.volumes[%zu] becomes the volume \"%s\" of the job's pod, as spec.volumes[%zu] does: "
                        "mount it once, or give one of the two another name",
                        i, shown(volume_name(json_at(volumes, i)), 60).text, first);
}

static bool validate_volumes(const struct spec *spec, struct err *err)
{
    cleanup_json struct json_object *seen = json_object_new_object();
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->volumes); i++) {
        const char *name = volume_name(json_at(spec->volumes, i));
        size_t first = name ? json_first_seen(seen, name, i) : i;
        ok = validate_volume(json_at(spec->volumes, i), i, err) && validate_volume_once(spec->volumes, first, i, err) &&
             ok;
    }
    return ok;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The rest of the job's pod.
 */
static bool validate_variable(struct json_object *entry, size_t i, struct err *err)
{
    return !json_member(entry, "valueFrom") ||
           spec_invalid(err,
                        "spec.environment[%zu].valueFrom: a job's variables that are secret belong in GitLab's "
                        "CI/CD variables, others have their value here",
                        i);
}

static bool validate_environment(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->environment); i++)
        ok = validate_variable(json_at(spec->environment, i), i, err) && ok;
    return ok;
}

/* The manager's container has variables of its own. */
static bool validate_manager_env(const struct spec *spec, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < json_len(spec->manager.env); i++) {
        const char *name = json_str_or(json_at(spec->manager.env, i), "name", "");
        if (*name && word_index("HOME, POD_UID", name) >= 0)
            ok = spec_invalid(err,
                              "spec.manager.env[%zu].name must be neither HOME nor POD_UID, which the "
                              "operator sets",
                              i);
    }
    return ok;
}

static bool validate_disruption_budget(const struct spec *spec, struct err *err)
{
    struct json_object *budget = spec->manager.disruption_budget;
    bool both = json_member(budget, "minAvailable") && json_member(budget, "maxUnavailable"),
         any = json_member(budget, "minAvailable") || json_member(budget, "maxUnavailable");

    if (!budget || (any && !both))
        return true;
    return spec_invalid(err, "spec.manager.podDisruptionBudget %s minAvailable or maxUnavailable%s",
                        both ? "must have either" : "is missing", both ? ", not both" : "");
}

/* An account that the operator makes is in the object's own namespace, and nobody else's. */
static bool validate_accounts(const struct spec *spec, struct err *err)
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

static bool validate_strategy(const struct spec *spec, struct err *err)
{
    struct json_object *strategy = spec->manager.strategy;

    if (!json_member(strategy, "rollingUpdate") || strcmp(json_str_or(strategy, "type", ""), "Recreate") != 0)
        return true;
    return spec_invalid(err, "spec.manager.deployment.strategy.rollingUpdate goes with the type RollingUpdate: take it "
                             "out, or change the type");
}

bool spec_validate_shapes(const struct spec *spec, struct err *err)
{
    static bool (*const validators[])(const struct spec *, struct err *) = {
        validate_tolerations,       validate_volumes,  validate_environment, validate_manager_env,
        validate_disruption_budget, validate_accounts, validate_strategy,
    };

    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(validators); i++)
        ok = validators[i](spec, err) && ok;
    return ok;
}
