/* Our finalizer comes off, whoever else has put it on. With an API server of the test's own, in the place of
 * kube/client.c. */
#include "golden.h"

#include "operator/perform.h"
#include "runner/names.h"

static struct world {
    struct kube_request request; /* the last one */
    char path[300], body[1000];
    int requests;
    struct context ctx;
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
    snprintf(w.body, sizeof(w.body), "%s", request->body);
    return (uint64_t)++w.requests;
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.requests = 0};
    w.ctx = (struct context){.store = kinds_store_create()};
    w.turn = (struct turn){.ctx = &w.ctx, .state = &w.state, .work = {.state = WORK_WAITING}};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_off_by_an_apply, setup, teardown),
        cmocka_unit_test_setup_teardown(comes_off_by_a_patch, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
