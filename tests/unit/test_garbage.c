/* Children without a claim: with a clock and an API server of the test's own, in the place of net/loop.c and
 * kube/client.c. */
#include "fake_loop.h"
#include "golden.h"

#include "base/json.h"
#include "base/mem.h"
#include "operator/claim.h"
#include "operator/garbage.h"
#include "operator/records.h"
#include "kube/controller.h"
#include "kube/event.h"
#include "kube/lease.h"
#include "runner/names.h"

enum { FLIGHTS = 16 };

/* A request to the API server. */
struct flight {
    char what[160]; /* method and path; "": none */
    char body[200];
    kube_done_fn *done;
    void *arg;
};

static struct world {
    struct loop loop;
    struct flight flights[FLIGHTS];
    int events;
    char event[40], note[400];
    struct stats stats;
    struct context ctx;
    struct garbage *garbage;
    uint64_t term; /* in which we lead; 0: we do not */
    struct arena mem;
    int version;
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * What garbage.c is linked with. */

uint64_t lease_term(const struct lease *lease)
{
    (void)lease;
    return w.term;
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    (void)client;
    for (uint64_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &w.flights[i];
        if (*flight->what)
            continue;
        snprintf(flight->what, sizeof(flight->what), "%s %s", request->method, request->path);
        snprintf(flight->body, sizeof(flight->body), "%s", request->body ? request->body : "");
        flight->done = request->done;
        flight->arg = request->arg;
        return i + 1;
    }
    fail_msg("too many requests at a time");
    return 0;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    *w.flights[id - 1].what = '\0';
}

uint64_t event_send(struct kube_client *client, const struct event *event, const char *controller, const char *instance,
                    kube_done_fn *done, void *arg)
{
    const struct kube_request request = {.method = "EVENT", .path = event->reason, .done = done, .arg = arg};

    (void)controller;
    (void)instance;
    w.events++;
    snprintf(w.event, sizeof(w.event), "%s", event->reason);
    snprintf(w.note, sizeof(w.note), "%s", event->note);
    assert_true(event->warning);
    return done == event_sent ? 0 : kube_start(client, &request);
}

void event_sent(void *counts, const struct kube_reply *reply)
{
    (void)counts;
    (void)reply;
}

void context_learn_written(const struct context *ctx, enum kind kind, struct json_object *object)
{
    (void)ctx;
    (void)kind;
    (void)object;
}

struct prior context_prior(const struct context *ctx, enum kind kind, const char *ns, const char *name, struct arena *a)
{
    const struct record *known = store_get(ctx->store, kind, ns, name);

