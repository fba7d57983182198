/* How `explain` prints: for people, and as data. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "plugin/command.h"
#include "plugin/explain.h"
#include "plugin/session.h"
#include "plugin/wrap.h"
#include "runner/reasons.h"
#include "version.h"

enum { LABEL_COLUMNS = 11 };

static const enum tone tones_of_marks[] = {
    [MARK_OK] = TONE_GOOD,      [MARK_WAITS] = TONE_WARN,        [MARK_STOP] = TONE_BAD,
    [MARK_WOULD] = TONE_STRONG, [MARK_NOT_REACHED] = TONE_FAINT, [MARK_MOOT] = TONE_FAINT,
};

static enum tone tone_of_standing(enum standing standing)
{
    if (standing <= STANDING_UNSERVED)
        return TONE_BAD;
    return standing == STANDING_GOOD ? TONE_GOOD : TONE_WARN;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The head and the rules */

static void print_head(const struct wrap *w, const struct explained *e)
{
    const struct owner *owner = &e->survey->observed.owner;
    const struct headline *h = &e->says.headline;
    enum tone tone = tone_of_standing(h->standing);

    fprintf(w->out, "%s/%s: %s%s%s\n", harmless(owner->ns, w->a), harmless(owner->name, w->a),
            tone_begin(w->terminal, tone), harmless(h->text, w->a), tone_end(w->terminal, tone));
    if (*h->message && h->standing != STANDING_GOOD)
        wrap_text(w, "", TONE_PLAIN, h->message);
}

/* Who asks, and whether the operator says the same. */
static const char *comparison(const struct explained *e, struct arena *a)
{
    const struct explanation *says = &e->says;
    const char *asked = arena_printf(a, "asked by %s; the operator%s%s", version_number(), e->version ? ", " : "",
                                     e->version ? arena_printf(a, "%s,", e->version) : "");

    if (says->same)
        return arena_printf(a, "%s says the same", asked);
    if (!says->reason)
        return arena_printf(a, "%s has not done yet what would be done", asked);
    return arena_printf(a, "%s says %s, where %s is seen from here", asked,
                        *says->headline.reason ? says->headline.reason : "nothing", says->reason);
}

static bool is_quiet(const struct explained_rule *r)
{
    return r->mark == MARK_OK || r->mark == MARK_NOT_REACHED || r->mark == MARK_MOOT;
}

/* A rule that leads to others leaves it to them to say why. */
static bool is_told_below(const struct explanation *e, size_t i)
{
    return i + 1 < e->rules_len && e->rules[i + 1].depth > e->rules[i].depth && !is_quiet(&e->rules[i]);
}

static void print_rule(const struct wrap *w, const struct explanation *e, size_t i)
{
    const struct explained_rule *r = &e->rules[i];
    const char *label = arena_printf(w->a, "  %-7s", mark_name(r->mark));
    const char *text = r->why && !is_told_below(e, i) ? r->why : r->says;

    if (r->mark == MARK_MOOT)
        return;
    if (r->reason && !is_told_below(e, i))
        text = arena_printf(w->a, "%s: %s: %s", r->name, r->reason, text);
    else
        text = arena_printf(w->a, "%s: %s%s", r->name, r->mark == MARK_WOULD && r->why ? "next, " : "", text);
    wrap_text(w, label, tones_of_marks[r->mark], text);
}

static void print_count(const struct wrap *w, const struct explanation *e, enum mark mark, const char *what)
{
    size_t n = 0;

    for (size_t i = 0; i < e->rules_len; i++)
        n += e->rules[i].mark == mark;
    if (n)
        wrap_text(w, arena_printf(w->a, "  %-7s", mark_name(mark)), tones_of_marks[mark],
                  arena_printf(w->a, "%zu rule%s %s", n, n == 1 ? "" : "s", what));
}

