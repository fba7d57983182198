/* What waits for GitLab: what it keeps, who goes when, and what an answer comes to when the object has changed. */
#include "golden.h"

#include "base/clock.h"
#include "base/mem.h"
#include "operator/errand.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "runner/names.h"
#include "tiny_server.h"

#define TOKEN "a-registration-token"

enum { RUNNERS = 3, GUARD_MS = 10000 * SLOWNESS, LARGE = 64 << 10 };

static const char *const names[RUNNERS] = {"a", "b", "c"};

struct world {
    struct loop *loop;
    struct http *http;
    struct loop_timer *guard;
    struct tiny_server server;
    struct context ctx;
    struct list echoes;
    struct errands errands;
    struct states states;
    struct stats stats;
    struct turn *turns[RUNNERS];
    char url[64];
    char woken[8]; /* names, in the order in which they were woken; large when they were begun */
    struct arena mem;
};

#define MADE    "HTTP/1.1 201 Created\r\nContent-Length: 25\r\n\r\n{\"id\":4,\"token\":\"glrt-1\"}"
#define REFUSED "HTTP/1.1 400 Bad Request\r\nContent-Length: 28\r\n\r\n{\"error\":\"tags is too long\"}"

static const char *answer; /* GitLab's */

static bool respond(struct tiny_conn *conn)
{
    return tiny_write(conn, answer, strlen(answer));
}

/* In the place of the API server: what was applied is answered by applied(). */
static struct {
    kube_done_fn *done;
    void *arg;
} applying;

uint64_t kube_apply(struct kube_client *client, const struct kube_resource *r, const char *subresource,
                    struct json_object *manifest, const char *manager, kube_done_fn *done, void *arg)
{
    (void)client, (void)r, (void)subresource, (void)manifest, (void)manager;
    applying.done = done;
    applying.arg = arg;
    return 1;
}

static void on_guard(void *arg)
{
    (void)arg;
    fail_msg("nothing happened within %d ms", GUARD_MS);
}

static void on_wake(void *arg, const char *key, bool begun, const char *cause)
{
    struct world *w = arg;

    assert_non_null(cause);
    w->woken[strlen(w->woken)] = (char)(key[strlen(key) - 1] - (begun ? 'a' - 'A' : 0));
    loop_stop(w->loop);
}

static struct json_object *runner(struct world *w, const char *name, const char *uid, int64_t generation,
                                  const char *url)
{
    return arena_json(
        &w->mem, json_build("{metadata: {namespace: 'ci', name: %s, uid: %s, resourceVersion: %s, generation: %d}, "
                            "spec: {url: %s, authentication: {registrationTokenSecretRef: {name: 'gitlab'}}}}",
                            name, uid, generation == 1 ? "7" : "8", generation, url));
}

/* A GitLabRunner as the watch tells of it. */
static void told(struct world *w, const char *name, const char *uid, int64_t generation, const char *url)
{
    struct json_object *object = runner(w, name, uid, generation, url);
    const struct record record = kind_record(KIND_RUNNER, object, w->ctx.store, &w->mem);

    store_put(w->ctx.store, KIND_RUNNER, &record);
}

/* The same, with an edit that the spec's generation does not count. */
static void edited(struct world *w, size_t i, const char *version, const char *note)
{
    struct json_object *object = runner(w, names[i], names[i], 1, w->url);

    json_set_str(object, "metadata.resourceVersion", version);
    json_set_str(object, "status.note", note);
    const struct record record = kind_record(KIND_RUNNER, object, w->ctx.store, &w->mem);
    store_put(w->ctx.store, KIND_RUNNER, &record);
}

static int setup(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    answer = MADE;
    w->loop = loop_create();
    w->http = http_create(w->loop, "tester/1");
    w->guard = loop_timer_create(w->loop, on_guard, w);
    w->server.respond = respond;
    tiny_start(&w->server, NULL, NULL);
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", w->server.port);
    stats_init(&w->stats);
    list_init(&w->errands.all);
    w->errands.wake = on_wake;
    w->errands.arg = w;
    list_init(&w->echoes);
    w->ctx = (struct context){
        .echoes = &w->echoes,
        .loop = w->loop,
        .gitlab =
            gitlab_create(w->loop, w->http, &(struct gitlab_settings){.concurrency = 1, .policy.allow_loopback = true}),
        .store = kinds_store_create(),
        .errands = &w->errands,
        .stats = &w->stats,
    };
    for (size_t i = 0; i < RUNNERS; i++)
        told(w, names[i], names[i], 1, w->url);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < RUNNERS; i++)
        if (w->turns[i])
            turn_destroy(w->turns[i]);
    errands_end(&w->errands, true);
    states_finish(&w->states);
    gitlab_destroy(w->ctx.gitlab);
    store_destroy(w->ctx.store);
    http_destroy(w->http);
    loop_timer_destroy(w->guard);
    loop_destroy(w->loop);
    tiny_stop(&w->server);
    arena_finish(&w->mem);
    free(w);
    return 0;
}

