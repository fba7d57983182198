/* ACT_READ: a value that lives in a Secret or ConfigMap. */
#include <assert.h>

#include "net/loop.h"
#include "operator/perform.h"
#include "operator/values.h"
#include "runner/learn.h"

/* Nobody would tell of the end of an account that the watch does not show. */
static void learn_what_was_read(struct turn *turn, const struct value_source *source, struct json_object *object)
{
    if (source->kind == KIND_SERVICE_ACCOUNT)
        return;
    if (object)
        turn_learn_presence(turn, source->kind, object);
    else
        turn_learn_absence(turn, source->kind, turn->observed.owner.ns, source->name);
}

static void on_read(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum readable what = turn->asked.read;
    const struct value_source source = value_source_of(&turn->observed, what, &turn->mem);

    turn->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        perform_kube_failed(turn, &reply->err);
        return;
    }
    struct json_object *object = reply->err.kind == ERR_NONE ? reply->object : NULL;
    learn_what_was_read(turn, &source, object);
    turn->observed.now = loop_wall(turn->ctx->loop);
    value_learn(&turn->observed, what, object, &turn->mem);
    if (what == READ_TOKEN && !(object && perform_is_ours(turn, source.kind, object)))
        learn_token_absent(&turn->state->memory, &turn->observed);
    perform_succeeded(turn);
}

void perform_read(struct turn *turn)
{
    const struct value_source source = value_source_of(&turn->observed, turn->asked.read, &turn->mem);
    assert(source.name);
    const char *all = source.kind == KIND_SERVICE_ACCOUNT ? NULL : "*";

    turn_get(turn, source.kind, turn->observed.owner.ns, source.name, source.key ? source.key : all, on_read);
}
