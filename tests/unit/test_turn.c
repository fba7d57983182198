/* What answers teach the store, whichever comes first: an answer, or what the watch tells. */
#include "golden.h"

#include "operator/records.h"
#include "operator/turn.h"
#include "runner/status.h"

static int setup(void **state)
{
    static struct context ctx;
    static struct list echoes;

    list_init(&echoes);
    ctx = (struct context){.store = kinds_store_create(), .echoes = &echoes};
    *state = &ctx;
    return 0;
}

static int teardown(void **state)
{
    store_destroy(((struct context *)*state)->store);
    return 0;
}

typedef void learn_fn(const struct context *ctx, enum kind kind, struct json_object *object);

static void learn_by(learn_fn *how, struct context *ctx, const char *version, const char *from, bool deleted)
{
    cleanup_json struct json_object *object = json_build("{metadata: {name: 'jobs', uid: 'u', resourceVersion: %s, "
                                                         "annotations: {'gitlab-runners.dev/allowed-from': %s}, "
                                                         "deletionTimestamp: %s}}",
                                                         version, from, deleted ? "2026-01-02T03:04:05Z" : NULL);

    how(ctx, KIND_NAMESPACE, object);
}

static void learn(struct context *ctx, const char *version, const char *from, bool deleted)
{
    learn_by(context_learn_written, ctx, version, from, deleted);
}

/* The watch has told everything up to this version, by an event or a bookmark. */
static void reach(struct context *ctx, const char *version)
{
    store_reach(ctx->store, KIND_NAMESPACE, "", version);
}

static const struct record *known(struct context *ctx)
{
    return store_get(ctx->store, KIND_NAMESPACE, "", "jobs");
}

static void learns_what_is_newer(void **state)
{
    learn(*state, "9", "a", false);
    learn(*state, "10", "b", false);
    assert_string_equal(known(*state)->version, "10");
    assert_string_equal(kept_namespace(known(*state))->allowed_from, "b");
}

static void ignore(void *arg, struct json_object *object)
{
    (void)arg;
    (void)object;
}

/* The watch has come as far as the answer, but what it told of the object is held (echo.h). */
static void learns_what_was_told_and_held(void **state)
{
    struct context *ctx = *state;
    struct echo echo = {.held = NULL};
    cleanup_json struct json_object *object = json_build("{metadata: {name: 'jobs', resourceVersion: '9'}}");

    list_init(&echo.among);
    echo_expect(&echo, ctx->echoes, KIND_NAMESPACE, "", "jobs", 0);
    assert_true(echo_hold(ctx->echoes, KIND_NAMESPACE, object, ignore, NULL));
    reach(ctx, "9");
    learn(ctx, "9", "a", false);
    assert_string_equal(known(ctx)->version, "9");
    echo_end(&echo);
}

/* The watch may tell of a change before the answer to an earlier request is here. */
static void does_not_go_back_to_what_was_before(void **state)
{
    static learn_fn *const ways[] = {context_learn_written, context_learn_read};

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        learn(*state, "10", "b", false);
        learn_by(ways[i], *state, "9", "a", false);
        assert_string_equal(known(*state)->version, "10");
    }
}

/* … even of the end of what was just written: nobody would tell of its end once more. */
static void is_not_told_of_what_the_watch_has_seen_the_end_of(void **state)
{
    reach(*state, "11");
    learn(*state, "10", "a", false);
    assert_null(known(*state));
    learn(*state, "11", "a", false);
    assert_null(known(*state));
    learn(*state, "12", "a", false);
    assert_string_equal(known(*state)->version, "12");
}

/* What is kept of a child depends on its owner, too: an owner that was seen later than its child may judge it anew. */
static void what_is_known_already_is_kept_anew(void **state)
{
    learn(*state, "10", "a", false);
    reach(*state, "11");
    learn(*state, "10", "b", false);
    assert_string_equal(kept_namespace(known(*state))->allowed_from, "b");
}

