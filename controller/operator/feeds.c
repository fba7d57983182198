#include "operator/feeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/garbage.h"
#include "kube/object_text.h"
#include "kube/poll.h"
#include "kube/rounds.h"
#include "net/loop.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "operator/unserved.h"

enum { LOOK_MS = 40 * 1000 }; /* for room for what is left out */

/* One kind in one realm: what its watch's handler needs. */
struct feed {
    struct feeds *feeds;
    struct realm *realm;
    enum kind kind;
    struct watch *watch; /* NULL: none, see realm->poll, feeds->rounds */
    unsigned begun;      /* the list that is under way (kube/store.h)  */
};

/* What one watch a kind can see: all namespaces, or one of those that are served. That one's own object is polled, and
 * as long as it cannot be read there is nothing to watch in it: it may be gone, with our rights in it. */
struct realm {
    char ns[NAMESPACE_SIZE]; /* "": all                               */
    struct poll *poll;       /* NULL: Namespaces are watched          */
    bool settled;            /* it is known whether it can be read    */
    bool open;               /* … and it could be, once               */
    struct feed by_kind[KIND_COUNT];
};

struct feeds {
    const struct workshop *shop;
    struct states *states;
    struct unserved unserved;
    struct loop_timer *look; /* for that room                                            */
    struct rounds *rounds;   /* of Secrets that may not be listed; NULL: they are watched */
    size_t len;
    struct realm realms[];
};

struct wake {
    struct feeds *feeds;
    enum queue_priority priority;
};

/* What failed may come about now. */
static void wake_referrer(void *arg, const char *key)
{
    const struct wake *wake = arg;
    struct state *state = map_get(&wake->feeds->states->by_key, key);

    if (state)
        memory_forgive(&state->memory);
    controller_add(wake->feeds->shop->controller, key, wake->priority, "a referenced object changed");
}

/* The runners whose spec names the object; and the one that would make a Secret of this name. */
static void wake_referrers(struct feeds *feeds, enum kind kind, const char *ns, const char *name,
                           enum queue_priority priority)
{
    cleanup_arena struct arena a = {0};
    struct wake wake = {feeds, priority};
    const char *owner = kind == KIND_SECRET ? secret_owner(name, &a) : NULL;

    references_each(store_references(feeds->shop->store), kind, ns, name, wake_referrer, &wake);
    if (owner && store_get(feeds->shop->store, KIND_RUNNER, ns, owner))
        wake_referrer(&wake, key_text(KIND, ns, owner).text);
}

/* priority: of the object's own runner, and of those that refer to it. Children are our work, not people's. */
static void wake(struct feeds *feeds, enum kind kind, const char *ns, const char *name, const char *owner,
                 enum queue_priority priority)
{
    garbage_note(feeds->shop->garbage, kind, ns, name);
    if (kind == KIND_RUNNER)
        controller_add(feeds->shop->controller, key_text(KIND, ns, name).text, priority, "the object changed");
    else if (*owner)
        controller_add(feeds->shop->controller, owner, QUEUE_ROUTINE, "a child changed");
    else
        wake_referrers(feeds, kind, ns, name, priority);
}

/* A GitLabRunner that was served, and that somebody has edited or deleted since. */
static bool is_edited(const struct feed *feed, struct json_object *object)
{
    int64_t observed = json_int_or(object, "status.observedGeneration", 0);

    return feed->kind == KIND_RUNNER && observed > 0 && json_int_or(object, "metadata.generation", 0) != observed;
}

/* Nobody has just changed what is there when we start, as far as its status can tell. */
static enum queue_priority priority_of(const struct feed *feed, struct json_object *object)
{
    bool began = feed->watch ? watch_synced(feed->watch) : feed->realm->settled;

    return began || is_edited(feed, object) ? QUEUE_URGENT : QUEUE_ROUTINE;
}

/* Lists them again when there is room, or when they could be told so now, for nobody remembers which they are. */
static void on_look(void *arg)
{
    struct feeds *feeds = arg;
    const struct shares *shares = store_shares(feeds->shop->store);
    bool again = unserved_skipped(&feeds->unserved, feeds->shop) || shares_have_room(shares);

    loop_timer_set(feeds->look, jitter(LOOK_MS * 3 / 4, LOOK_MS / 2));
    for (size_t i = 0; again && i < feeds->len; i++)
        if (shares_left_out(shares, *feeds->realms[i].ns ? feeds->realms[i].ns : NULL))
            watch_list_again(feeds->realms[i].by_kind[KIND_RUNNER].watch);
}

