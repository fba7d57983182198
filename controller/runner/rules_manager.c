/* The manager, towards Kubernetes: the table at the end is what the product does there. */
#include <assert.h>

#include "runner/rules.h"

#include "base/arena.h"
#include "base/json.h"
#include "runner/names.h"
#include "runner/pod_security.h"
#include "runner/status.h"

static struct action wait_for_the_token(const struct observed *o, struct arena *a)
{
    return is_registered(o, a) ? act_pass : act_wait("NotRegistered", "waiting for the registration", false);
}

/* Where the runner is stands in the status before there is a manager: one that never asked for a job is found without.
 * The managers are told of as they will be, so that it need not be written again on the way to them. */
static struct action record_the_registration(const struct observed *o, struct arena *a)
{
    const struct finding none = {.reason = NULL};
    const struct finding manager = child_is_right(o, CHILD_DEPLOYMENT, a) ? none : manager_starting(o, a);

    if (status_tells(o, &o->registered))
        return act_pass;
    return (struct action){.kind = ACT_STATUS, .status = status_render(o, &none, &manager, a)};
}

/* Rights that its owner has withdrawn go without us (claim.h). */
static struct action need_job_namespace(const struct observed *o, struct arena *a)
{
    const char *ns = o->spec->namespace;

    if (!o->job_namespace_served)
        return act_wait("NamespaceNotServed",
                        arena_printf(a,
                                     "namespace %s is not one of those that this operator serves (%s); name one of "
                                     "them, or have it added to the operator's option --namespace",
                                     ns, o->settings.namespaces),
                        true);
    if (!o->job_namespace_exists)
        return act_wait("NamespaceNotFound", arena_printf(a, "namespace %s does not exist; create it", ns), true);
    if (o->job_namespace_open)
        return act_pass;
    return act_wait(
        "NamespaceNotAllowed",
        arena_printf(a,
                     "namespace %s is not open to runners of namespace %s; its owner opens it with: kubectl "
                     "annotate namespace %s %s=%s",
                     ns, o->owner.ns, ns, ANNOTATION_ALLOWED_FROM, o->owner.ns),
        true);
}

/* Where every job would be refused, the managers go on with what they have. */
static struct action need_pod_security(const struct observed *o, struct arena *a)
{
    const char *why = pod_security_forbids(&o->owner, o->spec, o->job_namespace_level, a);

    return why ? act_wait("PodSecurityForbids", why, true) : act_pass;
}

/* What is in the way of writing the child. The action is ACT_APPLY, without a manifest, when nothing is. */
static struct action may_apply(const struct observed *o, enum child child, struct arena *a)
{
    const struct observed_child *c = &o->children[child];

    if (!o->wanted[child].wanted || child_is_right(o, child, a))
        return act_pass;
    if (c->foreign)
        return name_conflict(o, child, a);
    if (c->terminating)
        return act_wait("Recreating", arena_printf(a, "the %s is being deleted", child_kind(child)), false);
    return (struct action){.kind = ACT_APPLY};
}

static struct action apply_child(const struct observed *o, enum child child, struct json_object *manifest)
{
    const struct observed_child *c = &o->children[child];

    assert(!c->foreign && !c->terminating);
    return act_apply(child, manifest, c->exists ? c->uid : NULL);
}

/* With placeholders for what the spec does not tell. */
static struct action need_rendered(const struct observed *o, enum child child, struct arena *a)
{
    struct action act = may_apply(o, child, a);

    return act.kind == ACT_APPLY ? apply_child(o, child, wanted_manifest(o, child, a)) : act;
}

/* With the real token, CA, client certificate and keys of the cache. */
static struct action need_config(const struct observed *o, struct arena *a)
{
    struct action act = may_apply(o, CHILD_CONFIG_SECRET, a);

    if (act.kind != ACT_APPLY)
        return act;
    struct action need = need_cache(o, a); /* first, since a person may be long in mending it */
    if (need.kind == ACT_PASS)
        need = need_token(o, a);
    if (need.kind == ACT_PASS)
        need = need_tls(o, a);
    if (need.kind != ACT_PASS)
        return need;

    const struct config_inputs in = {.token = o->values[READ_TOKEN].value,
                                     .ca_pem = o->values[READ_CA].value,
                                     .client_cert = o->values[READ_CLIENT_CERT].value,
                                     .client_key = o->values[READ_CLIENT_KEY].value,
                                     .cache = cache_data(o, a),
                                     .inputs = config_inputs_text(o, a)};
    return apply_child(o, CHILD_CONFIG_SECRET, render_config_secret(&o->owner, o->spec, &in, a));
}