/* An object may lose the label by which its watch knows it. That is no reason to make it again and again. */
static void what_was_read_is_there(void **state)
{
    reach(*state, "11");
    learn_by(context_learn_read, *state, "10", "a", false);
    assert_string_equal(known(*state)->version, "10");
}

static void forgets_what_is_gone(void **state)
{
    learn(*state, "9", "a", false);
    learn(*state, "10", "a", true);
    assert_null(known(*state));
}

/* When the last finalizer goes the object does, and the answer is the object as it was before, without finalizers. */
static void forgets_what_was_let_go(void **state)
{
    learn(*state, "10", "a", false);
    reach(*state, "12");
    learn(*state, "10", "a", true);
    assert_null(known(*state));
}

/* What a turn has read: "u" was known when it asked, or nothing was. */
static void was_read(struct context *ctx, const char *known_uid, const char *version)
{
    const struct prior prior = {.uid = known_uid};
    cleanup_json struct json_object *object =
        json_build("{metadata: {name: 'jobs', uid: 'u', resourceVersion: %s}}", version);

    if (version)
        context_learn_presence(ctx, &prior, KIND_NAMESPACE, object);
    else
        context_learn_absence(ctx, &prior, KIND_NAMESPACE, "", "jobs");
}

static void the_watch_may_tell_of_an_end_while_the_object_is_read(void **state)
{
    was_read(*state, "u", "9");
    assert_null(known(*state));
    was_read(*state, NULL, "9"); /* it was not known */
    assert_non_null(known(*state));
    was_read(*state, "u", "10");
    assert_string_equal(known(*state)->version, "10");
}

static void the_watch_may_tell_of_a_successor_while_nothing_is_found(void **state)
{
    learn(*state, "9", "a", false);
    was_read(*state, "former", NULL);
    assert_non_null(known(*state));
    was_read(*state, NULL, NULL);
    assert_non_null(known(*state));
    was_read(*state, "u", NULL);
    assert_null(known(*state));
    was_read(*state, "u", NULL);
}

