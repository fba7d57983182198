/* What the rules say of a runner at rest, by the very decision. */
#include "runner/explain.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "runner/cache.h"
#include "runner/explain_parts.h"
#include "runner/reasons.h"
#include "runner/status.h"

enum { LOOKS_MAX = 2 * READ_COUNT, SUPPOSED_AGAIN_MS = 24 * 3600 * 1000 };

/* ---------------------------------------------------------------------------------------------------------------------
 * What is not known here */

/* A Secret of the cache with all that is needed. */
static const char *assumed_cache(const struct observed *o, struct arena *a)
{
    struct json_object *data = arena_json(a, json_build("{}"));

    for (const char *key; (key = cache_missing_key(o->spec->cache, data, a)) && !json_member(data, key);)
        json_put_member(data, key, "4oCm"); /* "…" */
    return json_text(data);
}

/* Nobody has read it, so it is taken for good. */
static void assume(struct observed *o, enum readable what, struct arena *a)
{
    struct observed_value *value = &o->values[what];

    value->lookup = LOOKUP_FOUND;
    value->unseen = false;
    value->value = what == READ_ACCOUNT ? NULL : what == READ_CACHE ? assumed_cache(o, a) : "…";
}

static bool is_of_the_api_server(const struct reason *reason)
{
    return reason->group == REASON_KUBERNETES || reason->group == REASON_AGAIN;
}

/* What the status tells can have come of this action, which is about to be done, as it was before. */
static bool can_come_of(const struct reason *reason, const struct action *act)
{
    switch (act->kind) {
    case ACT_READ:
        return reason->origin == REASON_OF_VALUE;
    case ACT_GITLAB:
        return reason->origin == REASON_OF_CALL && reason->group != REASON_KUBERNETES;
    case ACT_FINALIZER:
    case ACT_APPLY:
    case ACT_DELETE:
    case ACT_RECORD:
        return is_of_the_api_server(reason);
    case ACT_PASS:
    case ACT_WAIT:
    case ACT_LOOK:
    case ACT_REPORT:
    case ACT_STATUS:
    case ACT_DONE:
        break;
    }
    return false;
}

static const char *failure_told(const struct observed *o)
{
    const char *ready = condition_get(o->status, "Ready", "status");
    bool current = json_int_or(o->status, "observedGeneration", -1) == o->generation;

    return current && ready && strcmp(ready, "False") == 0 ? condition_get(o->status, "Ready", "reason") : NULL;
}

/* The operator has tried what is to be done next, in vain, and its status says why: so it stands there. Who is the
 * operator remembers that, but for what it has read. */
