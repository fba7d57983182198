#include "reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/event.h"
#include "kube/queue.h"
#include "kube/version.h"
#include "kube/watch.h"
#include "net/loop.h"
#include "runner/names.h"

enum {
    TURNS_MAX = 64,           /* runners worked on at the same time: enough to keep one connection busy          */
    STEPS_PER_WAKE = 256,     /* then back to the sockets                                                        */
    RECHECK_MS = 60 * 1000,   /* a runner that waits for something that no watch shows (a taken name) looks again */
};

/* One watched kind: what its handler needs. */
struct feed {
    struct reconciler *rec;
    enum kind kind;
    struct watch *watch;
};

struct reconciler {
    struct loop *loop;
    struct kube_client *client;
    struct gitlab *gitlab;
    struct reconciler_settings settings;
    struct store *store;
    struct queue *queue;
    struct states states;
    struct feed feeds[KIND_COUNT];
    struct list turns;
    size_t turns_len;
    struct loop_timer *timer; /* for the next delayed key */
    void (*drained)(void *arg);
    void *drained_arg;
    struct {
        uint64_t done, waiting, stalled, failing;
    } results;
};

struct kube_client *reconciler_client(struct reconciler *rec)
{
    return rec->client;
}

struct gitlab *reconciler_gitlab(struct reconciler *rec)
{
    return rec->gitlab;
}

struct store *reconciler_store(struct reconciler *rec)
{
    return rec->store;
}

int64_t reconciler_now(const struct reconciler *rec)
{
    return loop_now(rec->loop);
}

bool reconciler_synced(const struct reconciler *rec)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (!watch_synced(rec->feeds[kind].watch))
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * From the watches to the queue */


/* Wakes the runners whose spec names the object (of their own namespace, or the namespace itself). */
static void wake_referrers(struct reconciler *rec, enum kind kind, const char *ns, const char *name)
{
    const char *key;
    void *value;
    size_t ns_len = strlen(ns);

    for (size_t i = 0; map_iter(&rec->states.by_key, &i, &key, &value);) {
        if (ns_len && (strncmp(key, ns, ns_len) != 0 || key[ns_len] != '/'))
            continue;
        if (!state_refers_to(value, kind_resource(kind)->kind, name))
            continue;
        state_forgive(value);
        queue_add(rec->queue, key, "a referenced object changed");
    }
}

static void wake(struct reconciler *rec, enum kind kind, const char *ns, const char *name, const char *owner)
{
    char key[600];

    snprintf(key, sizeof(key), "%s/%s", ns, name);
    if (kind == KIND_RUNNER)
        queue_add(rec->queue, key, "the object changed");
    else if (*owner)
        queue_add(rec->queue, owner, "a child changed");
    else
        wake_referrers(rec, kind, ns, name);
}

static void put(struct reconciler *rec, enum kind kind, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct record record = kind_record(kind, object, rec->store, &rec->settings.render, &a);

    store_put(rec->store, kind, &record);
}

/* What is being deleted and held by nobody is gone by the time that its last answer arrives. */
static bool is_gone(struct json_object *object)
{
    return json_get(object, "metadata.deletionTimestamp") && json_len(json_get(object, "metadata.finalizers")) == 0;
}

void reconciler_learn(struct reconciler *rec, enum kind kind, struct json_object *object)
{
    if (is_gone(object))
        store_remove(rec->store, kind, json_str_or(object, "metadata.namespace", ""), json_str_or(object, "metadata.name", ""));
    else if (object)
        put(rec, kind, object);
}

/* An answer may have told us of this version, or a newer one, before the watch does. */
static bool is_news(const struct record *known, struct json_object *object)
{
    return !known || strcmp(known->uid, json_str_or(object, "metadata.uid", "")) != 0 ||
           kube_version_compare(json_str_or(object, "metadata.resourceVersion", ""), known->version) > 0;
}

static void on_object(void *arg, enum watch_type type, struct json_object *object)
{
    struct feed *feed = arg;
    struct reconciler *rec = feed->rec;
    const char *ns = json_str_or(object, "metadata.namespace", ""), *name = json_str_or(object, "metadata.name", "");
    const struct record *known = store_get(rec->store, feed->kind, ns, name);
    cleanup_free char *owner = mem_strdup(known ? known->owner : "");

    if (!is_news(known, object)) {
        store_touch(rec->store, feed->kind, ns, name);
        return;
    }
    if (type == WATCH_DELETED) {
        store_remove(rec->store, feed->kind, ns, name);
    } else {
        put(rec, feed->kind, object);
        known = store_get(rec->store, feed->kind, ns, name);
        free(owner);
        owner = mem_strdup(known->owner);
    }
    wake(rec, feed->kind, ns, name, owner);
}

