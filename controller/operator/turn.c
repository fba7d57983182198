#include "operator/turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "operator/drift.h"
#include "operator/garbage.h"
#include "kube/event.h"
#include "kube/version.h"
#include "net/loop.h"
#include "operator/pods.h"
#include "operator/reads.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "runner/status.h"

static struct gathering turn_gathering(const struct context *ctx)
{
    return (struct gathering){
        .store = ctx->store,
        .settings = &ctx->render,
        .specs = ctx->specs,
        .now_ms = loop_now(ctx->loop),
        .now = loop_wall(ctx->loop),
    };
}

struct turn *turn_of(struct work *work)
{
    return container_of(work, struct turn, work);
}

struct turn *turn_create(const struct context *ctx, const struct record *record, struct state *state, const char *cause)
{
    assert(record->uid && state);
    const struct gathering g = turn_gathering(ctx);
    struct turn *turn = mem_alloc(sizeof(*turn));

    *turn = (struct turn){.ctx = ctx, .cause = cause, .state = state};
    list_init(&turn->reader);
    list_init(&turn->echo.among);
    turn->began_us = turn->asked_us = clock_us();
    snprintf(turn->id, sizeof(turn->id), "%08x-%llu", ctx->stats->run, (unsigned long long)++ctx->stats->turns);
    turn->record = record_copy(&kept_layouts[KIND_RUNNER], record, &turn->mem);
    turn->object_cost = gather_object(&g, &turn->record, &turn->observed, &turn->mem);
    state_observe(state, &turn->observed, &turn->mem);
    return turn;
}

void turn_look(struct turn *turn)
{
    const struct gathering g = turn_gathering(turn->ctx);

    gather_again(&g, turn->state, &turn->observed, &turn->step);
    learn_sight(&turn->state->memory, &turn->observed);
    pods_plan(turn);
}

void turn_destroy(struct turn *turn)
{
    assert(turn->state && turn->ctx);
    if (turn->request)
        kube_cancel(turn->ctx->client, turn->request);
    echo_end(&turn->echo);
    reads_leave(turn);
    pods_look_end(turn);
    arena_finish(&turn->step);
    arena_finish(&turn->mem);
    free(turn);
}

void turn_ready(struct turn *turn)
{
    assert(!turn->request && !turn->reading);
    echo_end(&turn->echo);
    work_ready(&turn->work);
}

/* What is being deleted and held by nobody is gone by the time that its last answer arrives. */
static bool is_object_gone(struct json_object *object)
{
    return json_get(object, "metadata.deletionTimestamp") && json_len(json_get(object, "metadata.finalizers")) == 0;
}

/* The watch has told what came after it. What it shows at this very moment is not old: it may have been seen before its
 * owner was, on which depends what is kept of it. Nor is what is newer than the object that it shows, however far the
 * watch has come: an event was lost. */
static bool is_old(const struct store *store, enum kind kind, const struct record *record, const char *reached)
{
    const struct record *known = store_get(store, kind, record->ns, record->name);

    if (known)
        return kube_version_newer(known->version, record->version);
    return reached && !kube_version_newer(record->version, reached);
}

/* It is left out from now on; what was counted out before is still. */
static void leave_out(const struct context *ctx, enum kind kind, const struct record *record)
{
    bool known = store_has(ctx->store, kind, record->ns, record->name);

    store_leave_out(ctx->store, kind, record->ns, record->name);
    if (known && kind == KIND_RUNNER)
        shares_leave_out(store_shares(ctx->store), record->ns);
}

/* A runner that comes will be longer when its status is told, and must not have to go for that: then its status would
 * say so, it would be short enough again, and come back for ever. */
static bool make_room_for(const struct context *ctx, enum kind kind, const struct record *record)
{
    struct record grown = *record;

    if (kind == KIND_RUNNER && !store_get(ctx->store, kind, record->ns, record->name))
        grown.price += STATUS_GROWS_MAX;
    return store_make_room(ctx->store, kind, &grown, ctx->evicted, ctx->evicted_arg);
}

/* A runner is served with all that is made for it, or not at all: a child that is not known would be read again and
 * again. What else says that it is the runner's is not needed. */
static void let_owner_give_way(const struct context *ctx, enum kind kind, const struct record *record)
{
    cleanup_arena struct arena a = {0};
    struct key key;

    if (kind == KIND_RUNNER || !key_parse(record->owner, &key) || strcmp(key.ns, record->ns) != 0)
        return;
    const struct owner owner = {.ns = key.ns, .name = key.name};
    if (kind_has_child_named(kind, record->name, &owner, &a))
        store_give_way(ctx->store, key.ns, key.name, ctx->evicted, ctx->evicted_arg);
}

