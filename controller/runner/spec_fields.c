/* The fields of a spec that hold one value each: a table of what they are, and the one way to read them. */
#include <assert.h>
#include <json-c/json.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/spec_parts.h"

enum field_type {
    FIELD_TEXT,   /* const char *                                            */
    FIELD_CHOICE, /* an enum: which of the shape's words, the first when absent */
    FIELD_NUMBER, /* int64_t                                                 */
    FIELD_FLAG,   /* bool; false when absent                                 */
    FIELD_TREE,   /* struct json_object *                                    */
};

struct field {
    const char *path;
    enum field_type type;
    size_t offset;     /* in struct spec                                */
    int64_t otherwise; /* a number that is absent, where the CRD has no default for it */
};

_Static_assert(sizeof(enum deletion_policy) == sizeof(int) && sizeof(enum rotation_policy) == sizeof(int),
               "a choice is stored as an int");

#define FIELD(path_, type_, member, otherwise_)                                                                        \
    {                                                                                                                  \
        .path = path_, .type = FIELD_##type_, .offset = offsetof(struct spec, member), .otherwise = otherwise_         \
    }
#define TEXT(path, member)              FIELD(path, TEXT, member, 0)
#define FLAG(path, member)              FIELD(path, FLAG, member, 0)
#define TREE(path, member)              FIELD(path, TREE, member, 0)
#define CHOICE(path, member)            FIELD(path, CHOICE, member, 0)
#define NUMBER(path, member, otherwise) FIELD(path, NUMBER, member, otherwise)

static const struct field fields[] = {
    TEXT("url", url),
    TEXT("description", attributes.description),
    FLAG("locked", attributes.locked),
    FLAG("paused", attributes.paused),
    FLAG("runUntagged", attributes.run_untagged),
    TEXT("accessLevel", attributes.access_level),
    NUMBER("maximumTimeoutSeconds", attributes.maximum_timeout, 0),
    TEXT("maintenanceNote", attributes.maintenance_note),

    NUMBER("authentication.adoptRunnerId", adopt_runner_id, 0),

    NUMBER("concurrent", concurrent, 10),
    NUMBER("checkIntervalSeconds", check_interval, 3),
    TEXT("logLevel", log_level),
    TEXT("logFormat", log_format),

    TEXT("namespace", namespace),
    TEXT("image", image),
    TEXT("helperImage", helper_image),
    TEXT("serviceAccountName", service_account_name),
    TREE("serviceAccount", account),
    TREE("serviceAccount.labels", account_labels),
    TREE("serviceAccount.annotations", account_annotations),
    TREE("nodeSelector", node_selector),
    TREE("tolerations", tolerations),
    TREE("affinity", affinity),
    TREE("cache", cache),
    TREE("proxy", proxy.whole),
    TEXT("proxy.httpProxy", proxy.http),
    TEXT("proxy.httpsProxy", proxy.https),
    TREE("proxy.noProxy", proxy.no_proxy),
    TREE("hostAliases", host_aliases_json),
    TREE("volumes", volumes),
    TREE("resources", resources),
    TREE("imagePullSecrets", image_pull_secrets),
    TREE("pullPolicy", pull_policy),
    FLAG("privileged", privileged),
    TEXT("podSecurity", pod_security),
    TREE("podLabels", pod_labels),
    TREE("podAnnotations", pod_annotations),
    TREE("environment", environment),
    TREE("config", config),

    TEXT("manager.image", manager.image),
    TEXT("manager.imagePullPolicy", manager.image_pull_policy),
    TREE("manager.imagePullSecrets", manager.image_pull_secrets),
    NUMBER("manager.replicas", manager.replicas, 1),
    NUMBER("manager.terminationGracePeriodSeconds", manager.termination_grace_period, 3600),
    TEXT("manager.priorityClassName", manager.priority_class_name),
    TEXT("manager.serviceAccountName", manager.service_account_name),
    TREE("manager.serviceAccount", manager.account),
    TREE("manager.serviceAccount.labels", manager.account_labels),
    TREE("manager.serviceAccount.annotations", manager.account_annotations),
    TREE("manager.deployment.labels", manager.deployment_labels),
    TREE("manager.deployment.annotations", manager.deployment_annotations),
    TREE("manager.deployment.strategy", manager.strategy),
    NUMBER("manager.deployment.minReadySeconds", manager.min_ready, -1),
    NUMBER("manager.deployment.progressDeadlineSeconds", manager.progress_deadline, -1),
    NUMBER("manager.deployment.revisionHistoryLimit", manager.revision_history, 2),
    TREE("manager.resources", manager.resources),
    TREE("manager.nodeSelector", manager.node_selector),
    TREE("manager.tolerations", manager.tolerations),
    TREE("manager.affinity", manager.affinity),
    TREE("manager.topologySpreadConstraints", manager.topology_spread_constraints),
    TREE("manager.podLabels", manager.pod_labels),
    TREE("manager.podAnnotations", manager.pod_annotations),
    TREE("manager.env", manager.env),
    TREE("manager.envFrom", manager.env_from),
    TREE("manager.podSpec", manager.pod_spec),
    TREE("manager.podDisruptionBudget", manager.disruption_budget),

    CHOICE("deletionPolicy", deletion_policy),
    NUMBER("deregistrationDeadlineSeconds", deregistration_deadline, 900),
    NUMBER("serverCheckPeriodSeconds", server_check_period, 600),
    CHOICE("tokenRotation.policy", rotation_policy),
    NUMBER("tokenRotation.beforeExpiryPercent", rotate_at_percent, 25),
    FLAG("suspend", suspend),
};

/* What the CRD has as the default of a number comes from there. */
static int64_t default_of(const struct field *f)
{
    const struct shape *shape = shape_find(shape_find(&crd_shape, "spec"), f->path);

    assert(shape);
    return shape->defaulted ? shape->otherwise : f->otherwise;
}

static int choice_of(const struct field *f, const char *word)
{
    int i = word_index(shape_find(shape_find(&crd_shape, "spec"), f->path)->words, word);

    return i < 0 ? 0 : i;
}

/* Stores a value of the right type. What is of another one is complained of elsewhere, and as if it were absent here.
 */
static void read_field(const struct field *f, struct json_object *value, void *at)
{
    enum json_type type = json_object_get_type(value);

    switch (f->type) {
    case FIELD_TEXT:
        *(const char **)at = type == json_type_string ? json_object_get_string(value) : NULL;
        break;
    case FIELD_CHOICE:
        *(int *)at = type == json_type_string ? choice_of(f, json_object_get_string(value)) : 0;
        break;
    case FIELD_NUMBER:
        *(int64_t *)at = type == json_type_int ? json_object_get_int64(value) : default_of(f);
        break;
    case FIELD_FLAG:
        *(bool *)at = type == json_type_boolean && json_object_get_boolean(value);
        break;
    case FIELD_TREE:
        *(struct json_object **)at = type == json_type_object || type == json_type_array ? value : NULL;
        break;
    }
}

void spec_read_fields(struct json_object *json, struct spec *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        read_field(&fields[i], json_get(json, fields[i].path), (char *)ret + fields[i].offset);
}
