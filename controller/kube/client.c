#include "kube/client.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/client_stats.h"
#include "kube/config.h"
#include "net/loop.h"

enum { REQUEST_TIMEOUT_MS = 60 * 1000, BODY_MAX = 16 << 20 };

struct kube_client {
    struct loop *loop;
    struct http *http;
    struct kube_config *config;
    struct kube_stats stats;
};

/* One request in flight: how to answer its caller. Freed when it has ended or was cancelled. */
struct pending {
    struct kube_client *client;
    struct kube_call call;
    kube_done_fn *done;
    bool (*data)(void *arg, const char *bytes, size_t len);
    void (*end)(void *arg, const struct err *err);
    void *arg;
};

struct kube_client *kube_client_create(struct loop *loop, struct http *http, struct kube_config *config)
{
    struct kube_client *client = mem_alloc(sizeof(*client));

    *client = (struct kube_client){.loop = loop, .http = http, .config = config};
    kube_stats_init(&client->stats, config->server);
    return client;
}

void kube_client_destroy(struct kube_client *client)
{
    free(client);
}

const struct kube_stats *kube_stats(const struct kube_client *client)
{
    return &client->stats;
}

/* What a status of the API server asks the caller to do. */
static enum err_kind kind_of(long status)
{
    switch (status) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
        return ERR_INVALID;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_EXPIRED;
    default:
        return ERR_RETRY; /* 401: the token is read again; 429, 5xx, and what proxies make up */
    }
}

struct err kube_classify(long status, const char *body, size_t len, int64_t retry_after_ms)
{
    struct err err = {0}, ignored;
    cleanup_json struct json_object *object = NULL;

    if (status >= 200 && status < 300)
        return err;
    object = json_parse(body, len, &ignored);
    const char *message = json_str(object, "message");
    const char *reason = json_str_or(object, "reason", "");
    char code[16];
    snprintf(code, sizeof(code), "HTTP%ld", status);
    err_set(&err, kind_of(status), *reason ? reason : code, "%s",
            message ? message : "the API server gave no explanation");
    err.code = (int)status;
    err.retry_after_ms = retry_after_ms;
    return err;
}

static void on_status(void *arg, long status)
{
    struct pending *pending = arg;

    kube_stats_answered(&pending->client->stats, &pending->call, status);
}

static struct err error_of(struct pending *pending, const struct http_reply *reply)
{
    struct kube_client *client = pending->client;

    kube_stats_ended(&client->stats, &pending->call, reply);
    if (reply->err.kind != ERR_NONE)
        return reply->err;
    if (reply->status == 401)
        kube_config_refresh(client->config, loop_now(client->loop), true);
    return kube_classify(reply->status, reply->body, reply->len, reply->retry_after_ms);
}

static void on_done(void *arg, const struct http_reply *reply)
{
    struct pending *pending = arg;
    cleanup_json struct json_object *object = NULL;
    struct kube_reply answer = {.err = error_of(pending, reply)};

    if (answer.err.kind == ERR_NONE && reply->len)
        object = json_parse(reply->body, reply->len, &answer.err);
    if (answer.err.kind == ERR_INVALID && reply->status < 300)
        answer.err.kind = ERR_RETRY; /* a 2xx that is not JSON: cut off, or not the API server */
    answer.object = object;
    pending->done(pending->arg, &answer);
}

static bool on_stream_data(void *arg, const char *bytes, size_t len)
{
    struct pending *pending = arg;

    return pending->data(pending->arg, bytes, len);
}

static void on_stream_end(void *arg, const struct http_reply *reply)
{
    struct pending *pending = arg;
    struct err err = error_of(pending, reply);

    pending->end(pending->arg, &err);
}

/* The Authorization header, or NULL when a client certificate is the proof. */
static const char *authorization(const struct kube_config *config, struct arena *a)
{
    if (config->token)
        return arena_printf(a, "Authorization: Bearer %s", config->token);
    if (!config->username || !config->password)
        return NULL;
    const char *pair = arena_printf(a, "%s:%s", config->username, config->password);
    return arena_printf(a, "Authorization: Basic %s", base64_encode(pair, strlen(pair), a));
}

