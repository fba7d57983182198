/* The operator's process: what it learns from GitLab's answers. */
#include "base/time.h"
#include "world.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/status.h"

/* ------------------------------------------------------------------------------------------------------------------
 * A registration.
 */
static void put(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static struct check_answer circumstances(const struct world *w)
{
    const struct observed *o = &w->observed;
    enum lookup credential = o->values[READ_CREDENTIAL].lookup;

    return (struct check_answer){
        .spec = o->spec,
        .uid = o->owner.uid,
        .now_ms = w->now_ms,
        .managers = o->ready_replicas > 0,
        .by_id = o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN &&
                 (credential == LOOKUP_UNKNOWN || credential == LOOKUP_FOUND),
    };
}

/* What was told, or is kept, of the attributes. */
static const char *issued_hash(struct world *w, enum gitlab_call what)
{
    const struct observed *o = &w->observed;
    bool unknown = what == GITLAB_RESTORE || what == GITLAB_INHERIT || what == GITLAB_KEEP;
    bool unknowable = unknown && o->spec->authentication == AUTH_REGISTRATION_TOKEN;

    if ((what == GITLAB_ROTATE || what == GITLAB_KEEP) && *o->registered.told_hash)
        return o->registered.told_hash;
    if (what == GITLAB_REGISTER || what == GITLAB_CREATE || what == GITLAB_UPDATE || unknowable)
        return attributes_hash(&o->spec->attributes, &w->mem);
    return "";
}

static void put_life(struct world *w, struct object *issued, enum gitlab_call what, const struct gitlab_reply *reply)
{
    const struct observed *o = &w->observed;
    bool keeps = what == GITLAB_UPDATE || what == GITLAB_KEEP || what == GITLAB_INHERIT;
    bool renews = what != GITLAB_VERIFY && what != GITLAB_RESTORE && reply->expires_at;

    put(issued->rotation, sizeof(issued->rotation), keeps ? o->registered.rotation : o->rotation_request);
    if (keeps) {
        put(issued->expiration, sizeof(issued->expiration), o->registered.expiration);
        put(issued->obtained, sizeof(issued->obtained), o->registered.obtained);
        put(issued->token, sizeof(issued->token), o->values[READ_TOKEN].value);
        return;
    }
    put(issued->token, sizeof(issued->token), reply->token);
    if (reply->expires_at)
        put(issued->expiration, sizeof(issued->expiration), time_format(reply->expires_at, &w->mem));
    if (renews)
        put(issued->obtained, sizeof(issued->obtained), time_format(w->now_ms / 1000, &w->mem));
}

static void learn_issued(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct observed *o = &w->observed;
    enum gitlab_call what = act->gitlab.call;
    bool stays = what == GITLAB_INHERIT;
    const struct check_answer in = circumstances(w);

    check_renewed(&w->process.memory.check, &in);
    w->process.memory.takeover = TAKEOVER_UNTRIED;
    w->process.memory.doubt = DOUBT_NONE;
    w->process.memory.deregistered = false;
    if (what == GITLAB_UPDATE && registration_is_right(o, &w->mem))
        return;
    struct object made = {.exists = true, .runner_id = reply->id}, *issued = &made;
    put_life(w, issued, what, reply);
    put(issued->url, sizeof(issued->url), stays ? o->registered.url : o->spec->url);
    put(issued->authentication, sizeof(issued->authentication),
        stays ? o->registered.authentication : authentication_name(o->spec->authentication));
    put(issued->scope, sizeof(issued->scope), stays ? o->registered.scope : scope_text(o->spec, &w->mem));
    put(issued->told_hash, sizeof(issued->told_hash), issued_hash(w, what));
    put(issued->inputs, sizeof(issued->inputs), stays ? NULL : token_inputs_text(o, &w->mem));
    struct registration r = world_registration(issued, &w->mem);
    r.inputs = *r.inputs ? r.inputs : NULL;
    memory_issue(&w->process.memory, &r);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What is known of a runner that exists. Each returns true when there is no more to it: it is neither a new token nor a
 * failure.
 */
typedef bool learn_fn(struct world *w, const struct action *act, const struct gitlab_reply *reply);

/* GitLab says so of the runner or its token. */
static bool is_refusal(const struct gitlab_reply *reply, int code)
{
    return reply->err.kind != ERR_NONE && reply->proven && reply->err.code == code;
}

/* … of the access token, whatever the words. */
static bool is_denied(const struct gitlab_reply *reply, int code)
{
    return reply->err.kind == ERR_DENIED && reply->err.code == code;
}

static bool is_ok(const struct gitlab_reply *reply)
{
    return reply->err.kind == ERR_NONE;
}

/* Whoever needs the answer tries again; a check is made the next time. */
static bool unanswered(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);

    if (strcmp(act->rule, "check") != 0)
        return false;
    check_unanswered(&w->process.memory.check, &in, reply->err.retry_after_ms);
    return true;
}

static bool learn_shown(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);
    struct server_check *check = &w->process.memory.check;

    if (is_ok(reply))
        check_shown(check, &in, reply->body);
    else if (is_refusal(reply, 404))
        check_absent(check, &in);
    else if (is_denied(reply, 401) || is_denied(reply, 403))
        check_not_allowed(check, &in, reply->err.code);
    else
        return unanswered(w, act, reply);
    return true;
}

