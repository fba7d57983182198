/* A runner that exists already, and can stay: rules of the registration's table. */
#include "runner/rules.h"

#include <string.h>

#include "base/arena.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * The spec names another kind of credential for the same GitLab */

static bool may_be_taken_over(const struct observed *o)
{
    const struct registration *r = &o->registered;
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];
    enum authentication now = o->spec->authentication;

    return secret->exists && !secret->terminating && !o->deregistered && o->takeover != TAKEOVER_REFUSED &&
           !is_damaged(r) && !is_users_own(r) && now != AUTH_RUNNER_TOKEN && strcmp(r->url, o->spec->url) == 0 &&
           strcmp(r->authentication, authentication_name(now)) != 0;
}

/* With an access token the runner is looked at first: it must have our mark, and be where the spec says. A registration
 * token gives no right to look, so the runner's own token must do. */
struct action take_over_in_place(const struct observed *o, struct arena *a)
{
    const struct observed_value *token = &o->values[READ_TOKEN];

    if (!may_be_taken_over(o))
        return act_pass;
    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_tls(o, a);
    if (act.kind == ACT_PASS && token->lookup == LOOKUP_UNKNOWN)
        act = act_read(READ_TOKEN);
    if (act.kind != ACT_PASS || token->lookup != LOOKUP_FOUND)
        return act;
    if (o->spec->authentication == AUTH_REGISTRATION_TOKEN)
        return act_call(GITLAB_KEEP, o->spec->url, token->value, o->registered.runner_id);
    if (o->takeover == TAKEOVER_FITS && is_proven(o, "takeover"))
        return act_call(GITLAB_UPDATE, o->spec->url, credential_value(o), o->registered.runner_id);
    return prove(GITLAB_INSPECT, o->spec->url, credential_value(o), o->registered.runner_id);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The object was made anew, and brought its token Secret along: from a backup, or from another cluster */

/* The former object went by force, and its token Secret follows, held by our finalizer: its runner goes as well. */
static struct action bury_the_former(const struct observed *o, struct arena *a)
{
    if (!o->children[CHILD_TOKEN_SECRET].held)
        return act_pass;
    if (o->deregistered || is_users_own(&o->registered))
        return release_token_secret(o, a);
    return act_call(GITLAB_DEREGISTER, o->registered.url, o->values[READ_TOKEN].value, o->registered.runner_id);
}

/* Who has a token that GitLab takes owns the runner. A Secret with another is somebody else's, as any other. */
struct action inherit_a_token_secret(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];
    const struct observed_value *token = &o->values[READ_TOKEN];

    if (!secret->inherited || o->not_inherited || is_damaged(&o->registered))
        return act_pass;
    struct action act = try_tls(o);
    if (act.kind == ACT_PASS && token->lookup == LOOKUP_UNKNOWN)
        act = act_read(READ_TOKEN);
    if (act.kind == ACT_PASS && token->lookup == LOOKUP_FOUND)
        act = hold_finalizer(o, a);
    if (act.kind != ACT_PASS || token->lookup != LOOKUP_FOUND)
        return act;
    if (secret->terminating)
        return bury_the_former(o, a);
    return act_call(GITLAB_INHERIT, o->registered.url, token->value, o->registered.runner_id);
}
