#include "web/fleet_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/client.h"

enum { PAGE_SIZE = 4 << 10, ELEMENT_SIZE = 16 << 10, LIST_MS = 8 * 1000 };

static const struct json_keep list_keeps[] = {
    {{"kind"}, 100, false}, {{"metadata", "continue"}, 2 << 10, false}, {{"items"}, 0, true}};

struct fleet_list {
    struct kube_client *client;
    struct fleet_list_want want;
    char *path;
    struct json_sieve page, element;
    bool in_element;
    unsigned pages;
    uint64_t request;
};

static void free_list(struct fleet_list *list)
{
    json_sieve_finish(&list->page);
    json_sieve_finish(&list->element);
    free(list->path);
    free(list);
}

static void tell_element(struct fleet_list *list)
{
    const struct buf *text = &list->element.out;
    struct err ignored;
    cleanup_json struct json_object *object =
        json_sieve_is_complete(&list->element) ? json_parse(text->data, text->len, &ignored) : NULL;

    if (object)
        list->want.each(list->want.arg, object);
}

static void on_element(void *arg, const char *bytes, size_t len, bool end)
{
    struct fleet_list *list = arg;

    if (!list->in_element)
        json_sieve_init(&list->element, list->want.keeps, list->want.keeps_len, ELEMENT_SIZE);
    list->in_element = !end;
    json_sieve_feed(&list->element, bytes, len);
    if (!end)
        return;
    tell_element(list);
    json_sieve_finish(&list->element);
}

static bool on_bytes_of_page(void *arg, const char *bytes, size_t len)
{
    json_sieve_feed(&((struct fleet_list *)arg)->page, bytes, len);
    return true;
}

static void ask_for_page(struct fleet_list *list, const char *more);

/* Where the next page begins, "": there is none. */
static const char *next_page(const struct fleet_list *list, struct arena *a)
{
    const struct buf *text = &list->page.out;
    struct err ignored;

    return json_str_or(arena_json(a, json_parse(text->data, text->len, &ignored)), "metadata.continue", "");
}

static void on_page_end(void *arg, const struct kube_reply *reply)
{
    cleanup_arena struct arena a = {0};
    struct fleet_list *list = arg;
    bool seen = reply->err.kind == ERR_NONE && json_sieve_is_complete(&list->page);
    const char *more = seen ? next_page(list, &a) : "";

    list->request = 0;
    if (*more && list->pages < list->want.pages_max) {
        ask_for_page(list, more);
        return;
    }
    list->want.done(list->want.arg, seen, seen && !*more);
    free_list(list);
}

static void ask_for_page(struct fleet_list *list, const char *more)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET",
        .path = *more ? arena_printf(&a, "%s&continue=%s", list->path, percent_escaped(more, &a)) : list->path,
        .accept = list->want.accept,
        .timeout_ms = LIST_MS,
        .data = on_bytes_of_page,
        .done = on_page_end,
        .arg = list,
    };

    json_sieve_finish(&list->page);
    json_sieve_finish(&list->element);
    json_sieve_init(&list->page, list_keeps, ARRAY_LEN(list_keeps), PAGE_SIZE);
    list->page.element = on_element;
    list->page.arg = list;
    list->in_element = false;
    list->pages++;
    list->request = kube_start(list->client, &request);
}

struct fleet_list *fleet_list_start(struct kube_client *client, const struct fleet_list_want *want)
{
    struct fleet_list *list = mem_alloc(sizeof(*list));

    *list = (struct fleet_list){.client = client, .want = *want, .path = mem_strdup(want->path)};
    ask_for_page(list, "");
    return list;
}

void fleet_list_cancel(struct fleet_list *list)
{
    if (!list)
        return;
    if (list->request)
        kube_cancel(list->client, list->request);
    free_list(list);
}
