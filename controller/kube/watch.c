/* From state to state: what the end of a request leads to. */
#include "kube/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/jitter.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/watch_parts.h"
#include "net/loop.h"

enum {
    HEALTHY_MS = 2 * 60 * 1000,
    RELIST_GAP_MS = 10 * 1000, /* a server that forgets every version at once is not asked without pause */
};
static const struct backoff pauses = {1600, 60 * 1000, 50};

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes next */

static void begin_watch(struct watch *w)
{
    assert(!w->request && !w->line.size);
    w->odd = w->moved = false;
    if (!w->listed && w->way != LIST_STREAMED)
        watch_list(w);
    else
        watch_stream(w);
}

/* What the server asks for, or up to a tenth more. */
static void pause_then_begin(struct watch *w, const struct err *err)
{
    int64_t asked = jitter(err->retry_after_ms, err->retry_after_ms / 10);

    if (w->state == WATCH_LIST)
        w->way = watch_usual_way(w);
    watch_enter(w, WATCH_PAUSE);
    w->problem = *err;
    w->counts.pauses++;
    log_event(LOG_WARN, "watch", "interrupted", "kind", w->resource->kind, "reason", err->reason, "error", err->text,
              NULL);
    loop_timer_set(w->timer, backoff_pause(&pauses, ++w->failures, asked, jitter_random()));
}

/* Servers before 1.27 do not know the parameters of streamed lists, later ones may have them switched off. */
static bool refuses_streamed_lists(const struct watch *w, const struct err *err)
{
    return w->state == WATCH_SYNC && (err->code == 400 || err->code == 422);
}

/* The server has forgotten our version; or, after a change of servers, has not reached it. Neither goes away by itself,
 * and the newest state is what is wanted anyway. The second comes as a timeout, with only the text to tell it by. */
static bool needs_a_list(const struct err *err)
{
    return err->kind == ERR_EXPIRED || strcasestr(err->text, "too large resource version");
}

static void list_anew(struct watch *w, const struct err *err)
{
    int64_t since = loop_now(w->loop) - w->relisted_ms;

    w->listed = false;
    w->way = watch_usual_way(w);
    if (w->relisted_ms && since < RELIST_GAP_MS) {
        pause_then_begin(w, err);
        return;
    }
    log_event(LOG_DEBUG, "watch", "lists anew", "kind", w->resource->kind, "reason", err->reason, NULL);
    w->relisted_ms = loop_now(w->loop);
    begin_watch(w);
}

/* The request in flight has ended. */
static void go_on(struct watch *w, const struct err *err)
{
    assert(w->state != WATCH_IDLE && w->state != WATCH_PAUSE);
    bool page_expired = err->kind == ERR_EXPIRED && w->page;
    bool was_healthy = w->state == WATCH_STREAM && loop_now(w->loop) - w->began_ms >= HEALTHY_MS;

    w->request = 0;
    if (was_healthy)
        w->failures = 0;
    if (err->kind != ERR_NONE)
        watch_set(&w->page, NULL);
    if (refuses_streamed_lists(w, err)) {
        log_event(LOG_INFO, "watch", "the server knows no streamed lists", "kind", w->resource->kind, "error",
                  err->text, NULL);
        w->no_streamed_lists = true;
        w->way = LIST_PAGED;
        begin_watch(w);
    } else if (page_expired) {
        w->way = LIST_WHOLE;
        begin_watch(w);
    } else if (needs_a_list(err)) {
        list_anew(w, err);
    } else if (err->kind != ERR_NONE) {
        pause_then_begin(w, err);
    } else {
        begin_watch(w);
    }
}

static void on_watch_timer(void *arg)
{
    struct watch *w = arg;

    if (w->state == WATCH_SYNC) {
        watch_stream_give_up(w);
        w->way = LIST_PAGED;
    }
    begin_watch(w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler)
{
    struct watch *w = mem_alloc(sizeof(*w));

    *w = (struct watch){.loop = loop, .client = client, .resource = resource, .handler = *handler, .ended = go_on};
    watch_set(&w->ns, ns);
    watch_set(&w->selector, selector);
    object_text_init(&w->line, resource, true, 0);
    w->timer = loop_timer_create(loop, on_watch_timer, w);
    return w;
}

void watch_start(struct watch *w)
{
    if (w->state == WATCH_IDLE)
        begin_watch(w);
}

void watch_list_again(struct watch *w)
{
    if (w->state != WATCH_STREAM)
        return;
    kube_cancel(w->client, w->request);
    w->request = 0;
    object_text_clear(&w->line);
    w->listed = false;
    w->way = watch_usual_way(w);
    begin_watch(w);
}

void watch_destroy(struct watch *w)
{
    if (!w)
        return;
    if (w->request)
        kube_cancel(w->client, w->request);
    loop_timer_destroy(w->timer);
    object_text_finish(&w->line);
    json_sieve_finish(&w->page_text);
    free(w->version);
    free(w->page);
    free(w->ns);
    free(w->selector);
    free(w);
}

bool watch_synced(const struct watch *w)
{
    return w->synced;
}

const char *watch_problem(const struct watch *w)
{
    return w->problem.text;
}

const char *watch_version(const struct watch *w)
{
    return w->version ? w->version : "";
}

struct watch_counts watch_counts(const struct watch *w)
{
    return w->counts;
}
