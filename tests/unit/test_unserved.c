/* What runners are told that there is no room for: once, a few at a time, by the leader. */
#include "golden.h"

#include "base/mem.h"
#include "kube/event.h"
#include "kube/lease.h"
#include "net/loop.h"
#include "runner/status.h"
#include "operator/records.h"
#include "operator/unserved.h"

static struct world {
    struct context ctx;
    struct unserved unserved;
    struct stats stats;
    struct arena mem;
    struct json_object *written[2 * UNSERVED_WRITES]; /* the patches of statuses */
    kube_done_fn *done;
    void *args[2 * UNSERVED_WRITES];
    size_t writes, events, cancelled;
    bool leading;
    int64_t now_ms;
    struct event event; /* the last one */
} w;

/* In the place of the API server, and of the Lease. */

uint64_t kube_apply(struct kube_client *client, const struct kube_resource *r, const char *subresource,
                    struct json_object *manifest, const char *manager, kube_done_fn *done, void *arg)
{
    (void)client;
    assert_string_equal(r->plural, "gitlabrunners");
    assert_string_equal(subresource, "status");
    assert_string_equal(manager, "gitlab-runner-controller");
    assert_true(r->metadata_only);
    w.done = done;
    w.args[w.writes] = arg;
    w.written[w.writes++] = arena_json(&w.mem, json_copy(manifest));
    return 100 + w.writes;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    assert_in_range(id, 101, 100 + w.writes);
    w.cancelled++;
}

uint64_t event_send(struct kube_client *client, const struct event *event, const char *controller, const char *instance,
                    kube_done_fn *done, void *arg)
{
    (void)client, (void)controller, (void)instance, (void)done, (void)arg;
    w.event = *event;
    w.events++;
    return 1;
}

int64_t loop_now(const struct loop *loop)
{
    (void)loop;
    return w.now_ms;
}

bool lease_is_leading(const struct lease *lease)
{
    (void)lease;
    return w.leading;
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.leading = true};
    w.ctx =
        (struct context){.loop = loop_create(), .store = kinds_store_create(), .stats = &w.stats, .lease = (void *)&w};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unserved_finish(&w.unserved, &w.ctx);
    store_destroy(w.ctx.store);
    loop_destroy(w.ctx.loop);
    arena_finish(&w.mem);
    return 0;
}

/* A runner that is left out: its status, and whether it is being deleted. */
static void left_out_so(const char *name, struct json_object *status, bool deleted)
{
    struct json_object *object = arena_json(
        &w.mem, json_build("{metadata: {namespace: 'ci', name: %s, uid: 'u', resourceVersion: '7', generation: 3, "
                           "deletionTimestamp: %s}, spec: {url: 'https://gitlab.test'}, status: %o}",
                           name, deleted ? "2026-01-02T03:04:05Z" : NULL, status));
    const struct record record = kind_record(KIND_RUNNER, object, w.ctx.store, &w.mem);

    unserved_left_out(&w.unserved, &w.ctx, &record);
}

static void left_out(const char *name)
{
    left_out_so(name, NULL, false);
}

static void answer(size_t i)
{
    w.done(w.args[i], &(struct kube_reply){.object = NULL});
}

static void it_stalls_for_that_reason_and_keeps_what_was_registered(void **state)
{
    (void)state;
    left_out_so("a",
                json_build("{observedGeneration: 2, runnerId: 12, url: 'https://gitlab.test', conditions: [{type: "
                           "Ready, status: 'True', reason: Ready, message: m, lastTransitionTime: "
                           "'2026-01-01T00:00:00Z', observedGeneration: 2}]}"),
                false);
    assert_int_equal(w.writes, 1);
    assert_int_equal(w.events, 1);
    assert_string_equal(w.event.reason, "NamespaceOverShare");
    assert_true(w.event.warning);
    assert_string_equal(json_str(w.written[0], "metadata.uid"), "u");
    assert_string_equal(json_str(w.written[0], "metadata.resourceVersion"), "7");
    struct json_object *status = json_get(w.written[0], "status");
    assert_int_equal(json_int_or(status, "observedGeneration", 0), 3);
    assert_int_equal(json_int_or(status, "runnerId", 0), 12);
    assert_string_equal(condition_get(status, "Ready", "status"), "False");
    assert_string_equal(condition_get(status, "Ready", "reason"), "NamespaceOverShare");
    assert_non_null(strstr(condition_get(status, "Ready", "message"), "make others smaller, or delete some"));
    assert_string_equal(condition_get(status, "Stalled", "status"), "True");
    assert_string_not_equal(condition_get(status, "Ready", "lastTransitionTime"), "2026-01-01T00:00:00Z");
}

