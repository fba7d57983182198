#include "tests/sim/loop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "base/mem.h"
#include "net/loop.h"
#include "tests/sim/sabotage.h"
#include "tests/sim/sim_parts.h"

enum {
    SPINS_MAX = 5000, /* turns of loops within a second */
    SLOW_ONCE_IN = 200,
    SLOW_MS = 40,
};

struct loop {
    struct sim *sim;
    int replica;
    struct list timers; /* all                           */
    struct list due;    /* those whose time has come     */
    struct list posts;
    uint64_t turn; /* the event; 0: none            */
    bool inside, awake, frozen, asleep, ended, killed;
    int pending_signal;
    int64_t now, wall;
    int64_t slept_ms; /* of this, loop_now() knows nothing */
    int64_t frozen_at;
    int64_t wall_offset_s, boot_offset;
    void (*hook)(void *arg);
    void *hook_arg;
    void (*on_signal)(void *arg, int signal);
    void *on_signal_arg;
    void (*before)(void *arg);
    void *before_arg;
    void (*on_end)(void *arg);
    void *on_end_arg;
};

struct loop_timer {
    struct list node, due;
    struct loop *loop;
    int64_t at; /* in loop_now()'s time; -1: not armed */
    uint64_t event;
    void (*callback)(void *arg);
    void *arg;
};

static void turn(void *arg);

static int64_t monotonic(const struct loop *loop)
{
    return loop->sim->now - loop->slept_ms;
}

