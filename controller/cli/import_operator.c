/* Runners of GitLab's own operator: apps.gitlab.com/v1beta2. The Secrets and ConfigMaps that they name are read where
 * they are among the objects. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "cli/import_objects.h"
#include "cli/import_rows.h"
#include "cli/import_token.h"
#include "cli/import_within.h"

#define GROUP_OF_OPERATOR "apps.gitlab.com"

static struct json_object *environment_from(struct json_object *value)
{
    return json_build("[{configMapRef: {name: %s}}]", json_string(value));
}

static const struct import_row for_config[] = {
    {"spec.gitlabUrl", IMPORT_TO_CONFIG, "runners.url", NULL, NULL},
    {"spec.concurrent", IMPORT_TO_CONFIG, "concurrent", NULL, NULL},
    {"spec.interval", IMPORT_TO_CONFIG, "check_interval", NULL, NULL},
    {"spec.logLevel", IMPORT_TO_CONFIG, "log_level", NULL, NULL},
    {"spec.logFormat", IMPORT_TO_CONFIG, "log_format", NULL, NULL},
    {"spec.sentryDsn", IMPORT_TO_CONFIG, "sentry_dsn", NULL, NULL},
    {"spec.shutdownTimeout", IMPORT_TO_CONFIG, "shutdown_timeout", NULL, "0"},
    {"spec.shutdown_timeout", IMPORT_TO_CONFIG, "shutdown_timeout", NULL, "0"},
    {"spec.connectionMaxAge", IMPORT_TO_CONFIG, "connection_max_age", NULL, NULL},
    {"spec.cloneURL", IMPORT_TO_CONFIG, "runners.clone_url", NULL, NULL},
    {"spec.namespace", IMPORT_TO_CONFIG, "runners.kubernetes.namespace", NULL, NULL},
    {"spec.buildImage", IMPORT_TO_CONFIG, "runners.kubernetes.image", NULL, NULL},
    {"spec.helperImage", IMPORT_TO_CONFIG, "runners.kubernetes.helper_image", NULL, NULL},
    {"spec.cacheType", IMPORT_TO_CONFIG, "runners.cache.Type", NULL, NULL},
    {"spec.cachePath", IMPORT_TO_CONFIG, "runners.cache.Path", NULL, NULL},
    {"spec.cacheShared", IMPORT_TO_CONFIG, "runners.cache.Shared", NULL, NULL},
    {"spec.s3.server", IMPORT_TO_CONFIG, "runners.cache.s3.ServerAddress", NULL, NULL},
    {"spec.s3.bucket", IMPORT_TO_CONFIG, "runners.cache.s3.BucketName", NULL, NULL},
    {"spec.s3.location", IMPORT_TO_CONFIG, "runners.cache.s3.BucketLocation", NULL, NULL},
    {"spec.s3.insecure", IMPORT_TO_CONFIG, "runners.cache.s3.Insecure", NULL, NULL},
    {"spec.gcs.bucket", IMPORT_TO_CONFIG, "runners.cache.gcs.BucketName", NULL, NULL},
    {"spec.azure.container", IMPORT_TO_CONFIG, "runners.cache.azure.ContainerName", NULL, NULL},
    {"spec.azure.storageDomain", IMPORT_TO_CONFIG, "runners.cache.azure.StorageDomain", NULL, NULL},
};

static const struct import_default defaults[] = {
    {"concurrent", NULL, 10, "spec.concurrent"},
    {"check_interval", NULL, 30, "spec.checkIntervalSeconds"},
};

static const struct import_row attributes[] = {
    {"spec.tags", IMPORT_TO_SPEC, "tags", import_comma_list, NULL},
    {"spec.locked", IMPORT_TO_SPEC, "locked", NULL, NULL},
    {"spec.runUntagged", IMPORT_TO_SPEC, "runUntagged", NULL, NULL},
    {"spec.protected", IMPORT_TO_SPEC, "accessLevel", import_protected, NULL},
};

static const struct import_row for_spec[] = {
    {"spec.runnerImage", IMPORT_TO_SPEC, "manager.image", NULL, NULL},
    {"spec.imagePullPolicy", IMPORT_TO_SPEC, "manager.imagePullPolicy", NULL, NULL},
    {"spec.serviceaccount", IMPORT_TO_SPEC, "manager.serviceAccountName", NULL, NULL},
    {"spec.env", IMPORT_TO_SPEC, "manager.envFrom", environment_from, NULL},
    {"spec.ca", IMPORT_TO_SPEC, "caSecretRef.name", NULL, NULL},
    {"spec.s3.credentials", IMPORT_TO_SPEC, "cache.s3.credentialsSecretRef.name", NULL, NULL},
    {"spec.listenAddr", IMPORT_NEEDLESS, "is the operator's: the metrics are on port 9252", NULL, NULL},
    {"spec.deploymentSpec", IMPORT_REFUSED,
     "is a patch of the old Deployment: say it in spec.manager (replicas, deployment, podSpec)", NULL, NULL},
};

/* Keys of Secrets of caches that have other names here. */
static const struct {
    const char *field, *type, *was[2], *is[2];
} cache_keys[] = {
    {"spec.gcs.credentials", "gcs", {"access-id", "private-key"}, {"gcs-access-id", "gcs-private-key"}},
    {"spec.gcs.credentialsFile", "gcs", {"keys.json"}, {"gcs-application-credentials-file"}},
    {"spec.azure.credentials", "azure", {"accountName", "privateKey"}, {"azure-account-name", "azure-account-key"}},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What is in other objects */

static void say_operators_token(struct import_draft *d, const struct import_objects *objects)
{
    const char *name = json_str_or(d->values, "spec.token", "");
    const char *own = import_objects_text(d->im, objects, "Secret", name, "runner-token");
    const char *other = import_objects_text(d->im, objects, "Secret", name, "runner-registration-token");
    bool registers = other && *other && !is_runner_token(other) && !(own && *own);

    if (!*name)
        return;
    import_token_reference(d, "spec.token", registers ? IMPORT_REGISTRATION_TOKEN : IMPORT_RUNNER_TOKEN, name,
                           other && *other && !(own && *own) ? "runner-registration-token" : "runner-token");
    if (registers)
        import_rows_to_spec(d, attributes, ARRAY_LEN(attributes));
    else
        import_rows_tell(d, attributes, ARRAY_LEN(attributes), IMPORT_OURS, TOKEN_KEEPS_ATTRIBUTES);
}

static void say_cache_keys(struct import_draft *d, const struct import_objects *objects, size_t at)
{
    const char *field = cache_keys[at].field, *name = json_str_or(d->values, field, ""), *secret = NULL;

    for (size_t i = 0; *name && i < ARRAY_LEN(cache_keys[at].was) && cache_keys[at].was[i]; i++) {
        const char *value = import_objects_text(d->im, objects, "Secret", name, cache_keys[at].was[i]);
        if (!value) {
            import_tell_field(d, field, IMPORT_CANNOT, "has its key %s under another name, %s: give the Secret, too",
                              cache_keys[at].was[i], cache_keys[at].is[i]);
            return;
        }
        secret = import_secret_add(d->im, "cache", cache_keys[at].is[i], value);
    }
    if (!secret)
        return;
    json_set_str(d->spec, arena_printf(d->im->a, "cache.%s.credentialsSecretRef.name", cache_keys[at].type), secret);
    import_tell_field(d, field, IMPORT_SECRET, "Secret %s, key %s", secret, cache_keys[at].is[0]);
}

/* A ConfigMap with a config.toml, of which the registration takes what it needs. */
static void say_config_map(struct import_draft *d, const struct import_objects *objects)
{
    const char *name = json_str_or(d->values, "spec.config", "");
    const char *text = import_objects_text(d->im, objects, "ConfigMap", name, "config.toml");
    struct err err;

    if (!*name)
        return;
    if (!text)
        import_tell_field(d, "spec.config", IMPORT_CANNOT,
                          "has config.toml in another object: give the ConfigMap %s, too", name);
    else if (!import_within(d, arena_printf(d->im->a, "ConfigMap %s", name), text, &err))
        import_tell_field(d, "spec.config", IMPORT_CANNOT, "is no TOML: %s", err.text);
    else
        import_tell_field(d, "spec.config", IMPORT_MOVED, "told line by line, below");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Patches of the pod */

/* NULL: why it cannot be merged. */
static const char *why_no_patch(struct json_object *patch, struct json_object *tree)
{
    if (json_str(patch, "patchFile"))
        return "is a file in the operator's pod: put its text into spec.manager.podSpec";
    if (strcmp(json_str_or(patch, "patchType", "strategic"), "json") == 0)
        return "is a list of steps (JSON patch): say in spec.manager.podSpec what comes of it";
    if (!json_object_is_type(tree, json_type_object))
        return "is no mapping: correct it";
    if (json_member(tree, "containers"))
        return "is about a container that has another name here: spec.manager.podSpec.containers, name manager";
    return NULL;
}

static void say_patch(struct import_draft *d, size_t i)
{
    struct json_object *patch = json_at(json_get(d->values, "spec.podSpec"), i);
    const char *text = json_str_or(patch, "patch", ""), *why;
    struct err ignored;
    struct json_object *tree =
        json_at(arena_json(d->im->a, yaml_read("patch", text, strlen(text), YAML_TYPED, &ignored)), 0);
    const char *field = arena_printf(d->im->a, "spec.podSpec[%zu]", i);

    if ((why = why_no_patch(patch, tree))) {
        import_tell_field(d, field, IMPORT_CANNOT, "%s", why);
        return;
    }
    json_each (it, tree)
        json_set(d->spec, arena_printf(d->im->a, "manager.podSpec.%s", it.key), json_ref(it.value));
    import_tell_field(d, field, IMPORT_MOVED, "spec.manager.podSpec");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

static void import_operators_runner(struct import *im, struct import_source *source,
                                    const struct import_objects *objects)
{
    struct import_draft d = import_draft_begin(im, source, "", source->tree);

    import_object_tell(im, source);
    say_config_map(&d, objects);
    import_rows_to_config(&d, for_config, ARRAY_LEN(for_config));
    import_config_defaults(&d, defaults, ARRAY_LEN(defaults));
    import_draft_runner(&d, json_str_or(source->tree, "metadata.name", ""));
    say_operators_token(&d, objects);
    import_rows_to_spec(&d, for_spec, ARRAY_LEN(for_spec));
    if (json_get(d.spec, "caSecretRef"))
        json_set_str(d.spec, "caSecretRef.key", "tls.crt");
    for (size_t i = 0; i < ARRAY_LEN(cache_keys); i++)
        say_cache_keys(&d, objects, i);
    for (size_t i = 0; i < json_len(json_get(source->tree, "spec.podSpec")); i++)
        say_patch(&d, i);
}

bool import_read_operator(struct import *im, const char *name, const struct buf *text, struct err *err)
{
    struct import_objects objects;

    return import_objects_read(im, name, text, &objects, err) &&
           import_objects_each(im, name, &objects, GROUP_OF_OPERATOR, import_operators_runner, err);
}
