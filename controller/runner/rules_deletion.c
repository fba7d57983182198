/* Deletion: the table at the end says in which order a runner goes. */
#include "base/time.h"
#include "runner/rules.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/status.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * What is to go */

/* The registration as it is known last, with its token if that is at hand: what was just issued may not be in its
 * Secret yet. */
static struct registration newest_registration(const struct observed *o)
{
    struct registration r = o->memory->issued ? *o->memory->issued : o->registered;

    if (!o->memory->issued && o->values[READ_TOKEN].lookup == LOOKUP_FOUND)
        r.token = o->values[READ_TOKEN].value;
    return r;
}

/* We have registered a runner, and GitLab has not been told that it goes. */
static bool is_known_at_gitlab(const struct observed *o)
{
    const struct registration r = newest_registration(o);
    bool known = o->memory->issued || o->children[CHILD_TOKEN_SECRET].exists;

    return o->finalizer && known && !o->memory->deregistered && !is_users_own(&r);
}

static bool is_to_stay(const struct observed *o)
{
    return o->spec && o->spec->deletion_policy == DELETION_ORPHAN;
}

/* A runner may be at GitLab whose token nobody has, and nobody wants it to stay there. */
static bool may_have_lost_one(const struct observed *o)
{
    bool may = o->memory->doubt != DOUBT_NONE && (o->memory->doubt != DOUBT_SEARCHED || o->memory->found_id);
    bool users_own = o->spec && o->spec->authentication == AUTH_RUNNER_TOKEN && !o->memory->lost;

    return o->finalizer && may && !users_own && !is_to_stay(o) && !o->memory->deregistered;
}

