/* Why managers do not start, in the words of Kubernetes 1.36 as they were seen, and what becomes of them. */
#include "golden.h"

#include <ctype.h>

#include "base/mem.h"
#include "reasons.h"
#include "runner/names.h"
#include "runner/spec.h"
#include "runner/trouble.h"

static const struct owner owner = {.ns = "ci", .name = "builds", .uid = "u"};

static struct spec spec_with(const char *account)
{
    return (struct spec){.manager = {.service_account_name = account}};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Refusals */

#define POD "pods \"builds-runner-75d4f8c9d-x2x9z\" is forbidden: "

static const struct {
    const char *says, *reason, *words;
    bool stalled;
} refusals[] = {
    {POD "error looking up service account ci/does-not-exist: serviceaccount \"does-not-exist\" not found",
     "ServiceAccountNotFound", "error looking up service account ci/does-not-exist", true},
    {POD "exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3", "QuotaExceeded",
     "exceeded quota: small, requested: pods=1, limited: pods=3", true},
    {POD "failed quota: small: must specify limits.cpu for: manager", "QuotaExceeded", "limits.cpu for: manager", true},
    {POD "violates PodSecurity \"restricted:latest\": privileged (container \"manager\" must not set "
         "securityContext.privileged=true)",
     "PodSecurityForbids", "must not set securityContext.privileged=true", true},
    {POD "no PriorityClass with name high was found", "PriorityClassNotFound", "name high", true},
    {POD "pod rejected: RuntimeClass \"gvisor\" not found", "RuntimeClassNotFound", "gvisor", true},
    {POD "maximum cpu usage per Container is 500m, but limit is 1", "LimitRangeForbids", "maximum cpu usage", true},
    {"admission webhook \"policy.example.com\" denied the request: no latest tag", "AdmissionDenied", "no latest tag",
     true},
    {"Internal error occurred: failed calling webhook \"policy.example.com\": failed to call webhook: no endpoints",
     "AdmissionUnavailable", "no endpoints", false},
    {POD "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", "AdmissionDenied", "denied request",
     true},
    {"Pod \"builds-runner-75d4f8c9d-x2x9z\" is invalid: spec.containers[0].ports: Invalid value", "PodInvalid",
     "spec.containers[0].ports", true},
    {"the server was unable to return a response in the time allotted", "ReplicaFailure", "unable to return", false},
};

static void a_refusal_has_its_reason_and_remedy(void **state)
{
    const struct spec spec = spec_with("does-not-exist");
    const struct trouble_context in = {&owner, &spec};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct arena a cleanup_arena = {0};
        const struct trouble t = trouble_of_refusal(refusals[i].says, &in, &a);
        assert_string_equal(t.reason, refusals[i].reason);
        assert_true(reason_is_known(t.reason));
        assert_int_equal(t.stalled, refusals[i].stalled);
        assert_non_null(strstr(t.message, refusals[i].words));
        assert_null(strstr(t.message, "x2x9z")); /* each attempt has another name */
        assert_null(strstr(t.message, "used:"));
    }
}

/* Of each row, and its end: what a person is to do. */
static void each_refusal_ends_with_its_remedy(void **state)
{
    static const struct {
        const char *says, *remedy;
    } cases[] = {
        {"error looking up service account ci/x",
         "create the ServiceAccount, or name another one in spec.manager.serviceAccountName"},
        {"exceeded quota: small",
         "have the ResourceQuota raised, make room, or lower spec.manager.resources or replicas"},
        {"failed quota: small", "give spec.manager.resources what the ResourceQuota asks for"},
        {"violates PodSecurity \"restricted:latest\"",
         "take what is forbidden out of spec.manager.podSpec, or have the namespace's label "
         "pod-security.kubernetes.io/enforce changed"},
        {"no PriorityClass with name high", "correct spec.manager.priorityClassName, or create the PriorityClass"},
        {"RuntimeClass \"gvisor\" not found",
         "correct spec.manager.podSpec.runtimeClassName, or create the RuntimeClass"},
        {"maximum cpu usage per Container is 500m", "keep spec.manager.resources within the namespace's LimitRange"},
        {"failed calling webhook \"p\"", "it is tried again; the webhook has to answer"},
        {"admission webhook \"p\" denied", "change what it names, or have it let the pod"},
        {"ValidatingAdmissionPolicy 'p' denied", "change what it names, or have it let the pod"},
        {"Pod \"x\" is invalid: y", "correct what it names in spec.manager"},
        {"something else", "it is tried again"},
    };
    const struct spec named = spec_with("x"), ours = spec_with(NULL);
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *message = trouble_of_refusal(cases[i].says, &(struct trouble_context){&owner, &named}, &a).message;
        const char *end = arena_printf(&a, "; %s", cases[i].remedy);
        assert_memory_equal(message, "the manager's pods may not be made: ", 36);
        assert_string_equal(message + strlen(message) - strlen(end), end);
    }
    const char *own = trouble_of_refusal(cases[0].says, &(struct trouble_context){&owner, &ours}, &a).message;
    assert_non_null(strstr(own, "; the account is made anew"));
}

