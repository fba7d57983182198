#include "kube/store.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keep.h"
#include "base/key.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "kube/version.h"

enum { OWNERS = 0, KEY_MAX = 600 }; /* namespace (63) and name (253), with room */

/* Only the first is shown to those who ask. */
enum standing {
    SHOWN,
    UNPROVEN, /* by a list that may be of the past */
    BURIED,   /* until the watch tells of its end, or a list does not have it */
};

struct entry {
    struct record record; /* its name ends the key                        */
    struct list sibling;  /* in the owner's list                          */
    size_t size;          /* of the block                                 */
    unsigned epoch;       /* the last list that had begun by then         */
    unsigned char kind, standing;
    bool answered; /* what it is was not told by that list */
    char texts[];  /* the key, "ns/name", then what is not the family's, then what is kept */
};

/* The records of one owner; there is one while there are any. */
struct family {
    struct list children; /* entries                               */
    char *uid;            /* of the owner, as most of them have it */
    char owner[];
};

struct kept_kind {
    struct map entries; /* "ns/name" → struct entry                         */
    struct map reached; /* the watch's namespace → resource version         */
    unsigned epoch;     /* counts lists                                     */
    size_t hidden;      /* entries that are not SHOWN                       */
};

struct store {
    struct kept_kind *kinds;
    unsigned len;
    const char *const *names;
    const struct record_layout *layouts;
    struct map owners; /* key → struct family */
    struct references *references;
    struct shares *shares;
    void (*changed)(void *arg, unsigned kind, const struct record *record); /* NULL: nobody is told */
    void *changed_arg;
    bool (*concerns)(unsigned kind, const char *ns, const char *name, const struct store *store); /* NULL: all do */
};

static void store_key(const char *ns, const char *name, char key[static KEY_MAX])
{
    size_t ns_len = strnlen(ns, KEY_MAX / 2), len = strnlen(name, KEY_MAX / 2 - 2);

    memcpy(key, ns, ns_len);
    key[ns_len] = '/';
    memcpy(key + ns_len + 1, name, len);
    key[ns_len + 1 + len] = '\0';
}

static void on_forgotten(void *arg, unsigned kind, const char *path);

struct store *store_create(const char *const names[], const struct record_layout layouts[], unsigned len)
{
    struct store *store = mem_alloc(sizeof(*store));

    store->kinds = mem_alloc(len * sizeof(*store->kinds));
    store->names = names;
    store->layouts = layouts;
    store->len = len;
    store->owners.lent = true;
    store->references = references_create(on_forgotten, store);
    store->shares = shares_create(SIZE_MAX);
    for (unsigned kind = 0; kind < len; kind++)
        store->kinds[kind].entries.lent = true;
    return store;
}

static struct entry *find_entry(const struct store *store, unsigned kind, const char *ns, const char *name)
{
    assert(kind < store->len && ns && name);
    char key[KEY_MAX];

    store_key(ns, name, key);
    return map_get(&store->kinds[kind].entries, key);
}

void store_follow(struct store *store, void (*changed)(void *arg, unsigned kind, const struct record *record),
                  void *arg)
{
    store->changed = changed;
    store->changed_arg = arg;
}

