#include "runner/decide.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "runner/rules.h"
#include "runner/status.h"
#include "runner/trace.h"

/* After a failure a rule makes no call before its time: it waits and says why. */
static struct action gated(struct action act, const struct observed *o)
{
    const struct attempt *failed = failed_attempt(o, act.kind == ACT_REPORT ? RULE_REPORT : act.rule);
    assert(act.rule && act.kind != ACT_PASS && act.kind != ACT_DONE);

    if (act.kind == ACT_WAIT || !failed || o->now_ms >= failed->retry_at_ms)
        return act;
    return (struct action){.kind = ACT_WAIT,
                           .rule = act.rule,
                           .wait = {.reason = failed->err.reason,
                                    .message = failed->err.text,
                                    .stalled = failed->err.kind == ERR_DENIED || failed->err.kind == ERR_INVALID,
                                    .quiet = strcmp(failed->err.reason, CONFIRMING) == 0,
                                    .retry_at_ms = failed->retry_at_ms}};
}

struct action rules_first(const struct rule *rules, const struct observed *o, struct arena *a)
{
    struct action act = act_pass;

    for (; rules->name && act.kind == ACT_PASS; rules++) {
        act = rules->ask(o, a);
        if (act.kind != ACT_PASS) {
            assert(act.kind != ACT_WAIT || (act.wait.reason && act.wait.message));
            act.rule = act.rule ? act.rule : rules->name;
            act = gated(act, o);
        }
        trace_note(o->trace, rules, &act);
    }
    return act;
}

static struct finding finding_of(const struct action *act)
{
    if (act->kind != ACT_WAIT)
        return (struct finding){0};
    return (struct finding){.reason = act->wait.reason, .message = act->wait.message, .stalled = act->wait.stalled};
}

/* Both halves have said all they can: show it, then wait for whichever is due first. */
static struct action settle(const struct observed *o, struct action registration, struct action manager,
                            struct arena *a)
{
    assert(registration.kind == ACT_PASS || registration.kind == ACT_WAIT);
    assert(manager.kind == ACT_PASS || manager.kind == ACT_WAIT);
    struct finding why_registration = finding_of(&registration), why_manager = finding_of(&manager);
    struct json_object *status = status_render(o, &why_registration, &why_manager, a);
    bool quiet = registration.kind == ACT_WAIT && registration.wait.quiet;

    if (!quiet && !status_is_shown(o, status))
        return gated((struct action){.kind = ACT_STATUS, .rule = "status", .status = status}, o);
    if (registration.kind != ACT_WAIT && manager.kind != ACT_WAIT)
        return (struct action){.kind = ACT_DONE};

    struct action first = registration.kind == ACT_WAIT ? registration : manager;
    if (manager.kind == ACT_WAIT && manager.wait.retry_at_ms &&
        (!first.wait.retry_at_ms || manager.wait.retry_at_ms < first.wait.retry_at_ms))
        first.wait.retry_at_ms = manager.wait.retry_at_ms;
    return first;
}

static struct action decide_deletion(const struct observed *o, struct arena *a)
{
    struct action act = rules_first(deletion_rules, o, a);

    if (act.kind == ACT_PASS)
        return (struct action){.kind = ACT_DONE};
    if (act.kind != ACT_WAIT || o->gone)
        return act;
    act.wait.message = arena_printf(a, "%s; %s", act.wait.message, deletion_way_out(o, act.rule, a));
    return settle(o, act, act_pass, a);
}

/* What is not watched is read before anything is decided about it; but a token that nobody else has is saved first. */
static struct action see_everything(const struct observed *o, struct arena *a)
{
    struct action act = o->memory->issued ? act_pass : rules_first(unseen_rules, o, a);

    return act.kind == ACT_WAIT && act.wait.stalled ? settle(o, act, act_pass, a) : act;
}

static struct action decide_what_is_to_be(const struct observed *o, struct arena *a)
{
    struct action unseen = see_everything(o, a);
    if (unseen.kind != ACT_PASS)
        return unseen;
    struct action registration = rules_first(registration_rules, o, a);
    bool waits = registration.kind == ACT_GITLAB && o->in_line; /* the manager does not */
    if (registration.kind != ACT_PASS && registration.kind != ACT_WAIT && !waits)
        return registration;
    if (!o->spec || o->spec->suspend)
        return waits ? registration : settle(o, registration, act_pass, a);
    struct action manager = rules_first(manager_rules, o, a);
    if (manager.kind != ACT_PASS && manager.kind != ACT_WAIT)
        return manager;
    if (waits)
        return registration;
    return settle(o, registration, manager, a);
}

/* Whatever a deletion waits for, the end of its patience is not overslept. */
static int64_t end_of_patience(const struct observed *o)
{
    assert(o->deleting);
    int64_t left_ms = (deletion_patience(o) - o->now) * 1000;

    return left_ms > 0 ? o->now_ms + left_ms : 0;
}

/* Which of two times comes first; 0: never. */
static int64_t sooner(int64_t a, int64_t b)
{
    return a && (!b || a < b) ? a : b;
}

/* A look whose time has come, and which was not taken, has something before it, which wakes. */
static int64_t next_look_at_pods(const struct observed *o)
{
    return pods_due(o) > o->now_ms ? pods_due(o) : 0;
}

struct action decide(const struct observed *o, struct arena *a)
{
    assert(o->memory && o->owner.uid && (!o->gone || o->deleting));
    struct action rights = o->deleting ? act_pass : rules_first(rights_rules, o, a);

    if (rights.kind != ACT_PASS && rights.kind != ACT_WAIT)
        return rights;
    if (o->calling) /* all else waits for what comes of it, which wakes the runner */
        return (struct action){.kind = ACT_WAIT,
                               .rule = "answer",
                               .wait = {.reason = "Registering",
                                        .message = "GitLab is being asked: nothing is done before it has answered"}};
    struct action act = o->deleting ? decide_deletion(o, a) : decide_what_is_to_be(o, a);

    assert(act.kind != ACT_PASS && (act.rule || act.kind == ACT_DONE || act.kind == ACT_WAIT));
    assert(!o->gone || (act.kind != ACT_STATUS && act.kind != ACT_FINALIZER));
    if (o->deleting && act.kind == ACT_WAIT)
        act.again_at_ms = end_of_patience(o);
    else if (act.kind == ACT_WAIT || act.kind == ACT_DONE)
        act.again_at_ms = sooner(next_look(o, act.kind == ACT_WAIT && act.wait.retry_at_ms, a), next_look_at_pods(o));
    assert(!act.again_at_ms || act.again_at_ms > o->now_ms);
    return act;
}
