#include "base/time.h"
#include "world_broken.h"

#include <json-c/json.h>
#include <string.h>

#include "base/json.h"
#include "runner/status.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Things to break.
 */
struct object *child_of(struct world *w, enum child child)
{
    return &w->api.children[child][world_place(w, child)];
}

void nothing(struct world *w, int unused)
{
    (void)w;
    (void)unused;
}

void lost(struct world *w, int child)
{
    object_gone(child_of(w, (enum child)child));
}

void both_secrets_lost(struct world *w, int doubt)
{
    lost(w, CHILD_TOKEN_SECRET);
    lost(w, CHILD_CONFIG_SECRET);
    w->process.memory.had_secret = false;
    w->process.memory.doubt = (enum doubt)doubt;
    w->process.memory.found_id = doubt == DOUBT_SEARCHED ? 9 : 0;
}

void token_secret_and_trust_lost(struct world *w, int unused)
{
    (void)unused;
    lost(w, CHILD_TOKEN_SECRET);
    w->process.memory.config_token_dead = true;
}

void replaced(struct world *w, int child)
{
    lost(w, child);
    object_create(&w->api, child_of(w, (enum child)child), NOBODY);
}

void drifted(struct world *w, int child)
{
    child_of(w, (enum child)child)->drifted = true;
}

void rewritten(struct world *w, int child)
{
    strcpy(child_of(w, (enum child)child)->hash, "another");
}

void terminating(struct world *w, int child)
{
    child_of(w, (enum child)child)->terminating = true;
}

void pinned(struct world *w, int child)
{
    terminating(w, child);
    child_of(w, (enum child)child)->pinned = true;
    child_of(w, (enum child)child)->held = false;
}

void token_secret_touched(struct world *w, int unused)
{
    (void)unused;
    child_of(w, CHILD_TOKEN_SECRET)->version = ++w->api.last;
}

/* Somebody has deleted it, and it was made again. */
void account_made_anew(struct world *w, int unused)
{
    struct object *account = child_of(w, CHILD_SERVICE_ACCOUNT);

    (void)unused;
    account->uid = account->version = ++w->api.last;
}

/* As a former version has made it. */
void account_made_anew_long_ago(struct world *w, int unused)
{
    account_made_anew(w, unused);
    child_of(w, CHILD_DEPLOYMENT)->inputs[0] = '\0';
}

void emptied(struct world *w, int unused)
{
    child_of(w, CHILD_TOKEN_SECRET)->token[0] = '\0';
    token_secret_touched(w, unused);
}

void bare(struct world *w, int unused)
{
    child_of(w, CHILD_TOKEN_SECRET)->authentication[0] = '\0';
    token_secret_touched(w, unused);
}

void bare_and_deleted(struct world *w, int unused)
{
    bare(w, unused);
    terminating(w, CHILD_TOKEN_SECRET);
}

void issued(struct world *w, int unused)
{
    (void)unused;
    struct registration r = world_registration(child_of(w, CHILD_TOKEN_SECRET), &w->mem);
    r.token = "glrt-new";
    r.inputs = *r.inputs ? r.inputs : NULL;
    memory_issue(&w->process.memory, &r);
}

void issued_and_token_secret_lost(struct world *w, int unused)
{
    issued(w, unused);
    lost(w, CHILD_TOKEN_SECRET);
}

void issued_and_replaced(struct world *w, int unused)
{
    issued(w, unused);
    replaced(w, CHILD_TOKEN_SECRET);
}

void issued_and_pinned(struct world *w, int unused)
{
    issued(w, unused);
    pinned(w, CHILD_TOKEN_SECRET);
}

void edited(struct world *w, int unused)
{
    (void)unused;
    w->api.wish = 1;
    w->api.generation++;
}

void edited_and_lost(struct world *w, int child)
{
    lost(w, child);
    edited(w, child);
}

void edited_and_lost_in_line(struct world *w, int child)
{
    w->process.in_line = true;
    edited(w, child);
    if (child < CHILD_COUNT)
        lost(w, child);
}

