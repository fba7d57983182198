/* What values are when nobody has said, and what a schema drops. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"
#include "tests/sim/api_schema.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * A CRD's */

static struct json_object *shaped(const struct schema *schema, struct json_object *value, struct json_object *before);

static bool is_unknown(const struct schema *schema, const char *name)
{
    const struct schema *member = schema_member(schema, name);

    return schema->fields_len && !schema->keeps_unknown && member->shape == SCHEMA_DEDUCED && !member->crd;
}

/* Takes over the member that is to be in the object; *changed is a copy once something is. */
static void put_shaped(struct json_object **changed, struct json_object *object, const char *name,
                       struct json_object *value)
{
    if (!*changed)
        *changed = api_json_shallow(object);
    json_object_object_add(*changed, name, value);
}

static void add_crd_defaults(const struct schema *schema, struct json_object *object, struct json_object **changed)
{
    for (size_t i = 0; i < schema->fields_len; i++) {
        const struct schema_field *field = &schema->fields[i];
        struct json_object *value = field->schema->crd ? json_member(field->schema->crd, "default") : NULL;
        if (value && !json_member(object, field->name))
            put_shaped(changed, object, field->name, shaped(field->schema, value, NULL));
    }
}

static struct json_object *shaped_members(const struct schema *schema, struct json_object *object,
                                          struct json_object *before)
{
    struct json_object *changed = NULL;

    json_object_object_foreach(object, name, value)
    {
        const struct schema *member = schema_member(schema, name);
        bool falls_back = !value && member->crd && json_member(member->crd, "default");
        if (is_unknown(schema, name) || falls_back) {
            changed = changed ? changed : api_json_shallow(object);
            json_object_object_del(changed, name);
            continue;
        }
        struct json_object *new =
            member->crd ? shaped(member, value, json_member(before, name)) : json_object_get(value);
        if (new == value)
            json_object_put(new);
        else
            put_shaped(&changed, object, name, new);
    }
    add_crd_defaults(schema, object, &changed);
    return changed ? changed : json_object_get(object);
}

typedef struct json_object *reshape_fn(const struct schema *schema, struct json_object *value,
                                       struct json_object *before);

/* Another array only when an element became another. */
static struct json_object *each_element(reshape_fn *reshape, const struct schema *schema, struct json_object *array)
{
    struct json_object *new = json_object_new_array();
    bool same = true;

    for (size_t i = 0; i < json_len(array); i++) {
        json_object_array_add(new, reshape(schema->element, json_at(array, i), NULL));
        same = same && json_at(new, i) == json_at(array, i);
    }
    if (!same)
        return new;
    json_object_put(new);
    return json_object_get(array);
}

/* With defaults, without unknown fields. What is as it was before needs no look. */
static struct json_object *shaped(const struct schema *schema, struct json_object *value, struct json_object *before)
{
    if (value == before || !schema || !schema->crd)
        return json_object_get(value);
    if (json_object_is_type(value, json_type_object) && (schema->shape == SCHEMA_STRUCT || schema->shape == SCHEMA_MAP))
        return shaped_members(schema, value, before);
    if (json_object_is_type(value, json_type_array) && schema->element)
        return each_element(shaped, schema, value);
    return json_object_get(value);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Built-in kinds': Go leaves out maps and lists that are empty, and the rest is done on a copy */

static bool is_left_out(const struct schema *schema, struct json_object *value)
{
    bool map = schema->shape == SCHEMA_MAP && json_object_is_type(value, json_type_object);

    return !value || ((map || json_object_is_type(value, json_type_array)) && api_json_is_empty(value));
}

static struct json_object *compacted(const struct schema *schema, struct json_object *value,
                                     struct json_object *before);

static struct json_object *compacted_members(const struct schema *schema, struct json_object *object,
                                             struct json_object *before)
{
    struct json_object *changed = NULL;

