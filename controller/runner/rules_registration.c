/* The registration, towards GitLab: the table at the end is what the product does there. */
#include "base/time.h"
#include "runner/rules.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/names.h"
#include "runner/status.h"

static bool is_same_runner(const struct registration *a, const struct registration *b)
{
    return a->runner_id == b->runner_id && strcmp(a->url, b->url) == 0;
}

static bool is_same_way(const struct registration *a, const struct registration *b)
{
    return strcmp(a->authentication, b->authentication) == 0 && strcmp(a->scope, b->scope) == 0;
}

/* A runner that was inherited or taken over may have asked for jobs. Then it is found by its id alone once its Secret
 * is lost, so the status tells of it before the Secret does. Its token is in the Secret already. */
static struct action tell_of_a_used_runner(const struct observed *o, struct arena *a)
{
    const struct finding none = {.reason = NULL};
    bool ours = o->children[CHILD_TOKEN_SECRET].exists;

    if (!o->memory->issued || !is_same_runner(o->memory->issued, &o->registered) ||
        (ours && is_same_way(o->memory->issued, &o->registered)) || status_tells(o, o->memory->issued))
        return act_pass;
    return (struct action){.kind = ACT_STATUS, .status = status_render(o, &none, &none, a)};
}

/* A token that was just got is in nobody's hands but ours: it goes into its Secret before anything else. */
static struct action save_issued_token(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    if (!o->memory->issued)
        return act_pass;
    if (secret->foreign && !secret->inherited)
        return name_conflict(o, CHILD_TOKEN_SECRET, a);
    if (secret->terminating && !secret->held)
        return act_wait("Recreating", "the former token Secret is being deleted", false);
    return act_apply(CHILD_TOKEN_SECRET, render_token_secret(&o->owner, o->memory->issued, a), secret->uid);
}

/* Without a place for its token no runner is registered. A token Secret that somebody deletes is let go, and its
 * content kept (state.issued) for the next one. */
static struct action need_a_place_for_the_token(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    if (secret->foreign)
        return name_conflict(o, CHILD_TOKEN_SECRET, a);
    if (secret->terminating)
        return secret->held ? release_token_secret(o, a)
                            : act_wait("Recreating", "the token Secret is being deleted", false);
    return act_pass;
}

static struct action refuse_an_invalid_spec(const struct observed *o, struct arena *a)
{
    if (o->spec)
        return act_pass;
    return act_wait(o->spec_err.reason, o->spec_err.all ? complaints_message(o->spec_err.all, a) : o->spec_err.text,
                    true);
}

static struct action pause_while_suspended(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->spec->suspend ? act_wait("Suspended", "spec.suspend is true: nothing is changed", false) : act_pass;
}

/* Registered elsewhere, or in another way, than the spec says now; or not any more. */
static bool has_moved(const struct observed *o, struct arena *a)
{
    return o->children[CHILD_TOKEN_SECRET].exists && (o->memory->deregistered || !registration_fits(o, a));
}

/* Nobody looks for it where the spec said before, and whoever reads that one was lost can. */
static struct action tell_of_one_lost_elsewhere(const struct observed *o, struct arena *a)
{
    return is_lost_elsewhere(o, a) ? report_possible_orphan(o, a) : act_pass;
}

/* The former GitLab has been out of reach since the status first said so, for as long as a deletion would wait for it.
 */
static bool gave_up_the_former(const struct observed *o)
{
    const char *status = condition_get(o->status, "Registered", "status");
    int64_t since = time_parse(condition_get(o->status, "Registered", "lastTransitionTime"));

    return status && strcmp(status, "False") == 0 && since >= 0 && o->now >= since + o->spec->deregistration_deadline &&
           failed_attempt(o, "moved");
}

/* The former runner goes, unless the user owns it; not before there is something to register another one with. Who
 * deletes a Secret that lacks what is needed has done what was asked for. */
static struct action leave_the_former_gitlab(const struct observed *o, struct arena *a)
{
    if (!has_moved(o, a) || o->memory->deregistered || is_users_own(&o->registered))
        return act_pass;
    bool goes = o->children[CHILD_TOKEN_SECRET].terminating;
    struct action act = goes ? act_pass : need_credential(o, a);
    if (act.kind != ACT_PASS)
        return act;
    if (gave_up_the_former(o))
        return leave_behind(o, &o->registered, failed_attempt(o, "moved")->err.text, a);
    if (is_damaged(&o->registered))
        act = need_a_new_secret(o, "TokenSecretDamaged", "annotations", a);
    if (act.kind == ACT_PASS)
        act = goes ? try_tls(o) : need_tls(o, a);
    if (act.kind == ACT_PASS)
        act = need_token(o, a);
    if (act.kind == ACT_PASS)
        act = act_call(GITLAB_DEREGISTER, o->registered.url, o->values[READ_TOKEN].value, o->registered.runner_id);
    return act.kind == ACT_WAIT && goes ? act_pass : act;
}

