/* Creating, changing and deleting: preconditions, what the system sets, and what belongs to a subresource.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"
#include "tests/sim/api_schema.h"

const char *api_time(const struct api *api, char ret[static 24])
{
    time_t now = sim_wall(api->sim);
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(ret, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return ret;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is refused */

static struct api_reply invalid(const struct api_kind *kind, const char *name, const char *field, const char *why)
{
    struct json_object *causes = json_build("[{reason: FieldValueInvalid, message: %s, field: %s}]", why, field);
    struct api_reply reply = api_refuse_with(422, "Invalid", kind, name, causes, "%s%s%s \"%s\" is invalid: %s: %s",
                                             kind->kind, *kind->group ? "." : "", kind->group, name, field, why);

    json_set_str(reply.tree, "details.kind", kind->kind);
    return reply;
}

/* status 0: nothing is wrong. */
static struct api_reply refusal_of_webhook(const struct api *api, const struct api_call *call,
                                           const struct api_kind *kind, const char *name)
{
    if (!api->refusal_status || *call->subresource || (*api->refused && strcmp(api->refused, kind->plural) != 0))
        return (struct api_reply){0};
    return api_refuse_with(api->refusal_status, api->refusal_status == 403 ? "Forbidden" : "Invalid", NULL, name, NULL,
                           "admission webhook \"webhook.example\" denied the request: %s", api->refusal);
}

static struct api_reply refusal_of_place(const struct api *api, const struct api_kind *kind, const char *ns,
                                         const char *name)
{
    char message[200];

    if (!kind->namespaced)
        return (struct api_reply){0};
    const struct api_object *space = api_find(api, &api_kinds[API_NAMESPACES], "", ns);
    if (!space)
        return api_not_found(&api_kinds[API_NAMESPACES], ns);
    if (!json_get(space->state->root, "metadata.deletionTimestamp"))
        return (struct api_reply){0};
    snprintf(message, sizeof(message), "namespace %s is being terminated", ns);
    struct json_object *causes =
        json_build("[{reason: NamespaceTerminating, message: %s, field: 'metadata.namespace'}]", (const char *)message);
    return api_refuse_with(403, "Forbidden", kind, name, causes,
                           "%s \"%s\" is forbidden: unable to create new content in namespace %s because it is being "
                           "terminated",
                           api_qualified(kind), name, ns);
}

static struct api_reply refusal_of_version(const struct api_kind *kind, struct json_object *body,
                                           const struct api_object *object)
{
    const char *version = json_str_or(body, "metadata.resourceVersion", "");
    char own[24];

    snprintf(own, sizeof(own), "%" PRIu64, object->state->version);
    if (*version && strcmp(version, own) != 0)
        return api_conflict(kind, object->name,
                            "the object has been modified; please apply your changes to the latest version and try "
                            "again");
    return (struct api_reply){0};
}

static struct api_reply refusal_of_uid(const struct api_kind *kind, struct json_object *body,
                                       const struct api_object *object)
{
    const char *uid = json_str_or(body, "metadata.uid", "");
    char why[120];

    if (!*uid || strcmp(uid, object->uid) == 0)
        return (struct api_reply){0};
    snprintf(why, sizeof(why), "Invalid value: \"%.60s\": field is immutable", uid);
    return invalid(kind, object->name, "metadata.uid", why);
}

static bool has_new_finalizer(struct json_object *before, struct json_object *after)
{
    struct json_object *old = json_get(before, "metadata.finalizers"), *new = json_get(after, "metadata.finalizers");

    for (size_t i = 0; i < json_len(new); i++) {
        bool known = false;
        for (size_t j = 0; j < json_len(old); j++)
            known |= json_object_equal(json_at(new, i), json_at(old, j));
        if (!known)
            return true;
    }
    return false;
}

static const char *immutable_field(const struct api_kind *kind)
{
    return kind == &api_kinds[API_DEPLOYMENTS]     ? "spec.selector"
           : kind == &api_kinds[API_ROLE_BINDINGS] ? "roleRef"
                                                   : NULL;
}

