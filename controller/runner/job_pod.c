#include "runner/job_pod.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/spec_parts.h"

/* As strconv.ParseBool() has it. */
static bool is_true(const char *text)
{
    return word_index("1, t, T, TRUE, true, True", text) >= 0;
}

bool job_flag(struct json_object *runner, const char *name, bool by_default)
{
    struct json_object *flag = json_member(json_member(runner, "feature_flags"), name);
    struct json_object *variables = json_member(runner, "environment");
    size_t len = strlen(name);

    if (flag)
        return json_object_get_boolean(flag);
    for (size_t i = json_len(variables); i-- > 0;) {
        const char *variable = json_string(json_at(variables, i));
        if (strncmp(variable, name, len) == 0 && variable[len] == '=')
            return is_true(variable + len + 1);
    }
    return by_default;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Security contexts.
 */
static bool has_text(struct json_object *list, const char *text)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_at(list, i)), text) == 0)
            return true;
    return false;
}

/* The last of the three lists counts for a capability: NET_RAW is dropped by default. */
static struct json_object *common_capabilities(struct json_object *kubernetes)
{
    struct json_object *added = json_member(kubernetes, "cap_add"), *dropped = json_member(kubernetes, "cap_drop");
    struct json_object *add = json_object_new_array(), *drop = json_object_new_array();

    if (!has_text(added, "NET_RAW") && !has_text(dropped, "NET_RAW"))
        json_append(drop, json_object_new_string("NET_RAW"));
    for (size_t i = 0; i < json_len(dropped); i++)
        json_append(drop, json_ref(json_at(dropped, i)));
    for (size_t i = 0; i < json_len(added); i++)
        if (!has_text(dropped, json_string(json_at(added, i))))
            json_append(add, json_ref(json_at(added, i)));
    return json_build("{add: %o, drop: %o}", add, drop);
}

/* Each of a container's own two lists takes the place of the common one. */
static struct json_object *capabilities(struct json_object *kubernetes, struct json_object *context)
{
    static const char *const lists[] = {"add", "drop"};
    struct json_object *ret = common_capabilities(kubernetes), *own = json_member(context, "capabilities");

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (json_member(own, lists[i]))
            json_object_object_add(ret, lists[i], json_ref(json_member(own, lists[i])));
    return ret;
}

/* Of a type that gitlab-runner knows, and whole; else it is passed over. */
static struct json_object *profile(struct json_object *given)
{
    const char *type = json_str_or(given, "type", ""), *file = json_str_or(given, "localhost_profile", "");
    bool local = strcmp(type, "Localhost") == 0;

    if (word_index("RuntimeDefault, Localhost, Unconfined", type) < 0 || (local && !*file))
        return NULL;
    return json_build("{type: %s, localhostProfile: %s}", type, local ? file : NULL);
}

static const char *proc_mount(struct json_object *context)
{
    const char *given = json_str_or(context, "proc_mount", "");

    return strcasecmp(given, "default") == 0 ? "Default" : strcasecmp(given, "unmasked") == 0 ? "Unmasked" : NULL;
}

static struct json_object *selinux(struct json_object *context)
{
    const char *type = json_str_or(context, "selinux_type", "");

    return *type ? json_build("{type: %s}", type) : NULL;
}

/* Flags and ids, by their names there and here; those of `common` are for all containers, unless one says otherwise. */
static void add_plain(struct json_object *ret, struct json_object *context, struct json_object *common)
{
    static const struct {
        const char *key, *member;
    } plain[] = {
        {"privileged", "privileged"},
        {"allow_privilege_escalation", "allowPrivilegeEscalation"},
        {"run_as_user", "runAsUser"},
        {"run_as_group", "runAsGroup"},
        {"run_as_non_root", "runAsNonRoot"},
        {"fs_group", "fsGroup"},
        {"supplemental_groups", "supplementalGroups"},
        {"read_only_root_filesystem", "readOnlyRootFilesystem"},
    };

    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        struct json_object *value = json_member(context, plain[i].key);
        if (!value && i < 2)
            value = json_member(common, plain[i].key);
        if (value)
            json_object_object_add(ret, plain[i].member, json_ref(value));
    }
}

/* Those of the pod are written into its containers, where they have none of their own. */
static void add_ids(struct json_object *ret, struct json_object *pod)
{
    static const char *const ids[][2] = {{"run_as_user", "runAsUser"}, {"run_as_group", "runAsGroup"}};

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (!json_member(ret, ids[i][1]) && json_member(pod, ids[i][0]))
            json_object_object_add(ret, ids[i][1], json_ref(json_member(pod, ids[i][0])));
}

static struct json_object *container_context(struct json_object *kubernetes, const char *container)
{
    struct json_object *context = json_member(kubernetes, job_container_context(container));
    struct json_object *ret = json_build("{capabilities: %o, procMount: %s, seLinuxOptions: %o, seccompProfile: %o, "
                                         "appArmorProfile: %o}",
                                         capabilities(kubernetes, context), proc_mount(context), selinux(context),
                                         profile(json_member(context, "seccomp_profile")),
                                         profile(json_member(context, "app_armor_profile")));

    add_plain(ret, context, kubernetes);
    if (strcmp(container, "init-permissions") != 0)
        add_ids(ret, json_member(kubernetes, "pod_security_context"));
    return ret;
}

static struct json_object *pod_context(struct json_object *kubernetes)
{
    struct json_object *context = json_member(kubernetes, "pod_security_context");
    struct json_object *ret = json_build("{seLinuxOptions: %o, seccompProfile: %o, appArmorProfile: %o}",
                                         selinux(context), profile(json_member(context, "seccomp_profile")),
                                         profile(json_member(context, "app_armor_profile")));

