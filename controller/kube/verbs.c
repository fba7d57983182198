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

uint64_t kube_apply(struct kube_client *client, const struct kube_resource *r, const char *subresource,
                    struct json_object *manifest, const char *manager, bool create_only, kube_done_fn *done, void *arg)
{
    assert(manifest && manager);
    cleanup_arena struct arena a = {0};
    struct json_object *body = create_only ? arena_json(&a, json_copy(manifest)) : manifest;
    const char *ns = json_str(manifest, "metadata.namespace"), *name = json_str(manifest, "metadata.name");

    if (create_only)
        json_set_str(body, "metadata.resourceVersion", "1");
    const struct kube_request request = {
        .method = "PATCH",
        .path = arena_printf(&a, "%s?fieldManager=%s&force=true", kube_path(r, ns, name, subresource, &a), manager),
        .content_type = "application/apply-patch+yaml",
        .accept = r->metadata_only ? KUBE_AS_METADATA("") : NULL,
        .body = json_text(body),
        .resource = r,
        .done = done,
        .arg = arg,
    };
    return kube_start(client, &request);
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