/* A machine has other things to do, too. */
static void turn_soon(struct loop *loop)
{
    struct sim *sim = loop->sim;

    if (loop->turn || loop->inside || loop->frozen || loop->killed)
        return;
    int64_t delay = sim_happens(sim, SLOW_ONCE_IN) ? sim_choose(sim, SLOW_MS) : 0;
    loop->turn = sim_later(sim, delay, turn, loop);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A turn */

static void run_timers(struct loop *loop)
{
    struct list *node;

    while ((node = list_pop(&loop->due))) {
        struct loop_timer *timer = container_of(node, struct loop_timer, due);
        timer->at = -1;
        timer->callback(timer->arg); /* may destroy the timer */
    }
}

static void run_posts(struct loop *loop)
{
    struct list *node;

    if (loop->before)
        loop->before(loop->before_arg);
    while ((node = list_pop(&loop->posts))) {
        struct loop_post *post = container_of(node, struct loop_post, node);
        post->come(post);
    }
    if (loop->pending_signal && loop->on_signal)
        loop->on_signal(loop->on_signal_arg, loop->pending_signal);
    loop->pending_signal = 0;
}

/* What turns and turns, though nothing comes, would go on for ever. */
static bool spins(struct loop *loop)
{
    struct sim *sim = loop->sim;

    sim->spun = sim->spun_at == sim->now / 1000 ? sim->spun + 1 : 0;
    sim->spun_at = sim->now / 1000;
    if (sim->spun == SPINS_MAX)
        sim_broken(sim, PROPERTY_SPINNING, "replica %d: its loop turns without anything to wait for", loop->replica);
    loop->killed |= sim->spun >= SPINS_MAX;
    return loop->killed;
}

static void turn(void *arg)
{
    struct loop *loop = arg;

    loop->turn = 0;
    if (loop->frozen || loop->ended || spins(loop))
        return;
    loop->sim->figures.iterations++;
    sim_enter(loop->sim, loop->replica);
    loop->inside = true;
    loop->now = monotonic(loop);
    run_timers(loop);
    run_posts(loop);
    loop->awake = false;
    loop->wall = sim_wall(loop->sim) + loop->wall_offset_s;
    if (loop->hook && !loop->ended)
        loop->hook(loop->hook_arg);
    loop->inside = false;
    sim_enter(loop->sim, -1);
    if (loop->ended && loop->on_end)
        sim_later(loop->sim, 0, loop->on_end, loop->on_end_arg);
    if (loop->ended)
        return;
    if (loop->awake || !list_empty(&loop->due) || !list_empty(&loop->posts) || sabotage_is(SABOTAGE_SPIN))
        turn_soon(loop);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * From outside */

void loop_post(struct loop *loop, struct loop_post *post)
{
    list_init(&post->node);
    list_append(&loop->posts, &post->node);
    turn_soon(loop);
}

void loop_before_posts(struct loop *loop, void (*before)(void *arg), void *arg)
{
    loop->before = before;
    loop->before_arg = arg;
}

void loop_signal(struct loop *loop, int number)
{
    loop->pending_signal = number;
    turn_soon(loop);
}

void loop_freeze(struct loop *loop, bool asleep)
{
    if (loop->frozen)
        return;
    loop->frozen = true;
    loop->asleep = asleep;
    loop->frozen_at = loop->sim->now;
    sim_forget(loop->sim, loop->turn);
    loop->turn = 0;
}

static void arm(struct loop_timer *timer);

/* What was to happen in so many milliseconds of the machine's time still is. */
static void arm_again(struct loop *loop)
{
    list_each (node, &loop->timers) {
        struct loop_timer *timer = container_of(node, struct loop_timer, node);
        if (timer->at < 0 || !list_empty(&timer->due))
            continue;
        sim_forget(loop->sim, timer->event);
        arm(timer);
    }
}

void loop_thaw(struct loop *loop)
{
    if (!loop->frozen)
        return;
    loop->frozen = false;
    if (loop->asleep) {
        loop->slept_ms += loop->sim->now - loop->frozen_at;
        arm_again(loop);
    }
    turn_soon(loop);
}

void loop_set_wall(struct loop *loop, int64_t offset_s)
{
    loop->wall_offset_s = offset_s;
    turn_soon(loop);
}

void loop_on_end(struct loop *loop, void (*on_end)(void *arg), void *arg)
{
    loop->on_end = on_end;
    loop->on_end_arg = arg;
}

void loop_kill(struct loop *loop)
{
    loop->killed = loop->ended = true;
    sim_forget(loop->sim, loop->turn);
    loop->turn = 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * net/loop.h */

struct loop *loop_create(void)
{
    struct sim *sim = sim_current();
    struct loop *loop = mem_alloc(sizeof(*loop));

    *loop = (struct loop){.sim = sim, .replica = sim_current_replica()};
    assert(loop->replica >= 0);
    list_init(&loop->timers);
    list_init(&loop->due);
    list_init(&loop->posts);
    loop->slept_ms = -(int64_t)(sim_random(sim) % 100000);
    loop->boot_offset = (int64_t)(sim_random(sim) % 100000000);
    loop->now = monotonic(loop);
    loop->wall = sim_wall(sim);
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    assert(list_empty(&loop->timers));
    sim_forget(loop->sim, loop->turn);
    free(loop);
}

void loop_stop(struct loop *loop)
{
    loop->ended = true;
}

void loop_wake(struct loop *loop)
{
    loop->awake = true;
    turn_soon(loop);
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

int64_t loop_wall(const struct loop *loop)
{
    return loop->wall;
}

int64_t loop_boottime(const struct loop *loop)
{
    return loop->sim->now + loop->boot_offset;
}

void loop_after(struct loop *loop, void (*hook)(void *arg), void *arg)
{
    loop->hook = hook;
    loop->hook_arg = arg;
}

void loop_on_stop_signal(struct loop *loop, void (*callback)(void *arg, int signal), void *arg)
{
    loop->on_signal = callback;
    loop->on_signal_arg = arg;
}

static void on_due(void *arg)
{
    struct loop_timer *timer = arg;

    timer->event = 0;
    list_append(&timer->loop->due, &timer->due);
    turn_soon(timer->loop);
}

static void arm(struct loop_timer *timer)
{
    int64_t left = timer->at - monotonic(timer->loop);

    timer->event = sim_later(timer->loop->sim, left > 0 ? left : 0, on_due, timer);
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    struct loop_timer *timer = mem_alloc(sizeof(*timer));

    *timer = (struct loop_timer){.loop = loop, .at = -1, .callback = callback, .arg = arg};
    list_init(&timer->node);
    list_init(&timer->due);
    list_append(&loop->timers, &timer->node);
    return timer;
}

static void disarm(struct loop_timer *timer)
{
    list_remove(&timer->due);
    sim_forget(timer->loop->sim, timer->event);
    timer->event = 0;
    timer->at = -1;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    disarm(timer);
    if (delay_ms < 0)
        return;
    timer->at = timer->loop->now + delay_ms;
    arm(timer);
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (!timer)
        return;
    disarm(timer);
    list_remove(&timer->node);
    free(timer);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * base/clock.h, base/jitter.h */

int64_t clock_us(void)
{
    return sim_current()->now * 1000;
}

double seconds_since(int64_t begin_us)
{
    return (double)(clock_us() - begin_us) / 1e6;
}

/* The clock that somebody has set is the loop's; these are stamps alone. */
int64_t clock_wall_us(void)
{
    return SIM_EPOCH * 1000000 + sim_current()->now * 1000;
}

uint32_t jitter_random(void)
{
    return (uint32_t)(sim_random(sim_current()) >> 33);
}

int64_t jitter(int64_t least, int64_t more)
{
    assert(least >= 0 && more >= 0);
    return least + jitter_random() % (more + 1);
}
