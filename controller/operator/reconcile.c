#include "operator/reconcile.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/errand.h"
#include "operator/feeds.h"
#include "operator/garbage.h"
#include "kube/lease.h"
#include "kube/pace.h"
#include "net/loop.h"
#include "operator/orphans.h"
#include "operator/perform.h"
#include "runner/names.h"
#include "runner/status.h"

enum {
    TURNS_MAX = 32,        /* runners worked on at the same time: enough to keep one connection busy …        */
    TURNS_ROUTINE = 16,    /* … of which so many are for what nobody has just changed; fewer of these make    */
                           /* the API server answer the others sooner                                          */
    TURNS_COST = 16 << 20, /* bytes: no turn begins while those under way take as much …                      */
    TURN_COST = 128 << 10, /* … of which each takes this, and so many trees of the size of its object:        */
    TURN_TREES = 3,        /* the object itself, what is rendered of it, and the answer                       */
    STEPS_PER_WAKE_US = 5 * 1000, /* then back to the sockets: an answer may have come for somebody whose turn it is */
    KEPT_BUDGET = 40 << 20, /* bytes of all that is kept at rest: 9,000 usual runners and what is made of them;  */
                            /* 45% more while all of them fail and wait for GitLab (test_share_price.c)           */
    TRIM_MS = 500,          /* after a turn has ended, when none is busy                                       */
    RECHECK_MS = 20 * 1000, /* a runner that waits for something that no watch shows (a taken name) looks again */
};

