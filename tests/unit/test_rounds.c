/* Reading many objects round and round, with an API server and a clock that are a few lines of this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fake_loop.h"
#include "base/arena.h"
#include "base/mem.h"
#include "kube/rounds.h"

struct request {
    char path[200];
    kube_done_fn *done; /* NULL: answered or cancelled */
    void *arg;
};

/* The world, and what was seen of the rounds. */
static struct {
    struct loop loop;
    struct request requests[5000];
    size_t asked, answered, cancelled;
    char told[100];    /* the last that was told                                 */
    const char *known; /* what known() says of all; NULL: nobody wants to know   */
} world;

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    assert_null(subresource);
    return arena_printf(a, "%s/%s/%s", r->plural, ns, name);
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    struct request *r = &world.requests[world.asked++];

    (void)client;
    assert_in_range(world.asked, 1, 4999);
    assert_string_equal(request->method, "GET");
    assert_non_null(strstr(request->accept, "PartialObjectMetadata"));
    snprintf(r->path, sizeof(r->path), "%s", request->path);
    r->done = request->done;
    r->arg = request->arg;
    return world.asked;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    assert_non_null(world.requests[id - 1].done);
    world.requests[id - 1].done = NULL;
    world.cancelled++;
}

static const char *known(void *arg, const char *ns, const char *name)
{
    (void)arg;
    (void)ns;
    (void)name;
    return world.known;
}

static void told(void *arg, const char *ns, const char *name, const char *was, const struct kube_reply *reply)
{
    (void)arg;
    snprintf(world.told, sizeof(world.told), "%s/%s %s %d", ns, name, was, reply->err.kind);
}

static struct rounds *begun(void)
{
    static const struct kube_resource secrets = {.kind = "Secret", .plural = "secrets", .namespaced = true};
    static const struct rounds_handler handler = {known, told, NULL};

    memset(&world, 0, sizeof(world));
    world.known = "uid";
    return rounds_create(&world.loop, NULL, &secrets, &handler);
}

static void answer(size_t i, enum err_kind kind)
{
    const struct kube_reply reply = {.err = {.kind = kind}};
    struct request *r = &world.requests[i];
    kube_done_fn *done = r->done;

    r->done = NULL;
    world.answered++;
    done(r->arg, &reply);
}

/* Lets the time pass; what is asked is answered at once. */
static void pass(int64_t ms, bool answers)
{
    int64_t end = world.loop.now + ms;

    while (world.loop.timers[0].due >= 0 && world.loop.timers[0].due <= end) {
        world.loop.now = world.loop.timers[0].due > world.loop.now ? world.loop.timers[0].due : world.loop.now;
        fake_fire(world.loop.timers);
        while (answers && world.answered < world.asked)
            answer(world.answered, ERR_NONE);
    }
    world.loop.now = end;
}

static void an_object_is_read_round_and_round(void **state)
{
    struct rounds *r = begun();

    (void)state;
    rounds_add(r, "ci", "gitlab");
    rounds_add(r, "ci", "gitlab");
    pass(ROUND_MS / 2 - 1, true);
    assert_int_equal(world.asked, 0);
    pass(ROUND_MS / 2 + 1, true);
    assert_int_equal(world.asked, 1);
    assert_string_equal(world.requests[0].path, "secrets/ci/gitlab");
    assert_string_equal(world.told, "ci/gitlab uid 0");
    pass(10 * ROUND_MS, true);
    assert_in_range(world.asked, 8, 14);
    rounds_destroy(r);
}

static void what_fails_is_told_and_read_again(void **state)
{
    struct rounds *r = begun();

    (void)state;
    rounds_add(r, "ci", "gitlab");
    world.known = "";
    pass(ROUND_MS, false);
    answer(0, ERR_NOT_FOUND);
    assert_string_equal(world.told, "ci/gitlab  3");
    pass(2 * ROUND_MS, false);
    assert_int_equal(world.asked, 2);
    rounds_destroy(r);
}

static void what_nobody_wants_to_know_is_forgotten(void **state)
{
    struct rounds *r = begun();

    (void)state;
    rounds_add(r, "ci", "gitlab");
    world.known = NULL;
    pass(2 * ROUND_MS, true);
    world.known = "uid";
    pass(10 * ROUND_MS, true);
    assert_int_equal(world.asked, 0);
    rounds_add(r, "ci", "gitlab");
    pass(ROUND_MS, true);
    assert_int_equal(world.asked, 1);
    rounds_destroy(r);
}

static void add_many(struct rounds *r, const char *ns, int len)
{
    char name[40];

    for (int i = 0; i < len; i++) {
        snprintf(name, sizeof(name), "secret-%d", i);
        rounds_add(r, ns, name);
    }
}

static void all_together_have_a_rate(void **state)
{
    struct rounds *r = begun();

    (void)state;
    add_many(r, "ci", 5000);
    pass(ROUND_MS, true);
    size_t asked = world.asked;
    pass(10 * 1000, true);
    assert_in_range(world.asked - asked, 10 * ROUND_RATE - 5, 10 * ROUND_RATE + 1);
    rounds_destroy(r);
}

/* Of one with thousands and one with a single object, the single one is read all the same. */
static void namespaces_take_turns(void **state)
{
    struct rounds *r = begun();
    bool found = false;

    (void)state;
    add_many(r, "many", 5000);
    rounds_add(r, "few", "gitlab");
    world.loop.now = ROUND_MS; /* nothing was read until all are due */
    pass(100, true);
    for (size_t i = 0; i < world.asked; i++)
        found |= strcmp(world.requests[i].path, "secrets/few/gitlab") == 0;
    assert_true(found);
    rounds_destroy(r);
}

static void few_are_in_flight(void **state)
{
    struct rounds *r = begun();

    (void)state;
    add_many(r, "ci", 100);
    pass(3 * ROUND_MS, false);
    assert_int_equal(world.asked, 8);
    answer(3, ERR_RETRY);
    pass(1000, false);
    assert_int_equal(world.asked, 9);
    rounds_destroy(r);
    assert_int_equal(world.cancelled, 8);
    rounds_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_read_round_and_round),
        cmocka_unit_test(what_fails_is_told_and_read_again),
        cmocka_unit_test(what_nobody_wants_to_know_is_forgotten),
        cmocka_unit_test(all_together_have_a_rate),
        cmocka_unit_test(namespaces_take_turns),
        cmocka_unit_test(few_are_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