static bool suppose(struct observed *o, const struct action *act, struct attempt *ret)
{
    const char *told = failure_told(o), *stalled = condition_get(o->status, "Stalled", "status");
    const struct reason *reason = told ? reason_of(told) : NULL;

    if (o->supposed || !reason || !can_come_of(reason, act) || (act->kind != ACT_READ && !o->bystander))
        return false;
    *ret = (struct attempt){.rule = act->rule, .retry_at_ms = o->now_ms + SUPPOSED_AGAIN_MS};
    err_set(&ret->err, stalled && strcmp(stalled, "True") == 0 ? ERR_INVALID : ERR_RETRY, told, "%s",
            condition_get(o->status, "Ready", "message"));
    o->supposed = ret;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Where it stands */

static bool is_of_the_end(const struct action *act)
{
    return act->kind == ACT_STATUS && act->rule && strcmp(act->rule, "status") == 0;
}

/* To where it goes on by somebody else alone, or where something is to be done. */
static struct action walk(struct observed *o, struct trace *trace, struct attempt *failed, struct arena *a)
{
    struct action act = act_pass;

    o->trace = trace;
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        *trace = (struct trace){.len = 0};
        act = decide(o, a);
        if (suppose(o, &act, failed))
            continue;
        if (act.kind == ACT_READ)
            assume(o, act.read, a);
        else if (is_of_the_end(&act))
            o->status = act.status;
        else
            break;
    }
    return act;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The rules */

const char *mark_name(enum mark mark)
{
    static const char *const names[] = {
        [MARK_OK] = "ok",       [MARK_WAITS] = "waits",   [MARK_STOP] = "STOP",
        [MARK_WOULD] = "would", [MARK_NOT_REACHED] = "-", [MARK_MOOT] = "",
    };

    assert(mark < ARRAY_LEN(names));
    return names[mark];
}

static enum mark mark_of(const struct action *act)
{
    if (act->kind == ACT_PASS)
        return MARK_OK;
    if (act->kind != ACT_WAIT)
        return MARK_WOULD;
    return act->wait.stalled ? MARK_STOP : MARK_WAITS;
}

static struct explained_rule *add_rule(struct explanation *e, const char *table, const struct rule *rule,
                                       enum mark mark)
{
    assert(e->rules_len < EXPLAINED_RULES_MAX);
    struct explained_rule *ret = &e->rules[e->rules_len++];

    *ret = (struct explained_rule){.table = table, .name = rule->name, .says = rule->says, .mark = mark};
    return ret;
}

static void explain_rule(struct explanation *e, const char *table, const struct rule *rule, const struct trace *trace,
                         enum mark unasked, struct arena *a);

/* unasked: of those that the decision did not come to. */
static void explain_table(struct explanation *e, const char *table, const struct rule *rules, const struct trace *trace,
                          enum mark unasked, struct arena *a)
{
    for (; rules->name; rules++)
        explain_rule(e, table, rules, trace, unasked, a);
}

static void explain_rule(struct explanation *e, const char *table, const struct rule *rule, const struct trace *trace,
                         enum mark unasked, struct arena *a)
{
    const struct action *said = trace_of(trace, rule);
    struct explained_rule *line = add_rule(e, table, rule, said ? mark_of(said) : unasked);

    if (said && said->kind == ACT_WAIT)
        line->reason = said->wait.reason;
    if (said && said->kind != ACT_PASS)
        line->why = said->kind == ACT_WAIT ? said->wait.message : action_text(said, a);
    if (!rule->below)
        return;
    size_t first = e->rules_len;
    explain_table(e, "registering", rule->below, trace, line->mark == MARK_OK ? MARK_MOOT : MARK_NOT_REACHED, a);
    for (size_t i = first; i < e->rules_len; i++)
        e->rules[i].depth = 1;
}

static void explain_rules(const struct observed *o, const struct trace *trace, struct explanation *e, struct arena *a)
{
    if (o->deleting) {
        explain_table(e, "deletion", deletion_rules, trace, MARK_NOT_REACHED, a);
        return;
    }
    explain_table(e, "rights", rights_rules, trace, MARK_NOT_REACHED, a);
    explain_table(e, "sight", unseen_rules, trace, MARK_NOT_REACHED, a);
    explain_table(e, "registration", registration_rules, trace, MARK_NOT_REACHED, a);
    explain_table(e, "manager", manager_rules, trace, MARK_NOT_REACHED, a);
}

/* The registration comes first, as with Ready; what is to be done comes before what waits. */
static const struct explained_rule *decisive_rule(const struct explanation *e, const struct action *act)
{
    bool waits = act->kind == ACT_WAIT;
    const struct explained_rule *ret = NULL;

    for (size_t i = 0; i < e->rules_len; i++) {
        const struct explained_rule *r = &e->rules[i];
        bool counts = waits ? (r->mark == MARK_STOP || r->mark == MARK_WAITS) && strcmp(r->table, "rights") != 0
                            : r->mark == MARK_WOULD;
        if (counts && (!ret || r->depth > ret->depth || act->kind != ACT_WAIT))
            ret = r;
    }
    return act->kind == ACT_DONE ? NULL : ret;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Conditions, and what comes next */

static struct explained_condition explained_condition_of(struct json_object *c)
{
    static const char *const good_when_false[] = {"Stalled", "Reconciling"};
    const char *type = json_str_or(c, "type", "?"), *status = json_str_or(c, "status", "?"),
               *reason = json_str_or(c, "reason", "");
    const struct reason *known = reason_of(reason);
    int64_t since = time_parse(json_str(c, "lastTransitionTime"));
    bool sum = strcmp(type, good_when_false[0]) == 0 || strcmp(type, good_when_false[1]) == 0;

    return (struct explained_condition){.type = type,
                                        .status = status,
                                        .reason = reason,
                                        .message = json_str_or(c, "message", ""),
                                        .since = since > 0 ? since : 0,
                                        .remedy = known && !sum ? known->remedy : NULL};
}

static void explain_conditions(struct json_object *status, struct explanation *e)
{
    struct json_object *conditions = json_get(status, "conditions");

    for (size_t i = 0; i < json_len(conditions) && e->conditions_len < EXPLAINED_CONDITIONS_MAX; i++)
        e->conditions[e->conditions_len++] = explained_condition_of(json_at(conditions, i));
}

static int64_t left(int64_t at_ms, const struct observed *o)
{
    return at_ms > o->now_ms ? at_ms - o->now_ms : at_ms ? 0 : -1;
}

static void explain_next(const struct observed *o, const struct action *act, struct explanation *e, struct arena *a)
{
    int64_t retry_ms = act->kind == ACT_WAIT ? act->wait.retry_at_ms : 0;
    bool supposed = o->supposed && retry_ms == o->supposed->retry_at_ms;

    if (act->kind == ACT_DONE || (act->kind == ACT_WAIT && !retry_ms)) {
        e->next_ms = o->bystander ? -1 : left(act->again_at_ms, o);
        e->next = act->kind == ACT_DONE ? "nothing is left to do" : "it goes on when what it waits for has changed";
    } else if (act->kind == ACT_WAIT) {
        e->next_ms = supposed ? -1 : left(retry_ms, o);
        e->next = "it is tried again";
    } else {
        e->next = action_text(act, a);
    }
}

/* Nothing is said of it before it is known: when the rules have come to an end, or to another status on the way. */
static void explain_verdict(const struct observed *o, const struct action *act, struct json_object *told,
                            struct explanation *e)
{
    if (act->kind != ACT_DONE && act->kind != ACT_WAIT && o->status == told)
        return;
    e->reason = condition_get(o->status, "Ready", "reason");
    e->message = condition_get(o->status, "Ready", "message");
    e->same = e->reason && strcmp(e->reason, e->headline.reason) == 0;
}

/* What is said may point into what is seen and what is supposed, so they live as long. */
void explain(const struct observed *o, struct explanation *ret, struct arena *a)
{
    struct observed *seen = arena_alloc(a, sizeof(*seen));
    struct trace *trace = arena_alloc(a, sizeof(*trace));
    struct attempt *failed = arena_alloc(a, sizeof(*failed));

    *seen = *o;
    struct action act = walk(seen, trace, failed, a);

    *ret = (struct explanation){.headline = explain_headline(o->status, o->generation, o->now, a)};
    explain_rules(seen, trace, ret, a);
    ret->decisive = decisive_rule(ret, &act);
    explain_conditions(o->status, ret);
    explain_verdict(seen, &act, o->status, ret);
    explain_next(seen, &act, ret, a);
    ret->advice = advise(seen, ret, a);
    assert(ret->next && ret->headline.text);
}
