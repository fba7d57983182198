/* The values of GitLab's Helm chart (gitlab-runner): the manager's are fields of spec.manager, and runners.config is a
 * config.toml with template actions in it. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/line_mark.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "cli/import_manager.h"
#include "cli/import_rows.h"
#include "cli/import_token.h"
#include "cli/import_within.h"

#define IN_KUBERNETES "runners.kubernetes."
#define PROBES        "is the operator's: the manager's probes never ask GitLab"
#define RIGHTS        "is the operator's: it gives the rights that the jobs need, where they run"
#define METRICS       "is the operator's: the metrics are on port 9252; kubectl apply -k manifests/monitoring for a monitor"
#define SESSIONS      "needs a Service of yours: make one, and set spec.config.session_server"
#define A_FILE        "is a file in the manager's pod: mount it by spec.manager.podSpec"

static const struct import_row for_config[] = {
    {"gitlabUrl", IMPORT_TO_CONFIG, "runners.url", NULL, NULL},
    {"concurrent", IMPORT_TO_CONFIG, "concurrent", import_whole, NULL},
    {"checkInterval", IMPORT_TO_CONFIG, "check_interval", import_whole, NULL},
    {"shutdown_timeout", IMPORT_TO_CONFIG, "shutdown_timeout", import_whole, "0"},
    {"connectionMaxAge", IMPORT_TO_CONFIG, "connection_max_age", NULL, NULL},
    {"logLevel", IMPORT_TO_CONFIG, "log_level", NULL, NULL},
    {"logFormat", IMPORT_TO_CONFIG, "log_format", NULL, NULL},
    {"sentryDsn", IMPORT_TO_CONFIG, "sentry_dsn", NULL, NULL},
    {"runners.image", IMPORT_TO_CONFIG, IN_KUBERNETES "image", NULL, NULL},
    {"runners.imagePullSecrets", IMPORT_TO_CONFIG, IN_KUBERNETES "image_pull_secrets", NULL, NULL},
    {"runners.imagePullPolicy", IMPORT_TO_CONFIG, IN_KUBERNETES "pull_policy", NULL, NULL},
    {"runners.requestConcurrency", IMPORT_TO_CONFIG, "runners.request_concurrency", import_whole, NULL},
    {"runners.privileged", IMPORT_TO_CONFIG, IN_KUBERNETES "privileged", NULL, NULL},
    {"runners.namespace", IMPORT_TO_CONFIG, IN_KUBERNETES "namespace", NULL, NULL},
    {"runners.jobNamespace", IMPORT_TO_CONFIG, IN_KUBERNETES "namespace", NULL, NULL},
    {"runners.pollTimeout", IMPORT_TO_CONFIG, IN_KUBERNETES "poll_timeout", import_whole, NULL},
    {"runners.outputLimit", IMPORT_TO_CONFIG, "runners.output_limit", import_whole, NULL},
    {"runners.cloneUrl", IMPORT_TO_CONFIG, "runners.clone_url", NULL, NULL},
    {"runners.serviceAccountName", IMPORT_TO_CONFIG, IN_KUBERNETES "service_account", NULL, NULL},
    {"runners.nodeSelector", IMPORT_TO_CONFIG, IN_KUBERNETES "node_selector", NULL, NULL},
    {"runners.nodeTolerations", IMPORT_TO_CONFIG, IN_KUBERNETES "node_tolerations", import_toleration_table, NULL},
    {"runners.podLabels", IMPORT_TO_CONFIG, IN_KUBERNETES "pod_labels", NULL, NULL},
    {"runners.podAnnotations", IMPORT_TO_CONFIG, IN_KUBERNETES "pod_annotations", NULL, NULL},
    {"runners.env", IMPORT_TO_CONFIG, "runners.environment", import_variables, NULL},
    {"runners.pod_security_context", IMPORT_TO_CONFIG, IN_KUBERNETES "pod_security_context", NULL, NULL},
    {"runners.cache.cacheType", IMPORT_TO_CONFIG, "runners.cache.Type", NULL, NULL},
    {"runners.cache.cachePath", IMPORT_TO_CONFIG, "runners.cache.Path", NULL, NULL},
    {"runners.cache.cacheShared", IMPORT_TO_CONFIG, "runners.cache.Shared", NULL, NULL},
    {"runners.cache.s3ServerAddress", IMPORT_TO_CONFIG, "runners.cache.s3.ServerAddress", NULL, NULL},
    {"runners.cache.s3BucketName", IMPORT_TO_CONFIG, "runners.cache.s3.BucketName", NULL, NULL},
    {"runners.cache.s3BucketLocation", IMPORT_TO_CONFIG, "runners.cache.s3.BucketLocation", NULL, NULL},
    {"runners.cache.s3CacheInsecure", IMPORT_TO_CONFIG, "runners.cache.s3.Insecure", NULL, NULL},
    {"runners.cache.gcsBucketName", IMPORT_TO_CONFIG, "runners.cache.gcs.BucketName", NULL, NULL},
    {"runners.cache.azureContainerName", IMPORT_TO_CONFIG, "runners.cache.azure.ContainerName", NULL, NULL},
    {"runners.cache.azureStorageDomain", IMPORT_TO_CONFIG, "runners.cache.azure.StorageDomain", NULL, NULL},
    {"runners.builds.cpuLimit", IMPORT_TO_CONFIG, IN_KUBERNETES "cpu_limit", NULL, NULL},
    {"runners.builds.cpuLimitOverwriteMaxAllowed", IMPORT_TO_CONFIG, IN_KUBERNETES "cpu_limit_overwrite_max_allowed",
     NULL, NULL},
    {"runners.builds.memoryLimit", IMPORT_TO_CONFIG, IN_KUBERNETES "memory_limit", NULL, NULL},
    {"runners.builds.memoryLimitOverwriteMaxAllowed", IMPORT_TO_CONFIG,
     IN_KUBERNETES "memory_limit_overwrite_max_allowed", NULL, NULL},
    {"runners.builds.cpuRequests", IMPORT_TO_CONFIG, IN_KUBERNETES "cpu_request", NULL, NULL},
    {"runners.builds.cpuRequestsOverwriteMaxAllowed", IMPORT_TO_CONFIG,
     IN_KUBERNETES "cpu_request_overwrite_max_allowed", NULL, NULL},
    {"runners.builds.memoryRequests", IMPORT_TO_CONFIG, IN_KUBERNETES "memory_request", NULL, NULL},
    {"runners.builds.memoryRequestsOverwriteMaxAllowed", IMPORT_TO_CONFIG,
     IN_KUBERNETES "memory_request_overwrite_max_allowed", NULL, NULL},
    {"runners.services.cpuLimit", IMPORT_TO_CONFIG, IN_KUBERNETES "service_cpu_limit", NULL, NULL},
    {"runners.services.memoryLimit", IMPORT_TO_CONFIG, IN_KUBERNETES "service_memory_limit", NULL, NULL},
    {"runners.services.cpuRequests", IMPORT_TO_CONFIG, IN_KUBERNETES "service_cpu_request", NULL, NULL},
    {"runners.services.memoryRequests", IMPORT_TO_CONFIG, IN_KUBERNETES "service_memory_request", NULL, NULL},
    {"runners.helpers.cpuLimit", IMPORT_TO_CONFIG, IN_KUBERNETES "helper_cpu_limit", NULL, NULL},
    {"runners.helpers.memoryLimit", IMPORT_TO_CONFIG, IN_KUBERNETES "helper_memory_limit", NULL, NULL},
    {"runners.helpers.cpuRequests", IMPORT_TO_CONFIG, IN_KUBERNETES "helper_cpu_request", NULL, NULL},
    {"runners.helpers.memoryRequests", IMPORT_TO_CONFIG, IN_KUBERNETES "helper_memory_request", NULL, NULL},
    {"runners.helpers.image", IMPORT_TO_CONFIG, IN_KUBERNETES "helper_image", NULL, NULL},
};

static const struct import_default defaults[] = {
    {"concurrent", NULL, 10, "spec.concurrent"},
    {"check_interval", NULL, 30, "spec.checkIntervalSeconds"},
    {IN_KUBERNETES "image", "alpine", 0, "spec.image"}, /* of the text that is there where there is none */
};