static struct action need_service_accounts(const struct observed *o, struct arena *a)
{
    struct action act = need_rendered(o, CHILD_SERVICE_ACCOUNT, a);

    return act.kind == ACT_PASS ? need_rendered(o, CHILD_JOBS_ACCOUNT, a) : act;
}

static struct action need_role_bindings(const struct observed *o, struct arena *a)
{
    struct action act = act_pass;

    for (enum child child = CHILD_ROLE_BINDING; child <= CHILD_LAST_FEATURE_BINDING && act.kind == ACT_PASS; child++)
        act = need_rendered(o, child, a);
    return act;
}

/* An account of the user's own is not watched: it is looked at in each turn, and passed over when it cannot be read. */
static struct action see_the_account(const struct observed *o, struct arena *a)
{
    const struct attempt *failed = failed_attempt(o, "read-account");
    bool in_vain = failed && o->now_ms < failed->retry_at_ms;

    (void)a;
    return o->spec->manager.service_account_name && o->values[READ_ACCOUNT].lookup == LOOKUP_UNKNOWN && !in_vain
               ? act_read(READ_ACCOUNT)
               : act_pass;
}

static struct action need_deployment(const struct observed *o, struct arena *a)
{
    struct action act = need_rendered(o, CHILD_DEPLOYMENT, a);

    if (act.kind == ACT_APPLY)
        render_deployment_inputs(act.apply.manifest, deployment_inputs_text(o, a), a);
    return act;
}

static struct action need_disruption_budget(const struct observed *o, struct arena *a)
{
    return need_rendered(o, CHILD_DISRUPTION_BUDGET, a);
}

/* They take their time; what keeps them for longer is told by their pods, which nobody watches. */
static struct action look_at_the_pods(const struct observed *o, struct arena *a)
{
    (void)a;
    return pods_due(o) && o->now_ms >= pods_due(o) ? (struct action){.kind = ACT_LOOK} : act_pass;
}

/* Whose rights these are follows the spec at once, also while it is suspended, or its runner waits for GitLab: an
 * account that it does not name any more has none, and none has what only a setting of before needed. Only a token that
 * is nowhere else is saved before. What is not to be there at all goes without us (claim.h). */
static struct action keep_rights_current(const struct observed *o, struct arena *a)
{
    bool open = o->job_namespace_served && o->job_namespace_exists && o->job_namespace_open;
    struct action act = act_pass;

    if (!o->spec || o->memory->issued || !open)
        return act_pass;
    for (enum child child = CHILD_ROLE_BINDING; child <= CHILD_LAST_FEATURE_BINDING && act.kind == ACT_PASS; child++)
        if (o->children[child].exists)
            act = o->wanted[child].wanted ? need_rendered(o, child, a) : remove_binding(o, child, a);
    return act;
}

/* clang-format off */
const struct rule rights_rules[] = {
    {"role-binding", keep_rights_current, "nobody has rights that the spec does not lead to", NULL},
    {NULL,           NULL,                NULL,                                               NULL},
};

/* Order matters: a rule relies on all rules above it. */
const struct rule manager_rules[] = {
    {"token",             wait_for_the_token,      "there is a token for the managers",                          NULL},
    {"job-namespace",     need_job_namespace,      "the namespace of the jobs is there and open to this runner", NULL},
    {"pod-security",      need_pod_security,       "its Pod Security lets job pods in",                          NULL},
    {"config",            need_config,             "config.toml is as the spec says",                            NULL},
    {"service-account",   need_service_accounts,   "the ServiceAccounts are there",                              NULL},
    {"role-binding",      need_role_bindings,      "the managers may make job pods",                             NULL},
    {"record",            record_the_registration, "the status says where the runner is",                        NULL},
    {"account",           see_the_account,         "it is known whose tokens the managers have",                 NULL},
    {"deployment",        need_deployment,         "the Deployment of the managers is as the spec says",         NULL},
    {"disruption-budget", need_disruption_budget,  "so is their PodDisruptionBudget, if there is to be one",     NULL},
    {"strays",            remove_strays,           "nothing is left of what the spec said before",               NULL},
    {"pods",              look_at_the_pods,        "the managers' pods need not be looked at now",               NULL},
    {NULL,                NULL,                    NULL,                                                         NULL},
};
/* clang-format on */