static struct state *state_of(struct world *w, size_t i)
{
    return states_get(&w->states, arena_printf(&w->mem, KIND "/ci/%s", names[i]));
}

/* As the reconciler begins it. */
static struct turn *begin(struct world *w, size_t i)
{
    struct state *state = state_of(w, i);
    const struct record *record = errand_subject(state, store_get(w->ctx.store, KIND_RUNNER, "ci", names[i]));

    if (w->turns[i])
        turn_destroy(w->turns[i]);
    w->turns[i] = errand_begin_turn(&w->ctx, record, state, "test");
    assert_int_equal(w->turns[i]->work.state, WORK_READY);
    w->turns[i]->work.state = WORK_WAITING; /* as in its step */
    turn_look(w->turns[i]);
    return w->turns[i];
}

static void ask_at(struct world *w, struct turn *turn, const char *url)
{
    const struct gitlab_request call = {.op = GITLAB_OP_REGISTER,
                                        .url = url,
                                        .token = TOKEN,
                                        .ns = "ci",
                                        .runner_type = "instance_type",
                                        .attributes = arena_json(&w->mem, json_build("{}"))};

    turn->asked =
        (struct action){.kind = ACT_GITLAB, .rule = "registered", .gitlab = {.call = GITLAB_REGISTER, .url = url}};
    turn->asked_us = clock_us();
    turn->work.state = WORK_WAITING;
    errand_ask(turn, &call);
}

static struct turn *ask(struct world *w, size_t i)
{
    struct turn *turn = begin(w, i);

    ask_at(w, turn, w->url);
    return turn;
}

static void wait(struct world *w)
{
    loop_timer_set(w->guard, GUARD_MS);
    loop_run(w->loop);
    loop_timer_set(w->guard, -1);
}

static enum errand_stage stage(struct world *w, size_t i)
{
    assert_non_null(state_of(w, i)->errand);
    return state_of(w, i)->errand->stage;
}

static void asks_and_is_answered(void **state)
{
    struct world *w = *state;

    assert_true(ask(w, 0)->work.state == WORK_PARKED);
    assert_int_equal(stage(w, 0), ERRAND_CALLING);
    struct turn *between = begin(w, 0);
    assert_true(between->observed.calling);
    assert_int_equal(decide(&between->observed, &between->step).kind, ACT_WAIT); /* whatever else there is to do */
    wait(w);
    assert_string_equal(w->woken, "A");
    assert_string_equal(state_of(w, 0)->memory.issued->token, "glrt-1");
    assert_int_equal(state_of(w, 0)->memory.issued->runner_id, 4);
    assert_string_equal(state_of(w, 0)->memory.issued->url, w->url);
    struct turn *next = begin(w, 0);
    assert_null(state_of(w, 0)->errand);
    assert_false(next->observed.calling || next->observed.in_line);
}

/* It is that of the key from then on. */
static void the_turn_that_has_heard_the_answer_goes_on(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    const int64_t asked_us = w->turns[0]->asked_us;
    wait(w);
    const uint64_t turns = w->stats.turns;
    struct turn *next = begin(w, 0);
    assert_int_equal(w->stats.turns, turns);
    assert_null(state_of(w, 0)->errand);
    assert_int_equal(next->asked_us, asked_us);
    assert_string_equal(next->asked.rule, "registered");
    assert_int_equal(next->asked.kind, 0);
    assert_string_equal(next->observed.memory->issued->token, "glrt-1");
}

/* Of an object that has changed there is another turn, and of one that is large too much would wait. */
static void it_does_not_when_the_object_is_another(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    wait(w);
    const uint64_t turns = w->stats.turns;
    edited(w, 0, "8", "");
    struct turn *next = begin(w, 0);
    assert_int_equal(w->stats.turns, turns + 1);
    assert_string_equal(next->observed.version, "8");
    assert_string_equal(next->observed.memory->issued->token, "glrt-1");
}

static void nor_when_it_is_large(void **state)
{
    struct world *w = *state;
    char *note = mem_alloc(LARGE);

    memset(note, 'x', LARGE - 1);
    edited(w, 0, "8", note);
    free(note);
    ask(w, 0);
    wait(w);
    const uint64_t turns = w->stats.turns;
    assert_string_equal(begin(w, 0)->observed.memory->issued->token, "glrt-1");
    assert_int_equal(w->stats.turns, turns + 1);
}

/* A turn that was at something else meanwhile goes on with what the answer has taught, and may ask for the next thing.
 */
