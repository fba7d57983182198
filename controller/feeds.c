#include "feeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

/* One watched kind: what its handler needs. */
struct feed {
    struct feeds *feeds;
    enum kind kind;
    struct watch *watch;
};

struct feeds {
    const struct workshop *shop;
    struct queue *queue;
    struct states *states;
    struct feed by_kind[KIND_COUNT];
};

/* Wakes the runners whose spec names the object (of their own namespace, or the namespace itself). */
static void wake_referrers(struct feeds *feeds, enum kind kind, const char *ns, const char *name)
{
    const char *key;
    void *value;
    size_t ns_len = strlen(ns);

    for (size_t i = 0; map_iter(&feeds->states->by_key, &i, &key, &value);) {
        if (ns_len && (strncmp(key, ns, ns_len) != 0 || key[ns_len] != '/'))
            continue;
        if (!state_refers_to(value, kind_resource(kind)->kind, name))
            continue;
        state_forgive(value);
        queue_add(feeds->queue, key, "a referenced object changed");
    }
}

static void wake(struct feeds *feeds, enum kind kind, const char *ns, const char *name, const char *owner)
{
    char key[600];

    snprintf(key, sizeof(key), "%s/%s", ns, name);
    if (kind == KIND_RUNNER)
        queue_add(feeds->queue, key, "the object changed");
    else if (*owner)
        queue_add(feeds->queue, owner, "a child changed");
    else
        wake_referrers(feeds, kind, ns, name);
}

static void keep(const struct feed *feed, enum watch_type type, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct workshop *shop = feed->feeds->shop;
    const struct record record = kind_record(feed->kind, object, shop->store, &shop->render, &a);

    if (type == WATCH_LISTED)
        store_put_listed(shop->store, feed->kind, &record);
    else
        store_put(shop->store, feed->kind, &record);
}

static void on_object(void *arg, enum watch_type type, struct json_object *object)
{
    struct feed *feed = arg;
    struct store *store = feed->feeds->shop->store;
    const struct record seen = {.ns = json_str_or(object, "metadata.namespace", ""),
                                .name = json_str_or(object, "metadata.name", ""),
                                .uid = json_str_or(object, "metadata.uid", ""),
                                .version = json_str_or(object, "metadata.resourceVersion", "")};

    if (!store_is_news(store, feed->kind, &seen, type == WATCH_DELETED)) {
        store_touch(store, feed->kind, seen.ns, seen.name);
        return;
    }
    const struct record *known = store_get(store, feed->kind, seen.ns, seen.name);
    cleanup_free char *owner = mem_strdup(known ? known->owner : "");
    if (type == WATCH_DELETED)
        store_remove(store, feed->kind, seen.ns, seen.name);
    else
        keep(feed, type, object);
    known = store_get(store, feed->kind, seen.ns, seen.name);
    if (known || type == WATCH_DELETED)
        wake(feed->feeds, feed->kind, seen.ns, seen.name, known ? known->owner : owner);
}

static void on_list_begin(void *arg)
{
    struct feed *feed = arg;

    store_list_begin(feed->feeds->shop->store, feed->kind);
}

static void on_reached(void *arg, const char *version)
{
    struct feed *feed = arg;

    store_reach(feed->feeds->shop->store, feed->kind, "", version);
}

static void on_changed(void *arg, unsigned kind, const struct record *record)
{
    wake(arg, kind, record->ns, record->name, record->owner);
}

/* The runners come first: what is kept of their children depends on what their specs ask for. */
static void on_list_end(void *arg)
{
    struct feed *feed = arg;
    struct feeds *feeds = feed->feeds;
    char count[24];

    store_list_end(feeds->shop->store, feed->kind, on_changed, feeds);
    snprintf(count, sizeof(count), "%zu", store_count(feeds->shop->store, feed->kind));
    log_event(LOG_INFO, "watch", "listed", "kind", kind_resource(feed->kind)->kind, "count", count, NULL);
    for (enum kind kind = KIND_RUNNER + 1; feed->kind == KIND_RUNNER && kind < KIND_COUNT; kind++)
        watch_start(feeds->by_kind[kind].watch);
}

struct feeds *feeds_create(const struct workshop *shop, struct queue *queue, struct states *states)
{
    struct feeds *feeds = mem_alloc(sizeof(*feeds));

    *feeds = (struct feeds){.shop = shop, .queue = queue, .states = states};
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct feed *feed = &feeds->by_kind[kind];
        const struct watch_handler handler = {.list_begin = on_list_begin,
                                              .object = on_object,
                                              .list_end = on_list_end,
                                              .reached = on_reached,
                                              .arg = feed};
        *feed = (struct feed){.feeds = feeds, .kind = kind};
        feed->watch = watch_create(shop->loop, shop->client, kind_resource(kind), NULL, kind_selector(kind), &handler);
    }
    return feeds;
}

void feeds_destroy(struct feeds *feeds)
{
    if (!feeds)
        return;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        watch_destroy(feeds->by_kind[kind].watch);
    free(feeds);
}

void feeds_start(struct feeds *feeds)
{
    watch_start(feeds->by_kind[KIND_RUNNER].watch);
}

bool feeds_synced(const struct feeds *feeds)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (!watch_synced(feeds->by_kind[kind].watch))
            return false;
    return true;
}

void feeds_each(const struct feeds *feeds, void (*each)(void *arg, const struct feed_facts *facts), void *arg)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const struct watch *watch = feeds->by_kind[kind].watch;
        const struct feed_facts facts = {
            .kind = kind_resource(kind)->kind,
            .state = watch_state_name(watch),
            .version = watch_version(watch),
            .problem = watch_problem(watch),
            .synced = watch_synced(watch),
            .objects = store_count(feeds->shop->store, kind),
            .counts = watch_counts(watch),
        };
        each(arg, &facts);
    }
}
