/* LIST: page by page, all of one version. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "kube/watch_parts.h"

/* Lists by page are for bad times, when streams do not come to their end, and all kinds may be listed at once. Ten
 * thousand runners took three times the memory that they need with the usual 500, and no less time. */
enum { PAGE_SIZE = 50 };

/* An empty one has null for its items, if it is of metadata. */
static bool is_list(struct json_object *page)
{
    struct json_object *items = json_get(page, "items");
    const char *kind = json_str_or(page, "kind", "List");
    size_t len = strlen(kind);

    return len >= 4 && strcmp(kind + len - 4, "List") == 0 && (!items || json_is_array(items));
}

static struct err page_error(const struct watch *w, const struct kube_reply *reply)
{
    if (reply->err.kind != ERR_NONE)
        return reply->err;
    return watch_judge_list(w,
                            is_list(reply->object) ? json_str_or(reply->object, "metadata.resourceVersion", "") : "");
}

static void on_page(void *arg, const struct kube_reply *reply)
{
    struct watch *w = arg;
    struct json_object *items = json_get(reply->object, "items");
    const struct err err = page_error(w, reply);

    if (err.kind != ERR_NONE) {
        watch_go_on(w, &err);
        return;
    }
    if (!w->page)
        w->handler.list_begin(w->handler.arg);
    for (size_t i = 0; i < json_len(items); i++)
        watch_tell(w, WATCH_LISTED, json_at(items, i));

    const char *next = json_str_or(reply->object, "metadata.continue", "");
    watch_set(&w->page, *next ? next : NULL);
    if (!w->page)
        watch_list_done(w, json_str(reply->object, "metadata.resourceVersion"));
    watch_go_on(w, &err);
}

static const char *page_query(const struct watch *w, struct arena *a)
{
    if (w->way == LIST_WHOLE)
        return "";
    if (w->page)
        return arena_printf(a, "limit=%d&continue=%s", PAGE_SIZE, watch_escape(w->page, a));
    return arena_printf(a, "limit=%d", PAGE_SIZE);
}

void watch_list(struct watch *w)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET",
        .path = watch_path(w, page_query(w, &a), &a),
        .accept = watch_accept(w, "List", &a),
        .done = on_page,
        .arg = w,
    };

    w->state = STATE_LIST;
    w->request = kube_start(w->client, &request);
}
