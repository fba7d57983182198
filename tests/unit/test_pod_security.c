/* What the namespace of the jobs forbids, level by level, and what is to be done about it.
 * tests/data/pod_security/cases.json has specs, and beside each what is said; UPDATE_GOLDEN=1 writes it. That the API
 * server says the same of the same pods is tested in e2e/means/test_pod_security.py. */
#include "golden.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "runner/job_pod.h"
#include "runner/pod_security.h"
#include "runner/render.h"
#include "runner/spec.h"

static struct json_object *object_of(struct json_object *spec, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a);

    json_each (it, spec)
        json_object_object_add(json_get(object, "spec"), it.key, json_copy(it.value));
    return object;
}

static const char *said(struct json_object *given, const char *level, struct arena *a)
{
    struct json_object *object = object_of(given, a);
    const struct owner owner = owner_of(object);
    struct err err = {0};
    struct spec spec;

    if (!spec_parse(object, &spec, a, &err))
        return arena_printf(a, "InvalidSpec: %s", err.text);
    return pod_security_forbids(&owner, &spec, level, a);
}

static void each_level_forbids_what_it_forbids(void **state)
{
    static const char *const levels[] = {"baseline", "restricted"};
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "pod_security/cases.json", &a);
    const char *text = "[\n";

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json_object *c = json_at(cases, i), *spec = json_get(c, "spec");
        for (size_t l = 0; l < ARRAY_LEN(levels); l++) {
            const char *found = said(spec, levels[l], &a);
            json_object_object_del(c, levels[l]);
            json_set_str(c, levels[l], found);
        }
        text = arena_printf(&a, "%s  %s%s\n", text, json_text(c), i + 1 < json_len(cases) ? "," : "");
    }
    assert_golden(DATA "pod_security/cases.json", arena_printf(&a, "%s]\n", text));
}

