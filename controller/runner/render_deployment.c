/* The manager: the pod that waits for jobs. Nothing in its template depends on the content of config.toml but the few
 * keys that gitlab-runner reads at its start only, so any other change of that file reaches the running process by way
 * of the mounted Secret and restarts nothing. */
#include <assert.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/extra_config.h"
#include "runner/proxy.h"
#include "runner/render_parts.h"

/* gitlab-runner's user in its own Alpine image; any other image works with it as well. */
#define MANAGER_USER  100
#define MANAGER_GROUP 65533

#define HOME_FOLDER "/home/gitlab-runner"

/* gitlab-runner keeps its system id beside config.toml. A folder of the pod's own gives it one id for as long as the
 * pod lives; the link leads to the mounted Secret, whose updates gitlab-runner sees through it. */
static const char start_script[] =
    "id=$(printf %s \"$POD_UID\" | tr -cd '0-9A-Za-z' | cut -c 1-12)\n"
    "printf 'r_%s' \"$id\" > " CONFIG_FOLDER "/.runner_system_id\n"
    "ln -sf " CONFIG_MOUNT "/" KEY_CONFIG " " CONFIG_FOLDER "/" KEY_CONFIG "\n"
    "exec gitlab-runner run --config " CONFIG_FOLDER "/" KEY_CONFIG " --working-directory " HOME_FOLDER "\n";

/* QUIT: take no more jobs, finish the running ones. The kubelet's own signal, which would abort them, follows as soon
 * as this script ends, so it ends with the process. */
static const char drain_script[] = "kill -QUIT 1; while kill -0 1 2> /dev/null; do sleep 1; done\n";

/* A reference to a value of the spec, or NULL. */
static struct json_object *given(struct json_object *value)
{
    return json_ref(value);
}

static struct json_object *volume_list(const struct owner *owner, struct arena *a)
{
    return json_build("[{name: '" CONFIG_VOLUME "', secret: {secretName: %s, defaultMode: 288}}, "
                      "{name: '" FOLDER_VOLUME "', emptyDir: {}}, "
                      "{name: 'home', emptyDir: {}}, {name: 'tmp', emptyDir: {}}]",
                      child_name(CHILD_CONFIG_SECRET, owner, a));
}

static struct json_object *mount_list(void)
{
    return json_build("[{name: '" CONFIG_VOLUME "', mountPath: %s, readOnly: true}, "
                      "{name: '" FOLDER_VOLUME "', mountPath: %s}, "
                      "{name: 'home', mountPath: %s}, {name: 'tmp', mountPath: '/tmp'}]",
                      CONFIG_MOUNT, CONFIG_FOLDER, HOME_FOLDER);
}

static void add_manager_variables(struct json_object *list, struct json_object *variables)
{
    for (size_t i = 0; i < json_len(variables); i++)
        json_object_array_add(list, given(json_at(variables, i)));
}

enum {
    MEMORY_REQUEST = 128, /* MiB, which a manager with a few jobs has */
    MEMORY_LEAST = 256,
    MEMORY_IDLE = 131,   /* of a manager and its runner, and … */
    MEMORY_TEN_JOBS = 45 /* … of ten jobs: measured of gitlab-runner 19.4 */
};

/* What a manager may take with as many jobs as it may run, MiB. In powers of two, so that few edits of `concurrent`
 * need new pods. */
static int64_t memory_limit(const struct spec *spec)
{
    int64_t need = MEMORY_IDLE + spec->concurrent * MEMORY_TEN_JOBS / 10, limit = MEMORY_LEAST;

    while (limit < need)
        limit *= 2;
    return limit;
}

/* The user's; without any, what fits. */
static struct json_object *resources(const struct spec *spec, struct arena *a)
{
    if (spec->manager.resources)
        return given(spec->manager.resources);
    return json_build("{requests: {memory: %s}, limits: {memory: %s}}", arena_printf(a, "%dMi", MEMORY_REQUEST),
                      arena_printf(a, "%" PRId64 "Mi", memory_limit(spec)));
}

/* Our own variables, the proxy's, then the user's. The kubelet puts the API server's address in. */
static struct json_object *env_list(const struct spec *spec, struct arena *a)
{
    struct json_object *list = json_build("[{name: 'HOME', value: %s}, {name: 'POD_UID', valueFrom: {fieldRef: "
                                          "{apiVersion: 'v1', fieldPath: 'metadata.uid'}}}]",
                                          HOME_FOLDER);
    struct json_object *users = spec->manager.env;

