/* From watches to keys: what is begun when, who is woken by what, and how urgent it is. Watches, polls, rounds and the
 * queue are the test's own. */
#include "golden.h"

#include "base/list.h"
#include "base/mem.h"
#include "kube/poll.h"
#include "kube/rounds.h"
#include "net/loop.h"
#include "operator/garbage.h"
#include "operator/informers.h"
#include "operator/state.h"
#include "operator/unserved.h"
#include "runner/names.h"

enum { WATCHES_MAX = 32 };

struct watch {
    struct watch_handler handler;
    const char *kind, *ns;
    bool started, synced;
    int again;
};

static struct world {
    struct context ctx;
    struct states states;
    struct list echoes;
    struct informers *informers;
    struct watch watches[WATCHES_MAX];
    size_t watches_len, destroyed;
    struct {
        kube_done_fn *done;
        void *arg;
        const char *ns;
        bool started;
    } polls[4];
    size_t polls_len;
    struct rounds_handler rounds;
    char woken[600], added[200], noted[200], left_out[64], too_large[64];
    bool skipped;
    void (*look)(void *arg);
    void *look_arg;
    int64_t look_ms;
    struct arena mem;
} w;

struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler)
{
    struct watch *watch = &w.watches[w.watches_len++];

    (void)loop, (void)client, (void)selector;
    *watch = (struct watch){.handler = *handler, .kind = resource->kind, .ns = ns ? ns : ""};
    return watch;
}

void watch_start(struct watch *watch)
{
    watch->started = true;
}

void watch_list_again(struct watch *watch)
{
    watch->again++;
}

void watch_destroy(struct watch *watch)
{
    w.destroyed += watch != NULL;
}

bool watch_synced(const struct watch *watch)
{
    return watch->synced;
}

const char *watch_state_name(const struct watch *watch)
{
    return watch->synced ? "stream" : "idle";
}

const char *watch_problem(const struct watch *watch)
{
    return watch->started ? "" : "not begun";
}

const char *watch_version(const struct watch *watch)
{
    return watch->synced ? "100" : "";
}

struct watch_counts watch_counts(const struct watch *watch)
{
    return (struct watch_counts){.lists = watch->synced};
}

struct poll *poll_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                         const char *ns, const char *name, kube_done_fn *done, void *arg)
{
    (void)loop, (void)client;
    assert_string_equal(resource->kind, "Namespace");
    assert_null(ns);
    w.polls[w.polls_len].done = done;
    w.polls[w.polls_len].arg = arg;
    w.polls[w.polls_len].ns = name;
    return (struct poll *)&w.polls[w.polls_len++];
}

void poll_start(struct poll *poll)
{
    for (size_t i = 0; i < w.polls_len; i++)
        w.polls[i].started |= poll == (struct poll *)&w.polls[i];
}

void poll_destroy(struct poll *poll)
{
    (void)poll;
}

struct rounds *rounds_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                             const struct rounds_handler *handler)
{
    (void)loop, (void)client;
    assert_string_equal(resource->kind, "Secret");
    w.rounds = *handler;
    return (struct rounds *)&w.rounds;
}

static void put(char *line, size_t size, const char *text)
{
    snprintf(line + strlen(line), size - strlen(line), "%s; ", text);
}

void rounds_add(struct rounds *rounds, const char *ns, const char *name)
{
    (void)rounds;
    put(w.added, sizeof(w.added), arena_printf(&w.mem, "%s/%s", ns, name));
}

void rounds_destroy(struct rounds *rounds)
{
    (void)rounds;
}

bool controller_is_draining(const struct controller *controller)
{
    return controller != NULL;
}

void controller_add(struct controller *controller, const char *key, enum queue_priority priority, const char *cause)
{
    (void)controller;
    put(w.woken, sizeof(w.woken),
        arena_printf(&w.mem, "%s %s, %s", strchr(key, '/') + 1, priority == QUEUE_URGENT ? "urgent" : "routine",
                     cause));
}