static bool is_to_leave_gitlab(const struct observed *o)
{
    return (is_known_at_gitlab(o) && !is_to_stay(o)) || may_have_lost_one(o);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * How long it is waited for; times in seconds since 1970 */

enum {
    GRACE_S = 3600, /* of a spec that cannot be read …                                               */
    DEREGISTRATION_S = 900,
    END_OF_PODS_S = 60, /* after their grace, until the kubelet and the garbage collector are through    */
};

static bool is_draining(const struct observed *o)
{
    bool given_up = o->gone || o->memory->given_up & GAVE_UP_MANAGER;

    return o->children[CHILD_DEPLOYMENT].exists && is_to_leave_gitlab(o) && !given_up;
}

/* Until then jobs may run on; their pods have no longer than that. */
static int64_t drain_deadline(const struct observed *o)
{
    int64_t grace = o->spec ? o->spec->manager.termination_grace_period : GRACE_S;

    return o->force_delete ? o->deletion_time : o->deletion_time + grace + END_OF_PODS_S;
}

/* Since when GitLab alone is waited for. The status keeps it over a restart: as long as it does not say that the
 * managers are gone, they have only just gone. That is after the deletion, and not after the time that managers have,
 * whatever a clock that was wrong has written down, and however often a Deployment has come again. */
static int64_t drained_time(const struct observed *o)
{
    const char *status = condition_get(o->status, "Drained", "status");
    bool drained = status && strcmp(status, "True") == 0;
    int64_t since = drained ? time_parse(condition_get(o->status, "Drained", "lastTransitionTime")) : o->now;

    if (!status || since < o->deletion_time)
        return o->deletion_time;
    return since < drain_deadline(o) ? since : drain_deadline(o);
}

/* Until then it is tried to leave GitLab in good order. */
static int64_t deregistration_deadline(const struct observed *o)
{
    int64_t seconds = o->spec ? o->spec->deregistration_deadline : DEREGISTRATION_S;

    return o->force_delete ? o->deletion_time : drained_time(o) + seconds;
}

int64_t deletion_patience(const struct observed *o)
{
    assert(o->deleting);
    return is_draining(o) ? drain_deadline(o) : deregistration_deadline(o);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The manager */

/* Its pods take no more jobs from then on, and finish those that they have, as the runner is still there. The
 * Deployment outlives them: that is how their end is seen. */
static struct action drain(const struct observed *o, struct arena *a)
{
    const struct observed_child *manager = &o->children[CHILD_DEPLOYMENT];
    const char *name = child_name(CHILD_DEPLOYMENT, &o->owner, a), *kind = child_kind(CHILD_DEPLOYMENT);

    if (!is_draining(o))
        return act_pass;
    if (!manager->terminating && (o->now < drain_deadline(o) || !failed_attempt(o, "drain")))
        return (struct action){
            .kind = ACT_DELETE,
            .delete = {.kind = kind, .ns = o->owner.ns, .uid = manager->uid, .name = name, .foreground = true}};
    if (o->now >= drain_deadline(o))
        return act_report(
            "ManagerNotStopped",
            arena_printf(a, "Deployment %s/%s is still there; it is not waited for any longer", o->owner.ns, name));
    return act_wait("Draining",
                    "the managers take no more jobs and finish those that run; then the runner is deregistered", false);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The runner */

/* What stood in the rule's way to GitLab since the object is being deleted; NULL: nothing, or it was not tried yet. */
static const struct attempt *tried_in_vain(const struct observed *o, const char *rule)
{
    static const char *const reads[] = {"read-token", "read-credential", "read-ca"};
    const struct attempt *failed = failed_attempt(o, rule);

    if (!failed)
        failed = failed_attempt(o, "proof");
    for (size_t i = 0; i < ARRAY_LEN(reads) && !failed; i++)
        failed = refused_attempt(o, reads[i]);
    return failed;
}

/* GitLab has refused the token, which may only have been reset: an access token can tell, and remove it by its id. It
 * goes to spec.url alone. */
static struct action remove_by_id(const struct observed *o, const struct registration *r, struct arena *a)
{
    assert(o->memory->check.refusals >= CONFIRMATIONS);
    bool elsewhere = strcmp(r->url, o->spec->url) != 0;

    if (o->memory->check.absences)
        return act_pass;
    if (o->memory->check.shown == SHOWN_FOREIGN)
        return report_orphan(r, "GitLab refuses its token, and the runner of this number has no mark of this object",
                             a);
    if (!elsewhere && o->values[READ_CREDENTIAL].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_CREDENTIAL);
    if (elsewhere || !credential_value(o) || o->memory->check.credential_status)
        return report_orphan(r, "GitLab refuses its token, and there is no access token to remove it with", a);
    return is_proven(o, "deregister") ? act_call(GITLAB_REMOVE, r->url, credential_value(o), r->runner_id)
                                      : prove(GITLAB_SHOW, r->url, credential_value(o), r->runner_id);
}

/* A deleted runner leaves GitLab, by its own token, before it loses its finalizer. */
static struct action deregister(const struct observed *o, struct arena *a)
{
    const struct registration r = newest_registration(o);
    const struct attempt *failed = tried_in_vain(o, "deregister");

    if (!is_known_at_gitlab(o) || is_to_stay(o))
        return act_pass;
    if (o->now >= deregistration_deadline(o) && failed) /* not before a try */
        return leave_behind(o, &r, failed->err.text, a);
    if (try_tls(o).kind != ACT_PASS)
        return try_tls(o);
    if (o->memory->check.refusals >= CONFIRMATIONS && o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN)
        return remove_by_id(o, &r, a);
    if (!r.token && o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_TOKEN);
    if (!r.token || is_damaged(&r))
        return report_orphan(&r, "its token Secret has lost what is needed to deregister it", a);
    return act_call(GITLAB_DEREGISTER, r.url, r.token, r.runner_id);
}

/* Who asked for it hears that it was done. */
static struct action say_that_it_stays(const struct observed *o, struct arena *a)
{
    const struct registration r = newest_registration(o);

    if (!is_known_at_gitlab(o) || !is_to_stay(o))
        return act_pass;
    return act_tell("RunnerKept", arena_printf(a, "spec.deletionPolicy is Orphan: runner %lld stays at %s",
                                               (long long)r.runner_id, r.url[0] ? r.url : "GitLab"));
}

/* A registration that was lost in a crash, and whose object is deleted now, must not stay at GitLab either. */
static struct action remove_a_lost_registration(const struct observed *o, struct arena *a)
{
    bool can_look = o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN && !is_lost_elsewhere(o, a) &&
                    o->memory->doubt != DOUBT_UNSEARCHABLE;
    bool over = o->now >= deregistration_deadline(o);

    if (!may_have_lost_one(o))
        return act_pass;
    if (!can_look || (over && tried_in_vain(o, "lost"))) /* not before a try */
        return report_possible_orphan(o, a);

    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_tls(o, a);
    if (act.kind == ACT_WAIT && over)
        return report_possible_orphan(o, a);
    if (act.kind != ACT_PASS)
        return act;
    return o->memory->doubt == DOUBT_SEARCHED
               ? act_call(GITLAB_REMOVE, o->spec->url, credential_value(o), o->memory->found_id)
               : find_lost_runner(o, a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is left here */

/* What the garbage collector cannot see, because it is in another namespace than its owner. */
static struct action remove_what_is_elsewhere(const struct observed *o, struct arena *a)
{
    const struct attempt *failed = refused_attempt(o, "elsewhere");
    struct action act = act_pass;

    if (o->memory->given_up & GAVE_UP_ELSEWHERE)
        return act_pass;
    if (o->finalizer && o->spec && strcmp(o->spec->namespace, o->owner.ns) != 0)
        act = remove_role_bindings(o, a);
    if (act.kind == ACT_PASS)
        act = remove_strays(o, a);
    if (act.kind == ACT_PASS || !failed || o->now < deregistration_deadline(o))
        return act;
    return act_report("ObjectLeftBehind",
                      arena_printf(a, "delete %s %s/%s; the operator could not: %s", act.delete.kind, act.delete.ns,
                                   act.delete.name, failed->err.text));
}

/* Nobody needs the token any more; but whose finalizer was taken off by hand may have a successor, who does. One that
 * comes to nothing itself, such as one that is suspended, leaves the Secret to who tells of the runner (garbage.h). */
static struct action forget_the_token(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];
    bool is_the_formers = secret->inherited && !o->memory->deregistered && !o->memory->not_inherited;

    return o->finalizer && secret->held && !is_the_formers ? release_token_secret(o, a) : act_pass;
}

static struct action release(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->finalizer && !o->gone ? act_finalizer(false) : act_pass;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is said of a deletion that waits */

/* GitLab is done with, or not waited for any more: what is in the way is the API server, and that has no deadline. */
static bool waits_for_rights(const struct observed *o, const char *rule)
{
    return !o->values[READ_TOKEN].unseen && !is_draining(o) && !is_to_leave_gitlab(o) && strcmp(rule, "elsewhere") != 0;
}

static const char *force_text(const struct observed *o, struct arena *a)
{
    return arena_printf(a, "to wait no longer: kubectl -n %s annotate glr %s %s=true", o->owner.ns, o->owner.name,
                        ANNOTATION_FORCE_DELETE);
}

const char *deletion_way_out(const struct observed *o, const char *rule, struct arena *a)
{
    int64_t deadline = deletion_patience(o);

    if (waits_for_rights(o, rule))
        return arena_printf(
            a,
            "GitLab is done with: let the operator do this, or take the finalizer %s off Secret %s/%s and "
            "GitLabRunner %s",
            FINALIZER, o->owner.ns, child_name(CHILD_TOKEN_SECRET, &o->owner, a), o->owner.name);
    if (o->values[READ_TOKEN].unseen)
        return force_text(o, a);
    if (o->now >= deadline)
        return "its time is over: it goes after one more try";
    return arena_printf(a, "it is waited for until %s; %s", time_format(deadline, a), force_text(o, a));
}

/* Order matters: a rule relies on all rules above it. */
/* clang-format off */
const struct rule deletion_rules[] = {
    {"unseen",     read_an_unseen_token,       "a token Secret that the watch does not show was looked for", NULL},
    {"drain",      drain,                      "no manager is left",                                         NULL},
    {"deregister", deregister,                 "no runner of this token is to be taken out of GitLab",       NULL},
    {"lost",       remove_a_lost_registration, "nor one whose token was lost",                               NULL},
    {"keep",       say_that_it_stays,          "none is there that is to stay",                              NULL},
    {"elsewhere",  remove_what_is_elsewhere,   "nothing is left in other namespaces",                        NULL},
    {"forget",     forget_the_token,           "the token Secret may go",                                    NULL},
    {"release",    release,                    "the object may go",                                          NULL},
    {NULL,         NULL,                       NULL,                                                         NULL},
};
/* clang-format on */
