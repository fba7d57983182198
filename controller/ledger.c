#include "ledger.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "net/loop.h"
#include "orphans.h"
#include "runner/names.h"
#include "runner/namespaces.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

bool ledger_may_exist(const struct workshop *shop)
{
    const char *served = shop->render.namespaces;
    bool watched = !served || namespaces_have(served, shop->ns);

    return !watched || store_get(shop->store, KIND_SECRET, shop->ns, LEDGER_NAME);
}

uint64_t ledger_read(const struct workshop *shop, kube_done_fn *done, void *arg)
{
    return kube_get(shop->client, kind_resource(KIND_SECRET), shop->ns, LEDGER_NAME, done, arg);
}

/* A merge patch changes what it names and nothing else. value: base64, or NULL. */
static uint64_t patch(const struct workshop *shop, const char *key, const char *value, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const char *quote = value ? "\"" : "",
               *path = kube_path(kind_resource(KIND_SECRET), shop->ns, LEDGER_NAME, NULL, &a);
    const struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s", path, FIELD_MANAGER),
        .content_type = "application/merge-patch+json",
        .body = arena_printf(&a, "{\"data\":{\"%s\":%s%s%s}}", key, quote, value ? value : "null", quote),
        .done = done,
        .arg = arg,
    };

    return kube_start(shop->client, &request);
}

uint64_t ledger_write(const struct workshop *shop, const char *key, const char *text, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};

    return patch(shop, key, base64_encode(text, strlen(text), &a), done, arg);
}

uint64_t ledger_create(const struct workshop *shop, const char *key, const char *text, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    struct json_object *data = json_build("{}");

    json_put_member(data, key, base64_encode(text, strlen(text), &a));
    struct json_object *secret = arena_json(
        &a, json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: %s, name: %s, labels: {" LABEL_MANAGED_BY
                       ": %s}}, data: %o}",
                       shop->ns, LEDGER_NAME, FIELD_MANAGER, data));
    return kube_create(shop->client, kind_resource(KIND_SECRET), shop->ns, secret, done, arg);
}

uint64_t ledger_remove(const struct workshop *shop, const char *key, kube_done_fn *done, void *arg)
{
    return patch(shop, key, NULL, done, arg);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_RECORD */

static const char *entry_of(struct turn *turn)
{
    return orphan_text(&turn->observed.owner, &turn->asked.record, loop_wall(turn->shop->loop), &turn->mem);
}

static const char *key_of(struct turn *turn)
{
    return orphan_key(&turn->observed.owner, &turn->asked.record, &turn->mem);
}

static void recorded(struct turn *turn)
{
    const struct orphan *orphan = &turn->asked.record;

    state_succeed(turn->state, turn->asked.rule);
    turn->state->doubt = DOUBT_NONE;
    turn->state->deregistered = true; /* as far as this object is concerned */
    turn->shop->stats->orphans.recorded++;
    turn_event(
        turn, true, "OrphanedRunner",
        arena_printf(&turn->mem,
                     "runner %lld was left behind at %s: %s; Secret %s/%s keeps its token, and it is deregistered "
                     "when GitLab allows it",
                     (long long)orphan->runner_id, orphan->url, orphan->why, turn->shop->ns, LEDGER_NAME));
    turn_log(turn, LOG_WARN, "OrphanedRunner", "url", orphan->url, "error", orphan->why, NULL);
    orphans_expect(turn->shop->orphans, key_of(turn));
}

static void on_created(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    struct err err = reply->err;

    turn->request = 0;
    if (err.kind == ERR_CONFLICT) /* somebody else has made it just now */
        err.kind = ERR_RETRY;
    if (err.kind == ERR_NONE)
        recorded(turn);
    else
        state_fail(turn->state, turn->asked.rule, &err, loop_now(turn->shop->loop));
    if (err.kind != ERR_NONE)
        turn_log(turn, LOG_WARN, "failed", "rule", turn->asked.rule, "reason", err.reason, "error", err.text, NULL);
    turn_ready(turn);
}

static void on_written(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (reply->err.kind == ERR_NOT_FOUND)
        turn->request = ledger_create(turn->shop, key_of(turn), entry_of(turn), on_created, turn);
    else
        on_created(turn, reply);
}

void ledger_perform(struct turn *turn)
{
    turn->request = ledger_write(turn->shop, key_of(turn), entry_of(turn), on_written, turn);
}