static void a_turn_asks_again_when_the_answer_came_while_it_was_at_something_else(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    struct turn *between = begin(w, 0);
    wait(w);
    assert_int_equal(stage(w, 0), ERRAND_ANSWERED);
    ask_at(w, between, w->url);
    assert_int_equal(between->work.state, WORK_PARKED);
    assert_int_equal(stage(w, 0), ERRAND_CALLING);
    assert_string_equal(state_of(w, 0)->errand->record.uid, "a");
    wait(w);
    assert_string_equal(w->woken, "AA");
}

static void a_line_is_of_keys_and_of_what_was_read(void **state)
{
    struct world *w = *state;
    char *large = arena_alloc(&w->mem, 100000);

    ask(w, 0);
    struct turn *turn = begin(w, 1);
    memset(large, 'x', 99999);
    turn->observed.values[READ_CREDENTIAL] =
        (struct observed_value){.lookup = LOOKUP_FOUND, .value = TOKEN, .version = "12"};
    turn->observed.values[READ_CA] = (struct observed_value){.lookup = LOOKUP_FOUND, .value = large, .version = "13"};
    turn->observed.values[READ_CONFIG] = (struct observed_value){.lookup = LOOKUP_FOUND, .value = "x", .version = "14"};
    turn->steps = 3;
    ask_at(w, turn, w->url);
    assert_int_equal(turn->work.state, WORK_PARKED);
    assert_int_equal(stage(w, 1), ERRAND_IN_LINE);
    const struct errand *errand = state_of(w, 1)->errand;
    assert_null(errand->record.uid);
    struct turn *next = begin(w, 1);
    assert_int_equal(next->observed.values[READ_CA].lookup, LOOKUP_UNKNOWN); /* it is read again */
    assert_string_equal(next->observed.values[READ_CREDENTIAL].value, TOKEN);
    assert_string_equal(next->observed.values[READ_CREDENTIAL].version, "12");
    assert_string_equal(next->observed.values[READ_CONFIG].version, "14");
    assert_string_equal(next->asked.rule, "registered"); /* which is to blame when its steps are too many */

    turn = ask(w, 1); /* something else has woken it: it keeps its place, and its steps do not count twice */
    assert_ptr_equal(state_of(w, 1)->errand, errand);
    assert_true(turn->observed.in_line);
    assert_int_equal(turn->steps, 3);
    wait(w);
    assert_string_equal(w->woken, "AB");
    assert_int_equal(stage(w, 1), ERRAND_LET_IN);
    ask(w, 1);
    assert_int_equal(stage(w, 1), ERRAND_CALLING);
    wait(w);
    assert_string_equal(w->woken, "ABB");
}

/* To whom a credential is bound comes with it, so it is read once more. */
static void a_bound_credential_is_not_kept(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    struct turn *turn = begin(w, 1);
    turn->observed.values[READ_CREDENTIAL] =
        (struct observed_value){.lookup = LOOKUP_FOUND, .value = TOKEN, .version = "12", .bound = true};
    ask_at(w, turn, w->url);
    assert_int_equal(stage(w, 1), ERRAND_IN_LINE);
    turn = ask(w, 1);
    assert_int_equal(turn->observed.values[READ_CREDENTIAL].lookup, LOOKUP_UNKNOWN);
    assert_null(turn->observed.values[READ_CREDENTIAL].value);
}

static void who_does_not_ask_again_gives_up_its_place(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    ask(w, 1);
    ask(w, 2);
    wait(w);
    assert_string_equal(w->woken, "AB");
    errand_end(state_of(w, 1)->errand);
    assert_string_equal(w->woken, "ABC");
    ask_at(w, begin(w, 2), "http://127.0.0.2:1"); /* elsewhere, since its spec was edited */
    assert_int_equal(stage(w, 2), ERRAND_CALLING);
    ask(w, 0);
    assert_int_equal(stage(w, 0), ERRAND_CALLING); /* the place is free again */
}

/* A credential that the former spec was let have is not the edited one's, which may lead elsewhere. */
static void what_was_read_is_of_the_spec_of_then(void **state)
{
    static const struct observed_value read = {.lookup = LOOKUP_FOUND, .value = "glpat-1", .version = "7"};
    struct world *w = *state;

    ask(w, 1); /* has the place */
    struct turn *turn = begin(w, 0);
    turn->observed.values[READ_CREDENTIAL] = read;
    ask_at(w, turn, w->url);
    assert_int_equal(stage(w, 0), ERRAND_IN_LINE);
    assert_int_equal(begin(w, 0)->observed.values[READ_CREDENTIAL].lookup, LOOKUP_FOUND);
    told(w, names[0], names[0], 2, "http://127.0.0.2:1");
    assert_int_equal(begin(w, 0)->observed.values[READ_CREDENTIAL].lookup, LOOKUP_UNKNOWN);
}

