#include "operator/price.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/key.h"
#include "operator/kept.h"
#include "operator/ownership.h"

enum {
    BESIDE_TEXTS = 130,   /* a record, and its place in the store                                             */
    RUNNER_USUAL = 1792,  /* a GitLabRunner with a usual status; so it grows to that without asking            */
    RUNNER_BESIDE = 2688, /* its state, its references and place in the queue; and usual children, which …     */
    CHILD_USUAL = 384,    /* … are free up to this                                                             */
    NAMES_USUAL = 40,     /* bytes of the names of a runner and its namespace; what is longer …                */
    NAMES_TIMES = 8,      /* … is in so many keys and names of all that                                        */
};

static size_t length(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const struct record *known_owner(const struct record *record, const struct store *store)
{
    const struct record *owner = owner_record(store, record->owner);

    return owner && strcmp(owner->uid, record->owner_uid) == 0 ? owner : NULL;
}

/* By its name, too: anybody may say that an object is somebody's child. What not every runner has is not usual. */
static bool is_usual_child(enum kind kind, const struct record *record, const struct store *store, struct arena *a)
{
    static const unsigned usual = 1u << CHILD_TOKEN_SECRET | 1u << CHILD_CONFIG_SECRET | 1u << CHILD_SERVICE_ACCOUNT |
                                  1u << CHILD_ROLE_BINDING | 1u << CHILD_DEPLOYMENT;
    const struct record *known = known_owner(record, store);
    const struct owner owner = {.ns = known ? known->ns : "", .name = known ? known->name : ""};

    return known && kind_has_one_named(usual, kind, record->name, &owner, a);
}

/* What is left out may have been given rights in another namespace, whose owner may withdraw them at any time. */
static bool is_a_right_elsewhere(enum kind kind, const struct record *r, const struct store *store, struct arena *a)
{
    struct key key;

    if (kind != KIND_ROLE_BINDING || !key_parse(r->owner, &key) || strcmp(key.ns, r->ns) == 0)
        return false;
    const struct owner owner = {.ns = key.ns, .name = key.name};
    return kind_has_child_named(kind, r->name, &owner, a) &&
           (owner_record(store, r->owner) || shares_left_out(store_shares(store), key.ns));
}

/* Of a runner, beside its record. */
static size_t beside_runner(const struct record *r)
{
    size_t names = length(r->ns) + length(r->name);

    return RUNNER_BESIDE + (names > NAMES_USUAL ? NAMES_TIMES * (names - NAMES_USUAL) : 0);
}

unsigned price_of(enum kind kind, const struct record *r, const struct store *store, struct arena *a)
{
    assert(kind < KIND_COUNT && r->ns && r->uid && r->owner_uid);
    size_t size = BESIDE_TEXTS + 2 * length(r->ns) + length(r->name) + length(r->uid) + length(r->version) +
                  length(r->owner_uid) + kept_size(&kept_layouts[kind], r->kept);

    if (kind == KIND_RUNNER)
        return (unsigned)((size > RUNNER_USUAL ? size : RUNNER_USUAL) + beside_runner(r));
    if (kind == KIND_NAMESPACE || is_a_right_elsewhere(kind, r, store, a))
        return 0; /* Namespaces are not made by those who live in them */
    if (!is_usual_child(kind, r, store, a))
        return (unsigned)size;
    return (unsigned)(size > CHILD_USUAL ? size - CHILD_USUAL : 0);
}
