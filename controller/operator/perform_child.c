/* ACT_APPLY, ACT_DELETE: the children. */
#include <assert.h>

#include "base/json.h"
#include "base/log.h"
#include "operator/perform.h"
#include "runner/learn.h"
#include "runner/names.h"

static void on_applied(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum child child = turn->asked.apply.child;

    assert(turn->asked.kind == ACT_APPLY);
    if (!perform_expect_success(turn, reply))
        return;
    context_learn_applied(turn->ctx, kind_of_child(child), reply->object);
    if (child == CHILD_TOKEN_SECRET && !turn->asked.apply.release)
        observe_saved_token(&turn->observed, json_str_or(reply->object, "metadata.resourceVersion", ""), &turn->mem);
    learn_applied(&turn->state->memory, &turn->observed, &turn->asked);
    turn_log(turn, LOG_INFO, "applied", "rule", turn->asked.rule, "kind", child_kind(child), NULL);
    perform_succeeded(turn);
}

void perform_apply(struct turn *turn)
{
    const struct action *act = &turn->asked;

    assert(!act->apply.uid == !json_get(act->apply.manifest, "metadata.uid"));
    learn_applying(&turn->state->memory, &turn->observed, act, &turn->mem);
    turn->request = kube_apply(turn->ctx->client, kind_resource(kind_of_child(act->apply.child)), NULL,
                               act->apply.manifest, FIELD_MANAGER, act->apply.uid == NULL, on_applied, turn);
}

static void on_deleted(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct stray *s = &turn->asked.delete;
    enum kind kind = kind_by_name(s->kind);

    if (!perform_expect_success(turn, reply))
        return;
    if (json_len(json_get(reply->object, "metadata.finalizers")) > 0)
        context_learn_written(turn->ctx, kind, reply->object);
    else
        store_bury(turn->ctx->store, kind, s->ns, s->name, s->uid); /* a Status, or the object as it was at its end */
    turn_log(turn, LOG_INFO, "deleted", "rule", turn->asked.rule, "kind", s->kind, "object", s->name, NULL);
    perform_succeeded(turn);
}

void perform_delete(struct turn *turn)
{
    const struct stray *s = &turn->asked.delete;

    assert(s->uid && kind_by_name(s->kind) < KIND_COUNT);
    turn->request = kube_delete(turn->ctx->client, kind_resource(kind_by_name(s->kind)), s->ns, s->name, s->uid,
                                s->foreground, on_deleted, turn);
}
