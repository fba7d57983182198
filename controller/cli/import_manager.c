#include "cli/import_manager.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/pod_spec.h"

/* As the chart has them where nobody has said anything. */
static const struct {
    const char *field, *json;
} usual[] = {
    {"image", "{\"registry\":\"registry.gitlab.com\",\"image\":\"gitlab-org/gitlab-runner\"}"},
    {"securityContext", "{\"allowPrivilegeEscalation\":false,\"readOnlyRootFilesystem\":false,\"runAsNonRoot\":true,"
                        "\"privileged\":false,\"capabilities\":{\"drop\":[\"ALL\"]}}"},
    {"podSecurityContext", "{\"runAsUser\":100,\"fsGroup\":65533}"},
};

/* What gitlab-runner reads when it registers a runner, and at no other time. */
static const char *const registration_variables[] = {"KUBERNETES_", "RUNNER_",    "REGISTER_",
                                                     "CACHE_",      "CI_SERVER_", "REGISTRATION_"};

static bool is_usual(struct import_draft *d, const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        if (strcmp(usual[i].field, field) != 0)
            continue;
        cleanup_json struct json_object *json = json_parse_text(usual[i].json);
        if (json_same(json, json_get(d->values, field))) {
            import_tell_field(d, field, IMPORT_OURS, "is the chart's own; the operator has its own as well");
            return true;
        }
    }
    return import_is_unset(json_get(d->values, field));
}

void import_container_set(struct import_draft *d, const char *member, struct json_object *value)
{
    if (!json_get(d->spec, "manager.podSpec.containers"))
        json_set(d->spec, "manager.podSpec.containers", json_build("[{name: '" MANAGER_CONTAINER "'}]"));
    json_set(json_at(json_get(d->spec, "manager.podSpec.containers"), 0), member, value);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The image: a text, or the parts of one */

static void say_image(struct import_draft *d)
{
    struct json_object *image = json_get(d->values, "image");
    const char *text = json_string(image), *tag = json_str_or(image, "tag", "");

    if (is_usual(d, "image"))
        return;
    if (!*text && !*tag) {
        import_tell_field(d, "image", IMPORT_CANNOT, "names no tag, which the chart has of its version: say image.tag");
        return;
    }
    if (!*text)
        text = arena_printf(d->im->a, "%s/%s:%s", json_str_or(image, "registry", "registry.gitlab.com"),
                            json_str_or(image, "image", "gitlab-org/gitlab-runner"), tag);
    json_set_str(d->spec, "manager.image", text);
    import_tell_field(d, "image", IMPORT_MOVED, "spec.manager.image");
}

static void say_container(struct import_draft *d)
{
    if (!is_usual(d, "securityContext")) {
        import_container_set(d, "securityContext", json_ref(json_get(d->values, "securityContext")));
        import_tell_field(d, "securityContext", IMPORT_MOVED, "spec.manager.podSpec.containers[0].securityContext");
    }
    if (!is_usual(d, "podSecurityContext")) {
        json_set(d->spec, "manager.podSpec.securityContext", json_ref(json_get(d->values, "podSecurityContext")));
        import_tell_field(d, "podSecurityContext", IMPORT_MOVED, "spec.manager.podSpec.securityContext");
    }
    if (json_len(json_get(d->values, "volumeMounts"))) {
        import_container_set(d, "volumeMounts", json_ref(json_get(d->values, "volumeMounts")));
        import_tell_field(d, "volumeMounts", IMPORT_MOVED, "spec.manager.podSpec.containers[0].volumeMounts");
    }
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        import_tell_field(d, usual[i].field, IMPORT_OURS, "says nothing");
    import_tell_field(d, "volumeMounts", IMPORT_OURS, "says nothing");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Variables */

/* Adds it to spec.manager.env, and tells of the field that has it; takes the entry over. */
static void add_variable(struct import_draft *d, const char *field, struct json_object *entry)
{
    const char *name = json_str_or(entry, "name", "");

    for (size_t i = 0; i < ARRAY_LEN(registration_variables); i++)
        if (strncmp(name, registration_variables[i], strlen(registration_variables[i])) == 0) {
            import_tell_field(d, field, IMPORT_CANNOT,
                              "is a setting of config.toml's that `register` reads: put it into runners.config");
            json_object_put(entry);
            return;
        }
    if (!json_get(d->spec, "manager.env"))
        json_set(d->spec, "manager.env", json_object_new_array());
    json_append(json_get(d->spec, "manager.env"), entry);
    import_tell_field(d, field, IMPORT_MOVED, "spec.manager.env");
}

static struct json_object *text_value(struct json_object *value)
{
    return value ? json_object_new_string(json_object_get_string(value)) : NULL;
}

static void say_variables(struct import_draft *d)
{
    struct json_object *list = json_get(d->values, "envVars");

    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *entry = json_copy(json_at(list, i));
        if (json_get(entry, "value"))
            json_set(entry, "value", text_value(json_get(entry, "value")));
        add_variable(d, arena_printf(d->im->a, "envVars[%zu]", i), entry);
    }
    json_each (it, json_get(d->values, "extraEnv"))
        add_variable(d, arena_printf(d->im->a, "extraEnv.%s", it.key),
                     json_build("{name: %s, value: %o}", it.key, text_value(it.value)));
    json_each (it, json_get(d->values, "extraEnvFrom"))
        add_variable(d, arena_printf(d->im->a, "extraEnvFrom.%s", it.key),
                     json_build("{name: %s, valueFrom: %o}", it.key, json_ref(it.value)));
}

void import_manager(struct import_draft *d)
{
    static const char *const variables[] = {"envVars", "extraEnv", "extraEnvFrom"};

    say_image(d);
    say_container(d);
    say_variables(d);
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        import_tell_field(d, variables[i], IMPORT_OURS, "says nothing");
}
