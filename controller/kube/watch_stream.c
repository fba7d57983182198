/* SYNC and STREAM: bytes become events, whatever pieces they come in. */
#include <string.h>

#include "base/arena.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/version.h"
#include "kube/watch_parts.h"
#include "net/loop.h"

enum {
    VERY_SHORT_MS = 1000,
    STREAM_MIN_S = 300,        /* timeoutSeconds is random in [5, 10] minutes, so that streams do not end in step */
    IDLE_MS = 150 * 1000,      /* bookmarks come about once a minute */
    SYNC_QUIET_MS = 60 * 1000, /* … but do not count before the list is complete */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Events */

/* ERROR events carry a Status. */
static bool on_error(struct watch *w, struct json_object *status)
{
    int64_t code = json_int_or(status, "code", 0);

    err_set(&w->problem, code == 410 ? ERR_EXPIRED : ERR_RETRY, json_str_or(status, "reason", "WatchError"), "%s",
            json_str_or(status, "message", "?"));
    w->problem.code = (int)code;
    w->problem.retry_after_ms = json_int_or(status, "details.retryAfterSeconds", 0) * 1000;
    return false;
}

static bool ends_initial_events(struct json_object *bookmark)
{
    struct json_object *mark = json_member(json_get(bookmark, "metadata.annotations"), "k8s.io/initial-events-end");

    return strcmp(json_string(mark), "true") == 0;
}

/* The list is complete, and the stream goes on. False when it is not to be believed. */
static bool on_initial_events_end(struct watch *w, const char *version)
{
    w->problem = watch_judge_list(w, version);
    if (w->problem.kind != ERR_NONE)
        return false;
    loop_timer_set(w->timer, -1);
    w->state = STATE_STREAM;
    watch_list_done(w, version);
    return true;
}

static bool on_bookmark(struct watch *w, struct json_object *bookmark)
{
    const char *version = json_str_or(bookmark, "metadata.resourceVersion", "");

    if (w->state == STATE_SYNC)
        return !ends_initial_events(bookmark) || on_initial_events_end(w, version);
    watch_reach(w, version);
    return true;
}

static void on_object(struct watch *w, const char *type, struct json_object *object)
{
    static const char *const types[] = {
        [WATCH_ADDED] = "ADDED", [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED"};
    enum watch_type t = WATCH_ADDED;

    while (t <= WATCH_DELETED && strcmp(type, types[t]) != 0)
        t++;
    if (t > WATCH_DELETED)
        watch_pass_over(w, type);
    else
        watch_tell(w, t == WATCH_ADDED && w->state == STATE_SYNC ? WATCH_LISTED : t, object);
    if (w->state == STATE_SYNC)
        loop_timer_set(w->timer, SYNC_QUIET_MS);
    else
        watch_reach(w, json_str_or(object, "metadata.resourceVersion", ""));
}

/* Most events tell of our own writes, whose answers have told all of it: those are recognised without taking them to
 * pieces. */
static bool is_known(struct watch *w, const char *line, size_t len)
{
    struct watch_identity i = {.ns = ""};
    char type[16];
    bool complete = w->state == STATE_STREAM && w->handler.known && json_peek(line, len, "type", type, sizeof(type)) &&
                    (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) &&
                    json_peek(line, len, "object.metadata.name", i.name, sizeof(i.name)) &&
                    json_peek(line, len, "object.metadata.uid", i.uid, sizeof(i.uid)) &&
                    json_peek(line, len, "object.metadata.resourceVersion", i.version, sizeof(i.version)) &&
                    kube_version_valid(i.version);

    if (!complete ||
        (w->resource->namespaced && !json_peek(line, len, "object.metadata.namespace", i.ns, sizeof(i.ns))))
        return false;
    if (!w->handler.known(w->handler.arg, &i))
        return false;
    watch_reach(w, i.version);
    return true;
}

/* In the place of what nobody looks at there is a number then. */
static void pass_over_the_unread(const struct watch *w, char *line, size_t len)
{
    const char *value;
    size_t size;

    if (!w->unread || !json_peek_value(line, len, w->unread, &value, &size))
        return;
    memset(line + (value - line), ' ', size);
    line[value - line] = '0';
}

/* One complete event. False ends the stream. */
static bool on_event(struct watch *w, char *line, size_t len)
{
    if (is_known(w, line, len))
        return true;
    pass_over_the_unread(w, line, len);
    cleanup_json struct json_object *event = json_parse_cut(line, len, JSON_COST_MAX, &w->problem);
    struct json_object *object = json_get(event, "object");
    const char *type = json_str_or(event, "type", "");

    if (!event)
        return false;
    if (strcmp(type, "ERROR") == 0)
        return on_error(w, object);
    if (strcmp(type, "BOOKMARK") == 0)
        return on_bookmark(w, object);
    on_object(w, type, object);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines */

static bool add_to_line(struct watch *w, const char *bytes, size_t len)
{
    if (buf_add(&w->line, bytes, len))
        return true;
    return err_set(&w->problem, ERR_RETRY, "EventTooLarge", "an event is larger than %zu MiB", w->line.max >> 20);
}

/* Bytes come in whatever pieces the network makes; an event counts when its line is complete. */
static bool on_bytes(void *arg, const char *bytes, size_t len)
{
    struct watch *w = arg;
    const char *end;

    while ((end = memchr(bytes, '\n', len))) {
        size_t piece = (size_t)(end - bytes);
        if (!add_to_line(w, bytes, piece) || (w->line.len && !on_event(w, w->line.data, w->line.len)))
            return false;
        buf_clear(&w->line);
        bytes += piece + 1;
        len -= piece + 1;
    }
    return add_to_line(w, bytes, len);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Streams */

/* The server ended the stream in good order: fine, unless it came too early. */
static struct err good_end(struct watch *w)
{
    struct err err = {0};

    if (w->state == STATE_SYNC) {
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
    struct err why = w->problem.kind != ERR_NONE ? w->problem : *err;

    if (why.kind == ERR_NONE)
        why = good_end(w);
    loop_timer_set(w->timer, -1);
    buf_finish(&w->line);
    watch_go_on(w, &why);
}

void watch_stream_give_up(struct watch *w)
{
    log_event(LOG_WARN, "watch", "a streamed list does not end", "kind", w->resource->kind, NULL);
    kube_cancel(w->client, w->request);
    w->request = 0;
    buf_finish(&w->line);
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

    w->state = w->listed ? STATE_STREAM : STATE_SYNC;
    w->began_ms = loop_now(w->loop);
    w->problem = (struct err){0};
    w->counts.watches++;
    if (w->state == STATE_SYNC) {
        w->handler.list_begin(w->handler.arg);
        loop_timer_set(w->timer, SYNC_QUIET_MS);
    }
    w->request = kube_stream(w->client, &s);
}
