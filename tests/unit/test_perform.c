/* What an apply alone cannot do, because somebody else owns it, too: who has restored an object from a backup. What is
 * looked at after a refusal. What goes into the ledger. With an API server and a ledger's index of the test's own, in
 * the place of kube/client.c and operator/orphans.c. */
#include "golden.h"

#include "base/key.h"
#include "base/mem.h"
#include "net/loop.h"
#include "operator/ledger.h"
#include "operator/orphans.h"
#include "operator/perform.h"
#include "operator/reads.h"
#include "runner/names.h"

static struct world {
    struct kube_request request; /* the last one */
    char path[300], body[1000];
    int requests;
    struct context ctx;
    struct list echoes;
    struct state state;
    struct turn turn;
    bool ready; /* the turn goes on */
    struct stats stats;
    const char *proxy;    /* the operator's own */
    bool full;            /* the ledger */
    const char *admitted; /* the entry's key */
    int written;          /* 1: told that it was, -1: that it was not */
    char event[300];
} w;

int64_t loop_now(const struct loop *loop)
{
    (void)loop;
    return 1000;
}

int64_t loop_wall(const struct loop *loop)
{
    (void)loop;
    return 1000000000;
}

void turn_event(const struct turn *turn, bool warning, const char *reason, const char *note)
{
    assert_ptr_equal(turn, &w.turn);
    snprintf(w.event, sizeof(w.event), "%s %s: %s", warning ? "Warning" : "Normal", reason, note);
}

const char *gitlab_proxy(const struct gitlab *gitlab, const struct host **ret_fares)
{
    (void)gitlab;
    *ret_fares = NULL;
    return w.proxy;
}

bool orphans_admit(struct orphans *orphans, const char *key, const char *ns, const char *what, size_t size,
                   struct err *err)
{
    (void)orphans;
    w.admitted = key;
    assert_string_equal(ns, "ci");
    assert_string_equal(what, "runner 7 at https://x, of ci/builds");
    assert_true(size > strlen(key) + strlen("token-of-7"));
    return !w.full || err_set(err, ERR_RETRY, "LedgerFull", "full");
}

bool orphans_next_leaving(const struct orphans *orphans, const char *newcomer, size_t *i, const char **ret_key)
{
    (void)orphans;
    assert_string_equal(newcomer, w.admitted);
    *ret_key = "heavy-9";
    return (*i)++ == 0;
}

void orphans_written(struct orphans *orphans, const char *key, bool success)
{
    (void)orphans;
    assert_string_equal(key, w.admitted);
    w.written = success ? 1 : -1;
}

void turn_ready(struct turn *turn)
{
    assert_ptr_equal(turn, &w.turn);
    echo_end(&turn->echo);
    w.ready = true;
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    (void)client;
    w.request = *request;
    snprintf(w.path, sizeof(w.path), "%s %s", request->method, request->path);
    snprintf(w.body, sizeof(w.body), "%s", request->body ? request->body : "");
    return (uint64_t)++w.requests;
}

static const char *data_key; /* of the last read */

void reads_ask(struct turn *turn, enum kind kind, const char *name, const char *key, bool shared, kube_done_fn *done)
{
    (void)turn, (void)kind, (void)name, (void)shared, (void)done;
    data_key = key;
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.requests = 0};
    list_init(&w.echoes);
    w.ctx = (struct context){
        .store = kinds_store_create(), .stats = &w.stats, .ns = "gitlab-runner-controller", .echoes = &w.echoes};
    w.turn = (struct turn){.ctx = &w.ctx, .state = &w.state, .work = {.state = WORK_WAITING}};
    list_init(&w.turn.echo.among);
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

