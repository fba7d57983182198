/* The event loop: libuv behind a handful of functions. One thread; it owns *now*.
 *
 * Callbacks of timers and sockets only record; the hook set with loop_after() is called once per turn of the loop,
 * after the sockets were polled, and is the one place that acts. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;

struct loop *loop_create(void);
/* Closes every handle that is left and frees the loop; aborts when a timer was leaked. NULL is fine. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Makes sure that the after-hook runs soon, even when no socket and no timer is due. */
void loop_wake(struct loop *loop);

/* Monotonic milliseconds, sampled once per turn. */
int64_t loop_now(const struct loop *loop);
/* Seconds since 1970, sampled once per turn. */
int64_t loop_wall(const struct loop *loop);
/* Milliseconds since the machine was booted, read at this very moment. It goes on while the machine sleeps or the
 * process is stopped, and nobody can set it: for what must have ended by a time, whatever kept us. */
int64_t loop_boottime(const struct loop *loop);

void loop_after(struct loop *loop, void (*hook)(void *arg), void *arg);
/* Called for SIGTERM and SIGINT (number as argument) instead of their default action. */
void loop_on_stop_signal(struct loop *loop, void (*callback)(void *arg, int signal), void *arg);

/* One-shot timers. loop_timer_set() may be called again and again, also from the callback; a negative delay disarms. */
struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms);
/* NULL is fine. */
void loop_timer_destroy(struct loop_timer *timer);

/* For those who hand it to their libraries: the uv_loop_t. */
void *loop_uv(struct loop *loop);

#endif