static void on_list_begin(void *arg)
{
    struct feed *feed = arg;

    store_list_begin(feed->rec->store, feed->kind);
}

static void on_gone(void *arg, unsigned kind, const struct record *record)
{
    wake(arg, kind, record->ns, record->name, record->owner);
}

/* The runners come first: what is kept of their children depends on what their specs ask for. */
static void on_list_end(void *arg)
{
    struct feed *feed = arg;
    struct reconciler *rec = feed->rec;
    char count[24];

    store_list_end(rec->store, feed->kind, on_gone, rec);
    snprintf(count, sizeof(count), "%zu", store_count(rec->store, feed->kind));
    log_event(LOG_INFO, "watch", "listed", "kind", kind_resource(feed->kind)->kind, "count", count, NULL);
    for (enum kind kind = KIND_RUNNER + 1; feed->kind == KIND_RUNNER && kind < KIND_COUNT; kind++)
        watch_start(rec->feeds[kind].watch);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Turns */

void reconciler_event(const struct turn *turn, bool warning, const char *reason, const char *note)
{
    const struct owner *owner = &turn->observed.owner;
    const struct event event = {
        .regarding = {.api_version = API_VERSION, .kind = KIND, .ns = owner->ns, .name = owner->name, .uid = owner->uid},
        .warning = warning,
        .reason = reason,
        .note = note,
    };

    event_send(turn->rec->client, &event, GROUP "/controller", turn->rec->settings.instance);
}

void reconciler_ready(struct turn *turn)
{
    turn->ready = true;
    loop_wake(turn->rec->loop);
}

static struct gathering gathering(const struct reconciler *rec)
{
    return (struct gathering){.store = rec->store,
                              .settings = &rec->settings.render,
                              .now_ms = loop_now(rec->loop),
                              .now = loop_wall(rec->loop)};
}

static void turn_free(struct turn *turn)
{
    perform_cancel(turn);
    list_remove(&turn->node);
    turn->rec->turns_len--;
    arena_finish(&turn->mem);
    free(turn->key);
    free(turn);
}

static void count_result(struct reconciler *rec, const struct action *last)
{
    if (last->kind != ACT_WAIT)
        rec->results.done++;
    else if (last->wait.retry_at_ms)
        rec->results.failing++;
    else if (last->wait.stalled)
        rec->results.stalled++;
    else
        rec->results.waiting++;
}

/* Nothing is left to do now: come back when told so, or for what no event will tell. */
static void turn_end(struct turn *turn, const struct action *last)
{
    struct reconciler *rec = turn->rec;

    count_result(rec, last);
    log_event(LOG_DEBUG, "reconcile", act_kind_name(last->kind), "runner", turn->key, "cause", turn->cause, "rule", last->rule,
              "reason", last->kind == ACT_WAIT ? last->wait.reason : NULL, NULL);
    queue_done(rec->queue, turn->key);
    if (turn->stale)
        queue_add(rec->queue, turn->key, "the object changed meanwhile");
    else if (last->kind == ACT_WAIT && last->wait.retry_at_ms)
        queue_add_at(rec->queue, turn->key, last->wait.retry_at_ms, "a retry is due");
    else if (last->kind == ACT_WAIT && last->wait.stalled)
        queue_add_at(rec->queue, turn->key, loop_now(rec->loop) + RECHECK_MS, "a recheck is due");
    turn_free(turn);
}

static void do_report(struct turn *turn, const struct action *act)
{
    reconciler_event(turn, act->report.warning, act->report.reason, act->report.message);
    log_event(LOG_WARN, "reconcile", act->report.reason, "runner", turn->key, "message", act->report.message, NULL);
    turn->state->doubt = DOUBT_NONE;
    if (turn->observed.deleting)
        turn->state->orphan_reported = true;
}

static bool too_many_steps(struct turn *turn)
{
    struct err err;

    if (turn->steps++ < STEPS_MAX)
        return false;
    err_set(&err, ERR_RETRY, "NotConverging", "the rule %s repeats", turn->asked.rule);
    failures_add(&turn->state->kubernetes, turn->asked.rule, &err, loop_now(turn->rec->loop));
    log_event(LOG_ERROR, "reconcile", "not converging", "runner", turn->key, "rule", turn->asked.rule, NULL);
    return true;
}

/* Decides until a request is needed or the turn has ended. */
static void turn_step(struct turn *turn)
{
    const struct gathering g = gathering(turn->rec);
    const struct action done = {.kind = ACT_DONE};

    turn->ready = false;
    if (turn->stale || too_many_steps(turn)) {
        turn->stale = true;
        turn_end(turn, &done);
        return;
    }
    gather_again(&g, turn->state, &turn->observed, &turn->mem);
    struct action act = decide(&turn->observed, &turn->mem);
    switch (act.kind) {
    case ACT_READ:
    case ACT_FINALIZER:
    case ACT_APPLY:
    case ACT_DELETE:
    case ACT_GITLAB:
    case ACT_STATUS:
        perform(turn, &act);
        return;
    case ACT_REPORT:
        do_report(turn, &act);
        reconciler_ready(turn);
        return;
    case ACT_PASS:
    case ACT_WAIT:
    case ACT_DONE:
        turn_end(turn, &act);
    }
}

static void on_orphan_released(void *arg, const struct kube_reply *reply)
{
    (void)arg;
    log_event(LOG_INFO, "reconcile", "released a token Secret without an owner", "result", reply->err.kind ? reply->err.text : "ok", NULL);
}

struct orphan_search {
    struct reconciler *rec;
    bool found;
};

/* A token Secret whose GitLabRunner went without us (its finalizer was taken off by hand) must not hang for ever. */
static void release_orphan(void *arg, unsigned kind, const struct record *record)
{
    struct orphan_search *search = arg;
    cleanup_arena struct arena a = {0};
    struct err ignored;
    struct json_object *kept = arena_json(&a, json_parse(record->text, strlen(record->text), &ignored));

    if (kind != KIND_SECRET || !json_bool_or(kept, "held", false) || !json_bool_or(kept, "terminating", false))
        return;
    struct json_object *patch = arena_json(&a, json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: %s, name: %s, uid: %s}}",
                                                          record->ns, record->name, record->uid));
    kube_apply(search->rec->client, kind_resource(KIND_SECRET), NULL, patch, FIELD_MANAGER, false, on_orphan_released, NULL);
    search->found = true;
}