static void a_namespace_without_a_level_lets_everything(void **state)
{
    static const char *const levels[] = {NULL, "", "privileged", "Privileged"};
    struct arena a cleanup_arena = {0};
    struct json_object *privileged = quoted_json("{'privileged': true}", &a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        assert_null(said(privileged, levels[i], &a));
}

/* A profile of the node's has its folder's name before it. */
static void a_profile_that_only_begins_like_a_local_one_is_forbidden(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
#define PROFILE(name) "{'podAnnotations': {'container.apparmor.security.beta.kubernetes.io/build': '" name "'}}"
    assert_null(said(quoted_json(PROFILE("localhost/x"), &a), "baseline", &a));
    assert_non_null(said(quoted_json(PROFILE("localhost-x"), &a), "baseline", &a));
}

/* As the API server does with one that it does not know. */
static void an_unknown_level_is_taken_for_the_strictest(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_non_null(said(quoted_json("{}", &a), "another", &a));
    assert_null(said(quoted_json("{'podSecurity': 'Restricted'}", &a), "another", &a));
}

/* What config.toml says of jobs, and what becomes of it in their pods. path: in the pod; NULL: there is no such thing.
 */
#define VOLUMES(table, ...) "{'kubernetes': {'volumes': {'" table "': [" __VA_ARGS__ "]}}}"
#define HOOK(...)           "{'kubernetes': {'container_lifecycle': {'post_start': " __VA_ARGS__ "}}}"
#define FLAG(name, value)   "{'feature_flags': {'" name "': " value "}}"
static const struct {
    const char *runner, *path, *value;
} pods[] = {
    {"{'kubernetes': {'namespace': 'jobs', 'pod_annotations': {'a': 'b'}}}", "metadata",
     "{'name': 'job', 'namespace': 'jobs', 'labels': {}, 'annotations': {'a': 'b'}}"},
    {VOLUMES("pvc", "{'name': 'v', 'mount_path': '/m'}"), "spec.volumes.3",
     "{'persistentVolumeClaim': {'claimName': 'v'}, 'name': 'v'}"},
    {VOLUMES("config_map", "{'name': 'v'}"), "spec.volumes.3", "{'configMap': {'name': 'v'}, 'name': 'v'}"},
    {VOLUMES("secret", "{'name': 'v'}"), "spec.volumes.3", "{'secret': {'secretName': 'v'}, 'name': 'v'}"},
    {VOLUMES("empty_dir", "{'name': 'v', 'medium': 'Memory'}"), "spec.volumes.3",
     "{'emptyDir': {'medium': 'Memory'}, 'name': 'v'}"},
    {VOLUMES("csi", "{'name': 'v', 'driver': 'd'}"), "spec.volumes.3", "{'csi': {'driver': 'd'}, 'name': 'v'}"},
    {VOLUMES("nfs", "{'name': 'v', 'server': 's', 'path': '/p'}"), "spec.volumes.3",
     "{'nfs': {'server': 's', 'path': '/p'}, 'name': 'v'}"},
    {VOLUMES("host_path", "{'name': 'v', 'mount_path': '/m', 'host_path': '/h'}"), "spec.volumes.3",
     "{'hostPath': {'path': '/h'}, 'name': 'v'}"},
    {VOLUMES("host_path", "{'name': 'v', 'mount_path': '/m'}"), "spec.volumes.3",
     "{'hostPath': {'path': '/m'}, 'name': 'v'}"},
    {VOLUMES("pvc", "{'name': 'v'}, {'name': 'v'}"), "spec.volumes.4", NULL},
    {VOLUMES("pvc", "{'name': 'v'}, {'name': 'v'}, {'name': 'w'}"), "spec.volumes.4",
     "{'persistentVolumeClaim': {'claimName': 'w'}, 'name': 'w'}"},
    {"{}", "spec.volumes.2", "{'name': 'logs', 'emptyDir': {}}"},
    {"{}", "spec.volumes.3", NULL},
    {HOOK("{'tcp_socket': {'host': 'h', 'port': 1}}"), "spec.containers.0.lifecycle.postStart",
     "{'tcpSocket': {'host': 'h', 'port': 1}}"},
    {HOOK("{'exec': {'command': ['c']}}"), "spec.containers.1.lifecycle.postStart", "{'exec': {'command': ['c']}}"},
    {HOOK("{'http_get': {'host': 'h', 'path': '/p', 'port': 2}}"), "spec.containers.2.lifecycle",
     "{'postStart': {'httpGet': {'host': 'h', 'path': '/p', 'port': 2}}}"},
    {"{'kubernetes': {'container_lifecycle': {'pre_stop': {'exec': {'command': ['c']}}}}}",
     "spec.containers.0.lifecycle", "{'preStop': {'exec': {'command': ['c']}}}"},
    {HOOK("{'exec': {'command': ['c']}}"), "spec.initContainers.0.lifecycle", NULL},
    {"{}", "spec.containers.0.lifecycle", NULL},
    {"{}", "spec.containers.3", NULL},
    {"{}", "spec.initContainers.0.name", "'init-permissions'"},
    {"{}", "spec.initContainers.1", NULL},
    {FLAG("FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY", "true"), "spec.initContainers.0", NULL},
    {"{'feature_flags': {'FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY': true, "
     "'FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR': true}}",
     "spec.initContainers.0.name", "'init-permissions'"},
    {FLAG("FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR", "true"), "spec.initContainers.0.name",
     "'init-build-uid-gid-collector'"},
    {"{'environment': ['FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR=True']}", "spec.initContainers.1.name",
     "'init-permissions'"},
    {"{'environment': ['FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR=yes']}", "spec.initContainers.1", NULL},
    {"{'environment': ['FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTORS=1', 'A=1']}", "spec.initContainers.1", NULL},
    {"{'environment': ['FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR=1', "
     "'FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR=0']}",
     "spec.initContainers.1", NULL}, /* the last one counts */
    {"{'feature_flags': {'FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR': false}, "
     "'environment': ['FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR=1']}",
     "spec.initContainers.1", NULL},
    {"{'kubernetes': {'pod_security_context': {'run_as_user': 7, 'run_as_group': 8, 'fs_group': 9}}}",
     "spec.securityContext", "{'runAsUser': 7, 'runAsGroup': 8, 'fsGroup': 9}"},
    {"{'kubernetes': {'pod_security_context': {'run_as_user': 7, 'run_as_group': 8, 'fs_group': 9}}}",
     "spec.containers.1.securityContext",
     "{'capabilities': {'add': [], 'drop': ['NET_RAW']}, 'runAsUser': 7, 'runAsGroup': 8}"},
    {"{'kubernetes': {'pod_security_context': {'run_as_user': 7}}}", "spec.initContainers.0.securityContext.runAsUser",
     NULL},
    {"{'kubernetes': {'pod_security_context': {'run_as_user': 7, 'run_as_group': 8}, "
     "'build_container_security_context': {'run_as_user': 1}}}",
     "spec.containers.0.securityContext",
     "{'capabilities': {'add': [], 'drop': ['NET_RAW']}, 'runAsUser': 1, 'runAsGroup': 8}"},
    {"{'kubernetes': {'privileged': true, 'allow_privilege_escalation': true, 'run_as_user': 5, "
     "'helper_container_security_context': {'privileged': false, 'run_as_non_root': true, "
     "'read_only_root_filesystem': true, 'proc_mount': 'UNMASKED', 'selinux_type': 't'}}}",
     "spec.containers.1.securityContext",
     "{'capabilities': {'add': [], 'drop': ['NET_RAW']}, 'procMount': 'Unmasked', 'seLinuxOptions': {'type': 't'}, "
     "'privileged': false, 'allowPrivilegeEscalation': true, 'runAsNonRoot': true, 'readOnlyRootFilesystem': true}"},
    {"{'kubernetes': {'service_container_security_context': {'proc_mount': 'default', 'seccomp_profile': "
     "{'type': 'Localhost', 'localhost_profile': 'f'}, 'app_armor_profile': {'type': 'RuntimeDefault', "
     "'localhost_profile': 'f'}}}}",
     "spec.containers.2.securityContext",
     "{'capabilities': {'add': [], 'drop': ['NET_RAW']}, 'procMount': 'Default', 'seccompProfile': "
     "{'type': 'Localhost', 'localhostProfile': 'f'}, 'appArmorProfile': {'type': 'RuntimeDefault'}}"},
    {"{'kubernetes': {'pod_security_context': {'seccomp_profile': {'type': 'Localhost'}, "
     "'app_armor_profile': {'type': 'Else'}}}}",
     "spec.securityContext", "{}"},
    {"{'kubernetes': {'cap_add': ['A', 'B'], 'cap_drop': ['B', 'C']}}",
     "spec.containers.0.securityContext.capabilities", "{'add': ['A'], 'drop': ['NET_RAW', 'B', 'C']}"},
    {"{'kubernetes': {'cap_add': ['NET_RAW']}}", "spec.containers.0.securityContext.capabilities",
     "{'add': ['NET_RAW'], 'drop': []}"},
    {"{'kubernetes': {'cap_drop': ['NET_RAW']}}", "spec.containers.0.securityContext.capabilities",
     "{'add': [], 'drop': ['NET_RAW']}"},
    {"{'kubernetes': {'cap_add': ['A'], 'build_container_security_context': {'capabilities': {'drop': ['ALL']}}}}",
     "spec.containers.0.securityContext.capabilities", "{'add': ['A'], 'drop': ['ALL']}"},
};

/* "containers.0.name": a number is an element's. */
static struct json_object *at_path(struct json_object *json, const char *path, struct arena *a)
{
    char *words = arena_strdup(a, path);

    for (const char *word = strsep(&words, "."); word; word = strsep(&words, "."))
        json = isdigit((unsigned char)*word) ? json_at(json, strtoul(word, NULL, 10)) : json_member(json, word);
    return json;
}

static void jobs_have_the_pods_that_gitlab_runner_makes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
        struct arena a cleanup_arena = {0};
        struct json_object *pod = job_pod(quoted_json(pods[i].runner, &a), &a), *found = at_path(pod, pods[i].path, &a);
        struct json_object *list = pods[i].value ? quoted_json(arena_printf(&a, "[%s]", pods[i].value), &a) : NULL;
        if (!json_same(found, json_at(list, 0)))
            fail_msg("%s: %s is %s", pods[i].runner, pods[i].path, json_text(found));
    }
}