/* However large it is; of an account there is no data. */
static void all_keys_of_a_caches_secret_are_read(void **state)
{
    struct spec spec = {.cache = arena_json(&w.turn.mem, json_build("{type: 's3', s3: {credentialsSecretRef: {name: "
                                                                    "'cache'}}}")),
                        .manager.service_account_name = "theirs"};

    (void)state;
    w.turn.observed.spec = &spec;
    perform(&w.turn, &(struct action){.kind = ACT_READ, .rule = "read-cache", .read = READ_CACHE});
    assert_string_equal(data_key, "*");
    perform(&w.turn, &(struct action){.kind = ACT_READ, .rule = "read-account", .read = READ_ACCOUNT});
    assert_null(data_key);
}

/* A token Secret whose controller is the former object of this name. */
static struct json_object *restored_secret(void)
{
    return json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s, "
                      "resourceVersion: '7', finalizers: ['" FINALIZER "'], annotations: {'" ANNOTATION_OWNER
                      "': %s, '" ANNOTATION_OWNER_UID "': former}, ownerReferences: ["
                      "{apiVersion: '" API_VERSION "', kind: '" KIND "', name: builds, uid: former, controller: true}, "
                      "{apiVersion: v1, kind: ConfigMap, name: theirs, uid: x}]}}",
                      (const char *)key_text(KIND, "ci", "builds").text);
}

static void answer_object(struct json_object *object)
{
    const struct kube_reply reply = {.object = object};

    w.request.done(w.request.arg, &reply);
}

static void answer_err_code(enum err_kind kind, int code)
{
    struct kube_reply reply = {.object = NULL};

    err_set(&reply.err, kind, "Reason", "text");
    reply.err.code = code;
    w.request.done(w.request.arg, &reply);
}

static void answer_err(enum err_kind kind)
{
    answer_err_code(kind, 0);
}

static const struct failure *only_failure(void)
{
    const struct troubles *t = memory_troubles(&w.state.memory);

    assert_int_equal(t->len, 1);
    return &t->failures[0];
}

static void has_one_controller(void **state)
{
    cleanup_json struct json_object *secret = restored_secret();
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s}}");
    const struct action act = {
        .kind = ACT_APPLY, .rule = "inherit", .apply = {.child = CHILD_TOKEN_SECRET, .manifest = manifest, .uid = "s"}};

    (void)state;
    context_learn_written(&w.ctx, KIND_SECRET, secret);
    perform(&w.turn, &act);
    assert_string_equal(w.request.method, "GET");
    answer_object(secret);
    assert_string_equal(w.request.content_type, "application/merge-patch+json");
    assert_non_null(strstr(w.body, "\"resourceVersion\":\"7\""));
    assert_non_null(strstr(w.body, "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\""));
    assert_null(strstr(w.body, "former"));
    assert_null(strstr(w.body, "managedFields"));
    answer_object(secret);
    assert_string_equal(w.request.content_type, "application/apply-patch+yaml");
    assert_int_equal(w.requests, 3);
}

/* One that is ours already, by apply alone, is applied at once; so is it when nobody else is its controller. */
static void our_own_is_applied_at_once(void **state)
{
    cleanup_json struct json_object *secret = restored_secret();
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s}}");
    const struct action act = {
        .kind = ACT_APPLY, .rule = "save", .apply = {.child = CHILD_TOKEN_SECRET, .manifest = manifest, .uid = "s"}};

    (void)state;
    w.turn.observed.owner.uid = "former";
    context_learn_written(&w.ctx, KIND_SECRET, secret);
    perform(&w.turn, &act);
    assert_string_equal(w.request.content_type, "application/apply-patch+yaml");
    assert_int_equal(w.requests, 1);
}