/* Whatever Secrets the runner refers to are read from now on. */
static void follow_secrets(const struct feeds *feeds, struct json_object *runner)
{
    cleanup_arena struct arena a = {0};
    struct reference to[REFERENCES_MAX];
    size_t len = kind_references(runner, true, to, &a);

    for (size_t i = 0; i < len; i++)
        if (to[i].kind == KIND_SECRET && to[i].name)
            rounds_add(feeds->rounds, to[i].ns, to[i].name);
}

/* A GitLabRunner that its namespace's share has no room for, or has room for now. */
static void count_left_out(const struct feed *feed, enum watch_type type, const struct record *record, bool kept)
{
    struct shares *shares = store_shares(feed->feeds->shop->store);

    if (kept && type == WATCH_MODIFIED)
        shares_let_in(shares, record->ns);
    else if (!kept && type == WATCH_LISTED)
        shares_leave_out_listed(shares, record->ns);
    else if (!kept && (type == WATCH_ADDED || !shares_left_out(shares, record->ns)))
        shares_leave_out(shares, record->ns);
}

static void keep_watched(const struct feed *feed, enum watch_type type, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct workshop *shop = feed->feeds->shop;
    const struct record record = workshop_record(shop, feed->kind, object, &a);
    bool known = store_get(shop->store, feed->kind, record.ns, record.name),
         kept = workshop_keep(shop, feed->kind, object, &record, type == WATCH_LISTED);

    if (feed->kind != KIND_RUNNER)
        return;
    if (!known)
        count_left_out(feed, type, &record, kept);
    if (!kept)
        unserved_left_out(&feed->feeds->unserved, shop, &record);
    if (!kept && known)
        wake(feed->feeds, KIND_RUNNER, record.ns, record.name, "", QUEUE_ROUTINE);
    if (kept && feed->feeds->rounds)
        follow_secrets(feed->feeds, object);
}

/* True: it is none of our business, or not any more. */
static bool is_passed_over(const struct feed *feed, const char *ns, const char *name)
{
    struct store *store = feed->feeds->shop->store;

    if (kind_concerns(feed->kind, ns, name, store))
        return false;
    store_remove(store, feed->kind, ns, name);
    return true;
}

static void on_object(void *arg, enum watch_type type, struct json_object *object)
{
    struct feed *feed = arg;
    struct store *store = feed->feeds->shop->store;
    const struct record seen = {.ns = json_str_or(object, "metadata.namespace", ""),
                                .name = json_str_or(object, "metadata.name", ""),
                                .uid = json_str_or(object, "metadata.uid", ""),
                                .version = json_str_or(object, "metadata.resourceVersion", "")};

    if (!store_is_news(store, feed->kind, &seen, type == WATCH_DELETED)) {
        store_touch(store, feed->kind, seen.ns, seen.name);
        return;
    }
    const char *too_large = object_too_large(object);
    if (too_large && type != WATCH_DELETED)
        unserved_too_large(&feed->feeds->unserved, feed->feeds->shop, feed->kind, &seen, too_large);
    if (is_passed_over(feed, seen.ns, seen.name))
        return;
    const struct record *known = store_get(store, feed->kind, seen.ns, seen.name);
    cleanup_free char *owner = mem_strdup(known ? known->owner : "");
    if (type == WATCH_DELETED && feed->kind == KIND_RUNNER && !known)
        shares_let_in(store_shares(store), seen.ns);
    if (type == WATCH_DELETED)
        store_remove(store, feed->kind, seen.ns, seen.name);
    else
        keep_watched(feed, type, object);
    known = store_get(store, feed->kind, seen.ns, seen.name);
    if (known || type == WATCH_DELETED)
        wake(feed->feeds, feed->kind, seen.ns, seen.name, known ? known->owner : owner, priority_of(feed, object));
}

static bool on_identity(void *arg, const struct watch_identity *identity)
{
    struct feed *feed = arg;
    struct store *store = feed->feeds->shop->store;
    const struct record seen = {
        .ns = identity->ns, .name = identity->name, .uid = identity->uid, .version = identity->version};

    if (store_is_news(store, feed->kind, &seen, false))
        return false;
    store_touch(store, feed->kind, seen.ns, seen.name);
    return true;
}

static void on_list_begin(void *arg)
{
    struct feed *feed = arg;

    feed->begun = store_list_begin(feed->feeds->shop->store, feed->kind);
    if (feed->kind == KIND_RUNNER)
        shares_list_begin(store_shares(feed->feeds->shop->store), feed->realm->ns);
}

