/* A loop whose time goes on when the test says so, in the place of net/loop.c. One test program includes this once. */
#ifndef TESTS_FAKE_LOOP_H
#define TESTS_FAKE_LOOP_H

#include <stdlib.h>

#include "base/mem.h"
#include "net/loop.h"

/* now stands still while the machine sleeps, boottime does not. */
struct loop {
    int64_t now, boottime;
    int wakes;
    struct loop_timer {
        struct loop *loop;
        void (*callback)(void *arg); /* NULL: there is no such timer */
        void *arg;
        int64_t due; /* -1: not armed */
    } timers[32];
    void (*hook)(void *arg);
    void *hook_arg;
};

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

int64_t loop_boottime(const struct loop *loop)
{
    return loop->boottime;
}

int64_t loop_wall(const struct loop *loop)
{
    return loop->now / 1000;
}

void loop_wake(struct loop *loop)
{
    loop->wakes++;
}

void loop_after(struct loop *loop, void (*hook)(void *arg), void *arg)
{
    loop->hook = hook;
    loop->hook_arg = arg;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    struct loop_timer *timer = loop->timers;

    while (timer->callback)
        if (++timer == loop->timers + ARRAY_LEN(loop->timers))
            abort(); /* more timers than a test has needed so far */
    *timer = (struct loop_timer){loop, callback, arg, -1};
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    timer->due = delay_ms < 0 ? -1 : timer->loop->now + delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    *timer = (struct loop_timer){.due = -1};
}

/* The sockets were polled; again while the first timer is due at once, for the hook may have taken its time. */
static inline void fake_turn(struct loop *loop)
{
    for (int i = 0; i < 100 && (!i || loop->timers[0].due == loop->now); i++)
        loop->hook(loop->hook_arg);
}

/* The timer that is due first; NULL: none is armed. */
static inline struct loop_timer *fake_next_timer(struct loop *loop)
{
    struct loop_timer *next = NULL;

    for (struct loop_timer *t = loop->timers; t < loop->timers + ARRAY_LEN(loop->timers); t++)
        if (t->callback && t->due >= 0 && (!next || t->due < next->due))
            next = t;
    return next;
}

static inline void fake_fire(struct loop_timer *timer)
{
    timer->due = -1;
    timer->callback(timer->arg);
}

/* Lets time pass, with the timers that become due. */
static inline void fake_pass(struct loop *loop, int64_t ms)
{
    int64_t until = loop->now + ms;

    for (struct loop_timer *timer; (timer = fake_next_timer(loop)) && timer->due <= until;) {
        loop->now = timer->due > loop->now ? timer->due : loop->now;
        fake_fire(timer);
    }
    loop->now = until;
}

#endif
