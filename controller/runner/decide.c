#include "runner/decide.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/status.h"

typedef struct action rule_fn(const struct observed *o, struct arena *a);

struct rule {
    const char *name;
    rule_fn *check;
};

static const struct action pass = {.kind = ACT_PASS};

static struct action wait_for(const char *reason, const char *message, bool stalled)
{
    return (struct action){.kind = ACT_WAIT, .wait = {.reason = reason, .message = message, .stalled = stalled}};
}

/* A read has a name of its own: that it works again says nothing about the other calls of the rule that asked for it.
 */
static struct action read_value(enum readable what)
{
    static const char *const names[] = {
        [READ_CREDENTIAL] = "read-credential",
        [READ_CA] = "read-ca",
        [READ_TOKEN] = "read-token",
        [READ_CONFIG] = "read-config",
    };

    return (struct action){.kind = ACT_READ, .rule = names[what], .read = what};
}

static struct action finalizer(bool hold)
{
    return (struct action){.kind = ACT_FINALIZER, .hold_finalizer = hold};
}

static struct action apply(enum child child, struct json_object *manifest, const char *uid)
{
    return (struct action){.kind = ACT_APPLY, .apply = {.child = child, .manifest = manifest, .uid = uid}};
}

static struct action call(enum gitlab_call what, const char *url, const char *token, int64_t runner_id)
{
    return (struct action){.kind = ACT_GITLAB,
                           .gitlab = {.call = what, .url = url, .token = token, .runner_id = runner_id}};
}

