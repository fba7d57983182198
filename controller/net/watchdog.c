#include "net/watchdog.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop.h"

enum { PATIENCE_S = 30, TICK_MS = 10 * 1000 };

struct watchdog {
    struct loop_timer *tick;
};

static volatile sig_atomic_t complained;

/* Async-signal-safe: write(), alarm() and abort() alone. */
static void on_alarm(int number)
{
    static const char line[] = "{\"level\":\"error\",\"logger\":\"run\",\"msg\":\"the event loop stands still\"}\n";

    (void)number;
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    if (complained)
        abort();
    complained = 1;
    alarm(PATIENCE_S);
}

static void on_tick(void *arg)
{
    struct watchdog *dog = arg;

    complained = 0;
    alarm(PATIENCE_S);
    loop_timer_set(dog->tick, TICK_MS);
}

struct watchdog *watchdog_create(struct loop *loop)
{
    struct watchdog *dog = mem_alloc(sizeof(*dog));

    signal(SIGALRM, on_alarm);
    dog->tick = loop_timer_create(loop, on_tick, dog);
    on_tick(dog);
    return dog;
}

void watchdog_destroy(struct watchdog *dog)
{
    if (!dog)
        return;
    alarm(0);
    loop_timer_destroy(dog->tick);
    free(dog);
}