static size_t count_controllers(struct json_object *content)
{
    struct json_object *owners = json_get(content, "metadata.ownerReferences");
    size_t n = 0;

    for (size_t i = 0; i < json_len(owners); i++)
        n += json_bool_or(json_at(owners, i), "controller", false);
    return n;
}

static struct api_reply refusal_of_content(const struct api_kind *kind, const char *name, struct json_object *before,
                                           struct json_object *after, bool terminating)
{
    const char *immutable = immutable_field(kind);
    char why[300] = "";

    if (before && immutable && !api_json_same(json_get(before, immutable), json_get(after, immutable)))
        return invalid(kind, name, immutable, "Invalid value: field is immutable");
    if (kind == &api_kinds[API_DEPLOYMENTS] && json_member(before, "spec") != json_member(after, "spec") &&
        *api_deployment_fault(after))
        return invalid(kind, name, api_deployment_fault(after), "Invalid value");
    if (count_controllers(after) > 1)
        return invalid(kind, name, "metadata.ownerReferences",
                       "Invalid value: Only one reference can have Controller set");
    if (terminating && has_new_finalizer(before, after))
        return invalid(kind, name, "metadata.finalizers",
                       "Forbidden: no new finalizers can be added if the object is being deleted");
    if (kind == &api_kinds[API_RUNNERS] && json_member(before, "spec") != json_member(after, "spec"))
        api_judge(schema_member(schema_of("crd"), "spec"), json_member(after, "spec"), "spec", why);
    if (kind == &api_kinds[API_RUNNERS] && json_member(before, "status") != json_member(after, "status"))
        api_judge(schema_member(schema_of("crd"), "status"), json_member(after, "status"), "status", why);
    if (*why)
        return invalid(kind, name, "spec", why);
    return (struct api_reply){0};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * New objects */

void api_new_uid(struct api *api, char ret[static 40])
{
    uint64_t n = ++api->uids;

    snprintf(ret, 40, "%08" PRIx64 "-51a0-4000-8000-%012" PRIx64, n * 2654435761u & 0xffffffff, n);
}

static struct json_object *born_with(const struct api_kind *kind, struct json_object *content, const char *name)
{
    struct json_object *new = api_json_shallow(content);

    if (kind == &api_kinds[API_NAMESPACES]) {
        json_object_object_add(new, "metadata", json_copy(json_member(content, "metadata")));
        if (!json_member(new, "metadata"))
            json_object_object_add(new, "metadata", json_object_new_object());
        struct json_object *labels = json_get(new, "metadata.labels");
        if (!labels)
            json_object_object_add(json_member(new, "metadata"), "labels", labels = json_object_new_object());
        json_put_member(labels, "kubernetes.io/metadata.name", name);
        json_object_object_add(new, "spec", json_build("{finalizers: [kubernetes]}"));
        json_object_object_add(new, "status", json_build("{phase: Active}"));
    }
    if (kind == &api_kinds[API_PODS] && !json_member(new, "status"))
        json_object_object_add(new, "status", json_build("{phase: Pending}"));
    if (kind == &api_kinds[API_DEPLOYMENTS])
        json_object_object_add(new, "status", json_object_new_object());
    if (kind == &api_kinds[API_BUDGETS])
        json_object_object_add(
            new, "status",
            json_tokener_parse(
                "{\"disruptionsAllowed\":0,\"currentHealthy\":0,\"desiredHealthy\":0,\"expectedPods\":0}"));
    return new;
}

/* Takes content and fields over. */
static struct api_reply bear(struct api *api, const struct api_call *call, const struct api_kind *kind, const char *ns,
                             const char *name, struct json_object *content, struct json_object *fields)
{
    char uid[40], now[24];
    cleanup_json struct json_object *parts = json_object_new_object();

    api_new_uid(api, uid);
    json_put_member(parts, "name", name);
    json_put_member(parts, "uid", uid);
    json_put_member(parts, "now", api_time(api, now));
    if (kind->namespaced)
        json_put_member(parts, "ns", ns);
    const struct api_system_fields system = {.name = json_member(parts, "name"),
                                             .ns = json_member(parts, "ns"),
                                             .uid = json_member(parts, "uid"),
                                             .created = json_member(parts, "now"),
                                             .generation = kind->counts};
    struct json_object *born = born_with(kind, content, name);
    struct api_object *object = api_put(api, call, kind, NULL, api_assembled(kind, &system, born, fields));
    json_object_put(born);
    json_object_put(content);
    json_object_put(fields);
    return api_reply_state(201, object->state);
}

static const char *name_of_body(struct api *api, struct json_object *body, char ret[static 300])
{
    const char *prefix = json_str_or(body, "metadata.generateName", "");

    if (*json_str_or(body, "metadata.name", "") || !*prefix)
        return json_str_or(body, "metadata.name", "");
    snprintf(ret, 300, "%.250s%05" PRIx64, prefix, (++api->names * 40503) & 0xfffff);
    return ret;
}

struct api_reply api_create_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                   const char *ns, struct json_object *body)
{
    char made[300];
    const char *name = name_of_body(api, body, made);
    struct api_reply reply = refusal_of_place(api, kind, ns, name);

