/* One event, of a stream or of a list: what it tells. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/version.h"
#include "kube/watch_parts.h"
#include "net/loop.h"

enum { RETRY_AFTER_MAX_S = 86400 };

/* ERROR events carry a Status. */
static bool on_error(struct watch *w, struct json_object *status)
{
    int64_t code = json_int_or(status, "code", 0), seconds = json_int_or(status, "details.retryAfterSeconds", 0);

    err_set(&w->problem, code == 410 ? ERR_EXPIRED : ERR_RETRY, json_str_or(status, "reason", "WatchError"), "%s",
            json_str_or(status, "message", "?"));
    w->problem.code = (int)code;
    w->problem.retry_after_ms = seconds > 0 && seconds <= RETRY_AFTER_MAX_S ? seconds * 1000 : 0;
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
    watch_enter(w, WATCH_STREAM);
    watch_list_done(w, version);
    return true;
}

static bool on_bookmark(struct watch *w, struct json_object *bookmark)
{
    const char *version = json_str_or(bookmark, "metadata.resourceVersion", "");

    if (w->state == WATCH_SYNC)
        return !ends_initial_events(bookmark) || on_initial_events_end(w, version);
    watch_reach(w, version);
    return true;
}

static enum watch_type type_of(const struct watch *w, const char *type)
{
    static const char *const types[] = {
        [WATCH_LISTED] = "LISTED", [WATCH_ADDED] = "ADDED", [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED"};
    enum watch_type t = w->state == WATCH_LIST ? WATCH_LISTED : WATCH_ADDED;

    while (t <= WATCH_DELETED && strcmp(type, types[t]) != 0)
        t++;
    return t == WATCH_ADDED && w->state == WATCH_SYNC ? WATCH_LISTED : t;
}

static void on_watched_object(struct watch *w, const char *name, struct json_object *object)
{
    enum watch_type type = type_of(w, name);

    if (type > WATCH_DELETED)
        watch_pass_over(w, name);
    else
        watch_tell(w, type, object);
    if (w->state == WATCH_SYNC)
        loop_timer_set(w->timer, WATCH_SYNC_QUIET_MS);
    else if (w->state == WATCH_STREAM)
        watch_reach(w, json_str_or(object, "metadata.resourceVersion", ""));
}

/* Most events tell of our own writes, whose answers have told all of it: those are recognised without taking them to
 * pieces. */
static bool is_identity_known(struct watch *w, const char *line, size_t len)
{
    struct watch_identity i = {.ns = ""};
    char type[16];
    bool complete = w->state == WATCH_STREAM && w->handler.known && json_peek(line, len, "type", type, sizeof(type)) &&
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

/* Of a bookmark in a stream the version is all. */
static bool is_mark(struct watch *w, const char *line, size_t len)
{
    char type[16], version[32];

    if (w->state != WATCH_STREAM || !json_peek(line, len, "type", type, sizeof(type)) ||
        strcmp(type, "BOOKMARK") != 0 ||
        !json_peek(line, len, "object.metadata.resourceVersion", version, sizeof(version)))
        return false;
    watch_reach(w, version);
    return true;
}

static bool on_watch_event(struct watch *w)
{
    cleanup_json struct json_object *event = object_text_parse(&w->line, &w->problem);
    struct json_object *object = json_get(event, "object");
    const char *type = json_str_or(event, "type", "");

    if (!event)
        return false;
    if (strcmp(type, "ERROR") == 0)
        return on_error(w, object);
    if (strcmp(type, "BOOKMARK") == 0)
        return on_bookmark(w, object);
    on_watched_object(w, type, object);
    return true;
}

bool watch_event(struct watch *w)
{
    const struct buf *held = object_text_held(&w->line);
    bool goes_on =
        is_mark(w, held->data, held->len) || is_identity_known(w, held->data, held->len) || on_watch_event(w);

    object_text_clear(&w->line);
    return goes_on;
}