static void our_own_account_is_made_anew(void **state)
{
    const struct spec spec = spec_with(NULL);
    const struct trouble_context in = {&owner, &spec};
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_false(trouble_of_refusal(refusals[0].says, &in, &a).stalled);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pods */

static struct trouble trouble_of(const char *pod, struct arena *a)
{
    static const char patch[] = "{\"volumes\":[{\"name\":\"a\",\"secret\":{\"secretName\":\"gone\"}},{\"name\":\"b\","
                                "\"configMap\":{\"name\":\"too\"}}]}";
    struct err err;
    struct spec spec = {.manager = {.pod_spec = arena_json(a, json_parse(patch, strlen(patch), &err))}};
    const struct trouble_context in = {&owner, &spec};
    struct json_object *object = arena_json(a, json_parse(pod, strlen(pod), &err));

    assert_non_null(object);
    return trouble_of_pod(object, &in, a);
}

#define WITH(status) "{\"status\":{\"phase\":\"Pending\"," status "}}"
#define MANAGER(state)                                                                                                 \
    WITH("\"containerStatuses\":[{\"name\":\"manager\",\"image\":\"nowhere.example.com/r:1\",\"ready\":false," state   \
         "}]")
#define WAITS(why, say) MANAGER("\"state\":{\"waiting\":{\"reason\":\"" why "\",\"message\":\"" say "\"}}")
#define ENDED(how)      "\"lastState\":{\"terminated\":{" how "}}"
#define PULL            "failed to pull and unpack image \\\"nowhere.example.com/r:1\\\": failed to resolve reference: "

/* Pods that tell of the same trouble, which take turns, are in one row. */
static const struct {
    const char *pods[4];
    const char *reason;
    bool stalled;
    const char *words[3];
} troubles[] = {
    {{WAITS("ErrImagePull", PULL "dial tcp: lookup nowhere.example.com on 10.96.0.10:53: no such host"),
      WAITS("ImagePullBackOff", "Back-off pulling image \\\"nowhere.example.com/r:1\\\": ErrImagePull: " PULL
                                "dial tcp: lookup nowhere.example.com on 10.96.0.10:53: no such host"),
      WAITS("ErrImagePull", PULL "read udp 10.244.0.5:43210->10.96.0.10:53: i/o timeout")},
     "ImagePullBackOff",
     false,
     {"image nowhere.example.com/r:1", "spec.manager.image", "cannot be reached"}},
    {{WAITS("ErrImagePull", PULL "nowhere.example.com/r:1: not found"),
      WAITS("ImagePullBackOff",
            "Back-off pulling image \\\"x\\\": ErrImagePull: rpc error: code = NotFound desc = " PULL "not found")},
     "ImagePullBackOff",
     true,
     {"does not have it", "correct the name"}},
    {{WAITS("ErrImagePull", PULL "pull access denied, repository does not exist or may require authorization"),
      WAITS("ErrImagePull", PULL "unexpected status: 401 Unauthorized")},
     "ImagePullBackOff",
     true,
     {"spec.manager.imagePullSecrets"}},
    {{WAITS("ErrImagePull", PULL "tls: failed to verify certificate: x509: certificate signed by unknown authority")},
     "ImagePullBackOff",
     true,
     {"certificate"}},
    {{WAITS("InvalidImageName", "Failed to apply default image tag")},
     "InvalidImageName",
     true,
     {"is no image's name"}},
    {{WAITS("ErrImageNeverPull", "Container image is not present")}, "ErrImageNeverPull", true, {"imagePullPolicy"}},
    {{WAITS("CreateContainerConfigError", "secret \\\"gone\\\" not found")},
     "CreateContainerConfigError",
     true,
     {"secret \"gone\" not found", "spec.manager.env"}},
    {{WAITS("CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: "
                                          "\\\"builds-runner-7-x_ci(7c1f)\\\", container: manager)")},
     "CreateContainerConfigError",
     true,
     {"will run as root"}},
    {{MANAGER("\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 10s\"}}," ENDED(
          "\"exitCode\":127,\"reason\":\"Error\"")),
      MANAGER("\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 5m0s\"}}," ENDED(
          "\"exitCode\":127,\"reason\":\"Error\"")),
      MANAGER("\"state\":{\"terminated\":{\"exitCode\":127,\"reason\":\"Error\"}}"),
      MANAGER("\"restartCount\":3,\"state\":{\"running\":{}}," ENDED("\"exitCode\":127,\"reason\":\"Error\""))},
     "CrashLoopBackOff",
     true,
     {"exit code 127", "kubectl -n ci logs deployment/builds-runner -c manager --previous"}},
    {{MANAGER("\"state\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}"),
      MANAGER("\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}," ENDED(
          "\"exitCode\":137,\"reason\":\"OOMKilled\""))},
     "OOMKilled",
     true,
     {"limits.memory"}},
    {{MANAGER("\"state\":{\"waiting\":{\"reason\":\"RunContainerError\",\"message\":\"exec: no such file\"}}," ENDED(
          "\"exitCode\":128,\"reason\":\"StartError\",\"message\":\"exec: no such file\"")),
      MANAGER("\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 20s\"}}," ENDED(
          "\"exitCode\":128,\"reason\":\"StartError\",\"message\":\"exec: no such file\""))},
     "RunContainerError",
     true,
     {"exec: no such file"}},
    {{WAITS("CreateContainerError", "failed to reserve container name x_ci_7c1f0a9e-1111-4222-8333-0123456789ab_0"),
      WAITS("CreateContainerError", "failed to reserve container name x_ci_99990a9e-1111-4222-8333-0123456789ab_1")},
     "CreateContainerError",
     false,
     {"failed to reserve"}},
    {{WITH(
         "\"initContainerStatuses\":[{\"name\":\"fetch\",\"ready\":false,\"state\":{\"terminated\":{\"exitCode\":3}}}],"
         "\"containerStatuses\":[{\"name\":\"manager\",\"ready\":false,\"state\":{\"waiting\":{\"reason\":"
         "\"PodInitializing\"}}}]")},
     "CrashLoopBackOff",
     true,
     {"container fetch", "exit code 3", "-c fetch"}},
    {{WITH("\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":"
           "\"0/3 nodes "
           "are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 "
           "nodes are "
           "available: 3 Preemption is not helpful for scheduling.\"}]"),
      WITH("\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":"
           "\"0/5 nodes "
           "are available: 2 Insufficient cpu, 3 node(s) didn't match Pod's node affinity/selector. no new claims to "
           "deallocate, "
           "preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.\"}]")},
     "Unschedulable",
     false,
     {": Insufficient cpu, node(s) didn't match Pod's node affinity/selector;", "nodeSelector"}},
    {{WITH("\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":"
           "\"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found\"}]")},
     "Unschedulable",
     false,
     {"unbound immediate PersistentVolumeClaims"}},
    {{WITH("\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"SchedulingGated\"}]")},
     "SchedulingGated",
     false,
     {"scheduling gate"}},
    {{WAITS("ContainerCreating", "")}, "ContainerCreating", false, {"Secret gone, ConfigMap too", "describe pods"}},
    {{WAITS("TomorrowsWord", "something new")}, "ContainerWaiting", false, {"something new"}},
    {{MANAGER("\"state\":{\"running\":{}}")}, "ManagerNotReady", false, {"logs deployment/builds-runner -c manager"}},
};

static void a_pod_tells_what_is_wrong_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        struct arena a cleanup_arena = {0};
        const char *first = NULL;
        for (size_t k = 0; k < 4 && troubles[i].pods[k]; k++) {
            const struct trouble t = trouble_of(troubles[i].pods[k], &a);
            assert_non_null(t.reason);
            assert_string_equal(t.reason, troubles[i].reason);
            assert_true(reason_is_known(t.reason));
            assert_int_equal(t.stalled, troubles[i].stalled);
            for (size_t n = 0; n < 3 && troubles[i].words[n]; n++)
                if (!strstr(t.message, troubles[i].words[n]))
                    fail_msg("\"%s\" does not say \"%s\"", t.message, troubles[i].words[n]);
            if (first && strcmp(troubles[i].reason, "ImagePullBackOff") != 0)
                assert_string_equal(t.message, first); /* or the status would tick */
            first = t.message;
        }
    }
}