    if (!reply.status && !*name)
        reply = invalid(kind, name, "metadata.name", "Required value: name or generateName is required");
    if (!reply.status && api_find(api, kind, ns, name))
        reply = api_refuse_with(409, "AlreadyExists", kind, name, NULL, "%s \"%s\" already exists", api_qualified(kind),
                                name);
    if (!reply.status && *json_str_or(body, "metadata.resourceVersion", ""))
        reply = api_refuse_with(400, "BadRequest", NULL, NULL, NULL,
                                "resourceVersion should not be set on objects to be created");
    if (!reply.status)
        reply = refusal_of_webhook(api, call, kind, name);
    if (reply.status)
        return reply;
    cleanup_json struct json_object *full = api_secret_body(kind, body);
    cleanup_json struct json_object *bare = api_content_of(full, api_part_of(call, kind));
    struct json_object *content = api_defaulted(kind, bare, NULL);
    reply = refusal_of_content(kind, name, NULL, content, false);
    if (reply.status) {
        json_object_put(content);
        return reply;
    }
    cleanup_json struct json_object *owned = api_content_of(content, api_part_of(call, kind));
    return bear(api, call, kind, ns, name, content, api_managed_update(api, call, kind, NULL, NULL, owned));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * New versions */

static bool spec_changed(struct json_object *before, struct json_object *after)
{
    bool same = json_object_object_length(before) - json_object_object_get_ex(before, "status", NULL) -
                    json_object_object_get_ex(before, "metadata", NULL) ==
                json_object_object_length(after) - json_object_object_get_ex(after, "status", NULL) -
                    json_object_object_get_ex(after, "metadata", NULL);

    json_object_object_foreach(after, key, value)
    {
        if (strcmp(key, "status") != 0 && strcmp(key, "metadata") != 0 &&
            !api_json_same(value, json_object_object_get(before, key)))
            return true;
    }
    return !same;
}

/* Of a Deployment they do, but for those that come with its status. */
static bool annotations_count(const struct api_call *call, const struct api_kind *kind, struct json_object *before,
                              struct json_object *after)
{
    static const char annotations[] = "metadata.annotations";

