/* What may be in spec.config: what TOML can say, whose business a key is, and which values gitlab-runner takes. */
#include <assert.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/words.h"
#include "runner/extra_config_parts.h"
#include "runner/spec_parts.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * What TOML can say. A mistake here would break the file wherever it is, in keys that nobody knows as well. False when
 * it is nested too deep to be looked at any further.
 */
static bool validate_shape(struct json_object *value, const char *path, int depth, struct arena *a, struct err *err);

/* TOML's integers have 64 bits and a sign, json-c's may be larger. */
static void validate_toml_number(struct json_object *value, const char *path, struct err *err)
{
    bool whole = json_object_is_type(value, json_type_int);

    if (whole ? json_object_get_int64(value) >= 0 && json_object_get_uint64(value) > INT64_MAX
              : !isfinite(json_object_get_double(value)))
        spec_invalid(err, "%s is a number that config.toml cannot hold: write a smaller one", shown(path, 200).text);
}

static void validate_text(struct json_object *value, const char *path, struct err *err)
{
    if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
        spec_invalid(err, "%s has a NUL character, which no text in config.toml may have: take it out",
                     shown(path, 200).text);
}

static bool validate_toml_members(struct json_object *value, const char *path, int depth, struct arena *a,
                                  struct err *err)
{
    if (depth > EXTRA_CONFIG_MAX_DEPTH)
        return spec_invalid(err, "%s is nested deeper than %d levels, which no setting of gitlab-runner is",
                            shown(path, 200).text, EXTRA_CONFIG_MAX_DEPTH);
    bool ok = true;

    assert(depth >= 0 && depth <= EXTRA_CONFIG_MAX_DEPTH);
    json_each (it, value)
        ok = validate_shape(it.value, arena_printf(a, "%s.%s", path, shown(it.key, 60).text), depth + 1, a, err) && ok;
    for (size_t i = 0; i < json_len(value); i++)
        ok = validate_shape(json_at(value, i), arena_printf(a, "%s[%zu]", path, i), depth + 1, a, err) && ok;
    return ok;
}

static bool validate_shape(struct json_object *value, const char *path, int depth, struct arena *a, struct err *err)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        spec_invalid(err, "%s has no value: give it one, or take it out", shown(path, 200).text);
        break;
    case json_type_int:
    case json_type_double:
        validate_toml_number(value, path, err);
        break;
    case json_type_string:
        validate_text(value, path, err);
        break;
    case json_type_object:
    case json_type_array:
        return validate_toml_members(value, path, depth, a, err);
    case json_type_boolean:
        break;
    }
    return true;
}

