/* The simulation's API server: what the real one answers, of which each case was asked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/model/direct.h"
#include "tests/sim/api.h"
#include "tests/sim/api_json.h"

#define HOST     "api-0.example"
#define START_MS ((int64_t)1767225600 * 1000) /* 2026-01-01 */
#define SECRETS  "/api/v1/namespaces/ci/secrets"
#define RUNNERS  "/apis/gitlab-runners.dev/v1beta1/namespaces/ci/gitlabrunners"
#define DEPLOYS  "/apis/apps/v1/namespaces/ci/deployments"
#define APPLY    "application/apply-patch+yaml"

static struct sim *sim;
static struct api *api;
static struct json_object *last; /* of the last answer */

static struct json_object *tree(const char *text)
{
    struct err err;
    struct json_object *ret = json_parse(text, strlen(text), &err);

    if (!ret)
        fail_msg("%s: %s", err.text, text);
    return ret;
}

/* With ' for " and ` for \". */
static char *quoted(const char *text)
{
    char *ret = mem_alloc(2 * strlen(text) + 1), *to = ret;

    for (; *text; text++) {
        if (*text == '`')
            *to++ = '\\';
        *to++ = *text == '`' || *text == '\'' ? '"' : *text;
    }
    return ret;
}

/* Returns the status; the object is in `last`. */
static int ask(const char *user, const char *method, const char *target, const char *type, const char *body)
{
    cleanup_free char *text = quoted(body ? body : "");
    struct json_object *parsed = NULL;

    if (body)
        parsed = tree(text);
    json_object_put(last);
    struct api_answer answer = api_request(api, user, method, target, type, parsed);
    json_object_put(parsed);
    last = answer.object;
    return answer.status;
}

static int apply(const char *manager, const char *target, const char *body)
{
    return ask(manager, "PATCH", target, APPLY, body);
}

static void assert_path(const char *path, const char *expected)
{
    struct json_object *value = json_get(last, path);
    const char *text =
        value ? json_object_is_type(value, json_type_string) ? json_string(value) : json_text(value) : "";

    if (strcmp(text, expected) != 0)
        fail_msg("%s is %s, not %s, in %s", path, text, expected, json_text(last));
}

/* What the manager owns by that operation, as text. */
static void assert_owns(const char *manager, const char *operation, const char *expected)
{
    struct json_object *fields = json_get(last, "metadata.managedFields"), *own = NULL;
    cleanup_free char *text = quoted(expected);

    for (size_t i = 0; i < json_len(fields); i++)
        if (strcmp(json_str_or(json_at(fields, i), "manager", ""), manager) == 0 &&
            strcmp(json_str_or(json_at(fields, i), "operation", ""), operation) == 0)
            own = json_get(json_at(fields, i), "fieldsV1");
    if (!*expected) {
        assert_null(own);
        return;
    }
    cleanup_json struct json_object *wanted = tree(text);
    if (!json_same(own, wanted))
        fail_msg("%s owns %s", manager, own ? json_text(own) : "nothing");
}