static void an_answer_may_be_empty(void **state)
{
    context_learn_written(*state, KIND_NAMESPACE, NULL);
    context_learn_read(*state, KIND_NAMESPACE, NULL);
    assert_null(known(*state));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What there is no room for */

static void keep(struct context *ctx, enum kind kind, const char *name, size_t filler, bool expected)
{
    cleanup_arena struct arena a = {0};
    char *text = arena_alloc(&a, filler + 1);

    srand(7);
    for (size_t i = 0; i < filler; i++)
        text[i] = (char)('a' + rand() % 26);
    struct json_object *object = arena_json(
        &a, json_build("{metadata: {namespace: 'ci', name: %s, uid: %s, resourceVersion: '1', generation: 1}, spec: "
                       "{x: %s, authentication: {accessTokenSecretRef: {name: 'gitlab'}}}}",
                       name, name, text));
    const struct record record = kind_record(kind, object, ctx->store, &a);
    assert_int_equal(context_keep(ctx, kind, object, &record, false), expected);
}

static void what_there_is_no_room_for_is_not_taken_for_gone(void **state)
{
    struct context *ctx = *state;

    store_reach(ctx->store, KIND_SECRET, "", "9");
    keep(ctx, KIND_RUNNER, "one", 10, true);
    shares_set_budget(store_shares(ctx->store), shares_held(store_shares(ctx->store), "ci") + 100);
    keep(ctx, KIND_SECRET, "gitlab", 10, false); /* it would need more than the 100 bytes that are left */
    assert_null(store_get(ctx->store, KIND_SECRET, "ci", "gitlab"));
    assert_false(store_knows(ctx->store, KIND_SECRET, "ci", "gitlab"));
    keep(ctx, KIND_RUNNER, "two", 10, false);
    assert_int_equal(shares_left_out(store_shares(ctx->store), "ci"), 0); /* it was never known: the watch counts it */
    keep(ctx, KIND_RUNNER, "one", 9000, false);
    assert_null(store_get(ctx->store, KIND_RUNNER, "ci", "one"));
    assert_int_equal(shares_left_out(store_shares(ctx->store), "ci"), 1);
    assert_false(store_knows(ctx->store, KIND_RUNNER, "ci", "one"));
}

static void note_evicted(void *arg, const struct record *runner)
{
    struct context *ctx = arg;

    shares_leave_out(store_shares(ctx->store), runner->ns);
}

/* A child of the runner ci/one, longer than what is free. */
static void keep_child(struct context *ctx, const char *ns, const char *name, bool expected)
{
    cleanup_arena struct arena a = {0};
    char hash[1000];

    snprintf(hash, sizeof(hash), "%0999d", 0);
    struct json_object *object = arena_json(
        &a, json_build("{metadata: {namespace: %s, name: %s, uid: 'c', resourceVersion: '2', annotations: "
                       "{'gitlab-runners.dev/owner': 'GitLabRunner/ci/one', 'gitlab-runners.dev/owner-uid': 'one', "
                       "'gitlab-runners.dev/applied-hash': %s}}}",
                       ns, name, hash));
    const struct record record = kind_record(KIND_SECRET, object, ctx->store, &a);
    assert_int_equal(context_keep(ctx, KIND_SECRET, object, &record, false), expected);
}

/* Else it would be asked for its children for ever. */
static void who_has_no_room_for_a_child_is_not_served(void **state)
{
    struct context *ctx = *state;
    struct shares *shares = store_shares(ctx->store);

    ctx->evicted = note_evicted;
    ctx->evicted_arg = ctx;
    keep(ctx, KIND_RUNNER, "one", 10, true);
    keep_child(ctx, "ci", "one-runner-token", true);
    shares_set_budget(shares, shares_held(shares, "ci"));
    keep_child(ctx, "ci", "one-runner-token", true);
    keep_child(ctx, "ci", "another-name", false);
    keep_child(ctx, "jobs", "one-runner-config", false); /* it may be anybody's */
    assert_non_null(store_get(ctx->store, KIND_RUNNER, "ci", "one"));
    keep_child(ctx, "ci", "one-runner-config", false);
    assert_null(store_get(ctx->store, KIND_RUNNER, "ci", "one"));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    assert_int_equal(shares_held(shares, "ci"), 0);
}

/* What is told of it makes it longer. If it went for that, and came back when it was told so, that would never end. */
static void who_comes_has_room_to_grow(void **state)
{
    struct context *ctx = *state;
    struct shares *shares = store_shares(ctx->store);

    keep(ctx, KIND_RUNNER, "one", 10, true);
    size_t usual = shares_held(shares, "ci");
    store_remove(ctx->store, KIND_RUNNER, "ci", "one");
    shares_set_budget(shares, usual + STATUS_GROWS_MAX - 1);
    keep(ctx, KIND_RUNNER, "one", 10, false);
    shares_set_budget(shares, usual + STATUS_GROWS_MAX);
    keep(ctx, KIND_RUNNER, "one", 10, true);
    assert_int_equal(shares_held(shares, "ci"), usual); /* that room is everybody's */
    keep(ctx, KIND_RUNNER, "one", STATUS_GROWS_MAX, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(learns_what_is_newer, setup, teardown),
        cmocka_unit_test_setup_teardown(learns_what_was_told_and_held, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_go_back_to_what_was_before, setup, teardown),
        cmocka_unit_test_setup_teardown(is_not_told_of_what_the_watch_has_seen_the_end_of, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_known_already_is_kept_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(forgets_what_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(forgets_what_was_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(the_watch_may_tell_of_an_end_while_the_object_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(the_watch_may_tell_of_a_successor_while_nothing_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_there_is_no_room_for_is_not_taken_for_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_no_room_for_a_child_is_not_served, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_has_room_to_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_may_be_empty, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
