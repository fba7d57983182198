/* What the store keeps of objects, as people are shown it. */
#include "golden.h"

#include "base/mem.h"
#include "operator/records.h"
#include "runner/names.h"

static const struct {
    enum kind kind;
    const char *object, *kept;
} cases[] = {
    {KIND_RUNNER,
     "{'metadata': {'generation': 3, 'finalizers': ['other', '" FINALIZER "'], 'annotations': {'" ANNOTATION_RESTART
     "': 'now', 'another': 'x'}}, 'spec': {'url': 'u'}, 'status': {'runnerId': 7}}",
     "{'generation': 3, 'finalizer': true, 'deleting': false, 'forceDelete': false, 'annotations': "
     "{'" ANNOTATION_RESTART "': 'now'}, 'spec': {'url': 'u'}, 'status': {'runnerId': 7}}"},
    {KIND_RUNNER,
     "{'metadata': {'generation': 4, 'deletionTimestamp': '2026-01-02T03:04:05Z', 'finalizers': ['other'], "
     "'annotations': {'" ANNOTATION_FORCE_DELETE "': 'true'}}}",
     "{'generation': 4, 'finalizer': false, 'deleting': true, 'forceDelete': true}"},
    {KIND_RUNNER, "{'metadata': {'annotations': {'" ANNOTATION_FORCE_DELETE "': 'yes'}}}",
     "{'generation': 0, 'finalizer': false, 'deleting': false, 'forceDelete': false}"},
    {KIND_RUNNER,
     "{'metadata': {'annotations': {'" ANNOTATION_ROTATE_TOKEN "': 'a', '" ANNOTATION_SET_AT_GITLAB
     "': 'b', '" ANNOTATION_PAUSED_UNTIL "': 'c', '" ANNOTATION_PAUSED_BY "': 'd', '" ANNOTATION_PAUSE_REASON
     "': 'e'}}}",
     "{'generation': 0, 'finalizer': false, 'deleting': false, 'forceDelete': false, 'annotations': "
     "{'" ANNOTATION_ROTATE_TOKEN "': 'a', '" ANNOTATION_SET_AT_GITLAB "': 'b', '" ANNOTATION_PAUSED_UNTIL
     "': 'c', '" ANNOTATION_PAUSED_BY "': 'd', '" ANNOTATION_PAUSE_REASON "': 'e'}}"},
    {KIND_NAMESPACE,
     "{'metadata': {'annotations': {'" ANNOTATION_ALLOWED_FROM "': 'ci'}, 'labels': {'" LABEL_POD_SECURITY
     "': 'baseline'}}}",
     "{'allowedFrom': 'ci', 'podSecurity': 'baseline', 'deleting': false}"},
    {KIND_NAMESPACE, "{'metadata': {'deletionTimestamp': '2026-01-02T03:04:05Z'}}", "{'deleting': true}"},
    {KIND_SERVICE_ACCOUNT,
     "{'metadata': {'finalizers': ['" FINALIZER "'], 'annotations': {'" ANNOTATION_APPLIED_HASH
     "': 'h', '" ANNOTATION_INPUTS "': 'i'}, 'managedFields': [{'manager': '" FIELD_MANAGER
     "', 'operation': 'Apply', 'fieldsV1': {'f:metadata': {}}}]}}",
     "{'hash': 'h', 'inputs': 'i', 'terminating': false, 'held': true, 'drifted': false, 'byApply': true, 'byUpdate': "
     "false}"},
    {KIND_DISRUPTION_BUDGET,
     "{'metadata': {'deletionTimestamp': '2026-01-02T03:04:05Z', 'managedFields': [{'manager': '" FIELD_MANAGER
     "', 'operation': 'Update', 'fieldsV1': {'f:metadata': {}}}]}}",
     "{'terminating': true, 'held': false, 'drifted': false, 'byApply': false, 'byUpdate': true}"},
    {KIND_SECRET,
     "{'metadata': {'annotations': {'" ANNOTATION_RUNNER_ID "': '7', '" ANNOTATION_URL
     "': 'u', '" ANNOTATION_AUTHENTICATION "': 'a', '" ANNOTATION_SCOPE "': 's', '" ANNOTATION_TOLD_HASH
     "': 't', '" ANNOTATION_TOKEN_EXPIRATION "': 'e', '" ANNOTATION_TOKEN_OBTAINED "': 'o', '" ANNOTATION_ROTATE_TOKEN
     "': 'r'}}}",
     "{'terminating': false, 'held': false, 'drifted': false, 'byApply': false, 'byUpdate': false, 'runnerId': '7', "
     "'url': 'u', 'authentication': 'a', 'scope': 's', 'toldHash': 't', 'expiration': 'e', 'obtained': 'o', "
     "'rotation': 'r'}"},
    {KIND_DEPLOYMENT,
     "{'metadata': {'generation': 2}, 'status': {'observedGeneration': 2, 'replicas': 4, 'readyReplicas': 3, "
     "'availableReplicas': 2, 'updatedReplicas': 1, 'conditions': [{'type': 'Progressing', 'status': 'False', "
     "'message': 'p'}, {'type': 'ReplicaFailure', 'status': 'True', 'message': 'f'}]}}",
     "{'terminating': false, 'held': false, 'drifted': false, 'byApply': false, 'byUpdate': false, 'replicas': 4, "
     "'ready': 3, 'available': 2, 'updated': 1, 'observed': true, 'problem': 'p', 'failure': 'f'}"},
    {KIND_DEPLOYMENT,
     "{'metadata': {'generation': 2}, 'status': {'observedGeneration': 1, 'conditions': [{'type': 'Progressing', "
     "'status': 'True', 'message': 'p'}, {'type': 'ReplicaFailure', 'status': 'False', 'message': 'f'}]}}",
     "{'terminating': false, 'held': false, 'drifted': false, 'byApply': false, 'byUpdate': false, 'replicas': 0, "
     "'ready': 0, 'available': 0, 'updated': 0, 'observed': false}"},
    {KIND_DEPLOYMENT, "{'metadata': {}}",
     "{'terminating': false, 'held': false, 'drifted': false, 'byApply': false, 'byUpdate': false, 'replicas': 0, "
     "'ready': 0, 'available': 0, 'updated': 0, 'observed': false}"},
};

