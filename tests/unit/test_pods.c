/* Looks at the pods of managers that do not start: when, what is asked for, and what is kept of it. With a clock and an
 * API server of the test's own, in the place of net/loop.c and kube/client.c. */
#include "fake_loop.h"
#include "golden.h"

#include "base/mem.h"
#include "kube/pace.h"
#include "operator/pods.h"

static struct world {
    struct loop loop;
    char path[300]; /* of the request in flight; "": none */
    struct kube_request request;
    int requests;
    struct paces paces;
    struct context ctx;
    struct state state;
    struct spec spec;
    struct turn turn;
    bool ready; /* the turn goes on */
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * What pods.c is linked with */

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
    return (uint64_t)++w.requests;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The stage: a Deployment that is as it is to be, and whose managers are not there */

static int setup(void **state)
{
    (void)state;
    w = (struct world){.loop = {.now = 1000}, .spec = {.manager = {.replicas = 1}}};
    w.ctx = (struct context){.loop = &w.loop, .paces = &w.paces};
    w.turn = (struct turn){.ctx = &w.ctx, .state = &w.state};
    struct observed *o = &w.turn.observed;
    o->memory = &w.state.memory;
    o->owner = (struct owner){.ns = "ci", .name = "builds", .uid = "u"};
    o->spec = &w.spec;
    o->children[CHILD_DEPLOYMENT] = (struct observed_child){.exists = true, .hash = "h"};
    o->wanted[CHILD_DEPLOYMENT] = (struct wanted){.wanted = true, .hash = "h"};
    o->rollout_observed = true;
    o->updated_replicas = o->replicas = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pods_look_end(&w.turn);
    memory_finish(&w.state.memory);
    arena_finish(&w.turn.step);
    arena_finish(&w.turn.mem);
    paces_finish(&w.paces);
    return 0;
}

/* What is observed now; whether a look is due. */
static bool is_due(void)
{
    struct observed *o = &w.turn.observed;

    o->now_ms = w.loop.now;
    pods_plan(&w.turn);
    return pods_due(o) && o->now_ms >= pods_due(o);
}

static struct trouble trouble_told(void)
{
    return managers_trouble(&w.turn.observed, &w.turn.mem);
}

/* The API server answers, in pieces of so many bytes. */
static void answer_in_pieces(const char *text, size_t size)
{
    const struct kube_reply reply = {.err = {.kind = ERR_NONE}};

    for (size_t len = strlen(text); len; len -= size < len ? size : len, text += size)
        assert_true(w.request.data(w.request.arg, text, size < len ? size : len));
    w.ready = false;
    w.request.done(w.request.arg, &reply);
    assert_true(w.ready);
    assert_int_equal(w.turn.request, 0);
}

static void fail_with(enum err_kind kind, int64_t retry_after_ms)
{
    const struct kube_reply reply = {.err = {.kind = kind, .reason = "Forbidden", .retry_after_ms = retry_after_ms}};

    w.request.done(w.request.arg, &reply);
}

#define LIST(pods) "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" pods "]}"
#define POD(state)                                                                                                     \
    "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"name\":\"manager\",\"env\":[{\"name\":\"PASSWORD\","  \
    "\"value\":\"hidden\"}]}]},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"manager\","        \
    "\"image\":\"x\",\"ready\":false,\"state\":{" state "}}]}}"
#define NO_IMAGE POD("\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"not found\"}")
#define NO_CAUSE POD("\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off\"}")
#define CREATING POD("\"waiting\":{\"reason\":\"ContainerCreating\"}")

/* ---------------------------------------------------------------------------------------------------------------------
 * When */

static void a_start_as_usual_costs_nothing(void **state)
{
    (void)state;
    assert_false(is_due());
    w.loop.now += 7000;
    assert_false(is_due());
    w.turn.observed.available_replicas = 1;
    w.loop.now += 600000;
    assert_false(is_due());
    assert_null(w.state.memory.starting);
}

/* 8, 13, 23, 43, … s, and at last every five minutes. */
static void the_looks_become_seldom(void **state)
{
    static const int64_t at[] = {8, 13, 23, 43, 83, 163, 323, 623, 923, 1223};
    int64_t begin = w.loop.now;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        assert_false(is_due());
        w.loop.now = begin + at[i] * 1000 - 1;
        assert_false(is_due());
        w.loop.now++;
        assert_true(is_due());
        pods_perform(&w.turn);
        answer_in_pieces(LIST(NO_IMAGE), SIZE_MAX / 2);
    }
    assert_int_equal(w.requests, ARRAY_LEN(at));
}

static void it_begins_anew_with_another_deployment(void **state)
{
    (void)state;
    is_due();
    w.loop.now += 8000;
    assert_true(is_due());
    pods_perform(&w.turn);
    answer_in_pieces(LIST(NO_IMAGE), 7);
    assert_false(is_due());
    assert_string_equal(trouble_told().reason, "ImagePullBackOff");
    w.turn.observed.rollout_observed = false; /* edited */
    is_due();
    assert_null(trouble_told().reason);
    w.turn.observed.rollout_observed = true;
    w.loop.now += 1000;
    assert_false(is_due());
    w.loop.now += 8000;
    assert_true(is_due());
}

