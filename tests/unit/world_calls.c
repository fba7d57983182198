/* The operator's process asks GitLab, and learns from the answer. */
#include "world.h"

#include <string.h>

#include "runner/learn.h"

static bool only_looks(enum gitlab_call what)
{
    return what == GITLAB_SHOW || what == GITLAB_TRY || what == GITLAB_VERSION || what == GITLAB_SELF ||
           what == GITLAB_INSPECT;
}

/* A deleted runner stays at GitLab while its managers have jobs, unless nobody waits for them any longer; or nobody can
 * see them, in an old view. */
static void expect_no_manager(struct world *w, enum gitlab_call what)
{
    const struct object *manager = &w->process.seen.children[CHILD_DEPLOYMENT][PLACE_OWN];
    bool ends = what == GITLAB_DEREGISTER || what == GITLAB_REMOVE;

    if (ends && w->observed.deleting && manager->exists && manager->owner == OUR_UID &&
        !(w->process.memory.given_up & GAVE_UP_MANAGER))
        world_violate(w, "deregistered while a manager may have jobs");
}

void world_call(struct world *w, const struct action *act)
{
    expect_no_manager(w, act->gitlab.call);
    const struct call_answer answer = gitlab_call_made(w, act);
    bool done = answer.err.kind == ERR_NONE && !only_looks(act->gitlab.call);

    world_trace(w, "  GitLab: %s, runner %lld", answer.err.kind ? answer.err.reason : "done", (long long)answer.id);
    w->journal.writes += done;
    w->journal.changes += done;
    w->observed.now_ms = w->now_ms;
    w->observed.now = w->now_ms / 1000;
    const struct learned learned =
        learn_gitlab(&w->process.memory, &w->observed, act, &answer, world_random(w, 1u << 30), &w->mem);
    w->journal.possible_orphans += learned.reason && strcmp(learned.reason, "RunnerLost") == 0;
    if (learned.failed)
        world_trace(w, "  failed: %s", learned.err.reason);
}