static void forget_runner(struct reconciler *rec, const char *key)
{
    struct orphan_search search = {.rec = rec};

    states_remove(&rec->states, key);
    store_each_owned(rec->store, key, release_orphan, &search);
    if (search.found)
        queue_add_at(rec->queue, key, loop_now(rec->loop) + RECHECK_MS, "a token Secret without an owner");
    queue_done(rec->queue, key);
}

static void turn_start(struct reconciler *rec, const char *key, const char *cause)
{
    const char *slash = strchr(key, '/');
    cleanup_free char *ns = mem_strdup(key);
    const struct gathering g = gathering(rec);

    ns[slash - key] = '\0';
    const struct record *record = store_get(rec->store, KIND_RUNNER, ns, slash + 1);
    if (!record) {
        forget_runner(rec, key);
        return;
    }
    struct turn *turn = mem_alloc(sizeof(*turn));
    *turn = (struct turn){.rec = rec, .key = mem_strdup(key), .cause = cause, .began_ms = g.now_ms};
    turn->state = states_get(&rec->states, key);
    memset(turn->state->foreign, 0, sizeof(turn->state->foreign));
    list_init(&turn->node);
    list_append(&rec->turns, &turn->node);
    rec->turns_len++;
    gather(&g, record, turn->state, &turn->observed, &turn->mem);
    turn->ready = true;
}

static void step_ready_turns(struct reconciler *rec)
{
    int budget = STEPS_PER_WAKE;

    list_each_safe(node, after, &rec->turns)
    {
        struct turn *turn = container_of(node, struct turn, node);
        if (turn->ready && budget-- > 0)
            turn_step(turn);
    }
    if (budget <= 0)
        loop_wake(rec->loop);
}

static void arm_timer(struct reconciler *rec)
{
    int64_t next = queue_next_ms(rec->queue), now = loop_now(rec->loop);

    if (next < 0 || rec->turns_len >= TURNS_MAX)
        loop_timer_set(rec->timer, -1);
    else
        loop_timer_set(rec->timer, next > now ? next - now : 0);
}

