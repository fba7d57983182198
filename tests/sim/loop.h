/* net/loop.h on virtual time, from outside: how the world reaches a replica's loop.
 *
 * A turn of the loop is one event: timers that are due, what came from the network, the hook; it takes no time. A loop
 * that stands still (SIGSTOP, or a machine that sleeps) turns no more, and all that came meanwhile comes when it goes
 * on. */
#ifndef TESTS_SIM_LOOP_H
#define TESTS_SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

/* Something for the loop's next turn; in no list otherwise. */
struct loop_post {
    struct list node;
    void (*come)(struct loop_post *post);
};

void loop_post(struct loop *loop, struct loop_post *post);
/* Called in each turn before what was posted comes. */
void loop_before_posts(struct loop *loop, void (*before)(void *arg), void *arg);

/* SIGTERM and the like. */
void loop_signal(struct loop *loop, int number);
/* asleep: the machine sleeps, and the clock of loop_now() with it. */
void loop_freeze(struct loop *loop, bool asleep);
void loop_thaw(struct loop *loop);
/* Somebody sets the machine's clock. */
void loop_set_wall(struct loop *loop, int64_t offset_s);
/* Called once when loop_stop() was: the process has ended by itself. */
void loop_on_end(struct loop *loop, void (*on_end)(void *arg), void *arg);
/* It turns no more, as the process is gone; all is still to be destroyed. */
void loop_kill(struct loop *loop);

#endif