void edited_and_drifted(struct world *w, int child)
{
    drifted(w, child);
    edited(w, child);
}

void calling_and_drifted(struct world *w, int child)
{
    drifted(w, child);
    w->process.calling = true;
}

void unregistered_and_drifted(struct world *w, int child)
{
    drifted(w, child);
    lost(w, CHILD_TOKEN_SECRET);
}

void edited_and_issued(struct world *w, int unused)
{
    issued(w, unused);
    edited(w, unused);
}

void edited_and_emptied(struct world *w, int unused)
{
    emptied(w, unused);
    edited(w, unused);
}

void edited_and_deregistered(struct world *w, int unused)
{
    edited(w, unused);
    w->process.memory.deregistered = true;
}

void starting(struct world *w, int unused)
{
    (void)unused;
    child_of(w, CHILD_DEPLOYMENT)->rolled_out = false;
}

static void failed_by(struct world *w, const char *rule, enum err_kind kind, int code)
{
    struct err err;

    err_set(&err, kind, "ServerError", "it did not work");
    err.code = code;
    err.retry_after_ms = RETRY_MS;
    memory_fail(&w->process.memory, rule, &err, w->now_ms, 0);
}

void failed(struct world *w, const char *rule, enum err_kind kind)
{
    failed_by(w, rule, kind, kind == ERR_DENIED ? 403 : 0);
}

void edited_and_tried(struct world *w, int unused)
{
    edited(w, unused);
    w->process.memory.generation = w->api.generation; /* which has been forgiven */
    failed(w, "moved", ERR_RETRY);
}

void promised(struct world *w, int unused)
{
    (void)unused;
    w->api.finalizer = w->process.memory.judged = true;
}

void promise_lost(struct world *w, int unused)
{
    (void)unused;
    w->api.finalizer = false;
}

void credential_changed(struct world *w, int mode)
{
    w->api.credentials[mode].version = ++w->api.last;
}

void ca_changed(struct world *w, int kind)
{
    w->api.ca[kind].version = ++w->api.last;
}

void checked(struct world *w, int found)
{
    static const struct server_check checks[] = {
        [DUE] = {.due_ms = 1},
        [DUE_BY_TOKEN] = {.due_ms = 1, .try_token = true},
        [ABSENT_ONCE] = {.absences = 1},
        [ABSENT] = {.absences = 2},
        [REFUSED_ONCE] = {.refusals = 1},
        [REFUSED] = {.refusals = 2},
        [REFUSED_OFTEN] = {.refusals = 5},
        [RESET] = {.refusals = 2, .shown = SHOWN_OURS},
        [REPLACED] = {.refusals = 2, .shown = SHOWN_FOREIGN},
        [NOT_TO_BE_SEEN] = {.refusals = 2, .credential_status = 403},
        [NOT_TO_BE_USED] = {.refusals = 2, .credential_status = 401},
        [EDITED] = {.edited = 2, .shown = SHOWN_OURS},
        [VERSION_DUE] = {.wants_version = true},
        [UNSEEN] = {0},
        [OURS] = {.shown = SHOWN_OURS},
        [UNMARKED] = {.shown = SHOWN_FOREIGN},
    };

    w->process.memory.check = checks[found];
    w->process.memory.check.shown_ms = w->now_ms;
    if (!w->process.memory.check.due_ms)
        w->process.memory.check.due_ms = w->now_ms + 1000;
}

void edited_and_checked(struct world *w, int found)
{
    edited(w, found);
    checked(w, found);
}

void edited_and_not_to_be_seen(struct world *w, int unused)
{
    edited(w, unused);
    w->process.memory.generation = w->api.generation;
    checked(w, UNSEEN);
    w->process.memory.check.credential_status = 403;
}

void edited_and_told_in_vain(struct world *w, int unused)
{
    edited_and_not_to_be_seen(w, unused);
    failed(w, "attributes", ERR_RETRY);
}