    add_plain(ret, context, NULL);
    return ret;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Containers.
 */
static const struct {
    const char *container, *context;
} contexts[] = {
    {"init-permissions", "init_permissions_container_security_context"},
    {"init-build-uid-gid-collector", "build_container_security_context"},
    {"build", "build_container_security_context"},
    {"helper", "helper_container_security_context"},
    {"svc-0", "service_container_security_context"},
};

const char *job_container_context(const char *container)
{
    for (size_t i = 0; i < ARRAY_LEN(contexts); i++)
        if (strcmp(contexts[i].container, container) == 0)
            return contexts[i].context;
    return "";
}

static struct json_object *hook(struct json_object *given)
{
    struct json_object *http = json_member(given, "http_get"), *tcp = json_member(given, "tcp_socket");

    if (!given)
        return NULL;
    if (http)
        return json_build("{httpGet: {host: %s, path: %s, port: %d}}", json_str(http, "host"), json_str(http, "path"),
                          json_int_or(http, "port", 0));
    if (tcp)
        return json_build("{tcpSocket: {host: %s, port: %d}}", json_str(tcp, "host"), json_int_or(tcp, "port", 0));
    return json_build("{exec: {command: %o}}", json_ref(json_get(given, "exec.command")));
}

static struct json_object *lifecycle(struct json_object *kubernetes)
{
    struct json_object *given = json_member(kubernetes, "container_lifecycle");

    if (!json_member(given, "post_start") && !json_member(given, "pre_stop"))
        return NULL;
    return json_build("{postStart: %o, preStop: %o}", hook(json_member(given, "post_start")),
                      hook(json_member(given, "pre_stop")));
}

static struct json_object *job_container(struct json_object *kubernetes, const char *name, bool init)
{
    return json_build("{name: %s, image: 'image-of-the-job', securityContext: %o, lifecycle: %o}", name,
                      container_context(kubernetes, name), init ? NULL : lifecycle(kubernetes));
}

static struct json_object *init_containers(struct json_object *runner, struct json_object *kubernetes)
{
    struct json_object *list = json_object_new_array();

    if (job_flag(runner, "FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR", false))
        json_append(list, job_container(kubernetes, "init-build-uid-gid-collector", true));
    if (!job_flag(runner, "FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY", false) ||
        job_flag(runner, "FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR", false))
        json_append(list, job_container(kubernetes, "init-permissions", true));
    return list;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Volumes: of each kind, how its table becomes a source.
 */
static struct json_object *host_path(struct json_object *v)
{
    const char *path = json_str_or(v, "host_path", "");

    return json_build("{hostPath: {path: %s}}", *path ? path : json_str_or(v, "mount_path", ""));
}

static struct json_object *claim(struct json_object *v)
{
    return json_build("{persistentVolumeClaim: {claimName: %s}}", json_str(v, "name"));
}

static struct json_object *config_map(struct json_object *v)
{
    return json_build("{configMap: {name: %s}}", json_str(v, "name"));
}

static struct json_object *secret(struct json_object *v)
{
    return json_build("{secret: {secretName: %s}}", json_str(v, "name"));
}

static struct json_object *empty_dir(struct json_object *v)
{
    return json_build("{emptyDir: {medium: %s}}", json_str(v, "medium"));
}

static struct json_object *csi(struct json_object *v)
{
    return json_build("{csi: {driver: %s}}", json_str(v, "driver"));
}

static struct json_object *nfs(struct json_object *v)
{
    return json_build("{nfs: {server: %s, path: %s}}", json_str(v, "server"), json_str(v, "path"));
}

/* A claim that is mounted twice is one volume. */
static bool is_named_before(struct json_object *volumes, size_t i)
{
    for (size_t n = 0; n < i; n++)
        if (json_same(json_member(json_at(volumes, n), "name"), json_member(json_at(volumes, i), "name")))
            return true;
    return false;
}

static struct json_object *pod_volumes(struct json_object *kubernetes)
{
    static const struct {
        const char *table;
        struct json_object *(*source)(struct json_object *volume);
    } kinds[] = {
        {"host_path", host_path},
        {"pvc", claim},
        {"config_map", config_map},
        {"secret", secret},
        {"empty_dir", empty_dir},
        {"csi", csi},
        {"nfs", nfs},
    };
    struct json_object *list = json_build("[{name: 'repo', emptyDir: {}}, {name: 'scripts', emptyDir: {}}, "
                                          "{name: 'logs', emptyDir: {}}]");

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct json_object *given = json_member(json_member(kubernetes, "volumes"), kinds[k].table);
        for (size_t i = 0; i < json_len(given); i++) {
            if (is_named_before(given, i))
                continue;
            struct json_object *volume = kinds[k].source(json_at(given, i));
            json_set_str(volume, "name", json_str(json_at(given, i), "name"));
            json_append(list, volume);
        }
    }
    return list;
}

struct json_object *job_pod(struct json_object *runner, struct arena *a)
{
    struct json_object *kubernetes = json_member(runner, "kubernetes"), *containers = json_object_new_array();
    static const char *const names[] = {"build", "helper", "svc-0"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_append(containers, job_container(kubernetes, names[i], false));
    return arena_json(
        a,
        json_build("{apiVersion: v1, kind: Pod, metadata: {name: 'job', namespace: %s, labels: {}, annotations: %o}, "
                   "spec: {restartPolicy: 'Never', securityContext: %o, initContainers: %o, "
                   "containers: %o, volumes: %o}}",
                   json_str(kubernetes, "namespace"), json_ref(json_member(kubernetes, "pod_annotations")),
                   pod_context(kubernetes), init_containers(runner, kubernetes), containers, pod_volumes(kubernetes)));
}
