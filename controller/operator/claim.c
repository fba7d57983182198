#include "operator/claim.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/namespaces.h"

const char *claim_name(enum claim claim)
{
    static const char *const names[] = {[CLAIM_NOT_ALLOWED] = "NamespaceNotAllowed",
                                        [CLAIM_MOVED] = "NamespaceChanged",
                                        [CLAIM_ORPHANED] = "OwnerGone"};

    assert(claim < ARRAY_LEN(names));
    return names[claim];
}

static bool consents(const struct store *store, const char *ns, const char *to)
{
    const struct record *record = store_get(store, KIND_NAMESPACE, "", ns);

    const struct kept_namespace *kept = kept_namespace(record);

    return !record || (kept->allowed_from && namespace_lets_in(kept->allowed_from, to));
}

/* The spec as it stands, even one that cannot be read otherwise. */
static bool spec_names(const struct record *owner, const char *ns, struct arena *a)
{
    struct json_object *spec = json_get(runner_object(owner, a), "spec");

    return !spec || strcmp(json_str_or(spec, "namespace", owner->ns), ns) == 0;
}

static enum claim claim_of_token(const struct record *child, const struct record *owner)
{
    const struct kept_child *kept = kept_child(child);

    assert(kept);
    return !owner && kept->held && kept->terminating ? CLAIM_ORPHANED : CLAIM_GOOD;
}

static enum claim claim_of_binding(const struct store *store, const struct record *child, const struct record *owner,
                                   const char *owner_ns, struct arena *a)
{
    bool elsewhere = strcmp(child->ns, owner_ns) != 0;

    if (elsewhere && !consents(store, child->ns, owner_ns))
        return CLAIM_NOT_ALLOWED;
    if (!owner || strcmp(owner->uid, child->owner_uid) != 0)
        return CLAIM_ORPHANED;
    return elsewhere && !spec_names(owner, child->ns, a) ? CLAIM_MOVED : CLAIM_GOOD;
}

enum claim claim_of(const struct store *store, enum kind kind, const struct record *child)
{
    cleanup_arena struct arena a = {0};
    struct key key;

    if (!key_parse(child->owner, &key))
        return CLAIM_GOOD;
    const struct owner whose = {.ns = key.ns, .name = key.name};
    const struct record *owner = store_get(store, KIND_RUNNER, whose.ns, whose.name);
    bool elsewhere = strcmp(child->ns, whose.ns) != 0;
    bool same = owner && strcmp(owner->uid, child->owner_uid) == 0;
    /* What has another name, and says that it belongs to a runner, is somebody's own. */
    if ((same && !elsewhere) || !store_reached(store, KIND_RUNNER, whose.ns) ||
        (elsewhere && kind != KIND_ROLE_BINDING) || !kind_has_child_named(kind, child->name, &whose, &a))
        return CLAIM_GOOD;
    if (kind == KIND_SECRET && strcmp(child->name, child_name(CHILD_TOKEN_SECRET, &whose, &a)) == 0)
        return claim_of_token(child, owner);
    if (kept_child(child)->terminating)
        return CLAIM_GOOD;
    return kind == KIND_ROLE_BINDING ? claim_of_binding(store, child, owner, whose.ns, &a) : CLAIM_ORPHANED;
}
