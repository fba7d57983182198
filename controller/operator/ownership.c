#include "operator/ownership.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/key.h"
#include "kube/managed_fields.h"
#include "runner/names.h"

const struct record *owner_record(const struct store *store, const char *text)
{
    struct key key;

    return key_parse(text, &key) && strcmp(key.kind, KIND) == 0 ? store_get(store, KIND_RUNNER, key.ns, key.name)
                                                                : NULL;
}

static bool leads_to_a_runner(const struct ownership *link, const struct store *store)
{
    const struct record *record = link->key ? owner_record(store, link->key) : NULL;

    return record && link->uid && strcmp(record->uid, link->uid) == 0;
}

static const char *runner_key(const char *ns, const char *name, struct arena *a)
{
    return arena_strdup(a, key_text(KIND, ns, name).text);
}

/* By our annotations, which anybody may write. Release 0.1.0 knew of one kind of owner, and wrote none. */
static struct ownership said_link(struct json_object *object, struct arena *a)
{
    const char *text = kind_annotation(object, ANNOTATION_OWNER);
    struct key key;

    if (!text || !key_parse(text, &key) || (*key.kind && strcmp(key.kind, KIND) != 0))
        return (struct ownership){.key = NULL};
    return (struct ownership){runner_key(key.ns, key.name, a), kind_annotation(object, ANNOTATION_OWNER_UID)};
}

/* By its controller, where that is a GitLabRunner. */
static struct ownership controller_of(struct json_object *object, struct arena *a)
{
    struct json_object *references = json_get(object, "metadata.ownerReferences");

    for (size_t i = 0; i < json_len(references); i++) {
        struct json_object *reference = json_at(references, i);
        if (json_bool_or(reference, "controller", false) && strcmp(json_str_or(reference, "kind", ""), KIND) == 0)
            return (struct ownership){
                .key = runner_key(json_str_or(object, "metadata.namespace", ""), json_str_or(reference, "name", ""), a),
                .uid = json_str(reference, "uid")};
    }
    return (struct ownership){.key = NULL};
}

/* Whether an annotation is as it should be, or somebody else has changed it or taken it out: then it is not among the
 * fields that we applied any more. One of ours with another value was true when it was written. */
static bool is_right_or_taken(struct json_object *object, const char *key, const char *value, const char *right)
{
    return (value && strcmp(value, right) == 0) || !fields_have_annotation(kind_fields(object), key);
}

/* In another namespace than its owner's a RoleBinding has no controller, but its name says whose it is, also when
 * nobody of that name is there (any more). Not who made it: that is told by the fields that are still ours. */
static struct ownership named_link(enum kind kind, struct json_object *object, const struct store *store,
                                   struct arena *a)
{
    const char *name = json_str_or(object, "metadata.name", "");
    const char *key = kind == KIND_ROLE_BINDING ? role_binding_owner(name, a) : NULL;
    const char *uid = kind_annotation(object, ANNOTATION_OWNER_UID);
    const struct record *record = key ? owner_record(store, key) : NULL;

    if (!key || !kind_fields(object) || !is_right_or_taken(object, ANNOTATION_OWNER, said_link(object, a).key, key) ||
        (record && !is_right_or_taken(object, ANNOTATION_OWNER_UID, uid, record->uid)))
        return (struct ownership){.key = NULL};
    return (struct ownership){.key = key, .uid = record ? record->uid : uid};
}

static bool may_have_an_owner(enum kind kind)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (kind_of_child(child) == kind)
            return true;
    return false;
}

/* Anybody may write annotations: what they say must at least be possible. Only RoleBindings are in other namespaces
 * than their owners. */
static bool may_be(const struct ownership *link, enum kind kind, struct json_object *object)
{
    struct key key;

    return link->key && key_parse(link->key, &key) && *key.ns && strlen(key.name) <= KUBE_NAME_MAX &&
           (kind == KIND_ROLE_BINDING || strcmp(key.ns, json_str_or(object, "metadata.namespace", "")) == 0);
}

/* Our annotations say it, so does the controller, and so may the name: where somebody has changed the one, it is known
 * by another, and is put right. The owner's uid is compared when it is used. */
static struct ownership ownership_by_links(enum kind kind, struct json_object *object, const struct store *store,
                                           struct arena *a)
{
    struct ownership said = said_link(object, a);

    if (leads_to_a_runner(&said, store))
        return said;
    struct ownership controller = controller_of(object, a);
    if (leads_to_a_runner(&controller, store))
        return controller;
    struct ownership named = named_link(kind, object, store, a);
    return named.key || !may_be(&said, kind, object) ? named : said;
}

struct ownership ownership_of(enum kind kind, struct json_object *object, const struct store *store, struct arena *a)
{
    struct ownership found =
        may_have_an_owner(kind) ? ownership_by_links(kind, object, store, a) : (struct ownership){.key = NULL};

    assert(found.key || !found.uid);
    return (struct ownership){.key = found.key ? found.key : "", .uid = found.key && found.uid ? found.uid : ""};
}
