#include "operator/informers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/echo.h"
#include "operator/garbage.h"
#include "kube/object_text.h"
#include "kube/poll.h"
#include "kube/rounds.h"
#include "net/loop.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "operator/unserved.h"

enum { LOOK_MS = 40 * 1000 }; /* for room for what is left out */

/* One kind in one scope: what its watch's handler needs. */
struct informer {
    struct informers *informers;
    struct scope *scope;
    enum kind kind;
    struct watch *watch; /* NULL: none, see scope->poll, informers->rounds */
    unsigned begun;      /* the list that is under way (kube/store.h)  */
};

/* What one watch a kind can see: all namespaces, or one of those that are served. That one's own object is polled, and
 * as long as it cannot be read there is nothing to watch in it: it may be gone, with our rights in it. */
struct scope {
    char ns[NAMESPACE_SIZE]; /* "": all                               */
    struct poll *poll;       /* NULL: Namespaces are watched          */
    bool settled;            /* it is known whether it can be read    */
    bool open;               /* … and it could be, once               */
    struct informer by_kind[KIND_COUNT];
};

struct informers {
    const struct context *ctx;
    struct states *states;
    struct unserved unserved;
    struct loop_timer *look; /* for that room                                            */
    struct rounds *rounds;   /* of Secrets that may not be listed; NULL: they are watched */
    size_t len;
    struct scope scopes[];
};

struct wake {
    struct informers *informers;
    enum queue_priority priority;
};

/* What failed may come about now; not in a process that is to end, which goes by what has failed. */
static void wake_referrer(void *arg, const char *key)
{
    const struct wake *wake = arg;
    struct controller *controller = wake->informers->ctx->controller;
    struct state *state = map_get(&wake->informers->states->by_key, key);

    if (state && !controller_is_draining(controller))
        memory_forgive(&state->memory);
    controller_add(controller, key, wake->priority, "a referenced object changed");
}

/* The runners whose spec names the object; and the one that would make a Secret of this name. */
static void wake_referrers(struct informers *informers, enum kind kind, const char *ns, const char *name,
                           enum queue_priority priority)
{
    cleanup_arena struct arena a = {0};
    struct wake wake = {informers, priority};
    const char *owner = kind == KIND_SECRET ? secret_owner(name, &a) : NULL;

    references_each(store_references(informers->ctx->store), kind, ns, name, wake_referrer, &wake);
    if (owner && store_get(informers->ctx->store, KIND_RUNNER, ns, owner))
        wake_referrer(&wake, key_text(KIND, ns, owner).text);
}

/* priority: of the object's own runner, and of those that refer to it. Children are our work, not people's. */
static void wake(struct informers *informers, enum kind kind, const char *ns, const char *name, const char *owner,
                 enum queue_priority priority)
{
    garbage_note(informers->ctx->garbage, kind, ns, name);
    if (kind == KIND_RUNNER)
        controller_add(informers->ctx->controller, key_text(KIND, ns, name).text, priority, "the object changed");
    else if (*owner)
        controller_add(informers->ctx->controller, owner, QUEUE_ROUTINE, "a child changed");
    else
        wake_referrers(informers, kind, ns, name, priority);
}

/* A GitLabRunner that was served, and that somebody has edited or deleted since. */
static bool is_edited(const struct kept_runner *runner)
{
    const char *status = runner && runner->status ? runner->status : "";
    int64_t observed = json_peek_int(status, strlen(status), "observedGeneration", 0);

    return observed > 0 && runner->generation != observed;
}

/* Nobody has just changed what is there when we start, as far as its status can tell. known: NULL, nothing is. */
static enum queue_priority priority_of(const struct informer *informer, const struct record *known)
{
    bool began = informer->watch ? watch_synced(informer->watch) : informer->scope->settled;

    return began || (informer->kind == KIND_RUNNER && is_edited(kept_runner(known))) ? QUEUE_URGENT : QUEUE_ROUTINE;
}

/* Lists them again when there is room, or when they could be told so now, for nobody remembers which they are. */
static void on_look(void *arg)
{
    struct informers *informers = arg;
    const struct shares *shares = store_shares(informers->ctx->store);
    bool again = unserved_skipped(&informers->unserved, informers->ctx) || shares_have_room(shares);

    loop_timer_set(informers->look, jitter(LOOK_MS * 3 / 4, LOOK_MS / 2));
    for (size_t i = 0; again && i < informers->len; i++)
        if (shares_left_out(shares, *informers->scopes[i].ns ? informers->scopes[i].ns : NULL))
            watch_list_again(informers->scopes[i].by_kind[KIND_RUNNER].watch);
}

