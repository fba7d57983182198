#include "operator/report.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/event.h"

enum { SURE = 1, GONE = 2, DEAD = 4 }; /* no doubt is left; nor, for us, a runner; nor a good token */

static const struct settlement {
    const char *reason;
    unsigned settles, gives_up;
} settlements[] = {
    {"PossibleOrphan", SURE, 0},
    {"OrphanedRunner", SURE | GONE, 0},
    {"RunnerKept", SURE | GONE, 0},
    {"RunnerLost", SURE | GONE | DEAD, 0},
    {"ManagerNotStopped", 0, GAVE_UP_MANAGER},
    {"ObjectLeftBehind", 0, GAVE_UP_ELSEWHERE},
};

static void settle_report(struct state *state, const struct settlement *s)
{
    state->memory.doubt = s->settles & SURE ? DOUBT_NONE : state->memory.doubt;
    state->memory.deregistered |= (s->settles & GONE) != 0;
    state->memory.config_token_dead |= (s->settles & DEAD) != 0;
    state->memory.given_up |= s->gives_up;
}

static void on_told(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const char *reason = turn->asked.report.reason;

    turn->request = 0;
    event_sent(&turn->shop->stats->events, reply);
    turn->state->memory.reported = reason;
    turn->shop->stats->orphans.unrecorded += strcmp(reason, "OrphanedRunner") == 0;
    for (size_t i = 0; i < ARRAY_LEN(settlements); i++)
        if (strcmp(settlements[i].reason, reason) == 0)
            settle_report(turn->state, &settlements[i]);
    turn_ready(turn);
}

void report_perform(struct turn *turn)
{
    const struct action *act = &turn->asked;
    bool again = turn->state->memory.reported && strcmp(turn->state->memory.reported, act->report.reason) == 0;
    enum log_level level = again ? LOG_DEBUG : act->report.warning ? LOG_WARN : LOG_INFO;

    turn_log(turn, level, act->report.reason, "message", act->report.message, NULL);
    turn->request = turn_send_event(turn, act->report.warning, act->report.reason, act->report.message, on_told, turn);
}