static void each_kind_keeps_what_decisions_look_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        struct json_object *object = quoted_json(cases[i].object, &a);
        const struct record record = {.kept = kept_of(cases[i].kind, object, true, &a)};
        struct json_object *told = arena_json(&a, kept_json(cases[i].kind, &record));
        if (!json_same(told, quoted_json(cases[i].kept, &a)))
            fail_msg("%s: %s", cases[i].object, json_text(told));
    }
}

/* Of a foreign object nothing is kept, but of namespaces. */
static void of_others_nothing_is_kept(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *object = quoted_json("{'metadata': {}}", &a);

    (void)state;
    assert_null(kept_of(KIND_SECRET, object, false, &a));
    assert_null(kept_of(KIND_DEPLOYMENT, object, false, &a));
    assert_non_null(kept_of(KIND_NAMESPACE, object, false, &a));
    assert_null(kept_json(KIND_SECRET, &(struct record){.name = "s"}));
    assert_null(kept_secret(NULL));
    assert_null(kept_deployment(NULL));
    assert_null(kept_namespace(NULL));
    assert_null(kept_child(NULL));
    assert_null(kept_runner(NULL));
}

static void times_are_seconds(void **state)
{
    static const struct {
        const char *object;
        int64_t deletion, creation;
    } of_time[] = {
        {"{'metadata': {}}", 0, 0},
        {"{'metadata': {'creationTimestamp': '1970-01-01T00:01:00Z', 'deletionTimestamp': '1970-01-01T00:02:00Z'}}",
         120, 60},
        {"{'metadata': {'deletionTimestamp': 'soon'}}", -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(of_time); i++) {
        cleanup_arena struct arena a = {0};
        struct json_object *object = quoted_json(of_time[i].object, &a);
        const struct kept_runner *runner = kept_of(KIND_RUNNER, object, false, &a);
        const struct kept_namespace *ns = kept_of(KIND_NAMESPACE, object, false, &a);
        assert_int_equal(runner->deletion_time, of_time[i].deletion);
        assert_int_equal(runner->creation_time, of_time[i].creation);
        assert_int_equal(ns->deletion_time, of_time[i].deletion);
    }
}

static void what_a_deployment_says_is_kept_to_a_kibibyte(void **state)
{
    cleanup_arena struct arena a = {0};
    char *message = arena_alloc(&a, 5001);
    memset(message, 'm', 5000);
    struct json_object *object = quoted_json(
        arena_printf(&a, "{'status': {'conditions': [{'type': 'Progressing', 'status': 'False', 'message': '%s'}]}}",
                     message),
        &a);
    const struct kept_deployment *kept = kept_of(KIND_DEPLOYMENT, object, true, &a);

    (void)state;
    assert_in_range(strlen(kept->problem), 1000, 1024);
}

/* A runner is made again of its record. */
static void a_runner_comes_back_from_its_record(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *object = quoted_json("{'metadata': {'annotations': {'" ANNOTATION_RESTART
                                             "': 'now'}}, 'spec': {'url': 'u'}, 'status': {'x': 1}}",
                                             &a);
    const struct record record = {
        .ns = "ci", .name = "builds", .uid = "u-1", .kept = kept_of(KIND_RUNNER, object, false, &a)};

    (void)state;
    assert_true(json_same(runner_object(&record, &a),
                          quoted_json("{'apiVersion': '" API_VERSION "', 'kind': '" KIND
                                      "', 'metadata': {'namespace': 'ci', 'name': 'builds', 'uid': 'u-1', "
                                      "'annotations': {'" ANNOTATION_RESTART "': 'now'}}, 'spec': {'url': 'u'}}",
                                      &a)));
    assert_true(json_same(runner_status(&record, &a), quoted_json("{'x': 1}", &a)));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_keeps_what_decisions_look_at),
        cmocka_unit_test(of_others_nothing_is_kept),
        cmocka_unit_test(times_are_seconds),
        cmocka_unit_test(what_a_deployment_says_is_kept_to_a_kibibyte),
        cmocka_unit_test(a_runner_comes_back_from_its_record),
    };

    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