/* Whatever Secrets the runner refers to are read from now on. */
static void follow_secrets(const struct informers *informers, struct json_object *runner)
{
    cleanup_arena struct arena a = {0};
    struct reference to[REFERENCES_MAX];
    size_t len = kind_references(runner, true, to, &a);

    for (size_t i = 0; i < len; i++)
        if (to[i].kind == KIND_SECRET && to[i].name)
            rounds_add(informers->rounds, to[i].ns, to[i].name);
}

/* A GitLabRunner that its namespace's share has no room for, or has room for now. */
static void count_left_out(const struct informer *informer, enum watch_type type, const struct record *record,
                           bool kept)
{
    struct shares *shares = store_shares(informer->informers->ctx->store);

    assert(informer->kind == KIND_RUNNER && type != WATCH_DELETED);
    if (kept && type == WATCH_MODIFIED)
        shares_let_in(shares, record->ns);
    else if (!kept && type == WATCH_LISTED)
        shares_leave_out_listed(shares, record->ns);
    else if (!kept && (type == WATCH_ADDED || !shares_left_out(shares, record->ns)))
        shares_leave_out(shares, record->ns);
}

static void keep_watched(const struct informer *informer, enum watch_type type, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct context *ctx = informer->informers->ctx;
    const struct record record = context_record(ctx, informer->kind, object, &a);
    bool known = store_has(ctx->store, informer->kind, record.ns, record.name),
         kept = context_keep(ctx, informer->kind, object, &record, type == WATCH_LISTED);

    if (informer->kind != KIND_RUNNER)
        return;
    if (!known)
        count_left_out(informer, type, &record, kept);
    if (!kept)
        unserved_left_out(&informer->informers->unserved, ctx, &record);
    if (kept && informer->informers->rounds)
        follow_secrets(informer->informers, object);
}

/* True: it is none of our business, or not any more. */
static bool is_passed_over(const struct informer *informer, const char *ns, const char *name)
{
    struct store *store = informer->informers->ctx->store;

    if (kind_concerns(informer->kind, ns, name, store))
        return false;
    store_remove(store, informer->kind, ns, name);
    return true;
}

static void take_object(struct informer *informer, enum watch_type type, struct json_object *object)
{
    struct store *store = informer->informers->ctx->store;
    const struct record seen = {.ns = json_str_or(object, "metadata.namespace", ""),
                                .name = json_str_or(object, "metadata.name", ""),
                                .uid = json_str_or(object, "metadata.uid", ""),
                                .version = json_str_or(object, "metadata.resourceVersion", "")};

    if (!store_is_news(store, informer->kind, &seen, type == WATCH_DELETED)) {
        store_touch(store, informer->kind, seen.ns, seen.name);
        return;
    }
    const char *too_large = object_too_large(object);
    if (too_large && type != WATCH_DELETED)
        unserved_too_large(&informer->informers->unserved, informer->informers->ctx, informer->kind, &seen, too_large);
    if (is_passed_over(informer, seen.ns, seen.name))
        return;
    const struct record *known = store_get(store, informer->kind, seen.ns, seen.name);
    bool told = known || type == WATCH_DELETED;
    cleanup_free char *owner = mem_strdup(known ? known->owner : "");
    if (type == WATCH_DELETED && informer->kind == KIND_RUNNER && !store_has(store, KIND_RUNNER, seen.ns, seen.name))
        shares_let_in(store_shares(store), seen.ns);
    if (type == WATCH_DELETED)
        store_remove(store, informer->kind, seen.ns, seen.name);
    else
        keep_watched(informer, type, object);
    known = store_get(store, informer->kind, seen.ns, seen.name);
    if (known || told)
        wake(informer->informers, informer->kind, seen.ns, seen.name, known ? known->owner : owner,
             priority_of(informer, known));
}

static void take_held(void *arg, struct json_object *object)
{
    take_object(arg, WATCH_MODIFIED, object);
}

static void on_object(void *arg, enum watch_type type, struct json_object *object)
{
    struct informer *informer = arg;
    struct list *echoes = informer->informers->ctx->echoes;

    if (type == WATCH_DELETED)
        echo_drop(echoes, informer->kind, json_str_or(object, "metadata.namespace", ""),
                  json_str_or(object, "metadata.name", ""));
    if (type == WATCH_DELETED || type == WATCH_LISTED ||
        !echo_hold(echoes, informer->kind, object, take_held, informer))
        take_object(informer, type, object);
}

static bool on_identity(void *arg, const struct watch_identity *identity)
{
    struct informer *informer = arg;
    struct store *store = informer->informers->ctx->store;
    const struct record seen = {
        .ns = identity->ns, .name = identity->name, .uid = identity->uid, .version = identity->version};

    if (store_is_news(store, informer->kind, &seen, false))
        return false;
    store_touch(store, informer->kind, seen.ns, seen.name);
    return true;
}

