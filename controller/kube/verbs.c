/* What is asked of the API server, as method, path and body. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "kube/client.h"

/* No object has a name that may not be in a path, so none is found. Names come from specs and from annotations. */
static const char *segment(const char *name)
{
    return charset_admits(CHARSET_SEGMENT, name) ? name : "-";
}

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    return arena_printf(a, "/%s/%s%s%s/%s%s%s%s%s", strchr(r->api_version, '/') ? "apis" : "api", r->api_version,
                        r->namespaced && ns ? "/namespaces/" : "", r->namespaced && ns ? segment(ns) : "", r->plural,
                        name ? "/" : "", name ? segment(name) : "", subresource ? "/" : "",
                        subresource ? subresource : "");
}

uint64_t kube_get_data(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                       const char *key, kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {.method = "GET",
                                         .path = kube_path(r, ns, name, NULL, &a),
                                         .resource = r,
                                         .data_key = key,
                                         .done = done,
                                         .arg = arg};

    return kube_start(client, &request);
}

uint64_t kube_get(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                  kube_done_fn *done, void *arg)
{
    return kube_get_data(client, r, ns, name, NULL, done, arg);
}

uint64_t kube_get_metadata(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                           kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {.method = "GET",
                                         .path = kube_path(r, ns, name, NULL, &a),
                                         .accept = KUBE_AS_METADATA(""),
                                         .resource = r,
                                         .done = done,
                                         .arg = arg};

    return kube_start(client, &request);
}

/* A write of the object that its metadata names; of a kind of which nothing else is looked at, the answer is metadata.
 */
static uint64_t write_object(struct kube_client *client, struct kube_request *request, struct json_object *object,
                             kube_done_fn *done, void *arg)
{
    request->accept = request->resource->metadata_only ? KUBE_AS_METADATA("") : NULL;
    request->body = json_text(object);
    request->done = done;
    request->arg = arg;
    return kube_start(client, request);
}

static const char *written_path(const struct kube_resource *r, struct json_object *object, const char *subresource,
                                struct arena *a)
{
    return kube_path(r, json_str(object, "metadata.namespace"), json_str(object, "metadata.name"), subresource, a);
}

uint64_t kube_apply(struct kube_client *client, const struct kube_resource *r, const char *subresource,
                    struct json_object *manifest, const char *manager, kube_done_fn *done, void *arg)
{
    assert(manifest && manager);
    cleanup_arena struct arena a = {0};
    struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s&force=true&fieldValidation=Ignore",
                             written_path(r, manifest, subresource, &a), manager),
        .content_type = "application/apply-patch+yaml",
        .resource = r,
    };

    return write_object(client, &request, manifest, done, arg);
}

uint64_t kube_patch(struct kube_client *client, const struct kube_resource *r, struct json_object *patch,
                    const char *manager, kube_done_fn *done, void *arg)
{
    assert(patch && manager);
    cleanup_arena struct arena a = {0};
    struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s", written_path(r, patch, NULL, &a), manager),
        .content_type = "application/merge-patch+json",
        .resource = r,
    };

    return write_object(client, &request, patch, done, arg);
}

uint64_t kube_create_as(struct kube_client *client, const struct kube_resource *r, struct json_object *manifest,
                        const char *manager, kube_done_fn *done, void *arg)
{
    assert(manager && json_str(manifest, "metadata.name"));
    cleanup_arena struct arena a = {0};
    struct kube_request request = {
        .method = "POST",
        .path = arena_printf(&a, "%s?fieldManager=%s&fieldValidation=Strict",
                             kube_path(r, json_str(manifest, "metadata.namespace"), NULL, NULL, &a), manager),
        .resource = r,
        .repeatable = true,
    };

    return write_object(client, &request, manifest, done, arg);
}

uint64_t kube_delete(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                     const char *uid, bool foreground, kube_done_fn *done, void *arg)
{
    assert(uid && *uid);
    cleanup_arena struct arena a = {0};
    struct json_object *body = arena_json(&a, json_build("{preconditions: {uid: %s}, propagationPolicy: %s}", uid,
                                                         foreground ? "Foreground" : "Background"));
    const struct kube_request request = {.method = "DELETE",
                                         .path = kube_path(r, ns, name, NULL, &a),
                                         .body = json_text(body),
                                         .resource = r,
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
                                         .resource = r,
                                         .done = done,
                                         .arg = arg};

    return kube_start(client, &request);
}
