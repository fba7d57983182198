#include "operator/ledger.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "operator/orphans.h"
#include "runner/names.h"

enum { ANSWER_MAX = 2 << 20 }; /* a Secret of 1 MiB, in base64 and with what belongs to it */

bool ledger_may_exist(const struct context *ctx)
{
    bool watched = store_reached(ctx->store, KIND_SECRET, ctx->ns);

    return !watched || store_get(ctx->store, KIND_SECRET, ctx->ns, LEDGER_NAME);
}

uint64_t ledger_read(const struct context *ctx, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET",
        .path = kube_path(kind_resource(KIND_SECRET), ctx->ns, LEDGER_NAME, NULL, &a),
        .answer_max = ANSWER_MAX,
        .done = done,
        .arg = arg,
    };

    return kube_start(ctx->client, &request);
}

/* A merge patch changes what it names and nothing else. data: what goes into it, as text. */
static uint64_t patch(const struct context *ctx, const char *data, kube_done_fn *done, void *arg)
{
    assert(*ctx->ns && *data);
    cleanup_arena struct arena a = {0};
    const char *path = kube_path(kind_resource(KIND_SECRET), ctx->ns, LEDGER_NAME, NULL, &a);
    const struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s", path, FIELD_MANAGER),
        .content_type = "application/merge-patch+json",
        .body = arena_printf(&a, "{\"data\":{%s}}", data),
        .answer_max = ANSWER_MAX,
        .done = done,
        .arg = arg,
    };

    return kube_start(ctx->client, &request);
}

uint64_t ledger_write(const struct context *ctx, const char *key, const char *text, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const char *data = arena_printf(&a, "\"%s\":\"%s\"", key, base64_encode(text, strlen(text), &a)), *leaving;

    for (size_t i = 0; orphans_next_leaving(ctx->orphans, key, &i, &leaving);)
        data = arena_printf(&a, "%s,\"%s\":null", data, leaving);
    return patch(ctx, data, done, arg);
}

uint64_t ledger_create(const struct context *ctx, const char *key, const char *text, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    struct json_object *data = json_build("{}");

    json_put_member(data, key, base64_encode(text, strlen(text), &a));
    struct json_object *secret = arena_json(
        &a, json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: %s, name: %s, labels: {" LABEL_MANAGED_BY
                       ": %s}}, data: %o}",
                       ctx->ns, LEDGER_NAME, FIELD_MANAGER, data));
    return kube_create(ctx->client, kind_resource(KIND_SECRET), ctx->ns, secret, done, arg);
}

uint64_t ledger_remove(const struct context *ctx, const char *key, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};

    return patch(ctx, arena_printf(&a, "\"%s\":null", key), done, arg);
}