void expiring(struct world *w, int left)
{
    struct object *secret = child_of(w, CHILD_TOKEN_SECRET);
    int64_t end = w->now_ms / 1000 + left;

    snprintf(secret->expiration, sizeof(secret->expiration), "%s", time_format(end, &w->mem));
    snprintf(secret->obtained, sizeof(secret->obtained), "%s", time_format(end - 1000, &w->mem));
}

void given_and_expiring(struct world *w, int left)
{
    struct object *secret = child_of(w, CHILD_TOKEN_SECRET);

    snprintf(secret->expiration, sizeof(secret->expiration), "%s", time_format(w->now_ms / 1000 + left, &w->mem));
}

void access_expiring(struct world *w, int left)
{
    w->process.memory.check.self_known = true;
    w->process.memory.check.credential_end = w->now_ms / 1000 + left;
}

void edited_and_set_at_gitlab(struct world *w, int which)
{
    edited(w, 0);
    snprintf(w->api.set_at_gitlab, sizeof(w->api.set_at_gitlab), "%s",
             attributes_hash(&w->scenario->wishes[which].spec.attributes, &w->mem));
}

void paused(struct world *w, int pause)
{
    w->api.pause = (enum pause)pause;
    w->api.paused_until = w->now_ms / 1000 + 60;
}

void restarted(struct world *w, int unused)
{
    (void)unused;
    w->api.restarts = 1;
}

void asked_for_a_token(struct world *w, int unused)
{
    (void)unused;
    w->api.rotations = 1;
}

/* By another process than the one that had it. */
void inherited(struct world *w, int unused)
{
    (void)unused;
    w->process.memory.owned_secret = false;
    child_of(w, CHILD_TOKEN_SECRET)->owner = FORMER_UID;
}

void inherited_and_terminating(struct world *w, int unused)
{
    inherited(w, unused);
    terminating(w, CHILD_TOKEN_SECRET);
}

void inherited_terminating_and_deregistered(struct world *w, int unused)
{
    inherited_and_terminating(w, unused);
    w->process.memory.deregistered = true;
}

/* By who has never had one of its own. */
void inherited_and_deleted(struct world *w, int unused)
{
    inherited_and_terminating(w, unused);
    deleted(w, unused);
    w->process.memory.judged = true;
    w->process.memory.had_secret = false;
}

void inherited_deregistered_and_deleted(struct world *w, int unused)
{
    inherited_and_deleted(w, unused);
    w->process.memory.deregistered = true;
}

void inspected(struct world *w, int takeover)
{
    edited(w, takeover);
    w->process.memory.generation = w->api.generation;
    w->process.memory.takeover = (enum takeover)takeover;
    if (takeover == TAKEOVER_FITS)
        server_check_prove(&w->process.memory.check, w->now_ms);
}

void inspected_long_ago(struct world *w, int takeover)
{
    inspected(w, takeover);
    w->process.memory.check.shown_ms -= PROOF_MS;
}

void given_long_ago(struct world *w, int takeover)
{
    inspected(w, takeover);
    w->process.memory.check.shown_ms -= PROOF_MS;
}

/* Its own token was refused so often. */
void given_and_refused(struct world *w, int refusals)
{
    given_long_ago(w, TAKEOVER_UNMARKED);
    w->process.memory.check.refusals = (unsigned)refusals;
    w->process.memory.check.due_ms = w->now_ms + 5000;
}

/* The spec names the token that we have already. */
void edited_and_given_our_token(struct world *w, int unused)
{
    (void)unused;
    snprintf(child_of(w, CHILD_TOKEN_SECRET)->token, sizeof(child_of(w, CHILD_TOKEN_SECRET)->token), "glrt-user");
    edited(w, 0);
}

enum { ADOPTED = 9 };

static void name_a_runner(struct world *w)
{
    ((struct wish *)&w->scenario->wishes[0])->spec.adopt_runner_id = ADOPTED;
}