    return kind == &api_kinds[API_DEPLOYMENTS] && !*call->subresource &&
           !api_json_same(json_get(before, annotations), json_get(after, annotations));
}

/* The last finalizer of an object that is being deleted is gone, or was not there. */
static bool has_ended(const struct api_system_fields *system, struct json_object *content, const struct api_kind *kind)
{
    bool held = kind == &api_kinds[API_NAMESPACES] && json_len(json_get(content, "spec.finalizers")) > 0;
    bool grace = kind == &api_kinds[API_PODS] && json_object_get_int64(system->grace) > 0;

    return system->deleted && !held && !grace && api_json_is_empty(json_get(content, "metadata.finalizers"));
}

static struct api_reply end_with(struct api *api, const struct api_call *call, struct api_object *object,
                                 struct json_object *last)
{
    struct api_reply reply = {.status = 200, .tree = last};

    json_object_object_add(json_member(last, "metadata"), "resourceVersion",
                           json_object_get(json_get(object->state->root, "metadata.resourceVersion")));
    api_state_drop(api_take(api, call, object));
    return reply;
}

/* Lent: all. */
static struct api_reply renew(struct api *api, const struct api_call *call, struct api_object *object,
                              struct json_object *before, struct json_object *after, struct json_object *fields)
{
    struct json_object *root = object->state->root;
    struct api_system_fields system = api_system_fields_of(root);

    if (api_json_same(before, after) && api_managed_same(json_get(root, "metadata.managedFields"), fields))
        return api_reply_state(200, object->state);
    if (object->kind->counts && (spec_changed(before, after) || annotations_count(call, object->kind, before, after)))
        system.generation++;
    struct json_object *new = api_assembled(object->kind, &system, after, fields);
    if (has_ended(&system, after, object->kind))
        return end_with(api, call, object, new);
    api_put(api, call, object->kind, object, new);
    return api_reply_state(200, object->state);
}

/* Where the status alone is written the uid is not compared. */
static struct api_reply refusal_of_update(const struct api *api, const struct api_call *call,
                                          const struct api_object *object, struct json_object *body)
{
    struct api_reply reply = {0};

    if (!*call->subresource)
        reply = refusal_of_uid(object->kind, body, object);
    if (!reply.status)
        reply = refusal_of_webhook(api, call, object->kind, object->name);
    return reply;
}

/* body: the whole object as it is to be. */
static struct api_reply update(struct api *api, const struct api_call *call, struct api_object *object,
                               struct json_object *body)
{
    struct json_object *root = object->state->root, *fields = json_get(body, "metadata.managedFields");
    struct api_reply reply = refusal_of_version(object->kind, body, object);

    if (!reply.status)
        reply = refusal_of_update(api, call, object, body);
    if (reply.status)
        return reply;
    cleanup_json struct json_object *before = api_content_of(root, API_ALL),
                                    *full = api_secret_body(object->kind, body);
    cleanup_json struct json_object *bare = api_content_laid_over(call, object->kind, full, root);
    cleanup_json struct json_object *after = api_defaulted(object->kind, bare, before);
    if (!json_len(fields))
        fields = json_get(root, "metadata.managedFields");
    reply = refusal_of_content(object->kind, object->name, before, after, json_get(root, "metadata.deletionTimestamp"));
    if (reply.status)
        return reply;
    cleanup_json struct json_object *owned = api_managed_update(api, call, object->kind, fields, before, after);
    return renew(api, call, object, before, after, owned);
}

struct api_reply api_replace_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                    const char *ns, const char *name, struct json_object *body)
{
    struct api_object *object = api_find(api, kind, ns, name);

    return object ? update(api, call, object, body) : api_not_found(kind, name);
}

struct api_reply api_patch_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                  const char *ns, const char *name, const char *patch_type, struct json_object *patch)
{
    struct api_object *object = api_find(api, kind, ns, name);
    bool is_merge = strstr(patch_type, "merge-patch");
    char why[200];

    if (!object)
        return api_not_found(kind, name);
    cleanup_json struct json_object *body =
        is_merge ? api_merge_patch(object->state->root, patch) : api_json_patch(object->state->root, patch, why);
    if (!body)
        return (struct api_reply){.status = 422,
                                  .tree = api_status(422, "Invalid", NULL, NULL, json_object_new_array(),
                                                     "the server rejected our request due to an error in our request")};
    return update(api, call, object, body);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Server-side apply */

static struct api_reply conflicts(const struct api_managed *m)
{
    size_t n = json_len(m->causes);
    char message[400];