/* Whatever changes what is shown comes by here. */
static void set_standing(struct store *store, struct entry *e, enum standing standing)
{
    struct kept_kind *k = &store->kinds[e->kind];

    if (store->changed)
        store->changed(store->changed_arg, e->kind, &e->record);

    assert(k->hidden >= (e->standing != SHOWN));
    k->hidden = k->hidden - (e->standing != SHOWN) + (standing != SHOWN);
    e->standing = (unsigned char)standing;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Versions */

void store_reach(struct store *store, unsigned kind, const char *ns, const char *version)
{
    assert(kind < store->len && *version);
    free(map_set(&store->kinds[kind].reached, ns, mem_strdup(version)));
}

const char *store_reached(const struct store *store, unsigned kind, const char *ns)
{
    const char *of_namespace = map_get(&store->kinds[kind].reached, ns);

    return of_namespace ? of_namespace : map_get(&store->kinds[kind].reached, "");
}

bool store_has(const struct store *store, unsigned kind, const char *ns, const char *name)
{
    return find_entry(store, kind, ns, name);
}

bool store_is_news(const struct store *store, unsigned kind, const struct record *seen, bool gone)
{
    const struct entry *e = find_entry(store, kind, seen->ns, seen->name);

    if (!e)
        return true;
    if (e->standing == BURIED && strcmp(e->record.uid, seen->uid) == 0)
        return gone;
    return gone ? !kube_version_newer(e->record.version, seen->version)
                : kube_version_newer(seen->version, e->record.version);
}

/* Nobody is shown it, though its version was reached before. */
static bool may_be_of_the_past(const struct store *store, unsigned kind, const struct record *record)
{
    const char *reached = store_reached(store, kind, record->ns);

    return reached && !kube_version_newer(record->version, reached) &&
           !store_get(store, kind, record->ns, record->name);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Records */

/* Copies text to *at, moves *at behind it. */
static const char *place(char **at, const char *text)
{
    char *start = *at;
    size_t len = strlen(text) + 1;

    memcpy(start, text, len);
    *at += len;
    return start;
}

/* NULL: it has no owner. */
static struct family *family_of(struct store *store, const struct record *r)
{
    struct family *family = r->owner[0] ? map_get(&store->owners, r->owner) : NULL;

    if (family || !r->owner[0])
        return family;
    family = keep_alloc(sizeof(*family) + strlen(r->owner) + 1);
    strcpy(family->owner, r->owner);
    family->uid = keep_strdup(r->owner_uid);
    list_init(&family->children);
    map_set(&store->owners, family->owner, family);
    return family;
}

static void family_free(void *value)
{
    struct family *family = value;

    keep_free_text(family->uid);
    keep_free(family, sizeof(*family) + strlen(family->owner) + 1);
}

static size_t texts_size(const struct record *r, bool own_uid)
{
    return 2 * strlen(r->ns) + strlen(r->name) + strlen(r->uid) + strlen(r->version) + 5 +
           (own_uid ? strlen(r->owner_uid) + 1 : 0);
}

static size_t aligned(size_t size)
{
    return (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
}

static struct entry *entry_create(const struct record *r, struct family *family, const struct record_layout *layout)
{
    bool own_uid = !family || strcmp(family->uid, r->owner_uid) != 0;
    size_t kept_at = aligned(offsetof(struct entry, texts) + texts_size(r, own_uid)), ns = strlen(r->ns),
           size = kept_at + kept_size(layout, r->kept);
    struct entry *e = keep_alloc(size);
    char *at = e->texts;

    memcpy(at, r->ns, ns);
    at[ns] = '/';
    at += ns + 1;
    e->size = size;
    e->record.name = place(&at, r->name);
    e->record.ns = place(&at, r->ns);
    e->record.uid = place(&at, r->uid);
    e->record.version = place(&at, r->version);
    e->record.owner = family ? family->owner : "";
    e->record.owner_uid = own_uid ? place(&at, r->owner_uid) : family->uid;
    e->record.kept = kept_place(layout, r->kept, (char *)e + kept_at);
    e->record.price = r->price;
    list_init(&e->sibling);
    if (family)
        list_append(&family->children, &e->sibling);
    return e;
}

static void entry_free(void *value)
{
    struct entry *e = value;

    keep_free(e, e->size);
}

/* Whose share it counts in: what is made for an object of another namespace is no burden of its own. */
static const char *payer(const struct record *r, struct key *owner)
{
    return key_parse(r->owner, owner) ? owner->ns : r->ns;
}

static void entry_destroy(struct store *store, struct entry *e)
{
    struct key owner;

    set_standing(store, e, SHOWN);
    shares_give(store->shares, payer(&e->record, &owner), e->record.price);
    if (e->record.owner[0]) {
        list_remove(&e->sibling);
        struct family *family = map_get(&store->owners, e->record.owner);
        if (family && list_empty(&family->children))
            family_free(map_remove(&store->owners, family->owner));
    }
    entry_free(e);
}

static struct key_text entry_key(const struct store *store, const struct entry *e)
{
    return key_text(store->names[e->kind], e->record.ns, e->record.name);
}

/* NULL is fine. */
static void drop(struct store *store, struct entry *e)
{
    if (!e)
        return;
    if (e->kind == OWNERS)
        references_set(store->references, entry_key(store, e).text, NULL, 0);
    entry_destroy(store, map_remove(&store->kinds[e->kind].entries, e->texts));
}

/* An answer that comes while a list is under way takes nothing away from what the list has said. */
static bool list_has_had(const struct entry *former, unsigned epoch)
{
    return former && former->epoch == epoch && !former->answered;
}

static void put_entry(struct store *store, unsigned kind, const struct record *record, enum standing standing,
                      bool listed)
{
    assert(kind < store->len && record->uid && record->version && record->owner && record->owner_uid);
    struct entry *e = entry_create(record, family_of(store, record), &store->layouts[kind]);
    struct key owner;

    shares_take(store->shares, payer(record, &owner), record->price);
    e->kind = (unsigned char)kind;
    e->epoch = store->kinds[kind].epoch;
    set_standing(store, e, standing);
    struct entry *former = map_set(&store->kinds[kind].entries, e->texts, e);
    e->answered = !listed && !list_has_had(former, e->epoch);
    if (former)
        entry_destroy(store, former);
    references_settle(store->references, kind, e->record.ns, e->record.name);
}

void store_put(struct store *store, unsigned kind, const struct record *record)
{
    put_entry(store, kind, record, SHOWN, false);
}

void store_put_listed(struct store *store, unsigned kind, const struct record *record)
{
    put_entry(store, kind, record, may_be_of_the_past(store, kind, record) ? UNPROVEN : SHOWN, true);
}

void store_touch(struct store *store, unsigned kind, const char *ns, const char *name)
{
    struct entry *e = find_entry(store, kind, ns, name);

    if (!e)
        return;
    e->epoch = store->kinds[kind].epoch;
    e->answered = false;
}

void store_remove(struct store *store, unsigned kind, const char *ns, const char *name)
{
    char key[KEY_MAX];

    store_key(ns, name, key);
    references_settle(store->references, kind, ns, name);
    drop(store, map_get(&store->kinds[kind].entries, key));
}

void store_leave_out(struct store *store, unsigned kind, const char *ns, const char *name)
{
    store_remove(store, kind, ns, name);
    references_unsettle(store->references, kind, ns, name);
}

void store_bury(struct store *store, unsigned kind, const char *ns, const char *name, const char *uid)
{
    struct entry *e = find_entry(store, kind, ns, name);

    if (e && strcmp(e->record.uid, uid) == 0)
        set_standing(store, e, BURIED);
}

const struct record *store_get(const struct store *store, unsigned kind, const char *ns, const char *name)
{
    const struct entry *e = find_entry(store, kind, ns, name);

    return e && e->standing == SHOWN ? &e->record : NULL;
}

bool store_knows(const struct store *store, unsigned kind, const char *ns, const char *name)
{
    if (find_entry(store, kind, ns, name))
        return true;
    if (shares_left_out(store->shares, ns))
        return false;
    return references_have(store->references, kind, ns, name) ? references_settled(store->references, kind, ns, name)
                                                              : store_reached(store, kind, ns) != NULL;
}

void store_refer(struct store *store, const char *holder, const struct reference *to, size_t len)
{
    struct reference dated[REFERENCES_MAX];

    assert(len <= REFERENCES_MAX);
    for (size_t i = 0; i < len; i++) {
        dated[i] = to[i];
        dated[i].epoch = store->kinds[to[i].kind].epoch;
    }
    references_set(store->references, holder, dated, len);
}

void store_let_go(struct store *store,
                  bool (*concerns)(unsigned kind, const char *ns, const char *name, const struct store *store))
{
    store->concerns = concerns;
}

/* When an object is referred to again it is read, as any that is new to us. */
static void on_forgotten(void *arg, unsigned kind, const char *path)
{
    struct store *store = arg;
    struct entry *e = map_get(&store->kinds[kind].entries, path);

    if (e && store->concerns && !store->concerns(kind, e->record.ns, e->record.name, store))
        drop(store, e);
}

const struct references *store_references(const struct store *store)
{
    return store->references;
}

size_t store_count(const struct store *store, unsigned kind)
{
    assert(store->kinds[kind].hidden <= store->kinds[kind].entries.len);
    return store->kinds[kind].entries.len - store->kinds[kind].hidden;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All of them */

unsigned store_list_begin(struct store *store, unsigned kind)
{
    return ++store->kinds[kind].epoch;
}

/* What an answer has shown meanwhile may have come after the list, or gone before it. */
static bool has_gone(const struct entry *e, unsigned begun, const char *version)
{
    return e->epoch < begun || (e->answered && !kube_version_newer(e->record.version, version));
}

void store_list_end(struct store *store, unsigned kind, const char *ns, unsigned begun, const char *version,
                    void (*changed)(void *arg, unsigned kind, const struct record *record), void *arg)
{
    assert(begun > 0 && begun <= store->kinds[kind].epoch);
    struct kept_kind *k = &store->kinds[kind];
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&k->entries, &i, &key, &value);) {
        struct entry *e = value;
        if (*ns && strcmp(e->record.ns, ns) != 0)
            continue;
        if (has_gone(e, begun, version)) {
            if (e->standing == SHOWN)
                changed(arg, kind, &e->record);
            drop(store, e);
        } else if (e->standing == UNPROVEN) {
            set_standing(store, e, SHOWN);
            changed(arg, kind, &e->record);
        }
    }
    references_list_end(store->references, kind, ns, begun);
}

void store_each(const struct store *store, unsigned kind, void (*each)(void *arg, const struct record *record),
                void *arg)
{
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&store->kinds[kind].entries, &i, &key, &value);) {
        const struct entry *e = value;
        if (e->standing == SHOWN)
            each(arg, &e->record);
    }
}

