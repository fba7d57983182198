/* Runners and MultiRunners of alekc/gitlab-runner-operator: v1beta1, which registers by a registration token, and
 * v1beta2. What they call executor_config has [runners.kubernetes] key by key. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/import_manager.h"
#include "cli/import_objects.h"
#include "cli/import_rows.h"
#include "cli/import_token.h"

#define GROUP_OF_ALEKC "gitlab.k8s.alekc.dev"
#define DEFAULT_KEY    "token"

/* Of an object: what all its runners have in common. */
static const struct import_row of_object[] = {
    {"spec.gitlab_instance_url", IMPORT_TO_CONFIG, "runners.url", NULL, NULL},
    {"spec.concurrent", IMPORT_TO_CONFIG, "concurrent", NULL, NULL},
    {"spec.check_interval", IMPORT_TO_CONFIG, "check_interval", NULL, NULL},
    {"spec.log_level", IMPORT_TO_CONFIG, "log_level", import_log_level, NULL},
    {"spec.log_format", IMPORT_TO_CONFIG, "log_format", NULL, NULL},
    {"spec.sentry_dsn", IMPORT_TO_CONFIG, "sentry_dsn", NULL, NULL},
    {"spec.runner_image", IMPORT_TO_SPEC, "manager.image", NULL, NULL},
    {"spec.runner_image_pull_policy", IMPORT_TO_SPEC, "manager.imagePullPolicy", NULL, NULL},
    {"spec.runner_resources.requests", IMPORT_TO_SPEC, "manager.resources.requests", NULL, NULL},
    {"spec.runner_resources.limits", IMPORT_TO_SPEC, "manager.resources.limits", NULL, NULL},
    {"spec.runner_resources.claims", IMPORT_REFUSED, "is a claim of the pod's: spec.manager.podSpec has both", NULL,
     NULL},
    {"spec.caCertificate.secretKeyRef", IMPORT_TO_SPEC, "caSecretRef", NULL, NULL},
    {"spec.caCertificate.configMapKeyRef", IMPORT_TO_SPEC, "caConfigMapRef", NULL, NULL},
};

/* Of a runner: of the object's spec, or of an entry. */
static const struct import_row of_entry[] = {
    {"environment", IMPORT_TO_CONFIG, "runners.environment", NULL, NULL},
    {"executor_config", IMPORT_TO_CONFIG, "runners.kubernetes", NULL, NULL},
    {"name", IMPORT_NEEDLESS, "is the end of metadata.name", NULL, NULL},
};

static const struct import_default defaults[] = {
    {"runners.url", "https://gitlab.com/", 0, "spec.url"},
    {"concurrent", NULL, 1, "spec.concurrent"},
    {"runners.limit", NULL, 10, "spec.config.runners.limit"},
};

static const struct import_row created[] = {
    {"authentication.create_options.description", IMPORT_TO_SPEC, "description", NULL, NULL},
    {"authentication.create_options.tag_list", IMPORT_TO_SPEC, "tags", NULL, NULL},
    {"authentication.create_options.locked", IMPORT_TO_SPEC, "locked", NULL, NULL},
    {"authentication.create_options.paused", IMPORT_TO_SPEC, "paused", NULL, NULL},
    {"authentication.create_options.run_untagged", IMPORT_TO_SPEC, "runUntagged", NULL, NULL},
    {"authentication.create_options.access_level", IMPORT_TO_SPEC, "accessLevel", import_access_level, NULL},
    {"authentication.create_options.maximum_timeout", IMPORT_TO_SPEC, "maximumTimeoutSeconds", NULL, NULL},
    {"authentication.create_options.maintenance_note", IMPORT_TO_SPEC, "maintenanceNote", NULL, NULL},
    {"authentication.create_options.runner_type", IMPORT_TO_SPEC, "scope.type", import_scope, NULL},
    {"authentication.create_options.group_id", IMPORT_TO_SPEC, "scope.groupId", NULL, NULL},
    {"authentication.create_options.project_id", IMPORT_TO_SPEC, "scope.projectId", NULL, NULL},
};

