#include "reconcile.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "feeds.h"
#include "net/loop.h"
#include "perform.h"
#include "runner/names.h"

enum {
    TURNS_MAX = 64,         /* runners worked on at the same time: enough to keep one connection busy          */
    TURNS_ROUTINE = 48,     /* … of which the others are kept for what somebody has just changed               */
    STEPS_PER_WAKE = 256,   /* then back to the sockets                                                        */
    RECHECK_MS = 20 * 1000, /* a runner that waits for something that no watch shows (a taken name) looks again */
};

struct reconciler {
    struct workshop shop;
    struct queue *queue;
    struct states states;
    struct feeds *feeds;
    struct list turns;
    size_t turns_len;
    unsigned turns_ended;     /* since the heap was trimmed */
    struct loop_timer *timer; /* for the next delayed key */
    void (*drained)(void *arg);
    void *drained_arg;
    struct {
        uint64_t done, waiting, stalled, failing;
    } results;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * One turn, from start to end */

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
static void turn_end(struct reconciler *rec, struct turn *turn, const struct action *last)
{
    count_result(rec, last);
    log_event(LOG_DEBUG, "reconcile", act_kind_name(last->kind), "runner", turn->key, "cause", turn->cause, "rule",
              last->rule, "reason", last->kind == ACT_WAIT ? last->wait.reason : NULL, NULL);
    queue_done(rec->queue, turn->key);
    if (last->kind == ACT_DONE && !turn->stale)
        state_rest(turn->state);
    if (turn->stale)
        queue_add(rec->queue, turn->key, QUEUE_ROUTINE, "the object changed meanwhile");
    else if (last->kind == ACT_WAIT && last->wait.retry_at_ms)
        queue_add_at(rec->queue, turn->key, last->wait.retry_at_ms, "a retry is due");
    else if (last->kind == ACT_WAIT && last->wait.stalled)
        queue_add_at(rec->queue, turn->key, loop_now(rec->shop.loop) + RECHECK_MS, "a recheck is due");
    if (last->again_at_ms)
        queue_add_at(rec->queue, turn->key, last->again_at_ms, "a check of the runner at GitLab is due");
    rec->turns_len--;
    rec->turns_ended++;
    turn_destroy(turn);
}

static void do_report(struct turn *turn, const struct action *act)
{
    turn_event(turn, act->report.warning, act->report.reason, act->report.message);
    log_event(LOG_WARN, "reconcile", act->report.reason, "runner", turn->key, "message", act->report.message, NULL);
    turn->state->doubt = DOUBT_NONE;
    if (strcmp(act->report.reason, "PossibleOrphan") != 0)
        turn->state->deregistered = true; /* as far as we can do anything about it */
    if (strcmp(act->report.reason, "RunnerLost") == 0)
        turn->state->config_token_dead = true; /* it is the same that GitLab has refused */
}

static bool too_many_steps(struct turn *turn)
{
    struct err err;

    if (turn->steps++ < STEPS_MAX)
        return false;
    err_set(&err, ERR_RETRY, "NotConverging", "the rule %s repeats", turn->asked.rule);
    state_fail(turn->state, turn->asked.rule, &err, loop_now(turn->shop->loop));
    log_event(LOG_ERROR, "reconcile", "not converging", "runner", turn->key, "rule", turn->asked.rule, NULL);
    return true;
}

/* Decides until a request is needed or the turn has ended. */
static void turn_step(struct reconciler *rec, struct turn *turn)
{
    const struct gathering g = turn_gathering(turn->shop);
    const struct action done = {.kind = ACT_DONE};

    turn->ready = false;
    if (turn->stale || too_many_steps(turn)) {
        turn->stale = true;
        turn_end(rec, turn, &done);
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
        turn_ready(turn);
        return;
    case ACT_PASS:
    case ACT_WAIT:
    case ACT_DONE:
        turn_end(rec, turn, &act);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys, with a runner and without */

static void on_orphan_released(void *arg, const struct kube_reply *reply)
{
    (void)arg;
    log_event(LOG_INFO, "reconcile", "released a token Secret without an owner", "result",
              reply->err.kind ? reply->err.text : "ok", NULL);
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
    struct json_object *patch =
        arena_json(&a, json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: %s, name: %s, uid: %s}}",
                                  record->ns, record->name, record->uid));
    kube_apply(search->rec->shop.client, kind_resource(KIND_SECRET), NULL, patch, FIELD_MANAGER, false,
               on_orphan_released, NULL);
    search->found = true;
}

static void forget_runner(struct reconciler *rec, const char *key)
{
    struct orphan_search search = {.rec = rec};

    states_remove(&rec->states, key);
    store_each_owned(rec->shop.store, key, release_orphan, &search);
    if (search.found)
        queue_add_at(rec->queue, key, loop_now(rec->shop.loop) + RECHECK_MS, "a token Secret without an owner");
    queue_done(rec->queue, key);
}