void store_each_owned(const struct store *store, const char *owner,
                      void (*each)(void *arg, unsigned kind, const struct record *record), void *arg)
{
    struct family *family = map_get(&store->owners, owner);

    if (!family)
        return;
    list_each (node, &family->children) {
        struct entry *e = container_of(node, struct entry, sibling);
        if (e->standing == SHOWN)
            each(arg, e->kind, &e->record);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Shares */

enum { EVICTION_PARTS = 16 }; /* of what a namespace holds, at least one goes at a time */

struct shares *store_shares(const struct store *store)
{
    return store->shares;
}

/* What is in the owner's own namespace; others may want to know of the rest. */
static void evict_owned(struct store *store, const char *owner)
{
    struct family *family = map_get(&store->owners, owner);
    struct list guard; /* so that the family outlives the last of them */
    struct key key;

    if (!family)
        return;
    list_init(&guard);
    list_append(&family->children, &guard);
    list_each_safe (node, after, &family->children) {
        struct entry *e = container_of(node, struct entry, sibling);
        if (node != &guard && strcmp(payer(&e->record, &key), e->record.ns) == 0)
            drop(store, e);
    }
    list_remove(&guard);
    if (list_empty(&family->children))
        family_free(map_remove(&store->owners, family->owner));
}

static void evict(struct store *store, struct entry *e, void (*evicted)(void *arg, const struct record *owner),
                  void *arg)
{
    assert(e->kind == OWNERS);
    evicted(arg, &e->record);
    evict_owned(store, entry_key(store, e).text);
    drop(store, e);
}

void store_give_way(struct store *store, const char *ns, const char *name,
                    void (*evicted)(void *arg, const struct record *owner), void *arg)
{
    struct entry *e = find_entry(store, OWNERS, ns, name);

    if (e && e->standing != BURIED)
        evict(store, e, evicted, arg);
}

static void make_way(struct store *store, const char *ns, size_t bytes,
                     void (*evicted)(void *arg, const struct record *owner), void *arg)
{
    size_t held = shares_held(store->shares, ns), part = held / EVICTION_PARTS > bytes ? held / EVICTION_PARTS : bytes,
           goal = held - part;
    struct key owner;
    const char *key;
    void *value;

    assert(held > part); /* shares_fit(): the heaviest has more than what is to be put in its place */
    for (unsigned kind = OWNERS; kind < store->len; kind++)
        for (size_t i = 0; map_iter(&store->kinds[kind].entries, &i, &key, &value);) {
            struct entry *e = value;
            if (!e->record.price || strcmp(payer(&e->record, &owner), ns) != 0)
                continue;
            if (shares_held(store->shares, ns) <= goal)
                return;
            if (kind == OWNERS)
                evict(store, e, evicted, arg);
            else
                drop(store, e);
        }
}

bool store_make_room(struct store *store, unsigned kind, const struct record *record,
                     void (*evicted)(void *arg, const struct record *owner), void *arg)
{
    const struct entry *former = find_entry(store, kind, record->ns, record->name);
    unsigned had = former ? former->record.price : 0, more = record->price > had ? record->price - had : 0;
    char heavy[KEY_PART_SIZE];
    struct key owner;
    const char *payer_ns = payer(record, &owner), *heaviest;

    while (more && !shares_fit(store->shares, payer_ns, more, &heaviest)) {
        if (!heaviest)
            return false;
        snprintf(heavy, sizeof(heavy), "%s", heaviest);
        make_way(store, heavy, more, evicted, arg);
    }
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void free_values(struct map *map, void (*free_value)(void *value))
{
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(map, &i, &key, &value);)
        free_value(value);
    map_finish(map);
}

void store_destroy(struct store *store)
{
    if (!store)
        return;
    for (unsigned kind = 0; kind < store->len; kind++) {
        free_values(&store->kinds[kind].entries, entry_free);
        free_values(&store->kinds[kind].reached, free);
    }
    free_values(&store->owners, family_free);
    references_destroy(store->references);
    shares_destroy(store->shares);
    free(store->kinds);
    free(store);
}
