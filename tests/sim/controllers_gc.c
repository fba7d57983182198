/* The garbage collector (pkg/controller/garbagecollector), and namespaces that end. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

static bool has_finalizer(const struct api_object *object, const char *name)
{
    struct json_object *list = json_get(object->state->root, "metadata.finalizers");

    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_at(list, i)), name) == 0)
            return true;
    return false;
}

static bool is_ending(const struct api_object *object)
{
    return json_get(object->state->root, "metadata.deletionTimestamp");
}

static struct json_object *owners_of(const struct api_object *object)
{
    return json_get(object->state->root, "metadata.ownerReferences");
}

/* Calls each(api, object, arg) for all but Leases and Events, until it has changed something: what is next has moved
 * then. Returns whether it did. */
typedef bool visit_fn(struct api *api, struct api_object *object, const struct api_object *arg);

static bool visit(struct api *api, visit_fn *each, const struct api_object *arg)
{
    for (size_t k = 0; k < API_KINDS; k++) {
        const struct api_shelf *shelf = &api->shelves[k];
        for (size_t i = 0; k != API_LEASES && k != API_EVENTS && i < shelf->len; i++)
            if (each(api, shelf->objects[i], arg))
                return true;
    }
    return false;
}

static void gc_delete(struct api *api, const struct api_object *object, const char *policy)
{
    cleanup_json struct json_object *options =
        json_build("{preconditions: {uid: %s}, propagationPolicy: %s}", (const char *)object->uid, policy);
    struct api_reply reply = api_delete_object(api, &api_gc_call, object->kind, object->ns, object->name, options);

    api_reply_finish(&reply);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Owners */

struct owners_seen {
    size_t solid, dangling, waiting; /* there, gone, and ending in the foreground */
};

static const struct api_object *owner_at(const struct api *api, const struct api_object *object, size_t i)
{
    const char *uid = api_json_text(json_at(owners_of(object), i), "uid");
    const struct api_object *owner = api_find_by_uid(api, uid);

    return owner && (!owner->kind->namespaced || strcmp(owner->ns, object->ns) == 0) ? owner : NULL;
}

static struct owners_seen look_at_owners(const struct api *api, const struct api_object *object)
{
    struct owners_seen seen = {0};

    for (size_t i = 0; i < json_len(owners_of(object)); i++) {
        const struct api_object *owner = owner_at(api, object, i);
        if (!owner)
            seen.dangling++;
        else if (is_ending(owner) && has_finalizer(owner, "foregroundDeletion"))
            seen.waiting++;
        else
            seen.solid++;
    }
    return seen;
}

/* Keeps the references to owners that are there and stay; or, for `without`, to all others. */
static void drop_references(struct api *api, struct api_object *object, const struct api_object *without)
{
    struct json_object *root = api_state_edit(object->state), *kept = json_object_new_array();

    for (size_t i = 0; i < json_len(owners_of(object)); i++) {
        const struct api_object *owner = owner_at(api, object, i);
        bool ends =
            without ? owner == without : !owner || (is_ending(owner) && has_finalizer(owner, "foregroundDeletion"));
        if (!ends)
            json_object_array_add(kept, json_object_get(json_at(owners_of(object), i)));
    }
    if (json_len(kept))
        json_object_object_add(json_member(root, "metadata"), "ownerReferences", kept);
    else
        json_object_object_del(json_member(root, "metadata"), "ownerReferences"), json_object_put(kept);
    controllers_put(api, &api_gc_call, object->kind, object, root);
}

static bool depends_on(struct api *api, struct api_object *object, const struct api_object *owner)
{
    (void)api;
    return owners_of(object) && controllers_owns(owner, object->state->root);
}

static bool attempt_to_delete(struct api *api, struct api_object *object)
{
    struct owners_seen seen = look_at_owners(api, object);

    if (seen.solid && !seen.dangling && !seen.waiting)
        return false;
    if (sim_happens(api->sim, 16)) {
        api->controllers->postponed = true;
        return false;
    }
    if (seen.solid) {
        drop_references(api, object, NULL);
        return true;
    }
    if (seen.waiting && visit(api, depends_on, object))
        gc_delete(api, object, "Foreground");
    else
        gc_delete(api, object,
                  has_finalizer(object, "orphan")               ? "Orphan"
                  : has_finalizer(object, "foregroundDeletion") ? "Foreground"
                                                                : "Background");
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Objects that end and wait for what depends on them */

static void remove_finalizer(struct api *api, struct api_object *object, const char *name)
{
    struct json_object *root = api_state_edit(object->state), *kept = json_object_new_array();
    struct json_object *old = json_get(object->state->root, "metadata.finalizers");

    for (size_t i = 0; i < json_len(old); i++)
        if (strcmp(json_string(json_at(old, i)), name) != 0)
            json_object_array_add(kept, json_object_get(json_at(old, i)));
    if (json_len(kept))
        json_object_object_add(json_member(root, "metadata"), "finalizers", kept);
    else
        json_object_object_del(json_member(root, "metadata"), "finalizers"), json_object_put(kept);
    controllers_put(api, &api_gc_call, object->kind, object, root);
}

static bool blocks(struct api *api, struct api_object *object, const struct api_object *owner)
{
    struct json_object *owners = owners_of(object);

    (void)api;
    for (size_t i = 0; i < json_len(owners); i++)
        if (strcmp(api_json_text(json_at(owners, i), "uid"), owner->uid) == 0 &&
            json_bool_or(json_at(owners, i), "blockOwnerDeletion", false))
            return true;
    return false;
}

static bool orphan_one(struct api *api, struct api_object *object, const struct api_object *owner)
{
    if (!depends_on(api, object, owner))
        return false;
    drop_references(api, object, owner);
    return true;
}

static bool gc_look(struct api *api, struct api_object *object, const struct api_object *ignored)
{
    bool ending = is_ending(object);

    (void)ignored;
    if (ending && has_finalizer(object, "foregroundDeletion")) {
        if (visit(api, blocks, object))
            return false;
        remove_finalizer(api, object, "foregroundDeletion");
        return true;
    }
    if (ending && has_finalizer(object, "orphan")) {
        while (visit(api, orphan_one, object))
            ;
        remove_finalizer(api, object, "orphan");
        return true;
    }
    return !ending && owners_of(object) && attempt_to_delete(api, object);
}

bool gc_run(struct api *api)
{
    api->controllers->postponed = false;
    while (visit(api, gc_look, NULL))
        ;
    return api->controllers->postponed;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Namespaces */

/* One after the other, from a kind that is chosen on: nobody relies on their order. True: something is left. */
static bool empty_namespace(struct api *api, const char *ns)
{
    size_t first = sim_choose(api->sim, API_KINDS), left = 0;

    for (size_t k = 0; k < API_KINDS; k++) {
        const struct api_kind *kind = &api_kinds[(first + k) % API_KINDS];
        const struct api_shelf *shelf = api_shelf(api, kind);
        for (size_t i = shelf->len; kind->namespaced && i > 0; i--) {
            const struct api_object *object = shelf->objects[i - 1];
            if (strcmp(object->ns, ns) != 0)
                continue;
            left++;
            if (!is_ending(object) && !sim_happens(api->sim, 8))
                gc_delete(api, object, "Background");
        }
    }
    return left > 0;
}

static void end_namespace(struct api *api, struct api_object *space)
{
    api_state_drop(api_take(api, &api_kcm_call, space));
}

bool namespaces_run(struct api *api)
{
    const struct api_shelf *shelf = &api->shelves[API_NAMESPACES];
    bool left = false;

    for (size_t i = shelf->len; i > 0; i--) {
        struct api_object *space = shelf->objects[i - 1];
        if (!is_ending(space))
            continue;
        if (empty_namespace(api, space->name) || json_len(json_get(space->state->root, "metadata.finalizers")))
            left = true;
        else
            end_namespace(api, space);
    }
    return left;
}
