/* One read for many: who is served by an answer, who is not, and what becomes of it. The API server and the clock are
 * here. */
#include "fake_loop.h"
#include "golden.h"

#include "operator/reads.h"
#include "operator/records.h"
#include "runner/names.h"

#define TOKEN "Z2xwYXQtdGhlLXRva2Vu"

enum { TURNS = 200, FLIGHTS = 8 };

static struct world {
    struct loop loop;
    struct context ctx;
    struct turn turns[TURNS];
    struct flight {
        kube_done_fn *done; /* NULL: none, or cancelled */
        void *arg;
    } flights[FLIGHTS];
    unsigned asked, cancelled, told[TURNS]; /* told: versions of the Secret; 0: nothing yet, 404: it is not there */
} w;

uint64_t kube_get_data(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                       const char *key, kube_done_fn *done, void *arg)
{
    (void)client, (void)r, (void)ns, (void)name, (void)key;
    assert_true(w.asked < FLIGHTS);
    w.flights[w.asked++] = (struct flight){done, arg};
    return w.asked;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    w.flights[id - 1].done = NULL;
    w.cancelled++;
}

static struct json_object *secret(const char *version)
{
    return json_build("{metadata: {namespace: 'ci', name: 'gitlab', uid: 'u', resourceVersion: %s}, data: {t: %s}}",
                      version, TOKEN);
}

/* The n-th request is answered; version NULL: there is no such object. */
static void answer(unsigned n, const char *version, size_t size)
{
    const struct flight flight = w.flights[n - 1];
    cleanup_json struct json_object *object = version ? secret(version) : NULL;
    struct kube_reply reply = {.object = object, .size = size};

    if (!version)
        err_set(&reply.err, ERR_NOT_FOUND, "NotFound", "no");
    assert_non_null(flight.done);
    w.flights[n - 1].done = NULL;
    flight.done(flight.arg, &reply);
}

/* The watches have told of it. */
static void watch(enum kind kind, const char *version)
{
    cleanup_arena struct arena a = {0};
    struct json_object *object = arena_json(&a, secret(version));

    if (kind == KIND_SECRET) {
        const struct record record = kind_record(kind, object, w.ctx.store, &a);
        store_put(w.ctx.store, kind, &record);
    }
    store_reach(w.ctx.store, kind, "", version);
}

static void on_told(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    bool found = reply->err.kind == ERR_NONE;

    assert_int_equal(w.told[turn - w.turns], 0);
    if (found)
        assert_string_equal(json_str(reply->object, "data.t"), TOKEN);
    w.told[turn - w.turns] = found ? (unsigned)atoi(json_str(reply->object, "metadata.resourceVersion")) : 404;
}

/* The n-th turn, whose object is of this version, wants the Secret. */
static void want(unsigned n, const char *runner_version)
{
    w.turns[n] = (struct turn){.ctx = &w.ctx};
    w.turns[n].observed.owner = (struct owner){.ns = "ci", .name = "r", .uid = "r"};
    w.turns[n].observed.version = runner_version;
    list_init(&w.turns[n].reader);
    w.told[n] = 0;
    reads_ask(&w.turns[n], KIND_SECRET, "gitlab", "t", true, on_told);
}

static void want_key(unsigned n, const char *key)
{
    w.turns[n] = w.turns[0];
    list_init(&w.turns[n].reader);
    w.told[n] = 0;
    reads_ask(&w.turns[n], KIND_SECRET, "gitlab", key, true, on_told);
}

static int setup(void **state)
{
    const struct reference to = {.kind = KIND_SECRET, .ns = "ci", .name = "gitlab"};

    (void)state;
    w = (struct world){.ctx = {.loop = &w.loop, .store = kinds_store_create()}};
    w.ctx.reads = reads_create(&w.ctx);
    store_refer(w.ctx.store, KIND "/ci/r", &to, 1);
    watch(KIND_RUNNER, "100");
    watch(KIND_SECRET, "7");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reads_destroy(w.ctx.reads);
    store_destroy(w.ctx.store);
    return 0;
}

static void a_burst_reads_once(void **state)
{
    (void)state;
    for (unsigned n = 0; n < TURNS / 2; n++)
        want(n, "100");
    assert_int_equal(w.asked, 1);
    assert_int_equal(w.told[0], 0);
    answer(1, "7", 500);
    for (unsigned n = TURNS / 2; n < TURNS; n++) {
        fake_pass(&w.loop, 20);
        want(n, "90");
    }
    assert_int_equal(w.asked, 1);
    for (unsigned n = 0; n < TURNS; n++)
        assert_int_equal(w.told[n], 7);
}

/* It may have been made after what it names was edited: the watch of that is silent so far. */
static void who_came_after_it_was_asked_for_reads_anew(void **state)
{
    (void)state;
    want(0, "100");
    watch(KIND_RUNNER, "101");
    want(1, "101");
    assert_int_equal(w.asked, 2);
    want(2, "101");
    want(3, "100");
    assert_int_equal(w.asked, 2);
    answer(1, "7", 500);
    want(4, "101");
    assert_int_equal(w.asked, 2);
    answer(2, "8", 500);
    want(5, "101");
    want(6, "100");
    assert_int_equal(w.asked, 2);
    const unsigned expected[] = {7, 8, 8, 7, 8, 8, 8};
    for (unsigned n = 0; n < ARRAY_LEN(expected); n++)
        assert_int_equal(w.told[n], expected[n]);
}