/* Somebody has taken the former controller off it, or made another one in its place: the apply will tell. */
static void what_needs_no_handing_over_is_applied(void **state)
{
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s}}");
    const struct action act = {
        .kind = ACT_APPLY, .rule = "inherit", .apply = {.child = CHILD_TOKEN_SECRET, .manifest = manifest, .uid = "s"}};

    for (int another = 0; another < 2; another++) {
        cleanup_json struct json_object *known = restored_secret(), *now = restored_secret();
        teardown(state);
        setup(state);
        context_learn_written(&w.ctx, KIND_SECRET, known);
        perform(&w.turn, &act);
        assert_string_equal(w.request.method, "GET");
        if (another)
            json_set_str(now, "metadata.uid", "t");
        else
            json_set(now, "metadata.ownerReferences", json_build("[]"));
        answer_object(now);
        assert_string_equal(w.request.content_type, "application/apply-patch+yaml");
        assert_int_equal(w.requests, 2);
    }
}

/* It has gone between the two: then there is nothing that a policy would let us put right. */
static void what_has_gone_is_not_applied_after_a_refusal(void **state)
{
    cleanup_json struct json_object *secret = restored_secret();
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: ci, name: 'builds-runner-token', uid: s}}");
    const struct action act = {
        .kind = ACT_APPLY, .rule = "inherit", .apply = {.child = CHILD_TOKEN_SECRET, .manifest = manifest, .uid = "s"}};

    (void)state;
    context_learn_written(&w.ctx, KIND_SECRET, secret);
    perform(&w.turn, &act);
    answer_object(secret);
    store_bury(w.ctx.store, KIND_SECRET, "ci", "builds-runner-token", "s");
    answer_err(ERR_DENIED);
    assert_int_equal(w.requests, 2);
    assert_int_equal(only_failure()->attempt.err.kind, ERR_DENIED);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The status */

static struct json_object *object_with_status(const char *version, const char *ready)
{
    return json_build("{apiVersion: '" API_VERSION "', kind: '" KIND "', metadata: {namespace: ci, name: builds, "
                      "uid: u, resourceVersion: %s, generation: %d}, status: {ready: %s}}",
                      version, (int64_t)1, ready);
}

static void begin_with_status(const char *version, const char *ready)
{
    struct json_object *object = arena_json(&w.turn.mem, object_with_status(version, ready));
    const struct record record = kind_record(KIND_RUNNER, object, w.ctx.store, &w.turn.mem);

    w.turn.record = record_copy(&kept_layouts[KIND_RUNNER], &record, &w.turn.mem);
    w.turn.observed.generation = 1;
    context_learn_written(&w.ctx, KIND_RUNNER, object);
}

static void write_status(void)
{
    cleanup_json struct json_object *status = json_build("{ready: 'yes'}");

    w.ready = false;
    perform(&w.turn, &(struct action){.kind = ACT_STATUS, .rule = "status", .status = status});
}

/* In a turn that began with version 7 and "no"; the watch has told of version 8 and this since. */
static void write_status_after(const char *ready)
{
    cleanup_json struct json_object *now = object_with_status("8", ready);

    begin_with_status("7", "no");
    context_learn_written(&w.ctx, KIND_RUNNER, now);
    write_status();
}

static void put_finalizer_on(int64_t generation)
{
    cleanup_json struct json_object *object = object_with_status("8", "no");

    begin_with_status("7", "no");
    json_set_int(object, "metadata.generation", generation);
    perform(&w.turn, &(struct action){.kind = ACT_FINALIZER, .rule = "hold", .hold_finalizer = true});
    answer_object(object);
    assert_true(w.turn.observed.finalizer);
}

/* What GitLab answers later is about the object as the finalizer was put on it; about the spec that the turn has seen,
 * when there is another one by then. */
static void a_turn_is_about_the_spec_that_it_has_seen(void **state)
{
    put_finalizer_on(1);
    assert_false(w.turn.stale);
    assert_string_equal(w.turn.record.version, "8");
    teardown(state);
    setup(state);
    put_finalizer_on(2);
    assert_true(w.turn.stale);
    assert_string_equal(w.turn.record.version, "7");
}

/* The answer to a write did not come, and the watch tells of it when the next turn has begun. */
static void a_status_that_is_news_is_not_written_over(void **state)
{
    (void)state;
    write_status_after("yes");
    assert_int_equal(w.requests, 0);
    assert_true(w.turn.stale && w.ready);
}