    if (n == 1)
        snprintf(message, sizeof(message), "Apply failed with 1 conflict: %s", m->first);
    else
        snprintf(message, sizeof(message), "Apply failed with %zu conflicts: %s", n, m->first);
    return (struct api_reply){.status = 409,
                              .tree = api_status(409, "Conflict", NULL, NULL, json_object_get(m->causes), message)};
}

/* A manifest with a field that the CRD does not know is no manifest of it. */
static struct api_reply refusal_of_manifest(const struct api_kind *kind, const char *ns, const char *name,
                                            struct json_object *manifest)
{
    char path[300] = "", message[600];

    if (!schema_finds_undeclared(schema_of(kind->type), manifest, path, sizeof(path)))
        return (struct api_reply){0};
    snprintf(message, sizeof(message),
             "failed to create typed patch object (%.63s/%.63s; %s, Kind=%s): %.250s: field not declared in schema", ns,
             name, kind->api_version, kind->kind, path);
    return (struct api_reply){.status = 500, .tree = api_status(500, NULL, NULL, NULL, NULL, message)};
}

static struct api_reply apply_new(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                  const char *ns, const char *name, struct json_object *body,
                                  struct json_object *manifest)
{
    const char *uid = json_str_or(body, "metadata.uid", "");
    char why[160];

    snprintf(why, sizeof(why),
             "uid mismatch: the provided object specified uid %.60s, and no existing object was found", uid);
    struct api_reply reply = *call->subresource ? api_not_found(kind, name)
                             : *uid             ? api_conflict(kind, name, why)
                                                : refusal_of_place(api, kind, ns, name);
    if (!reply.status)
        reply = refusal_of_webhook(api, call, kind, name);
    if (reply.status)
        return reply;
    struct api_managed m = api_managed_apply(api, call, kind, NULL, NULL, manifest);
    struct json_object *content = api_defaulted(kind, m.content, NULL);
    json_object_put(m.content);
    reply = refusal_of_content(kind, name, NULL, content, false);
    if (!reply.status)
        return bear(api, call, kind, ns, name, content, m.fields);
    json_object_put(content);
    json_object_put(m.fields);
    return reply;
}

static struct api_reply apply_merged(struct api *api, const struct api_call *call, struct api_object *object,
                                     struct json_object *before, const struct api_managed *m)
{
    bool terminating = json_get(object->state->root, "metadata.deletionTimestamp");
    cleanup_json struct json_object *after = api_defaulted(object->kind, m->content, before);
    struct api_reply reply = refusal_of_content(object->kind, object->name, before, after, terminating);

    return reply.status ? reply : renew(api, call, object, before, after, m->fields);
}

struct api_reply api_apply_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                  const char *ns, const char *name, struct json_object *body)
{
    struct api_object *object = api_find(api, kind, ns, name);
    cleanup_json struct json_object *manifest = api_manifest_of(call, kind, body);
    struct api_reply reply = refusal_of_manifest(kind, ns, name, manifest);

    if (!reply.status && !object)
        return apply_new(api, call, kind, ns, name, body, manifest);
    if (!reply.status)
        reply = refusal_of_version(kind, body, object);
    if (reply.status)
        return reply;
    struct json_object *root = object->state->root;
    cleanup_json struct json_object *before = api_content_of(root, API_ALL);
    struct api_managed m =
        api_managed_apply(api, call, kind, json_get(root, "metadata.managedFields"), before, manifest);
    reply = m.causes ? conflicts(&m) : refusal_of_update(api, call, object, body);
    if (!reply.status)
        reply = apply_merged(api, call, object, before, &m);
    json_object_put(m.content);
    json_object_put(m.fields);
    json_object_put(m.causes);
    return reply;
}
