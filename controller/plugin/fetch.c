#include "plugin/fetch.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "kube/client.h"
#include "net/loop.h"

enum { COST_RATIO = 24 }; /* what a tree may take, to the bytes of its text */

struct flights;

/* One of them on its way. */
struct flight {
    struct fetch *fetch;
    struct flights *all;
    uint64_t request; /* 0: it has ended */
    struct buf text;
};

struct flights {
    struct loop *loop;
    struct kube_client *client;
    struct arena *a;
    struct flight *each;
    size_t len, open;
};

static bool take_bytes(void *arg, const char *bytes, size_t len)
{
    struct flight *f = arg;

    return buf_add(&f->text, bytes, len);
}

static void fetch_end(struct flight *f)
{
    f->request = 0;
    f->fetch->ended = true;
    assert(f->all->open > 0);
    if (--f->all->open == 0)
        loop_stop(f->all->loop);
}

static void on_fetched(void *arg, const struct kube_reply *reply);

static void fetch_page(struct flight *f, const char *continued)
{
    const struct fetch *fetch = f->fetch;
    cleanup_arena struct arena a = {0};
    const char *path = fetch->path;

    if (fetch->list)
        path = arena_printf(&a, "%s%climit=%d%s%s", path, strchr(path, '?') ? '&' : '?', FETCH_PAGE,
                            *continued ? "&continue=" : "", continued);
    buf_clear(&f->text);
    f->fetch->calls++;
    const struct kube_request request = {.method = fetch->method ? fetch->method : "GET",
                                         .path = path,
                                         .accept = fetch->accept,
                                         .body = fetch->body ? json_text(fetch->body) : NULL,
                                         .data = take_bytes,
                                         .done = on_fetched,
                                         .arg = f};
    f->request = kube_start(f->all->client, &request);
}

static void keep_items(struct fetch *fetch, struct json_object *page)
{
    struct json_object *items = json_get(page, "items");

    for (size_t i = 0; i < json_len(items); i++) {
        struct json_object *item = json_at(items, i);
        if (!json_object_is_type(item, json_type_object))
            continue;
        if (fetch->slim)
            fetch->slim(item);
        json_append(fetch->object, json_ref(item));
    }
}

/* NULL: the list has ended, or is cut. The token is opaque, but is base64 for the web; what is not goes nowhere. */
static const char *next_of(struct fetch *fetch, struct json_object *page)
{
    const char *token = json_str_or(page, "metadata.continue", "");
    bool plain = token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.")] == '\0';

    if (*token && plain && fetch->calls < FETCH_PAGES_MAX)
        return token;
    fetch->cut = *token != '\0';
    return NULL;
}

static void read_page(struct flight *f)
{
    struct fetch *fetch = f->fetch;
    size_t room = f->text.len * COST_RATIO + JSON_COST_MAX;
    cleanup_json struct json_object *page = json_parse_within(f->text.data, f->text.len, room, &fetch->err);

    if (!page) {
        fetch_end(f);
    } else if (!fetch->list) {
        fetch->object = arena_json(f->all->a, json_ref(page));
        fetch_end(f);
    } else {
        keep_items(fetch, page);
        const char *next = next_of(fetch, page);
        if (next)
            fetch_page(f, next);
        else
            fetch_end(f);
    }
}

/* A list that grew old between two pages begins anew, once. */
static bool begins_anew(struct flight *f, const struct err *err)
{
    if (err->kind != ERR_EXPIRED || !f->fetch->list || f->fetch->cut)
        return false;
    f->fetch->object = arena_json(f->all->a, json_build("[]"));
    f->fetch->cut = true; /* until its end says otherwise */
    fetch_page(f, "");
    return true;
}

static void on_fetched(void *arg, const struct kube_reply *reply)
{
    struct flight *f = arg;

    f->fetch->date_s = reply->date_s ? reply->date_s : f->fetch->date_s;
    if (reply->err.kind == ERR_NONE) {
        read_page(f);
    } else if (!begins_anew(f, &reply->err)) {
        f->fetch->err = reply->err;
        f->fetch->object = NULL;
        fetch_end(f);
    }
}

static void on_time_over(void *arg)
{
    struct flights *all = arg;

    for (size_t i = 0; i < all->len; i++)
        if (all->each[i].request) {
            kube_cancel(all->client, all->each[i].request);
            all->each[i].request = 0;
            all->each[i].fetch->object = NULL;
            err_set(&all->each[i].fetch->err, ERR_RETRY, "Timeout", "no answer in time");
        }
    all->open = 0;
    loop_stop(all->loop);
}

static void fetch_begin(struct flights *all, struct flight *f, struct fetch *fetch)
{
    *f = (struct flight){.fetch = fetch, .all = all};
    buf_init(&f->text, FETCH_PAGE_BYTES);
    fetch->err = (struct err){.kind = ERR_NONE};
    fetch->object = fetch->list ? arena_json(all->a, json_build("[]")) : NULL;
    fetch_page(f, "");
}

void fetch_all(struct loop *loop, struct kube_client *client, struct fetch *fetches, size_t len, int64_t timeout_ms,
               struct arena *a)
{
    struct flights all = {.loop = loop, .client = client, .a = a, .len = len, .open = len};
    struct loop_timer *timer = loop_timer_create(loop, on_time_over, &all);

    all.each = arena_alloc(a, (len + 1) * sizeof(*all.each));
    for (size_t i = 0; i < len; i++)
        fetch_begin(&all, &all.each[i], &fetches[i]);
    loop_timer_set(timer, timeout_ms);
    if (len)
        loop_run(loop);
    loop_timer_destroy(timer);
    for (size_t i = 0; i < len; i++)
        buf_finish(&all.each[i].text);
}
