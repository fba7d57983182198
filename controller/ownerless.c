#include "ownerless.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "kube/event.h"
#include "net/loop.h"
#include "runner/names.h"
#include "runner/spec.h"

enum {
    SUCCESSOR_MS = 10 * 1000, /* for so long a successor is waited for           */
    AGAIN_MS = 20 * 1000,     /* until it is looked whether the Secret has gone  */
};

struct search {
    const struct workshop *shop;
    bool found, release;
};

static void on_released(void *arg, const struct kube_reply *reply)
{
    (void)arg;
    log_event(LOG_INFO, "reconcile", "released a token Secret without an owner", "result",
              reply->err.kind ? reply->err.text : "ok", NULL);
}

/* Nobody can say whether it was to stay at GitLab: that was said by the object that is gone. */
static void tell(const struct workshop *shop, const struct record *secret, struct json_object *kept)
{
    cleanup_arena struct arena a = {0};
    const struct event event = {
        .regarding =
            {.api_version = "v1", .kind = "Secret", .ns = secret->ns, .name = secret->name, .uid = secret->uid},
        .warning = true,
        .reason = "OrphanedRunner",
        .note =
            arena_printf(&a,
                         "its GitLabRunner went without the operator (somebody took the finalizer %s off): runner %s "
                         "may have been left behind at %s; delete it there",
                         FINALIZER, json_str_or(kept, "runnerId", "?"), json_str_or(kept, "url", "GitLab"))};

    if (strcmp(json_str_or(kept, "authentication", ""), authentication_name(AUTH_RUNNER_TOKEN)) == 0)
        return; /* a user's own */
    shop->stats->orphans.unrecorded++;
    event_send(shop->client, &event, GROUP "/controller", shop->instance, event_sent, &shop->stats->events);
    log_event(LOG_WARN, "reconcile", event.reason, "namespace", secret->ns, "name", secret->name, "message", event.note,
              NULL);
}

static void release(const struct workshop *shop, const struct record *secret)
{
    cleanup_arena struct arena a = {0};
    struct json_object *patch =
        arena_json(&a, json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: %s, name: %s, uid: %s}}",
                                  secret->ns, secret->name, secret->uid));

    kube_apply(shop->client, kind_resource(KIND_SECRET), NULL, patch, FIELD_MANAGER, false, on_released, NULL);
}

static void visit(void *arg, unsigned kind, const struct record *record)
{
    struct search *search = arg;
    cleanup_arena struct arena a = {0};
    struct json_object *kept = record_kept(record, &a);

    if (kind != KIND_SECRET || !json_bool_or(kept, "held", false) || !json_bool_or(kept, "terminating", false))
        return;
    search->found = true;
    if (!search->release)
        return;
    tell(search->shop, record, kept);
    release(search->shop, record);
}

static int64_t since(struct ownerless *ownerless, const char *key, int64_t now)
{
    int64_t *since = map_get(&ownerless->since, key);

    if (!since) {
        since = mem_alloc(sizeof(*since));
        *since = now;
        map_set(&ownerless->since, key, since);
    }
    return *since;
}

int64_t ownerless_look(struct ownerless *ownerless, const struct workshop *shop, const char *key)
{
    int64_t now = loop_now(shop->loop), end = since(ownerless, key, now) + SUCCESSOR_MS;
    struct search search = {.shop = shop, .release = now >= end};

    store_each_owned(shop->store, key, visit, &search);
    if (search.found)
        return search.release ? now + AGAIN_MS : end;
    ownerless_forget(ownerless, key);
    return -1;
}

void ownerless_forget(struct ownerless *ownerless, const char *key)
{
    free(map_remove(&ownerless->since, key));
}

void ownerless_finish(struct ownerless *ownerless)
{
    const char *key;
    void *since_ms;

    for (size_t i = 0; map_iter(&ownerless->since, &i, &key, &since_ms);)
        free(since_ms);
    map_finish(&ownerless->since);
}