void garbage_note(struct garbage *garbage, enum kind kind, const char *ns, const char *name)
{
    (void)garbage;
    put(w.noted, sizeof(w.noted), arena_printf(&w.mem, "%s %s/%s", kind_resource(kind)->kind, ns, name));
}

void unserved_too_large(struct unserved *unserved, const struct context *ctx, enum kind kind, const struct record *seen,
                        const char *why)
{
    (void)unserved, (void)ctx, (void)kind;
    snprintf(w.too_large, sizeof(w.too_large), "%s/%s: %s", seen->ns, seen->name, why);
}

void unserved_left_out(struct unserved *unserved, const struct context *ctx, const struct record *runner)
{
    (void)unserved, (void)ctx;
    snprintf(w.left_out, sizeof(w.left_out), "%s/%s", runner->ns, runner->name);
}

bool unserved_skipped(struct unserved *unserved, const struct context *ctx)
{
    (void)unserved, (void)ctx;
    return w.skipped;
}

void unserved_finish(struct unserved *unserved, const struct context *ctx)
{
    (void)unserved, (void)ctx;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    w.look = callback;
    w.look_arg = arg;
    return (struct loop_timer *)loop;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    (void)timer;
    w.look_ms = delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    (void)timer;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void begin(const char *namespaces, bool secrets_by_name)
{
    w = (struct world){.watches_len = 0};
    list_init(&w.echoes);
    w.ctx = (struct context){.store = kinds_store_create(),
                             .echoes = &w.echoes,
                             .render = {.namespaces = namespaces},
                             .secrets_by_name = secrets_by_name};
    w.informers = informers_create(&w.ctx, &w.states);
    informers_start(w.informers);
}

static int teardown(void **state)
{
    (void)state;
    informers_destroy(w.informers);
    assert_int_equal(w.destroyed, w.watches_len);
    states_finish(&w.states);
    store_destroy(w.ctx.store);
    arena_finish(&w.mem);
    return 0;
}

static struct watch *watch_of(const char *kind, const char *ns)
{
    for (size_t i = 0; i < w.watches_len; i++)
        if (strcmp(w.watches[i].kind, kind) == 0 && strcmp(w.watches[i].ns, ns) == 0)
            return &w.watches[i];
    return NULL;
}

static void tell(struct watch *watch, enum watch_type type, const char *object)
{
    watch->handler.object(watch->handler.arg, type, quoted_json(object, &w.mem));
}

/* objects ends with NULL */
static void list(struct watch *watch, const char *const *objects)
{
    assert_true(watch->started);
    watch->handler.list_begin(watch->handler.arg);
    for (; objects && *objects; objects++)
        tell(watch, WATCH_LISTED, *objects);
    watch->synced = true;
    watch->handler.list_end(watch->handler.arg, "100");
    watch->handler.reached(watch->handler.arg, "100");
}

static void list_all_but_runners(void)
{
    for (size_t i = 0; i < w.watches_len; i++)
        if (strcmp(w.watches[i].kind, "GitLabRunner") != 0)
            list(&w.watches[i], NULL);
}

static void assert_woken(const char *expected)
{
    assert_string_equal(w.woken, expected);
    *w.woken = '\0';
}

#define RUNNER(version, generation, status)                                                                            \
    "{'metadata': {'namespace': 'ci', 'name': 'builds', 'uid': 'u', 'resourceVersion': '" version                      \
    "', 'generation': " generation                                                                                     \
    "}, 'spec': {'authentication': {'accessTokenSecretRef': {'name': 'cred'}}}, 'status': {" status "}}"
#define SECRET(name, version)                                                                                          \
    "{'metadata': {'namespace': 'ci', 'name': '" name "', 'uid': 's', 'resourceVersion': '" version "'}}"

static void the_runners_come_first(void **state)
{
    (void)state;
    begin(NULL, false);
    assert_int_equal(w.watches_len, KIND_COUNT);
    assert_int_equal(w.look_ms, 40000);
    for (size_t i = 0; i < w.watches_len; i++)
        assert_int_equal(w.watches[i].started, strcmp(w.watches[i].kind, "GitLabRunner") == 0);
    assert_false(informers_synced(w.informers));
    list(watch_of("GitLabRunner", ""), NULL);
    for (size_t i = 0; i < w.watches_len; i++)
        assert_true(w.watches[i].started);
    assert_false(informers_synced(w.informers));
    list_all_but_runners();
    assert_true(informers_synced(w.informers));
    watch_of("Deployment", "")->synced = false;
    assert_false(informers_synced(w.informers));
}

/* What a start finds is routine, unless somebody has edited it since it was served; later all is urgent. */
static void edits_are_urgent(void **state)
{
    static const struct {
        const char *runner;
        bool synced;
        const char *woken;
    } rows[] = {
        {RUNNER("1", "1", ""), false, "ci/builds routine, the object changed; "},
        {RUNNER("1", "2", "'observedGeneration': 2"), false, "ci/builds routine, the object changed; "},
        {RUNNER("1", "2", ""), false, "ci/builds routine, the object changed; "},
        {RUNNER("1", "2", "'observedGeneration': 1"), false, "ci/builds urgent, the object changed; "},
        {RUNNER("1", "1", "'observedGeneration': 2"), false, "ci/builds urgent, the object changed; "},
        {RUNNER("1", "3", "'observedGeneration': 2"), false, "ci/builds urgent, the object changed; "},
        {RUNNER("1", "1", ""), true, "ci/builds urgent, the object changed; "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(NULL, false);
        watch_of("GitLabRunner", "")->synced = rows[i].synced;
        tell(watch_of("GitLabRunner", ""), WATCH_ADDED, rows[i].runner);
        assert_woken(rows[i].woken);
        assert_string_equal(w.noted, "GitLabRunner ci/builds; ");
        tell(watch_of("GitLabRunner", ""), WATCH_DELETED, rows[i].runner);
        assert_woken(rows[i].synced ? "ci/builds urgent, the object changed; "
                                    : "ci/builds routine, the object changed; ");
        if (i + 1 < ARRAY_LEN(rows))
            teardown(state);
    }
}

static void what_is_known_wakes_nobody(void **state)
{
    struct watch *runners;
    struct watch_identity known = {.ns = "ci", .name = "builds", .uid = "u", .version = "5"};

    (void)state;
    begin(NULL, false);
    runners = watch_of("GitLabRunner", "");
    list(runners, (const char *const[]){RUNNER("5", "1", ""), NULL});
    assert_woken("ci/builds routine, the object changed; ");
    tell(runners, WATCH_MODIFIED, RUNNER("5", "1", ""));
    tell(runners, WATCH_MODIFIED, RUNNER("4", "1", ""));
    assert_woken("");
    assert_true(runners->handler.known(runners->handler.arg, &known));
    strcpy(known.version, "6");
    assert_false(runners->handler.known(runners->handler.arg, &known));
    tell(runners, WATCH_DELETED, RUNNER("7", "1", ""));
    assert_woken("ci/builds urgent, the object changed; ");
    assert_null(store_get(w.ctx.store, KIND_RUNNER, "ci", "builds"));
}

/* Who is in no list any more is gone. */
static void what_a_list_leaves_out_is_gone(void **state)
{
    (void)state;
    begin(NULL, false);
    list(watch_of("GitLabRunner", ""), (const char *const[]){RUNNER("5", "1", ""), NULL});
    assert_non_null(store_get(w.ctx.store, KIND_RUNNER, "ci", "builds"));
    assert_woken("ci/builds routine, the object changed; ");
    list(watch_of("GitLabRunner", ""), NULL);
    assert_woken("ci/builds routine, the object changed; ");
    assert_null(store_get(w.ctx.store, KIND_RUNNER, "ci", "builds"));
}

static void a_secret_wakes_who_names_it_or_made_it(void **state)
{
    static const struct {
        const char *secret, *woken;
        bool kept;
    } rows[] = {
        {SECRET("cred", "6"), "ci/builds urgent, a referenced object changed; ", true},
        {SECRET("builds-runner-token", "6"), "ci/builds urgent, a referenced object changed; ", true},
        {SECRET("another", "6"), "", false},
    };

    (void)state;
    begin(NULL, false);
    list(watch_of("GitLabRunner", ""), (const char *const[]){RUNNER("5", "1", ""), NULL});
    list_all_but_runners();
    states_get(&w.states, KIND "/ci/builds")->memory.doubt = DOUBT_SEARCHED;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        *w.woken = '\0';
        tell(watch_of("Secret", ""), WATCH_ADDED, rows[i].secret);
        assert_woken(rows[i].woken);
        const char *name = json_str(quoted_json(rows[i].secret, &w.mem), "metadata.name");
        assert_int_equal(store_get(w.ctx.store, KIND_SECRET, "ci", name) != NULL, rows[i].kept);
    }
    assert_int_equal(states_get(&w.states, KIND "/ci/builds")->memory.doubt, DOUBT_LOST); /* it is searched again */
    tell(watch_of("Secret", ""), WATCH_DELETED, SECRET("cred", "9"));
    assert_woken("ci/builds urgent, a referenced object changed; ");
}

static void a_child_wakes_its_owner(void **state)
{
    static const char account[] =
        "{'metadata': {'namespace': 'ci', 'name': 'builds-runner', 'uid': 'a', 'resourceVersion': '6', 'annotations': {"
        "'gitlab-runners.dev/owner': 'GitLabRunner/ci/builds', 'gitlab-runners.dev/owner-uid': 'u'}}}";

    (void)state;
    begin(NULL, false);
    list(watch_of("GitLabRunner", ""), (const char *const[]){RUNNER("5", "1", ""), NULL});
    list_all_but_runners();
    *w.woken = *w.noted = '\0';
    tell(watch_of("ServiceAccount", ""), WATCH_ADDED, account);
    assert_woken("ci/builds routine, a child changed; ");
    tell(watch_of("ServiceAccount", ""), WATCH_DELETED, account);
    assert_woken("ci/builds routine, a child changed; ");
    assert_string_equal(w.noted, "ServiceAccount ci/builds-runner; ServiceAccount ci/builds-runner; ");
}

static void what_is_too_large_is_passed_on(void **state)
{
    (void)state;
    begin(NULL, false);
    list(watch_of("GitLabRunner", ""), (const char *const[]){RUNNER("5", "1", ""), NULL});
    tell(watch_of("Secret", ""), WATCH_ADDED,
         "{'metadata': {'namespace': 'ci', 'name': 'x', 'uid': 's', 'resourceVersion': '6'}, 'tooLarge': 'much'}");
    assert_string_equal(w.too_large, "ci/x: much");
    *w.too_large = '\0';
    tell(watch_of("Secret", ""), WATCH_DELETED,
         "{'metadata': {'namespace': 'ci', 'name': 'x', 'uid': 's', 'resourceVersion': '7'}, 'tooLarge': 'much'}");
    assert_string_equal(w.too_large, "");
}

/* Some namespaces alone: what is in one is watched as soon as it can be read. */

static void answer_poll(size_t i, enum err_kind kind)
{
    struct kube_reply reply = {.object = NULL};

    if (kind == ERR_NONE)
        reply.object = quoted_json(
            arena_printf(&w.mem, "{'metadata': {'name': '%s', 'uid': 'n', 'resourceVersion': '3'}}", w.polls[i].ns),
            &w.mem);
    else
        err_set(&reply.err, kind, "Reason", "text");
    w.polls[i].done(w.polls[i].arg, &reply);
}

static void namespaces_are_served_when_they_can_be_read(void **state)
{
    (void)state;
    begin("ci,team", false);
    assert_int_equal(w.watches_len, 2 * (KIND_COUNT - 1));
    assert_int_equal(w.polls_len, 2);
    assert_true(w.polls[0].started && w.polls[1].started);
    assert_null(watch_of("Namespace", "ci"));
    assert_false(watch_of("GitLabRunner", "ci")->started);
    for (enum err_kind kind = ERR_RETRY; kind <= ERR_DENIED; kind++)
        if (kind != ERR_NOT_FOUND && kind != ERR_DENIED)
            answer_poll(0, kind); /* nothing is known */
    assert_false(watch_of("GitLabRunner", "ci")->started);
    answer_poll(0, ERR_NONE);
    assert_true(watch_of("GitLabRunner", "ci")->started);
    assert_non_null(store_get(w.ctx.store, KIND_NAMESPACE, "", "ci"));
    list(watch_of("GitLabRunner", "ci"), NULL);
    assert_false(watch_of("Secret", "ci")->started); /* of the other it is not known whose children are there */
    answer_poll(1, ERR_NOT_FOUND);
    assert_true(watch_of("Secret", "ci")->started);
    assert_false(watch_of("GitLabRunner", "team")->started);
    for (size_t i = 0; i < w.watches_len; i++)
        w.watches[i].synced = strcmp(w.watches[i].ns, "ci") == 0;
    assert_true(informers_synced(w.informers));
    answer_poll(1, ERR_NONE);
    assert_true(watch_of("GitLabRunner", "team")->started);
    assert_false(informers_synced(w.informers));
    answer_poll(0, ERR_NOT_FOUND); /* it is gone, and what was watched goes on */
    assert_null(store_get(w.ctx.store, KIND_NAMESPACE, "", "ci"));
    assert_true(watch_of("GitLabRunner", "ci")->started);
}

/* Only that it is not there, or may not be read, is an answer: until then nobody knows what is in it. */
static void a_namespace_that_cannot_be_asked_for_is_not_settled(void **state)
{
    static const struct {
        enum err_kind kind;
        bool settled;
    } rows[] = {{ERR_RETRY, false}, {ERR_CONFLICT, false}, {ERR_EXPIRED, false},
                {ERR_DENIED, true}, {ERR_INVALID, false},  {ERR_NOT_FOUND, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin("ci", false);
        answer_poll(0, rows[i].kind);
        assert_int_equal(informers_synced(w.informers), rows[i].settled);
        if (i + 1 < ARRAY_LEN(rows))
            teardown(state);
    }
}

/* Secrets by name alone: those that a runner refers to are read. */
static void secrets_are_read_by_name(void **state)
{
    (void)state;
    begin(NULL, true);
    assert_null(watch_of("Secret", ""));
    list(watch_of("GitLabRunner", ""), (const char *const[]){RUNNER("5", "1", ""), NULL});
    assert_string_equal(w.added, "ci/cred; ci/builds-runner-token; ci/builds-runner-config; ");
    assert_string_equal(w.rounds.known(w.rounds.arg, "ci", "cred"), "");
    assert_null(w.rounds.known(w.rounds.arg, "ci", "another"));
    *w.woken = '\0';
    const struct kube_reply found = {.object = quoted_json(SECRET("cred", "6"), &w.mem)};
    w.rounds.read(w.rounds.arg, "ci", "cred", "", &found);
    assert_woken("ci/builds urgent, a referenced object changed; ");
    assert_string_equal(w.rounds.known(w.rounds.arg, "ci", "cred"), "s");
    struct kube_reply gone = {.object = NULL};
    err_set(&gone.err, ERR_RETRY, "Reason", "text");
    w.rounds.read(w.rounds.arg, "ci", "cred", "s", &gone);
    err_set(&gone.err, ERR_NOT_FOUND, "Reason", "text");
    w.rounds.read(w.rounds.arg, "ci", "cred", "older", &gone); /* another has been made meanwhile */
    assert_woken("");
    assert_non_null(store_get(w.ctx.store, KIND_SECRET, "ci", "cred"));
    w.rounds.read(w.rounds.arg, "ci", "cred", "s", &gone);
    assert_woken("ci/builds urgent, a referenced object changed; ");
    assert_null(store_get(w.ctx.store, KIND_SECRET, "ci", "cred"));
}

/* The share of the namespace has no room for it: that is counted, told, and forgotten with the object. */
static void who_has_no_room_is_counted(void **state)
{
    const struct shares *shares;
    struct watch *runners;

    (void)state;
    begin(NULL, false);
    shares = store_shares(w.ctx.store);
    runners = watch_of("GitLabRunner", "");
    shares_set_budget(store_shares(w.ctx.store), 1);
    runners->started = true;
    list(runners, (const char *const[]){RUNNER("5", "1", ""), NULL});
    assert_null(store_get(w.ctx.store, KIND_RUNNER, "ci", "builds"));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    assert_string_equal(w.left_out, "ci/builds");
    assert_woken("");
    list_all_but_runners();
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    list(runners, (const char *const[]){RUNNER("5", "1", ""), NULL});
    assert_int_equal(shares_left_out(shares, "ci"), 1); /* not twice */
    list(runners, (const char *const[]){RUNNER("5", "1", ""), NULL});
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    tell(watch_of("Secret", ""), WATCH_DELETED, SECRET("cred", "8"));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    tell(runners, WATCH_MODIFIED, RUNNER("6", "1", ""));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    tell(watch_of("ServiceAccount", ""), WATCH_DELETED, SECRET("builds-runner", "8"));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    tell(runners, WATCH_DELETED, RUNNER("7", "1", ""));
    assert_int_equal(shares_left_out(shares, "ci"), 0);
    shares_leave_out(store_shares(w.ctx.store), "ci"); /* another one */
    tell(runners, WATCH_ADDED, RUNNER("8", "1", ""));
    assert_int_equal(shares_left_out(shares, "ci"), 2);
    tell(runners, WATCH_MODIFIED, RUNNER("9", "1", ""));
    assert_int_equal(shares_left_out(shares, "ci"), 2);
    shares_set_budget(store_shares(w.ctx.store), 1 << 20);
    tell(runners, WATCH_MODIFIED, RUNNER("10", "1", ""));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    tell(runners, WATCH_MODIFIED, RUNNER("11", "2", "")); /* it is in already: the other one is not let in for it */
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    assert_non_null(store_get(w.ctx.store, KIND_RUNNER, "ci", "builds"));
    tell(runners, WATCH_DELETED, RUNNER("12", "2", ""));
    assert_int_equal(shares_left_out(shares, "ci"), 1);
    tell(runners, WATCH_ADDED, RUNNER("13", "1", ""));
    *w.woken = '\0';
    shares_set_budget(store_shares(w.ctx.store), 1);
    tell(runners, WATCH_MODIFIED, arena_printf(&w.mem, RUNNER("14", "1", "'much': '%02000d'"), 0));
    assert_null(store_get(w.ctx.store, KIND_RUNNER, "ci", "builds"));
    assert_woken("ci/builds urgent, the object changed; "); /* what it was is forgotten */
}

static void show(void *arg, const struct informer_facts *facts)
{
    put(arg, 500,
        arena_printf(&w.mem, "%s/%s %zu %s%s %s%d%d", facts->ns, facts->kind, facts->objects, facts->state,
                     facts->version, facts->problem, facts->synced, (int)facts->counts.lists));
}

static void each_watch_is_shown(void **state)
{
    char text[500] = "";

    (void)state;
    begin("ci", true);
    answer_poll(0, ERR_NONE);
    list(watch_of("GitLabRunner", "ci"), (const char *const[]){RUNNER("5", "1", ""), NULL});
    informers_each(w.informers, show, text);
    assert_string_equal(text, "ci/GitLabRunner 1 stream100 11; ci/ConfigMap 0 idle 00; ci/ServiceAccount 0 idle 00; "
                              "ci/RoleBinding 0 idle 00; ci/Deployment 0 idle 00; ci/PodDisruptionBudget 0 idle 00; ");
}

/* A Secret goes to the informer of its own namespace. */
static void each_namespace_has_its_own_list(void **state)
{
    (void)state;
    begin("ci,team", true);
    const struct kube_reply found = {.object =
                                         quoted_json("{'metadata': {'namespace': 'team', 'name': 'cred', 'uid': 's', "
                                                     "'resourceVersion': '6'}}",
                                                     &w.mem)};
    answer_poll(1, ERR_NONE);
    tell(watch_of("GitLabRunner", "team"), WATCH_ADDED,
         "{'metadata': {'namespace': 'team', 'name': 'b', 'uid': 'u', 'resourceVersion': '5'}, 'spec': {"
         "'authentication': {'accessTokenSecretRef': {'name': 'cred'}}}}");
    *w.woken = '\0';
    w.rounds.read(w.rounds.arg, "team", "cred", "", &found);
    assert_non_null(store_get(w.ctx.store, KIND_SECRET, "team", "cred"));
    assert_woken("team/b urgent, a referenced object changed; ");
}

/* Runners that there was no room for are listed once more when there is, or when they could be told now. */
/* It was served, and an answer said that it is gone before the watch does: that lets in nobody who is left out. */
static void who_is_buried_was_not_left_out(void **state)
{
    struct watch *runners;

    (void)state;
    begin(NULL, false);
    runners = watch_of("GitLabRunner", "");
    runners->started = true;
    list(runners, (const char *const[]){RUNNER("5", "1", ""), NULL});
    shares_leave_out(store_shares(w.ctx.store), "ci"); /* another one */
    const struct record *served = store_get(w.ctx.store, KIND_RUNNER, "ci", "builds");
    store_bury(w.ctx.store, KIND_RUNNER, "ci", "builds", served->uid);
    tell(runners, WATCH_DELETED, RUNNER("7", "1", ""));
    assert_int_equal(shares_left_out(store_shares(w.ctx.store), "ci"), 1);
}

static void who_was_left_out_is_looked_at_again(void **state)
{
    (void)state;
    begin(NULL, false);
    w.look(w.look_arg);
    assert_int_equal(watch_of("GitLabRunner", "")->again, 0); /* nobody was */
    int64_t soonest = INT64_MAX, latest = 0;
    for (int i = 0; i < 500; i++) {
        w.look(w.look_arg);
        soonest = w.look_ms < soonest ? w.look_ms : soonest;
        latest = w.look_ms > latest ? w.look_ms : latest;
    }
    assert_in_range(soonest, 30000, 32000);
    assert_in_range(latest, 48000, 50000);
    shares_leave_out(store_shares(w.ctx.store), "ci");
    w.skipped = true;
    w.look(w.look_arg);
    assert_int_equal(watch_of("GitLabRunner", "")->again, 1);
    assert_int_equal(watch_of("Secret", "")->again, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_runners_come_first, teardown),
        cmocka_unit_test_teardown(edits_are_urgent, teardown),
        cmocka_unit_test_teardown(what_is_known_wakes_nobody, teardown),
        cmocka_unit_test_teardown(what_a_list_leaves_out_is_gone, teardown),
        cmocka_unit_test_teardown(a_secret_wakes_who_names_it_or_made_it, teardown),
        cmocka_unit_test_teardown(a_child_wakes_its_owner, teardown),
        cmocka_unit_test_teardown(what_is_too_large_is_passed_on, teardown),
        cmocka_unit_test_teardown(namespaces_are_served_when_they_can_be_read, teardown),
        cmocka_unit_test_teardown(a_namespace_that_cannot_be_asked_for_is_not_settled, teardown),
        cmocka_unit_test_teardown(secrets_are_read_by_name, teardown),
        cmocka_unit_test_teardown(who_is_buried_was_not_left_out, teardown),
        cmocka_unit_test_teardown(who_was_left_out_is_looked_at_again, teardown),
        cmocka_unit_test_teardown(who_has_no_room_is_counted, teardown),
        cmocka_unit_test_teardown(each_watch_is_shown, teardown),
        cmocka_unit_test_teardown(each_namespace_has_its_own_list, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
