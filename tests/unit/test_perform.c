/* What an apply alone cannot do, because somebody else owns it, too: who has restored an object from a backup. With an
 * API server of the test's own, in the place of kube/client.c. */
#include "golden.h"

#include "base/key.h"
#include "operator/perform.h"
#include "runner/names.h"

static struct world {
    struct kube_request request; /* the last one */
    char path[300], body[1000];
    int requests;
    struct context ctx;
    struct list echoes;
    struct state state;
    struct turn turn;
    bool ready; /* the turn goes on */
} w;

void turn_ready(struct turn *turn)
{
    assert_ptr_equal(turn, &w.turn);
    w.ready = true;
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    (void)client;
    w.request = *request;
    snprintf(w.path, sizeof(w.path), "%s %s", request->method, request->path);
    snprintf(w.body, sizeof(w.body), "%s", request->body ? request->body : "");
    return (uint64_t)++w.requests;
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.requests = 0};
    list_init(&w.echoes);
    w.ctx = (struct context){.store = kinds_store_create(), .echoes = &w.echoes};
    w.turn = (struct turn){.ctx = &w.ctx, .state = &w.state, .work = {.state = WORK_WAITING}};
    list_init(&w.turn.echo.among);
    w.turn.observed.memory = &w.state.memory;
    w.turn.observed.owner = (struct owner){.ns = "ci", .name = "builds", .uid = "u"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_finish(&w.state.memory);
    arena_finish(&w.turn.step);
    arena_finish(&w.turn.mem);
    store_destroy(w.ctx.store);
    return 0;
}

static void answer_with(struct json_object *finalizers)
{
    cleanup_json struct json_object *object =
        json_build("{apiVersion: '" API_VERSION "', kind: '" KIND "', metadata: {namespace: ci, name: builds, uid: u, "
                   "resourceVersion: '7', finalizers: %o}}",
                   finalizers);
    const struct kube_reply reply = {.object = object};

    w.request.done(w.request.arg, &reply);
}

static void give_up(void)
{
    const struct action act = {.kind = ACT_FINALIZER, .rule = "release"};

    perform(&w.turn, &act);
    assert_string_equal(w.request.content_type, "application/apply-patch+yaml");
}

static void comes_off_by_an_apply(void **state)
{
    (void)state;
    give_up();
    answer_with(json_build("['theirs.example/x']"));
    assert_int_equal(w.requests, 1);
    assert_true(w.ready);
}

/* Who has restored the object from a backup owns it, too. */
static void comes_off_by_a_patch(void **state)
{
    (void)state;
    give_up();
    answer_with(json_build("['theirs.example/x', '" FINALIZER "']"));
    assert_int_equal(w.requests, 2);
    assert_false(w.ready);
    assert_string_equal(w.request.content_type, "application/merge-patch+json");
    assert_non_null(strstr(w.body, "\"resourceVersion\":\"7\""));
    assert_non_null(strstr(w.body, "\"finalizers\":[\"theirs.example/x\"]"));
    assert_non_null(strstr(w.body, "\"uid\":\"u\""));
    answer_with(json_build("['theirs.example/x']"));
    assert_int_equal(w.requests, 2);
    assert_true(w.ready);
}

/* A token Secret whose controller is the former object of this name. */
static struct json_object *restored_secret(void)
{
    return json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s, "
                      "resourceVersion: '7', finalizers: ['" FINALIZER "'], annotations: {'" ANNOTATION_OWNER
                      "': %s, '" ANNOTATION_OWNER_UID "': former}, ownerReferences: ["
                      "{apiVersion: '" API_VERSION "', kind: '" KIND "', name: builds, uid: former, controller: true}, "
                      "{apiVersion: v1, kind: ConfigMap, name: theirs, uid: x}]}}",
                      (const char *)key_text(KIND, "ci", "builds").text);
}

static void answer_object(struct json_object *object)
{
    const struct kube_reply reply = {.object = object};

    w.request.done(w.request.arg, &reply);
}

static void has_one_controller(void **state)
{
    cleanup_json struct json_object *secret = restored_secret();
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s}}");
    const struct action act = {
        .kind = ACT_APPLY, .rule = "inherit", .apply = {.child = CHILD_TOKEN_SECRET, .manifest = manifest, .uid = "s"}};

    (void)state;
    context_learn_written(&w.ctx, KIND_SECRET, secret);
    perform(&w.turn, &act);
    assert_string_equal(w.request.method, "GET");
    answer_object(secret);
    assert_string_equal(w.request.content_type, "application/merge-patch+json");
    assert_non_null(strstr(w.body, "\"resourceVersion\":\"7\""));
    assert_non_null(strstr(w.body, "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\""));
    assert_null(strstr(w.body, "former"));
    assert_null(strstr(w.body, "managedFields"));
    answer_object(secret);
    assert_string_equal(w.request.content_type, "application/apply-patch+yaml");
    assert_int_equal(w.requests, 3);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Deletions */

static struct json_object *ending_deployment(const char *managed_by)
{
    return json_build(
        "{apiVersion: 'apps/v1', kind: Deployment, metadata: {namespace: ci, name: 'builds-runner', uid: d, "
        "resourceVersion: '7', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [foregroundDeletion], "
        "labels: {" LABEL_MANAGED_BY ": %s}, annotations: {'" ANNOTATION_OWNER "': %s, '" ANNOTATION_OWNER_UID
        "': u}}}",
        managed_by, (const char *)key_text(KIND, "ci", "builds").text);
}

static void delete_deployment(const char *managed_by)
{
    cleanup_json struct json_object *ending = ending_deployment(managed_by);
    const struct action act = {
        .kind = ACT_DELETE,
        .rule = "drain",
        .delete = {.kind = "Deployment", .ns = "ci", .name = "builds-runner", .uid = "d", .foreground = true}};

    perform(&w.turn, &act);
    assert_string_equal(w.request.method, "DELETE");
    answer_object(ending);
}

static bool is_kept(void)
{
    return store_get(w.ctx.store, KIND_DEPLOYMENT, "ci", "builds-runner");
}

static void what_ends_slowly_is_waited_for(void **state)
{
    (void)state;
    delete_deployment(FIELD_MANAGER);
    assert_int_equal(w.requests, 1);
    assert_true(w.ready);
    assert_true(is_kept());
}

/* Or nobody would tell of its end. */
static void what_ends_is_shown_again(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        cleanup_json struct json_object *answer = ending_deployment(again ? "helm" : FIELD_MANAGER);
        w.ready = false;
        delete_deployment("helm");
        assert_false(w.ready);
        assert_false(is_kept());
        assert_string_equal(w.request.content_type, "application/merge-patch+json");
        assert_string_equal(w.body, "{\"metadata\":{\"namespace\":\"ci\",\"name\":\"builds-runner\",\"uid\":\"d\","
                                    "\"labels\":{\"" LABEL_MANAGED_BY "\":\"" FIELD_MANAGER "\"}}}");
        answer_object(answer);
        assert_true(w.ready);
        assert_int_equal(is_kept(), !again);
        store_bury(w.ctx.store, KIND_DEPLOYMENT, "ci", "builds-runner", "d");
    }
    assert_int_equal(w.requests, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_off_by_an_apply, setup, teardown),
        cmocka_unit_test_setup_teardown(comes_off_by_a_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(has_one_controller, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_slowly_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_is_shown_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