/* What others change beside it is no news of it. */
static void a_status_is_written_to_the_newest_version(void **state)
{
    (void)state;
    write_status_after("no");
    assert_int_equal(w.requests, 1);
    assert_non_null(strstr(w.body, "\"resourceVersion\":\"8\""));
    assert_non_null(strstr(w.path, "/status?"));
}

static void a_turn_may_write_its_status_twice(void **state)
{
    cleanup_json struct json_object *written = object_with_status("8", "yes");

    (void)state;
    begin_with_status("7", "no");
    write_status();
    answer_object(written);
    assert_true(w.ready && !w.turn.stale);
    write_status();
    assert_int_equal(w.requests, 2);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Deletions */

static struct json_object *ending_deployment(const char *managed_by)
{
    return json_build(
        "{apiVersion: 'apps/v1', kind: Deployment, metadata: {namespace: ci, name: 'builds-runner', uid: d, "
        "resourceVersion: '7', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [foregroundDeletion], "
        "labels: {" LABEL_MANAGED_BY ": %s}, annotations: {'" ANNOTATION_OWNER "': %s, '" ANNOTATION_OWNER_UID
        "': u}}}",
        managed_by, (const char *)key_text(KIND, "ci", "builds").text);
}

static void delete_deployment(const char *managed_by)
{
    cleanup_json struct json_object *ending = ending_deployment(managed_by);
    const struct action act = {
        .kind = ACT_DELETE,
        .rule = "drain",
        .delete = {.kind = "Deployment", .ns = "ci", .name = "builds-runner", .uid = "d", .foreground = true}};

    perform(&w.turn, &act);
    assert_string_equal(w.request.method, "DELETE");
    answer_object(ending);
}

static bool is_kept(void)
{
    return store_get(w.ctx.store, KIND_DEPLOYMENT, "ci", "builds-runner");
}

static void what_ends_slowly_is_waited_for(void **state)
{
    (void)state;
    delete_deployment(FIELD_MANAGER);
    assert_int_equal(w.requests, 1);
    assert_true(w.ready);
    assert_true(is_kept());
}

/* Or nobody would tell of its end. */
static void what_ends_is_shown_again(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        cleanup_json struct json_object *answer = ending_deployment(again ? "helm" : FIELD_MANAGER);
        w.ready = false;
        delete_deployment("helm");
        assert_false(w.ready);
        assert_false(is_kept());
        assert_string_equal(w.request.content_type, "application/merge-patch+json");
        assert_string_equal(w.body, "{\"metadata\":{\"namespace\":\"ci\",\"name\":\"builds-runner\",\"uid\":\"d\","
                                    "\"labels\":{\"" LABEL_MANAGED_BY "\":\"" FIELD_MANAGER "\"}}}");
        answer_object(answer);
        assert_true(w.ready);
        assert_int_equal(is_kept(), !again);
        store_bury(w.ctx.store, KIND_DEPLOYMENT, "ci", "builds-runner", "d");
    }
    assert_int_equal(w.requests, 4);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Refused */

static void apply_account(struct json_object *manifest)
{
    const struct action act = {
        .kind = ACT_APPLY, .rule = "account", .apply = {.child = CHILD_SERVICE_ACCOUNT, .manifest = manifest}};

    perform(&w.turn, &act);
    assert_string_equal(w.request.method, "POST");
}

static struct json_object *an_account(const char *owner_uid)
{
    return json_build("{apiVersion: v1, kind: ServiceAccount, metadata: {namespace: ci, name: 'builds-runner', uid: a, "
                      "resourceVersion: '7', annotations: {'" ANNOTATION_OWNER "': %s, '" ANNOTATION_OWNER_UID
                      "': %s}}}",
                      (const char *)key_text(KIND, "ci", "builds").text, owner_uid);
}

/* What is there already is looked at: then it is somebody else's, or known. */
static void what_is_there_is_looked_at(void **state)
{
    static const struct {
        const char *owner_uid;
        bool foreign, known;
    } cases[] = {{"u", false, true}, {"another", true, false}, {NULL, false, false}};
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: ServiceAccount, metadata: {namespace: ci, name: 'builds-runner'}}");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        teardown(state);
        setup(state);
        apply_account(manifest);
        answer_err(ERR_CONFLICT);
        assert_false(w.ready);
        assert_string_equal(w.path, "GET /api/v1/namespaces/ci/serviceaccounts/builds-runner");
        cleanup_json struct json_object *found = cases[i].owner_uid ? an_account(cases[i].owner_uid) : NULL;
        if (found)
            answer_object(found);
        else
            answer_err(ERR_NOT_FOUND);
        assert_true(w.ready);
        assert_int_equal(w.state.memory.foreign[CHILD_SERVICE_ACCOUNT], cases[i].foreign);
        assert_int_equal(store_get(w.ctx.store, KIND_SERVICE_ACCOUNT, "ci", "builds-runner") != NULL, cases[i].known);
        assert_int_equal(memory_troubles(&w.state.memory)->len, 0);
    }
}