static void on_reached(void *arg, const char *version)
{
    struct feed *feed = arg;

    store_reach(feed->feeds->shop->store, feed->kind, feed->realm->ns, version);
}

static void on_changed(void *arg, unsigned kind, const struct record *record)
{
    wake(arg, kind, record->ns, record->name, record->owner, QUEUE_ROUTINE);
}

static bool is_synced(const struct feed *feed)
{
    return !feed->watch || watch_synced(feed->watch);
}

/* Whether all that there is of the kind is known. */
static bool are_synced(const struct feeds *feeds, enum kind kind)
{
    for (size_t i = 0; i < feeds->len; i++) {
        const struct realm *realm = &feeds->realms[i];
        if (!realm->settled || (realm->open && !is_synced(&realm->by_kind[kind])))
            return false;
    }
    return true;
}

static void start_watches(struct feeds *feeds, enum kind kind)
{
    for (size_t i = 0; i < feeds->len; i++)
        if (feeds->realms[i].open && feeds->realms[i].by_kind[kind].watch)
            watch_start(feeds->realms[i].by_kind[kind].watch);
}

/* Starts what may be watched by now. The runners come first: where a child does not say whose it is, it takes the
 * runner to find out. */
static void advance(struct feeds *feeds)
{
    start_watches(feeds, KIND_RUNNER);
    for (enum kind kind = KIND_RUNNER + 1; are_synced(feeds, KIND_RUNNER) && kind < KIND_COUNT; kind++)
        start_watches(feeds, kind);
}

