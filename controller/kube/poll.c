#include "kube/poll.h"

#include <assert.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/jitter.h"
#include "base/mem.h"
#include "net/loop.h"

enum { INTERVAL_MS = 10 * 1000 };
static const struct backoff retries = {1000, INTERVAL_MS, 25};

struct poll {
    struct loop *loop;
    struct kube_client *client;
    const struct kube_resource *resource;
    char *ns, *name;
    kube_done_fn *done;
    void *arg;
    uint64_t request; /* in flight, or 0 */
    struct loop_timer *timer;
    unsigned failures; /* in a row */
};

static bool has_failed(const struct err *err)
{
    return err->kind != ERR_NONE && err->kind != ERR_NOT_FOUND && err->kind != ERR_DENIED;
}

static void on_poll_answer(void *arg, const struct kube_reply *reply)
{
    assert(((struct poll *)arg)->request);
    struct poll *poll = arg;
    bool failed = has_failed(&reply->err);

    poll->request = 0;
    poll->failures = failed ? poll->failures + 1 : 0;
    loop_timer_set(poll->timer,
                   failed ? backoff_pause(&retries, poll->failures, reply->err.retry_after_ms, jitter_random())
                          : jitter(INTERVAL_MS * 3 / 4, INTERVAL_MS / 2));
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
                          .arg = arg};
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