static void who_may_not_look_has_failed(void **state)
{
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: ServiceAccount, metadata: {namespace: ci, name: 'builds-runner'}}");

    (void)state;
    apply_account(manifest);
    answer_err(ERR_CONFLICT);
    answer_err(ERR_DENIED);
    assert_true(w.ready);
    assert_string_equal(only_failure()->attempt.rule, "account");
    assert_int_equal(only_failure()->attempt.err.kind, ERR_DENIED);
    assert_false(w.state.memory.foreign[CHILD_SERVICE_ACCOUNT]);
}

static void what_is_deleted_is_looked_at(void **state)
{
    const struct action act = {
        .kind = ACT_DELETE, .rule = "drain", .delete = {.kind = "Deployment", .ns = "jobs", .name = "b", .uid = "d"}};

    (void)state;
    perform(&w.turn, &act);
    assert_string_equal(w.request.method, "DELETE");
    answer_err(ERR_CONFLICT);
    assert_string_equal(w.path, "GET /apis/apps/v1/namespaces/jobs/deployments/b");
}

/* The watch may be behind: then the turn begins anew; or it shows the same, and the call is made later. */
static void an_object_that_has_changed_is_begun_anew(void **state)
{
    static const struct {
        const char *known;
        bool stale;
    } cases[] = {{"6", true}, {"7", false}, {"8", false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        w.turn.observed.version = cases[i].known;
        w.turn.work.state = WORK_WAITING;
        w.ready = w.turn.stale = false;
        give_up();
        answer_err(ERR_CONFLICT);
        assert_string_equal(w.request.method, "GET");
        answer_with(json_build("[]"));
        assert_true(w.ready);
        assert_int_equal(w.turn.stale, cases[i].stale);
        assert_int_equal(memory_troubles(&w.state.memory)->len, !cases[i].stale);
    }
    assert_string_equal(only_failure()->attempt.err.reason, "Conflict");
    w.turn.stale = false;
    w.turn.work.state = WORK_WAITING;
    give_up();
    answer_err(ERR_NOT_FOUND);
    answer_err(ERR_NOT_FOUND);
    assert_true(w.turn.stale);
}

/* Its object has gone with it, though the watch does not show it yet. */
static void what_has_no_namespace_has_no_object(void **state)
{
    static const struct {
        enum err_kind object;
        size_t failures;
    } cases[] = {{ERR_NOT_FOUND, 0}, {ERR_NONE, 1}, {ERR_RETRY, 1}};
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: ServiceAccount, metadata: {namespace: ci, name: 'builds-runner'}}");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        teardown(state);
        setup(state);
        apply_account(manifest);
        answer_err(ERR_NOT_FOUND);
        assert_false(w.ready);
        assert_string_equal(w.path, "GET /apis/gitlab-runners.dev/v1beta1/namespaces/ci/gitlabrunners/builds");
        if (cases[i].object == ERR_NONE)
            answer_with(json_build("[]"));
        else
            answer_err(cases[i].object);
        assert_true(w.ready);
        assert_false(w.turn.stale);
        assert_int_equal(memory_troubles(&w.state.memory)->len, cases[i].failures);
    }
}

