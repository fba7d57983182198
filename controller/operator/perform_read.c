/* ACT_READ: a value that lives in a Secret or ConfigMap. */
#include "net/loop.h"
#include "operator/perform.h"
#include "operator/reads.h"
#include "operator/values.h"
#include "runner/learn.h"

static void on_read(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum readable what = turn->asked.read;
    const struct value_source source = value_source_of(&turn->observed, what, &turn->mem);

    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        perform_kube_failed(turn, &reply->err);
        return;
    }
    struct json_object *object = reply->err.kind == ERR_NONE ? reply->object : NULL;
    turn->observed.now = loop_wall(turn->ctx->loop);
    value_learn(&turn->observed, what, object, &turn->mem);
    if (what == READ_TOKEN && !(object && perform_is_ours(turn, source.kind, object)))
        learn_token_absent(&turn->state->memory, &turn->observed);
    perform_succeeded(turn);
}

/* A person's, whom other runners may name, too. */
static bool is_shared(enum readable what)
{
    return what != READ_TOKEN && what != READ_CONFIG && what != READ_ACCOUNT;
}

void perform_read(struct turn *turn)
{
    enum readable what = turn->asked.read;
    const struct value_source source = value_source_of(&turn->observed, what, &turn->mem);
    const char *all = source.kind == KIND_SERVICE_ACCOUNT ? NULL : "*";

    reads_ask(turn, source.kind, source.name, source.key ? source.key : all, is_shared(what), on_read);
}
