#include "operator/ledger.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "net/loop.h"
#include "operator/orphans.h"
#include "operator/perform.h"
#include "runner/learn.h"
#include "runner/names.h"

enum { ANSWER_MAX = 2 << 20 }; /* a Secret of 1 MiB, in base64 and with what belongs to it */

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

bool ledger_may_exist(const struct workshop *shop)
{
    bool watched = store_reached(shop->store, KIND_SECRET, shop->ns);

    return !watched || store_get(shop->store, KIND_SECRET, shop->ns, LEDGER_NAME);
}

uint64_t ledger_read(const struct workshop *shop, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET",
        .path = kube_path(kind_resource(KIND_SECRET), shop->ns, LEDGER_NAME, NULL, &a),
        .answer_max = ANSWER_MAX,
        .done = done,
        .arg = arg,
    };

    return kube_start(shop->client, &request);
}

/* A merge patch changes what it names and nothing else. data: what goes into it, as text. */
static uint64_t patch(const struct workshop *shop, const char *data, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const char *path = kube_path(kind_resource(KIND_SECRET), shop->ns, LEDGER_NAME, NULL, &a);
    const struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s", path, FIELD_MANAGER),
        .content_type = "application/merge-patch+json",
        .body = arena_printf(&a, "{\"data\":{%s}}", data),
        .answer_max = ANSWER_MAX,
        .done = done,
        .arg = arg,
    };

    return kube_start(shop->client, &request);
}

uint64_t ledger_write(const struct workshop *shop, const char *key, const char *text, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const char *data = arena_printf(&a, "\"%s\":\"%s\"", key, base64_encode(text, strlen(text), &a)), *leaving;

    for (size_t i = 0; orphans_next_leaving(shop->orphans, key, &i, &leaving);)
        data = arena_printf(&a, "%s,\"%s\":null", data, leaving);
    return patch(shop, data, done, arg);
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
    cleanup_arena struct arena a = {0};

    return patch(shop, arena_printf(&a, "\"%s\":null", key), done, arg);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_RECORD */

static const char *ledger_entry_of(struct turn *turn)
{
    return orphan_text(&turn->observed.owner, &turn->asked.record, loop_wall(turn->shop->loop), &turn->mem);
}

static const char *ledger_key_of(struct turn *turn)
{
    return orphan_key(&turn->observed.owner, &turn->asked.record, &turn->mem);
}

static void recorded(struct turn *turn)
{
    const struct orphan *orphan = &turn->asked.record;

    memory_succeed(&turn->state->memory, turn->asked.rule);
    learn_recorded(&turn->state->memory);
    turn->shop->stats->orphans.recorded++;
    turn_event(
        turn, true, "OrphanedRunner",
        arena_printf(&turn->mem,
                     "runner %lld was left behind at %s: %s; Secret %s/%s keeps its token, and it is deregistered "
                     "when GitLab allows it",
                     (long long)orphan->runner_id, orphan->url, orphan->why, turn->shop->ns, LEDGER_NAME));
    turn_log(turn, LOG_WARN, "OrphanedRunner", "url", orphan->url, "error", orphan->why, NULL);
}

static void on_created(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    struct err err = reply->err;

    turn->request = 0;
    orphans_written(turn->shop->orphans, ledger_key_of(turn), err.kind == ERR_NONE);
    if (err.kind == ERR_CONFLICT) /* somebody else has made it just now */
        err.kind = ERR_RETRY;
    if (err.kind != ERR_NONE) {
        perform_kube_failed(turn, &err);
        return;
    }
    recorded(turn);
    turn_ready(turn);
}

static void on_written(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (reply->err.kind == ERR_NOT_FOUND)
        turn->request = ledger_create(turn->shop, ledger_key_of(turn), ledger_entry_of(turn), on_created, turn);
    else
        on_created(turn, reply);
}

static bool admit(struct turn *turn, const char *text, struct err *err)
{
    const struct owner *owner = &turn->observed.owner;

    if (!text)
        return err_set(err, ERR_INVALID, "TooLarge",
                       "it has no place in the ledger, which takes %d bytes of one runner", ORPHAN_TEXT_MAX);
    return orphans_admit(turn->shop->orphans, ledger_key_of(turn), owner->ns,
                         orphan_name(owner, &turn->asked.record, &turn->mem),
                         strlen(ledger_key_of(turn)) + strlen(text), err);
}

void ledger_perform(struct turn *turn)
{
    struct err err;

    if (!admit(turn, ledger_entry_of(turn), &err)) {
        perform_kube_failed(turn, &err);
        return;
    }
    turn->request = ledger_write(turn->shop, ledger_key_of(turn), ledger_entry_of(turn), on_written, turn);
}
