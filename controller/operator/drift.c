#include "operator/drift.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/key.h"
#include "kube/object_text.h"

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

static bool are_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool was_in_order(const struct store *store, enum kind kind, const struct record *child)
{
    const struct record *record = store_get(store, kind, child->ns, child->name);
    const struct kept_child *before = kept_child(record), *now = kept_child(child);

    return before && !before->drifted && strcmp(record->uid, child->uid) == 0 &&
           strcmp(record->owner_uid, child->owner_uid) == 0 && are_same(before->hash, now->hash) &&
           are_same(before->fields, now->fields);
}

static const char *digest_of(struct json_object *fields, struct arena *a)
{
    const char *text = fields ? json_text(fields) : "";

    return digest_short(text, strlen(text), a);
}

void drift_judge(const struct store *store, enum kind kind, struct json_object *object, struct record *child,
                 struct arena *a)
{
    struct kept_child *kept = judged_record(kind, object, child, a);

    if (!kept)
        return;
    assert(!kept->fields && !kept->drifted);
    kept->fields = digest_of(kind_fields(object), a);
    kept->drifted = !was_in_order(store, kind, child);
}

void drift_none(enum kind kind, struct json_object *object, struct record *child, struct arena *a)
{
    struct kept_child *kept = judged_record(kind, object, child, a);

    if (kept)
        kept->fields = digest_of(kind_fields(object), a);
}
