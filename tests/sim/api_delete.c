/* DELETE: at once, or marked until finalizers, dependents or a grace period have come to their end. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

static struct api_reply refusal_of_preconditions(const struct api_object *object, struct json_object *options)
{
    const char *uid = json_str_or(options, "preconditions.uid", "");
    const char *version = json_str_or(options, "preconditions.resourceVersion", ""), *what = NULL, *own = object->uid;
    char number[24];

    snprintf(number, sizeof(number), "%" PRIu64, object->state->version);
    if (*uid && strcmp(uid, object->uid) != 0)
        what = "UID";
    else if (*version && strcmp(version, number) != 0)
        what = "ResourceVersion", uid = version, own = number;
    if (!what)
        return (struct api_reply){0};
    struct api_reply reply = api_refuse_with(
        409, "Conflict", object->kind, object->name, NULL,
        "Operation cannot be fulfilled on %s \"%s\": the %s in the precondition (%s) does not match the %s in record "
        "(%s). The object might have been %s",
        object->kind->kind, object->name, what, uid, what, own,
        *what == 'U' ? "deleted and then recreated" : "modified");
    json_set_str(reply.tree, "details.kind", object->kind->kind);
    return reply;
}

static void want_finalizer(struct json_object *list, const char *name, bool wanted)
{
    for (size_t i = json_len(list); i > 0; i--)
        if (strcmp(json_string(json_at(list, i - 1)), name) == 0)
            json_object_array_del_idx(list, i - 1, 1);
    if (wanted)
        json_object_array_add(list, json_object_new_string(name));
}

/* As the options would have them; none is said: as they are. Of the caller's. */
static struct json_object *finalizers_of(const struct api_object *object, const char *policy)
{
    struct json_object *old = json_get(object->state->root, "metadata.finalizers"), *list = json_object_new_array();

    for (size_t i = 0; i < json_len(old); i++)
        json_object_array_add(list, json_object_get(json_at(old, i)));
    if (*policy) {
        want_finalizer(list, "foregroundDeletion", strcmp(policy, "Foreground") == 0);
        want_finalizer(list, "orphan", strcmp(policy, "Orphan") == 0);
    }
    return list;
}

static int64_t grace_of(const struct api_object *object, struct json_object *options)
{
    struct json_object *root = object->state->root;
    int64_t asked = json_int_or(options, "gracePeriodSeconds", -1);
    bool runs = object->kind == &api_kinds[API_PODS] && *json_str_or(root, "spec.nodeName", "") &&
                strcmp(json_str_or(root, "status.phase", ""), "Failed") != 0;

    if (!runs)
        return 0;
    return asked >= 0 ? asked : json_int_or(root, "spec.terminationGracePeriodSeconds", 30);
}

static struct json_object *marked(const struct api *api, const struct api_object *object,
                                  struct json_object *finalizers, int64_t grace)
{
    struct json_object *root = api_json_shallow(object->state->root);
    struct json_object *m = api_json_shallow(json_member(root, "metadata"));
    char now[24];

    json_object_object_add(root, "metadata", m);
    if (!json_member(m, "deletionTimestamp")) {
        json_object_object_add(m, "deletionTimestamp", json_object_new_string(api_time(api, now)));
        if (json_member(m, "generation"))
            json_object_object_add(m, "generation", json_object_new_int64(json_int_or(m, "generation", 0) + 1));
    }
    if (object->kind != &api_kinds[API_NAMESPACES])
        json_object_object_add(m, "deletionGracePeriodSeconds", json_object_new_int64(grace));
    if (json_len(finalizers))
        json_object_object_add(m, "finalizers", json_object_get(finalizers));
    else
        json_object_object_del(m, "finalizers");
    if (object->kind == &api_kinds[API_NAMESPACES])
        json_object_object_add(root, "status", json_build("{phase: Terminating}"));
    return root;
}

static struct api_reply reply_of_end(const struct api_kind *kind, struct api_state *gone)
{
    struct api_reply reply = {.status = 200};

    if (kind->shows_deleted) {
        reply.state = gone;
        return reply;
    }
    reply.tree = api_status(200, NULL, kind, gone->name, NULL, NULL);
    json_set_str(reply.tree, "details.uid", json_str(gone->root, "metadata.uid"));
    api_state_drop(gone);
    return reply;
}

struct api_reply api_delete_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                   const char *ns, const char *name, struct json_object *options)
{
    struct api_object *object = api_find(api, kind, ns, name);
    const char *policy = json_str_or(options, "propagationPolicy", "");

    if (!object)
        return api_not_found(kind, name);
    struct api_reply reply = refusal_of_preconditions(object, options);
    if (reply.status)
        return reply;
    cleanup_json struct json_object *finalizers = finalizers_of(object, policy);
    struct json_object *old = json_get(object->state->root, "metadata");
    bool marked_before = json_member(old, "deletionTimestamp");
    bool holds = json_len(finalizers) || kind == &api_kinds[API_NAMESPACES];
    int64_t grace = grace_of(object, options);
    if (!holds && grace == 0)
        return reply_of_end(kind, api_take(api, call, object));
    bool same = marked_before && grace >= json_int_or(old, "deletionGracePeriodSeconds", 0) &&
                json_len(finalizers) == json_len(json_member(old, "finalizers"));
    if (!same)
        api_put(api, call, kind, object, marked(api, object, finalizers, grace));
    return api_reply_state(200, object->state);
}