    json_object_object_foreach(object, name, value)
    {
        const struct schema *member = schema_member(schema, name);
        if (is_left_out(member, value)) {
            changed = changed ? changed : api_json_shallow(object);
            json_object_object_del(changed, name);
            continue;
        }
        struct json_object *new = compacted(member, value, json_member(before, name));
        if (new == value)
            json_object_put(new);
        else
            put_shaped(&changed, object, name, new);
    }
    return changed ? changed : json_object_get(object);
}

static struct json_object *compacted(const struct schema *schema, struct json_object *value, struct json_object *before)
{
    bool object = schema->shape == SCHEMA_STRUCT || schema->shape == SCHEMA_MAP;

    if (value != before && object && json_object_is_type(value, json_type_object))
        return compacted_members(schema, value, before);
    if (value != before && schema->shape == SCHEMA_LIST && json_object_is_type(value, json_type_array))
        return each_element(compacted, schema, value);
    return json_object_get(value);
}

static void fall_back(struct json_object *object, const char *key, struct json_object *value)
{
    if (json_object_is_type(object, json_type_object) && !json_member(object, key))
        json_object_object_add(object, key, value);
    else
        json_object_put(value);
}

static void text_falls_back(struct json_object *object, const char *key, const char *value)
{
    if (json_object_is_type(object, json_type_object) && !json_member(object, key))
        json_object_object_add(object, key, json_object_new_string(value));
}

static void number_falls_back(struct json_object *object, const char *key, int64_t value)
{
    if (json_object_is_type(object, json_type_object) && !json_member(object, key))
        json_object_object_add(object, key, json_object_new_int64(value));
}

static void default_probe(struct json_object *probe)
{
    struct json_object *get = json_member(probe, "httpGet");

    number_falls_back(probe, "timeoutSeconds", 1);
    number_falls_back(probe, "periodSeconds", 10);
    number_falls_back(probe, "successThreshold", 1);
    number_falls_back(probe, "failureThreshold", 3);
    text_falls_back(get, "path", "/");
    text_falls_back(get, "scheme", "HTTP");
}

static void default_image_policy(struct json_object *container)
{
    const char *image = api_json_text(container, "image"), *tag = strrchr(image, ':');
    bool latest = (!tag || strchr(tag, '/') || strcmp(tag, ":latest") == 0) && !strchr(image, '@');

    text_falls_back(container, "imagePullPolicy", latest ? "Always" : "IfNotPresent");
}

static void default_container(struct json_object *container)
{
    struct json_object *env = json_member(container, "env"), *ports = json_member(container, "ports");
    static const char *const probes[] = {"livenessProbe", "readinessProbe", "startupProbe"};

    default_image_policy(container);
    text_falls_back(container, "terminationMessagePath", "/dev/termination-log");
    text_falls_back(container, "terminationMessagePolicy", "File");
    fall_back(container, "resources", json_object_new_object());
    for (size_t i = 0; i < json_len(env); i++)
        text_falls_back(json_get(json_at(env, i), "valueFrom.fieldRef"), "apiVersion", "v1");
    for (size_t i = 0; i < json_len(ports); i++)
        text_falls_back(json_at(ports, i), "protocol", "TCP");
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        default_probe(json_member(container, probes[i]));
}

static void default_volume(struct json_object *volume)
{
    if (json_object_object_length(volume) == 1)
        fall_back(volume, "emptyDir", json_object_new_object());
    number_falls_back(json_member(volume, "secret"), "defaultMode", 420);
    number_falls_back(json_member(volume, "configMap"), "defaultMode", 420);
    number_falls_back(json_member(volume, "projected"), "defaultMode", 420);
    text_falls_back(json_member(volume, "hostPath"), "type", "");
}

static void default_pod(struct json_object *spec)
{
    static const char *const lists[] = {"containers", "initContainers"};

    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
        for (size_t i = 0; i < json_len(json_member(spec, lists[l])); i++)
            default_container(json_at(json_member(spec, lists[l]), i));
    for (size_t i = 0; i < json_len(json_member(spec, "volumes")); i++)
        default_volume(json_at(json_member(spec, "volumes"), i));
    if (*api_json_text(spec, "serviceAccount")) /* its old name */
        text_falls_back(spec, "serviceAccountName", api_json_text(spec, "serviceAccount"));
    if (*api_json_text(spec, "serviceAccountName"))
        json_put_member(spec, "serviceAccount", api_json_text(spec, "serviceAccountName"));
    text_falls_back(spec, "restartPolicy", "Always");
    text_falls_back(spec, "dnsPolicy", "ClusterFirst");
    text_falls_back(spec, "schedulerName", "default-scheduler");
    number_falls_back(spec, "terminationGracePeriodSeconds", 30);
    fall_back(spec, "securityContext", json_object_new_object());
}

static void default_deployment(struct json_object *spec)
{
    number_falls_back(spec, "replicas", 1);
    number_falls_back(spec, "revisionHistoryLimit", 10);
    number_falls_back(spec, "progressDeadlineSeconds", 600);
    fall_back(spec, "strategy", json_object_new_object());
    text_falls_back(json_member(spec, "strategy"), "type", "RollingUpdate");
    if (strcmp(json_str_or(spec, "strategy.type", ""), "RollingUpdate") == 0) {
        fall_back(json_member(spec, "strategy"), "rollingUpdate", json_object_new_object());
        text_falls_back(json_get(spec, "strategy.rollingUpdate"), "maxUnavailable", "25%");
        text_falls_back(json_get(spec, "strategy.rollingUpdate"), "maxSurge", "25%");
    }
    default_pod(json_get(spec, "template.spec"));
}

/* The spec of a copy, unless it is what it was. */
static struct json_object *defaulted_spec(struct json_object *content, struct json_object *before,
                                          void (*set)(struct json_object *spec))
{
    struct json_object *spec = json_member(content, "spec"), *old = json_member(before, "spec");

    if (!spec || spec == old)
        return json_object_get(content);
    struct json_object *new = api_json_shallow(content), *copy = json_copy(spec);
    set(copy);
    if (api_json_same(copy, old)) {
        json_object_put(copy);
        copy = json_object_get(old);
    }
    json_object_object_add(new, "spec", copy);
    return new;
}

static struct json_object *defaulted_secret(struct json_object *content)
{
    if (*api_json_text(content, "type"))
        return json_object_get(content);
    struct json_object *new = api_json_shallow(content);