static void a_call_that_may_not_be_made_has_failed(void **state)
{
    struct world *w = *state;
    struct turn *turn = begin(w, 0);

    ask_at(w, turn, "ftp://gitlab.test");
    assert_int_equal(turn->work.state, WORK_PARKED); /* nothing forbids it until it is tried */
    wait(w);
    assert_string_equal(w->woken, "A");
    begin(w, 0);
    assert_string_equal(memory_troubles(&state_of(w, 0)->memory)->failures[0].attempt.rule, "registered");
}

/* The token is of the runner that was asked for, and the spec of then says where it is. */
static void an_answer_is_about_what_was_asked(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    told(w, "a", "a", 2, "https://elsewhere.test");
    assert_int_equal(begin(w, 0)->observed.generation, 2);
    wait(w);
    assert_string_equal(state_of(w, 0)->memory.issued->url, w->url);
    assert_string_equal(begin(w, 0)->observed.spec->url, "https://elsewhere.test");
}

/* The turn puts our finalizer on the object, and the API server answers with the object as it is then. */
static void hold(struct world *w, struct turn *turn, size_t i)
{
    struct json_object *held = runner(w, names[i], names[i], 1, w->url);

    perform(turn, &(struct action){.kind = ACT_FINALIZER, .rule = "held", .hold_finalizer = true});
    json_set_str(held, "metadata.resourceVersion", "8");
    json_set(held, "metadata.finalizers", json_build("[%s]", FINALIZER));
    applying.done(applying.arg, &(struct kube_reply){.object = held});
}

/* A refusal is no reason to look for a runner that may have been made: none of the turns has seen the object without
 * the finalizer after one that has put it there. */
static void a_refusal_comes_to_the_object_that_has_our_finalizer(void **state)
{
    struct world *w = *state;

    store_reach(w->ctx.store, KIND_SECRET, "", "7"); /* there is no token Secret */
    answer = REFUSED;
    struct turn *turn = begin(w, 0);
    assert_false(turn->observed.finalizer);
    hold(w, turn, 0);
    ask_at(w, turn, w->url);
    wait(w);
    turn = begin(w, 0);
    assert_true(turn->observed.finalizer);
    assert_string_equal(memory_troubles(&state_of(w, 0)->memory)->failures[0].attempt.rule, "registered");
    assert_int_equal(turn->observed.memory->doubt, DOUBT_NONE);
}

/* What was made for an object that went by force is known to its turn alone, even if there is another of its name. */
static void an_object_that_is_gone_is_seen_to_its_end(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    told(w, "a", "another", 1, w->url);
    assert_string_equal(begin(w, 0)->observed.owner.uid, "a");
    wait(w);
    struct turn *turn = begin(w, 0);
    assert_string_equal(turn->observed.owner.uid, "a");
    assert_true(turn->observed.gone);
    assert_string_equal(turn->observed.memory->issued->token, "glrt-1");

    ask(w, 1); /* which takes the only place: nobody waits for one that is gone */
    ask_at(w, turn, w->url);
    assert_int_equal(turn->work.state, WORK_READY);
    assert_string_equal(memory_troubles(&state_of(w, 0)->memory)->failures[0].attempt.err.reason, "Busy");
    assert_null(state_of(w, 0)->errand);
    assert_string_equal(begin(w, 0)->observed.owner.uid, "another");
}

static void all_of_them_can_be_ended(void **state)
{
    struct world *w = *state;

    ask(w, 0);
    ask(w, 1);
    errands_end(&w->errands, false);
    assert_non_null(state_of(w, 0)->errand);
    assert_null(state_of(w, 1)->errand);
    errands_end(&w->errands, true);
    assert_null(state_of(w, 0)->errand);
    assert_int_equal(gitlab_inside(w->ctx.gitlab) + gitlab_waiting(w->ctx.gitlab), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_and_is_answered),
        TEST(the_turn_that_has_heard_the_answer_goes_on),
        TEST(it_does_not_when_the_object_is_another),
        TEST(nor_when_it_is_large),
        TEST(a_turn_asks_again_when_the_answer_came_while_it_was_at_something_else),
        TEST(a_line_is_of_keys_and_of_what_was_read),
        TEST(a_bound_credential_is_not_kept),
        TEST(who_does_not_ask_again_gives_up_its_place),
        TEST(what_was_read_is_of_the_spec_of_then),
        TEST(a_call_that_may_not_be_made_has_failed),
        TEST(an_answer_is_about_what_was_asked),
        TEST(a_refusal_comes_to_the_object_that_has_our_finalizer),
        TEST(an_object_that_is_gone_is_seen_to_its_end),
        TEST(all_of_them_can_be_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
