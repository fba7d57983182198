/* What is refused: values that a CRD's schema does not let in, and Deployments that could not run, as far as merges can
 * make such. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"
#include "tests/sim/api_schema.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Deployments */

static bool selects_its_pods(struct json_object *content)
{
    struct json_object *labels = json_get(content, "spec.template.metadata.labels");
    bool any = false;

    json_each (it, json_get(content, "spec.selector.matchLabels")) {
        any = true;
        if (strcmp(json_string(it.value), api_json_text(labels, it.key)) != 0)
            return false;
    }
    return any;
}

/* Two owners may have said different things of it, which are all there after a merge. */
static bool has_two_handlers(struct json_object *probe)
{
    static const char *const handlers[] = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        n += json_member(probe, handlers[i]) != NULL;
    return n > 1;
}

static bool container_is_valid(struct json_object *c)
{
    static const char *const probes[] = {"livenessProbe", "readinessProbe", "startupProbe"};
    struct json_object *env = json_member(c, "env");
    bool valid = *api_json_text(c, "name") && *api_json_text(c, "image") &&
                 !has_two_handlers(json_get(c, "lifecycle.preStop")) &&
                 !has_two_handlers(json_get(c, "lifecycle.postStart"));

    for (size_t i = 0; valid && i < ARRAY_LEN(probes); i++)
        valid = !has_two_handlers(json_member(c, probes[i]));
    for (size_t i = 0; valid && i < json_len(env); i++)
        valid = !*api_json_text(json_at(env, i), "value") || !json_member(json_at(env, i), "valueFrom");
    return valid;
}

static bool volume_is_valid(struct json_object *volume)
{
    return json_object_object_length(volume) == 2;
}

static bool all_are(struct json_object *array, bool (*valid)(struct json_object *element))
{
    for (size_t i = 0; i < json_len(array); i++)
        if (!valid(json_at(array, i)))
            return false;
    return true;
}

const char *api_deployment_fault(struct json_object *content)
{
    struct json_object *pod = json_get(content, "spec.template.spec");
    bool recreates = strcmp(json_str_or(content, "spec.strategy.type", ""), "Recreate") == 0;

    if (!json_get(content, "spec.selector"))
        return "spec.selector";
    if (recreates && json_get(content, "spec.strategy.rollingUpdate"))
        return "spec.strategy.rollingUpdate";
    if (!selects_its_pods(content))
        return "spec.template.metadata.labels";
    if (!all_are(json_member(pod, "volumes"), volume_is_valid))
        return "spec.template.spec.volumes";
    if (!json_len(json_member(pod, "containers")) || !all_are(json_member(pod, "containers"), container_is_valid))
        return "spec.template.spec.containers";
    return all_are(json_member(pod, "initContainers"), container_is_valid) ? "" : "spec.template.spec.initContainers";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * CRDs */

static bool is_of_type(struct json_object *value, const char *type, struct json_object *crd)
{
    if (!*type && json_member(crd, "x-kubernetes-int-or-string"))
        return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_string);
    return !*type || (strcmp(type, "object") == 0 && json_object_is_type(value, json_type_object)) ||
           (strcmp(type, "array") == 0 && json_object_is_type(value, json_type_array)) ||
           (strcmp(type, "string") == 0 && json_object_is_type(value, json_type_string)) ||
           (strcmp(type, "boolean") == 0 && json_object_is_type(value, json_type_boolean)) ||
           (strcmp(type, "integer") == 0 && json_object_is_type(value, json_type_int)) ||
           (strcmp(type, "number") == 0 &&
            (json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double)));
}

static bool is_within(struct json_object *crd, const char *least, const char *most, int64_t n)
{
    struct json_object *min = json_member(crd, least), *max = json_member(crd, most);

    return (!min || n >= json_object_get_int64(min)) && (!max || n <= json_object_get_int64(max));
}

static bool is_enumerated(struct json_object *crd, struct json_object *value)
{
    struct json_object *allowed = json_member(crd, "enum");

    for (size_t i = 0; i < json_len(allowed); i++)
        if (json_object_equal(json_at(allowed, i), value))
            return true;
    return !allowed;
}

static const char *why_not(struct json_object *crd, struct json_object *value)
{
    if (!is_of_type(value, api_json_text(crd, "type"), crd))
        return "Invalid value: must be of another type";
    if (!is_enumerated(crd, value))
        return "Unsupported value";
    if (json_object_is_type(value, json_type_int) &&
        !is_within(crd, "minimum", "maximum", json_object_get_int64(value)))
        return "Invalid value: out of range";
    if (json_object_is_type(value, json_type_string) &&
        !is_within(crd, "minLength", "maxLength", json_object_get_string_len(value)))
        return "Invalid value: of such a length";
    if (json_is_array(value) && !is_within(crd, "minItems", "maxItems", (int64_t)json_len(value)))
        return "Invalid value: so many items";
    return NULL;
}

/* Where a value is, whose path is put together when it is refused. */
struct place {
    const struct place *outer; /* NULL: none */
    const char *name;
};

static void path_of(const struct place *place, char ret[static 200])
{
    char outer[200] = "";

    if (place->outer)
        path_of(place->outer, outer);
    snprintf(ret, 200, "%.120s%s%.60s", outer, *outer ? "." : "", place->name);
}

static void judge(const struct schema *schema, struct json_object *value, const struct place *place,
                  char ret[static 300]);

static void judge_members(const struct schema *schema, struct json_object *value, const struct place *place,
                          char ret[static 300])
{
    struct json_object *required = json_member(schema->crd, "required");
    char path[200];

    for (size_t i = 0; i < json_len(required) && !*ret; i++)
        if (!json_member(value, json_string(json_at(required, i)))) {
            path_of(place, path);
            snprintf(ret, 300, "%s.%s: Required value", path, json_string(json_at(required, i)));
        }
    json_object_object_foreach(value, name, member)
    {
        if (*ret)
            return;
        judge(schema_member(schema, name), member, &(struct place){place, name}, ret);
    }
}

static void judge(const struct schema *schema, struct json_object *value, const struct place *place,
                  char ret[static 300])
{
    bool nothing = !value && (!schema->crd || json_bool_or(schema->crd, "nullable", false));
    const char *why = schema->crd && !nothing ? why_not(schema->crd, value) : NULL;
    char path[200];

    if (why) {
        path_of(place, path);
        snprintf(ret, 300, "%s: %s", path, why);
    }
    if (!schema->crd || *ret || !value)
        return;
    if (json_object_is_type(value, json_type_object))
        judge_members(schema, value, place, ret);
    for (size_t i = 0; json_is_array(value) && schema->element && i < json_len(value) && !*ret; i++)
        judge(schema->element, json_at(value, i), place, ret);
}

void api_judge(const struct schema *schema, struct json_object *value, const char *name, char ret[static 300])
{
    judge(schema, value, &(struct place){NULL, name}, ret);
}