    return (struct prior){.uid = known ? arena_strdup(a, known->uid) : NULL};
}

void context_learn_absence(const struct context *ctx, const struct prior *prior, enum kind kind, const char *ns,
                           const char *name)
{
    assert_non_null(prior->uid);
    store_remove(ctx->store, kind, ns, name);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What there is: ci/builds, and its RoleBinding in the namespace jobs. */

static void shown(enum kind kind, struct json_object *object)
{
    struct json_object *kept = arena_json(&w.mem, object);
    const struct record record = kind_record(kind, kept, w.ctx.store, &w.mem);

    store_put(w.ctx.store, kind, &record);
    garbage_note(w.garbage, kind, record.ns, record.name);
}

static struct json_object *runner(const char *name, const char *uid)
{
    return json_build("{metadata: {namespace: 'ci', name: %s, uid: %s, resourceVersion: '1'}, spec: {namespace: "
                      "'jobs'}}",
                      name, uid);
}

static struct json_object *consent(const char *allowed_from)
{
    struct json_object *ns = json_build("{metadata: {name: 'jobs', uid: 'n', resourceVersion: '1', annotations: {}}}");

    json_put_member(json_get(ns, "metadata.annotations"), ANNOTATION_ALLOWED_FROM, allowed_from);
    return ns;
}

/* manager: who has applied it. */
static struct json_object *made(const char *ns, const char *name, const char *owner, const char *owner_uid,
                                const char *manager)
{
    struct json_object *object = json_build(
        "{metadata: {namespace: %s, name: %s, uid: %s, resourceVersion: '2', labels: {" LABEL_MANAGED_BY
        ": %s}, annotations: {" ANNOTATION_OWNER ": %s, " ANNOTATION_OWNER_UID
        ": %s}, managedFields: [{manager: %s, operation: 'Apply', fieldsV1: {'f:metadata': {'f:annotations': "
        "{'f:" ANNOTATION_OWNER "': {}, 'f:" ANNOTATION_OWNER_UID "': {}}}}}]}}",
        ns, name, name, FIELD_MANAGER, owner, owner_uid, manager);

    return object;
}

static struct json_object *binding(const char *name)
{
    char full[80], owner[80];

    snprintf(full, sizeof(full), "ci.%s-runner", name);
    snprintf(owner, sizeof(owner), "ci/%s", name);
    return made("jobs", full, owner, name, FIELD_MANAGER);
}

static struct json_object *token_secret(void)
{
    struct json_object *object = made("ci", "builds-runner-token", "ci/builds", "builds", FIELD_MANAGER);

    json_set_str(object, "metadata.deletionTimestamp", "2026-01-01T00:00:00Z");
    json_set(object, "metadata.finalizers", json_build("[%s, 'theirs.example/x']", FINALIZER));
    return object;
}

#define BINDING    "/apis/rbac.authorization.k8s.io/v1/namespaces/jobs/rolebindings/ci.builds-runner"
#define OWNER      "/apis/gitlab-runners.dev/v1beta1/namespaces/ci/gitlabrunners/builds"
#define DEPLOYMENT "/apis/apps/v1/namespaces/ci/deployments/builds-runner"
#define TOKEN      "/api/v1/namespaces/ci/secrets/builds-runner-token"

static bool synced(void *arg)
{
    (void)arg;
    return true;
}

static int set_up(void **state)
{
    w = (struct world){.loop = {.now = 1000},
                       .ctx = {.loop = &w.loop, .stats = &w.stats, .store = kinds_store_create()}};
    w.ctx.controller = controller_create(&w.loop, NULL, synced, NULL);
    w.ctx.garbage = w.garbage = *state = garbage_create(&w.ctx);
    shown(KIND_RUNNER, runner("builds", "builds"));
    shown(KIND_NAMESPACE, consent("ci"));
    shown(KIND_ROLE_BINDING, binding("builds"));
    store_reach(w.ctx.store, KIND_RUNNER, "", "1");
    return 0;
}

static int tear_down(void **state)
{
    controller_destroy(w.ctx.controller);
    garbage_destroy(*state);
    for (size_t i = 0; i < FLIGHTS; i++)
        assert_string_equal(w.flights[i].what, "");
    store_destroy(w.ctx.store);
    arena_finish(&w.mem);
    return 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What happens. */

static void act(void)
{
    fake_turn(&w.loop);
}

static int in_flight(void)
{
    int count = 0;

    for (size_t i = 0; i < FLIGHTS; i++)
        count += *w.flights[i].what != '\0';
    return count;
}

static struct flight *flight_of(const char *what)
{
    for (size_t i = 0; i < FLIGHTS; i++)
        if (strncmp(w.flights[i].what, what, strlen(what)) == 0)
            return &w.flights[i];
    fail_msg("nobody asked for %s, but for %s", what, w.flights[0].what);
    return NULL;
}

/* The API server answers. object: consumed, NULL: none. */
static void answer(const char *what, struct json_object *object, enum err_kind failure)
{
    struct flight flight = *flight_of(what);
    struct kube_reply reply = {.object = arena_json(&w.mem, object)};

    *flight_of(what)->what = '\0';
    if (failure)
        err_set(&reply.err, failure, "NotFound", "no");
    reply.err.code = failure == ERR_DENIED ? 403 : 0;
    flight.done(flight.arg, &reply);
    act();
}

static void expect_nothing_to_do(void)
{
    act();
    assert_int_equal(in_flight(), 0);
    assert_int_equal(w.loop.timers[0].due, -1);
}

static void lead(void)
{
    w.term++;
    act();
}

static void wait_for_timer(void)
{
    assert_true(w.loop.timers[0].due >= 0);
    w.loop.now = w.loop.timers[0].due > w.loop.now ? w.loop.timers[0].due : w.loop.now;
    act();
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void what_is_as_it_should_be_is_left_alone(void **state)
{
    (void)state;
    lead();
    expect_nothing_to_do();
    assert_int_equal(queue_adds(controller_view(w.ctx.controller, "RoleBinding").queue), 0); /* nor looked at */
}

static void withdrawn_consent_takes_the_binding(void **state)
{
    (void)state;
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    assert_non_null(strstr(flight_of("DELETE " BINDING)->body, "\"uid\":\"ci.builds-runner\""));
    answer("DELETE " BINDING, NULL, ERR_NONE);
    assert_int_equal(w.events, 1);
    assert_string_equal(w.event, "RightsWithdrawn");
    assert_int_equal(w.stats.removed.rows[0].count, 1);
}

/* Whoever names its owner as such, too: that one lives, so Kubernetes would leave the rights there. */
static void withdrawn_consent_takes_one_that_refers_to_its_owner(void **state)
{
    struct json_object *object = binding("builds");

    (void)state;
    json_set(object, "metadata.ownerReferences", json_build("[{uid: 'builds', kind: %s}]", KIND));
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    answer("GET " BINDING, object, ERR_NONE);
    answer("DELETE " BINDING, NULL, ERR_NONE);
    assert_string_equal(w.event, "RightsWithdrawn");
}

/* A series that begins when the first is removed would hide that one from an alert. */
static void removals_are_counted_from_0_on(void **state)
{
    (void)state;
    assert_int_equal(w.stats.removed.len, CLAIM_ORPHANED - CLAIM_GOOD);
    for (size_t i = 0; i < w.stats.removed.len; i++)
        assert_int_equal(w.stats.removed.rows[i].count, 0);
}

static void so_it_does_when_nobody_led_meanwhile(void **state)
{
    (void)state;
    shown(KIND_NAMESPACE, consent("others"));
    act();
    assert_int_equal(in_flight(), 0);
    lead();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    flight_of("DELETE " BINDING);
}

static void consent_that_came_back_in_time_keeps_it(void **state)
{
    (void)state;
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    shown(KIND_NAMESPACE, consent("ci"));
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    expect_nothing_to_do();
}

static void a_binding_of_somebody_elses_is_left_alone(void **state)
{
    (void)state;
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    answer("GET " BINDING, made("jobs", "ci.builds-runner", "ci/builds", "builds", "kubectl"), ERR_NONE);
    expect_nothing_to_do();
}

static void a_binding_that_is_gone_is_no_failure(void **state)
{
    (void)state;
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    answer("GET " BINDING, NULL, ERR_NOT_FOUND);
    expect_nothing_to_do();
    shown(KIND_ROLE_BINDING, binding("builds"));
    act();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    answer("DELETE " BINDING, NULL, ERR_NOT_FOUND);
    expect_nothing_to_do();
    assert_int_equal(w.events, 0);
}

static void what_fails_is_tried_again_later_and_later(void **state)
{
    int64_t pause = 1000;

    (void)state;
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    for (int i = 0; i < 12; i++) {
        answer("GET " BINDING, binding("builds"), ERR_NONE);
        answer("DELETE " BINDING, NULL, ERR_DENIED);
        assert_int_equal(in_flight(), 0);
        assert_in_range(w.loop.timers[0].due - w.loop.now, pause * 3 / 4, pause * 5 / 4);
        shown(KIND_ROLE_BINDING, binding("builds")); /* that the watch tells of it makes it no sooner */
        act();
        assert_int_equal(in_flight(), 0);
        pause = pause * 2 < 5 * 60 * 1000 ? pause * 2 : 5 * 60 * 1000;
        wait_for_timer();
    }
}

static void bury(const char *name)
{
    store_remove(w.ctx.store, KIND_RUNNER, "ci", name);
    garbage_note(w.garbage, KIND_RUNNER, "ci", name);
}

static void an_owner_that_is_gone_takes_the_binding_along(void **state)
{
    (void)state;
    lead();
    bury("builds");
    act();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    answer("DELETE " BINDING, NULL, ERR_NONE);
    expect_nothing_to_do();
}

/* What the store shows may be old, above all after a start. */
static void an_owner_that_only_the_watch_does_not_show_keeps_it(void **state)
{
    (void)state;
    lead();
    bury("builds");
    act();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    answer("GET " OWNER, runner("builds", "builds"), ERR_NONE);
    expect_nothing_to_do();
}

static void an_owner_that_cannot_be_read_keeps_it_for_now(void **state)
{
    (void)state;
    lead();
    bury("builds");
    act();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_RETRY);
    assert_int_equal(in_flight(), 0);
    wait_for_timer();
    flight_of("GET " BINDING);
}

static void a_successor_does_not_inherit_the_binding(void **state)
{
    (void)state;
    lead();
    shown(KIND_RUNNER, runner("builds", "another"));
    act();
    answer("GET " BINDING, binding("builds"), ERR_NONE);
    answer("GET " OWNER, runner("builds", "another"), ERR_NONE);
    flight_of("DELETE " BINDING);
}

/* Kubernetes' garbage collector knows it by its owner reference, if nobody took that out. */
static void a_child_beside_its_owner_is_left_to_kubernetes_for_a_while(void **state)
{
    (void)state;
    shown(KIND_DEPLOYMENT, made("ci", "builds-runner", "ci/builds", "builds", FIELD_MANAGER));
    store_remove(w.ctx.store, KIND_ROLE_BINDING, "jobs", "ci.builds-runner");
    bury("builds");
    lead();
    assert_int_equal(in_flight(), 0);
    assert_int_equal(w.loop.timers[0].due - w.loop.now, 30 * 1000);
    wait_for_timer();
    answer("GET " DEPLOYMENT, made("ci", "builds-runner", "ci/builds", "builds", FIELD_MANAGER), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    flight_of("DELETE " DEPLOYMENT);
}

static void so_it_is_for_good_if_it_has_its_owner_reference(void **state)
{
    struct json_object *deployment = made("ci", "builds-runner", "ci/builds", "builds", FIELD_MANAGER);

    (void)state;
    shown(KIND_DEPLOYMENT, json_ref(deployment));
    store_remove(w.ctx.store, KIND_ROLE_BINDING, "jobs", "ci.builds-runner");
    bury("builds");
    lead();
    wait_for_timer();
    json_set(deployment, "metadata.ownerReferences", json_build("[{uid: 'builds', kind: %s}]", KIND));
    answer("GET " DEPLOYMENT, deployment, ERR_NONE);
    expect_nothing_to_do();
}

static bool is_deployment_kept(void)
{
    return store_get(w.ctx.store, KIND_DEPLOYMENT, "ci", "builds-runner");
}

/* Somebody has taken our label off it, so the watch does not tell of its end. */
static void then_it_is_forgotten_if_the_watch_does_not_show_it(void **state)
{
    struct json_object *deployment = made("ci", "builds-runner", "ci/builds", "builds", FIELD_MANAGER);

    (void)state;
    shown(KIND_DEPLOYMENT, json_ref(deployment));
    bury("builds");
    lead();
    wait_for_timer();
    assert_true(is_deployment_kept());
    json_set(deployment, "metadata.ownerReferences", json_build("[{uid: 'builds', kind: %s}]", KIND));
    json_set(deployment, "metadata.labels", json_build("{}"));
    answer("GET " DEPLOYMENT, deployment, ERR_NONE);
    assert_false(is_deployment_kept());
}

static void what_is_not_there_is_forgotten(void **state)
{
    (void)state;
    shown(KIND_DEPLOYMENT, made("ci", "builds-runner", "ci/builds", "builds", FIELD_MANAGER));
    bury("builds");
    lead();
    wait_for_timer();
    answer("GET " DEPLOYMENT, NULL, ERR_NOT_FOUND);
    assert_false(is_deployment_kept());
}

static void lose_the_owner_of_a_token(void)
{
    store_remove(w.ctx.store, KIND_ROLE_BINDING, "jobs", "ci.builds-runner");
    lead();
    bury("builds");
    shown(KIND_SECRET, token_secret());
    act();
    assert_int_equal(in_flight(), 0);
    assert_int_equal(w.loop.timers[0].due - w.loop.now, 10 * 1000);
}

static void a_token_waits_for_a_successor_and_is_let_go(void **state)
{
    (void)state;
    lose_the_owner_of_a_token();
    wait_for_timer();
    answer("GET " TOKEN, token_secret(), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    answer("EVENT OrphanedRunner", NULL, ERR_RETRY); /* nobody has heard of it */
    wait_for_timer();
    answer("GET " TOKEN, token_secret(), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    answer("EVENT OrphanedRunner", NULL, ERR_NONE);
    answer("PATCH " TOKEN, NULL, ERR_RETRY);
    wait_for_timer();
    answer("GET " TOKEN, token_secret(), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    assert_string_equal(flight_of("PATCH " TOKEN)->body,
                        "{\"metadata\":{\"namespace\":\"ci\",\"name\":\"builds-runner-token\",\"uid\":"
                        "\"builds-runner-token\",\"resourceVersion\":\"2\",\"finalizers\":[\"theirs.example/x\"]}}");
    answer("PATCH " TOKEN, NULL, ERR_NONE);
    assert_int_equal(w.events, 2); /* and told once */
    assert_int_equal(w.stats.orphans.unrecorded, 1);
}

static void what_could_not_be_read_at_first_is_told_all_the_same(void **state)
{
    (void)state;
    lose_the_owner_of_a_token();
    wait_for_timer();
    answer("GET " TOKEN, NULL, ERR_DENIED);
    wait_for_timer();
    answer("GET " TOKEN, token_secret(), ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    answer("EVENT OrphanedRunner", NULL, ERR_DENIED);
    answer("PATCH " TOKEN, NULL, ERR_NONE);
}

/* The runner that may be left behind is named as far as the Secret names it; a user's own runner is nobody's loss. */
static void a_lost_runner_is_named(void **state)
{
    static const struct {
        const char *id, *url, *authentication, *end; /* of the note; NULL: no Event */
    } rows[] = {
        {"7", "https://x", "AccessToken", ": runner 7 may have been left behind at https://x; delete it there"},
        {NULL, NULL, NULL, ": runner ? may have been left behind at GitLab; delete it there"},
        {"7", "https://x", "RunnerToken", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_object *secret = token_secret(), *annotations = json_get(secret, "metadata.annotations");
        json_put_member(annotations, ANNOTATION_RUNNER_ID, rows[i].id);
        json_put_member(annotations, ANNOTATION_URL, rows[i].url);
        json_put_member(annotations, ANNOTATION_AUTHENTICATION, rows[i].authentication);
        lose_the_owner_of_a_token();
        shown(KIND_SECRET, secret);
        wait_for_timer();
        answer("GET " TOKEN, json_ref(secret), ERR_NONE);
        answer("GET " OWNER, NULL, ERR_NOT_FOUND);
        if (rows[i].end)
            answer("EVENT OrphanedRunner", NULL, ERR_NONE);
        answer("PATCH " TOKEN, NULL, ERR_NONE);
        assert_int_equal(w.events, rows[i].end != NULL);
        if (rows[i].end)
            assert_non_null(strstr(w.note, rows[i].end));
        if (i + 1 < ARRAY_LEN(rows)) {
            tear_down(state);
            set_up(state);
        }
    }
}

/* Whoever has put it back is its author, by managedFields; the finalizer is ours, and nobody else takes it off. */
static void a_token_from_a_backup_is_let_go(void **state)
{
    struct json_object *secret = token_secret();

    (void)state;
    json_set(secret, "metadata.managedFields", json_build("[{manager: 'velero-server', operation: 'Update'}]"));
    lose_the_owner_of_a_token();
    wait_for_timer();
    answer("GET " TOKEN, secret, ERR_NONE);
    answer("GET " OWNER, NULL, ERR_NOT_FOUND);
    answer("EVENT OrphanedRunner", NULL, ERR_NONE);
    answer("PATCH " TOKEN, NULL, ERR_NONE);
    expect_nothing_to_do();
}

static void a_successor_has_the_token(void **state)
{
    (void)state;
    lose_the_owner_of_a_token();
    shown(KIND_RUNNER, runner("builds", "another"));
    wait_for_timer();
    expect_nothing_to_do();
}

static void few_are_at_work_at_a_time(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof(name), "r%d", i);
        shown(KIND_RUNNER, runner(name, name));
        shown(KIND_ROLE_BINDING, binding(name));
    }
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    assert_int_equal(in_flight(), 8);
    act();
    assert_int_equal(in_flight(), 8);
    answer("GET", NULL, ERR_NOT_FOUND);
    assert_int_equal(in_flight(), 8);
}

static void who_leads_no_longer_does_nothing(void **state)
{
    (void)state;
    lead();
    shown(KIND_NAMESPACE, consent(NULL));
    act();
    assert_int_equal(in_flight(), 1);
    w.term = 0;
    expect_nothing_to_do();
    shown(KIND_NAMESPACE, consent(""));
    expect_nothing_to_do();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_as_it_should_be_is_left_alone),
        TEST(withdrawn_consent_takes_the_binding),
        TEST(withdrawn_consent_takes_one_that_refers_to_its_owner),
        TEST(removals_are_counted_from_0_on),
        TEST(so_it_does_when_nobody_led_meanwhile),
        TEST(consent_that_came_back_in_time_keeps_it),
        TEST(a_binding_of_somebody_elses_is_left_alone),
        TEST(a_binding_that_is_gone_is_no_failure),
        TEST(what_fails_is_tried_again_later_and_later),
        TEST(an_owner_that_is_gone_takes_the_binding_along),
        TEST(an_owner_that_only_the_watch_does_not_show_keeps_it),
        TEST(an_owner_that_cannot_be_read_keeps_it_for_now),
        TEST(a_successor_does_not_inherit_the_binding),
        TEST(a_child_beside_its_owner_is_left_to_kubernetes_for_a_while),
        TEST(so_it_is_for_good_if_it_has_its_owner_reference),
        TEST(then_it_is_forgotten_if_the_watch_does_not_show_it),
        TEST(what_is_not_there_is_forgotten),
        TEST(a_token_waits_for_a_successor_and_is_let_go),
        TEST(what_could_not_be_read_at_first_is_told_all_the_same),
        TEST(a_lost_runner_is_named),
        TEST(a_token_from_a_backup_is_let_go),
        TEST(a_successor_has_the_token),
        TEST(few_are_at_work_at_a_time),
        TEST(who_leads_no_longer_does_nothing),
    };

    return cmocka_run_group_tests_name("garbage", tests, NULL, NULL);
}
