/* Lists, page by page, of now or of a version, and what selectors select. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

enum { LIST_TEXT_MAX = 64 << 20, TARGET_TEXT_MAX = 400 };

/* ---------------------------------------------------------------------------------------------------------------------
 * Selectors: a=b, a==b, a!=b, a, !a, with commas between */

static bool holds_term(const char *term, size_t len, struct json_object *labels)
{
    char text[600], *value;

    if (len >= sizeof(text))
        return false;
    memcpy(text, term, len);
    text[len] = '\0';
    bool negated = *text == '!';
    value = strchr(text, '=');
    if (!value)
        return json_member(labels, text + negated) ? !negated : negated;
    bool differs = value > text && value[-1] == '!';
    *(differs ? value - 1 : value) = '\0';
    value += 1 + (value[1] == '=');
    struct json_object *own = json_member(labels, text);
    return (own && strcmp(json_string(own), value) == 0) != differs;
}

static bool holds_labels(const char *selector, struct json_object *labels)
{
    while (selector && *selector) {
        size_t len = strcspn(selector, ",");
        if (!holds_term(selector, len, labels))
            return false;
        selector += len + (selector[len] == ',');
    }
    return true;
}

static bool holds_fields(const char *selector, const struct api_state *state)
{
    static const char name[] = "metadata.name=", ns[] = "metadata.namespace=";

    while (selector && *selector) {
        size_t len = strcspn(selector, ",");
        bool of_name = strncmp(selector, name, strlen(name)) == 0;
        const char *own = of_name ? state->name : state->ns;
        size_t key = strlen(of_name ? name : ns);
        if (len < key || strlen(own) != len - key || strncmp(own, selector + key, len - key) != 0)
            return false;
        selector += len + (selector[len] == ',');
    }
    return true;
}

