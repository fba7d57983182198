#include "net/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"

/* Libraries close their handles in steps of their own. */
enum { CLOSING_TURNS_MAX = 16 };

static const int stop_signals[] = {SIGTERM, SIGINT};

struct loop {
    uv_loop_t uv;
    uv_check_t after_poll; /* runs the hook; keeps the loop alive while nothing else does */
    uv_idle_t awake;       /* active: the next poll does not wait                         */
    uv_signal_t signals[ARRAY_LEN(stop_signals)];
    int64_t wall;
    unsigned timers; /* created and not destroyed */
    void (*hook)(void *arg);
    void *hook_arg;
    void (*on_signal)(void *arg, int signal);
    void *on_signal_arg;
};

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    void (*callback)(void *arg);
    void *arg;
};

static void on_awake(uv_idle_t *idle)
{
    (void)idle; /* its being active is what counts */
}

/* The sockets were polled. The request to wake is over before the hook runs, because the hook may ask again. */
static void on_after_poll(uv_check_t *check)
{
    struct loop *loop = check->data;

    uv_idle_stop(&loop->awake);
    loop->wall = (int64_t)time(NULL);
    if (loop->hook)
        loop->hook(loop->hook_arg);
}

struct loop *loop_create(void)
{
    struct loop *loop = mem_alloc(sizeof(*loop));

    /* A peer that has gone must be an error of one write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    int problem = uv_loop_init(&loop->uv);
    if (problem != 0) {
        log_event(LOG_ERROR, "run", "cannot start", "error", uv_strerror(problem), NULL);
        exit(EXIT_FAILURE);
    }
    loop->wall = (int64_t)time(NULL);
    uv_idle_init(&loop->uv, &loop->awake);
    uv_check_init(&loop->uv, &loop->after_poll);
    loop->after_poll.data = loop;
    uv_check_start(&loop->after_poll, on_after_poll);
    for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++)
        uv_signal_init(&loop->uv, &loop->signals[i]);
    return loop;
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_left(uv_handle_t *handle, void *arg)
{
    (void)arg;
    close_handle(handle);
}

static void close_own(struct loop *loop)
{
    close_handle((uv_handle_t *)&loop->after_poll);
    close_handle((uv_handle_t *)&loop->awake);
    for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++)
        close_handle((uv_handle_t *)&loop->signals[i]);
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    assert(loop->timers == 0);
    close_own(loop);
    for (int turns = 0; turns < CLOSING_TURNS_MAX && uv_run(&loop->uv, UV_RUN_NOWAIT) != 0; turns++)
        ;
    uv_walk(&loop->uv, close_left, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int left = uv_loop_close(&loop->uv);
    assert(left == 0);
    (void)left;
    free(loop);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_wake(struct loop *loop)
{
    uv_idle_start(&loop->awake, on_awake);
}

int64_t loop_now(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

int64_t loop_wall(const struct loop *loop)
{
    return loop->wall;
}

int64_t loop_boottime(const struct loop *loop)
{
    struct timespec now;

    (void)loop; /* which samples its clocks once per turn; this one is for who cannot wait for the next */
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void loop_after(struct loop *loop, void (*hook)(void *arg), void *arg)
{
    loop->hook = hook;
    loop->hook_arg = arg;
}

static void on_loop_stop_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;

    loop->on_signal(loop->on_signal_arg, number);
}

void loop_on_stop_signal(struct loop *loop, void (*callback)(void *arg, int signal), void *arg)
{
    loop->on_signal = callback;
    loop->on_signal_arg = arg;
    for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++) {
        loop->signals[i].data = loop;
        uv_signal_start(&loop->signals[i], on_loop_stop_signal, stop_signals[i]);
    }
}

/* Timers run before the sockets are polled: without the wake-up the hook would see what the timer recorded only after
 * the next event. */
static void on_loop_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;

    loop_wake(timer->loop);
    timer->callback(timer->arg); /* may destroy the timer */
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    assert(callback);
    struct loop_timer *timer = mem_alloc(sizeof(*timer));

    *timer = (struct loop_timer){.loop = loop, .callback = callback, .arg = arg};
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    loop->timers++;
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    assert(!uv_is_closing((uv_handle_t *)&timer->uv));
    if (delay_ms < 0)
        uv_timer_stop(&timer->uv);
    else
        uv_timer_start(&timer->uv, on_loop_timer, (uint64_t)delay_ms, 0);
}

static void free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (!timer)
        return;
    assert(timer->loop->timers > 0);
    timer->loop->timers--;
    uv_close((uv_handle_t *)&timer->uv, free_timer);
}

void *loop_uv(struct loop *loop)
{
    return &loop->uv;
}