static bool learn_tried(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);

    if (is_ok(reply))
        check_accepted(&w->process.memory.check, &in, reply->id, act->gitlab.runner_id);
    else if (is_refusal(reply, 403))
        check_refused(&w->process.memory.check, &in);
    else
        return unanswered(w, act, reply);
    return true;
}

static bool learn_version(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);

    (void)act;
    check_version(&w->process.memory.check, &in, json_str(reply->body, "version"));
    return true;
}

static bool learn_self(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);

    (void)act, (void)reply;
    check_self(&w->process.memory.check, &in, NULL);
    return true;
}

static bool learn_rotated(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);

    (void)act;
    if (is_refusal(reply, 403))
        check_refused(&w->process.memory.check, &in);
    return is_refusal(reply, 403);
}

static bool learn_inspected(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    bool has_one = w->observed.children[CHILD_TOKEN_SECRET].exists;
    bool known = is_ok(reply) || (has_one && (is_refusal(reply, 404) || is_denied(reply, 403)));

    (void)act;
    if (known)
        w->process.memory.takeover = takeover_of(&w->observed, is_ok(reply) ? reply->body : NULL);
    if (known && w->process.memory.takeover == TAKEOVER_FITS)
        check_prove(&w->process.memory.check, w->now_ms);
    return known;
}

static bool learn_claimed(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    (void)act;
    w->process.memory.takeover = TAKEOVER_UNTRIED;
    return is_ok(reply);
}

static bool is_another_token(const struct action *act, const struct gitlab_reply *reply)
{
    return is_ok(reply) ? reply->id != act->gitlab.runner_id : is_refusal(reply, 403);
}

static bool learn_kept(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    if (is_another_token(act, reply))
        w->process.memory.takeover = TAKEOVER_REFUSED;
    return is_another_token(act, reply);
}

static bool learn_inherited(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    return w->process.memory.not_inherited = is_another_token(act, reply);
}

static bool learn_changed(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    const struct check_answer in = circumstances(w);
    struct process *p = &w->process;

    (void)act;
    bool taking = p->memory.takeover == TAKEOVER_FITS || p->memory.takeover == TAKEOVER_UNMARKED;
    if (taking && w->observed.children[CHILD_TOKEN_SECRET].exists && (is_refusal(reply, 404) || is_denied(reply, 403)))
        p->memory.takeover = TAKEOVER_REFUSED;
    else if (is_refusal(reply, 404) && w->observed.children[CHILD_TOKEN_SECRET].exists)
        check_absent(&p->memory.check, &in);
    return false;
}