/* What GitLab keeps of a runner. */
static const struct import_row attributes[] = {
    {"runners.name", IMPORT_TO_SPEC, "description", NULL, NULL},
    {"runners.tags", IMPORT_TO_SPEC, "tags", import_comma_list, NULL},
    {"runners.locked", IMPORT_TO_SPEC, "locked", NULL, NULL},
    {"runners.runUntagged", IMPORT_TO_SPEC, "runUntagged", NULL, NULL},
    {"runners.protected", IMPORT_TO_SPEC, "accessLevel", import_protected, NULL},
    {"runners.maximumTimeout", IMPORT_TO_SPEC, "maximumTimeoutSeconds", import_whole, NULL},
};

static const struct import_row for_spec[] = {
    {"imagePullPolicy", IMPORT_TO_SPEC, "manager.imagePullPolicy", NULL, NULL},
    {"imagePullSecrets", IMPORT_TO_SPEC, "manager.imagePullSecrets", import_references, NULL},
    {"replicas", IMPORT_TO_SPEC, "manager.replicas", import_whole, NULL},
    {"revisionHistoryLimit", IMPORT_TO_SPEC, "manager.deployment.revisionHistoryLimit", NULL, NULL},
    {"terminationGracePeriodSeconds", IMPORT_TO_SPEC, "manager.terminationGracePeriodSeconds", NULL, NULL},
    {"strategy", IMPORT_TO_SPEC, "manager.deployment.strategy", NULL, NULL},
    {"resources", IMPORT_TO_SPEC, "manager.resources", NULL, NULL},
    {"affinity", IMPORT_TO_SPEC, "manager.affinity", NULL, NULL},
    {"topologySpreadConstraints", IMPORT_TO_SPEC, "manager.topologySpreadConstraints", NULL, NULL},
    {"nodeSelector", IMPORT_TO_SPEC, "manager.nodeSelector", NULL, NULL},
    {"tolerations", IMPORT_TO_SPEC, "manager.tolerations", NULL, NULL},
    {"deploymentAnnotations", IMPORT_TO_SPEC, "manager.deployment.annotations", NULL, NULL},
    {"deploymentLabels", IMPORT_TO_SPEC, "manager.deployment.labels", NULL, NULL},
    {"podAnnotations", IMPORT_TO_SPEC, "manager.podAnnotations", NULL, NULL},
    {"podLabels", IMPORT_TO_SPEC, "manager.podLabels", NULL, NULL},
    {"priorityClassName", IMPORT_TO_SPEC, "manager.priorityClassName", NULL, NULL},
    {"hostAliases", IMPORT_TO_SPEC, "manager.podSpec.hostAliases", NULL, NULL},
    {"schedulerName", IMPORT_TO_SPEC, "manager.podSpec.schedulerName", NULL, NULL},
    {"runtimeClassName", IMPORT_TO_SPEC, "manager.podSpec.runtimeClassName", NULL, NULL},
    {"hostname", IMPORT_TO_SPEC, "manager.podSpec.hostname", NULL, NULL},
    {"volumes", IMPORT_TO_SPEC, "manager.podSpec.volumes", NULL, NULL},
    {"rbac.serviceAccountAnnotations", IMPORT_TO_SPEC, "manager.serviceAccount.annotations", NULL, NULL},
    {"serviceAccount.annotations", IMPORT_TO_SPEC, "manager.serviceAccount.annotations", NULL, NULL},

    {"rbac.imagePullSecrets", IMPORT_REFUSED, "is the ServiceAccount's: name them in spec.manager.imagePullSecrets",
     NULL, NULL},
    {"serviceAccount.imagePullSecrets", IMPORT_REFUSED,
     "is the ServiceAccount's: name them in spec.manager.imagePullSecrets", NULL, NULL},
    {"runners.configPath", IMPORT_REFUSED, "is a file in the manager's pod: put its text into runners.config", NULL,
     NULL},
    {"preEntrypointScript", IMPORT_REFUSED,
     "runs before the manager: make it an entry of spec.manager.podSpec.initContainers, or a part of the image", NULL,
     NULL},
    {"deploymentLifecycle", IMPORT_REFUSED, "would stand in the way of the operator's, by which jobs finish", NULL,
     NULL},
    {"hpa", IMPORT_REFUSED, "is a HorizontalPodAutoscaler: make one of the GitLabRunner, which can be scaled", NULL,
     NULL},
    {"secrets", IMPORT_REFUSED, A_FILE, NULL, NULL},
    {"configMaps", IMPORT_REFUSED, A_FILE, NULL, NULL},
    {"extraObjects", IMPORT_REFUSED, "is a manifest of its own: apply it beside the GitLabRunner", NULL, NULL},
    {"automountServiceAccountToken", IMPORT_REFUSED, "cannot be false: the manager makes the jobs' pods with it", NULL,
     "true"},
    {"runners.executor", IMPORT_REFUSED, "has no jobs in a cluster: only kubernetes has", NULL, "kubernetes"},
    {"sessionServer.enabled", IMPORT_REFUSED, SESSIONS, NULL, "false"},

    {"useTini", IMPORT_NEEDLESS, "is the operator's: nothing is left behind by a manager", NULL, NULL},
    {"livenessProbe", IMPORT_NEEDLESS, PROBES, NULL, NULL},
    {"readinessProbe", IMPORT_NEEDLESS, PROBES, NULL, NULL},
    {"probeTimeoutSeconds", IMPORT_NEEDLESS, PROBES, NULL, NULL},
    {"unregisterRunner", IMPORT_NEEDLESS, "is the operator's: a pod that ends deregisters nothing", NULL, NULL},
    {"unregisterRunners", IMPORT_NEEDLESS, "is the operator's: a pod that ends deregisters nothing", NULL, NULL},
    {"nameOverride", IMPORT_NEEDLESS, "is metadata.name: --name sets it", NULL, NULL},
    {"fullnameOverride", IMPORT_NEEDLESS, "is metadata.name: --name sets it", NULL, NULL},
    {"rbac", IMPORT_NEEDLESS, RIGHTS, NULL, NULL},
    {"serviceAccount", IMPORT_NEEDLESS, RIGHTS, NULL, NULL},
    {"metrics", IMPORT_NEEDLESS, METRICS, NULL, NULL},
    {"service", IMPORT_NEEDLESS, METRICS, NULL, NULL},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What is not one value in one place */

/* Whoever gives a token of a runner has that runner, and its attributes are at GitLab already. */
static void say_token(struct import_draft *d)
{
    const char *token = json_str_or(d->values, "runnerToken", ""),
               *secret = json_str_or(d->values, "runners.secret", "");
    const char *other = json_str_or(d->values, "runnerRegistrationToken", "");
    bool registers = *other && !is_runner_token(other) && !*token;

    if (*token)
        import_token(d, "runnerToken", IMPORT_RUNNER_TOKEN, token);
    if (*other && !*token)
        import_token(d, "runnerRegistrationToken", registers ? IMPORT_REGISTRATION_TOKEN : IMPORT_RUNNER_TOKEN, other);
    if (*secret && !*token && !*other) {
        import_tell_field(
            d, "runners.secret", IMPORT_MOVED,
            "spec.authentication.runnerTokenSecretRef, key runner-token; where that is the empty one, make "
            "it registrationTokenSecretRef");
        import_token_reference(d, "runners.secret", IMPORT_RUNNER_TOKEN, secret, "runner-token");
    }
    if (*secret && (*token || *other))
        import_tell_field(d, "runners.secret", IMPORT_OURS, "has no effect: the token is said beside it");
    import_tell_field(d, "runnerToken", IMPORT_OURS, "says nothing");
    import_tell_field(d, "runnerRegistrationToken", IMPORT_OURS, "says nothing");
    import_tell_field(d, "runners.secret", IMPORT_OURS, "says nothing");
    if (registers)
        import_rows_to_spec(d, attributes, ARRAY_LEN(attributes));
    else
        import_rows_tell(d, attributes, ARRAY_LEN(attributes), IMPORT_OURS, TOKEN_KEEPS_ATTRIBUTES);
}

static void say_certificates(struct import_draft *d)
{
    const char *name = json_str_or(d->values, "certsSecretName", ""), *url = json_str_or(d->values, "gitlabUrl", "");
    const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;

    if (!*name)
        return;
    host = arena_strndup(d->im->a, host, strcspn(host, ":/"));
    json_set(d->spec, "caSecretRef", json_build("{name: %s, key: %s}", name, arena_printf(d->im->a, "%s.crt", host)));
    import_tell_field(d, "certsSecretName", IMPORT_MOVED, "spec.caSecretRef, key %s.crt", host);
}

static void say_cache_secret(struct import_draft *d)
{
    const char *name = json_str_or(d->values, "runners.cache.secretName", "");
    const char *type = json_str_or(d->spec, "cache.type", "");

    if (!*name)
        return;
    if (!*type) {
        import_tell_field(d, "runners.cache.secretName", IMPORT_CANNOT,
                          "belongs to no cache: runners.config has no [runners.cache] with a Type");
        return;
    }
    json_set_str(d->spec, arena_printf(d->im->a, "cache.%s.credentialsSecretRef.name", type), name);
    import_tell_field(d, "runners.cache.secretName", IMPORT_MOVED, "spec.cache.%s.credentialsSecretRef", type);
    if (strcmp(json_str_or(json_at(json_member(d->values, "secrets"), 0), "name", ""), name) == 0)
        import_tell_field(d, "secrets[0]", IMPORT_OURS, "is the cache's, which is named there");
}

/* An account that the chart does not make is yours. */
static void say_account(struct import_draft *d)
{
    static const char *const fields[][2] = {{"rbac.create", "rbac.serviceAccountName"},
                                            {"serviceAccount.create", "serviceAccount.name"}};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *name = json_str_or(d->values, fields[i][1], "");
        if (!*name || json_bool_or(d->values, fields[i][0], i == 0))
            continue;
        json_set_str(d->spec, "manager.serviceAccountName", name);
        import_tell_field(d, fields[i][1], IMPORT_MOVED, "spec.manager.serviceAccountName");
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

/* What has the values is the whole document, or a part of it: of the chart of GitLab itself, or of a HelmRelease. */
static const char *place_of_values(struct json_object *document)
{
    static const char *const places[] = {"spec.values", "gitlab-runner"};

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (json_object_is_type(json_get(document, places[i]), json_type_object))
            return places[i];
    return "";
}

static const char *name_of_release(const struct import_draft *d)
{
    const char *name = json_str_or(d->values, "runners.name", "");

    return *name ? name : json_str_or(d->values, "fullnameOverride", "gitlab-runner");
}

static bool import_values(struct import *im, const char *file, struct import_source *source, struct json_object *marks,
                          struct err *err)
{
    const char *place = place_of_values(source->tree), *prefix = *place ? arena_printf(im->a, "%s.", place) : "";
    struct json_object *values = *place ? json_get(source->tree, place) : source->tree;
    struct import_draft d = import_draft_begin(im, source, prefix, values);
    const char *text = json_str_or(values, "runners.config", "");
    struct json_object *mark = json_get(*place ? json_get(marks, place) : marks, "runners.config");

    d.templates = true;
    if (*text && !import_within(&d, arena_printf(im->a, "%s:%u runners.config", file, line_mark_line(mark)), text, err))
        return false;
    import_tell_field(&d, "runners.config", IMPORT_MOVED, "told line by line, below");
    import_rows_to_config(&d, for_config, ARRAY_LEN(for_config));
    import_config_defaults(&d, defaults, ARRAY_LEN(defaults) - (*text ? 1 : 0));
    import_draft_runner(&d, name_of_release(&d));
    say_token(&d);
    say_certificates(&d);
    say_cache_secret(&d);
    say_account(&d);
    import_manager(&d);
    import_rows_to_spec(&d, for_spec, ARRAY_LEN(for_spec));
    import_tell_field(&d, "sessionServer",
                      json_bool_or(values, "sessionServer.enabled", false) ? IMPORT_CANNOT : IMPORT_OURS,
                      "goes with a Service that is there while sessionServer is enabled");
    for (size_t i = 0; i < json_len(d.used); i++)
        import_tell_field(&d, json_string(json_at(d.used, i)), IMPORT_MOVED, "runners.config, which names it");
    return true;
}

bool import_read_helm(struct import *im, const char *name, const struct buf *text, struct err *err)
{
    struct json_object *marks, *documents = yaml_read_marked(name, text->data, text->len, YAML_TYPED, &marks, err);
    struct json_object *values = json_at(arena_json(im->a, documents), 0);

    if (!documents)
        return false;
    arena_json(im->a, marks);
    if (json_len(documents) != 1 || !json_object_is_type(values, json_type_object))
        return err_set(err, ERR_INVALID, "NoValues", "%s: the values of one release are one mapping", name);
    return import_values(im, name, import_source_add(&im->report, name, false, values, json_at(marks, 0)),
                         json_at(marks, 0), err);
}