static void on_list_end(void *arg)
{
    struct feed *feed = arg;
    struct feeds *feeds = feed->feeds;
    const char *ns = feed->realm->ns;
    char count[24];

    store_list_end(feeds->shop->store, feed->kind, ns, feed->begun, on_changed, feeds);
    if (feed->kind == KIND_RUNNER)
        shares_list_end(store_shares(feeds->shop->store), ns);
    snprintf(count, sizeof(count), "%zu", store_count(feeds->shop->store, feed->kind));
    log_event(LOG_INFO, "watch", "listed", "kind", kind_resource(feed->kind)->kind, "namespace", *ns ? ns : NULL,
              "count", count, NULL);
    advance(feeds);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is read, not watched */

/* It is not there. */
static void forget_unwatched(struct feeds *feeds, enum kind kind, const char *ns, const char *name)
{
    struct store *store = feeds->shop->store;
    const struct record *known = store_get(store, kind, ns, name);
    cleanup_free char *owner = known ? mem_strdup(known->owner) : NULL;

    store_remove(store, kind, ns, name);
    if (owner)
        wake(feeds, kind, ns, name, owner, QUEUE_URGENT);
}

static struct feed *feed_of(struct feeds *feeds, enum kind kind, const char *ns)
{
    struct realm *realm = feeds->realms;

    while (*realm->ns && realm + 1 < feeds->realms + feeds->len && strcmp(realm->ns, ns) != 0)
        realm++;
    return &realm->by_kind[kind];
}

static const char *known_secret(void *arg, const char *ns, const char *name)
{
    const struct feeds *feeds = arg;
    const struct store *store = feeds->shop->store;
    const struct record *known = store_get(store, KIND_SECRET, ns, name);

    if (known)
        return known->uid;
    return references_have(store_references(store), KIND_SECRET, ns, name) ? "" : NULL;
}

/* What was made, or has gone, while it was read, is told by the answers to those requests. */
static void on_secret(void *arg, const char *ns, const char *name, const char *known, const struct kube_reply *reply)
{
    struct feeds *feeds = arg;
    const char *now = known_secret(feeds, ns, name);

    if (reply->err.kind == ERR_NONE)
        on_object(feed_of(feeds, KIND_SECRET, ns), WATCH_MODIFIED, reply->object);
    else if (reply->err.kind == ERR_NOT_FOUND && now && strcmp(now, known) == 0)
        forget_unwatched(feeds, KIND_SECRET, ns, name);
}

static void on_namespace(void *arg, const struct kube_reply *reply)
{
    struct feed *feed = arg;
    struct realm *realm = feed->realm;
    bool readable = reply->err.kind == ERR_NONE;

    if (!readable && reply->err.kind != ERR_NOT_FOUND && reply->err.kind != ERR_DENIED)
        return; /* nothing is known */
    if (readable)
        on_object(feed, WATCH_MODIFIED, reply->object);
    else
        forget_unwatched(feed->feeds, KIND_NAMESPACE, "", realm->ns);
    if (!readable && !realm->settled)
        log_event(LOG_WARN, "watch", "not served until it can be read", "namespace", realm->ns, "reason",
                  reply->err.reason, "error", reply->err.text, NULL);
    realm->settled = true;
    realm->open |= readable;
    advance(feed->feeds);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void realm_init(struct feeds *feeds, struct realm *realm)
{
    const struct workshop *shop = feeds->shop;
    bool all = !*realm->ns;

    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct feed *feed = &realm->by_kind[kind];
        const struct watch_handler handler = {.list_begin = on_list_begin,
                                              .object = on_object,
                                              .known = on_identity,
                                              .list_end = on_list_end,
                                              .reached = on_reached,
                                              .arg = feed};
        *feed = (struct feed){.feeds = feeds, .realm = realm, .kind = kind};
        bool watched = kind == KIND_NAMESPACE ? all : kind != KIND_SECRET || !shop->secrets_by_name;
        if (watched)
            feed->watch = watch_create(shop->loop, shop->client, kind_resource(kind), all ? NULL : realm->ns,
                                       kind_selector(kind), &handler);
    }
    realm->settled = realm->open = all;
    if (!all)
        realm->poll = poll_create(shop->loop, shop->client, kind_resource(KIND_NAMESPACE), NULL, realm->ns,
                                  on_namespace, &realm->by_kind[KIND_NAMESPACE]);
}

static size_t count_realms(const char *namespaces)
{
    size_t n = 1;

    for (; namespaces && *namespaces; namespaces++)
        n += *namespaces == ',';
    return n;
}

struct feeds *feeds_create(const struct workshop *shop, struct states *states)
{
    const char *at = shop->render.namespaces;
    size_t len = count_realms(at);
    struct feeds *feeds = mem_alloc(sizeof(*feeds) + len * sizeof(struct realm));

    *feeds = (struct feeds){.shop = shop, .states = states, .len = len};
    feeds->look = loop_timer_create(shop->loop, on_look, feeds);
    const struct rounds_handler secrets = {known_secret, on_secret, feeds};
    if (shop->secrets_by_name)
        feeds->rounds = rounds_create(shop->loop, shop->client, kind_resource(KIND_SECRET), &secrets);
    for (size_t i = 0; i < len; i++) {
        if (at)
            namespaces_next(&at, feeds->realms[i].ns);
        realm_init(feeds, &feeds->realms[i]);
    }
    return feeds;
}

void feeds_destroy(struct feeds *feeds)
{
    for (size_t i = 0; feeds && i < feeds->len; i++) {
        poll_destroy(feeds->realms[i].poll);
        for (enum kind kind = 0; kind < KIND_COUNT; kind++)
            watch_destroy(feeds->realms[i].by_kind[kind].watch);
    }
    if (feeds) {
        unserved_finish(&feeds->unserved, feeds->shop);
        rounds_destroy(feeds->rounds);
        loop_timer_destroy(feeds->look);
    }
    free(feeds);
}

void feeds_start(struct feeds *feeds)
{
    loop_timer_set(feeds->look, LOOK_MS);
    for (size_t i = 0; i < feeds->len; i++)
        if (feeds->realms[i].poll)
            poll_start(feeds->realms[i].poll);
    advance(feeds);
}

void feeds_left_out(struct feeds *feeds, const struct record *runner)
{
    unserved_left_out(&feeds->unserved, feeds->shop, runner);
}

bool feeds_synced(const struct feeds *feeds)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (!are_synced(feeds, kind))
            return false;
    return true;
}

static struct feed_facts facts_of(const struct feed *feed)
{
    return (struct feed_facts){
        .kind = kind_resource(feed->kind)->kind,
        .ns = feed->realm->ns,
        .state = watch_state_name(feed->watch),
        .version = watch_version(feed->watch),
        .problem = watch_problem(feed->watch),
        .synced = watch_synced(feed->watch),
        .objects = store_count(feed->feeds->shop->store, feed->kind),
        .counts = watch_counts(feed->watch),
    };
}

void feeds_each(const struct feeds *feeds, void (*each)(void *arg, const struct feed_facts *facts), void *arg)
{
    for (size_t i = 0; i < feeds->len; i++)
        for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
            const struct feed *feed = &feeds->realms[i].by_kind[kind];
            if (!feed->watch)
                continue;
            const struct feed_facts facts = facts_of(feed);
            each(arg, &facts);
        }
}
