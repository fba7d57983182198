/* The fields of a spec that hold one value each: a table of what they are, and the one way to read them. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/spec_parts.h"

enum field_type {
    FIELD_TEXT,   /* const char *                                          */
    FIELD_WORD,   /* const char *, one of `words`                          */
    FIELD_CHOICE, /* an enum: which of `words`, the first when absent      */
    FIELD_NUMBER, /* int64_t, from `min` to `max`; `otherwise` when absent */
    FIELD_FLAG,   /* bool; false when absent                               */
    FIELD_MAP,    /* struct json_object *, an object whose values are text */
    FIELD_OBJECT, /* struct json_object *                                  */
    FIELD_LIST,   /* struct json_object *                                  */
};

struct field {
    const char *path;
    enum field_type type;
    size_t offset;     /* in struct spec     */
    const char *words; /* separated by ", "  */
    int64_t min, max, otherwise;
};

_Static_assert(sizeof(enum deletion_policy) == sizeof(int) && sizeof(enum rotation_policy) == sizeof(int),
               "a choice is stored as an int");

#define FIELD(path_, type_, member, ...)                                                                               \
    {                                                                                                                  \
        .path = path_, .type = FIELD_##type_, .offset = offsetof(struct spec, member), __VA_ARGS__                     \
    }
#define TEXT(path, member)           FIELD(path, TEXT, member, )
#define FLAG(path, member)           FIELD(path, FLAG, member, )
#define MAP(path, member)            FIELD(path, MAP, member, )
#define OBJECT(path, member)         FIELD(path, OBJECT, member, )
#define LIST(path, member)           FIELD(path, LIST, member, )
#define WORD(path, member, words_)   FIELD(path, WORD, member, .words = words_)
#define CHOICE(path, member, words_) FIELD(path, CHOICE, member, .words = words_)
#define NUMBER(path, member, min_, max_, otherwise_)                                                                   \
    FIELD(path, NUMBER, member, .min = min_, .max = max_, .otherwise = otherwise_)

static const struct field fields[] = {
    TEXT("url", url),
    TEXT("description", attributes.description),
    FLAG("locked", attributes.locked),
    FLAG("paused", attributes.paused),
    FLAG("runUntagged", attributes.run_untagged),
    WORD("accessLevel", attributes.access_level, "NotProtected, RefProtected"),
    NUMBER("maximumTimeoutSeconds", attributes.maximum_timeout, 600, INT32_MAX, 0),
    TEXT("maintenanceNote", attributes.maintenance_note),

    NUMBER("authentication.adoptRunnerId", adopt_runner_id, 1, (int64_t)1 << 53, 0),

    NUMBER("concurrent", concurrent, 1, 100000, 10),
    NUMBER("checkIntervalSeconds", check_interval, 1, 3600, 3),
    WORD("logLevel", log_level, "debug, info, warn, error, fatal, panic"),
    WORD("logFormat", log_format, "runner, text, json"),

    TEXT("namespace", namespace),
    TEXT("image", image),
    TEXT("helperImage", helper_image),
    TEXT("serviceAccountName", service_account_name),
    OBJECT("serviceAccount", account),
    MAP("serviceAccount.labels", account_labels),
    MAP("serviceAccount.annotations", account_annotations),
    MAP("nodeSelector", node_selector),
    LIST("tolerations", tolerations),
    OBJECT("affinity", affinity),
    OBJECT("cache", cache),
    OBJECT("proxy", proxy.whole),
    TEXT("proxy.httpProxy", proxy.http),
    TEXT("proxy.httpsProxy", proxy.https),
    LIST("proxy.noProxy", proxy.no_proxy),
    LIST("hostAliases", host_aliases_json),
    LIST("volumes", volumes),
    OBJECT("resources", resources),
    LIST("imagePullSecrets", image_pull_secrets),
    LIST("pullPolicy", pull_policy),
    FLAG("privileged", privileged),
    WORD("podSecurity", pod_security, "Baseline, Restricted"),
    MAP("podLabels", pod_labels),
    MAP("podAnnotations", pod_annotations),
    LIST("environment", environment),
    OBJECT("config", config),

    TEXT("manager.image", manager.image),
    WORD("manager.imagePullPolicy", manager.image_pull_policy, "Always, IfNotPresent, Never"),
    LIST("manager.imagePullSecrets", manager.image_pull_secrets),
    NUMBER("manager.replicas", manager.replicas, 0, 1000, 1),
    NUMBER("manager.terminationGracePeriodSeconds", manager.termination_grace_period, 1, INT32_MAX, 3600),
    TEXT("manager.priorityClassName", manager.priority_class_name),
    TEXT("manager.serviceAccountName", manager.service_account_name),
    OBJECT("manager.serviceAccount", manager.account),
    MAP("manager.serviceAccount.labels", manager.account_labels),
    MAP("manager.serviceAccount.annotations", manager.account_annotations),
    MAP("manager.deployment.labels", manager.deployment_labels),
    MAP("manager.deployment.annotations", manager.deployment_annotations),
    OBJECT("manager.deployment.strategy", manager.strategy),
    NUMBER("manager.deployment.minReadySeconds", manager.min_ready, 0, INT32_MAX, -1),
    NUMBER("manager.deployment.progressDeadlineSeconds", manager.progress_deadline, 1, INT32_MAX, -1),
    NUMBER("manager.deployment.revisionHistoryLimit", manager.revision_history, 0, 100, 2),
    OBJECT("manager.resources", manager.resources),
    MAP("manager.nodeSelector", manager.node_selector),
    LIST("manager.tolerations", manager.tolerations),
    OBJECT("manager.affinity", manager.affinity),
    LIST("manager.topologySpreadConstraints", manager.topology_spread_constraints),
    MAP("manager.podLabels", manager.pod_labels),
    MAP("manager.podAnnotations", manager.pod_annotations),
    LIST("manager.env", manager.env),
    LIST("manager.envFrom", manager.env_from),
    OBJECT("manager.podSpec", manager.pod_spec),
    OBJECT("manager.podDisruptionBudget", manager.disruption_budget),

    CHOICE("deletionPolicy", deletion_policy, "Delete, Orphan"),
    NUMBER("deregistrationDeadlineSeconds", deregistration_deadline, 0, 604800, 900),
    NUMBER("serverCheckPeriodSeconds", server_check_period, 30, 86400, 600),
    CHOICE("tokenRotation.policy", rotation_policy, "Auto, Disabled"),
    NUMBER("tokenRotation.beforeExpiryPercent", rotate_at_percent, 5, 90, 25),
    FLAG("suspend", suspend),
};