    if (!spec->manager.resources && !variable_is_given(users, "GOMEMLIMIT"))
        json_append(list, json_build("{name: 'GOMEMLIMIT', value: %s}",
                                     arena_printf(a, "%" PRId64 "MiB", memory_limit(spec) * 8 / 10)));
    add_manager_variables(list, arena_json(a, proxy_variables(&spec->proxy, "$(KUBERNETES_SERVICE_HOST)", users, a)));
    add_manager_variables(list, users);
    return list;
}

/* A constraint that does not say which pods it is about would be about none: it is about the manager's. */
static struct json_object *spread_constraints(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    struct json_object *list = json_copy(spec->manager.topology_spread_constraints);

    for (size_t i = 0; i < json_len(list); i++)
        if (!json_member(json_at(list, i), "labelSelector"))
            json_set(json_at(list, i), "labelSelector.matchLabels", render_selector(owner, a));
    return list;
}

/* A probe asks the process alone, never GitLab: a pod must not restart because GitLab is down. */
static struct json_object *probe(int64_t period, int64_t timeout, int64_t failures)
{
    return json_build(
        "{httpGet: {path: '/metrics', port: 'metrics', scheme: 'HTTP'}, periodSeconds: %d, timeoutSeconds: %d, "
        "failureThreshold: %d, successThreshold: 1}",
        period, timeout, failures);
}

/* The first one waits until the process listens, for as long as it may take: one that asked and asked again would have
 * an Event Unhealthy at each start. The kernel's table of sockets has the port in hexadecimal, and 0A for listening. */
static struct json_object *startup_probe(void)
{
    static const char wait_script[] =
        "until grep -q ':" METRICS_PORT_HEX " .* 0A ' /proc/net/tcp /proc/net/tcp6 2> /dev/null; do sleep 0.2; done\n";

    return json_build("{exec: {command: ['/bin/sh', '-c', %s]}, periodSeconds: 1, timeoutSeconds: 60, "
                      "failureThreshold: 1, successThreshold: 1}",
                      wait_script);
}

static struct json_object *container(const struct spec *spec, const struct render_settings *settings, struct arena *a)
{
    const struct manager_spec *m = &spec->manager;
    struct json_object *c =
        json_build("{name: '" MANAGER_CONTAINER
                   "', image: %s, imagePullPolicy: %s, command: ['/bin/sh', '-ec', %s], env: %o, envFrom: %o, "
                   "ports: [{name: 'metrics', containerPort: " METRICS_PORT
                   ", protocol: 'TCP'}], resources: %o, volumeMounts: %o}",
                   m->image ? m->image : settings->manager_image, m->image_pull_policy, start_script, env_list(spec, a),
                   given(m->env_from), resources(spec, a), mount_list());

    json_set(c, "startupProbe", startup_probe());
    json_set(c, "readinessProbe", probe(10, 5, 3));
    json_set(c, "livenessProbe", probe(30, 10, 5));
    json_set(c, "lifecycle", json_build("{preStop: {exec: {command: ['/bin/sh', '-c', %s]}}}", drain_script));
    json_set(c, "securityContext",
             json_build("{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, "
                        "capabilities: {drop: ['ALL']}}"));
    return c;
}

static struct json_object *pod_spec(const struct owner *owner, const struct spec *spec,
                                    const struct render_settings *settings, struct arena *a)
{
    const struct manager_spec *m = &spec->manager;
    bool aliases = spec->host_aliases_len > 0;
    struct json_object *pod = json_build(
        "{serviceAccountName: %s, automountServiceAccountToken: true, enableServiceLinks: false, "
        "terminationGracePeriodSeconds: %d, priorityClassName: %s, imagePullSecrets: %o, nodeSelector: %o, "
        "tolerations: %o, affinity: %o, topologySpreadConstraints: %o, hostAliases: %o, containers: [%o], volumes: %o}",
        render_account_name(owner, spec, a), m->termination_grace_period, m->priority_class_name,
        given(m->image_pull_secrets), given(m->node_selector), given(m->tolerations), given(m->affinity),
        spread_constraints(owner, spec, a), aliases ? given(spec->host_aliases_json) : NULL,
        container(spec, settings, a), volume_list(owner, a));

    json_set(pod, "securityContext",
             json_build("{runAsNonRoot: true, runAsUser: %d, runAsGroup: %d, fsGroup: %d, "
                        "seccompProfile: {type: 'RuntimeDefault'}}",
                        (int64_t)MANAGER_USER, (int64_t)MANAGER_GROUP, (int64_t)MANAGER_GROUP));

    struct json_object *merged = pod_spec_merged(pod, m->pod_spec);
    json_object_put(pod);
    return merged;
}

