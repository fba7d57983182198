#include "kube/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"

enum {
    PAGE_SIZE = 500,
    LINE_MAX_BYTES = 8 << 20, /* the server refuses objects beyond 3 MiB */
    PAUSE_MIN_MS = 800,
    PAUSE_MAX_MS = 30 * 1000,
    HEALTHY_MS = 2 * 60 * 1000,
    STREAM_MIN_S = 300,   /* timeoutSeconds is random in [5, 10] minutes, so that streams do not end in step */
    IDLE_MS = 150 * 1000, /* bookmarks come about once a minute */
};

enum watch_state { STATE_IDLE, STATE_LIST, STATE_STREAM, STATE_PAUSE };

struct watch {
    struct loop *loop;
    struct kube_client *client;
    const struct kube_resource *resource;
    char *ns, *selector;
    struct watch_handler handler;
    enum watch_state state;
    uint64_t request;         /* in flight, or 0                              */
    struct loop_timer *timer; /* armed in PAUSE                               */
    char *version;            /* NULL: list first                             */
    char *page;               /* continue token of the next page, or NULL     */
    struct buf line;          /* the event that is not complete yet           */
    int64_t pause_ms, stream_began_ms;
    bool expired, synced;
    struct err problem;
};

static void begin(struct watch *w);

static void replace(char **text, const char *value)
{
    free(*text);
    *text = value ? mem_strdup(value) : NULL;
}

static void forget_version(struct watch *w)
{
    replace(&w->version, NULL);
    replace(&w->page, NULL);
}

static void on_timer(void *arg)
{
    begin(arg);
}

/* Half to one and a half of the pause, then twice as long the next time. */
static void pause_then_begin(struct watch *w, const struct err *err)
{
    int64_t jittered = w->pause_ms / 2 + rand() % (w->pause_ms + 1);

    w->state = STATE_PAUSE;
    w->request = 0;
    w->problem = *err;
    if (err->retry_after_ms > jittered)
        jittered = err->retry_after_ms;
    w->pause_ms = w->pause_ms * 2 < PAUSE_MAX_MS ? w->pause_ms * 2 : PAUSE_MAX_MS;
    if (err->kind != ERR_NONE)
        log_event(LOG_WARN, "watch", "interrupted", "kind", w->resource->kind, "reason", err->reason, "error",
                  err->text, NULL);
    loop_timer_set(w->timer, jittered);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * LIST */

/* A 200 without a list's version is some proxy's: no proof that nothing is there. */
static struct err page_error(const struct kube_reply *reply)
{
    struct err err = reply->err;

    if (err.kind == ERR_NONE && !*json_str_or(reply->object, "metadata.resourceVersion", ""))
        err_set(&err, ERR_RETRY, "NotAList", "what came is not a list: check the server's address and proxies");
    return err;
}

static void on_page(void *arg, const struct kube_reply *reply)
{
    struct watch *w = arg;
    struct json_object *items = json_get(reply->object, "items");
    const struct err err = page_error(reply);

    w->request = 0;
    if (err.kind != ERR_NONE) {
        replace(&w->page, NULL); /* also right for a continue token that has expired: the list starts again */
        pause_then_begin(w, &err);
        return;
    }
    for (size_t i = 0; i < json_len(items); i++)
        w->handler.object(w->handler.arg, WATCH_ADDED, json_at(items, i));

    const char *next = json_str_or(reply->object, "metadata.continue", "");
    replace(&w->page, *next ? next : NULL);
    if (!w->page) {
        replace(&w->version, json_str(reply->object, "metadata.resourceVersion"));
        w->synced = true;
        w->problem = (struct err){0};
        w->handler.list_end(w->handler.arg);
    }
    begin(w);
}

static const char *metadata_accept(const struct watch *w, const char *suffix, struct arena *a)
{
    return w->resource->metadata_only
               ? arena_printf(a, "application/json;as=PartialObjectMetadata%s;g=meta.k8s.io;v=v1", suffix)
               : NULL;
}

/* A query's value: all but the plainest characters as %XX. */
static const char *query_escape(const char *text, struct arena *a)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = arena_alloc(a, strlen(text) * 3 + 1), *at = escaped;

    for (; *text; text++) {
        if (strchr(plain, *text)) {
            *at++ = *text;
        } else {
            *at++ = '%';
            *at++ = digits[(unsigned char)*text >> 4];
            *at++ = digits[(unsigned char)*text & 15];
        }
    }
    return escaped;
}

static const char *selector_query(const struct watch *w, struct arena *a)
{
    return w->selector ? arena_printf(a, "&labelSelector=%s", query_escape(w->selector, a)) : "";
}

