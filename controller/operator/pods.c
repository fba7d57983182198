#include "operator/pods.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/json_sieve.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/pace.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "runner/learn.h"

enum {
    PODS_MAX = 50, /* that are looked at                                             */
    PAGE_MAX = 4 << 10,
    POD_MAX = 24 << 10,     /* of one, that the sieve lets through                            */
    FIRST_MS = 8 * 1000,    /* a manager is there within some seconds, as a rule              */
    DENIED_MS = 600 * 1000, /* without the right to look                                      */
};
static const struct backoff looks = {5 * 1000, 300 * 1000, 0}; /* after the first; kube/pace.h spreads them */

static const struct kube_resource pods = {.kind = "Pod", .api_version = "v1", .plural = "pods", .namespaced = true};

static const struct json_keep page_keeps[] = {{{"kind"}, 100, false}, {{"items"}, 0, true}};

/* What trouble_of_pod() goes by. */
static const struct json_keep pod_keeps[] = {
    {{"metadata", "deletionTimestamp"}, 64, false},
    {{"status", "phase"}, 32, false},
    {{"status", "conditions"}, 6 << 10, false},
    {{"status", "containerStatuses"}, 8 << 10, false},
    {{"status", "initContainerStatuses"}, 8 << 10, false},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * When */

void pods_plan(struct turn *turn)
{
    const struct observed *o = &turn->observed;
    int64_t first = o->now_ms + FIRST_MS;

    if (!managers_are_waited_for(o, &turn->step)) {
        memory_forget_starting(&turn->state->memory);
        return;
    }
    memory_await(&turn->state->memory, o->now_ms);
    if (!pods_due(o))
        learn_look_planned(&turn->state->memory, pace_take(turn->ctx->paces, o->owner.ns, first, o->now_ms));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The look */

struct pods_look {
    struct turn *turn;
    struct json_sieve page, pod;
    bool in_pod;
    struct trouble worst; /* its text is of the turn's arena */
};

static void judge_pod(struct pods_look *look)
{
    struct turn *turn = look->turn;
    const struct trouble_context in = {&turn->observed.owner, turn->observed.spec};
    const struct buf *text = &look->pod.out;
    struct err ignored;
    cleanup_json struct json_object *pod =
        json_sieve_is_complete(&look->pod) ? json_parse(text->data, text->len, &ignored) : NULL;
    struct trouble t = trouble_of_pod(pod, &in, &turn->mem);

    if (t.rank > look->worst.rank)
        look->worst = t;
}

static void on_pod_bytes(void *arg, const char *bytes, size_t len, bool end)
{
    struct pods_look *look = arg;

    assert(look->turn->look == look);
    if (!look->in_pod)
        json_sieve_init(&look->pod, pod_keeps, ARRAY_LEN(pod_keeps), POD_MAX);
    look->in_pod = !end;
    json_sieve_feed(&look->pod, bytes, len);
    if (!end)
        return;
    judge_pod(look);
    json_sieve_finish(&look->pod);
}

static bool on_page_bytes(void *arg, const char *bytes, size_t len)
{
    json_sieve_feed(&((struct pods_look *)arg)->page, bytes, len);
    return true;
}

static void plan_next(const struct turn *turn, const struct err *err)
{
    const struct observed *o = &turn->observed;
    int64_t now = loop_now(turn->ctx->loop);
    int64_t pause = backoff_pause(&looks, o->memory->starting->looks, err->retry_after_ms, 0);

    if (err->kind == ERR_DENIED && pause < DENIED_MS)
        pause = DENIED_MS;
    learn_look_planned(&turn->state->memory, pace_take(turn->ctx->paces, o->owner.ns, now + pause, now));
}

static void on_pods(void *arg, const struct kube_reply *reply)
{
    struct pods_look *look = arg;
    struct turn *turn = look->turn;
    bool seen = reply->err.kind == ERR_NONE && json_sieve_is_complete(&look->page);

    assert(turn->look == look);
    turn->request = 0;
    if (reply->err.kind != ERR_NONE)
        turn_log(turn, reply->err.kind == ERR_DENIED ? LOG_WARN : LOG_DEBUG, "did not see the manager's pods", "reason",
                 reply->err.reason, "error", reply->err.text, NULL);
    if (turn->observed.memory->starting) {
        learn_pods(&turn->state->memory, seen ? &look->worst : NULL);
        plan_next(turn, &reply->err);
    }
    turn_ready(turn);
}

static const char *pods_path(const struct turn *turn, struct arena *a)
{
    const struct owner *owner = &turn->observed.owner;

    return arena_printf(a, "%s?limit=%d&labelSelector=%s", kube_path(&pods, owner->ns, NULL, NULL, a), PODS_MAX,
                        percent_escaped(selector_text(owner, a), a));
}

void pods_perform(struct turn *turn)
{
    cleanup_arena struct arena a = {0};
    struct pods_look *look = mem_alloc(sizeof(*look));
    const struct kube_request request = {
        .method = "GET", .path = pods_path(turn, &a), .data = on_page_bytes, .done = on_pods, .arg = look};

    pods_look_end(turn);
    look->turn = turn;
    json_sieve_init(&look->page, page_keeps, ARRAY_LEN(page_keeps), PAGE_MAX);
    look->page.element = on_pod_bytes;
    look->page.arg = look;
    turn->look = look;
    turn->request = kube_start(turn->ctx->client, &request);
}

void pods_look_end(struct turn *turn)
{
    struct pods_look *look = take(turn->look);

    if (!look)
        return;
    json_sieve_finish(&look->page);
    json_sieve_finish(&look->pod);
    free(look);
}
