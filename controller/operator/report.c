#include "operator/report.h"

#include <assert.h>
#include <string.h>

#include "base/jitter.h"
#include "base/log.h"
#include "kube/event.h"
#include "net/loop.h"
#include "runner/learn.h"

/* Nobody has answered: whatever comes next needs the API server as well, and the report may be all that is ever known
 * of a runner. One that is refused is in the log. */
static bool is_told_again(struct turn *turn, const struct kube_reply *reply)
{
    if (!event_sends_again(reply, memory_failures(&turn->state->memory, RULE_REPORT))) {
        memory_succeed(&turn->state->memory, RULE_REPORT);
        return false;
    }
    memory_fail(&turn->state->memory, RULE_REPORT, &reply->err, loop_now(turn->ctx->loop), jitter_random());
    return true;
}

static void on_told(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const char *reason = turn->asked.report.reason;

    turn->request = 0;
    event_sent(&turn->ctx->stats->events, reply);
    if (is_told_again(turn, reply)) {
        turn_ready(turn);
        return;
    }
    turn->ctx->stats->orphans.unrecorded += strcmp(reason, "OrphanedRunner") == 0;
    learn_reported(&turn->state->memory, reason);
    turn_ready(turn);
}

void report_perform(struct turn *turn)
{
    const struct action *act = &turn->asked;
    const char *last = turn->observed.memory->reported;
    bool again = last && strcmp(last, act->report.reason) == 0;
    assert(act->kind == ACT_REPORT && act->report.reason);
    enum log_level level = again ? LOG_DEBUG : act->report.warning ? LOG_WARN : LOG_INFO;

    turn_log(turn, level, act->report.reason, "message", act->report.message, NULL);
    turn->request = turn_send_event(turn, act->report.warning, act->report.reason, act->report.message, on_told, turn);
}
