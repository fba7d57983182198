/* LIST: page by page, all of one version. A page is never held: its items are told as they come. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/watch_parts.h"

/* Lists by page are for bad times, when streams do not come to their end, and all kinds may be listed at once. Ten
 * thousand objects took three times the memory that they need with the usual 500, and no less time. */
enum { PAGE_SIZE = 50, PAGE_TEXT_MAX = 20 << 10 };

/* Of a page without its items. An empty one has null for them, if it is of metadata. */
static bool is_list(struct json_object *page)
{
    struct json_object *items = json_get(page, "items");
    const char *kind = json_str_or(page, "kind", "List");
    size_t len = strlen(kind);

    return len >= 4 && strcmp(kind + len - 4, "List") == 0 && (!items || json_is_array(items));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Items become events */

static void begin_list(struct watch *w)
{
    if (!w->list_told)
        w->handler.list_begin(w->handler.arg);
    w->list_told = true;
}

static void add_text(struct watch *w, const char *text)
{
    object_text_add(&w->line, text, strlen(text));
}

static void on_item(void *arg, const char *bytes, size_t len, bool end)
{
    assert(((struct watch *)arg)->state == WATCH_LIST);
    struct watch *w = arg;

    if (w->list_broken)
        return;
    begin_list(w);
    if (!w->line.size)
        add_text(w, "{\"type\":\"LISTED\",\"object\":");
    object_text_add(&w->line, bytes, len);
    if (!end)
        return;
    add_text(w, "}");
    w->list_broken = !watch_event(w);
}

static bool on_list_bytes(void *arg, const char *bytes, size_t len)
{
    struct watch *w = arg;

    json_sieve_feed(&w->page_text, bytes, len);
    return !w->list_broken;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pages */

/* What is no JSON is no list either. */
static struct json_object *page_of(const struct watch *w)
{
    const struct buf *text = &w->page_text.out;
    struct err ignored;

    return json_sieve_is_complete(&w->page_text) ? json_parse(text->data, text->len, &ignored) : NULL;
}

static struct err page_error(const struct watch *w, const struct kube_reply *reply, struct json_object *page)
{
    if (w->list_broken)
        return w->problem;
    if (reply->err.kind != ERR_NONE)
        return reply->err;
    return watch_judge_list(w, is_list(page) ? json_str_or(page, "metadata.resourceVersion", "") : "");
}

static void on_page(void *arg, const struct kube_reply *reply)
{
    struct watch *w = arg;
    assert(w->state == WATCH_LIST);
    cleanup_json struct json_object *page = page_of(w);
    const struct err err = page_error(w, reply, page);

    json_sieve_finish(&w->page_text);
    object_text_clear(&w->line);
    if (err.kind != ERR_NONE) {
        w->ended(w, &err);
        return;
    }
    begin_list(w);

    const char *next = json_str_or(page, "metadata.continue", "");
    watch_set(&w->page, *next ? next : NULL);
    if (!w->page)
        watch_list_done(w, json_str(page, "metadata.resourceVersion"));
    w->ended(w, &err);
}

static const char *page_query(const struct watch *w, struct arena *a)
{
    if (w->way == LIST_WHOLE)
        return "";
    if (w->page)
        return arena_printf(a, "limit=%d&continue=%s", PAGE_SIZE, percent_escaped(w->page, a));
    return arena_printf(a, "limit=%d", PAGE_SIZE);
}

void watch_list(struct watch *w)
{
    static const struct json_keep keeps[] = {
        {{"kind"}, 100, false}, {{"metadata"}, PAGE_TEXT_MAX / 2, false}, {{"items"}, 0, true}};
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET",
        .path = watch_path(w, page_query(w, &a), &a),
        .accept = watch_accept(w, "List", &a),
        .data = on_list_bytes,
        .done = on_page,
        .arg = w,
    };

    json_sieve_init(&w->page_text, keeps, ARRAY_LEN(keeps), PAGE_TEXT_MAX);
    w->page_text.element = on_item;
    w->page_text.arg = w;
    w->list_told = w->page != NULL;
    w->list_broken = false;
    watch_enter(w, WATCH_LIST);
    w->request = kube_start(w->client, &request);
}
