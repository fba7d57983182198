/* SYNC and STREAM: bytes become lines, whatever pieces they come in. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/jitter.h"
#include "base/log.h"
#include "kube/watch_parts.h"
#include "net/loop.h"

enum {
    VERY_SHORT_MS = 1000,
    STREAM_MIN_S = 300,   /* timeoutSeconds is random in [5, 10] minutes, so that streams do not end in step */
    IDLE_MS = 150 * 1000, /* bookmarks come about once a minute */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines */

/* Bytes come in whatever pieces the network makes; an event counts when its line is complete. */
static bool on_bytes(void *arg, const char *bytes, size_t len)
{
    assert(((struct watch *)arg)->state == WATCH_SYNC || ((struct watch *)arg)->state == WATCH_STREAM);
    struct watch *w = arg;
    const char *end;

    while ((end = memchr(bytes, '\n', len))) {
        size_t piece = (size_t)(end - bytes);
        object_text_add(&w->line, bytes, piece);
        if (w->line.size && !watch_event(w))
            return false;
        bytes += piece + 1;
        len -= piece + 1;
    }
    object_text_add(&w->line, bytes, len);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Streams */

/* The server ended the stream in good order: fine, unless it came too early. */
static struct err good_end(struct watch *w)
{
    struct err err = {0};

    if (w->state == WATCH_SYNC) {
        w->way = LIST_PAGED; /* maybe it takes no notice of the parameters */
        err_set(&err, ERR_RETRY, "ListIncomplete", "the stream ended before the list in it was complete");
    } else if (!w->moved && loop_now(w->loop) - w->began_ms < VERY_SHORT_MS) {
        w->counts.short_watches++;
        err_set(&err, ERR_RETRY, "VeryShortWatch", "the server ended the stream at once, and told nothing");
    }
    return err;
}

/* Why we ended it, else how it broke. */
static void on_end(void *arg, const struct err *err)
{
    struct watch *w = arg;
    assert(w->state == WATCH_SYNC || w->state == WATCH_STREAM);
    struct err why = w->problem.kind != ERR_NONE ? w->problem : *err;

    if (why.kind == ERR_NONE)
        why = good_end(w);
    loop_timer_set(w->timer, -1);
    object_text_clear(&w->line);
    w->ended(w, &why);
}

void watch_stream_give_up(struct watch *w)
{
    assert(w->state == WATCH_SYNC && w->request);
    log_event(LOG_WARN, "watch", "a streamed list does not end", "kind", w->resource->kind, NULL);
    kube_cancel(w->client, w->request);
    w->request = 0;
    object_text_clear(&w->line);
}

static const char *stream_query(const struct watch *w, struct arena *a)
{
    const char *from = w->listed ? arena_printf(a, "resourceVersion=%s", w->version)
                                 : "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

    return arena_printf(a, "watch=1&allowWatchBookmarks=true&%s&timeoutSeconds=%d", from,
                        (int)jitter(STREAM_MIN_S, STREAM_MIN_S));
}

void watch_stream(struct watch *w)
{
    cleanup_arena struct arena a = {0};
    const struct kube_stream s = {
        .path = watch_path(w, stream_query(w, &a), &a),
        .accept = watch_accept(w, "", &a),
        .idle_timeout_ms = IDLE_MS,
        .data = on_bytes,
        .end = on_end,
        .arg = w,
    };

    watch_enter(w, w->listed ? WATCH_STREAM : WATCH_SYNC);
    w->began_ms = loop_now(w->loop);
    w->problem = (struct err){0};
    w->counts.watches++;
    if (w->state == WATCH_SYNC) {
        w->handler.list_begin(w->handler.arg);
        loop_timer_set(w->timer, WATCH_SYNC_QUIET_MS);
    }
    w->request = kube_stream(w->client, &s);
}
