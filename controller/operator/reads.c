#include "operator/reads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "kube/version.h"

#include "net/loop.h"

enum {
    KEPT_MS = 500,         /* since it was of use …                                                  */
    KEPT_MS_MOST = 5000,   /* … and in all, for a watch may lag                                      */
    KEPT_BYTES = 64 << 10, /* of JSON: a hundred tokens, or a dozen chains of certificates           */
};

struct reads {
    const struct context *ctx;
    struct list asked; /* readings that are on their way                  */
    struct list kept;  /* … that are answered; what was of use last is the last */
    size_t bytes;      /* of the latter                                   */
    struct loop_timer *timer;
};

/* An object that was asked for once. */
struct reading {
    struct list node;
    struct reads *of;
    enum kind kind;
    char *ns, *name, *data_key;
    char *runners; /* what the watch of GitLabRunners had told by then; NULL: nobody else is served */
    struct prior prior;
    uint64_t request;    /* 0: answered                          */
    struct list readers; /* turns                                */
    kube_done_fn *done;
    struct json_object *object; /* the answer; NULL: none        */
    size_t size;                /* bytes of it                   */
    int64_t begun_ms, until_ms; /* until when it is kept; 0: it is not */
    struct arena mem;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * The end of a reading */

static void reading_end(struct reading *r)
{
    assert(list_empty(&r->readers));
    if (r->request)
        kube_cancel(r->of->ctx->client, r->request);
    if (r->until_ms)
        r->of->bytes -= r->size;
    json_cleanse(r->object);
    json_put_ptr(&r->object);
    list_remove(&r->node);
    arena_finish(&r->mem);
    free(r);
}

static void arm_reads(struct reads *reads)
{
    int64_t now = loop_now(reads->ctx->loop), next = INT64_MAX;

    list_each (node, &reads->kept) {
        const struct reading *r = container_of(node, struct reading, node);
        next = r->until_ms < next ? r->until_ms : next;
    }
    loop_timer_set(reads->timer, next == INT64_MAX ? -1 : next > now ? next - now : 0);
}

static void end_what_is_over(void *arg)
{
    struct reads *reads = arg;

    list_each_safe (node, after, &reads->kept) {
        struct reading *r = container_of(node, struct reading, node);
        if (r->until_ms <= loop_now(reads->ctx->loop))
            reading_end(r);
    }
    arm_reads(reads);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Answers */

/* Nobody would tell of the end of an account that the watch does not show. */
static void learn_reading(const struct reading *r, const struct kube_reply *reply)
{
    const struct context *ctx = r->of->ctx;

    if (r->kind == KIND_SERVICE_ACCOUNT)
        return;
    if (reply->err.kind == ERR_NONE)
        context_learn_presence(ctx, &r->prior, r->kind, reply->object);
    else if (reply->err.kind == ERR_NOT_FOUND)
        context_learn_absence(ctx, &r->prior, r->kind, r->ns, r->name);
}

/* It is of use. Where no watch tells of changes it is kept no longer for that. */
static void keep_on(struct reading *r)
{
    int64_t until = loop_now(r->of->ctx->loop) + KEPT_MS, most = r->begun_ms + KEPT_MS_MOST;

    if (r->until_ms && r->of->ctx->secrets_by_name)
        return;
    r->until_ms = until < most ? until : most;
    list_remove(&r->node);
    list_append(&r->of->kept, &r->node);
    arm_reads(r->of);
}

/* When nobody waits for it any more. Those of no use for longest give way. False: it is too large, or nobody else's
 * business. */
static bool keep_reading(struct reading *r)
{
    struct reads *reads = r->of;

    assert(list_empty(&r->readers) && !r->request && !r->until_ms);
    if (!r->runners || !r->object || r->size > KEPT_BYTES)
        return false;
    while (reads->bytes + r->size > KEPT_BYTES)
        reading_end(container_of(reads->kept.next, struct reading, node));
    reads->bytes += r->size;
    keep_on(r);
    return true;
}

static void on_reading(void *arg, const struct kube_reply *reply)
{
    struct reading *r = arg;
    struct list *node;

    assert(!list_empty(&r->readers));
    r->request = 0;
    r->object = json_ref(reply->object);
    r->size = reply->size;
    learn_reading(r, reply);
    while ((node = list_pop(&r->readers))) {
        struct turn *turn = container_of(node, struct turn, reader);
        turn->reading = NULL;
        r->done(turn, reply);
    }
    if (!keep_reading(r))
        reading_end(r);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Who reads */

/* It was asked for when the turn's object was known already. */
static bool serves(const struct reading *r, const struct turn *turn, enum kind kind, const char *name,
                   const char *data_key)
{
    return r->runners && r->kind == kind && text_same(r->ns, turn->observed.owner.ns) && text_same(r->name, name) &&
           text_same(r->data_key, data_key) && !kube_version_newer(turn->observed.version, r->runners);
}

/* Another version may be known since. */
static bool is_current(const struct reading *r)
{
    const struct record *known = store_get(r->of->ctx->store, r->kind, r->ns, r->name);

    return known && r->until_ms > loop_now(r->of->ctx->loop) &&
           text_same(known->version, json_str(r->object, "metadata.resourceVersion"));
}

static bool answer_from_kept(struct turn *turn, enum kind kind, const char *name, const char *data_key,
                             kube_done_fn *done)
{
    list_each (node, &turn->ctx->reads->kept) {
        struct reading *r = container_of(node, struct reading, node);
        const struct kube_reply reply = {.object = r->object, .size = r->size};
        if (!serves(r, turn, kind, name, data_key) || !is_current(r))
            continue;
        keep_on(r);
        done(turn, &reply);
        return true;
    }
    return false;
}

static struct reading *find_asked(const struct turn *turn, enum kind kind, const char *name, const char *data_key)
{
    list_each (node, &turn->ctx->reads->asked) {
        struct reading *r = container_of(node, struct reading, node);
        if (serves(r, turn, kind, name, data_key))
            return r;
    }
    return NULL;
}

static struct reading *read_object(const struct turn *turn, enum kind kind, const char *name, const char *data_key,
                                   bool shared, kube_done_fn *done)
{
    const struct context *ctx = turn->ctx;
    const char *ns = turn->observed.owner.ns;
    struct reading *r = mem_alloc(sizeof(*r));

    *r = (struct reading){.of = ctx->reads, .kind = kind, .begun_ms = loop_now(ctx->loop), .done = done};
    r->ns = arena_strdup(&r->mem, ns);
    r->name = arena_strdup(&r->mem, name);
    r->data_key = arena_strdup(&r->mem, data_key);
    r->runners = shared ? arena_strdup(&r->mem, store_reached(ctx->store, KIND_RUNNER, ns)) : NULL;
    r->prior = context_prior(ctx, kind, ns, name, &r->mem);
    list_init(&r->readers);
    list_append(&ctx->reads->asked, &r->node);
    r->request = kube_get_data(ctx->client, kind_resource(kind), ns, name, data_key, on_reading, r);
    return r;
}

void reads_ask(struct turn *turn, enum kind kind, const char *name, const char *data_key, bool shared,
               kube_done_fn *done)
{
    assert(name && !turn->reading && !turn->request);
    if (shared && answer_from_kept(turn, kind, name, data_key, done))
        return;
    struct reading *r = shared ? find_asked(turn, kind, name, data_key) : NULL;
    if (!r)
        r = read_object(turn, kind, name, data_key, shared, done);
    assert(r->done == done && r->request);
    turn->reading = r;
    list_append(&r->readers, &turn->reader);
}

void reads_leave(struct turn *turn)
{
    struct reading *r = turn->reading;

    if (!r)
        return;
    turn->reading = NULL;
    list_remove(&turn->reader);
    if (list_empty(&r->readers))
        reading_end(r);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct reads *reads_create(const struct context *ctx)
{
    struct reads *reads = mem_alloc(sizeof(*reads));

    *reads = (struct reads){.ctx = ctx};
    list_init(&reads->asked);
    list_init(&reads->kept);
    reads->timer = loop_timer_create(ctx->loop, end_what_is_over, reads);
    return reads;
}

void reads_forget(struct reads *reads)
{
    list_each (node, &reads->asked)
        container_of(node, struct reading, node)->runners = NULL;
    list_each_safe (node, after, &reads->kept)
        reading_end(container_of(node, struct reading, node));
    arm_reads(reads);
}

void reads_destroy(struct reads *reads)
{
    if (!reads)
        return;
    reads_forget(reads);
    assert(list_empty(&reads->asked) && !reads->bytes);
    loop_timer_destroy(reads->timer);
    free(reads);
}