/* A token that no Secret has yet is not forgotten with the turn. */
static void who_alone_knows_a_runner_sees_to_its_end(void **state)
{
    const struct registration issued = {.runner_id = 4, .url = "https://x", .token = "t"};

    (void)state;
    memory_issue(&w.state.memory, &issued);
    give_up();
    answer_err(ERR_NOT_FOUND);
    answer_err(ERR_NOT_FOUND);
    assert_true(w.ready);
    assert_false(w.turn.stale);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * GitLab's answers */

/* The managers may get through by the spec's proxy, and the operator not. */
static void a_proxy_that_the_operator_has_not_is_told_of(void **state)
{
    static const struct {
        const char *of_spec, *of_operator, *reason;
        bool told;
    } cases[] = {
        {"http://proxy", NULL, "ConnectTimeout", true},
        {NULL, NULL, "ConnectTimeout", false},
        {"http://proxy", "http://own", "ConnectTimeout", false},
        {"http://proxy", NULL, "ServerError", false},
    };

    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        bool https = i >= ARRAY_LEN(cases);
        size_t n = i % ARRAY_LEN(cases);
        const struct spec spec = {.proxy.http = https ? NULL : cases[n].of_spec,
                                  .proxy.https = https ? cases[n].of_spec : NULL};
        struct gitlab_answer answer = {.id = 0};
        teardown(state);
        setup(state);
        stats_init(&w.stats);
        w.proxy = cases[n].of_operator;
        w.turn.observed.spec = &spec;
        w.turn.asked = (struct action){
            .kind = ACT_GITLAB, .rule = "register", .gitlab = {.call = GITLAB_CREATE, .url = "https://x"}};
        err_set(&answer.err, ERR_RETRY, cases[n].reason, "it failed");
        perform_gitlab_answered(&w.turn, &answer);
        assert_memory_equal(only_failure()->attempt.err.text, "it failed", strlen("it failed"));
        assert_int_equal(strstr(only_failure()->attempt.err.text, "--gitlab-proxy") != NULL, cases[n].told);
        w.turn.observed.spec = NULL;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Events */

static void runners_that_nobody_can_deregister_are_counted(void **state)
{
    static const struct {
        const char *reason;
        unsigned count;
    } cases[] = {{"OrphanedRunner", 1}, {"PossibleOrphan", 1}, {"OrphanedRunner", 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct action act = {
            .kind = ACT_REPORT, .rule = "report", .report = {.reason = cases[i].reason, .message = "m"}};
        w.ready = false;
        perform(&w.turn, &act);
        assert_non_null(strstr(w.path, "/events"));
        answer_err_code(ERR_DENIED, 403); /* that nobody was told makes no difference */
        assert_true(w.ready);
        assert_string_equal(w.state.memory.reported, cases[i].reason);
        assert_int_equal(w.stats.orphans.unrecorded, cases[i].count);
    }
}

static void is_reported_again(enum err_kind kind)
{
    enum { TRIES = 8 };
    const struct action act = {
        .kind = ACT_REPORT, .rule = "report", .report = {.reason = "RunnerKept", .message = "m"}};
    unsigned tries = 0;

    w.state.memory.reported = NULL;
    for (; !w.state.memory.reported && tries < 2 * TRIES; tries++) {
        perform(&w.turn, &act);
        answer_err(kind);
        assert_int_equal(memory_failures(&w.state.memory, RULE_REPORT), tries < TRIES ? tries + 1 : 0);
    }
    assert_int_equal(tries, TRIES + 1);
    assert_int_equal(memory_troubles(&w.state.memory)->len, 0);
}

/* It is not done with for want of a network, or of a certificate that can be trusted; nor does it wait for ever. */
static void what_nobody_has_heard_is_reported_again(void **state)
{
    (void)state;
    is_reported_again(ERR_RETRY);
    is_reported_again(ERR_DENIED);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The ledger */

static void leave_behind(const char *address)
{
    const struct action act = {
        .kind = ACT_RECORD,
        .rule = "record",
        .record = {
            .runner_id = 7, .url = "https://x", .token = "token-of-7", .address = address, .why = "it did not answer"}};

    perform(&w.turn, &act);
}

static void who_is_left_behind_is_recorded(void **state)
{
    (void)state;
    leave_behind(NULL);
    assert_string_equal(w.path, "PATCH /api/v1/namespaces/gitlab-runner-controller/secrets/" LEDGER_NAME
                                "?fieldManager=" FIELD_MANAGER);
    assert_non_null(strstr(w.body, w.admitted));
    assert_non_null(strstr(w.body, "\"heavy-9\":null"));
    answer_object(NULL);
    assert_int_equal(w.written, 1);
    assert_true(w.ready);
    assert_int_equal(w.stats.orphans.recorded, 1);
    assert_string_equal(w.event,
                        "Warning OrphanedRunner: runner 7 was left behind at https://x: it did not answer; Secret "
                        "gitlab-runner-controller/" LEDGER_NAME
                        " keeps its token, and it is deregistered when GitLab allows it");
    assert_true(w.state.memory.deregistered);
}

/* There is no ledger yet: it is made; somebody else may do so at the same time. */
static void the_first_makes_the_ledger(void **state)
{
    (void)state;
    leave_behind(NULL);
    answer_err(ERR_NOT_FOUND);
    assert_int_equal(w.written, 0);
    assert_string_equal(w.request.method, "POST");
    assert_non_null(strstr(w.body, w.admitted));
    answer_err(ERR_CONFLICT);
    assert_int_equal(w.written, -1);
    assert_true(w.ready);
    assert_int_equal(only_failure()->attempt.err.kind, ERR_RETRY);
    assert_int_equal(w.stats.orphans.recorded, 0);
    assert_string_equal(w.event, "");
}

static void what_has_no_place_is_tried_later(void **state)
{
    cleanup_arena struct arena a = {0};
    char *much = arena_alloc(&a, 30001);

    (void)state;
    w.full = true;
    leave_behind(NULL);
    assert_int_equal(w.requests, 0);
    assert_true(w.ready);
    assert_string_equal(only_failure()->attempt.err.reason, "LedgerFull");
    w.admitted = NULL;
    w.turn.work.state = WORK_WAITING;
    leave_behind(memset(much, 'x', 30000));
    assert_null(w.admitted);
    assert_string_equal(only_failure()->attempt.err.reason, "TooLarge");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_off_by_an_apply, setup, teardown),
        cmocka_unit_test_setup_teardown(all_keys_of_a_caches_secret_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(comes_off_by_a_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(has_one_controller, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_is_applied_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_needs_no_handing_over_is_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_gone_is_not_applied_after_a_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_is_about_the_spec_that_it_has_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(a_status_that_is_news_is_not_written_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_status_is_written_to_the_newest_version, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_may_write_its_status_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_slowly_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_is_shown_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_there_is_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may_not_look_has_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_deleted_is_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(an_object_that_has_changed_is_begun_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_namespace_has_no_object, setup, teardown),
        cmocka_unit_test_setup_teardown(who_alone_knows_a_runner_sees_to_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proxy_that_the_operator_has_not_is_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(runners_that_nobody_can_deregister_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_has_heard_is_reported_again, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_left_behind_is_recorded, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_makes_the_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_place_is_tried_later, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