/* The depth first: it bounds all that walks through the tree afterwards. */
bool extra_config_validate_shape(struct json_object *config, struct arena *a, struct err *err)
{
    if (!validate_shape(config, "spec.config", 0, a, err))
        return false;
    size_t len = strlen(json_text(config));
    if (len <= EXTRA_CONFIG_MAX_BYTES)
        return true;
    return spec_invalid(err, "spec.config has %zu bytes as JSON; it may have %d at most", len, EXTRA_CONFIG_MAX_BYTES);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Whose business a key is. `field`: the field of the spec that says the same; when it is `given` instead, the key is as
 * good as the field, but not beside it. `shared`: a table of which that field makes a part; the rest of it is said
 * here. `why`: the operator's own.
 */
#define OTHER_EXECUTOR "is of another executor than kubernetes"
#define OTHER_CLUSTER  "would take the jobs out of the reach of the manager's own ServiceAccount"
#define OWN_ROTATION   "would have gitlab-runner rotate the token, which the operator does"
#define A_SECRET       "is a secret, which goes into the Secret that spec.cache names as credentialsSecretRef"
#define KUBERNETES     "runners.kubernetes."

static const struct {
    const char *path, *field, *given, *shared, *why;
    const char *same; /* the value that says what is the case anyway */
} owned[] = {
    {"listen_address", .why = "is where the operator has the metrics and the probes"},
    {"concurrent", .field = "concurrent"},
    {"check_interval", .field = "checkIntervalSeconds"},
    {"log_level", .given = "logLevel"},
    {"log_format", .given = "logFormat"},
    {"machine", .why = OTHER_EXECUTOR},

    {"runners.name", .why = "is the object's namespace and name"},
    {"runners.id", .why = "is GitLab's number of the runner, which status.runnerId shows"},
    {"runners.url", .field = "url"},
    {"runners.token", .field = "authentication"},
    {"runners.token_obtained_at", .why = OWN_ROTATION},
    {"runners.token_expires_at", .why = OWN_ROTATION},
    {"runners.executor", .why = "is always kubernetes", .same = "kubernetes"},
    {"runners.tls-ca-file", .field = "caSecretRef"},
    {"runners.tls-cert-file", .given = "clientCertificateSecretRef"},
    {"runners.tls-key-file", .given = "clientCertificateSecretRef"},
    {"runners.environment", .field = "environment"},
    {"runners.cache", .shared = "cache"},
    {"runners.cache.s3.AccessKey", .why = A_SECRET},
    {"runners.cache.s3.SecretKey", .why = A_SECRET},
    {"runners.cache.s3.SessionToken", .why = A_SECRET},
    {"runners.cache.gcs.PrivateKey", .why = A_SECRET},
    {"runners.cache.azure.AccountKey", .why = A_SECRET},
    {"runners.docker", .why = OTHER_EXECUTOR},
    {"runners.machine", .why = OTHER_EXECUTOR},
    {"runners.ssh", .why = OTHER_EXECUTOR},
    {"runners.custom", .why = OTHER_EXECUTOR},
    {"runners.instance", .why = OTHER_EXECUTOR},
    {"runners.autoscaler", .why = OTHER_EXECUTOR},
    {"runners.parallels", .why = OTHER_EXECUTOR},
    {"runners.virtualbox", .why = OTHER_EXECUTOR},

    {KUBERNETES "namespace", .field = "namespace"},
    {KUBERNETES "image", .field = "image"},
    {KUBERNETES "helper_image", .field = "helperImage"},
    {KUBERNETES "service_account", .field = "serviceAccountName"},
    {KUBERNETES "privileged", .field = "privileged"},
    {KUBERNETES "pull_policy", .field = "pullPolicy"},
    {KUBERNETES "image_pull_secrets", .field = "imagePullSecrets"},
    {KUBERNETES "node_selector", .field = "nodeSelector"},
    {KUBERNETES "node_tolerations", .field = "tolerations"},
    {KUBERNETES "affinity", .shared = "affinity"},
    {KUBERNETES "pod_labels", .field = "podLabels"},
    {KUBERNETES "pod_annotations", .field = "podAnnotations"},
    {KUBERNETES "host_aliases", .field = "hostAliases"},
    {KUBERNETES "volumes", .shared = "volumes"},
    {KUBERNETES "cpu_request", .given = "resources.requests.cpu"},
    {KUBERNETES "cpu_limit", .given = "resources.limits.cpu"},
    {KUBERNETES "memory_request", .given = "resources.requests.memory"},
    {KUBERNETES "memory_limit", .given = "resources.limits.memory"},
    {KUBERNETES "ephemeral_storage_request", .given = "resources.requests.ephemeral-storage"},
    {KUBERNETES "ephemeral_storage_limit", .given = "resources.limits.ephemeral-storage"},
    {KUBERNETES "host", .why = OTHER_CLUSTER},
    {KUBERNETES "context", .why = OTHER_CLUSTER},
    {KUBERNETES "cert_file", .why = OTHER_CLUSTER},
    {KUBERNETES "key_file", .why = OTHER_CLUSTER},
    {KUBERNETES "ca_file", .why = OTHER_CLUSTER},
    {KUBERNETES "bearer_token", .why = OTHER_CLUSTER},
};

/* Which of `owned` the path is, ARRAY_LEN(owned) for none; or which it is below, but for tables that are shared. */
static size_t owned_at(const char *path)
{
    size_t above = ARRAY_LEN(owned);

    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        size_t len = strlen(owned[i].path);
        if (same_but_for_case(owned[i].path, path))
            return i;
        if (strncmp(owned[i].path, path, len) == 0 && path[len] == '.' && !owned[i].shared)
            above = i;
    }
    return above;
}

const char *extra_config_owner(const char *path, const char **why)
{
    size_t i = owned_at(path);

    *why = i < ARRAY_LEN(owned) ? owned[i].why : NULL;
    if (i == ARRAY_LEN(owned))
        return NULL;
    assert(!*why || !owned[i].field);
    return owned[i].field ? owned[i].field : owned[i].given ? owned[i].given : owned[i].shared;
}

/* As gitlab-runner writes a setting that nobody has set. */
static bool is_empty_value(struct json_object *value)
{
    const char *text = json_string(value);

    if (json_object_is_type(value, json_type_string))
        return !*text || strcmp(text, "0001-01-01T00:00:00Z") == 0;
    if (json_object_is_type(value, json_type_boolean) || json_object_is_type(value, json_type_int))
        return !json_object_get_int64(value);
    json_each (it, value)
        if (!is_empty_value(it.value))
            return false;
    return json_len(value) == 0 && (json_is_array(value) || json_object_is_type(value, json_type_object));
}

static bool says_nothing(size_t i, struct json_object *value)
{
    assert(i < ARRAY_LEN(owned));
    if (owned[i].shared)
        return false; /* it may be there anyway */
    return is_empty_value(value) || (owned[i].same && strcmp(json_string(value), owned[i].same) == 0);
}