static int set_up(void **state)
{
    (void)state;
    sim = direct_create();
    direct_set_time(sim, START_MS);
    api = api_create(sim);
    api_serve(api, HOST);
    assert_int_equal(ask("user", "POST", "/api/v1/namespaces", NULL, "{'metadata': {'name': 'ci'}}"), 201);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_object_put(last);
    last = NULL;
    api_destroy(api);
    direct_destroy(sim);
    return 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void test_create_get_delete(void **state)
{
    (void)state;
    assert_int_equal(ask("user", "GET", SECRETS "/a", NULL, NULL), 404);
    assert_path("message", "secrets \"a\" not found");
    assert_int_equal(ask("user", "POST", SECRETS, NULL, "{'metadata': {'name': 'a'}, 'stringData': {'z': '1'}}"), 201);
    assert_path("data.z", "MQ==");
    assert_path("type", "Opaque");
    assert_path("metadata.creationTimestamp", "2026-01-01T00:00:00Z");
    assert_owns("user", "Update", "{'f:data': {'.': {}, 'f:z': {}}, 'f:type': {}}");
    assert_int_equal(ask("user", "POST", SECRETS, NULL, "{'metadata': {'name': 'a'}}"), 409);
    assert_path("reason", "AlreadyExists");
    assert_int_equal(ask("user", "DELETE", SECRETS "/a", NULL, "{'preconditions': {'uid': 'zz'}}"), 409);
    assert_int_equal(ask("user", "DELETE", SECRETS "/a", NULL, NULL), 200);
    assert_path("status", "Success");
    assert_int_equal(ask("user", "DELETE", SECRETS "/a", NULL, NULL), 404);
    assert_int_equal(ask("user", "POST", "/api/v1/namespaces/no/secrets", NULL, "{'metadata': {'name': 'a'}}"), 404);
    assert_path("details.kind", "namespaces");
    assert_int_equal(ask("user", "GET", "/api/v1/foos", NULL, NULL), 404);
}

static void test_apply_creates_and_keeps(void **state)
{
    (void)state;
    const char *manifest = "{'metadata': {'name': 'a', 'resourceVersion': '1', 'labels': {'q': 'r'}}, "
                           "'data': {'k': 'eA=='}}";

    assert_int_equal(apply("m", SECRETS "/a?force=true", "{'metadata': {'name': 'a', 'uid': 'abc'}}"), 409);
    assert_int_equal(apply("m", SECRETS "/a?force=true", manifest), 201);
    assert_owns("m", "Apply", "{'f:data': {'f:k': {}}, 'f:metadata': {'f:labels': {'f:q': {}}}}");
    assert_int_equal(apply("m", SECRETS "/a?force=true", manifest), 409);
    assert_path("reason", "Conflict");
    assert_int_equal(apply("m", SECRETS "/a", "{'metadata': {'name': 'a', 'uid': 'abc'}}"), 422);
    uint64_t version = api_version(api);
    assert_int_equal(apply("m", SECRETS "/a", "{'metadata': {'labels': {'q': 'r'}}, 'data': {'k': 'eA=='}}"), 200);
    assert_int_equal(api_version(api), version);
    assert_int_equal(apply("n", SECRETS "/a", "{'data': {'k': 'eQ=='}}"), 409);
    assert_path("message", "Apply failed with 1 conflict: conflict with \"m\": .data.k");
    assert_int_equal(apply("n", SECRETS "/a?force=true", "{'data': {'k': 'eQ=='}}"), 200);
    assert_owns("m", "Apply", "{'f:metadata': {'f:labels': {'f:q': {}}}}");
    assert_owns("n", "Apply", "{'f:data': {'f:k': {}}}");
}

static void test_apply_removes_what_it_has_no_more(void **state)
{
    (void)state;
    assert_int_equal(
        apply("m", SECRETS "/a", "{'metadata': {'labels': {'q': 'r'}}, 'data': {'a': 'eA==', 'b': 'eA=='}}"), 201);
    assert_int_equal(apply("n", SECRETS "/a", "{'data': {'b': 'eA=='}}"), 200);
    assert_int_equal(apply("m", SECRETS "/a", "{'data': {'c': 'eA=='}}"), 200);
    assert_path("data", "{\"b\":\"eA==\",\"c\":\"eA==\"}");
    assert_path("metadata.labels", "");
    assert_owns("m", "Apply", "{'f:data': {'f:c': {}}}");
}

static void test_edits_take_fields(void **state)
{
    (void)state;
    assert_int_equal(apply("m", SECRETS "/a", "{'data': {'a': 'eA==', 'b': 'eA=='}}"), 201);
    assert_int_equal(ask("user", "PATCH", SECRETS "/a", "application/merge-patch+json",
                         "{'data': {'a': 'eQ=='}, 'metadata': {'labels': {'x': 'y'}}}"),
                     200);
    assert_owns("m", "Apply", "{'f:data': {'f:b': {}}}");
    assert_owns("user", "Update", "{'f:data': {'f:a': {}}, 'f:metadata': {'f:labels': {'.': {}, 'f:x': {}}}}");
    assert_int_equal(ask("user", "PATCH", SECRETS "/a", "application/json-patch+json",
                         "[{'op': 'test', 'path': '/data/b', 'value': 'eA=='}, {'op': 'remove', 'path': '/data/b'}]"),
                     200);
    assert_owns("m", "Apply", "");
    assert_int_equal(ask("user", "PATCH", SECRETS "/a", "application/json-patch+json",
                         "[{'op': 'test', 'path': '/data/b', 'value': 'eA=='}]"),
                     422);
}

#define CONTAINER "{'name': 'm', 'image': 'i', 'env': [{'name': 'A', 'value': '1'}], 'ports': [{'containerPort': 1}]}"

static void test_deployments_have_defaults_that_nobody_owns(void **state)
{
    (void)state;
    assert_int_equal(apply("m", DEPLOYS "/d",
                           "{'spec': {'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': {'labels': "
                           "{'a': 'b'}}, 'spec': {'containers': "
                           "[" CONTAINER "], 'nodeSelector': {'x': 'y'}}}}}"),
                     201);
    assert_owns("m", "Apply",
                "{'f:spec': {'f:selector': {}, 'f:template': {'f:metadata': {'f:labels': {'f:a': {}}}, 'f:spec': "
                "{'f:containers': {'k:{`name`:`m`}': "
                "{'.': {}, 'f:name': {}, 'f:image': {}, 'f:env': {'k:{`name`:`A`}': {'.': {}, 'f:name': {}, "
                "'f:value': {}}}, 'f:ports': {'k:{`containerPort`:1,`protocol`:`TCP`}': {'.': {}, "
                "'f:containerPort': {}}}}}, 'f:nodeSelector': {}}}}}");
    assert_path("spec.replicas", "1");
    assert_path("metadata.generation", "1");
    assert_int_equal(ask("user", "PATCH", DEPLOYS "/d", "application/merge-patch+json", "{'spec': {'replicas': 3}}"),
                     200);
    assert_path("metadata.generation", "2");
    assert_owns("user", "Update", "{'f:spec': {'f:replicas': {}}}");
    assert_int_equal(ask("kcm", "PATCH", DEPLOYS "/d/status", "application/merge-patch+json",
                         "{'spec': {'replicas': 9}, 'status': {'replicas': 3}}"),
                     200);
    assert_path("spec.replicas", "3");
    assert_path("status.replicas", "3");
    assert_path("metadata.generation", "2");
    assert_owns("kcm", "Update", "{'f:status': {'f:replicas': {}}}");
}

static void test_runners_are_pruned_and_have_defaults(void **state)
{
    (void)state;
    assert_int_equal(ask("user", "POST", RUNNERS, NULL,
                         "{'metadata': {'name': 'r'}, 'spec': {'url': 'https://g', 'nonsense': 1, 'authentication': "
                         "{}}, 'status': {}}"),
                     201);
    assert_path("message", "");
    assert_path("spec.nonsense", "");
    assert_path("spec.deletionPolicy", "Delete");
    assert_path("status.observedGeneration", "-1");
    assert_int_equal(apply("op", RUNNERS "/r/status", "{'status': {'observedGeneration': 1}}"), 200);
    assert_path("status.observedGeneration", "1");
    assert_path("metadata.generation", "1");
    assert_owns("op", "Apply", "{'f:status': {}}"); /* which is atomic */
    assert_int_equal(apply("op", RUNNERS "/r", "{'metadata': {'finalizers': ['x/y']}}"), 200);
    assert_int_equal(ask("user", "DELETE", RUNNERS "/r", NULL, NULL), 200);
    assert_path("metadata.generation", "2");
    assert_path("metadata.deletionTimestamp", "2026-01-01T00:00:00Z");
    assert_int_equal(apply("op2", RUNNERS "/r", "{'metadata': {'finalizers': ['x/z']}}"), 422);
    assert_int_equal(apply("op", RUNNERS "/r", "{'metadata': {}}"), 200);
    assert_int_equal(ask("user", "GET", RUNNERS "/r", NULL, NULL), 404);
    assert_int_equal(ask("user", "POST", RUNNERS, NULL, "{'metadata': {'name': 'r'}, 'spec': {'url': 1}}"), 422);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static const struct direct_answer *watch(const char *target)
{
    return direct_ask(sim, "GET", HOST, target, NULL, NULL);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    while ((text = strstr(text, what))) {
        n++;
        text++;
    }
    return n;
}

static void test_watch_with_initial_events(void **state)
{
    (void)state;
    assert_int_equal(apply("m", SECRETS "/a", "{'metadata': {'labels': {'l': 'x'}}}"), 201);
    assert_int_equal(apply("m", SECRETS "/b", "{'data': {}}"), 201);
    const struct direct_answer *answer = watch("/api/v1/secrets?watch=1&sendInitialEvents=true&allowWatchBookmarks=true"
                                               "&resourceVersionMatch=NotOlderThan&labelSelector=l%3Dx");
    assert_int_equal(answer->status, 200);
    assert_int_equal(count(answer->body.data, "\"ADDED\""), 1);
    assert_int_equal(count(answer->body.data, "initial-events-end"), 1);
    assert_int_equal(apply("n", SECRETS "/b", "{'metadata': {'labels': {'l': 'x'}}}"), 200);
    assert_int_equal(count(answer->body.data, "\"ADDED\""), 2);
    assert_int_equal(apply("n", SECRETS "/b?force=true", "{'metadata': {'labels': {'l': 'z'}}}"), 200);
    assert_int_equal(count(answer->body.data, "\"DELETED\""), 1);
    assert_int_equal(ask("u", "DELETE", SECRETS "/a", NULL, NULL), 200);
    assert_int_equal(count(answer->body.data, "\"DELETED\""), 2);
    assert_int_equal(count(answer->body.data, "BOOKMARK"), 1);
    direct_set_time(sim, START_MS + 101 * 1000);
    assert_int_equal(count(answer->body.data, "BOOKMARK"), 2);
}

static void test_watch_from_a_version(void **state)
{
    char target[200];

    (void)state;
    snprintf(target, sizeof(target), "/api/v1/secrets?watch=1&timeoutSeconds=300&resourceVersion=%llu",
             (unsigned long long)api_version(api));
    assert_int_equal(apply("m", SECRETS "/a", "{'data': {}}"), 201);
    const struct direct_answer *answer = watch(target);
    assert_int_equal(count(answer->body.data, "\"ADDED\""), 1);
    api_compact(api);
    answer = watch(target);
    assert_int_equal(count(answer->body.data, "\"code\":410"), 1);
    assert_int_equal(watch("/api/v1/secrets?watch=1&sendInitialEvents=true")->status, 422);
}

static void test_a_host_that_lags(void **state)
{
    (void)state;
    const struct direct_answer *answer = watch("/api/v1/secrets?watch=1");
    api_lag(api, HOST, "secrets", 2);
    assert_int_equal(apply("m", SECRETS "/a", "{'data': {}}"), 201);
    assert_int_equal(apply("m", SECRETS "/b", "{'data': {}}"), 201);
    assert_int_equal(count(answer->body.data, "\"ADDED\""), 0);
    assert_int_equal(apply("m", SECRETS "/c", "{'data': {}}"), 201);
    assert_int_equal(count(answer->body.data, "\"ADDED\""), 1);
    api_lag(api, HOST, NULL, 0);
    assert_int_equal(count(answer->body.data, "\"ADDED\""), 3);
    api_end_watches(api, HOST, true);
}

static void test_lists_by_page(void **state)
{
    (void)state;
    for (const char *name = "abc"; *name; name++) {
        char target[80];
        snprintf(target, sizeof(target), SECRETS "/%c", *name);
        assert_int_equal(apply("m", target, "{'data': {}}"), 201);
    }
    assert_int_equal(ask("u", "GET", "/api/v1/secrets?limit=2", NULL, NULL), 200);
    assert_int_equal(json_len(json_get(last, "items")), 2);
    assert_path("metadata.remainingItemCount", "1");
    char target[100];
    snprintf(target, sizeof(target), "/api/v1/secrets?limit=2&continue=%s", json_str(last, "metadata.continue"));
    assert_int_equal(ask("u", "DELETE", SECRETS "/c", NULL, NULL), 200);
    assert_int_equal(ask("u", "GET", target, NULL, NULL), 200);
    assert_int_equal(json_len(json_get(last, "items")), 1);
    assert_string_equal(json_str(json_at(json_get(last, "items"), 0), "metadata.name"), "c");
    api_compact(api);
    assert_int_equal(ask("u", "GET", target, NULL, NULL), 410);
}

static void test_who_may(void **state)
{
    static const char *const headers[] = {"Authorization: Bearer t", NULL};

    (void)state;
    api_accept_token(api, "t", "op");
    assert_int_equal(watch(SECRETS)->status, 401);
    assert_int_equal(direct_ask(sim, "GET", HOST, SECRETS, headers, NULL)->status, 200);
    api_deny(api, "op", "list", "secrets", true);
    assert_int_equal(direct_ask(sim, "GET", HOST, SECRETS, headers, NULL)->status, 403);
    api_deny(api, "op", "list", "secrets", false);
    assert_int_equal(direct_ask(sim, "GET", HOST, SECRETS, headers, NULL)->status, 200);
    api_trouble(api, &(struct api_trouble){.status = 503, .retry_after_ms = 1000});
    assert_int_equal(direct_ask(sim, "GET", HOST, SECRETS, headers, NULL)->status, 503);
    api_refuse(api, "secrets", 403, "no");
    assert_int_equal(apply("m", SECRETS "/a", "{'data': {}}"), 403);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static int64_t now_ms = START_MS;

static void pass(int64_t seconds)
{
    now_ms += seconds * 1000;
    direct_set_time(sim, now_ms);
}

static int set_up_controllers(void **state)
{
    set_up(state);
    now_ms = START_MS;
    controllers_start(api);
    return 0;
}

#define DEPLOYMENT                                                                                                     \
    "{'metadata': {'labels': {'a': 'b'}}, 'spec': {'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': " \
    "{'labels': {'a': 'b'}}, 'spec': {'serviceAccountName': 'sa', 'containers': [" CONTAINER "], 'volumes': "          \
    "[{'name': 'v', 'secret': {'secretName': 's'}}]}}}}"

static void test_deployments_get_pods(void **state)
{
    (void)state;
    assert_int_equal(apply("m", DEPLOYS "/d", DEPLOYMENT), 201);
    pass(5);
    assert_int_equal(ask("u", "GET", DEPLOYS "/d", NULL, NULL), 200);
    assert_non_null(strstr(json_text(last), "serviceaccount \\\"sa\\\" not found"));
    assert_int_equal(apply("m", "/api/v1/namespaces/ci/serviceaccounts/sa", "{'metadata': {}}"), 201);
    pass(5);
    assert_int_equal(ask("u", "GET", DEPLOYS "/d", NULL, NULL), 200);
    assert_path("status.replicas", "1");
    assert_path("status.readyReplicas", "");
    assert_int_equal(apply("m", SECRETS "/s", "{'data': {}}"), 201);
    pass(10);
    assert_int_equal(ask("u", "GET", DEPLOYS "/d", NULL, NULL), 200);
    assert_path("status.readyReplicas", "1");
    assert_path("status.observedGeneration", "1");
    assert_int_equal(ask("u", "GET", "/api/v1/namespaces/ci/pods?labelSelector=a%3Db&limit=50", NULL, NULL), 200);
    assert_int_equal(json_len(json_get(last, "items")), 1);
    assert_int_equal(ask("u", "PATCH", DEPLOYS "/d", "application/merge-patch+json",
                         "{'spec': {'template': {'metadata': {'annotations': {'x': 'y'}}}}}"),
                     200);
    pass(60);
    assert_int_equal(ask("u", "GET", DEPLOYS "/d", NULL, NULL), 200);
    assert_path("status.updatedReplicas", "1");
    assert_path("status.replicas", "1");
    assert_path("metadata.generation", "2");
}

static void test_foreground_deletion_waits_for_pods(void **state)
{
    (void)state;
    assert_int_equal(apply("m", "/api/v1/namespaces/ci/serviceaccounts/sa", "{'metadata': {}}"), 201);
    assert_int_equal(apply("m", SECRETS "/s", "{'data': {}}"), 201);
    assert_int_equal(apply("m", DEPLOYS "/d", DEPLOYMENT), 201);
    pass(30);
    assert_int_equal(ask("u", "DELETE", DEPLOYS "/d", NULL, "{'propagationPolicy': 'Foreground'}"), 200);
    assert_path("metadata.finalizers", "[\"foregroundDeletion\"]");
    direct_set_time(sim, now_ms + 100);
    assert_int_equal(ask("u", "GET", DEPLOYS "/d", NULL, NULL), 200);
    pass(60);
    assert_int_equal(ask("u", "GET", DEPLOYS "/d", NULL, NULL), 404);
    assert_int_equal(ask("u", "GET", "/api/v1/pods", NULL, NULL), 200);
    assert_int_equal(json_len(json_get(last, "items")), 0);
}

static void test_children_go_with_their_owner(void **state)
{
    char body[300];

    (void)state;
    assert_int_equal(apply("m", SECRETS "/owner", "{'data': {}}"), 201);
    snprintf(
        body, sizeof(body),
        "{'metadata': {'ownerReferences': [{'apiVersion': 'v1', 'kind': 'Secret', 'name': 'owner', 'uid': '%s'}]}}",
        json_str(last, "metadata.uid"));
    assert_int_equal(apply("m", SECRETS "/child", body), 201);
    pass(10);
    assert_int_equal(ask("u", "GET", SECRETS "/child", NULL, NULL), 200);
    assert_int_equal(ask("u", "DELETE", SECRETS "/owner", NULL, NULL), 200);
    pass(10);
    assert_int_equal(ask("u", "GET", SECRETS "/child", NULL, NULL), 404);
    assert_int_equal(apply("m", SECRETS "/child", body), 201);
    pass(10);
    assert_int_equal(ask("u", "GET", SECRETS "/child", NULL, NULL), 404);
}

static void test_namespaces_end(void **state)
{
    (void)state;
    assert_int_equal(apply("m", SECRETS "/a", "{'metadata': {'finalizers': ['x/y']}}"), 201);
    assert_int_equal(apply("m", SECRETS "/b", "{'data': {}}"), 201);
    assert_int_equal(ask("u", "DELETE", "/api/v1/namespaces/ci", NULL, NULL), 200);
    assert_path("status.phase", "Terminating");
    assert_int_equal(apply("m", SECRETS "/c", "{'data': {}}"), 403);
    assert_path("details.causes", "[{\"reason\":\"NamespaceTerminating\",\"message\":\"namespace ci is being "
                                  "terminated\",\"field\":\"metadata.namespace\"}]");
    pass(10);
    assert_int_equal(ask("u", "GET", SECRETS "/b", NULL, NULL), 404);
    assert_int_equal(ask("u", "GET", "/api/v1/namespaces/ci", NULL, NULL), 200);
    assert_int_equal(apply("m", SECRETS "/a", "{'metadata': {}}"), 200);
    pass(10);
    assert_int_equal(ask("u", "GET", "/api/v1/namespaces/ci", NULL, NULL), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_get_delete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_apply_creates_and_keeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_apply_removes_what_it_has_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edits_take_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deployments_have_defaults_that_nobody_owns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_runners_are_pruned_and_have_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_watch_with_initial_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_watch_from_a_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_host_that_lags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_may, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deployments_get_pods, set_up_controllers, tear_down),
        cmocka_unit_test_setup_teardown(test_foreground_deletion_waits_for_pods, set_up_controllers, tear_down),
        cmocka_unit_test_setup_teardown(test_children_go_with_their_owner, set_up_controllers, tear_down),
        cmocka_unit_test_setup_teardown(test_namespaces_end, set_up_controllers, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
