/* What a GitLabRunner counts for in its namespace's share is what it takes with all that belongs to it, or else the
 * budget of what is kept would be no bound. One that has failed, and waits for GitLab, takes a little more. */
#include "golden.h"

#include "base/digest.h"
#include "base/mem.h"
#include "operator/errand.h"
#include "kube/queue.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "operator/price.h"
#include "runner/names.h"

/* Of ASan: what is allocated now, as it was asked for. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

#define TOKEN "glpat-0123456789abcdefghijklmnopqrstuvwxyz0123456789"
#define URL   "http://127.0.0.1:1"
#define HASH  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { RUNNERS = 300, NS_MAX = 63, NAME_MAX_LEN = 200, MESSAGE_LEN = 399, FAILING_PERCENT = 150 };

static struct world {
    struct loop *loop;
    struct http *http;
    struct context ctx;
    struct errands errands;
    struct states states;
    struct stats stats;
    struct queue *queue;
    char ns[NS_MAX + 1], name[NAME_MAX_LEN + 1], message[MESSAGE_LEN + 1];
} w;

static void on_wake(void *arg, const char *key, bool begun, const char *cause)
{
    (void)arg, (void)key, (void)begun, (void)cause;
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.loop = loop_create(), .queue = queue_create()};
    w.http = http_create(w.loop, "tester/1");
    stats_init(&w.stats);
    list_init(&w.errands.all);
    w.errands.wake = on_wake;
    w.ctx = (struct context){
        .loop = w.loop,
        .gitlab =
            gitlab_create(w.loop, w.http, &(struct gitlab_settings){.concurrency = 1, .policy.allow_loopback = true}),
        .store = kinds_store_create(),
        .errands = &w.errands,
        .stats = &w.stats,
    };
    srand(7);
    for (size_t i = 0; i < MESSAGE_LEN; i++)
        w.message[i] = (char)('a' + rand() % 26);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    errands_end(&w.errands, true);
    queue_destroy(w.queue);
    states_finish(&w.states);
    gitlab_destroy(w.ctx.gitlab);
    store_destroy(w.ctx.store);
    http_destroy(w.http);
    loop_destroy(w.loop);
    return 0;
}

static void fill(char *text, size_t len, size_t number)
{
    snprintf(text, len + 1, "%0*zu", (int)len, number);
}

/* As the status of one that GitLab refuses. */
static struct json_object *failing_status(void)
{
    return json_build("{observedGeneration: 1, conditions: [{type: Ready, status: 'False', reason: RejectedByGitLab, "
                      "message: %s, lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1}, {type: "
                      "Stalled, status: 'True', reason: RejectedByGitLab, message: %s, lastTransitionTime: "
                      "'2026-01-01T00:00:00Z', observedGeneration: 1}]}",
                      w.message, w.message);
}

static struct record keep_object(enum kind kind, struct json_object *object, struct arena *a)
{
    const struct record record = kind_record(kind, object, w.ctx.store, a);

    assert_true(context_keep(&w.ctx, kind, object, &record, false));
    return record;
}

static struct record keep_runner(const char *key, struct arena *a)
{
    struct json_object *object = arena_json(
        a,
        json_build("{metadata: {namespace: %s, name: %s, uid: %s, resourceVersion: '123456789', generation: 1, "
                   "finalizers: [%s]}, spec: {url: %s, authentication: {accessTokenSecretRef: {name: %s}}, "
                   "scope: {type: Instance}}, status: %o}",
                   w.ns, w.name, arena_printf(a, "%.8s-0000-4f9d-9d33-1d6bb7b2a111", digest_short(key, strlen(key), a)),
                   FINALIZER, URL, w.name, failing_status()));

    return keep_object(KIND_RUNNER, object, a);
}

/* all: also those that not every runner has. */
static void keep_children(const struct record *runner, const char *key, bool all, struct arena *a)
{
    static const unsigned usual = 1u << CHILD_TOKEN_SECRET | 1u << CHILD_CONFIG_SECRET | 1u << CHILD_SERVICE_ACCOUNT |
                                  1u << CHILD_ROLE_BINDING | 1u << CHILD_DEPLOYMENT;
    const struct owner owner = {.ns = runner->ns, .name = runner->name, .uid = runner->uid};

    for (enum child child = 0; child < CHILD_COUNT; child++) {
        if (!all && !(usual >> child & 1))
            continue;
        struct json_object *object = arena_json(
            a, json_build("{metadata: {namespace: %s, name: %s, uid: '0e8fb1c0-2a70-4f9d-9d33-1d6bb7b2a111', "
                          "resourceVersion: '123456789', annotations: {}}}",
                          owner.ns, child_name(child, &owner, a)));
        struct json_object *annotations = json_get(object, "metadata.annotations");
        json_put_member(annotations, ANNOTATION_OWNER, key);
        json_put_member(annotations, ANNOTATION_OWNER_UID, owner.uid);
        json_put_member(annotations, ANNOTATION_APPLIED_HASH, HASH);
        json_put_member(annotations, ANNOTATION_INPUTS, HASH);
        keep_object(kind_of_child(child), object, a);
    }
}