static bool learn_check(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    static learn_fn *const learners[GITLAB_REMOVE + 1] = {
        [GITLAB_SHOW] = learn_shown,    [GITLAB_TRY] = learn_tried,         [GITLAB_VERSION] = learn_version,
        [GITLAB_SELF] = learn_self,     [GITLAB_ROTATE] = learn_rotated,    [GITLAB_UPDATE] = learn_changed,
        [GITLAB_RESET] = learn_changed, [GITLAB_INSPECT] = learn_inspected, [GITLAB_CLAIM] = learn_claimed,
        [GITLAB_KEEP] = learn_kept,     [GITLAB_INHERIT] = learn_inherited,
    };
    learn_fn *learn = learners[act->gitlab.call];

    return learn && learn(w, act, reply);
}

/* ------------------------------------------------------------------------------------------------------------------
 * All answers.
 */
/* A token that GitLab does not know may only have been reset: an access token can tell, else people are told. */
static void learn_deregistered(struct world *w, enum gitlab_call what, const struct gitlab_reply *reply)
{
    const struct observed *o = &w->observed;
    struct process *p = &w->process;
    bool can_tell = o->deleting && o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN;

    p->memory.deregistered = true;
    if (what != GITLAB_DEREGISTER || !reply->unknown)
        return;
    if (can_tell && p->memory.check.refusals < CONFIRMATIONS) {
        p->memory.deregistered = false;
        check_dead(&p->memory.check);
    } else {
        w->journal.possible_orphans++;
    }
}

static void learn_gitlab(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    struct process *p = &w->process;
    enum gitlab_call what = act->gitlab.call;

    p->memory.reach = REACH_YES;
    if (what != GITLAB_TRY || !p->memory.check.credential_status)
        memory_note_gitlab(&p->memory, &reply->err);
    world_succeeded(w, act);
    if (learn_check(w, act, reply))
        return;
    if (what == GITLAB_RESTORE && reply->id != act->gitlab.runner_id) {
        p->memory.config_token_dead = true;
    } else if (what == GITLAB_FIND) {
        p->memory.found_id = reply->id;
        p->memory.doubt = reply->id ? DOUBT_SEARCHED : DOUBT_NONE;
    } else if (what == GITLAB_DEREGISTER || what == GITLAB_REMOVE) {
        learn_deregistered(w, what, reply);
    } else {
        learn_issued(w, act, reply);
    }
}

static void gitlab_failed(struct world *w, const struct action *act, const struct gitlab_reply *reply)
{
    struct process *p = &w->process;
    enum gitlab_call what = act->gitlab.call;
    bool makes = what == GITLAB_REGISTER || what == GITLAB_CREATE || what == GITLAB_RESET;
    bool kept = w->observed.children[CHILD_TOKEN_SECRET].exists;

    p->memory.reach = reply->err.code && reply->err.code < 500 ? REACH_YES : REACH_NO;
    memory_note_gitlab(&p->memory, &reply->err);
    if ((reply->ambiguous && makes) || (what == GITLAB_RESET && reply->err.kind == ERR_NOT_FOUND && !kept))
        p->memory.doubt = DOUBT_LOST;
    if (learn_check(w, act, reply))
        return;
    if (what == GITLAB_RESTORE && reply->err.code == 403)
        p->memory.config_token_dead = true;
    else if (what == GITLAB_FIND && reply->err.code == 403)
        p->memory.doubt = DOUBT_UNSEARCHABLE;
    else
        world_failed(w, act, &reply->err);
}

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
    struct gitlab_reply reply = gitlab_call_made(w, act);

    world_trace(w, "  GitLab: %s, runner %lld", reply.err.kind ? reply.err.reason : "done", (long long)reply.id);
    if (reply.err.kind != ERR_NONE) {
        gitlab_failed(w, act, &reply);
        return;
    }
    w->journal.writes += !only_looks(act->gitlab.call);
    w->journal.changes += !only_looks(act->gitlab.call);
    learn_gitlab(w, act, &reply);
}