static const struct import_row registered[] = {
    {"registration_config.description", IMPORT_TO_SPEC, "description", NULL, NULL},
    {"registration_config.tag_list", IMPORT_TO_SPEC, "tags", NULL, NULL},
    {"registration_config.locked", IMPORT_TO_SPEC, "locked", NULL, NULL},
    {"registration_config.active", IMPORT_TO_SPEC, "paused", import_not, "true"},
    {"registration_config.paused", IMPORT_TO_SPEC, "paused", NULL, NULL},
    {"registration_config.run_untagged", IMPORT_TO_SPEC, "runUntagged", NULL, NULL},
    {"registration_config.accessLevel", IMPORT_TO_SPEC, "accessLevel", import_access_level, NULL},
    {"registration_config.maximum_timeout", IMPORT_TO_SPEC, "maximumTimeoutSeconds", NULL, NULL},
    {"registration_config.maintenance_note", IMPORT_TO_SPEC, "maintenanceNote", NULL, NULL},
    {"registration_config.info", IMPORT_NEEDLESS, "is what the manager says of itself", NULL, NULL},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Credentials */

/* A token that is in the object itself, or in a Secret that it names. */
static void say_source(struct import_draft *d, const char *field, enum import_token kind)
{
    struct json_object *source = json_get(d->values, field);
    const char *value = json_str_or(source, "value", ""), *name = json_str_or(source, "secret_key_ref.name", "");
    const char *key = json_str_or(source, "secret_key_ref.key", "");

    if (*value)
        import_token(d, arena_printf(d->im->a, "%s.value", field), kind, value);
    else if (*name)
        import_token_reference(d, arena_printf(d->im->a, "%s.secret_key_ref.name", field), kind, name,
                               *key ? key : DEFAULT_KEY);
    import_tell_field(d, arena_printf(d->im->a, "%s.secret_key_ref.key", field), IMPORT_MOVED, "the same");
    import_tell_field(d, field, IMPORT_OURS, "says nothing");
}

/* The runner that its operator has made keeps its token, which is in a Secret that goes with the old object: so it is
 * copied. */
static void adopt_created(struct import_draft *d, const struct import_objects *objects, const char *entry)
{
    bool many = strcmp(json_str_or(d->source->tree, "kind", ""), "MultiRunner") == 0;
    const char *name = arena_printf(d->im->a, "gitlab-%s-%s", many ? "mrunner" : "runner",
                                    json_str_or(d->source->tree, "metadata.name", ""));
    const char *key = arena_printf(d->im->a, "authentication-token-%s", entry);
    const char *token = import_objects_text(d->im, objects, "Secret", name, key);

    if (token)
        import_token(d, "authentication.create_options.runner_type", IMPORT_RUNNER_TOKEN, token);
    else
        import_tell_field(d, "authentication.create_options.runner_type", IMPORT_CANNOT,
                          "is adopted by the token in the Secret %s: give that Secret, too", name);
    import_rows_tell(d, created, ARRAY_LEN(created), IMPORT_OURS, TOKEN_KEEPS_ATTRIBUTES);
    import_tell_field(d, "authentication.access_token", IMPORT_OURS,
                      "is not needed yet: apply what this prints without --adopt later, and the operator has both");
}

static void say_authentication(struct import_draft *d, const struct import_objects *objects, const char *entry)
{
    bool is_created = json_get(d->values, "authentication.create_options") != NULL;

    if (is_created && d->im->adopt) {
        adopt_created(d, objects, entry);
        return;
    }
    say_source(d, "authentication.token", IMPORT_RUNNER_TOKEN);
    say_source(d, "authentication.access_token", IMPORT_ACCESS_TOKEN);
    import_rows_to_spec(d, created, ARRAY_LEN(created));
}

/* v1beta1 writes the runner's own token into the object's status. */
static void say_registration(struct import_draft *d)
{
    const char *own = json_str_or(d->source->tree, "status.authentication_token", "");
    const char *token = json_str_or(d->values, "registration_config.token", "");
    const char *secret = json_str_or(d->values, "registration_config.token_secret", "");

    if (*own) {
        struct import_draft status = *d;
        status.prefix = "";
        import_token(&status, "status.authentication_token", IMPORT_RUNNER_TOKEN, own);
        import_rows_tell(d, registered, ARRAY_LEN(registered), IMPORT_OURS, TOKEN_KEEPS_ATTRIBUTES);
        import_tell_field(d, "registration_config", IMPORT_OURS, "is not needed: the runner has a token of its own");
        return;
    }
    if (*token)
        import_token(d, "registration_config.token", IMPORT_REGISTRATION_TOKEN, token);
    else if (*secret)
        import_token_reference(d, "registration_config.token_secret", IMPORT_REGISTRATION_TOKEN, secret, DEFAULT_KEY);
    import_rows_to_spec(d, registered, ARRAY_LEN(registered));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The rest */

static void say_object(struct import_draft *d)
{
    const char *pem = json_str_or(d->values, "spec.caCertificate.value", "");
    struct json_object *security = json_get(d->values, "spec.runner_security_context");

    import_rows_to_spec(d, of_object, ARRAY_LEN(of_object));
    if (*pem) {
        json_set(d->spec, "caSecretRef", json_build("{name: %s}", import_secret_add(d->im, "ca", "ca.crt", pem)));
        import_tell_field(d, "spec.caCertificate.value", IMPORT_SECRET, "Secret %s-ca, key ca.crt",
                          import_runner_name(d->im));
    }
    if (!import_is_unset(security)) {
        import_container_set(d, "securityContext", json_ref(security));
        import_tell_field(d, "spec.runner_security_context", IMPORT_MOVED,
                          "spec.manager.podSpec.containers[0].securityContext");
    }
}

/* prefix: of the runner's own fields; entry: how its operator calls it. */
static void import_one(struct import *im, struct import_source *source, const struct import_objects *objects,
                       const char *prefix, struct json_object *values, const char *entry, const char *name)
{
    struct import_draft object = import_draft_begin(im, source, "", source->tree), d = object;

    d.prefix = prefix;
    d.values = values;
    import_rows_to_config(&object, of_object, ARRAY_LEN(of_object));
    import_rows_to_config(&d, of_entry, ARRAY_LEN(of_entry));
    import_config_defaults(&d, defaults, ARRAY_LEN(defaults));
    import_draft_runner(&d, name);
    object.spec = d.spec;
    if (json_get(values, "registration_config"))
        say_registration(&d);
    else
        say_authentication(&d, objects, entry);
    import_rows_to_spec(&d, of_entry, ARRAY_LEN(of_entry));
    say_object(&object);
}

static void import_alekcs_object(struct import *im, struct import_source *source, const struct import_objects *objects)
{
    const char *name = json_str_or(source->tree, "metadata.name", "");
    struct json_object *entries = json_get(source->tree, "spec.entries");

    if (!entries)
        import_one(im, source, objects, "spec.", json_member(source->tree, "spec"), name, name);
    if (json_len(entries) > 1)
        import_tell_default(&im->report, "one manager for all entries", "a manager each, of spec.concurrent jobs each");
    for (size_t i = 0; i < json_len(entries); i++) {
        const char *entry = json_str_or(json_at(entries, i), "name", "");
        import_one(im, source, objects, arena_printf(im->a, "spec.entries[%zu].", i), json_at(entries, i), entry,
                   arena_printf(im->a, "%s-%s", name, entry));
    }
    import_object_tell(im, source);
}

bool import_read_alekc(struct import *im, const char *name, const struct buf *text, struct err *err)
{
    struct import_objects objects;

    return import_objects_read(im, name, text, &objects, err) &&
           import_objects_each(im, name, &objects, GROUP_OF_ALEKC, import_alekcs_object, err);
}