/* … and its token is of no use any more. */
static struct action drop_the_former_token(const struct observed *o, struct arena *a)
{
    if (!has_moved(o, a))
        return act_pass;
    return (struct action){.kind = ACT_DELETE,
                           .delete = {.kind = "Secret",
                                      .ns = o->owner.ns,
                                      .uid = o->children[CHILD_TOKEN_SECRET].uid,
                                      .name = child_name(CHILD_TOKEN_SECRET, &o->owner, a)}};
}

/* The token Secret was deleted, but the config Secret still has the token: nothing is lost, if it is the token of the
 * runner that was registered last, and not of one before. */
static struct action restore_from_config(const struct observed *o, struct arena *a)
{
    const struct observed_value *config = &o->values[READ_CONFIG];

    if (!o->children[CHILD_CONFIG_SECRET].exists || o->memory->config_token_dead ||
        o->spec->authentication == AUTH_RUNNER_TOKEN || !was_registered(o, a))
        return act_pass;
    if (config->lookup == LOOKUP_UNKNOWN)
        return act_read(READ_CONFIG);
    int64_t last = json_int_or(o->status, "runnerId", 0);
    return config->lookup == LOOKUP_FOUND ? act_call(GITLAB_RESTORE, o->spec->url, config->value, last) : act_pass;
}

/* A crash may have lost a registration: find it by our mark before a second one is made. */
static struct action look_for_a_lost_registration(const struct observed *o, struct arena *a)
{
    switch (o->memory->doubt) {
    case DOUBT_NONE:
    case DOUBT_SUSPECTED: /* the rules above have seen to these two */
    case DOUBT_UNREAD:
        return act_pass;
    case DOUBT_LOST:
        if (o->spec->authentication == AUTH_RUNNER_TOKEN)
            return act_pass; /* verified, never made by us */
        if (o->spec->authentication == AUTH_REGISTRATION_TOKEN)
            return report_possible_orphan(o, a);
        return find_lost_runner(o, a);
    case DOUBT_SEARCHED:
        return o->memory->found_id ? act_call(GITLAB_RESET, o->spec->url, credential_value(o), o->memory->found_id)
                                   : act_pass;
    case DOUBT_UNSEARCHABLE:
        return report_possible_orphan(o, a);
    }
    return act_pass;
}

static struct action register_now(const struct observed *o, struct arena *a)
{
    static const enum gitlab_call calls[] = {
        [AUTH_REGISTRATION_TOKEN] = GITLAB_REGISTER,
        [AUTH_ACCESS_TOKEN] = GITLAB_CREATE,
        [AUTH_RUNNER_TOKEN] = GITLAB_VERIFY,
    };

    (void)a;
    assert(o->spec->authentication < ARRAY_LEN(calls) && !o->memory->issued);
    return act_call(calls[o->spec->authentication], o->spec->url, credential_value(o), 0);
}

/* What leads to a registration, when there is none or the user gave another runner token. */
/* clang-format off */
static const struct rule registering_rules[] = {
    {"credential", need_credential,              "the Secret that spec.authentication names has its token",        NULL},
    {"tls",        need_tls,                     "the CA and the client certificate that the spec names are good", NULL},
    {"finalizer",  hold_finalizer,               "the object will wait for its runner when it is deleted",         NULL},
    {"unseen",     read_an_unseen_token,         "a token Secret that the watch does not show was looked for",     NULL},
    {"restore",    restore_from_config,          "no former token is left to go on with",                          NULL},
    {"lost",       look_for_a_lost_registration, "no registration was lost on the way",                            NULL},
    {"adopt",      adopt_a_runner,               "no runner that exists is to be adopted",                         NULL},
    {"register",   register_now,                 "GitLab has registered the runner",                               NULL},
    {NULL,         NULL,                         NULL,                                                             NULL},
};
/* clang-format on */

static struct action need_registration(const struct observed *o, struct arena *a)
{
    if (is_registered(o, a) && (o->spec->authentication != AUTH_RUNNER_TOKEN || registration_is_right(o, a)))
        return act_pass;
    return rules_first(registering_rules, o, a);
}

/* A runner is not changed before GitLab has shown that it has our mark, or the token that we have. */
static struct action need_proof(const struct observed *o)
{
    const struct server_check *c = &o->memory->check;

