#include "operator/reconcile.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/errand.h"
#include "operator/informers.h"
#include "operator/garbage.h"
#include "kube/pace.h"
#include "net/loop.h"
#include "operator/orphans.h"
#include "operator/perform.h"
#include "operator/reads.h"
#include "runner/names.h"
#include "runner/status.h"

enum {
    TURNS_MAX = 32,         /* runners worked on at the same time: enough to keep one connection busy …        */
    TURNS_ROUTINE = 16,     /* … of which so many are for what nobody has just changed; fewer of these make    */
                            /* the API server answer the others sooner                                          */
    TURNS_COST = 16 << 20,  /* bytes: no turn begins while those under way take as much …                      */
    TURN_COST = 128 << 10,  /* … of which each takes this, and so many trees of the size of its object:        */
    TURN_TREES = 4,         /* the object itself, what is rendered of it, the answer, and what echo.h holds; … */
                            /* … what is read of it may stay longer, and has SPEC_CACHE_BYTES of its own       */
    SAVE_AGAIN_MS = 1000,   /* so often a token that is not saved is tried again by a process that is to end   */
    KEPT_BUDGET = 44 << 20, /* bytes of all that is kept at rest: 10,000 usual runners and what is made of them; */
                            /* 45% more while all of them fail and wait for GitLab (test_share_price.c)           */
};

struct reconciler {
    struct context ctx;
    struct controller *controller;
    struct states states;
    struct informers *informers;
    struct errands errands;
    struct list echoes; /* of what turns write */
    struct paces paces; /* in which the pods of managers are looked at */
    struct stats stats;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * One turn, from start to end */

static enum turn_result result_of(const struct turn *turn, const struct action *last)
{
    if (turn->stale)
        return RESULT_REQUEUE;
    if (last->kind != ACT_WAIT)
        return RESULT_SUCCESS;
    return last->wait.retry_at_ms || last->wait.stalled ? RESULT_ERROR : RESULT_REQUEUE_AFTER;
}

static void count_result(struct stats *stats, const struct turn *turn, const struct action *last)
{
    enum turn_result result = result_of(turn, last);
    double seconds = seconds_since(turn->began_us);

    stats->results[result]++;
    stats->retries += result == RESULT_ERROR && last->wait.retry_at_ms;
    stats->stalled += result == RESULT_ERROR && !last->wait.retry_at_ms;
    histogram_observe(&stats->reconcile_seconds, seconds);
    histogram_observe(&stats->work_seconds, seconds);
}

/* For metrics: what is known of the runner now. */
static void note_facts(struct reconciler *rec, struct turn *turn)
{
    struct runner_facts *facts = &turn->state->facts;

    runner_facts_learn(facts, &turn->observed);
    facts->ready_reason = stats_ready_reason(&rec->stats, condition_get(turn->observed.status, "Ready", "reason"));
    fleet_show(&rec->states, turn->state);
}

/* Should the object go by force before all is told, no event brings it back: until then what was seen of it is kept. */
static void keep_subject_of(const struct turn *turn, const struct action *last)
{
    bool goes_on = !turn->observed.gone || turn->stale || (last->kind == ACT_WAIT && last->wait.retry_at_ms);

    state_keep_subject(turn->state, goes_on && memory_knows_alone(&turn->state->memory) ? &turn->record : NULL);
}

/* Nothing is left to do now: come back when told so, or for what no event will tell. */
static void turn_end(struct reconciler *rec, struct turn *turn, const struct action *last)
{
    assert(turn->work.state == WORK_WAITING && !turn->request && !turn->reading);
    count_result(&rec->stats, turn, last);
    note_facts(rec, turn);
    turn_log(turn, LOG_DEBUG, act_kind_name(last->kind), "cause", turn->cause, "rule", last->rule, "reason",
             last->kind == ACT_WAIT ? last->wait.reason : NULL, NULL);
    if (!errand_is_calling(turn->state->errand))
        errand_end(turn->state->errand);
    if (last->kind == ACT_DONE && !turn->stale)
        memory_rest(&turn->state->memory);
    keep_subject_of(turn, last);
    if (turn->observed.gone && !turn->state->errand &&
        !turn->state->subject) /* the key may have a successor already, or nobody */
        controller_add(rec->controller, turn->state->key, QUEUE_ROUTINE, "the object is gone");
    if (turn->stale && !turn->state->errand) /* else its answer wakes the runner */
        controller_add(rec->controller, turn->state->key, QUEUE_URGENT, "the object changed meanwhile");
    else if (last->kind == ACT_WAIT && last->wait.retry_at_ms)
        controller_add_at(rec->controller, turn->state->key, last->wait.retry_at_ms, "a retry is due");
    else if (last->kind == ACT_WAIT && last->wait.stalled)
        controller_add_at(rec->controller, turn->state->key, loop_now(rec->ctx.loop) + RECHECK_MS, "a recheck is due");
    if (last->again_at_ms)
        controller_add_at(rec->controller, turn->state->key, last->again_at_ms, "what no event tells of is due");
    work_done(&turn->work);
}

static bool too_many_steps(struct turn *turn)
{
    struct err err;

    if (turn->steps++ < STEPS_MAX)
        return false;
    err_set(&err, ERR_RETRY, "NotConverging", "the rule %s repeats", turn->asked.rule);
    memory_fail(&turn->state->memory, turn->asked.rule, &err, loop_now(turn->ctx->loop), jitter_random());
    turn_log(turn, LOG_ERROR, "not converging", "rule", turn->asked.rule, NULL);
    turn->ctx->stats->not_converging++;
    return true;
}

/* What the last step has found may be looked at while it is found again. */
static struct action gather_and_decide(struct turn *turn)
{
    cleanup_arena struct arena former = turn->step;