void adopting(struct world *w, int takeover)
{
    promised(w, 0);
    name_a_runner(w);
    w->process.memory.generation = w->api.generation;
    w->process.memory.takeover = (enum takeover)takeover;
    if (takeover == TAKEOVER_FITS)
        server_check_prove(&w->process.memory.check, w->now_ms);
}

void told_to_adopt_too_late(struct world *w, int unused)
{
    (void)unused;
    name_a_runner(w);
}

void reset_long_ago(struct world *w, int unused)
{
    (void)unused;
    checked(w, RESET);
    w->process.memory.check.shown_ms -= PROOF_MS;
}

void never_shown(struct world *w, int unused)
{
    (void)unused;
    json_object_put(w->api.status);
    w->api.status = json_build("{observedGeneration: %d}", (int64_t)-1);
}

void never_shown_and_lost(struct world *w, int child)
{
    never_shown(w, 0);
    lost(w, child);
}

void never_shown_and_unmanned(struct world *w, int unused)
{
    (void)unused;
    never_shown_and_lost(w, CHILD_DEPLOYMENT);
}

void never_shown_and_issued(struct world *w, int unused)
{
    never_shown(w, 0);
    issued(w, unused);
}

void never_shown_and_taken_over(struct world *w, int unused)
{
    never_shown_and_issued(w, unused);
    strcpy(child_of(w, CHILD_TOKEN_SECRET)->authentication, "registrationToken");
}

void place_missing(struct world *w, int unused)
{
    (void)unused;
    w->api.places[PLACE_JOBS].missing = true;
    lost(w, CHILD_ROLE_BINDING);
}

void place_not_served(struct world *w, int unused)
{
    (void)unused;
    w->process.namespaces = "ci,team-a";
    lost(w, CHILD_ROLE_BINDING);
}

void place_closed(struct world *w, int unused)
{
    (void)unused;
    w->api.places[PLACE_JOBS].closed = true;
}

/* … and the spec asks for what that forbids, if it does so after its edit. */
void place_baseline(struct world *w, int unused)
{
    w->api.places[PLACE_OWN].level = "baseline";
    edited(w, unused);
}

