/* Watches: what has happened since a version, as far as the host shows it, then what goes on to happen. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

enum { WATCH_TEXT_MAX = 64 << 20, BOOKMARK_MS = 100 * 1000, WATCH_DEFAULT_S = 1800 };

struct api_watch {
    struct list node;
    struct api_host *host;
    const struct api_kind *kind;
    struct exchange *exchange;
    char *ns, *labels, *fields; /* NULL: all */
    bool meta, bookmarks;
    size_t next;      /* event of the shelf */
    uint64_t reached; /* told of so far     */
    uint64_t end_timer, bookmark_timer;
};

static struct api *api_of(const struct api_watch *w)
{
    return w->host->api;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines */

static void add_line(const struct api_watch *w, struct buf *text, const char *type, struct api_state *state)
{
    size_t len;
    const char *object = w->meta ? api_state_meta(state, &len) : api_state_text(w->kind, state, &len);

    buf_addf(text, "{\"type\":\"%s\",\"object\":", type);
    buf_add(text, object, len);
    buf_add(text, "}\n", 2);
}

static void add_bookmark(const struct api_watch *w, struct buf *text, bool ends_initial)
{
    const char *mark = ends_initial ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "";
    char version[24];

    snprintf(version, sizeof(version), "%" PRIu64, w->reached);
    buf_addf(text,
             "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{"
             "\"resourceVersion\":\"%s\"%s}}}\n",
             w->meta ? "PartialObjectMetadata" : w->kind->kind, w->meta ? "meta.k8s.io/v1" : w->kind->api_version,
             version, mark);
}

static bool watch_shows(const struct api_watch *w, const struct api_state *state)
{
    return state && (!w->ns || strcmp(w->ns, state->ns) == 0) && api_selected(w->labels, w->fields, state);
}

/* What leaves a selector is told of as it was, with the version of its leaving. */
static void add_leaving(const struct api_watch *w, struct buf *text, const struct api_event *event)
{
    struct api_state left = {.root = api_json_shallow(event->before->root)};
    struct json_object *m = api_json_shallow(json_member(left.root, "metadata"));
    char version[24];

    snprintf(version, sizeof(version), "%" PRIu64, event->version);
    json_object_object_add(m, "resourceVersion", json_object_new_string(version));
    json_object_object_add(left.root, "metadata", m);
    add_line(w, text, "DELETED", &left);
    json_object_put(left.root);
    free(left.text);
    free(left.meta_text);
}

static void add_event(const struct api_watch *w, struct buf *text, const struct api_event *event)
{
    bool was = watch_shows(w, event->before), is = watch_shows(w, event->after);

    if (is)
        add_line(w, text, was ? "MODIFIED" : "ADDED", event->after);
    else if (was && event->gone)
        add_line(w, text, "DELETED", event->gone);
    else if (was)
        add_leaving(w, text, event);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Going on */

static void watch_push(const struct api_watch *w, const struct buf *text)
{
    if (text->len)
        exchange_push(w->exchange, text->data, text->len);
}

static void watch_advance(struct api_watch *w)
{
    const struct api_shelf *shelf = api_shelf(api_of(w), w->kind);
    uint64_t horizon = api_horizon(w->host, w->kind);
    cleanup_buf struct buf text;

    buf_init(&text, WATCH_TEXT_MAX);
    for (; w->next < shelf->events_len && shelf->events[w->next].version <= horizon; w->next++)
        if (shelf->events[w->next].version > w->reached)
            add_event(w, &text, &shelf->events[w->next]);
    if (horizon > w->reached)
        w->reached = horizon;
    watch_push(w, &text);
}

void api_watches_advance(struct api *api, const struct api_kind *kind)
{
    for (size_t k = 0; k < API_KINDS; k++) {
        if (kind && kind != &api_kinds[k])
            continue;
        list_each_safe (node, after, &api->shelves[k].watches)
            watch_advance(container_of(node, struct api_watch, node));
    }
}

static void watch_free(struct api_watch *w)
{
    list_remove(&w->node);
    sim_forget(api_of(w)->sim, w->end_timer);
    if (w->bookmark_timer)
        sim_forget(api_of(w)->sim, w->bookmark_timer);
    free(w->ns);
    free(w->labels);
    free(w->fields);
    free(w);
}

static void watch_tell_bookmark(struct api_watch *w)
{
    cleanup_buf struct buf text;

    buf_init(&text, WATCH_TEXT_MAX);
    watch_advance(w);
    add_bookmark(w, &text, false);
    watch_push(w, &text);
}

static void on_bookmark_timer(void *arg)
{
    struct api_watch *w = arg;

    watch_tell_bookmark(w);
    w->bookmark_timer = sim_later(api_of(w)->sim, BOOKMARK_MS, on_bookmark_timer, w);
}

static void on_watch_end(void *arg)
{
    struct api_watch *w = arg;

    if (w->bookmarks)
        watch_tell_bookmark(w);
    exchange_end(w->exchange);
    watch_free(w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Beginning */

static char *text_or_null(const char *text)
{
    return text && *text ? mem_strdup(text) : NULL;
}

static struct api_watch *watch_new(struct api_host *host, const struct api_kind *kind, const char *ns,
                                   const struct api_query *q, struct exchange *exchange)
{
    struct api_watch *w = mem_alloc(sizeof(*w));
    int64_t timeout_s = q->timeout_s > 0 ? q->timeout_s : WATCH_DEFAULT_S;

    *w = (struct api_watch){.host = host,
                            .kind = kind,
                            .exchange = exchange,
                            .ns = text_or_null(ns),
                            .labels = text_or_null(q->label_selector),
                            .fields = text_or_null(q->field_selector),
                            .meta = q->meta,
                            .bookmarks = q->bookmarks};
    list_append(&api_shelf(host->api, kind)->watches, &w->node);
    w->end_timer = sim_later(host->api->sim, timeout_s * 1000, on_watch_end, w);
    if (q->bookmarks)
        w->bookmark_timer = sim_later(host->api->sim, BOOKMARK_MS, on_bookmark_timer, w);
    return w;
}

/* All that there is at a version, as if it had just been added. */
static void tell_initial_events(struct api_watch *w, uint64_t version, bool marked)
{
    const struct api_shelf *shelf = api_shelf(api_of(w), w->kind);
    cleanup_buf struct buf text;
    size_t len;
    struct api_state **view = api_view(api_of(w), w->kind, version, &len);

    buf_init(&text, WATCH_TEXT_MAX);
    for (size_t i = 0; i < len; i++) {
        if (watch_shows(w, view[i]))
            add_line(w, &text, "ADDED", view[i]);
        api_state_drop(view[i]);
    }
    free(view);
    w->reached = version;
    w->next = shelf->events_len;
    while (w->next > 0 && shelf->events[w->next - 1].version > version)
        w->next--;
    if (marked)
        add_bookmark(w, &text, true);
    watch_push(w, &text);
}

static void begin_at(struct api_watch *w, uint64_t version)
{
    const struct api_shelf *shelf = api_shelf(api_of(w), w->kind);

    w->reached = version;
    w->next = shelf->events_len;
    while (w->next > 0 && shelf->events[w->next - 1].version > version)
        w->next--;
    watch_advance(w);
}

/* As the only event of a stream, or as the answer: servers do both. */
static void tell_expired(struct api *api, struct exchange *exchange, uint64_t version)
{
    char message[100];

    snprintf(message, sizeof(message), "too old resource version: %" PRIu64 " (%" PRIu64 ")", version, api->version);
    cleanup_json struct json_object *status = api_status(410, "Expired", NULL, NULL, NULL, message);
    const char *text = json_object_to_json_string_ext(status, API_JSON_PLAIN);
    if (sim_choose(api->sim, 2)) {
        exchange_answer(exchange, &(struct exchange_head){.status = 410, .content_type = "application/json"}, text,
                        strlen(text));
        return;
    }
    cleanup_buf struct buf line;
    buf_init(&line, WATCH_TEXT_MAX);
    buf_addf(&line, "{\"type\":\"ERROR\",\"object\":%s}\n", text);
    exchange_begin(exchange, &(struct exchange_head){.status = 200, .content_type = "application/json"});
    exchange_push(exchange, line.data, line.len);
    exchange_end(exchange);
}

void api_watch_begin(struct api_host *host, const struct api_kind *kind, const char *ns, const struct api_query *q,
                     struct exchange *exchange)
{
    struct api *api = host->api;
    uint64_t asked = strtoull(q->version ? q->version : "", NULL, 10);
    bool newest = !q->version || !*q->version;

    if (asked && !q->initial_events && asked < api->oldest) {
        tell_expired(api, exchange, asked);
        return;
    }
    exchange_begin(exchange, &(struct exchange_head){.status = 200, .content_type = "application/json"});
    struct api_watch *w = watch_new(host, kind, ns, q, exchange);
    if (q->initial_events || !asked)
        tell_initial_events(w, newest ? api->version : api_horizon(host, kind), q->initial_events);
    else
        begin_at(w, asked);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Ending */

void api_watch_gone(struct api *api, struct exchange *exchange)
{
    for (size_t k = 0; k < API_KINDS; k++) {
        list_each_safe (node, after, &api->shelves[k].watches) {
            struct api_watch *w = container_of(node, struct api_watch, node);
            if (w->exchange == exchange) {
                watch_free(w);
                return;
            }
        }
    }
}

void api_end_watches(struct api *api, const char *host, bool amid)
{
    static const char piece[] = "{\"type\":\"MODIFIED\",\"object\":{\"kin";

    for (size_t k = 0; k < API_KINDS; k++) {
        list_each_safe (node, after, &api->shelves[k].watches) {
            struct api_watch *w = container_of(node, struct api_watch, node);
            if (host && strcmp(w->host->name, host) != 0)
                continue;
            if (amid)
                exchange_push(w->exchange, piece, strlen(piece));
            exchange_end(w->exchange);
            watch_free(w);
        }
    }
}

void api_watches_finish(struct api *api)
{
    for (size_t k = 0; k < API_KINDS; k++) {
        list_each_safe (node, after, &api->shelves[k].watches)
            watch_free(container_of(node, struct api_watch, node));
    }
}