bool api_selected(const char *labels, const char *fields, const struct api_state *state)
{
    bool all = (!labels || !*labels) && (!fields || !*fields);

    return all || (holds_fields(fields, state) &&
                   holds_labels(labels, json_member(json_member(state->root, "metadata"), "labels")));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Which version */

uint64_t api_horizon(const struct api_host *host, const struct api_kind *kind)
{
    uint64_t lag = host ? host->lag[kind - api_kinds] : 0, version = host ? host->api->version : 0;

    return lag < version ? version - lag : 0;
}

static struct api_reply too_large(uint64_t asked, uint64_t current)
{
    struct api_reply reply =
        api_refuse_with(504, "Timeout", NULL, NULL,
                        json_build("[{reason: ResourceVersionTooLarge, message: 'Too large resource version'}]"),
                        "Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64, asked, current);

    json_set_int(reply.tree, "details.retryAfterSeconds", 1);
    return reply;
}

static struct api_reply expired(const char *cont)
{
    char remainder[TARGET_TEXT_MAX];
    struct api_reply reply = api_refuse_with(
        410, "Expired", NULL, NULL, NULL, "%s",
        !*cont ? "The resourceVersion for the provided list is too old."
               : "The provided continue parameter is too old to display a consistent list result. You can start a new "
                 "list without the continue parameter, or use the continue token in this response to retrieve the "
                 "remainder of the results. Continuing with the provided token results in an inconsistent list - "
                 "objects that were created, modified, or deleted between the time the first chunk was returned and "
                 "now may show up in the list.");

    snprintf(remainder, sizeof(remainder), "-1%s", *cont ? strchr(cont, '/') : "");
    if (*cont)
        json_set(reply.tree, "metadata", json_build("{continue: %s}", (const char *)remainder));
    return reply;
}

/* The version that the list is of; else why there is none. */
static struct api_reply version_of_list(const struct api *api, const struct api_host *host, const struct api_kind *kind,
                                        const struct api_query *q, uint64_t *ret)
{
    uint64_t asked = strtoull(q->version ? q->version : "", NULL, 10);
    const char *cont = q->cont ? q->cont : "";
    uint64_t shown = host ? api_horizon(host, kind) : api->version;
    bool exact = q->match && strcmp(q->match, "Exact") == 0, any = q->version && *q->version;

    *ret = any ? shown : api->version;
    if (*cont)
        *ret = *cont == '-' ? api->version : strtoull(cont, NULL, 10), exact = true;
    else if (exact)
        *ret = asked;
    else if (asked > shown)
        return too_large(asked, shown);
    return exact && *ret < api->oldest ? expired(cont) : (struct api_reply){0};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pages */

void api_page(struct api *api, int64_t items, void (*told)(void *arg), void *arg)
{
    assert(items >= 0);
    api->page_items = items;
    api->page_ear = (struct api_page_ear){told, arg};
}

/* Items of typed lists have no kind. */
static void add_item(struct buf *text, const struct api_kind *kind, struct api_state *state, bool meta)
{
    size_t len, head = kind == &api_kinds[API_RUNNERS] ? 0 : strlen(kind->head_text);

    if (meta) {
        const char *item = api_state_meta(state, &len);
        buf_add(text, item, len);
        return;
    }
    const char *item = api_state_text(kind, state, &len);
    if (head)
        buf_add(text, "{", 1);
    buf_add(text, item + head, len - head);
}

/* "VERSION/NAMESPACE/NAME" of the last one that was shown. */
static bool is_behind(const char *cont, const struct api_state *state)
{
    const char *ns = strchr(cont, '/') + 1, *name = strchr(ns, '/') + 1;
    size_t len = (size_t)(name - ns - 1);
    int order = strncmp(state->ns, ns, len);

    if (order == 0)
        order = strlen(state->ns) > len ? 1 : strcmp(state->name, name);
    return order > 0;
}

struct page {
    struct buf items;
    const struct api_state *last;
    int64_t len, left, limit; /* limit: 0: none */
};

/* A server may give less than it is asked for. */
static int64_t limit_of(const struct api *api, const struct api_query *q)
{
    bool less = api->page_items && api->page_items < q->limit;

    return q->limit <= 0 ? 0 : less ? api->page_items : q->limit;
}

static void page_fill(struct page *page, struct api_state **view, size_t len, const struct api_kind *kind,
                      const char *ns, const struct api_query *q)
{
    for (size_t i = 0; i < len; i++) {
        bool wanted = (!ns || strcmp(view[i]->ns, ns) == 0) && (!q->cont || !*q->cont || is_behind(q->cont, view[i])) &&
                      api_selected(q->label_selector, q->field_selector, view[i]);
        if (!wanted)
            continue;
        if (page->limit && page->len == page->limit) {
            page->left++;
            continue;
        }
        if (page->len++)
            buf_add(&page->items, ",", 1);
        add_item(&page->items, kind, view[i], q->meta);
        page->last = view[i];
    }
}

static void page_print(const struct page *page, const struct api_kind *kind, const struct api_query *q,
                       uint64_t version, struct buf *text)
{
    if (q->meta)
        buf_adds(text, "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\",");
    else
        buf_addf(text, "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",", kind->kind, kind->api_version);
    buf_addf(text, "\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"", version);
    if (page->left)
        buf_addf(text, ",\"continue\":\"%" PRIu64 "/%s/%s\",\"remainingItemCount\":%" PRId64, version, page->last->ns,
                 page->last->name, page->left);
    buf_adds(text, "},\"items\":[");
    buf_add(text, page->items.data, page->items.len);
    buf_adds(text, "]}");
}

struct api_reply api_list(struct api *api, const struct api_host *host, const struct api_kind *kind, const char *ns,
                          const struct api_query *q)
{
    uint64_t version;
    size_t len;
    struct page page = {.limit = limit_of(api, q)};
    struct api_reply reply = version_of_list(api, host, kind, q, &version);

    if (reply.status)
        return reply;
    struct api_state **view = api_view(api, kind, version, &len);
    reply.status = 200;
    buf_init(&page.items, LIST_TEXT_MAX);
    buf_init(&reply.text, LIST_TEXT_MAX);
    page_fill(&page, view, len, kind, ns, q);
    page_print(&page, kind, q, version, &reply.text);
    assert(!reply.text.full);
    for (size_t i = 0; i < len; i++)
        api_state_drop(view[i]);
    free(view);
    buf_finish(&page.items);
    if (page.left && api->page_ear.told)
        api->page_ear.told(api->page_ear.arg);
    return reply;
}