/* The user's labels under ours: those are how the Deployment knows its pods. */
static struct json_object *pod_labels(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    struct json_object *labels =
        spec->manager.pod_labels ? json_copy(spec->manager.pod_labels) : json_object_new_object();
    struct json_object *ours = render_labels(owner, a);

    json_each (it, ours)
        json_object_object_add(labels, it.key, json_ref(it.value));
    json_object_put(ours);
    return labels;
}

/* The user's, and what makes a new pod necessary. */
static struct json_object *pod_annotations(const struct spec *spec, struct arena *a)
{
    const char *hash = extra_config_start_hash(spec->config, a);

    if (!hash)
        return json_copy(spec->manager.pod_annotations); /* which render_deployment_inputs() adds to */
    struct json_object *annotations =
        spec->manager.pod_annotations ? json_copy(spec->manager.pod_annotations) : json_object_new_object();
    json_put_member(annotations, ANNOTATION_START_CONFIG, hash);
    return annotations;
}

/* A new pod is there before an old one goes, unless the user says something else. */
static struct json_object *strategy(const struct spec *spec)
{
    struct json_object *wish = spec->manager.strategy, *rolling = json_get(wish, "rollingUpdate");
    struct json_object *surge = json_get(rolling, "maxSurge"), *unavailable = json_get(rolling, "maxUnavailable");

    if (strcmp(json_str_or(wish, "type", ""), "Recreate") == 0)
        return json_build("{type: 'Recreate'}");
    return json_build("{type: 'RollingUpdate', rollingUpdate: {maxSurge: %o, maxUnavailable: %o}}",
                      surge ? given(surge) : json_object_new_int(1),
                      unavailable ? given(unavailable) : json_object_new_int(0));
}

const char *input_of(const char *inputs, const char *name, struct arena *a)
{
    for (const char *at = inputs; at && *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strncmp(at, name, strlen(name)) == 0)
            return arena_strndup(a, at + strlen(name), strcspn(at, " ") - strlen(name));
    return NULL;
}

void render_deployment_inputs(struct json_object *deployment, const char *inputs, struct arena *a)
{
    static const struct {
        const char *input, *annotation; /* of the pods */
    } shown[] = {{INPUT_ACCOUNT, ANNOTATION_ACCOUNT_UID}, {INPUT_RESTART, ANNOTATION_RESTART}};

    if (!inputs || !*inputs)
        return;
    assert(inputs && json_get(deployment, "spec.template.metadata"));
    if (!json_get(deployment, "spec.template.metadata.annotations"))
        json_set(deployment, "spec.template.metadata.annotations", json_object_new_object());
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        if (input_of(inputs, shown[i].input, a))
            json_put_member(json_get(deployment, "spec.template.metadata.annotations"), shown[i].annotation,
                            input_of(inputs, shown[i].input, a));
    json_put_member(json_get(deployment, "metadata.annotations"), ANNOTATION_INPUTS, inputs);
}

struct json_object *render_deployment(const struct owner *owner, const struct spec *spec,
                                      const struct render_settings *settings, struct arena *a)
{
    struct json_object *manifest = render_frame(CHILD_DEPLOYMENT, owner, spec, a);
    struct json_object *template =
        json_build("{metadata: {labels: %o, annotations: %o}, spec: %o}", pod_labels(owner, spec, a),
                   pod_annotations(spec, a), pod_spec(owner, spec, settings, a));

    json_set(
        manifest, "spec",
        json_build("{replicas: %d, revisionHistoryLimit: %d, selector: {matchLabels: %o}, strategy: %o, template: %o}",
                   spec->manager.replicas, spec->manager.revision_history, render_selector(owner, a), strategy(spec),
                   template));
    if (spec->manager.min_ready >= 0)
        json_set_int(manifest, "spec.minReadySeconds", spec->manager.min_ready);
    if (spec->manager.progress_deadline >= 0)
        json_set_int(manifest, "spec.progressDeadlineSeconds", spec->manager.progress_deadline);
    render_add_metadata(manifest, spec->manager.deployment_labels, spec->manager.deployment_annotations);
    return manifest;
}