/* Both halves of the work have failed, and what GitLab has said was long. */
static struct state *fail_twice(const char *key)
{
    struct state *state = states_get(&w.states, key);
    struct err err;

    err_set(&err, ERR_RETRY, "ServerError", "%s", w.message);
    memory_note_gitlab(&state->memory, &err);
    memory_fail(&state->memory, "registered", &err, 0, 0);
    memory_fail(&state->memory, "manager", &err, 0, 0);
    return state;
}

static void stand_in_line(const struct record *runner, struct state *state)
{
    struct turn *turn = turn_create(&w.ctx, runner, state, "test");
    const struct gitlab_request call = {.op = GITLAB_OP_SHOW, .url = URL, .token = TOKEN, .runner_id = 1, .ns = w.ns};

    for (size_t i = 0; i < READ_COUNT; i++)
        turn->observed.values[i] =
            (struct observed_value){.lookup = LOOKUP_FOUND, .value = TOKEN, .version = "123456789"};
    turn->asked = (struct action){.kind = ACT_GITLAB, .rule = "registered", .gitlab = {.url = URL}};
    turn->work.state = WORK_WAITING; /* as in its step */
    errand_ask(turn, &call);
    assert_int_equal(turn->work.state, WORK_PARKED);
    turn_destroy(turn);
}

static void add_runner(size_t number, size_t name_len, bool all, bool fails)
{
    cleanup_arena struct arena a = {0};

    fill(w.name, name_len, number);
    const char *key = arena_printf(&a, KIND "/%s/%s", w.ns, w.name);
    const struct record runner = keep_runner(key, &a);
    struct observed o = {.owner.uid = runner.uid, .generation = 1};
    keep_children(&runner, key, all, &a);
    state_observe(states_get(&w.states, key), &o, &a);
    queue_add_at(w.queue, key, 1000000 + (int64_t)number, "a retry is due");
    if (fails)
        stand_in_line(&runner, fail_twice(key));
}

static void takes_at_most(size_t ns_len, size_t name_len, bool all, bool fails, size_t percent_of_its_price)
{
    if (!__sanitizer_get_current_allocated_bytes)
        skip();
    fill(w.ns, ns_len, 1);
    add_runner(0, name_len, all, fails); /* what there is once is not counted */
    size_t bytes = __sanitizer_get_current_allocated_bytes(), share = shares_held(store_shares(w.ctx.store), w.ns);
    for (size_t i = 1; i <= RUNNERS; i++)
        add_runner(i, name_len, all, fails);
    bytes = (__sanitizer_get_current_allocated_bytes() - bytes) / RUNNERS;
    share = (shares_held(store_shares(w.ctx.store), w.ns) - share) / RUNNERS;
    print_message("it takes %zu bytes, and counts for %zu\n", bytes, share);
    assert_in_range(bytes, share / 2, share * percent_of_its_price / 100);
}

static void one_that_is_well_takes_what_it_counts_for(void **state)
{
    (void)state;
    takes_at_most(2, 5, false, false, 100);
}

static void so_does_one_of_the_longest_name(void **state)
{
    (void)state;
    takes_at_most(NS_MAX, NAME_MAX_LEN, false, false, 100);
}

static void one_that_fails_and_waits_takes_a_little_more(void **state)
{
    (void)state;
    takes_at_most(2, 5, false, true, FAILING_PERCENT);
}

static void however_long_its_name_is(void **state)
{
    (void)state;
    takes_at_most(NS_MAX, NAME_MAX_LEN, false, true, FAILING_PERCENT);
}

static void what_not_every_runner_has_counts_in_full(void **state)
{
    (void)state;
    takes_at_most(2, 5, true, false, 100);
}

/* Whichever is long. */
static void each_text_of_a_record_counts(void **state)
{
    static const size_t texts[] = {offsetof(struct record, name), offsetof(struct record, uid),
                                   offsetof(struct record, version), offsetof(struct record, owner_uid)};
    const struct record usual = {"ci", "n", "u", "1", "", "", NULL, 0};
    cleanup_arena struct arena a = {0};
    unsigned price = price_of(KIND_CONFIG_MAP, &usual, w.ctx.store, &a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct record record = usual;
        char text[100];
        fill(text, sizeof(text) - 1, 0);
        *(const char **)((char *)&record + texts[i]) = text;
        assert_in_range(price_of(KIND_CONFIG_MAP, &record, w.ctx.store, &a) - price, 98, 100);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_well_takes_what_it_counts_for),    TEST(so_does_one_of_the_longest_name),
        TEST(one_that_fails_and_waits_takes_a_little_more), TEST(however_long_its_name_is),
        TEST(what_not_every_runner_has_counts_in_full),     TEST(each_text_of_a_record_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