static void it_is_told_once(void **state)
{
    (void)state;
    left_out("a");
    answer(0);
    left_out_so("a", json_ref(json_get(w.written[0], "status")), false); /* the watch shows what was written */
    assert_int_equal(w.writes, 1);
    assert_int_equal(w.events, 1);
}

static void an_end_has_times_that_stay(void **state)
{
    (void)state;
    left_out_so("a", NULL, true);
    assert_int_equal(w.writes + w.events, 0);
}

static void many_are_told_a_few_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNSERVED_WRITES; i++)
        left_out("a");
    assert_int_equal(w.writes, UNSERVED_WRITES);
    assert_int_equal(w.events, 1); /* in half a second */
    assert_false(unserved_skipped(&w.unserved, &w.ctx));
    left_out("b");
    assert_int_equal(w.writes, UNSERVED_WRITES);
    answer(2);
    assert_true(unserved_skipped(&w.unserved, &w.ctx));
    assert_false(unserved_skipped(&w.unserved, &w.ctx)); /* once */
    left_out("b");
    assert_int_equal(w.writes, UNSERVED_WRITES + 1);
    unserved_finish(&w.unserved, &w.ctx);
    assert_int_equal(w.cancelled, UNSERVED_WRITES);
    w.unserved = (struct unserved){0};
}

/* What came to nothing for another reason than that there is a newer version is told again. */
static void what_could_not_be_told_is_told_again(void **state)
{
    static const struct {
        enum err_kind kind;
        bool again;
    } ends[] = {{ERR_NONE, false}, {ERR_CONFLICT, false}, {ERR_NOT_FOUND, false},
                {ERR_RETRY, true}, {ERR_DENIED, true},    {ERR_INVALID, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char name[16];
        snprintf(name, sizeof(name), "r%zu", i);
        left_out(name);
        const struct kube_reply reply = {.err = {.kind = ends[i].kind}};
        w.done(w.args[i], &reply);
        assert_int_equal(unserved_skipped(&w.unserved, &w.ctx), ends[i].again);
    }
}

static void whoever_does_not_lead_writes_nothing_until_it_does(void **state)
{
    (void)state;
    w.leading = false;
    left_out("a");
    assert_int_equal(w.writes + w.events, 0);
    assert_false(unserved_skipped(&w.unserved, &w.ctx));
    w.leading = true;
    assert_true(unserved_skipped(&w.unserved, &w.ctx));
}

static void events_of_many_have_half_a_second_between_them(void **state)
{
    static const struct {
        int64_t at_ms;
        size_t events;
    } rows[] = {{0, 1}, {499, 1}, {500, 2}, {999, 2}, {1000, 3}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w.now_ms = rows[i].at_ms;
        left_out("a");
        assert_int_equal(w.events, rows[i].events);
    }
}

/* Of an object that is too large its owner hears by an Event, every ten seconds of one; but not of a runner, which has
 * a status, nor where there is no namespace for it. */
static void what_is_too_large_is_told(void **state)
{
    static const struct {
        enum kind kind;
        int64_t at_ms;
        size_t events;
    } rows[] = {{KIND_SECRET, 0, 1},         {KIND_SECRET, 9999, 1},     {KIND_CONFIG_MAP, 10000, 2},
                {KIND_RUNNER, 20000, 2},     {KIND_SECRET, 29999, 2},    {KIND_NAMESPACE, 30000, 2},
                {KIND_DEPLOYMENT, 40000, 3}, {KIND_DEPLOYMENT, 45000, 3}};
    const struct record seen = {.ns = "ci", .name = "large", .uid = "u-1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w.now_ms = rows[i].at_ms;
        unserved_too_large(&w.unserved, &w.ctx, rows[i].kind, &seen, "3000 KiB of JSON");
        assert_int_equal(w.events, rows[i].events);
    }
    assert_string_equal(w.event.reason, "TooLarge");
    assert_string_equal(w.event.note, "3000 KiB of JSON");
    assert_string_equal(w.event.regarding.kind, "Deployment");
    assert_string_equal(w.event.regarding.name, "large");
    assert_string_equal(w.event.regarding.uid, "u-1");
    w.now_ms = 50000;
    w.leading = false;
    unserved_too_large(&w.unserved, &w.ctx, KIND_SECRET, &seen, "3000 KiB of JSON");
    assert_int_equal(w.events, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_stalls_for_that_reason_and_keeps_what_was_registered),
        TEST(it_is_told_once),
        TEST(an_end_has_times_that_stay),
        TEST(many_are_told_a_few_at_a_time),
        TEST(what_could_not_be_told_is_told_again),
        TEST(whoever_does_not_lead_writes_nothing_until_it_does),
        TEST(events_of_many_have_half_a_second_between_them),
        TEST(what_is_too_large_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