static void on_list_begin(void *arg)
{
    struct informer *informer = arg;

    echo_release(informer->informers->ctx->echoes, informer->kind);
    informer->begun = store_list_begin(informer->informers->ctx->store, informer->kind);
    if (informer->kind == KIND_RUNNER)
        shares_list_begin(store_shares(informer->informers->ctx->store), informer->scope->ns);
}

static void on_reached(void *arg, const char *version)
{
    struct informer *informer = arg;

    store_reach(informer->informers->ctx->store, informer->kind, informer->scope->ns, version);
}

static void on_changed(void *arg, unsigned kind, const struct record *record)
{
    wake(arg, kind, record->ns, record->name, record->owner, QUEUE_ROUTINE);
}

static bool is_synced(const struct informer *informer)
{
    return !informer->watch || watch_synced(informer->watch);
}

/* Whether all that there is of the kind is known. */
static bool are_synced(const struct informers *informers, enum kind kind)
{
    for (size_t i = 0; i < informers->len; i++) {
        const struct scope *scope = &informers->scopes[i];
        assert(scope->settled || !scope->open);
        if (!scope->settled || (scope->open && !is_synced(&scope->by_kind[kind])))
            return false;
    }
    return true;
}

static void start_watches(struct informers *informers, enum kind kind)
{
    for (size_t i = 0; i < informers->len; i++)
        if (informers->scopes[i].open && informers->scopes[i].by_kind[kind].watch)
            watch_start(informers->scopes[i].by_kind[kind].watch);
}

/* Starts what may be watched by now. The runners come first: where a child does not say whose it is, it takes the
 * runner to find out. */
static void advance(struct informers *informers)
{
    start_watches(informers, KIND_RUNNER);
    for (enum kind kind = KIND_RUNNER + 1; are_synced(informers, KIND_RUNNER) && kind < KIND_COUNT; kind++)
        start_watches(informers, kind);
}