static void nobody_looks_for_nothing(void **state)
{
    struct observed *o = &w.turn.observed;

    (void)state;
    o->replica_failure = "no quota"; /* it is known already */
    is_due();
    assert_null(w.state.memory.starting);
    o->replica_failure = NULL;
    w.spec.manager.replicas = o->updated_replicas = o->replicas = 0;
    is_due();
    assert_null(w.state.memory.starting);
    w.spec.manager.replicas = 1;
    o->deleting = true;
    is_due();
    assert_null(w.state.memory.starting);
}

static void a_namespace_has_its_pace(void **state)
{
    struct state others[20] = {0};

    (void)state;
    for (int i = 0; i < 20; i++) {
        w.turn.observed.now_ms = w.loop.now;
        w.turn.observed.memory = &others[i].memory;
        w.turn.state = &others[i];
        pods_plan(&w.turn);
        assert_int_equal(pods_due(&w.turn.observed), 9000 + i * PACE_MS);
    }
    for (int i = 0; i < 20; i++)
        memory_finish(&others[i].memory);
}

static void without_the_right_to_it_nobody_looks_for_long(void **state)
{
    (void)state;
    is_due();
    w.loop.now += 8000;
    assert_true(is_due());
    pods_perform(&w.turn);
    fail_with(ERR_DENIED, 0);
    w.loop.now += 599 * 1000;
    assert_false(is_due());
    w.loop.now += 1000;
    assert_true(is_due());
    pods_perform(&w.turn);
    fail_with(ERR_RETRY, 3600 * 1000);
    w.loop.now += 3599 * 1000;
    assert_false(is_due());
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What */

static void the_pods_are_listed_by_their_label(void **state)
{
    (void)state;
    is_due();
    pods_perform(&w.turn);
    assert_string_equal(w.path, "GET /api/v1/namespaces/ci/pods?limit=50&labelSelector=app.kubernetes.io%2Fname%3D"
                                "gitlab-runner%2Cgitlab-runners.dev%2Frunner%3Dbuilds");
    answer_in_pieces(LIST(), 1);
}

static void the_worst_is_told_whatever_pieces_it_comes_in(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        is_due();
        w.loop.now += 600 * 1000;
        pods_perform(&w.turn);
        answer_in_pieces(LIST(CREATING "," NO_IMAGE "," CREATING), size);
        is_due();
        assert_string_equal(trouble_told().reason, "ImagePullBackOff");
        assert_null(strstr(trouble_told().message, "hidden"));
    }
}

static void what_takes_its_time_is_told_when_it_lasts(void **state)
{
    (void)state;
    is_due();
    w.loop.now += 8000;
    is_due();
    pods_perform(&w.turn);
    answer_in_pieces(LIST(CREATING), 100);
    is_due();
    assert_null(trouble_told().reason);
    w.loop.now += 60 * 1000;
    is_due();
    assert_string_equal(trouble_told().reason, "ContainerCreating");
}

static void less_does_not_take_the_place_of_more(void **state)
{
    (void)state;
    is_due();
    pods_perform(&w.turn);
    answer_in_pieces(LIST(NO_IMAGE), 100);
    pods_perform(&w.turn);
    answer_in_pieces(LIST(NO_CAUSE), 100);
    is_due();
    assert_non_null(strstr(trouble_told().message, "the registry does not have it"));
    pods_perform(&w.turn);
    answer_in_pieces(LIST(), 100); /* mended */
    is_due();
    assert_null(trouble_told().reason);
}

/* Cut off, no list at all, pods of any size: what was known stays, or nothing is. */
static void nonsense_says_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{\"items\":[" NO_CAUSE,
                                        "{\"items\":{}}",
                                        "{\"items\":[7,null,{}]}",
                                        LIST("{\"status\":{\"containerStatuses\":\"x\",\"conditions\":{}}}")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        is_due();
        pods_perform(&w.turn);
        answer_in_pieces(texts[i], 5);
        is_due();
        assert_null(trouble_told().reason);
    }
}

static void a_turn_that_ends_takes_its_look_along(void **state)
{
    (void)state;
    is_due();
    pods_perform(&w.turn);
    assert_true(w.request.data(w.request.arg, "{\"items\":[{\"status\":", 20));
    pods_look_end(&w.turn);
    assert_null(w.turn.look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_start_as_usual_costs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_looks_become_seldom, setup, teardown),
        cmocka_unit_test_setup_teardown(it_begins_anew_with_another_deployment, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_looks_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_namespace_has_its_pace, setup, teardown),
        cmocka_unit_test_setup_teardown(without_the_right_to_it_nobody_looks_for_long, setup, teardown),
        cmocka_unit_test_setup_teardown(the_pods_are_listed_by_their_label, setup, teardown),
        cmocka_unit_test_setup_teardown(the_worst_is_told_whatever_pieces_it_comes_in, setup, teardown),
        cmocka_unit_test_setup_teardown(what_takes_its_time_is_told_when_it_lasts, setup, teardown),
        cmocka_unit_test_setup_teardown(less_does_not_take_the_place_of_more, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_says_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_that_ends_takes_its_look_along, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
