#include "operator/drift.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "kube/managed_fields.h"
#include "kube/object_text.h"
#include "operator/ownership.h"
#include "runner/applied_fields.h"
#include "runner/complaints.h"
#include "runner/names.h"

/* Which child of the owner the record is by kind and name, of which no two are the same; CHILD_COUNT: none. */
static enum child judged_child(enum kind kind, const char *name, const struct owner *owner, struct arena *a)
{
    enum child child = CHILD_CONFIG_SECRET;

    while (child < CHILD_COUNT && (kind_of_child(child) != kind || strcmp(child_name(child, owner, a), name) != 0))
        child++;
    return child;
}

/* Where nobody has told, the manifest is rendered, and held against the fields that are still ours. */
static bool has_all_fields(const struct drift_view *view, enum child child, const struct record *record,
                           const struct record *owner_is, const struct owner *owner, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct kept_child *kept = kept_child(record);
    struct complaints ignored = {.a = &a};
    struct spec spec;

    if (!spec_read_all(runner_object(owner_is, &a), &spec, &ignored, &a))
        return false;
    if (strcmp(child_namespace(child, owner, &spec), record->ns) != 0 || !child_wanted(child, &spec))
        return false;
    struct json_object *manifest = render_child(child, owner, &spec, view->settings, &a);
    if (strcmp(manifest_hash(manifest), kept->hash) != 0)
        return false;
    if (child == CHILD_DEPLOYMENT)
        render_deployment_inputs(manifest, kept->inputs, &a);
    return managed_fields_have(json_get(object, "metadata.managedFields"), FIELD_MANAGER, manifest);
}

/* Of its owner's status no tree is made: all children of all owners come by here at a start. */
static bool is_told_by_owner(const struct record *owner, enum child child, const char *fields)
{
    const char *status = kept_runner(owner)->status;
    char told[APPLIED_FIELDS_SIZE];

    return status && json_peek(status, strlen(status), "appliedFields", told, sizeof(told)) &&
           applied_fields_tell(told, child, fields);
}

static bool is_as_applied(const struct drift_view *view, enum kind kind, const struct record *record,
                          struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct kept_child *kept = kept_child(record);
    const struct record *owner_is = owner_record(view->store, record->owner);

    assert(kept);
    if (!kind_fields(object) || !kept->hash || !owner_is || strcmp(owner_is->uid, record->owner_uid) != 0)
        return false;
    const struct owner owner = {.ns = owner_is->ns, .name = owner_is->name, .uid = owner_is->uid};
    enum child child = judged_child(kind, record->name, &owner, &a);
    return child < CHILD_COUNT && (is_told_by_owner(owner_is, child, kept->fields) ||
                                   has_all_fields(view, child, record, owner_is, &owner, object));
}

/* NULL: what it is, is not judged. */
static struct kept_child *judged_record(enum kind kind, struct json_object *object, const struct record *child,
                                        struct arena *a)
{
    struct key key;
    const struct owner named = {.name = key_parse(child->owner, &key) ? key.name : ""};
    bool token = kind == KIND_SECRET && strcmp(child->name, child_name(CHILD_TOKEN_SECRET, &named, a)) == 0;

    if (!*child->owner || !child->kept || token || object_too_large(object))
        return NULL;
    return (struct kept_child *)child->kept;
}

static bool was_in_order(const struct store *store, enum kind kind, const struct record *child)
{
    const struct record *record = store_get(store, kind, child->ns, child->name);
    const struct kept_child *before = kept_child(record), *now = kept_child(child);

    return before && !before->drifted && strcmp(record->uid, child->uid) == 0 &&
           strcmp(record->owner_uid, child->owner_uid) == 0 && now->hash && text_same(before->hash, now->hash) &&
           text_same(before->fields, now->fields);
}

static const char *fields_digest(struct json_object *object, struct arena *a)
{
    const char *fields = kind_fields(object), *text = fields ? fields : "";

    return digest_short(text, strlen(text), a);
}

/* An apply cannot take away what is ours by update, too: it is handed over, and all is applied once more. */
static bool is_divided(const struct kept_child *kept)
{
    return kept->applied && kept->updated;
}

void drift_judge(const struct drift_view *view, enum kind kind, struct json_object *object, struct record *child,
                 struct arena *a)
{
    struct kept_child *kept = judged_record(kind, object, child, a);

    if (!kept)
        return;
    assert(!kept->fields && !kept->drifted);
    kept->fields = is_divided(kept) ? NULL : fields_digest(object, a);
    kept->drifted =
        is_divided(kept) || (!was_in_order(view->store, kind, child) && !is_as_applied(view, kind, child, object));
}

void drift_none(enum kind kind, struct json_object *object, struct record *child, struct arena *a)
{
    struct kept_child *kept = judged_record(kind, object, child, a);

    if (!kept)
        return;
    kept->fields = is_divided(kept) ? NULL : fields_digest(object, a);
    kept->drifted = is_divided(kept);
}
