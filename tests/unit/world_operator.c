/* The operator's process around decide(): what its actions come to, what it learns, when it is woken. */
#include "world.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/learn.h"
#include "runner/status.h"

enum {
    STEPS_MAX = 48,
    ROUNDS_MAX = 2000, /* turns until a world must have come to rest                */
    QUIET_ROUNDS = 3,  /* turns in a row that change nothing: it is at rest         */
    ACTION_MS = 10,
    FROZEN_MS = 60 * 1000,
    DEADLINES_S = 6000, /* of managers and of the deregistration, and retries that were due just before */
};

static struct process *process(struct world *w)
{
    return &w->process;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it learns from failures.
 */
void world_failed(struct world *w, const struct action *act, const struct err *err)
{
    memory_fail(&w->process.memory, act->rule, err, w->now_ms, world_random(w, 1u << 30));
}

void world_succeeded(struct world *w, const struct action *act)
{
    memory_succeed(&w->process.memory, act->rule);
}

/* A conflict, or an object that is not there: the store is behind, so look. */
static void look(struct world *w, const struct action *act)
{
    struct process *p = process(w);

    if (act->kind == ACT_FINALIZER || act->kind == ACT_STATUS) {
        w->stale = true;
        api_copy_runner(&p->seen, &w->api);
        return;
    }
    const char *ns = act->kind == ACT_DELETE ? act->delete.ns : json_str(act->apply.manifest, "metadata.namespace");
    const char *name = act->kind == ACT_DELETE ? act->delete.name : json_str(act->apply.manifest, "metadata.name");
    const char *kind = act->kind == ACT_DELETE ? act->delete.kind : child_kind(act->apply.child);
    const struct object *truth = api_find(&w->api, kind, ns, name);
    *api_find(&p->seen, kind, ns, name) = *truth;
    if (act->kind == ACT_APPLY)
        learn_owner(&p->memory, act->apply.child, truth->exists && truth->owner != OUR_UID);
}

static void kubernetes_failed(struct world *w, const struct action *act, const struct err *err)
{
    if (err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND)
        look(w, act);
    else
        world_failed(w, act, err);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Kubernetes: what it learns from answers.
 */
static void see_applied(struct world *w, const struct action *act)
{
    const char *ns = json_str(act->apply.manifest, "metadata.namespace"),
               *name = json_str(act->apply.manifest, "metadata.name");
    const char *kind = child_kind(act->apply.child);
    const struct object *truth = api_find(&w->api, kind, ns, name);

    if (act->apply.child == CHILD_TOKEN_SECRET && !act->apply.release)
        observe_saved_token(&w->observed, arena_printf(&w->mem, "%d", truth->version), &w->mem);
    learn_applied(&w->process.memory, &w->observed, act);
    *api_find(&w->process.seen, kind, ns, name) = *truth;
}

static void learn_deleted(struct world *w, const struct action *act)
{
    const struct stray *s = &act->delete;
    const struct object *truth = api_find(&w->api, s->kind, s->ns, s->name);

    *api_find(&w->process.seen, s->kind, s->ns, s->name) = *truth;
}

/* The whole Secret is read: what it lacks is found out by the rules. */
static struct observed_value read_cache(struct world *w)
{
    static const char *const data[VALUE_TROUBLES] = {[VALUE_FINE] =
                                                         "{\"accesskey\": \"b25l\", \"secretkey\": \"dHdv\"}",
                                                     [VALUE_NO_KEY] = "{\"accesskey\": \"b25l\"}",
                                                     [VALUE_EMPTY] = "{\"accesskey\": \"b25l\", \"secretkey\": \"\"}"};
    const struct value *cache = &w->api.cache;

    return (struct observed_value){.lookup = data[cache->trouble] ? LOOKUP_FOUND : LOOKUP_NO_OBJECT,
                                   .value = data[cache->trouble],
                                   .version = arena_printf(&w->mem, "%d", cache->version)};
}

static struct observed_value read_value(struct world *w, enum readable what)
{
    const struct wish *wish = world_turn_wish(w);
    const struct object *secret =
        &w->api.children[what == READ_CONFIG ? CHILD_CONFIG_SECRET : CHILD_TOKEN_SECRET][PLACE_OWN];
    const struct value *value = what == READ_CA ? api_ca(&w->api, wish) : api_credential(&w->api, wish);
    static const char *const rights[] = {"registration", "access", "glrt-user"};
    static const enum lookup lookups[] = {
        [VALUE_FINE] = LOOKUP_FOUND,  [VALUE_MISSING] = LOOKUP_NO_OBJECT,         [VALUE_NO_KEY] = LOOKUP_NO_KEY,
        [VALUE_EMPTY] = LOOKUP_EMPTY, [VALUE_NOT_FOR_HOST] = LOOKUP_NOT_FOR_HOST, [VALUE_INVALID] = LOOKUP_INVALID,
        [VALUE_WRONG] = LOOKUP_FOUND, [VALUE_WRONG_KIND] = LOOKUP_WRONG_KIND};

    if (what == READ_CACHE)
        return read_cache(w);
    if (what == READ_ACCOUNT)
        return (struct observed_value){.lookup = LOOKUP_FOUND, .value = "uid-of-theirs"};
    if (what == READ_TOKEN || what == READ_CONFIG) {
        enum lookup lookup = !secret->exists ? LOOKUP_NO_OBJECT : secret->token[0] ? LOOKUP_FOUND : LOOKUP_EMPTY;
        return (struct observed_value){.lookup = lookup,
                                       .value = lookup == LOOKUP_FOUND ? arena_strdup(&w->mem, secret->token) : NULL,
                                       .version = arena_printf(&w->mem, "%d", secret->version)};
    }
    return (struct observed_value){.lookup = lookups[value->trouble],
                                   .value = lookups[value->trouble] != LOOKUP_FOUND ? NULL
                                            : what == READ_CA                       ? "PEM"
                                            : value->trouble == VALUE_WRONG         ? "glrt-wrong"
                                                                                    : rights[wish->spec.authentication],
                                   .complaint = "holds a blank",
                                   .version = arena_printf(&w->mem, "%d", value->version)};
}

/* The object that was read is known to the store, too. */
static void learn_value(struct world *w, enum readable what)
{
    struct api *seen = &w->process.seen;
    const struct wish *wish = world_turn_wish(w);
    enum child child = what == READ_CONFIG ? CHILD_CONFIG_SECRET : CHILD_TOKEN_SECRET;

    w->observed.values[what] = read_value(w, what);
    if (what == READ_CREDENTIAL)
        *api_credential(seen, wish) = *api_credential(&w->api, wish);
    else if (what == READ_CA)
        *api_ca(seen, wish) = *api_ca(&w->api, wish);
    else if (what == READ_CACHE)
        seen->cache = w->api.cache;
    else if (what != READ_ACCOUNT)
        seen->children[child][PLACE_OWN] = w->api.children[child][PLACE_OWN];
    if (what == READ_TOKEN && w->api.children[child][PLACE_OWN].owner != OUR_UID)
        learn_token_absent(&w->process.memory, &w->observed);
}

static void learn_kubernetes(struct world *w, const struct action *act)
{
    switch (act->kind) {
    case ACT_READ:
        learn_value(w, act->read);
        break;
    case ACT_FINALIZER:
        api_copy_runner(&w->process.seen, &w->api);
        w->observed.finalizer = act->hold_finalizer;
        learn_finalizer(&w->process.memory, act->hold_finalizer);
        break;
    case ACT_APPLY:
        see_applied(w, act);
        break;
    case ACT_DELETE:
        learn_deleted(w, act);
        break;
    case ACT_STATUS:
        api_copy_runner(&w->process.seen, &w->api);
        w->observed.status = arena_json(&w->mem, json_ref(act->status));
        break;
    case ACT_RECORD:
        w->journal.recorded++;
        learn_recorded(&w->process.memory);
        break;
    case ACT_PASS:
    case ACT_WAIT:
    case ACT_LOOK:
    case ACT_GITLAB:
    case ACT_REPORT:
    case ACT_DONE:
        break;
    }
    world_succeeded(w, act);
}

/* To the version that the store knows. */
static bool show_status(struct world *w, const struct action *act, struct err *err)
{
    if (!w->api.exists)
        return err_set(err, ERR_NOT_FOUND, "NotFound", "gone");
    if (w->process.seen.version != w->api.version)
        return err_set(err, ERR_CONFLICT, "Conflict", "the status is of another version");
    api_set_status(&w->api, act->status);
    w->api.version = ++w->api.last;
    return true;
}

static bool kubernetes_does(struct world *w, const struct action *act, struct err *err)
{
    bool denied =
        option(w, OPT_API) == API_DENIED_FOREVER || (option(w, OPT_API) == API_DENIED && w->now_ms < w->heals_at);

    if (denied && act->kind == ACT_APPLY && act->apply.child == (enum child)option(w, OPT_DENIED_CHILD))
        return err_set(err, ERR_DENIED, "Forbidden", "the operator has no right to do that");
    if (act->kind == ACT_APPLY)
        return api_apply(w, act, err);
    if (act->kind == ACT_DELETE)
        return api_delete(w, &act->delete, err);
    if (act->kind == ACT_FINALIZER)
        return api_finalizer(w, act->hold_finalizer, err);
    if (act->kind == ACT_STATUS)
        return show_status(w, act, err);
    if (act->kind == ACT_RECORD)
        return api_record(w, &act->record, err);
    return true; /* ACT_READ */
}

enum fate { FATE_DONE, FATE_UNHEARD /* done, but nobody hears of it */, FATE_FAILED };

static enum fate fate_of_request(struct world *w)
{
    bool heads = world_random(w, 2), now = w->now_ms < w->heals_at;

    switch (now ? option(w, OPT_API) : API_FINE) {
    case API_DOWN:
        return FATE_FAILED;
    case API_FLAKY:
        return heads ? FATE_FAILED : FATE_DONE;
    case API_LOSSY:
        return heads ? FATE_UNHEARD : FATE_DONE;
    default:
        return FATE_DONE;
    }
}

static void perform_kubernetes(struct world *w, const struct action *act, enum fate fate)
{
    struct err err = {0}, lost;

    err_set(&lost, ERR_RETRY, "ConnectionLost", "no answer from the API server");
    if (act->kind == ACT_APPLY)
        learn_applying(&w->process.memory, &w->observed, act, &w->mem);
    int last = w->api.last;
    bool done = fate != FATE_FAILED && kubernetes_does(w, act, &err);
    w->journal.writes += w->api.last != last;
    w->journal.changes += w->api.last != last && act->kind != ACT_STATUS;
    if (fate != FATE_DONE)
        kubernetes_failed(w, act, &lost);
    else if (done)
        learn_kubernetes(w, act);
    else
        kubernetes_failed(w, act, &err);
    world_trace(w, "%s%s",
                fate == FATE_FAILED    ? "  failed"
                : fate == FATE_UNHEARD ? "  done, not heard"
                : done                 ? ""
                                       : "  refused: ",
                err.reason);
}

static void perform_report(struct world *w, const struct action *act)
{
    const char *reason = act->report.reason;

    w->journal.writes++;
    w->journal.possible_orphans += strcmp(reason, "PossibleOrphan") == 0;
    w->journal.orphans += strcmp(reason, "OrphanedRunner") == 0 || strcmp(reason, "RunnerLost") == 0;
    learn_reported(&w->process.memory, reason);
}

/* ------------------------------------------------------------------------------------------------------------------
 * One action.
 */
void world_crash(struct world *w)
{
    struct api seen = w->process.seen;

    memory_finish(&w->process.memory);
    w->process = (struct process){.seen = seen};
    world_deliver(w);
    if (w->frozen.exists) {
        w->thaws_at = w->now_ms + FROZEN_MS;
        api_copy(&w->process.seen, &w->frozen);
    }
    w->stale = true;
}

static void crash(struct world *w, const struct action *act)
{
    world_trace(w, "CRASH %s", w->crash.effect ? "after it" : "before it");
    w->journal.crashes++;
    if (w->crash.effect && act->kind == ACT_GITLAB)
        gitlab_call_made(w, act);
    else if (w->crash.effect && act->kind == ACT_REPORT)
        perform_report(w, act);
    else if (w->crash.effect)
        perform_kubernetes(w, act, FATE_UNHEARD);
    if (!w->crash.final)
        world_crash(w);
    w->stale = true;
}

static void trace_action(struct world *w, const struct action *act)
{
    const char *what = act->kind == ACT_APPLY    ? child_kind(act->apply.child)
                       : act->kind == ACT_DELETE ? act->delete.name
                       : act->kind == ACT_GITLAB ? gitlab_call_name(act->gitlab.call)
                       : act->kind == ACT_STATUS ? condition_get(act->status, "Ready", "reason")
                       : act->kind == ACT_REPORT ? act->report.reason
                                                 : "";

    world_trace(w, "%2d %s: %s %s%s", w->journal.actions, act->rule, act_kind_name(act->kind), what,
                act->kind == ACT_APPLY && act->apply.release ? " (released)" : "");
}

void world_perform(struct world *w, const struct action *act)
{
    trace_action(w, act);
    if (option(w, OPT_FROZEN) && w->journal.actions + 1 == option(w, OPT_FROZEN))
        api_copy(&w->frozen, &w->api);
    w->now_ms += ACTION_MS;
    if (w->journal.actions++ == w->crash.at)
        crash(w, act);
    else if (act->kind == ACT_GITLAB)
        world_call(w, act);
    else if (act->kind == ACT_REPORT)
        perform_report(w, act);
    else
        perform_kubernetes(w, act, fate_of_request(w));
}

/* ------------------------------------------------------------------------------------------------------------------
 * Turns.
 */
static void count_step(struct world *w, int step, const struct action *act)
{
    if (step > w->journal.longest_turn)
        w->journal.longest_turn = step;
    if (step > STEPS_MAX)
        world_violate(w, "the rule %s repeats", act->rule);
}

void world_turn(struct world *w)
{
    struct action act;
    int steps = 0;

    w->stale = false;
    world_deliver(w);
    world_observe(w);
    for (;;) {
        act = decide(&w->observed, &w->mem);
        count_step(w, ++steps, &act);
        if (w->told)
            w->told(&w->observed, &act);
        if (act.kind == ACT_WAIT || act.kind == ACT_DONE || w->journal.violation[0])
            break;
        world_perform(w, &act);
        bool changed = world_users(w, false);
        if (w->stale)
            break;
        if (changed || !option(w, OPT_LAG))
            world_deliver(w);
        world_update(w);
    }
    w->last = w->stale ? (struct action){.kind = ACT_PASS} : act;
    if (w->last.kind == ACT_DONE)
        memory_rest(&w->process.memory);
    world_trace(w, "= %s %s %s", act_kind_name(w->last.kind), w->last.kind == ACT_WAIT ? w->last.rule : "",
                w->last.kind == ACT_WAIT ? w->last.wait.reason : "");
}

/* ------------------------------------------------------------------------------------------------------------------
 * Time.
 */
static bool child_changed(const struct api *a, const struct api *b, enum child child, enum place place)
{
    const struct object *x = &a->children[child][place], *y = &b->children[child][place];
    bool watched = world_is_watched(x, child) || world_is_watched(y, child);

    return watched &&
           (x->exists != y->exists || x->uid != y->uid || x->version != y->version || x->terminating != y->terminating);
}

static bool place_changed(const struct api *a, const struct api *b, enum place place)
{
    return memcmp(&a->places[place], &b->places[place], sizeof(a->places[place])) != 0;
}

/* What the spec names is referred to, and so are the namespaces of the object and of its jobs; no other news wakes it.
 */
static bool referred_changed(const struct wish *wish, const struct api *a, const struct api *b)
{
    const struct spec *spec = &wish->spec;

    if (place_changed(a, b, PLACE_OWN))
        return true;
    if (!wish->valid)
        return false;
    enum authentication by = spec->authentication;
    bool in_map = spec->ca_in_config_map;
    return place_changed(a, b, place_by_name(spec->namespace)) ||
           a->credentials[by].version != b->credentials[by].version ||
           (spec->ca.name && a->ca[in_map].version != b->ca[in_map].version) ||
           (spec->cache && a->cache.version != b->cache.version);
}

/* Whether the watches bring news that wake the operator. */
static bool is_woken(struct world *w)
{
    const struct api *a = &w->process.seen, *b = &w->api;
    bool woken = a->exists != b->exists || a->rotations != b->rotations || a->restarts != b->restarts ||
                 a->pause != b->pause || a->generation != b->generation || a->deleting != b->deleting;

    for (enum child child = 0; child < CHILD_COUNT; child++)
        for (enum place place = 0; place < PLACES; place++)
            woken = woken || child_changed(a, b, child, place);
    if (world_is_frozen(w) || !referred_changed(&w->scenario->wishes[a->wish], a, b))
        return woken && !world_is_frozen(w);
    memory_forgive(&w->process.memory);
    return true;
}

static int64_t soonest(int64_t a, int64_t b)
{
    return a && a < b ? a : b;
}

static int64_t next_wake(const struct world *w)
{
    const struct action *last = &w->last;
    bool waits = last->kind == ACT_WAIT, retries = waits && last->wait.retry_at_ms;
    int64_t wake = INT64_MAX;

    if (last->kind == ACT_PASS)
        return w->now_ms;
    if (retries)
        wake = last->wait.retry_at_ms;
    else if (waits && last->wait.stalled)
        wake = w->now_ms + RECHECK_MS;
    return soonest(last->again_at_ms, wake);
}

/* Lets time pass until the operator is woken, or nothing will ever change. */
static void pass_time(struct world *w)
{
    int64_t wake = next_wake(w);

    while (!is_woken(w)) {
        int64_t change = world_next_change(w);
        if (change < 0 && wake == INT64_MAX)
            break;
        w->now_ms = change >= 0 && change < wake ? change : wake > w->now_ms ? wake : w->now_ms;
        world_change(w);
        if (w->now_ms >= wake)
            break;
    }
}

/* Nothing but the operator will change anything any more: no user, no controller, no deadline. */
static bool all_has_happened(struct world *w)
{
    static const enum option events[] = {OPT_EDIT,   OPT_DELETE, OPT_DAMAGE, OPT_DAMAGE_2, OPT_REMOTE,
                                         OPT_ROTATE, OPT_PAUSE,  OPT_RESUME, OPT_RESTART};
    int64_t healed = w->heals_at / 1000, moved = w->edited_at && w->edited_at < healed ? healed : w->edited_at;
    int64_t since = w->api.deleting ? w->api.deletion_time : moved; /* the status must show it first */
    bool patient = since && w->now_ms < (since + DEADLINES_S) * 1000 && next_wake(w) != INT64_MAX;
    bool ends = w->api.pause == PAUSE_SHORTLY || w->api.pause == PAUSE_FOR_LONG;
    const char *reason = condition_get(w->api.status, "Ready", "reason");
    bool pauses = ends && w->api.paused_until >= w->now_ms / 1000 && reason && strcmp(reason, "Paused") == 0;
    bool ret =
        world_next_change(w) < 0 && !patient && !pauses && (w->now_ms >= w->watched_until || next_wake(w) == INT64_MAX);

    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        ret = ret && (w->happened[i] || !option(w, events[i]));
    return ret;
}

/* … as far as the operator can see. */
static bool is_there(const struct world *w)
{
    bool dead = w->crash.final && w->journal.crashes > 0;

    return !dead && (w->api.exists || (world_is_frozen(w) && w->process.seen.exists));
}

bool world_run(struct world *w)
{
    int quiet = 0;

    for (int round = 0; round < ROUNDS_MAX && !w->journal.violation[0] && is_there(w); round++) {
        int writes = w->journal.writes;
        world_users(w, false);
        if (w->process.seen.exists)
            world_turn(w);
        world_change(w);
        quiet = w->journal.writes == writes && all_has_happened(w) && w->last.kind != ACT_PASS ? quiet + 1 : 0;
        if (quiet >= QUIET_ROUNDS)
            return true;
        if (w->journal.writes == writes)
            world_users(w, true);
        pass_time(w);
    }
    world_change(w);
    return !w->api.exists && !w->journal.violation[0];
}