/* After the sockets were polled; the only place where anything happens. */
static void on_loop_turn(void *arg)
{
    struct reconciler *rec = arg;
    const char *key, *cause;

    step_ready_turns(rec);
    if (rec->drained) {
        if (rec->turns_len == 0)
            rec->drained(rec->drained_arg);
        return;
    }
    if (!reconciler_synced(rec))
        return;
    while (rec->turns_len < TURNS_MAX && (key = queue_take(rec->queue, loop_now(rec->loop), &cause)))
        turn_start(rec, key, cause);
    step_ready_turns(rec);
    arm_timer(rec);
}

static void on_timer(void *arg)
{
    (void)arg; /* waking up is enough: the loop's hook does the rest */
}

/* --------------------------------------------------------------------------------------------------------------------- */

struct reconciler *reconciler_create(struct loop *loop, struct kube_client *client, struct gitlab *gitlab,
                                     const struct reconciler_settings *settings)
{
    struct reconciler *rec = mem_alloc(sizeof(*rec));

    *rec = (struct reconciler){.loop = loop, .client = client, .gitlab = gitlab, .settings = *settings};
    rec->store = store_create(KIND_COUNT);
    rec->queue = queue_create();
    list_init(&rec->turns);
    rec->timer = loop_timer_create(loop, on_timer, rec);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct feed *feed = &rec->feeds[kind];
        const struct watch_handler handler = {
            .list_begin = on_list_begin, .object = on_object, .list_end = on_list_end, .arg = feed};
        *feed = (struct feed){.rec = rec, .kind = kind};
        feed->watch = watch_create(loop, client, kind_resource(kind), NULL, kind_selector(kind), &handler);
    }
    loop_after(loop, on_loop_turn, rec);
    return rec;
}

void reconciler_start(struct reconciler *rec)
{
    watch_start(rec->feeds[KIND_RUNNER].watch);
}

void reconciler_drain(struct reconciler *rec, void (*done)(void *arg), void *arg)
{
    rec->drained = done;
    rec->drained_arg = arg;
    loop_wake(rec->loop);
}

void reconciler_destroy(struct reconciler *rec)
{
    if (!rec)
        return;
    list_each_safe(node, after, &rec->turns) turn_free(container_of(node, struct turn, node));
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        watch_destroy(rec->feeds[kind].watch);
    loop_timer_destroy(rec->timer);
    states_finish(&rec->states);
    queue_destroy(rec->queue);
    store_destroy(rec->store);
    free(rec);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Metrics, under the names that controller-runtime and client-go have made common */

static void metric(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metric_results(const struct reconciler *rec, struct buf *out)
{
    const struct {
        const char *result;
        uint64_t count;
    } results[] = {{"success", rec->results.done}, {"requeue_after", rec->results.waiting},
                   {"error", rec->results.failing}, {"terminal_error", rec->results.stalled}};

    metric(out, "controller_runtime_reconcile_total", "counter", "Reconciliations by how they ended.");
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        buf_addf(out, "controller_runtime_reconcile_total{controller=\"gitlabrunner\",result=\"%s\"} %llu\n", results[i].result,
                 (unsigned long long)results[i].count);
}

void reconciler_metrics(const struct reconciler *rec, struct buf *out)
{
    static const char *const classes[] = {"<error>", "1xx", "2xx", "3xx", "4xx", "5xx"};

    metric_results(rec, out);
    metric(out, "controller_runtime_active_workers", "gauge", "Runners being worked on.");
    buf_addf(out, "controller_runtime_active_workers{controller=\"gitlabrunner\"} %zu\n", rec->turns_len);
    metric(out, "workqueue_depth", "gauge", "Keys that wait to be worked on.");
    buf_addf(out, "workqueue_depth{name=\"gitlabrunner\"} %zu\n", queue_depth(rec->queue));
    metric(out, "workqueue_adds_total", "counter", "Keys added to the work queue.");
    buf_addf(out, "workqueue_adds_total{name=\"gitlabrunner\"} %llu\n", (unsigned long long)queue_adds(rec->queue));
    metric(out, "rest_client_requests_total", "counter", "Requests to the API server by class of answer.");
    for (int i = 0; i < 6; i++)
        buf_addf(out, "rest_client_requests_total{code=\"%s\"} %llu\n", classes[i],
                 (unsigned long long)kube_requests(rec->client, i));
    metric(out, "gitlab_runner_controller_objects", "gauge", "Objects known, by kind.");
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        buf_addf(out, "gitlab_runner_controller_objects{kind=\"%s\"} %zu\n", kind_resource(kind)->kind,
                 store_count(rec->store, kind));
}