/* What a value of each type is in JSON, for the parser and for people. */
static const struct {
    enum json_type json;
    const char *name;
} field_types[] = {
    [FIELD_TEXT] = {json_type_string, "text: put it in quotes"},
    [FIELD_WORD] = {json_type_string, "text"},
    [FIELD_CHOICE] = {json_type_string, "text"},
    [FIELD_NUMBER] = {json_type_int, "a whole number, without quotes"},
    [FIELD_FLAG] = {json_type_boolean, "true or false, without quotes"},
    [FIELD_MAP] = {json_type_object, "a map"},
    [FIELD_OBJECT] = {json_type_object, "an object"},
    [FIELD_LIST] = {json_type_array, "a list"},
};

int spec_word_index(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (int i = 0; words; i++) {
        if (strncmp(words, word, len) == 0 && (words[len] == ',' || words[len] == '\0'))
            return i;
        const char *comma = strstr(words, ", ");
        words = comma ? comma + 2 : NULL;
    }
    return -1;
}

static bool check_word(const struct field *f, const char *word, struct err *err)
{
    if (spec_word_index(f->words, word) >= 0)
        return true;
    return spec_invalid(err, "spec.%s must be one of %s, not \"%s\"", f->path, f->words, shown(word, 60).text);
}

static bool check_text_map(const struct field *f, struct json_object *value, struct err *err)
{
    bool ok = true;

    json_each (it, value)
        if (!json_object_is_type(it.value, json_type_string))
            ok = spec_invalid(err, "spec.%s.%s must be text: put it in quotes", f->path, shown(it.key, 200).text);
    return ok;
}

static bool check_number(const struct field *f, int64_t number, struct err *err)
{
    if (number >= f->min && number <= f->max)
        return true;
    return spec_invalid(err, "spec.%s must be from %" PRId64 " to %" PRId64 ", not %" PRId64, f->path, f->min, f->max,
                        number);
}

/* Checks a value that is there and of the right type, and stores it. */
static bool store_field(const struct field *f, struct json_object *value, void *at, struct err *err)
{
    switch (f->type) {
    case FIELD_TEXT:
        *(const char **)at = json_object_get_string(value);
        return true;
    case FIELD_WORD:
        *(const char **)at = json_object_get_string(value);
        return check_word(f, *(const char **)at, err);
    case FIELD_CHOICE:
        *(int *)at = spec_word_index(f->words, json_object_get_string(value));
        return check_word(f, json_object_get_string(value), err);
    case FIELD_NUMBER:
        *(int64_t *)at = json_object_get_int64(value);
        return check_number(f, *(int64_t *)at, err);
    case FIELD_FLAG:
        *(bool *)at = json_object_get_boolean(value);
        return true;
    case FIELD_MAP:
    case FIELD_OBJECT:
    case FIELD_LIST:
        *(struct json_object **)at = value;
        return f->type != FIELD_MAP || check_text_map(f, value, err);
    }
    return false;
}

static bool read_field(const struct field *f, struct json_object *json, struct spec *spec, struct err *err)
{
    struct json_object *value = json_get(json, f->path);
    void *at = (char *)spec + f->offset;

    if (!value) {
        if (f->type == FIELD_NUMBER)
            *(int64_t *)at = f->otherwise;
        return true;
    }
    if (!json_object_is_type(value, field_types[f->type].json))
        return spec_invalid(err, "spec.%s must be %s", f->path, field_types[f->type].name);
    return store_field(f, value, at, err);
}

bool spec_read_fields(struct json_object *json, struct spec *ret, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        ok = read_field(&fields[i], json, ret, err) && ok;
    return ok;
}