    arena_init(&turn->step);
    turn_look(turn);
    return decide(&turn->observed, &turn->step);
}

/* Then that it is not shown is no proof that it is gone. */
static bool is_left_out(const struct store *store, const char *ns, const char *name)
{
    return !store_knows(store, KIND_RUNNER, ns, name);
}

static struct reconciler *reconciler_of(const struct context *ctx)
{
    return container_of(ctx, struct reconciler, ctx);
}

/* Decides until a request is needed or the turn has ended. */
static void turn_step(struct work *work)
{
    const struct action done = {.kind = ACT_DONE};
    struct turn *turn = turn_of(work);
    struct reconciler *rec = reconciler_of(turn->ctx);
    const struct owner *owner = &turn->observed.owner;

    assert(!turn->request && turn->steps <= STEPS_MAX);
    if (turn->stale || is_left_out(rec->ctx.store, owner->ns, owner->name) || too_many_steps(turn)) {
        turn->stale = true;
        turn_end(rec, turn, &done);
        return;
    }
    struct action act = gather_and_decide(turn);
    switch (act.kind) {
    case ACT_READ:
    case ACT_LOOK:
    case ACT_FINALIZER:
    case ACT_APPLY:
    case ACT_DELETE:
    case ACT_GITLAB:
    case ACT_STATUS:
    case ACT_REPORT:
    case ACT_RECORD:
        perform(turn, &act);
        return;
    case ACT_PASS:
    case ACT_WAIT:
    case ACT_DONE:
        turn_end(rec, turn, &act);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys, with a runner and without */

/* What it has left behind is the business of garbage.c. */
static void forget_runner(struct reconciler *rec, const char *text)
{
    const struct state *state = map_get(&rec->states.by_key, text);
    struct key key;

    if (state)
        errand_end(state->errand);
    states_remove(&rec->states, text);
    if (key_parse(text, &key))
        spec_cache_forget(rec->ctx.specs, key.ns, key.name);
}

/* The object of the key: the one that an errand is about goes first, even if it is gone, but not if it is left out. */
static const struct record *record_for(const struct reconciler *rec, const char *text)
{
    const struct state *state = map_get(&rec->states.by_key, text);
    struct key key;

    bool is_key = key_parse(text, &key);
    assert(is_key);
    const struct record *now = store_get(rec->ctx.store, KIND_RUNNER, key.ns, key.name);
    if (is_left_out(rec->ctx.store, key.ns, key.name))
        return NULL;
    return state ? errand_subject(state, now) : now;
}

static struct work *turn_start(void *arg, const char *key, enum queue_priority priority, const char *cause)
{
    struct reconciler *rec = arg;
    const struct record *record = record_for(rec, key);

    if (!record) {
        forget_runner(rec, key);
        return NULL;
    }
    struct state *state = states_get(&rec->states, key);
    if (!errand_is_about(state->errand, record->uid))
        errand_end(state->errand);
    memory_forget_foreign(&state->memory);
    struct turn *turn = errand_begin_turn(&rec->ctx, record, state, cause);
    turn->work.cost = TURN_COST + turn->object_cost * TURN_TREES;
    turn->urgent |= priority == QUEUE_URGENT;
    return &turn->work;
}

static void turn_stop(struct work *work)
{
    turn_destroy(turn_of(work));
}

/* An errand goes on. */
static void wake_runner(void *arg, const char *key, bool begun, const char *cause)
{
    struct reconciler *rec = arg;

    controller_add(rec->controller, key, begun ? QUEUE_BEGUN : QUEUE_ROUTINE, cause);
    loop_wake(rec->ctx.loop);
}

/* Nobody serves it until there is room. */
static void on_evicted(void *arg, const struct record *runner)
{
    struct reconciler *rec = arg;

    shares_leave_out(store_shares(rec->ctx.store), runner->ns);
    informers_left_out(rec->informers, runner);
    controller_add(rec->controller, key_text(KIND, runner->ns, runner->name).text, QUEUE_ROUTINE,
                   "its namespace holds too much");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All of them */

static void add_runner(void *arg, const struct record *record)
{
    struct reconciler *rec = arg;

    controller_add_at(rec->controller, key_text(KIND, record->ns, record->name).text, loop_now(rec->ctx.loop),
                      "leading again");
}

static void begin_runners(void *arg)
{
    struct reconciler *rec = arg;

    store_each(rec->ctx.store, KIND_RUNNER, add_runner, rec);
}

static void forget_runners(void *arg)
{
    struct reconciler *rec = arg;

    errands_end(&rec->errands, true);
    states_finish(&rec->states);
    reads_forget(rec->ctx.reads);
    spec_cache_clear(rec->ctx.specs);
}

/* A token that nobody else has, and that could not be put into its Secret, is soon tried again: there is little time.
 * Whether it is in there, or its place is somebody else's. */
static bool hurry_to_save(struct reconciler *rec, struct state *state)
{
    int64_t now = loop_now(rec->ctx.loop);
    int64_t due = memory_hurry_to_save(&state->memory, now + SAVE_AGAIN_MS);

    if (due > now)
        controller_add_at(rec->controller, state->key, due, "a token is to be saved");
    else if (due >= 0)
        controller_add(rec->controller, state->key, QUEUE_BEGUN, "a token is to be saved");
    return due < 0;
}

/* What GitLab was asked for is seen to its end: a token goes into its Secret. */
static bool drain_errands(void *arg)
{
    struct reconciler *rec = arg;
    bool all = true;
    const char *key;
    void *state;

    errands_end(&rec->errands, false);
    for (size_t i = 0; map_iter(&rec->states.by_key, &i, &key, &state);)
        all = hurry_to_save(rec, state) && all;
    return all && list_empty(&rec->errands.all);
}

static void rest_turns(void *arg)
{
    const struct reconciler *rec = arg;

    spec_cache_rest(rec->ctx.specs);
}

static const struct work_kind turns = {
    .names = (const char *const[]){KIND, NULL},
    .places = TURNS_MAX,
    .routine_places = TURNS_ROUTINE,
    .memory = TURNS_COST,
    .start = turn_start,
    .step = turn_step,
    .stop = turn_stop,
    .begin = begin_runners,
    .forget = forget_runners,
    .rest = rest_turns,
    .drain = drain_errands,
};

static bool all_synced(void *arg)
{
    const struct reconciler *rec = arg;

    return informers_synced(rec->informers);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct reconciler *reconciler_create(const struct context *ctx)
{
    struct reconciler *rec = mem_alloc(sizeof(*rec));

    *rec = (struct reconciler){.ctx = *ctx};
    stats_init(&rec->stats);
    rec->ctx.stats = &rec->stats;
    rec->ctx.store = kinds_store_create();
    shares_set_budget(store_shares(rec->ctx.store), ctx->kept_budget ? ctx->kept_budget : KEPT_BUDGET);
    rec->states.shown_max = ctx->metrics_per_runner ? FLEET_SHOWN_MAX : 0;
    rec->ctx.evicted = on_evicted;
    rec->ctx.evicted_arg = rec;
    list_init(&rec->errands.all);
    rec->errands.wake = wake_runner;
    rec->errands.arg = rec;
    rec->ctx.errands = &rec->errands;
    list_init(&rec->echoes);
    rec->ctx.echoes = &rec->echoes;
    rec->ctx.paces = &rec->paces;
    rec->ctx.controller = rec->controller = controller_create(ctx->loop, ctx->lease, all_synced, rec);
    rec->ctx.orphans = orphans_create(&rec->ctx);
    rec->ctx.garbage = garbage_create(&rec->ctx);
    rec->ctx.reads = reads_create(&rec->ctx);
    rec->ctx.specs = spec_cache_create();
    controller_add_kind(rec->controller, &turns, rec);
    rec->informers = informers_create(&rec->ctx, &rec->states);
    return rec;
}

void reconciler_destroy(struct reconciler *rec)
{
    if (!rec)
        return;
    controller_destroy(rec->controller);
    assert(list_empty(&rec->errands.all) && list_empty(&rec->echoes) && !rec->states.by_key.len);
    informers_destroy(rec->informers);
    orphans_destroy(rec->ctx.orphans);
    garbage_destroy(rec->ctx.garbage);
    reads_destroy(rec->ctx.reads);
    spec_cache_destroy(rec->ctx.specs);
    paces_finish(&rec->paces);
    store_destroy(rec->ctx.store);
    free(rec);
}

void reconciler_start(struct reconciler *rec)
{
    informers_start(rec->informers);
}

void reconciler_drain(struct reconciler *rec, void (*done)(void *arg), void *arg)
{
    controller_drain(rec->controller, done, arg);
}

struct reconciler_view reconciler_view(const struct reconciler *rec)
{
    const struct work_view work = controller_view(rec->controller, KIND);

    return (struct reconciler_view){
        .ctx = &rec->ctx,
        .queue = work.queue,
        .states = &rec->states,
        .informers = rec->informers,
        .turns = work.works,
        .errands = &rec->errands.all,
        .turns_len = work.len,
        .turns_max = work.places,
        .synced = informers_synced(rec->informers),
        .leading = controller_is_leading(rec->controller),
        .draining = controller_is_draining(rec->controller),
        .idle_seconds = work.idle_seconds,
        .oldest_seconds = queue_oldest_seconds(work.queue),
    };
}