/* Completes a request with what all have in common: server, credentials, trust. */
static uint64_t start(struct kube_client *client, struct http_request *request, const char *path, const char *accept,
                      const char *content_type, const struct pending *pending)
{
    cleanup_arena struct arena a = {0};
    struct kube_config *config = client->config;
    const char *headers[4] = {NULL};
    size_t n = 0;

    kube_config_refresh(config, loop_now(client->loop), false);
    headers[n++] = arena_printf(&a, "Accept: %s", accept ? accept : "application/json");
    if (request->body)
        headers[n++] = arena_printf(&a, "Content-Type: %s", content_type ? content_type : "application/json");
    headers[n++] = authorization(config, &a);

    request->url = arena_printf(&a, "%s%s", config->server, path);
    request->headers = headers;
    request->proxy = config->proxy_url;
    request->tls = kube_config_tls(config);
    struct pending *kept = request->arg = mem_alloc(sizeof(*kept));
    *kept = *pending;
    kept->call = (struct kube_call){.method = request->method,
                                    .sent = request->body_len,
                                    .began_us = clock_us(),
                                    .streamed = request->on_data != NULL};
    request->on_status = on_status;
    request->release = free;
    return http_start(client->http, request);
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *r)
{
    struct http_request request = {.method = r->method,
                                   .body = r->body,
                                   .body_len = r->body ? strlen(r->body) : 0,
                                   .fenced = !r->urgent && strcmp(r->method, "GET") != 0,
                                   .timeout_ms = r->timeout_ms ? r->timeout_ms : REQUEST_TIMEOUT_MS,
                                   .max_body = BODY_MAX,
                                   .on_done = on_done};
    const struct pending pending = {.client = client, .done = r->done, .arg = r->arg};

    return start(client, &request, r->path, r->accept, r->content_type, &pending);
}

uint64_t kube_stream(struct kube_client *client, const struct kube_stream *s)
{
    struct http_request request = {
        .method = "GET", .idle_timeout_ms = s->idle_timeout_ms, .on_data = on_stream_data, .on_done = on_stream_end};
    const struct pending pending = {.client = client, .data = s->data, .end = s->end, .arg = s->arg};

    return start(client, &request, s->path, s->accept, NULL, &pending);
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    http_cancel(client->http, id);
}

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    return arena_printf(a, "/%s/%s%s%s/%s%s%s%s%s", strchr(r->api_version, '/') ? "apis" : "api", r->api_version,
                        r->namespaced && ns ? "/namespaces/" : "", r->namespaced && ns ? ns : "", r->plural,
                        name ? "/" : "", name ? name : "", subresource ? "/" : "", subresource ? subresource : "");
}

uint64_t kube_get(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                  kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET", .path = kube_path(r, ns, name, NULL, &a), .done = done, .arg = arg};

    return kube_start(client, &request);
}

uint64_t kube_apply(struct kube_client *client, const struct kube_resource *r, const char *subresource,
                    struct json_object *manifest, const char *manager, bool create_only, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    struct json_object *body = create_only ? arena_json(&a, json_copy(manifest)) : manifest;
    const char *ns = json_str(manifest, "metadata.namespace"), *name = json_str(manifest, "metadata.name");

    if (create_only)
        json_set_str(body, "metadata.resourceVersion", "1");
    const struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s&force=true", kube_path(r, ns, name, subresource, &a), manager),
        .content_type = "application/apply-patch+yaml",
        .body = json_text(body),
        .done = done,
        .arg = arg,
    };
    return kube_start(client, &request);
}

uint64_t kube_delete(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                     const char *uid, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    struct json_object *body =
        arena_json(&a, json_build("{preconditions: {uid: %s}, propagationPolicy: Background}", uid));
    const struct kube_request request = {.method = "DELETE",
                                         .path = kube_path(r, ns, name, NULL, &a),
                                         .body = json_text(body),
                                         .done = done,
                                         .arg = arg};

    return kube_start(client, &request);
}

uint64_t kube_create(struct kube_client *client, const struct kube_resource *r, const char *ns,
                     struct json_object *object, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {.method = "POST",
                                         .path = kube_path(r, ns, NULL, NULL, &a),
                                         .body = json_text(object),
                                         .done = done,
                                         .arg = arg};

    return kube_start(client, &request);
}