static void list(struct watch *w)
{
    cleanup_arena struct arena a = {0};
    const char *path = kube_path(w->resource, w->ns, NULL, NULL, &a);
    const char *page = w->page ? arena_printf(&a, "&continue=%s", query_escape(w->page, &a)) : "";
    const struct kube_request request = {
        .method = "GET",
        .path = arena_printf(&a, "%s?limit=%d%s%s", path, PAGE_SIZE, selector_query(w, &a), page),
        .accept = metadata_accept(w, "List", &a),
        .done = on_page,
        .arg = w,
    };

    w->state = STATE_LIST;
    if (!w->page)
        w->handler.list_begin(w->handler.arg);
    w->request = kube_start(w->client, &request);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * STREAM */

/* ERROR events carry a Status; 410 means that the server has forgotten our version. */
static bool stream_error(struct watch *w, struct json_object *object)
{
    w->expired = json_int_or(object, "code", 0) == 410;
    w->problem = (struct err){.kind = ERR_RETRY};
    err_set(&w->problem, ERR_RETRY, json_str_or(object, "reason", "WatchError"), "%s",
            json_str_or(object, "message", "?"));
    return false;
}

/* One complete event. False ends the stream. */
static bool on_event(struct watch *w, const char *line, size_t len)
{
    static const char *const types[] = {
        [WATCH_ADDED] = "ADDED", [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED"};
    cleanup_json struct json_object *event = json_parse(line, len, &w->problem);
    struct json_object *object = json_get(event, "object");
    const char *type = json_str_or(event, "type", "");
    const char *version = json_str(object, "metadata.resourceVersion");

    if (!event)
        return false;
    if (strcmp(type, "ERROR") == 0)
        return stream_error(w, object);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(type, types[i]) == 0)
            w->handler.object(w->handler.arg, (enum watch_type)i, object);
    if (version)
        replace(&w->version, version);
    return true;
}

static bool add_to_line(struct watch *w, const char *bytes, size_t len)
{
    if (buf_add(&w->line, bytes, len))
        return true;
    return err_set(&w->problem, ERR_RETRY, "EventTooLarge", "an event is larger than %d MiB", LINE_MAX_BYTES >> 20);
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

/* A stream that ended in good order goes on at once; one that broke goes on after a pause; an expired one lists. */
static void on_stream_end(void *arg, const struct err *err)
{
    struct watch *w = arg;
    bool healthy = loop_now(w->loop) - w->stream_began_ms >= HEALTHY_MS;
    bool in_order = err->kind == ERR_NONE && w->problem.kind == ERR_NONE;

    w->request = 0;
    buf_finish(&w->line);
    if (w->expired || err->kind == ERR_EXPIRED)
        forget_version(w);
    w->expired = false;
    if (healthy)
        w->pause_ms = PAUSE_MIN_MS;
    if (in_order && healthy)
        begin(w);
    else
        pause_then_begin(w, w->problem.kind != ERR_NONE ? &w->problem : err); /* why we ended it, else how it broke */
}

static void stream(struct watch *w)
{
    cleanup_arena struct arena a = {0};
    const char *path = kube_path(w->resource, w->ns, NULL, NULL, &a);
    const struct kube_stream s = {
        .path = arena_printf(&a, "%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%d%s", path,
                             w->version, STREAM_MIN_S + rand() % STREAM_MIN_S, selector_query(w, &a)),
        .accept = metadata_accept(w, "", &a),
        .idle_timeout_ms = IDLE_MS,
        .data = on_bytes,
        .end = on_stream_end,
        .arg = w,
    };

    w->state = STATE_STREAM;
    w->stream_began_ms = loop_now(w->loop);
    w->problem = (struct err){0};
    w->request = kube_stream(w->client, &s);
}

static void begin(struct watch *w)
{
    if (w->version)
        stream(w);
    else
        list(w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler)
{
    struct watch *w = mem_alloc(sizeof(*w));

    *w = (struct watch){
        .loop = loop, .client = client, .resource = resource, .handler = *handler, .pause_ms = PAUSE_MIN_MS};
    replace(&w->ns, ns);
    replace(&w->selector, selector);
    buf_init(&w->line, LINE_MAX_BYTES);
    w->timer = loop_timer_create(loop, on_timer, w);
    return w;
}

void watch_start(struct watch *w)
{
    if (w->state == STATE_IDLE)
        begin(w);
}

void watch_destroy(struct watch *w)
{
    if (!w)
        return;
    if (w->request)
        kube_cancel(w->client, w->request);
    loop_timer_destroy(w->timer);
    buf_finish(&w->line);
    forget_version(w);
    free(w->ns);
    free(w->selector);
    free(w);
}

bool watch_synced(const struct watch *w)
{
    return w->synced;
}

const struct kube_resource *watch_resource(const struct watch *w)
{
    return w->resource;
}

const char *watch_state_name(const struct watch *w)
{
    static const char *const names[] = {"idle", "list", "stream", "pause"};

    return names[w->state];
}

const char *watch_problem(const struct watch *w)
{
    return w->problem.text;
}