static void what_takes_its_time_is_no_trouble_at_once(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_true(trouble_of(WAITS("ContainerCreating", ""), &a).patience_ms > 0);
    assert_true(trouble_of(MANAGER("\"state\":{\"running\":{}}"), &a).patience_ms > 0);
    assert_int_equal(trouble_of(WAITS("ErrImagePull", "x"), &a).patience_ms, 0);
}

/* Words of kubelet, containerd and Go's net, and what they come to. */
static void why_an_image_cannot_be_pulled(void **state)
{
    static const char away[] = "the registry cannot be reached from the node; it is tried again",
                      trust[] = "the node does not trust the registry's certificate; have the authority added",
                      plain[] = "the registry does not speak https; correct the image's name, or have the nodes told",
                      busy[] = "the registry has asked to wait; it is tried again",
                      kind[] = "it has nothing for the node's kind of processor; name another image, or other nodes",
                      refused[] =
                          "the registry refuses it, or does not have it; correct the name, or name Secrets with "
                          "its credentials in spec.manager.imagePullSecrets",
                      missing[] = "the registry does not have it; correct the name",
                      unknown[] = "the kubelet does not say why; more is told by: kubectl -n ci describe pods";
    static const struct {
        const char *says, *told;
        bool stalled;
    } cases[] = {
        {"lookup r: no such host", away, false},
        {"i/o timeout", away, false},
        {"connect: connection refused", away, false},
        {"context deadline exceeded", away, false},
        {"connect: no route to host", away, false},
        {"connect: network is unreachable", away, false},
        {"read: connection reset by peer", away, false},
        {"net/http: TLS handshake timeout", away, false},
        {"tls: failed to verify certificate", trust, true},
        {"x509: unknown authority", trust, true},
        {"http: server gave HTTP response to HTTPS client", plain, true},
        {"net/http: malformed HTTP response", plain, true},
        {"toomanyrequests: you have reached your limit", busy, false},
        {"429 Too Many Requests", busy, false},
        {"pull rate limit", busy, false},
        {"no match for platform in manifest", kind, true},
        {"no matching manifest for linux/arm64", kind, true},
        {"401 Unauthorized", refused, true},
        {"authorization failed", refused, true},
        {"pull access denied", refused, true},
        {"403 Forbidden", refused, true},
        {"r:1: not found", missing, true},
        {"manifest unknown", missing, true},
        {"it does not exist", missing, true},
        {"name unknown", missing, true},
        {"something else", unknown, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a cleanup_arena = {0};
        const struct trouble t = trouble_of(arena_printf(&a, WAITS("ErrImagePull", "%s"), cases[i].says), &a);
        if (!strstr(t.message, cases[i].told))
            fail_msg("%s: %s", cases[i].says, t.message);
        assert_int_equal(t.stalled, cases[i].stalled);
        assert_int_equal(t.vague, cases[i].told == unknown);
    }
}

static void a_pull_without_a_cause_is_vague(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_true(trouble_of(WAITS("ImagePullBackOff", "Back-off pulling image \\\"x\\\""), &a).vague);
    assert_false(trouble_of(WAITS("ErrImagePull", PULL "not found"), &a).vague);
}

/* Pods that are well, on their way out, or nothing that the kubelet would write. */
static void nothing_is_said_of_other_pods(void **state)
{
    static const char *const pods[] = {
        "{}",
        "{\"status\":0}",
        "{\"status\":{\"conditions\":0,\"containerStatuses\":0}}",
        "{\"status\":{\"containerStatuses\":[{\"name\":\"manager\",\"ready\":true,\"state\":{\"running\":{}}}]}}",
        "{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},\"status\":{\"containerStatuses\":[{\"ready\":"
        "false}]}}",
        "{\"status\":{\"phase\":\"Failed\",\"containerStatuses\":[{\"ready\":false}]}}",
        "{\"status\":{\"initContainerStatuses\":[{\"name\":\"a\",\"ready\":true,\"state\":{\"terminated\":{"
        "\"exitCode\":0}}}]}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
        struct arena a cleanup_arena = {0};
        assert_null(trouble_of(pods[i], &a).reason);
    }
}

static void a_text_without_end_is_shortened(void **state)
{
    struct arena a cleanup_arena = {0};
    char *words = arena_alloc(&a, 20001);

    (void)state;
    memset(words, 'x', 20000);
    const struct spec spec = spec_with(NULL);
    const struct trouble_context in = {&owner, &spec};
    assert_true(strlen(trouble_of_refusal(words, &in, &a).message) < 800);
    assert_true(strlen(trouble_of(arena_printf(&a, WAITS("CreateContainerConfigError", "%s"), words), &a).message) <
                800);
}

static void what_the_kubelet_cannot_pull_is_one_trouble(void **state)
{
    static const char *const words[] = {"ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};
    const struct spec spec = spec_with(NULL);
    const struct trouble_context in = {&owner, &spec};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct arena a cleanup_arena = {0};
        const char *pod = arena_printf(&a,
                                       "{'status': {'phase': 'Pending', 'containerStatuses': [{'name': 'manager', "
                                       "'image': 'r', 'state': {'waiting': {'reason': '%s', 'message': 'm'}}}]}}",
                                       words[i]);
        const struct trouble t = trouble_of_pod(quoted_json(pod, &a), &in, &a);
        assert_string_equal(t.reason, "ImagePullBackOff");
        assert_int_equal(t.patience_ms, 0);
    }
}

/* Whatever its containers say. */
static void a_pod_that_has_ended_is_no_trouble(void **state)
{
    static const char *const pods[] = {
        "{'status': {'phase': 'Succeeded', %s}}",
        "{'status': {'phase': 'Failed', %s}}",
        "{'metadata': {'deletionTimestamp': '2026-01-01T00:00:00Z'}, 'status': {'phase': 'Pending', %s}}",
    };
    const struct spec spec = spec_with(NULL);
    const struct trouble_context in = {&owner, &spec};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
        struct arena a cleanup_arena = {0};
        const char *before = pods[i], *place = strchr(before, '%');
        const char *pod = arena_printf(&a, "%.*s%s%s", (int)(place - before), before,
                                       "'containerStatuses': [{'name': 'manager', 'image': 'r', 'state': {'waiting': "
                                       "{'reason': 'InvalidImageName', 'message': 'm'}}}]",
                                       place + 2);
        assert_null(trouble_of_pod(quoted_json(pod, &a), &in, &a).reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kubelet_cannot_pull_is_one_trouble),
        cmocka_unit_test(a_pod_that_has_ended_is_no_trouble),
        cmocka_unit_test(a_refusal_has_its_reason_and_remedy),
        cmocka_unit_test(each_refusal_ends_with_its_remedy),
        cmocka_unit_test(our_own_account_is_made_anew),
        cmocka_unit_test(a_pod_tells_what_is_wrong_and_what_to_do),
        cmocka_unit_test(what_takes_its_time_is_no_trouble_at_once),
        cmocka_unit_test(why_an_image_cannot_be_pulled),
        cmocka_unit_test(a_pull_without_a_cause_is_vague),
        cmocka_unit_test(nothing_is_said_of_other_pods),
        cmocka_unit_test(a_text_without_end_is_shortened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
