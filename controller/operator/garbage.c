#include "operator/garbage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "base/mem.h"
#include "operator/claim.h"
#include "net/loop.h"
#include "operator/removal.h"
#include "runner/names.h"

enum {
    PLACES = 16,              /* children that are removed at the same time …                         */
    PLACES_OF_ONE = 8,        /* … of one namespace                                                   */
    SUCCESSOR_MS = 10 * 1000, /* for so long a token Secret waits for a successor of its owner   */
    COLLECTOR_MS = 30 * 1000, /* … and whatever Kubernetes' garbage collector knows, for that    */
};

struct garbage {
    const struct context *ctx;
    bool leading;
    struct map owners;     /* whose children are to be looked at: a set of keys */
    struct map namespaces; /* … and in which RoleBindings are                   */
    struct map told;       /* removal.h                                         */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What was noted */

static void add_to(struct map *set, const char *key)
{
    static char there;

    map_set(set, key, &there);
}

void garbage_note(struct garbage *garbage, enum kind kind, const char *ns, const char *name)
{
    if (!garbage || !garbage->leading)
        return;
    const struct record *record = store_get(garbage->ctx->store, kind, ns, name);
    if (kind == KIND_RUNNER)
        add_to(&garbage->owners, key_text(KIND, ns, name).text);
    else if (kind == KIND_NAMESPACE)
        add_to(&garbage->namespaces, name);
    else if (record && *record->owner)
        add_to(&garbage->owners, record->owner);
    loop_wake(garbage->ctx->loop);
}

/* A right goes at once; what others look after may be gone by itself. */
static int64_t patience(const struct record *child, enum kind kind, enum claim claim)
{
    struct key owner;
    bool elsewhere = !key_parse(child->owner, &owner) || strcmp(owner.ns, child->ns) != 0;

    if (claim != CLAIM_ORPHANED || elsewhere)
        return 0;
    return kind == KIND_SECRET ? SUCCESSOR_MS : COLLECTOR_MS;
}

static void suspect(struct garbage *garbage, enum kind kind, const struct record *child)
{
    enum claim claim = claim_of(garbage->ctx->store, kind, child);

    if (claim == CLAIM_GOOD)
        return;
    const struct key_text key = key_text(kind_resource(kind)->kind, child->ns, child->name);
    if (controller_failures(garbage->ctx->controller, key.text))
        return; /* it has a time of its own */
    int64_t wait = patience(child, kind, claim);
    if (wait)
        controller_add_at(garbage->ctx->controller, key.text, loop_now(garbage->ctx->loop) + wait, claim_name(claim));
    else
        controller_add(garbage->ctx->controller, key.text, claim == CLAIM_NOT_ALLOWED ? QUEUE_URGENT : QUEUE_ROUTINE,
                       claim_name(claim));
}

static void suspect_owned(void *arg, unsigned kind, const struct record *child)
{
    suspect(arg, kind, child);
}

static void suspect_in_noted_namespace(void *arg, const struct record *child)
{
    struct garbage *garbage = arg;

    if (*child->owner && map_get(&garbage->namespaces, child->ns))
        suspect(garbage, KIND_ROLE_BINDING, child);
}

static void look_at_what_was_noted(struct garbage *garbage)
{
    const char *owner;
    void *value;

    for (size_t i = 0; map_iter(&garbage->owners, &i, &owner, &value);)
        store_each_owned(garbage->ctx->store, owner, suspect_owned, garbage);
    assert(garbage->leading || (!garbage->owners.len && !garbage->namespaces.len));
    if (garbage->namespaces.len)
        store_each(garbage->ctx->store, KIND_ROLE_BINDING, suspect_in_noted_namespace, garbage);
    map_finish(&garbage->owners);
    map_finish(&garbage->namespaces);
}

struct scan {
    struct garbage *garbage;
    enum kind kind;
};

static void suspect_any(void *arg, const struct record *child)
{
    const struct scan *scan = arg;

    suspect(scan->garbage, scan->kind, child);
}

static void look_at_everything(struct garbage *garbage)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct scan scan = {garbage, kind};
        store_each(garbage->ctx->store, kind, suspect_any, &scan);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

/* The children of an owner that is gone, and so on, are looked at before keys are taken. */
static void act_on_notes(void *arg)
{
    look_at_what_was_noted(arg);
}

static void begin_garbage(void *arg)
{
    struct garbage *garbage = arg;

    assert(!garbage->leading && !garbage->owners.len && !garbage->namespaces.len);
    garbage->leading = true;
    look_at_everything(garbage);
}

static void forget_garbage(void *arg)
{
    struct garbage *garbage = arg;

    garbage->leading = false;
    map_finish(&garbage->owners);
    map_finish(&garbage->namespaces);
    map_finish(&garbage->told);
}

static struct work *start_removal(void *arg, const char *key, enum queue_priority priority, const char *cause)
{
    struct garbage *garbage = arg;

    (void)priority, (void)cause;
    return removal_start(garbage->ctx, &garbage->told, key);
}

static const struct work_kind removals = {
    .names =
        (const char *const[]){"Secret", "ServiceAccount", "RoleBinding", "Deployment", "PodDisruptionBudget", NULL},
    .places = PLACES,
    .namespace_places = PLACES_OF_ONE,
    .retry = &(const struct backoff){1000, 5 * 60 * 1000, 25},
    .start = start_removal,
    .stop = removal_stop,
    .begin = begin_garbage,
    .prepare = act_on_notes,
    .forget = forget_garbage,
};

struct garbage *garbage_create(const struct context *ctx)
{
    struct garbage *garbage = mem_alloc(sizeof(*garbage));

    *garbage = (struct garbage){.ctx = ctx};
    controller_add_kind(ctx->controller, &removals, garbage);
    /* There before the first of them is counted. */
    for (enum claim claim = CLAIM_GOOD + 1; claim <= CLAIM_ORPHANED; claim++)
        tally_add(&ctx->stats->removed, kind_resource(KIND_ROLE_BINDING)->kind, claim_name(claim), 0);
    return garbage;
}

void garbage_destroy(struct garbage *garbage)
{
    assert(!garbage || (!garbage->owners.len && !garbage->namespaces.len && !garbage->told.len));
    free(garbage);
}