static void the_strictest_level_that_fits_is_told(void **state)
{
    static const struct {
        const char *spec, *level;
    } cases[] = {
        {"{}", "baseline"},
        {"{'podSecurity': 'Restricted'}", "restricted"},
        {"{'privileged': true}", "privileged"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a cleanup_arena = {0};
        struct json_object *object = object_of(quoted_json(cases[i].spec, &a), &a);
        const struct owner owner = owner_of(object);
        struct err err = {0};
        struct spec spec;
        assert_true(spec_parse(object, &spec, &a, &err));
        struct json_object *tree = render_config_tree(&owner, &spec, &(struct config_inputs){.token = "t"}, &a);
        assert_string_equal(pod_security_level(&spec, json_at(json_member(tree, "runners"), 0), &a), cases[i].level);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_forbids_what_it_forbids),
        cmocka_unit_test(a_namespace_without_a_level_lets_everything),
        cmocka_unit_test(a_profile_that_only_begins_like_a_local_one_is_forbidden),
        cmocka_unit_test(an_unknown_level_is_taken_for_the_strictest),
        cmocka_unit_test(jobs_have_the_pods_that_gitlab_runner_makes),
        cmocka_unit_test(the_strictest_level_that_fits_is_told),
    };

    return cmocka_run_group_tests_name("pod_security", tests, NULL, NULL);
}