static void turn_start(struct reconciler *rec, const char *key, const char *cause)
{
    const char *slash = strchr(key, '/');
    cleanup_free char *ns = mem_strdup(key);

    ns[slash - key] = '\0';
    const struct record *record = store_get(rec->shop.store, KIND_RUNNER, ns, slash + 1);
    if (!record) {
        forget_runner(rec, key);
        return;
    }
    struct state *state = states_get(&rec->states, key);
    memset(state->foreign, 0, sizeof(state->foreign)); /* looked at again, in case the name is free now */
    struct turn *turn = turn_create(&rec->shop, record, state, key, cause);
    list_append(&rec->turns, &turn->node);
    rec->turns_len++;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The loop */

static void step_ready_turns(struct reconciler *rec)
{
    int budget = STEPS_PER_WAKE;

    list_each_safe (node, after, &rec->turns) {
        struct turn *turn = container_of(node, struct turn, node);
        if (turn->ready && budget-- > 0)
            turn_step(rec, turn);
    }
    if (budget <= 0)
        loop_wake(rec->shop.loop);
}

/* What may be taken now. */
static enum queue_priority least_priority(const struct reconciler *rec)
{
    return rec->turns_len < TURNS_ROUTINE ? QUEUE_ROUTINE : QUEUE_URGENT;
}

static void arm_timer(struct reconciler *rec)
{
    int64_t next = queue_next_ms(rec->queue, least_priority(rec)), now = loop_now(rec->shop.loop);

    if (next < 0 || rec->turns_len >= TURNS_MAX)
        loop_timer_set(rec->timer, -1);
    else
        loop_timer_set(rec->timer, next > now ? next - now : 0);
}

/* A burst of work leaves the heap full of holes between the records that it made: give their pages back. */
static void trim_heap(struct reconciler *rec)
{
    if (rec->turns_len > 0 || rec->turns_ended < TURNS_MAX)
        return;
    rec->turns_ended = 0;
    malloc_trim(0);
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
    if (!feeds_synced(rec->feeds))
        return;
    while (rec->turns_len < TURNS_MAX &&
           (key = queue_take(rec->queue, loop_now(rec->shop.loop), least_priority(rec), &cause)))
        turn_start(rec, key, cause);
    step_ready_turns(rec);
    trim_heap(rec);
    arm_timer(rec);
}

static void on_timer(void *arg)
{
    (void)arg; /* waking up is enough: the loop's hook does the rest */
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct reconciler *reconciler_create(const struct workshop *shop)
{
    struct reconciler *rec = mem_alloc(sizeof(*rec));

    *rec = (struct reconciler){.shop = *shop, .queue = queue_create()};
    rec->shop.store = store_create(KIND_COUNT);
    list_init(&rec->turns);
    rec->timer = loop_timer_create(shop->loop, on_timer, rec);
    rec->feeds = feeds_create(&rec->shop, rec->queue, &rec->states);
    loop_after(shop->loop, on_loop_turn, rec);
    return rec;
}

void reconciler_destroy(struct reconciler *rec)
{
    if (!rec)
        return;
    list_each_safe (node, after, &rec->turns)
        turn_destroy(container_of(node, struct turn, node));
    feeds_destroy(rec->feeds);
    loop_timer_destroy(rec->timer);
    states_finish(&rec->states);
    queue_destroy(rec->queue);
    store_destroy(rec->shop.store);
    free(rec);
}

void reconciler_start(struct reconciler *rec)
{
    feeds_start(rec->feeds);
}

void reconciler_drain(struct reconciler *rec, void (*done)(void *arg), void *arg)
{
    rec->drained = done;
    rec->drained_arg = arg;
    loop_wake(rec->shop.loop);
}

bool reconciler_synced(const struct reconciler *rec)
{
    return feeds_synced(rec->feeds);
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
    } results[] = {{"success", rec->results.done},
                   {"requeue_after", rec->results.waiting},
                   {"error", rec->results.failing},
                   {"terminal_error", rec->results.stalled}};

    metric(out, "controller_runtime_reconcile_total", "counter", "Reconciliations by how they ended.");
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        buf_addf(out, "controller_runtime_reconcile_total{controller=\"gitlabrunner\",result=\"%s\"} %llu\n",
                 results[i].result, (unsigned long long)results[i].count);
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
                 (unsigned long long)kube_requests(rec->shop.client, i));
    metric(out, "gitlab_runner_controller_objects", "gauge", "Objects known, by kind.");
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        buf_addf(out, "gitlab_runner_controller_objects{kind=\"%s\"} %zu\n", kind_resource(kind)->kind,
                 store_count(rec->shop.store, kind));
}