    assert(o->values[READ_TOKEN].value && credential_value(o));
    if (is_proven(o, "attributes"))
        return act_pass;
    if (c->absences || c->refusals)
        return act_wait("RunnerNotFound", "GitLab does not know the runner, or its token; it is asked once more",
                        false);
    if (c->shown == SHOWN_FOREIGN || c->credential_status)
        return prove(GITLAB_TRY, o->spec->url, o->values[READ_TOKEN].value, o->registered.runner_id);
    return prove(GITLAB_SHOW, o->spec->url, credential_value(o), o->registered.runner_id);
}

/* A registration token gives no right to tell GitLab, nor to look; and the runner's own token shows nothing of them. So
 * who has set them there says so, of these very attributes. */
static struct action take_their_word(const struct observed *o, struct arena *a)
{
    const char *hash = attributes_hash(&o->attributes, a);

    if (!o->spec->steering.set_at_gitlab || strcmp(o->spec->steering.set_at_gitlab, hash) != 0)
        return act_wait(
            "UpdateNeedsAccessToken",
            arena_printf(a,
                         "tags or other attributes kept at GitLab were edited, and a registration token "
                         "gives no right to change them, nor to see them: use "
                         "authentication.accessTokenSecretRef, which keeps the runner; or undo the edit; or "
                         "change them at GitLab, and then say so: kubectl annotate glr -n %s %s "
                         "--overwrite " ANNOTATION_SET_AT_GITLAB "=%s",
                         o->owner.ns, o->owner.name, hash),
            true);
    struct action act = need_token(o, a);
    if (act.kind != ACT_PASS)
        return act;
    struct registration told = o->registered;
    told.token = o->values[READ_TOKEN].value;
    told.told_hash = hash;
    return act_apply(CHILD_TOKEN_SECRET, render_token_secret(&o->owner, &told, a), o->children[CHILD_TOKEN_SECRET].uid);
}

/* Tags, description and so on are kept at GitLab: an edit is told to GitLab, never made by registering again; and one
 * that somebody makes there is set right. */
static struct action tell_the_attributes(const struct observed *o, struct arena *a)
{
    bool edited_there = o->memory->check.edited && o->memory->check.shown == SHOWN_OURS;

    if (registration_is_right(o, a) && !edited_there)
        return act_pass;
    if (o->spec->authentication == AUTH_REGISTRATION_TOKEN)
        return take_their_word(o, a);

    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_tls(o, a);
    if (act.kind == ACT_PASS)
        act = need_token(o, a);
    if (act.kind == ACT_PASS)
        act = need_proof(o);
    if (act.kind == ACT_PASS)
        act = act_call(GITLAB_UPDATE, o->spec->url, credential_value(o), o->registered.runner_id);
    return act;
}

/* Order matters: a rule relies on all rules above it. */
/* clang-format off */
const struct rule registration_rules[] = {
    {"recall",       tell_of_a_used_runner,         "the status tells of the runner that was taken over",            NULL},
    {RULE_SAVE,      save_issued_token,             "the token is in its Secret",                                    NULL},
    {"spec",         refuse_an_invalid_spec,        "the spec can be read",                                          NULL},
    {"suspended",    pause_while_suspended,         "spec.suspend is false",                                         NULL},
    {"lost-elsewhere", tell_of_one_lost_elsewhere,    "no registration was lost where the spec does not say any more", NULL},
    {"inherit",      inherit_a_token_secret,        "no token Secret of a former object can be gone on with",        NULL},
    {"takeover",     take_over_in_place,            "no other credential is to take the runner over",                NULL},
    {"moved",        leave_the_former_gitlab,       "no runner of ours is left at another URL, or in another scope", NULL},
    {"place",        need_a_place_for_the_token,    "there is a place for the token",                                NULL},
    {"former-token", drop_the_former_token,         "no former token is in it",                                      NULL},
    {"registered",   need_registration,             "GitLab knows the runner, and its token is in our Secret",       registering_rules},
    {"adopted",      keep_to_the_adopted,           "it is the one that the spec names, if it names one",            NULL},
    {"finalizer",    hold_finalizer,                "GitLab will be told when the object goes",                      NULL},
    {"check",        ask_gitlab,                    "GitLab need not be asked now",                                  NULL},
    {"gone",         replace_a_runner_that_is_gone, "GitLab has not said that the runner is gone",                   NULL},
    {"dead-token",   renew_a_dead_token,            "nor that its token is bad",                                     NULL},
    {"rotation",     rotate_the_token,              "the token need not be replaced now",                            NULL},
    {"attributes",   tell_the_attributes,           "GitLab has its tags and other attributes as the spec says",     NULL},
    {"version",      ask_what_is_seldom_asked,           "nothing else is to be asked of GitLab now",                     NULL},
    {NULL,           NULL,                          NULL,                                                            NULL},
};
/* clang-format on */
