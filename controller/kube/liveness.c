#include "kube/liveness.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "net/loop.h"

enum { QUIET_MS = 30 * 1000 };

struct liveness {
    struct loop *loop;
    struct loop_timer *timer; /* armed from the first stream on */
    void (*ask)(void *arg);
    void *arg;
    int64_t heard_ms;
    bool begun;
};

static void on_liveness_timer(void *arg)
{
    struct liveness *liveness = arg;
    int64_t quiet = loop_now(liveness->loop) - liveness->heard_ms;

    if (quiet >= QUIET_MS)
        liveness->ask(liveness->arg);
    loop_timer_set(liveness->timer, quiet >= QUIET_MS ? QUIET_MS : QUIET_MS - quiet);
}

struct liveness *liveness_create(struct loop *loop, void (*ask)(void *arg), void *arg)
{
    struct liveness *liveness = mem_alloc(sizeof(*liveness));

    *liveness = (struct liveness){.loop = loop, .ask = ask, .arg = arg};
    liveness->timer = loop_timer_create(loop, on_liveness_timer, liveness);
    return liveness;
}

void liveness_destroy(struct liveness *liveness)
{
    loop_timer_destroy(liveness->timer);
    free(liveness);
}

void liveness_begin(struct liveness *liveness)
{
    if (!liveness->begun)
        loop_timer_set(liveness->timer, QUIET_MS);
    liveness->begun = true;
}

void liveness_heard(struct liveness *liveness)
{
    liveness->heard_ms = loop_now(liveness->loop);
}
