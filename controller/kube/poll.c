#include "kube/poll.h"

#include <stdlib.h>

#include "base/jitter.h"
#include "base/mem.h"
#include "net/loop.h"

enum { INTERVAL_MS = 10 * 1000, RETRY_MIN_MS = 1000 };

struct poll {
    struct loop *loop;
    struct kube_client *client;
    const struct kube_resource *resource;
    char *ns, *name;
    kube_done_fn *done;
    void *arg;
    uint64_t request; /* in flight, or 0 */
    struct loop_timer *timer;
    int64_t retry_ms;
};

static bool has_failed(const struct err *err)
{
    return err->kind != ERR_NONE && err->kind != ERR_NOT_FOUND && err->kind != ERR_DENIED;
}

static void on_poll_answer(void *arg, const struct kube_reply *reply)
{
    struct poll *poll = arg;
    int64_t delay = has_failed(&reply->err) ? poll->retry_ms : INTERVAL_MS;

    poll->request = 0;
    poll->retry_ms = !has_failed(&reply->err) ? RETRY_MIN_MS : delay * 2 < INTERVAL_MS ? delay * 2 : INTERVAL_MS;
    delay = jitter(delay * 3 / 4, delay / 2); /* three quarters to five quarters */
    if (delay < reply->err.retry_after_ms)
        delay = reply->err.retry_after_ms;
    loop_timer_set(poll->timer, delay);
    poll->done(poll->arg, reply);
}

static void on_poll_timer(void *arg)
{
    poll_start(arg);
}

struct poll *poll_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                         const char *ns, const char *name, kube_done_fn *done, void *arg)
{
    struct poll *poll = mem_alloc(sizeof(*poll));

    *poll = (struct poll){.loop = loop,
                          .client = client,
                          .resource = resource,
                          .ns = ns ? mem_strdup(ns) : NULL,
                          .name = mem_strdup(name),
                          .done = done,
                          .arg = arg,
                          .retry_ms = RETRY_MIN_MS};
    poll->timer = loop_timer_create(loop, on_poll_timer, poll);
    return poll;
}

void poll_start(struct poll *poll)
{
    if (!poll->request)
        poll->request = kube_get(poll->client, poll->resource, poll->ns, poll->name, on_poll_answer, poll);
}

void poll_destroy(struct poll *poll)
{
    if (!poll)
        return;
    if (poll->request)
        kube_cancel(poll->client, poll->request);
    loop_timer_destroy(poll->timer);
    free(poll->ns);
    free(poll->name);
    free(poll);
}