static void on_list_end(void *arg, const char *version)
{
    struct informer *informer = arg;
    struct informers *informers = informer->informers;
    const char *ns = informer->scope->ns;
    char count[24];

    store_list_end(informers->ctx->store, informer->kind, ns, informer->begun, version, on_changed, informers);
    if (informer->kind == KIND_RUNNER)
        shares_list_end(store_shares(informers->ctx->store), ns);
    snprintf(count, sizeof(count), "%zu", store_count(informers->ctx->store, informer->kind));
    log_event(LOG_INFO, "watch", "listed", "kind", kind_resource(informer->kind)->kind, "namespace", *ns ? ns : NULL,
              "count", count, NULL);
    advance(informers);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is read, not watched */

/* It is not there. */
static void forget_unwatched(struct informers *informers, enum kind kind, const char *ns, const char *name)
{
    struct store *store = informers->ctx->store;
    const struct record *known = store_get(store, kind, ns, name);
    cleanup_free char *owner = known ? mem_strdup(known->owner) : NULL;

    store_remove(store, kind, ns, name);
    if (owner)
        wake(informers, kind, ns, name, owner, QUEUE_URGENT);
}

static struct informer *informer_of(struct informers *informers, enum kind kind, const char *ns)
{
    struct scope *scope = informers->scopes;

    while (*scope->ns && scope + 1 < informers->scopes + informers->len && strcmp(scope->ns, ns) != 0)
        scope++;
    assert(!*scope->ns || strcmp(scope->ns, ns) == 0);
    return &scope->by_kind[kind];
}

static const char *known_secret(void *arg, const char *ns, const char *name)
{
    const struct informers *informers = arg;
    const struct store *store = informers->ctx->store;
    const struct record *known = store_get(store, KIND_SECRET, ns, name);

    if (known)
        return known->uid;
    return references_have(store_references(store), KIND_SECRET, ns, name) ? "" : NULL;
}

/* What was made, or has gone, while it was read, is told by the answers to those requests. */
static void on_secret(void *arg, const char *ns, const char *name, const char *known, const struct kube_reply *reply)
{
    struct informers *informers = arg;
    const char *now = known_secret(informers, ns, name);

    if (reply->err.kind == ERR_NONE)
        on_object(informer_of(informers, KIND_SECRET, ns), WATCH_MODIFIED, reply->object);
    else if (reply->err.kind == ERR_NOT_FOUND && now && strcmp(now, known) == 0)
        forget_unwatched(informers, KIND_SECRET, ns, name);
}

static void on_namespace(void *arg, const struct kube_reply *reply)
{
    struct informer *informer = arg;
    struct scope *scope = informer->scope;
    bool readable = reply->err.kind == ERR_NONE;

    assert(scope->poll && *scope->ns);
    if (!readable && reply->err.kind != ERR_NOT_FOUND && reply->err.kind != ERR_DENIED)
        return; /* nothing is known */
    if (readable)
        on_object(informer, WATCH_MODIFIED, reply->object);
    else
        forget_unwatched(informer->informers, KIND_NAMESPACE, "", scope->ns);
    if (!readable && !scope->settled)
        log_event(LOG_WARN, "watch", "not served until it can be read", "namespace", scope->ns, "reason",
                  reply->err.reason, "error", reply->err.text, NULL);
    scope->settled = true;
    scope->open |= readable;
    advance(informer->informers);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void scope_init(struct informers *informers, struct scope *scope)
{
    const struct context *ctx = informers->ctx;
    bool all = !*scope->ns;

    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct informer *informer = &scope->by_kind[kind];
        const struct watch_handler handler = {.list_begin = on_list_begin,
                                              .object = on_object,
                                              .known = on_identity,
                                              .list_end = on_list_end,
                                              .reached = on_reached,
                                              .arg = informer};
        *informer = (struct informer){.informers = informers, .scope = scope, .kind = kind};
        bool watched = kind == KIND_NAMESPACE ? all : kind != KIND_SECRET || !ctx->secrets_by_name;
        if (watched)
            informer->watch = watch_create(ctx->loop, ctx->client, kind_resource(kind), all ? NULL : scope->ns,
                                           kind_selector(kind), &handler);
    }
    scope->settled = scope->open = all;
    if (!all)
        scope->poll = poll_create(ctx->loop, ctx->client, kind_resource(KIND_NAMESPACE), NULL, scope->ns, on_namespace,
                                  &scope->by_kind[KIND_NAMESPACE]);
}

static size_t count_scopes(const char *namespaces)
{
    size_t n = 1;

    for (; namespaces && *namespaces; namespaces++)
        n += *namespaces == ',';
    return n;
}

struct informers *informers_create(const struct context *ctx, struct states *states)
{
    const char *at = ctx->render.namespaces;
    size_t len = count_scopes(at);
    struct informers *informers = mem_alloc(sizeof(*informers) + len * sizeof(struct scope));

    *informers = (struct informers){.ctx = ctx, .states = states, .len = len};
    informers->look = loop_timer_create(ctx->loop, on_look, informers);
    const struct rounds_handler secrets = {known_secret, on_secret, informers};
    if (ctx->secrets_by_name)
        informers->rounds = rounds_create(ctx->loop, ctx->client, kind_resource(KIND_SECRET), &secrets);
    for (size_t i = 0; i < len; i++) {
        if (at)
            namespaces_next(&at, informers->scopes[i].ns);
        scope_init(informers, &informers->scopes[i]);
    }
    assert(!at || !*at);
    return informers;
}

void informers_destroy(struct informers *informers)
{
    for (size_t i = 0; informers && i < informers->len; i++) {
        poll_destroy(informers->scopes[i].poll);
        for (enum kind kind = 0; kind < KIND_COUNT; kind++)
            watch_destroy(informers->scopes[i].by_kind[kind].watch);
    }
    if (informers) {
        unserved_finish(&informers->unserved, informers->ctx);
        rounds_destroy(informers->rounds);
        loop_timer_destroy(informers->look);
    }
    free(informers);
}

void informers_start(struct informers *informers)
{
    loop_timer_set(informers->look, LOOK_MS);
    for (size_t i = 0; i < informers->len; i++)
        if (informers->scopes[i].poll)
            poll_start(informers->scopes[i].poll);
    advance(informers);
}

void informers_left_out(struct informers *informers, const struct record *runner)
{
    unserved_left_out(&informers->unserved, informers->ctx, runner);
}

bool informers_synced(const struct informers *informers)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (!are_synced(informers, kind))
            return false;
    return true;
}

static struct informer_facts facts_of(const struct informer *informer)
{
    return (struct informer_facts){
        .kind = kind_resource(informer->kind)->kind,
        .ns = informer->scope->ns,
        .state = watch_state_name(informer->watch),
        .version = watch_version(informer->watch),
        .problem = watch_problem(informer->watch),
        .synced = watch_synced(informer->watch),
        .objects = store_count(informer->informers->ctx->store, informer->kind),
        .counts = watch_counts(informer->watch),
    };
}

void informers_each(const struct informers *informers, void (*each)(void *arg, const struct informer_facts *facts),
                    void *arg)
{
    for (size_t i = 0; i < informers->len; i++)
        for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
            const struct informer *informer = &informers->scopes[i].by_kind[kind];
            if (!informer->watch)
                continue;
            const struct informer_facts facts = facts_of(informer);
            each(arg, &facts);
        }
}