static void print_rules(const struct wrap *w, const struct explained *e, bool all)
{
    wrap_text(w, "RULES", TONE_STRONG, comparison(e, w->a));
    if (!all)
        print_count(w, &e->says, MARK_OK, "as they should be");
    for (size_t i = 0; i < e->says.rules_len; i++)
        if (all || (!is_quiet(&e->says.rules[i]) && !is_told_below(&e->says, i)))
            print_rule(w, &e->says, i);
    if (!all)
        print_count(w, &e->says, MARK_NOT_REACHED, "not reached");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Managers, conditions, Events, the operator */

static void print_managers(const struct wrap *w, const struct survey *s)
{
    for (size_t i = 0; i < s->pods_len; i++) {
        const struct surveyed_pod *p = &s->pods[i];
        const char *how = p->trouble.reason ? arena_printf(w->a, "%s: %s", p->trouble.reason, p->trouble.message)
                                            : arena_printf(w->a, "%s%s", p->phase, p->ready ? ", ready" : "");
        wrap_text(w, i == 0 ? "MANAGERS" : "", TONE_STRONG,
                  arena_printf(w->a, "%s %s %s", p->name, *p->node ? p->node : "-", how));
    }
}

/* What the headline has not told yet, and is not as it should be. */
static bool is_worth_telling(const struct explained_condition *c, const struct headline *h)
{
    static const char *const sums[] = {"Ready", "Stalled", "Reconciling"};
    bool good = strcmp(c->status, "True") == 0;

    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        if (strcmp(c->type, sums[i]) == 0)
            return false;
    if (strcmp(c->type, "VersionSkew") == 0 || strcmp(c->type, "TokenExpiring") == 0)
        return good;
    const struct reason *known = reason_of(c->reason);
    return !good && strcmp(c->message, h->message) != 0 && !(known && known->group == REASON_WORK);
}

static void print_conditions(const struct wrap *w, const struct explained *e)
{
    const char *label = "CONDITIONS";

    for (size_t i = 0; i < e->says.conditions_len; i++) {
        const struct explained_condition *c = &e->says.conditions[i];
        if (!is_worth_telling(c, &e->says.headline))
            continue;
        int64_t age = c->since ? e->survey->observed.now - c->since : 0;
        wrap_text(w, label, TONE_STRONG,
                  arena_printf(w->a, "%s=%s for %s, %s: %s%s%s", c->type, c->status,
                               c->since ? age_text(age, w->a) : "?", c->reason, c->message, c->remedy ? "; " : "",
                               c->remedy ? c->remedy : ""));
        label = "";
    }
}

static void print_events(const struct wrap *w, const struct survey *s)
{
    for (size_t i = 0; i < json_len(s->events); i++) {
        struct json_object *event = json_at(s->events, i);
        int64_t count = json_int_or(event, "count", 1);
        const char *age = age_text(s->observed.now - json_int_or(event, "time", 0), w->a);
        wrap_text(w, i == 0 ? "EVENTS" : "", TONE_STRONG,
                  arena_printf(w->a, "%s%s %s: %s", age,
                               count > 1 ? arena_printf(w->a, " x%lld", (long long)count) : "",
                               json_str_or(event, "reason", "?"), json_str_or(event, "message", "")));
    }
}

static const char *next_text(const struct explanation *says, struct arena *a)
{
    if (says->next_ms < 0)
        return says->next;
    return says->next_ms == 0 ? arena_printf(a, "at once: %s", says->next)
                              : arena_printf(a, "%s; looks again in %s", says->next, age_text(says->next_ms / 1000, a));
}

static void print_operator(const struct wrap *w, const struct explained *e)
{
    const struct installations *all = &e->survey->installations;
    const struct installation *o = &all->items[0];

    if (!all->len)
        return;
    wrap_text(w, "OPERATOR", TONE_STRONG,
              arena_printf(w->a, "%s in %s, %lld of %lld ready%s%s", *o->version ? o->version : "?", o->ns,
                           (long long)o->ready, (long long)o->wanted, *o->holder ? ", led by " : "", o->holder));
}

static void print_not_seen(const struct wrap *w, const struct plugin_call *call)
{
    for (size_t i = 0; i < call->not_seen_len; i++)
        wrap_text(w, "NOT SEEN", TONE_WARN,
                  arena_printf(w->a, "%s: needs %s", call->not_seen[i].what, call->not_seen[i].needs));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What to do */

static void print_edit(const struct wrap *w, const struct explained *e)
{
    const struct advice *advice = &e->says.advice;
    const char *value = advice->value ? arena_printf(w->a, ": %s", advice->value) : "";

    if (!advice->field)
        return;
    if (e->tool)
        wrap_text(w, "", TONE_PLAIN, arena_printf(w->a, "%s%s, in git: %s owns it", advice->field, value, e->tool));
    else if (advice->edit)
        wrap_command(w, "", advice->edit);
    else
        wrap_text(w, "", TONE_PLAIN, arena_printf(w->a, "it is %s%s", advice->field, value));
}

static void print_advice(const struct wrap *w, const struct explained *e)
{
    const struct advice *advice = &e->says.advice;

    if (!advice->text) {
        wrap_text(w, "DO THIS", TONE_STRONG,
                  e->says.headline.standing == STANDING_GOOD ? "nothing: all is well" : "nothing: wait");
        return;
    }
    wrap_text(w, "DO THIS", TONE_STRONG, advice->text);
    for (size_t i = 0; advice->commands[i]; i++)
        wrap_command(w, "", advice->commands[i]);
    print_edit(w, e);
}

void explain_print(const struct plugin_call *call, const struct explained *e, bool all_rules)
{
    const struct terminal terminal = terminal_of(stdout);
    const struct wrap w = {.out = stdout, .terminal = &terminal, .a = call->a, .indent = LABEL_COLUMNS};

    print_head(&w, e);
    print_rules(&w, e, all_rules);
    wrap_text(&w, "NEXT", TONE_STRONG, next_text(&e->says, call->a));
    print_managers(&w, e->survey);
    print_conditions(&w, e);
    print_events(&w, e->survey);
    print_operator(&w, e);
    print_not_seen(&w, call);
    print_advice(&w, e);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * As data */

static struct json_object *managers_json(const struct survey *s)
{
    struct json_object *ret = json_build("[]");

    for (size_t i = 0; i < s->pods_len; i++) {
        const struct surveyed_pod *p = &s->pods[i];
        json_append(ret, json_build("{name: %s, node: %s, phase: %s, ready: %b, reason: %s, message: %s}", p->name,
                                    p->node, p->phase, p->ready, p->trouble.reason, p->trouble.message));
    }
    return ret;
}

static struct json_object *not_seen_json(const struct plugin_call *call)
{
    struct json_object *ret = json_build("[]");

    for (size_t i = 0; i < call->not_seen_len; i++)
        json_append(ret, json_build("{what: %s, needs: %s}", call->not_seen[i].what, call->not_seen[i].needs));
    return ret;
}

struct json_object *explained_json(const struct plugin_call *call, const struct explained *e)
{
    const struct owner *owner = &e->survey->observed.owner;
    struct json_object *ret = json_build("{namespace: %s, name: %s}", owner->ns, owner->name);
    cleanup_json struct json_object *says = explanation_json(&e->says);

    json_each (it, says)
        json_object_object_add(ret, it.key, json_ref(it.value));
    json_set_str(ret, "doThis.ownedBy", e->tool);
    json_set(ret, "managers", managers_json(e->survey));
    json_set(ret, "events", e->survey->events ? json_ref(e->survey->events) : json_build("[]"));
    json_set(ret, "versions", json_build("{plugin: %s, operator: %s}", version_number(), e->version));
    json_set(ret, "notSeen", not_seen_json(call));
    return ret;
}