static struct action report(const char *reason, const char *message)
{
    return (struct action){.kind = ACT_REPORT, .report = {.warning = true, .reason = reason, .message = message}};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Values that live in Secrets and ConfigMaps of the user's. */

/* Passes when the value is at hand; else reads it, or says what is wrong with it. */
static struct action need_value(const struct observed *o, enum readable what, const char *kind,
                                const struct key_ref *ref, struct arena *a)
{
    const char *reason = strcmp(kind, "Secret") == 0 ? "SecretNotFound" : "ConfigMapNotFound";

    switch (o->values[what].lookup) {
    case LOOKUP_FOUND:
        return pass;
    case LOOKUP_UNKNOWN:
        return read_value(what);
    case LOOKUP_NO_OBJECT:
        return wait_for(reason,
                        arena_printf(a, "%s %s/%s does not exist; create it with the key %s", kind, o->owner.ns,
                                     ref->name, ref->key),
                        true);
    case LOOKUP_NO_KEY:
        return wait_for("KeyNotFound",
                        arena_printf(a, "%s %s/%s has no key %s; add it, or name another key in the spec", kind,
                                     o->owner.ns, ref->name, ref->key),
                        true);
    case LOOKUP_EMPTY:
        return wait_for(
            "ValueEmpty",
            arena_printf(a, "key %s of %s %s/%s is empty; put the value there", ref->key, kind, o->owner.ns, ref->name),
            true);
    }
    return pass;
}

static struct action need_credential(const struct observed *o, struct arena *a)
{
    return need_value(o, READ_CREDENTIAL, "Secret", &o->spec->credential, a);
}

static struct action need_ca(const struct observed *o, struct arena *a)
{
    if (!o->spec->ca.name)
        return pass;
    return need_value(o, READ_CA, o->spec->ca_in_config_map ? "ConfigMap" : "Secret", &o->spec->ca, a);
}

/* For calls that are made with the CA or, if it cannot be had, without. */
static struct action try_ca(const struct observed *o)
{
    return o->spec && o->spec->ca.name && o->values[READ_CA].lookup == LOOKUP_UNKNOWN ? read_value(READ_CA) : pass;
}

/* The runner's own token. */
static struct action need_token(const struct observed *o)
{
    if (o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return read_value(READ_TOKEN);
    if (o->values[READ_TOKEN].lookup != LOOKUP_FOUND)
        return wait_for("TokenMissing",
                        "the token Secret has lost its content; delete it to have the runner registered again", true);
    return pass;
}

static const char *credential(const struct observed *o)
{
    return o->values[READ_CREDENTIAL].value;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The registration, towards GitLab. */

static struct action name_conflict(const struct observed *o, enum child child, struct arena *a)
{
    const char *ns = child_namespace(child, &o->owner, o->spec);

    return wait_for(
        "NameConflict",
        arena_printf(a,
                     "%s %s/%s exists and was not made for this GitLabRunner; it is left alone. Delete or rename one",
                     child_kind(child), ns, child_name(child, &o->owner, a)),
        true);
}

/* A token that was just got is in nobody's hands but ours: it goes into its Secret before anything else. */
static struct action save_issued_token(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    if (!o->issued.token)
        return pass;
    if (secret->foreign)
        return name_conflict(o, CHILD_TOKEN_SECRET, a);
    if (secret->terminating && !secret->held)
        return wait_for("Recreating", "the former token Secret is being deleted", false);
    return apply(CHILD_TOKEN_SECRET, render_token_secret(&o->owner, &o->issued, a), secret->uid);
}

/* Takes our finalizer off the token Secret. What it holds is written once more, because what an apply leaves out is
 * removed. */
static struct action release_token_secret(const struct observed *o, struct arena *a)
{
    struct registration last = o->registered;

    if (o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return read_value(READ_TOKEN);
    last.token = o->values[READ_TOKEN].value;
    struct action act =
        apply(CHILD_TOKEN_SECRET, render_token_secret(&o->owner, &last, a), o->children[CHILD_TOKEN_SECRET].uid);
    act.apply.release = true;
    return act;
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
                            : wait_for("Recreating", "the token Secret is being deleted", false);
    return pass;
}

/* Without these two annotations nobody knows whose runner it is, or where. */
static bool is_damaged(const struct registration *r)
{
    return !r->url[0] || !r->authentication[0];
}

/* Made by the user, who gave us its token. */
static bool is_users_own(const struct registration *r)
{
    return strcmp(r->authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;
}

static struct action refuse_an_invalid_spec(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->spec ? pass : wait_for("InvalidSpec", o->spec_err.text, true);
}

static struct action pause_while_suspended(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->spec->suspend ? wait_for("Suspended", "spec.suspend is true: nothing is changed", false) : pass;
}

/* Registered elsewhere, or in another way, than the spec says now; or not any more. */
static bool has_moved(const struct observed *o, struct arena *a)
{
    return o->children[CHILD_TOKEN_SECRET].exists && (o->deregistered || !registration_fits(o, a));
}

/* The former runner goes, unless the user owns it. Who deletes a Secret that lacks what is needed has done what was
 * asked for. */
static struct action leave_the_former_gitlab(const struct observed *o, struct arena *a)
{
    struct action act = pass;

    if (!has_moved(o, a) || o->deregistered || is_users_own(&o->registered))
        return pass;
    if (is_damaged(&o->registered))
        act =
            wait_for("TokenSecretDamaged",
                     "the token Secret has lost its annotations; delete it to have the runner registered again", true);
    if (act.kind == ACT_PASS)
        act = try_ca(o);
    if (act.kind == ACT_PASS)
        act = need_token(o);
    if (act.kind == ACT_PASS)
        act = call(GITLAB_DEREGISTER, o->registered.url, o->values[READ_TOKEN].value, o->registered.runner_id);
    return act.kind == ACT_WAIT && o->children[CHILD_TOKEN_SECRET].terminating ? pass : act;
}

/* … and its token is of no use any more. */
static struct action drop_the_former_token(const struct observed *o, struct arena *a)
{
    if (!has_moved(o, a))
        return pass;
    return (struct action){.kind = ACT_DELETE,
                           .delete = {.kind = "Secret",
                                      .ns = o->owner.ns,
                                      .uid = o->children[CHILD_TOKEN_SECRET].uid,
                                      .name = child_name(CHILD_TOKEN_SECRET, &o->owner, a)}};
}

/* From here on somebody has to clean up at GitLab when the object goes. */
static struct action hold_finalizer(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->finalizer ? pass : finalizer(true);
}

static bool status_says(const struct observed *o, const char *field, const char *value)
{
    return strcmp(json_str_or(o->status, field, ""), value) == 0;
}

/* The status tells of the last registration, and that it was for the url, mode and scope that the spec asks for. */
static bool was_registered(const struct observed *o, struct arena *a)
{
    return status_says(o, "url", o->spec->url) &&
           status_says(o, "authentication", authentication_name(o->spec->authentication)) &&
           status_says(o, "scope", scope_text(o->spec, a));
}

/* The token Secret was deleted, but the config Secret still has the token: nothing is lost. */
static struct action restore_from_config(const struct observed *o, struct arena *a)
{
    const struct observed_value *config = &o->values[READ_CONFIG];

    if (!o->children[CHILD_CONFIG_SECRET].exists || o->config_token_dead ||
        o->spec->authentication == AUTH_RUNNER_TOKEN || !was_registered(o, a))
        return pass;
    if (config->lookup == LOOKUP_UNKNOWN)
        return read_value(READ_CONFIG);
    return config->lookup == LOOKUP_FOUND ? call(GITLAB_RESTORE, o->spec->url, config->value, 0) : pass;
}

/* Looks for the runner that carries our mark, first at the one that was registered last. */
static struct action find_lost_runner(const struct observed *o, struct arena *a)
{
    int64_t last = was_registered(o, a) ? json_int_or(o->status, "runnerId", 0) : 0;

    return call(GITLAB_FIND, o->spec->url, credential(o), last);
}

static struct action report_possible_orphan(const struct observed *o, struct arena *a)
{
    const char *url = o->spec ? o->spec->url : json_str_or(o->status, "url", "GitLab");

    return report(
        "PossibleOrphan",
        arena_printf(a,
                     "an earlier registration at %s may not have been recorded; if a runner there has '%s%s' in its "
                     "maintenance note and never ran, delete it",
                     url, MARK_PREFIX, o->owner.uid));
}

/* A crash may have lost a registration: find it by our mark before a second one is made. */
static struct action look_for_a_lost_registration(const struct observed *o, struct arena *a)
{
    switch (o->doubt) {
    case DOUBT_NONE:
        return pass;
    case DOUBT_LOST:
        if (o->spec->authentication == AUTH_RUNNER_TOKEN)
            return pass; /* verified, never made by us */
        if (o->spec->authentication == AUTH_REGISTRATION_TOKEN)
            return report_possible_orphan(o, a);
        return find_lost_runner(o, a);
    case DOUBT_SEARCHED:
        return o->found_id ? call(GITLAB_RESET, o->spec->url, credential(o), o->found_id) : pass;
    case DOUBT_UNSEARCHABLE:
        return report_possible_orphan(o, a);
    }
    return pass;
}

static struct action register_now(const struct observed *o, struct arena *a)
{
    static const enum gitlab_call calls[] = {
        [AUTH_REGISTRATION_TOKEN] = GITLAB_REGISTER,
        [AUTH_ACCESS_TOKEN] = GITLAB_CREATE,
        [AUTH_RUNNER_TOKEN] = GITLAB_VERIFY,
    };

    (void)a;
    return call(calls[o->spec->authentication], o->spec->url, credential(o), 0);
}

/* What leads to a registration, when there is none or the user gave another runner token. */
static const struct rule registering_rules[] = {
    {"credential", need_credential},        /* the Secret it names exists and has the key            */
    {"ca", need_ca},                        /* … and so does the CA                                  */
    {"finalizer", hold_finalizer},          /* the intent, before any effect outside of the cluster  */
    {"restore", restore_from_config},       /* a lost Secret is not a lost registration              */
    {"lost", look_for_a_lost_registration}, /* nor is a crash between the POST and the Secret        */
    {"register", register_now},             /* the one effect that cannot be repeated                */
};

static struct action first_of(const struct rule *rules, size_t len, const struct observed *o, struct arena *a);

static struct action need_registration(const struct observed *o, struct arena *a)
{
    if (is_registered(o, a) && (o->spec->authentication != AUTH_RUNNER_TOKEN || registration_is_right(o, a)))
        return pass;
    return first_of(registering_rules, ARRAY_LEN(registering_rules), o, a);
}

/* Tags, description and so on are kept at GitLab: an edit is told to GitLab, never made by registering again. */
static struct action tell_the_attributes(const struct observed *o, struct arena *a)
{
    if (registration_is_right(o, a))
        return pass;
    if (o->spec->authentication == AUTH_REGISTRATION_TOKEN)
        return wait_for(
            "UpdateNeedsAccessToken",
            "tags or other attributes kept at GitLab were edited, and a registration token gives no right to change "
            "them: use authentication.accessTokenSecretRef, change them at GitLab, or undo the edit",
            true);

    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_ca(o, a);
    if (act.kind == ACT_PASS)
        act = need_token(o);
    if (act.kind == ACT_PASS)
        act = call(GITLAB_UPDATE, o->spec->url, credential(o), o->registered.runner_id);
    return act;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The manager, towards Kubernetes. */

static struct action wait_for_the_token(const struct observed *o, struct arena *a)
{
    return is_registered(o, a) ? pass : wait_for("NotRegistered", "waiting for the registration", false);
}

/* Where the runner is stands in the status before its manager runs, so that it can be found when its token is lost. */
static struct action record_the_registration(const struct observed *o, struct arena *a)
{
    const struct finding none = {.reason = NULL};

    if (was_registered(o, a) && json_int_or(o->status, "runnerId", 0) == o->registered.runner_id)
        return pass;
    return (struct action){.kind = ACT_STATUS, .status = status_render(o, &none, &none, a)};
}

static struct action remove_role_binding(const struct observed *o, struct arena *a)
{
    const struct observed_child *binding = &o->children[CHILD_ROLE_BINDING];

    if (!binding->exists || binding->terminating)
        return pass;
    return (struct action){.kind = ACT_DELETE,
                           .delete = {.kind = child_kind(CHILD_ROLE_BINDING),
                                      .ns = o->spec->namespace,
                                      .uid = binding->uid,
                                      .name = child_name(CHILD_ROLE_BINDING, &o->owner, a)}};
}

/* Rights that its owner has withdrawn go at once, whatever the manager still does there. */
static struct action need_job_namespace(const struct observed *o, struct arena *a)
{
    const char *ns = o->spec->namespace;

    if (!o->job_namespace_exists)
        return wait_for("NamespaceNotFound", arena_printf(a, "namespace %s does not exist; create it", ns), true);
    if (o->job_namespace_open)
        return pass;
    struct action act = remove_role_binding(o, a);
    if (act.kind != ACT_PASS)
        return act;
    return wait_for(
        "NamespaceNotAllowed",
        arena_printf(a,
                     "namespace %s is not open to runners of namespace %s; its owner opens it with: kubectl "
                     "annotate namespace %s %s=%s",
                     ns, o->owner.ns, ns, ANNOTATION_ALLOWED_FROM, o->owner.ns),
        true);
}

/* The child as the spec wants it, unless it is not wanted, right already, or somebody else's. */
static struct action need_child(const struct observed *o, enum child child, struct arena *a)
{
    const struct observed_child *c = &o->children[child];

    if (!o->wanted[child].wanted || child_is_right(o, child, a))
        return pass;
    if (c->foreign)
        return name_conflict(o, child, a);
    if (c->terminating)
        return wait_for("Recreating", arena_printf(a, "the %s is being deleted", child_kind(child)), false);
    return apply(child, o->wanted[child].manifest, c->exists ? c->uid : NULL);
}

/* As need_child(), but with the real token and CA in the place of the placeholders. */
static struct action need_config(const struct observed *o, struct arena *a)
{
    struct action act = need_child(o, CHILD_CONFIG_SECRET, a);

    if (act.kind != ACT_APPLY)
        return act;
    struct action need = need_token(o);
    if (need.kind == ACT_PASS)
        need = need_ca(o, a);
    if (need.kind != ACT_PASS)
        return need;

    const struct config_inputs in = {
        .token = o->values[READ_TOKEN].value, .ca_pem = o->values[READ_CA].value, .inputs = config_inputs_text(o, a)};
    act.apply.manifest = render_config_secret(&o->owner, o->spec, &in, a);
    return act;
}

static struct action need_service_account(const struct observed *o, struct arena *a)
{
    return need_child(o, CHILD_SERVICE_ACCOUNT, a);
}

static struct action need_role_binding(const struct observed *o, struct arena *a)
{
    return need_child(o, CHILD_ROLE_BINDING, a);
}

static struct action need_deployment(const struct observed *o, struct arena *a)
{
    return need_child(o, CHILD_DEPLOYMENT, a);
}

static struct action remove_strays(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->stray.kind ? (struct action){.kind = ACT_DELETE, .delete = o->stray} : pass;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Deletion. */

/* Until then it is tried to leave GitLab in good order; seconds since 1970. */
static int64_t deadline(const struct observed *o)
{
    enum { DEADLINE_S = 900 };

    return o->deletion_time + (o->spec ? o->spec->deregistration_deadline : DEADLINE_S);
}

static bool gave_up(const struct observed *o)
{
    return o->orphan_reported || o->now >= deadline(o);
}

/* The registration as it is known last, with its token if that is at hand: what was just issued may not be in its
 * Secret yet. */
static struct registration newest_registration(const struct observed *o)
{
    struct registration r = o->issued.token ? o->issued : o->registered;

    if (!o->issued.token && o->values[READ_TOKEN].lookup == LOOKUP_FOUND)
        r.token = o->values[READ_TOKEN].value;
    return r;
}

static struct action report_orphan(const struct observed *o, const char *why, struct arena *a)
{
    const struct registration r = newest_registration(o);

    if (o->orphan_reported)
        return pass;
    return report("OrphanedRunner", arena_printf(a, "runner %lld was left behind at %s: %s", (long long)r.runner_id,
                                                 r.url[0] ? r.url : "GitLab", why));
}

/* A deleted runner leaves GitLab, by its own token, before it loses its finalizer. */
static struct action deregister(const struct observed *o, struct arena *a)
{
    const struct registration r = newest_registration(o);
    bool known = o->issued.token || o->children[CHILD_TOKEN_SECRET].exists;
    bool stays = o->spec && o->spec->deletion_policy == DELETION_ORPHAN;

    if (!o->finalizer || !known || o->deregistered || stays || is_users_own(&r))
        return pass;
    if (gave_up(o))
        return report_orphan(o, o->gitlab.err.kind ? o->gitlab.err.text : "the deregistration deadline has passed", a);
    if (try_ca(o).kind != ACT_PASS)
        return try_ca(o);
    if (!r.token && o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return read_value(READ_TOKEN);
    if (!r.token || is_damaged(&r))
        return report_orphan(o, "its token Secret has lost what is needed to deregister it", a);
    return call(GITLAB_DEREGISTER, r.url, r.token, r.runner_id);
}

/* A runner may be at GitLab whose token nobody has, and nobody wants it to stay there. */
static bool may_have_lost_one(const struct observed *o)
{
    bool may = o->doubt != DOUBT_NONE && (o->doubt != DOUBT_SEARCHED || o->found_id);
    bool stays =
        o->spec && (o->spec->deletion_policy == DELETION_ORPHAN || o->spec->authentication == AUTH_RUNNER_TOKEN);

    return may && !stays && !o->deregistered && !o->orphan_reported;
}

/* A registration that was lost in a crash, and whose object is deleted now, must not stay at GitLab either. */
static struct action remove_a_lost_registration(const struct observed *o, struct arena *a)
{
    bool can_look =
        o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN && o->doubt != DOUBT_UNSEARCHABLE && !gave_up(o);

    if (!o->finalizer || !may_have_lost_one(o))
        return pass;
    if (!can_look)
        return report_possible_orphan(o, a);

    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_ca(o, a);
    if (act.kind != ACT_PASS)
        return act;
    return o->doubt == DOUBT_SEARCHED ? call(GITLAB_REMOVE, o->spec->url, credential(o), o->found_id)
                                      : find_lost_runner(o, a);
}

/* What the garbage collector cannot see, because it is in another namespace than its owner. */
static struct action remove_what_is_elsewhere(const struct observed *o, struct arena *a)
{
    struct action act = pass;

    if (o->finalizer && o->spec && strcmp(o->spec->namespace, o->owner.ns) != 0)
        act = remove_role_binding(o, a);
    return act.kind != ACT_PASS ? act : remove_strays(o, a);
}

/* Nobody needs the token any more. */
static struct action forget_the_token(const struct observed *o, struct arena *a)
{
    return o->children[CHILD_TOKEN_SECRET].held ? release_token_secret(o, a) : pass;
}

static struct action release(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->finalizer ? finalizer(false) : pass;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The product. Order matters: a rule relies on all rules above it. */

static const struct rule registration_rules[] = {
    {"save", save_issued_token},      /* an issued token is in its Secret                             */
    {"spec", refuse_an_invalid_spec}, /* a person must change it                                     */
    {"suspended", pause_while_suspended},
    {"moved", leave_the_former_gitlab},      /* a registration for another url, mode or scope is ended      */
    {"place", need_a_place_for_the_token},   /* there is a place for a token …                              */
    {"former-token", drop_the_former_token}, /* … and no former token in it                                 */
    {"registered", need_registration},       /* GitLab knows this runner; its token is in our Secret         */
    {"finalizer", hold_finalizer},           /* … and will be told when the object goes                      */
    {"attributes", tell_the_attributes},     /* GitLab knows its tags, description, …                        */
};

static const struct rule manager_rules[] = {
    {"token", wait_for_the_token},         /* a manager without a token is of no use                      */
    {"record", record_the_registration},   /* a lost token can be found again                           */
    {"job-namespace", need_job_namespace}, /* the namespace of the jobs exists and is open to us          */
    {"config", need_config},               /* config.toml equals what render would write                  */
    {"service-account", need_service_account},
    {"role-binding", need_role_binding}, /* the manager may make job pods                               */
    {"deployment", need_deployment},     /* the manager runs                                            */
    {"strays", remove_strays},           /* nothing is left of what the spec said before                */
};

static const struct rule deletion_rules[] = {
    {"deregister", deregister},              /* GitLab forgets the runner …                                */
    {"lost", remove_a_lost_registration},    /* … also one whose token was lost                            */
    {"elsewhere", remove_what_is_elsewhere}, /* objects in other namespaces are gone                       */
    {"forget", forget_the_token},            /* the token Secret may go                                    */
    {"release", release},                    /* the object may go; its children follow by garbage collection */
};

/* After a failure, no call of the same class before its time. Only the status is shown all the same, lest the failure
 * of another call be hidden by itself. */
static bool must_wait(const struct action *act, const struct attempt *attempt, int64_t now_ms)
{
    bool calls = act->kind != ACT_PASS && act->kind != ACT_WAIT && act->kind != ACT_REPORT;
    bool tells = act->kind == ACT_STATUS && attempt->rule && strcmp(attempt->rule, act->rule) != 0;

    return calls && !tells && attempt->err.kind != ERR_NONE && now_ms < attempt->retry_at_ms;
}

/* The action, or the wait that a failure has led to and why. */
static struct action gated(struct action act, const struct observed *o)
{
    const struct attempt *attempt = act.kind == ACT_GITLAB ? &o->gitlab : &o->kubernetes;

    if (!must_wait(&act, attempt, o->now_ms))
        return act;
    return (struct action){.kind = ACT_WAIT,
                           .rule = act.rule,
                           .wait = {.reason = attempt->err.reason,
                                    .message = attempt->err.text,
                                    .stalled = attempt->err.kind == ERR_DENIED || attempt->err.kind == ERR_INVALID,
                                    .retry_at_ms = attempt->retry_at_ms}};
}

/* The first action that a rule asks for; ACT_PASS when none does. */
static struct action first_of(const struct rule *rules, size_t len, const struct observed *o, struct arena *a)
{
    for (size_t i = 0; i < len; i++) {
        struct action act = rules[i].check(o, a);
        if (act.kind != ACT_PASS) {
            act.rule = act.rule ? act.rule : rules[i].name;
            return gated(act, o);
        }
    }
    return pass;
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
    struct finding why_registration = finding_of(&registration), why_manager = finding_of(&manager);
    struct json_object *status = status_render(o, &why_registration, &why_manager, a);

    if (!status_is_shown(o, status))
        return gated((struct action){.kind = ACT_STATUS, .rule = "status", .status = status}, o);
    if (registration.kind != ACT_WAIT && manager.kind != ACT_WAIT)
        return (struct action){.kind = ACT_DONE};

    struct action first = registration.kind == ACT_WAIT ? registration : manager;
    if (manager.kind == ACT_WAIT && manager.wait.retry_at_ms &&
        (!first.wait.retry_at_ms || manager.wait.retry_at_ms < first.wait.retry_at_ms))
        first.wait.retry_at_ms = manager.wait.retry_at_ms;
    return first;
}

/* Whatever is waited for, the deadline is not overslept. */
static struct action wait_until_deadline(struct action act, const struct observed *o)
{
    int64_t left_ms = (deadline(o) - o->now) * 1000;

    if (left_ms > 0 && (!act.wait.retry_at_ms || act.wait.retry_at_ms > o->now_ms + left_ms))
        act.wait.retry_at_ms = o->now_ms + left_ms;
    return act;
}

static struct action decide_deletion(const struct observed *o, struct arena *a)
{
    struct action act = first_of(deletion_rules, ARRAY_LEN(deletion_rules), o, a);

    if (act.kind == ACT_PASS)
        return (struct action){.kind = ACT_DONE};
    if (act.kind != ACT_WAIT)
        return act;
    return settle(o, wait_until_deadline(act, o), pass, a);
}

struct action decide(const struct observed *o, struct arena *a)
{
    if (o->deleting)
        return decide_deletion(o, a);
    struct action registration = first_of(registration_rules, ARRAY_LEN(registration_rules), o, a);
    if (registration.kind != ACT_PASS && registration.kind != ACT_WAIT)
        return registration;
    if (!o->spec || o->spec->suspend)
        return settle(o, registration, pass, a);
    struct action manager = first_of(manager_rules, ARRAY_LEN(manager_rules), o, a);
    if (manager.kind != ACT_PASS && manager.kind != ACT_WAIT)
        return manager;
    return settle(o, registration, manager, a);
}

const char *act_kind_name(enum act_kind kind)
{
    static const char *const names[] = {
        [ACT_PASS] = "pass",     [ACT_WAIT] = "wait",     [ACT_READ] = "read",     [ACT_FINALIZER] = "finalizer",
        [ACT_APPLY] = "apply",   [ACT_DELETE] = "delete", [ACT_GITLAB] = "gitlab", [ACT_REPORT] = "report",
        [ACT_STATUS] = "status", [ACT_DONE] = "done",
    };
    return names[kind];
}

const char *gitlab_call_name(enum gitlab_call what)
{
    static const char *const names[] = {
        [GITLAB_REGISTER] = "register", [GITLAB_CREATE] = "create",
        [GITLAB_VERIFY] = "verify",     [GITLAB_RESTORE] = "restore",
        [GITLAB_FIND] = "find",         [GITLAB_RESET] = "reset",
        [GITLAB_UPDATE] = "update",     [GITLAB_DEREGISTER] = "deregister",
        [GITLAB_REMOVE] = "remove",
    };
    return names[what];
}