static void what_was_edited_during_a_burst_is_read_anew(void **state)
{
    (void)state;
    want(0, "100");
    answer(1, "7", 500);
    watch(KIND_SECRET, "8");
    want(1, "100");
    assert_int_equal(w.asked, 2);
    answer(2, "8", 500);
    store_remove(w.ctx.store, KIND_SECRET, "ci", "gitlab");
    want(2, "100");
    assert_int_equal(w.asked, 3);
    answer(3, NULL, 50);
    want(3, "100");
    assert_int_equal(w.asked, 4);
    answer(4, NULL, 50);
    assert_int_equal(w.told[1], 8);
    assert_int_equal(w.told[2], 404);
}

/* The text of the one string that there is in an answer that somebody else holds. */
static const char *token_of(struct json_object *object)
{
    return json_str(object, "data.t");
}

static struct json_object *held;

static void hold_answer(void *arg, const struct kube_reply *reply)
{
    (void)arg;
    held = json_ref(reply->object);
}

static void holding(unsigned n, bool shared)
{
    want(n, "100");
    reads_leave(&w.turns[n]);
    w.asked = 0;
    reads_ask(&w.turns[n], KIND_SECRET, "gitlab", "t", shared, hold_answer);
}

static void is_held_and_then_cleansed(bool shared, size_t size, int64_t kept_ms)
{
    holding(0, shared);
    answer(1, "7", size);
    if (kept_ms > 0) {
        assert_string_equal(token_of(held), TOKEN);
        fake_pass(&w.loop, kept_ms - 1);
        assert_string_equal(token_of(held), TOKEN);
        fake_pass(&w.loop, 1);
    }
    for (const char *byte = token_of(held), *end = byte + strlen(TOKEN); byte < end; byte++)
        assert_int_equal(*byte, 0);
    json_put_ptr(&held);
}

static void what_was_read_is_cleansed(void **state)
{
    (void)state;
    is_held_and_then_cleansed(true, 500, 500);
    is_held_and_then_cleansed(true, (64 << 10) + 1, 0);
    is_held_and_then_cleansed(false, 500, 0);
}

static void what_is_of_use_is_kept_for_a_while_and_no_longer(void **state)
{
    (void)state;
    for (unsigned by_name = 0; by_name < 2; by_name++) {
        w.asked = 0;
        w.ctx.secrets_by_name = by_name;
        want(0, "100");
        answer(1, "7", 500);
        unsigned n = 0, most = by_name ? 2 : 13;
        while (w.asked == 1 && ++n < TURNS) {
            fake_pass(&w.loop, 400);
            want(n, "100");
        }
        assert_int_equal(n, most);
        answer(2, "7", 500);
        fake_pass(&w.loop, 500);
    }
}

static void what_is_kept_has_a_bound(void **state)
{
    (void)state;
    want(0, "100");
    answer(1, "7", 40 << 10);
    want_key(1, "another");
    answer(2, "7", 40 << 10);
    want(2, "100");
    assert_int_equal(w.asked, 3);
    reads_leave(&w.turns[2]);
}

static void there_is_room_for_several(void **state)
{
    (void)state;
    want(0, "100");
    answer(1, "7", 30 << 10);
    want_key(1, "another");
    answer(2, "7", 34 << 10);
    want_key(2, "t");
    want_key(3, "another");
    assert_int_equal(w.asked, 2);
    assert_int_equal(w.told[2], 7);
    assert_int_equal(w.told[3], 7);
}

/* Not all of it: who wants a value of it is not served by what has none. */
static void what_is_asked_for_without_its_data_is_another_read(void **state)
{
    (void)state;
    want(0, "100");
    reads_leave(&w.turns[0]);
    want_key(1, NULL);
    want_key(2, "t");
    want_key(3, NULL);
    assert_int_equal(w.asked, 3);
    answer(2, "7", 500);
    assert_int_equal(w.told[2], 0);
    assert_int_equal(w.told[3], 7);
    answer(3, "7", 500);
    assert_int_equal(w.told[2], 7);
}

static void who_leaves_is_told_nothing(void **state)
{
    (void)state;
    want(0, "100");
    want(1, "100");
    reads_leave(&w.turns[0]);
    assert_int_equal(w.cancelled, 0);
    answer(1, "7", 500);
    assert_int_equal(w.told[0], 0);
    assert_int_equal(w.told[1], 7);
    reads_forget(w.ctx.reads);
    want(2, "100");
    reads_forget(w.ctx.reads);
    want(3, "100");
    assert_int_equal(w.asked, 3);
    reads_leave(&w.turns[2]);
    reads_leave(&w.turns[3]);
    reads_leave(&w.turns[3]);
    assert_int_equal(w.cancelled, 2);
}

static void one_that_is_not_there_is_known_to_be_missing(void **state)
{
    (void)state;
    want(0, "100");
    want(1, "100");
    answer(1, NULL, 50);
    assert_int_equal(w.told[0], 404);
    assert_int_equal(w.told[1], 404);
    assert_null(store_get(w.ctx.store, KIND_SECRET, "ci", "gitlab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_reads_once, setup, teardown),
        cmocka_unit_test_setup_teardown(who_came_after_it_was_asked_for_reads_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_edited_during_a_burst_is_read_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_is_cleansed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_of_use_is_kept_for_a_while_and_no_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept_has_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_room_for_several, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_asked_for_without_its_data_is_another_read, setup, teardown),
        cmocka_unit_test_setup_teardown(who_leaves_is_told_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_not_there_is_known_to_be_missing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