bool context_keep(const struct context *ctx, enum kind kind, struct json_object *object, const struct record *record,
                  bool listed)
{
    cleanup_arena struct arena a = {0};
    struct reference to[REFERENCES_MAX];

    assert(kind < KIND_COUNT && record->uid);
    if (!make_room_for(ctx, kind, record)) {
        let_owner_give_way(ctx, kind, record);
        leave_out(ctx, kind, record);
        return false;
    }
    if (listed)
        store_put_listed(ctx->store, kind, record);
    else
        store_put(ctx->store, kind, record);
    if (kind == KIND_RUNNER)
        store_refer(ctx->store, key_text(KIND, record->ns, record->name).text, to,
                    kind_references(object, ctx->secrets_by_name, to, &a));
    return true;
}

struct record context_record(const struct context *ctx, enum kind kind, struct json_object *object, struct arena *a)
{
    const struct drift_view view = {ctx->store, &ctx->render};
    struct record record = kind_record(kind, object, ctx->store, a);

    drift_judge(&view, kind, object, &record, a);
    return record;
}

/* NULL: not as far as to this object. */
static const char *reached_by_watch(const struct context *ctx, enum kind kind, const struct record *record)
{
    return echo_holds(ctx->echoes, kind, record->ns, record->name) ? NULL : store_reached(ctx->store, kind, record->ns);
}

/* What is gone is gone, whatever its version: the answer to the write that let it go has that of before. */
static void learn(const struct context *ctx, enum kind kind, struct json_object *object, const struct record *record,
                  const char *reached)
{
    if (is_object_gone(object))
        store_bury(ctx->store, kind, record->ns, record->name, record->uid);
    else if (!is_old(ctx->store, kind, record, reached) && kind_concerns(kind, record->ns, record->name, ctx->store))
        context_keep(ctx, kind, object, record, false);
    garbage_note(ctx->garbage, kind, record->ns, record->name);
}

void context_learn_applied(const struct context *ctx, enum kind kind, struct json_object *object)
{
    cleanup_arena struct arena a = {0};

    if (!object)
        return;
    struct record record = kind_record(kind, object, ctx->store, &a);
    drift_none(kind, object, &record, &a);
    learn(ctx, kind, object, &record, reached_by_watch(ctx, kind, &record));
}

void context_learn_written(const struct context *ctx, enum kind kind, struct json_object *object)
{
    cleanup_arena struct arena a = {0};

    if (!object)
        return;
    const struct record record = context_record(ctx, kind, object, &a);
    learn(ctx, kind, object, &record, reached_by_watch(ctx, kind, &record));
}

void context_learn_read(const struct context *ctx, enum kind kind, struct json_object *object)
{
    cleanup_arena struct arena a = {0};

    if (!object)
        return;
    const struct record record = context_record(ctx, kind, object, &a);
    learn(ctx, kind, object, &record, NULL);
}

struct prior context_prior(const struct context *ctx, enum kind kind, const char *ns, const char *name, struct arena *a)
{
    const struct record *known = store_get(ctx->store, kind, ns, name);

    return (struct prior){.uid = known ? arena_strdup(a, known->uid) : NULL,
                          .unknown = !store_knows(ctx->store, kind, ns, name)};
}

void context_learn_absence(const struct context *ctx, const struct prior *prior, enum kind kind, const char *ns,
                           const char *name)
{
    const struct record *known = store_get(ctx->store, kind, ns, name);

    if (known ? prior->uid && strcmp(known->uid, prior->uid) == 0 : prior->unknown)
        store_remove(ctx->store, kind, ns, name);
}

void context_learn_presence(const struct context *ctx, const struct prior *prior, enum kind kind,
                            struct json_object *object)
{
    const struct store *store = ctx->store;
    const char *ns = json_str_or(object, "metadata.namespace", ""), *name = json_str_or(object, "metadata.name", ""),
               *uid = json_str_or(object, "metadata.uid", "");
    bool same = prior->uid && strcmp(prior->uid, uid) == 0;
    bool has_ended = same || (prior->unknown && store_knows(store, kind, ns, name));

    if (store_get(store, kind, ns, name) || !has_ended)
        context_learn_read(ctx, kind, object);
}

void turn_get(struct turn *turn, enum kind kind, const char *ns, const char *name, kube_done_fn *done)
{
    assert(!turn->request);
    turn->prior = context_prior(turn->ctx, kind, ns, name, &turn->mem);
    turn->request = kube_get(turn->ctx->client, kind_resource(kind), ns, name, done, turn);
}

uint64_t turn_send_event(const struct turn *turn, bool warning, const char *reason, const char *note,
                         kube_done_fn *done, void *arg)
{
    const struct owner *owner = &turn->observed.owner;
    const struct event event = {
        .regarding =
            {.api_version = API_VERSION, .kind = KIND, .ns = owner->ns, .name = owner->name, .uid = owner->uid},
        .warning = warning,
        .reason = reason,
        .note = note,
    };

    return event_send(turn->ctx->client, &event, GROUP "/controller", turn->ctx->instance, done, arg);
}

void turn_event(const struct turn *turn, bool warning, const char *reason, const char *note)
{
    turn_send_event(turn, warning, reason, note, event_sent, &turn->ctx->stats->events);
}