    json_object_object_add(new, "type", json_object_new_string("Opaque"));
    return new;
}

static struct json_object *defaulted_binding(struct json_object *content)
{
    struct json_object *new = api_json_shallow(content), *subjects = json_copy(json_member(content, "subjects"));

    for (size_t i = 0; i < json_len(subjects); i++)
        if (strcmp(api_json_text(json_at(subjects, i), "kind"), "ServiceAccount") != 0)
            text_falls_back(json_at(subjects, i), "apiGroup", "rbac.authorization.k8s.io");
    if (subjects)
        json_object_object_add(new, "subjects", subjects);
    return new;
}

static struct json_object *defaulted(const struct api_kind *kind, struct json_object *content,
                                     struct json_object *before)
{
    switch ((enum api_kind_name)(kind - api_kinds)) {
    case API_SECRETS:
        return defaulted_secret(content);
    case API_ROLE_BINDINGS:
        return defaulted_binding(content);
    case API_DEPLOYMENTS:
        return defaulted_spec(content, before, default_deployment);
    case API_PODS:
        return defaulted_spec(content, before, default_pod);
    case API_RUNNERS:
    case API_CONFIG_MAPS:
    case API_ACCOUNTS:
    case API_BUDGETS:
    case API_NAMESPACES:
    case API_LEASES:
    case API_EVENTS:
    case API_SLICES:
    case API_SERVICES:
        break;
    }
    return json_object_get(content);
}

struct json_object *api_defaulted(const struct api_kind *kind, struct json_object *content, struct json_object *before)
{
    const struct schema *schema = schema_of(kind->type);

    if (kind == &api_kinds[API_RUNNERS])
        return shaped_members(schema, content, before);
    struct json_object *compact = compacted_members(schema, content, before);
    struct json_object *ret = defaulted(kind, compact, before);
    json_object_put(compact);
    return ret;
}