bool extra_config_says_nothing(const char *path, struct json_object *value)
{
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        if (strcmp(owned[i].path, path) == 0)
            return says_nothing(i, value);
    return false;
}

struct json_object *extra_config_said(struct json_object *config, const char **ret_left_out, struct arena *a)
{
    struct json_object *said = config;
    const char *list = "";

    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        struct json_object *value = json_get(said, owned[i].path);
        if (!value || !says_nothing(i, value))
            continue;
        if (said == config)
            said = arena_json(a, json_copy(config));
        json_remove(said, owned[i].path);
        list = arena_printf(a, "%s%sspec.config.%s", list, *list ? ", " : "", owned[i].path);
    }
    *ret_left_out = *list ? list : NULL;
    return said;
}

static bool is_path(const char *owned_path, const char *path, bool exact)
{
    return exact ? strcmp(owned_path, path) == 0 : same_but_for_case(owned_path, path);
}

bool extra_config_validate_owner(const char *path, bool exact, struct json_object *spec, struct err *err)
{
    size_t i = 0;

    while (i < ARRAY_LEN(owned) && !is_path(owned[i].path, path, exact))
        i++;
    if (i == ARRAY_LEN(owned))
        return true;
    if (owned[i].field)
        return spec_invalid(err, "spec.config.%s is made from spec.%s: set that instead", path, owned[i].field);
    if (owned[i].why)
        return spec_invalid(err, "spec.config.%s %s: take it out", path, owned[i].why);
    if (!owned[i].given || !json_get(spec, owned[i].given))
        return true;
    return spec_invalid(err, "spec.config.%s and spec.%s are the same setting: keep one", path, owned[i].given);
}

const char *extra_config_shared_with(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        size_t len = strlen(owned[i].path);
        if (owned[i].shared && strncmp(owned[i].path, path, len) == 0 && path[len] == '.')
            return owned[i].shared;
    }
    return NULL;
}

const char *extra_config_field(const char *path, struct json_object *spec, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        const char *field = owned[i].field ? owned[i].field : owned[i].given;
        size_t len = strlen(owned[i].path);
        bool within = strncmp(owned[i].path, path, len) == 0 && strchr(".[", path[len]);
        if (field && within && json_get(spec, field))
            return arena_printf(a, "spec.%s%s", field, path + len);
    }
    return arena_printf(a, "spec.config.%s", path);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Values for which gitlab-runner refuses the whole file. common/labels.go and Config.Validate() have the rules.
 */
enum { LABELS_MAX = 32 };

static bool is_of(const char *text, size_t min, size_t max)
{
    size_t len = strlen(text);

    return len >= min && len <= max &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool validate_labels(struct json_object *labels, const char *path, struct err *err)
{
    bool ok = true;

    json_each (it, labels) {
        if (!is_of(it.key, 3, 65) || *it.key == '.' || *it.key == '-')
            ok = spec_invalid(err,
                              "spec.config.%s.%s: the name must have 3 to 65 letters, digits, dots, dashes or "
                              "underscores, and begin with a letter, digit or underscore",
                              path, shown(it.key, 60).text);
        if (!is_of(json_string(it.value), 1, 256))
            ok = spec_invalid(err,
                              "spec.config.%s.%s: the value must have 1 to 256 letters, digits, dots, dashes or "
                              "underscores",
                              path, shown(it.key, 60).text);
    }
    return ok;
}

/* The runner's labels are those of the file and its own together. */
static bool validate_label_count(struct json_object *global, struct json_object *own, struct err *err)
{
    size_t count = 0;

    json_each (it, global)
        count += !json_member(own, it.key);
    json_each (it, own)
        count++;
    if (count <= LABELS_MAX)
        return true;
    return spec_invalid(err, "spec.config.labels and spec.config.runners.labels have %zu names; gitlab-runner takes %d",
                        count, LABELS_MAX);
}

static bool validate_log_fields(struct json_object *config, struct err *err)
{
    int64_t version = json_int_or(config, "log_field_schema_version", 0);
    int64_t target = json_int_or(config, "log_field_dual_emit_target", 0);

    if (version >= 0 && (target == 0 || target > version))
        return true;
    return spec_invalid(err,
                        "spec.config.log_field_schema_version must be 0 or more, and log_field_dual_emit_target 0 or "
                        "more than it; they are %" PRId64 " and %" PRId64,
                        version, target);
}

bool extra_config_validate_values(struct json_object *config, struct err *err)
{
    struct json_object *global = json_get(config, "labels"), *own = json_get(config, "runners.labels");

    bool names = validate_labels(global, "labels", err), own_names = validate_labels(own, "runners.labels", err);
    bool count = validate_label_count(global, own, err);

    return validate_log_fields(config, err) && names && own_names && count;
}