void stray(struct world *w, int place)
{
    object_create(&w->api, &w->api.children[CHILD_ROLE_BINDING][place], OUR_UID);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The same while the object is deleted.
 */
void deleted_and_checked(struct world *w, int found)
{
    deleted(w, found);
    checked(w, found);
}

void deleted_with_its_manager(struct world *w, int unused)
{
    (void)unused;
    w->api.deleting = true;
    w->api.deletion_time = w->now_ms / 1000;
}

/* Its managers have ended. */
void deleted(struct world *w, int unused)
{
    deleted_with_its_manager(w, unused);
    lost(w, CHILD_DEPLOYMENT);
}

void deleted_and_draining(struct world *w, int seconds)
{
    deleted_with_its_manager(w, seconds);
    terminating(w, CHILD_DEPLOYMENT);
    w->api.deletion_time -= seconds;
}

void deleted_by_force(struct world *w, int unused)
{
    deleted_with_its_manager(w, unused);
    w->api.force_delete = true;
}

void deleted_by_force_and_draining(struct world *w, int unused)
{
    deleted_by_force(w, unused);
    terminating(w, CHILD_DEPLOYMENT);
}

void deleted_and_not_to_be_stopped(struct world *w, int seconds)
{
    deleted_with_its_manager(w, seconds);
    w->api.deletion_time -= seconds;
    failed(w, "drain", ERR_DENIED);
}

void deleted_by_force_and_given_up(struct world *w, int unused)
{
    deleted_by_force(w, unused);
    w->process.memory.given_up = GAVE_UP_MANAGER;
}

void deleted_by_force_and_tried(struct world *w, int unused)
{
    deleted_by_force_and_given_up(w, unused);
    failed(w, "deregister", ERR_DENIED);
}

/* It was waited for the managers for longer than GitLab is waited for. */
void deleted_drained_and_tried(struct world *w, int seconds)
{
    deleted_long_ago(w, seconds);
    failed(w, "deregister", ERR_RETRY);
    json_object_put(w->api.status);
    w->api.status = json_build("{conditions: [{type: 'Drained', status: %s, lastTransitionTime: %s}]}",
                               seconds ? "True" : "False", time_format(w->now_ms / 1000 - seconds, &w->mem));
}

void deleted_elsewhere_in_vain(struct world *w, int unused)
{
    deleted_long_ago(w, unused);
    w->process.memory.deregistered = true;
    failed(w, "elsewhere", ERR_DENIED);
}

void deleted_elsewhere_and_untrusted(struct world *w, int unused)
{
    deleted_long_ago(w, unused);
    w->process.memory.deregistered = true;
    failed_by(w, "elsewhere", ERR_DENIED, 0);
}

void deleted_and_left_elsewhere(struct world *w, int unused)
{
    deleted_elsewhere_in_vain(w, unused);
    w->process.memory.given_up = GAVE_UP_ELSEWHERE;
}

void deleted_while_suspended(struct world *w, int unused)
{
    edited(w, unused);
    deleted(w, unused);
}

void deleted_long_ago(struct world *w, int unused)
{
    deleted(w, unused);
    w->api.deletion_time -= 900;
}

void deleted_and_tried(struct world *w, int unused)
{
    deleted_long_ago(w, unused);
    failed(w, "deregister", ERR_RETRY);
}

void deleted_and_recorded_in_vain(struct world *w, int kind)
{
    deleted_and_tried(w, kind);
    failed(w, "record", (enum err_kind)kind);
}

void deleted_and_recorded_untrusted(struct world *w, int unused)
{
    deleted_and_tried(w, unused);
    failed_by(w, "record", ERR_DENIED, 0);
}

void deleted_too_late_and_checked(struct world *w, int found)
{
    deleted_and_tried(w, found);
    checked(w, found);
}

void deleted_and_deregistered(struct world *w, int unused)
{
    deleted(w, unused);
    w->process.memory.deregistered = true;
}

void deleted_and_forgotten(struct world *w, int unused)
{
    deleted_and_deregistered(w, unused);
    child_of(w, CHILD_TOKEN_SECRET)->held = false;
}

void deleted_and_let_go_by_hand(struct world *w, int unused)
{
    deleted(w, unused);
    promise_lost(w, unused);
}

void gone(struct world *w, int unused)
{
    deleted_and_forgotten(w, unused);
    w->api.gone = true;
}

void gone_with_its_manager(struct world *w, int unused)
{
    deleted_by_force(w, unused);
    w->api.gone = true;
}

void gone_and_tried(struct world *w, int unused)
{
    gone_with_its_manager(w, unused);
    failed(w, "deregister", ERR_DENIED);
}

void deleted_and_released(struct world *w, int unused)
{
    deleted_and_forgotten(w, unused);
    promise_lost(w, unused);
}

void deleted_and_issued(struct world *w, int unused)
{
    issued_and_token_secret_lost(w, unused);
    deleted(w, unused);
}

void deleted_and_emptied(struct world *w, int unused)
{
    emptied(w, unused);
    deleted(w, unused);
}

void deleted_and_bare(struct world *w, int unused)
{
    bare(w, unused);
    deleted(w, unused);
}

void deleted_and_untold(struct world *w, int unused)
{
    deleted(w, unused);
    failed(w, RULE_REPORT, ERR_RETRY);
}

void deleted_and_lost(struct world *w, int doubt)
{
    both_secrets_lost(w, doubt);
    deleted(w, doubt);
}

void deleted_long_ago_and_lost(struct world *w, int doubt)
{
    both_secrets_lost(w, doubt);
    deleted_long_ago(w, doubt);
}

void deleted_long_ago_and_looked(struct world *w, int doubt)
{
    deleted_long_ago_and_lost(w, doubt);
    failed(w, "lost", ERR_RETRY);
}

void deleted_invalid_and_lost(struct world *w, int doubt)
{
    deleted_and_lost(w, doubt);
    w->api.wish = 1;
}

void deleted_without_credential(struct world *w, int doubt)
{
    deleted_and_lost(w, doubt);
    w->api.credentials[AUTH_ACCESS_TOKEN] = (struct value){.trouble = VALUE_MISSING, .version = 999};
}

void deleted_long_ago_without_credential(struct world *w, int doubt)
{
    deleted_without_credential(w, doubt);
    w->api.deletion_time -= 900;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Stages.
 */
void stage_init(struct stage *stage, const int options[OPTIONS], bool fresh)
{
    int given[OPTIONS];

    memcpy(given, options, sizeof(given));
    given[OPT_START] = fresh ? START_NEW : START_CONVERGED;
    scenario_init(&stage->scenario, 1, given);
    world_init(&stage->world, &stage->scenario, (struct crash){.at = -1}, NULL);
}

void stage_finish(struct stage *stage)
{
    world_finish(&stage->world);
    scenario_finish(&stage->scenario);
}

/* What is decided about the world as it is; reads and plain statuses are done on the way there. */
struct action decided(struct world *w, bool first)
{
    struct action act;

    world_deliver(w);
    world_observe(w);
    for (int steps = 0; steps < 8; steps++) {
        act = decide(&w->observed, &w->mem);
        bool on_the_way = act.kind == ACT_READ ||
                          (act.kind == ACT_FINALIZER && act.hold_finalizer && w->api.finalizer) ||
                          (act.kind == ACT_STATUS && strcmp(act.rule, "status") == 0) ||
                          (act.kind == ACT_APPLY && !w->process.memory.foreign[act.apply.child] && !act.apply.uid &&
                           child_of(w, act.apply.child)->exists); /* found to be somebody else's */
        if (first || !on_the_way)
            break;
        world_perform(w, &act);
        world_update(w);
    }
    return act;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What is decided, in a line.
 */
static const char *where(const struct action *act, struct arena *a)
{
    struct json_object *manifest = act->apply.manifest;

    return arena_printf(a, "%s %s/%s", child_kind(act->apply.child), json_str(manifest, "metadata.namespace"),
                        json_str(manifest, "metadata.name"));
}

static const char *how(const struct action *act, struct arena *a)
{
    switch (act->kind) {
    case ACT_WAIT:
        return arena_printf(a, "%s%s", act->wait.reason, act->wait.stalled ? ", stalled" : "");
    case ACT_FINALIZER:
        return act->hold_finalizer ? "hold" : "let go";
    case ACT_APPLY:
        return arena_printf(a, "%s%s%s", where(act, a), act->apply.uid ? "" : ", new",
                            act->apply.release ? ", let go" : "");
    case ACT_DELETE:
        return arena_printf(a, "%s %s/%s%s", act->delete.kind, act->delete.ns, act->delete.name,
                            act->delete.foreground ? ", with all that it owns" : "");
    case ACT_GITLAB:
        return arena_printf(a, "%s at %s with %s, runner %lld", gitlab_call_name(act->gitlab.call), act->gitlab.url,
                            act->gitlab.token, (long long)act->gitlab.runner_id);
    case ACT_RECORD:
        return arena_printf(a, "%s, runner %lld: %s", act->record.url, (long long)act->record.runner_id,
                            act->record.token);
    case ACT_REPORT:
        return act->report.reason;
    case ACT_STATUS:
        return condition_get(act->status, "Ready", "reason");
    case ACT_PASS:
    case ACT_READ:
    case ACT_LOOK:
    case ACT_DONE:
        break;
    }
    return "";
}

const char *in_a_line(const struct action *act, struct arena *a)
{
    if (act->kind == ACT_DONE)
        return "done";
    const char *details = how(act, a);
    return arena_printf(a, "%s: %s%s%s", act->rule, act_kind_name(act->kind), *details ? " " : "", details);
}