struct reconciler {
    struct workshop shop;
    struct queue *queue;
    struct states states;
    struct feeds *feeds;
    struct list turns;
    struct places places; /* of turns */
    bool blocked;         /* keys are ready, but none that may be taken before a turn ends */
    struct errands errands;
    struct paces paces;       /* in which the pods of managers are looked at */
    uint64_t term;            /* in which we lead; 0: we do not */
    struct loop_timer *timer; /* for the next delayed key */
    struct loop_timer *trimmer;
    bool trim_due; /* the trimmer is set: turns have ended since the heap was trimmed */
    void (*drained)(void *arg);
    void *drained_arg;
    int64_t progress_us; /* when a turn last began or went on */
    struct stats stats;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * One turn, from start to end */

static bool admits(void *arg, const char *ns, enum queue_priority priority)
{
    const struct reconciler *rec = arg;

    return places_admit(&rec->places, ns, priority);
}

/* See on_trimmer(). */
static void trim_later(struct reconciler *rec)
{
    if (!rec->trim_due)
        loop_timer_set(rec->trimmer, TRIM_MS);
    rec->trim_due = true;
}

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

/* Its key is free, and so is its memory. */
static void turn_leave(struct reconciler *rec, struct turn *turn)
{
    queue_done(rec->queue, turn->key);
    places_leave(&rec->places, &turn->place);
    rec->blocked = false;
    turn_destroy(turn);
    trim_later(rec);
}

/* Nothing is left to do now: come back when told so, or for what no event will tell. */
static void turn_end(struct reconciler *rec, struct turn *turn, const struct action *last)
{
    count_result(&rec->stats, turn, last);
    note_facts(rec, turn);
    turn_log(turn, LOG_DEBUG, act_kind_name(last->kind), "cause", turn->cause, "rule", last->rule, "reason",
             last->kind == ACT_WAIT ? last->wait.reason : NULL, NULL);
    if (!errand_is_calling(turn->state->errand))
        errand_end(turn->state->errand);
    if (last->kind == ACT_DONE && !turn->stale)
        memory_rest(&turn->state->memory);
    if (turn->observed.gone && !turn->state->errand) /* the key may have a successor already, or nobody */
        queue_add(rec->queue, turn->key, QUEUE_ROUTINE, "the object is gone");
    if (turn->stale && !turn->state->errand) /* else its answer wakes the runner */
        queue_add(rec->queue, turn->key, QUEUE_URGENT, "the object changed meanwhile");
    else if (last->kind == ACT_WAIT && last->wait.retry_at_ms)
        queue_add_at(rec->queue, turn->key, last->wait.retry_at_ms, "a retry is due");
    else if (last->kind == ACT_WAIT && last->wait.stalled)
        queue_add_at(rec->queue, turn->key, loop_now(rec->shop.loop) + RECHECK_MS, "a recheck is due");
    if (last->again_at_ms)
        queue_add_at(rec->queue, turn->key, last->again_at_ms, "what no event tells of is due");
    turn_leave(rec, turn);
}

static bool too_many_steps(struct turn *turn)
{
    struct err err;

    if (turn->steps++ < STEPS_MAX)
        return false;
    err_set(&err, ERR_RETRY, "NotConverging", "the rule %s repeats", turn->asked.rule);
    memory_fail(&turn->state->memory, turn->asked.rule, &err, loop_now(turn->shop->loop));
    turn_log(turn, LOG_ERROR, "not converging", "rule", turn->asked.rule, NULL);
    turn->shop->stats->not_converging++;
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
    return !store_get(store, KIND_RUNNER, ns, name) && !store_knows(store, KIND_RUNNER, ns, name);
}

/* Decides until a request is needed or the turn has ended. */
static void turn_step(struct reconciler *rec, struct turn *turn)
{
    const struct action done = {.kind = ACT_DONE};
    const struct owner *owner = &turn->observed.owner;

    turn->ready = false;
    places_step(&rec->places, &turn->place);
    rec->progress_us = clock_us();
    if (turn->stale || is_left_out(rec->shop.store, owner->ns, owner->name) || too_many_steps(turn)) {
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
        if (turn->parked)
            turn_leave(rec, turn);
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
static void forget_runner(struct reconciler *rec, const char *key)
{
    const struct state *state = map_get(&rec->states.by_key, key);

    if (state)
        errand_end(state->errand);
    states_remove(&rec->states, key);
    queue_done(rec->queue, key);
}

/* The object of the key: the one that an errand is about goes first, even if it is gone, but not if it is left out. */
static const struct record *record_for(const struct reconciler *rec, const char *text)
{
    const struct state *state = map_get(&rec->states.by_key, text);
    struct key key;

    key_parse(text, &key);
    const struct record *now = store_get(rec->shop.store, KIND_RUNNER, key.ns, key.name);
    if (is_left_out(rec->shop.store, key.ns, key.name))
        return NULL;
    return state ? errand_subject(state, now) : now;
}

static void turn_start(struct reconciler *rec, const char *key, const char *cause)
{
    const struct record *record = record_for(rec, key);

    if (!record) {
        forget_runner(rec, key);
        return;
    }
    struct state *state = states_get(&rec->states, key);
    if (!errand_is_about(state->errand, record->uid))
        errand_end(state->errand);
    memset(state->memory.foreign, 0, sizeof(state->memory.foreign)); /* looked at again, in case the name is free now */
    struct turn *turn = turn_create(&rec->shop, record, state, key, cause);
    enum queue_priority priority = queue_taken_priority(rec->queue, key);
    turn->urgent = priority == QUEUE_URGENT;
    places_take(&rec->places, &turn->place, record->ns, TURN_COST + runner_cost(record) * TURN_TREES, priority);
    errand_take_up(turn);
    list_append(&rec->turns, &turn->node);
}

/* An errand goes on. */
static void wake_runner(void *arg, const char *key, bool begun, const char *cause)
{
    struct reconciler *rec = arg;

    queue_add(rec->queue, key, begun ? QUEUE_BEGUN : QUEUE_ROUTINE, cause);
    loop_wake(rec->shop.loop);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The loop */

/* Of those that may go on; NULL: none may. */
static struct turn *next_ready_turn(const struct reconciler *rec)
{
    struct turn *next = NULL;

    list_each (node, &rec->turns) {
        struct turn *turn = container_of(node, struct turn, node);
        if (turn->ready && (!next || place_is_before(&turn->place, &next->place)))
            next = turn;
    }
    return next;
}

static void step_ready_turns(struct reconciler *rec)
{
    int64_t end = clock_us() + STEPS_PER_WAKE_US;
    struct turn *turn;

    while ((turn = next_ready_turn(rec)) && clock_us() < end)
        turn_step(rec, turn);
    if (turn)
        loop_wake(rec->shop.loop);
}

/* A burst of work leaves the heap full of holes: their pages go back when it is over, and not within it, for it would
 * ask for them again. */
static void on_trimmer(void *arg)
{
    struct reconciler *rec = arg;

    rec->trim_due = false;
    if (rec->places.len > 0)
        trim_later(rec);
    else
        malloc_trim(0);
}

/* What may be taken now. */
static enum queue_priority least_priority(const struct reconciler *rec)
{
    if (rec->drained)
        return QUEUE_BEGUN;
    return places_have_room(&rec->places, QUEUE_ROUTINE) ? QUEUE_ROUTINE : QUEUE_URGENT;
}

static bool has_room(const struct reconciler *rec)
{
    return places_have_room(&rec->places, QUEUE_URGENT);
}

static void arm_timer(struct reconciler *rec)
{
    int64_t next = queue_next_ms(rec->queue, least_priority(rec)), now = loop_now(rec->shop.loop);

    if (next < 0 || rec->blocked || !has_room(rec))
        loop_timer_set(rec->timer, -1);
    else
        loop_timer_set(rec->timer, next > now ? next - now : 0);
}

/* Another process may act now: what is in flight ends, and what we remember is no longer what is. */
static void drop_everything(struct reconciler *rec)
{
    list_each_safe (node, after, &rec->turns) {
        struct turn *turn = container_of(node, struct turn, node);
        turn_leave(rec, turn);
    }
    errands_end(&rec->errands, true);
    states_finish(&rec->states);
}

static void add_runner(void *arg, const struct record *record)
{
    struct reconciler *rec = arg;

    queue_add(rec->queue, key_text(KIND, record->ns, record->name).text, QUEUE_ROUTINE, "leading again");
}

/* It gives way to another namespace's: nobody serves it until there is room. */
static void on_evicted(void *arg, const struct record *runner)
{
    struct reconciler *rec = arg;

    shares_leave_out(store_shares(rec->shop.store), runner->ns);
    feeds_left_out(rec->feeds, runner);
    queue_add(rec->queue, key_text(KIND, runner->ns, runner->name).text, QUEUE_ROUTINE, "its namespace holds too much");
}

/* Before anything else, whatever kept us. The watches go on in any case, so a new term begins with what is. */
static bool follow_lease(struct reconciler *rec)
{
    uint64_t term = lease_term(rec->shop.lease);

    if (term != rec->term) {
        drop_everything(rec);
        orphans_lead(rec->shop.orphans, false);
        garbage_lead(rec->shop.garbage, false);
        if (term)
            store_each(rec->shop.store, KIND_RUNNER, add_runner, rec);
        rec->term = term;
    }
    return term != 0;
}

static void take_turns(struct reconciler *rec)
{
    const char *key = "", *cause;
    int64_t now = loop_now(rec->shop.loop), end = clock_us() + STEPS_PER_WAKE_US;

    while (has_room(rec) && clock_us() < end && (key = queue_take(rec->queue, now, least_priority(rec), &cause)))
        turn_start(rec, key, cause);
    rec->blocked = !key && queue_next_ms(rec->queue, least_priority(rec)) == 0;
    step_ready_turns(rec);
    arm_timer(rec);
}

/* What GitLab was asked for is seen to its end: a token goes into its Secret. */
static void drain_turns(struct reconciler *rec)
{
    errands_end(&rec->errands, false);
    take_turns(rec);
    errands_end(&rec->errands, false);
    if (rec->places.len == 0 && list_empty(&rec->errands.all))
        rec->drained(rec->drained_arg);
}

/* After the sockets were polled; the only place where anything happens. */
static void on_loop_turn(void *arg)
{
    struct reconciler *rec = arg;
    bool leading = follow_lease(rec);

    step_ready_turns(rec);
    if (rec->drained) {
        drain_turns(rec);
        return;
    }
    if (!leading || !feeds_synced(rec->feeds))
        return;
    orphans_lead(rec->shop.orphans, true);
    garbage_lead(rec->shop.garbage, true);
    garbage_act(rec->shop.garbage);
    take_turns(rec);
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

    *rec = (struct reconciler){.shop = *shop, .queue = queue_create(), .progress_us = clock_us()};
    stats_init(&rec->stats);
    rec->shop.stats = &rec->stats;
    rec->shop.store = kinds_store_create();
    shares_set_budget(store_shares(rec->shop.store), KEPT_BUDGET);
    rec->states.shown_max = shop->metrics_per_runner ? FLEET_SHOWN_MAX : 0;
    rec->shop.evicted = on_evicted;
    rec->shop.evicted_arg = rec;
    list_init(&rec->turns);
    list_init(&rec->errands.all);
    rec->places = (struct places){.max = TURNS_MAX, .routine_max = TURNS_ROUTINE, .memory_max = TURNS_COST};
    queue_ask(rec->queue, admits, rec);
    rec->errands.wake = wake_runner;
    rec->errands.arg = rec;
    rec->shop.errands = &rec->errands;
    rec->shop.paces = &rec->paces;
    rec->timer = loop_timer_create(shop->loop, on_timer, rec);
    rec->trimmer = loop_timer_create(shop->loop, on_trimmer, rec);
    rec->shop.orphans = orphans_create(&rec->shop);
    rec->shop.garbage = garbage_create(&rec->shop);
    rec->feeds = feeds_create(&rec->shop, rec->queue, &rec->states);
    loop_after(shop->loop, on_loop_turn, rec);
    return rec;
}

void reconciler_destroy(struct reconciler *rec)
{
    if (!rec)
        return;
    list_each_safe (node, after, &rec->turns)
        turn_leave(rec, container_of(node, struct turn, node));
    errands_end(&rec->errands, true);
    feeds_destroy(rec->feeds);
    orphans_destroy(rec->shop.orphans);
    garbage_destroy(rec->shop.garbage);
    loop_timer_destroy(rec->timer);
    loop_timer_destroy(rec->trimmer);
    states_finish(&rec->states);
    places_finish(&rec->places);
    paces_finish(&rec->paces);
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
    orphans_lead(rec->shop.orphans, false);
    garbage_lead(rec->shop.garbage, false);
    loop_wake(rec->shop.loop);
}

struct reconciler_view reconciler_view(const struct reconciler *rec)
{
    return (struct reconciler_view){
        .shop = &rec->shop,
        .queue = rec->queue,
        .states = &rec->states,
        .feeds = rec->feeds,
        .turns = &rec->turns,
        .errands = &rec->errands.all,
        .turns_len = rec->places.len,
        .turns_max = TURNS_MAX,
        .synced = feeds_synced(rec->feeds),
        .leading = rec->term != 0,
        .draining = rec->drained != NULL,
        .idle_seconds = seconds_since(rec->progress_us),
        .oldest_seconds = queue_oldest_seconds(rec->queue),
    };
}
