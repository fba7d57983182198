/* ACT_RECORD: what is left behind goes into the ledger (ledger.h). */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "net/loop.h"
#include "operator/ledger.h"
#include "operator/orphans.h"
#include "operator/perform.h"
#include "runner/learn.h"

static const char *ledger_entry_of(struct turn *turn)
{
    return orphan_text(&turn->observed.owner, &turn->asked.record, loop_wall(turn->ctx->loop), &turn->mem);
}

static const char *ledger_key_of(struct turn *turn)
{
    return orphan_key(&turn->observed.owner, &turn->asked.record, &turn->mem);
}

static void recorded(struct turn *turn)
{
    const struct orphan *orphan = &turn->asked.record;

    memory_succeed(&turn->state->memory, turn->asked.rule);
    learn_recorded(&turn->state->memory);
    turn->ctx->stats->orphans.recorded++;
    turn_event(
        turn, true, "OrphanedRunner",
        arena_printf(&turn->mem,
                     "runner %lld was left behind at %s: %s; Secret %s/%s keeps its token, and it is deregistered "
                     "when GitLab allows it",
                     (long long)orphan->runner_id, orphan->url, orphan->why, turn->ctx->ns, LEDGER_NAME));
    turn_log(turn, LOG_WARN, "OrphanedRunner", "url", orphan->url, "error", orphan->why, NULL);
}

static void on_created(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    struct err err = reply->err;

    turn->request = 0;
    orphans_written(turn->ctx->orphans, ledger_key_of(turn), err.kind == ERR_NONE);
    if (err.kind == ERR_CONFLICT) /* somebody else has made it just now */
        err.kind = ERR_RETRY;
    if (err.kind != ERR_NONE) {
        perform_kube_failed(turn, &err);
        return;
    }
    recorded(turn);
    turn_ready(turn);
}

static void on_written(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (reply->err.kind == ERR_NOT_FOUND)
        turn->request = ledger_create(turn->ctx, ledger_key_of(turn), ledger_entry_of(turn), on_created, turn);
    else
        on_created(turn, reply);
}

static bool admit(struct turn *turn, const char *text, struct err *err)
{
    const struct owner *owner = &turn->observed.owner;

    if (!text)
        return err_set(err, ERR_INVALID, "TooLarge",
                       "it has no place in the ledger, which takes %d bytes of one runner", ORPHAN_TEXT_MAX);
    return orphans_admit(turn->ctx->orphans, ledger_key_of(turn), owner->ns,
                         orphan_name(owner, &turn->asked.record, &turn->mem),
                         strlen(ledger_key_of(turn)) + strlen(text), err);
}

void perform_record(struct turn *turn)
{
    struct err err;

    assert(turn->asked.kind == ACT_RECORD && turn->asked.record.token);
    if (!admit(turn, ledger_entry_of(turn), &err)) {
        perform_kube_failed(turn, &err);
        return;
    }
    turn->request = ledger_write(turn->ctx, ledger_key_of(turn), ledger_entry_of(turn), on_written, turn);
}
