/* A runner that exists already, and can stay: rules of the registration's table. */
#include "runner/rules.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "runner/names.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * The spec names another kind of credential for the same GitLab */

/* A runner that somebody has made and gave us the token of: with an access token it can become ours. */
static bool was_given(const struct observed *o)
{
    return o->children[CHILD_TOKEN_SECRET].exists && o->registered.authentication && is_users_own(&o->registered);
}

static bool may_be_taken_over(const struct observed *o)
{
    const struct registration *r = &o->registered;
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];
    enum authentication now = o->spec->authentication;

    return secret->exists && !secret->terminating && !o->memory->deregistered &&
           o->memory->takeover != TAKEOVER_REFUSED && !is_damaged(r) && (!was_given(o) || now == AUTH_ACCESS_TOKEN) &&
           strcmp(r->url, o->spec->url) == 0 && strcmp(r->authentication, authentication_name(now)) != 0;
}

enum takeover takeover_of(const struct observed *o, struct json_object *runner)
{
    bool may_be_unmarked = was_given(o) || !o->children[CHILD_TOKEN_SECRET].exists;

    if (!runner || !runner_is_in_scope(runner, o->spec))
        return TAKEOVER_REFUSED;
    if (runner_is_marked(runner, o->owner.uid))
        return TAKEOVER_FITS;
    return may_be_unmarked && !runner_is_somebodys(runner) ? TAKEOVER_UNMARKED : TAKEOVER_REFUSED;
}

/* Nobody's mark shows that a given runner is still the one of this number, but its token does. */
static struct action try_the_given_token(const struct observed *o)
{
    const struct server_check *c = &o->memory->check;
    struct action act = prove(GITLAB_TRY, o->spec->url, o->values[READ_TOKEN].value, o->registered.runner_id);

    if (c->refusals >= CONFIRMATIONS || c->absences >= CONFIRMATIONS)
        return act_pass; /* it is gone, so another one is made */
    if (c->refusals && o->now_ms < c->due_ms) {
        act = act_wait("RunnerNotFound", "GitLab does not know the runner, or its token; it is asked once more", false);
        act.wait.retry_at_ms = c->due_ms;
    }
    return act;
}

static struct action take_over_by_access_token(const struct observed *o)
{
    bool proven = is_proven(o, "takeover");

    assert(o->spec->authentication == AUTH_ACCESS_TOKEN && credential_value(o));
    if (o->memory->takeover == TAKEOVER_UNMARKED && !proven)
        return try_the_given_token(o);
    if (o->memory->takeover == TAKEOVER_UNMARKED || (o->memory->takeover == TAKEOVER_FITS && proven))
        return act_call(GITLAB_UPDATE, o->spec->url, credential_value(o), o->registered.runner_id);
    return prove(GITLAB_INSPECT, o->spec->url, credential_value(o), o->registered.runner_id);
}

/* With an access token the runner is looked at first: it must have our mark, or be one that was given to us, and be
 * where the spec says. A registration token gives no right to look, so the runner's own token must do; and a runner
 * token that is the one which we have is that of the same runner. */
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
    if (o->spec->authentication == AUTH_ACCESS_TOKEN)
        return take_over_by_access_token(o);
    if (o->spec->authentication == AUTH_RUNNER_TOKEN && strcmp(credential_value(o), token->value) != 0)
        return act_pass;
    return act_call(GITLAB_KEEP, o->spec->url, token->value, o->registered.runner_id);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The spec names a runner that exists */

/* Our mark goes on it before its token is reset, so that a crash in between loses nothing, and so that of two objects
 * that name the same runner one is refused. Whoever had its token until then has lost it. */
struct action adopt_a_runner(const struct observed *o, struct arena *a)
{
    const char *url = o->spec->url, *credential = credential_value(o);
    int64_t id = o->spec->adopt_runner_id;

    if (!id)
        return act_pass;
    if (o->memory->takeover == TAKEOVER_REFUSED)
        return act_wait("RunnerNotAdopted",
                        arena_printf(a,
                                     "runner %lld of authentication.adoptRunnerId is not where spec.scope says, or has "
                                     "the mark " MARK_PREFIX "… of another GitLabRunner in its maintenance note: name "
                                     "another one, correct spec.scope, or take the mark out if that object is gone",
                                     (long long)id),
                        true);
    if (o->memory->takeover == TAKEOVER_UNMARKED)
        return act_call(GITLAB_CLAIM, url, credential, id);
    if (o->memory->takeover == TAKEOVER_FITS && is_proven(o, "adopt"))
        return act_call(GITLAB_RESET, url, credential, id);
    return prove(GITLAB_INSPECT, url, credential, id);
}

/* Once there is a runner, the spec cannot have it become another one. */
struct action keep_to_the_adopted(const struct observed *o, struct arena *a)
{
    if (!o->spec->adopt_runner_id || !is_registered(o, a) || o->registered.runner_id == o->spec->adopt_runner_id)
        return act_pass;
    return act_wait("RunnerNotAdopted",
                    arena_printf(a,
                                 "authentication.adoptRunnerId is %lld, but this object has runner %lld already: take "
                                 "the field out, or delete the object and make it again",
                                 (long long)o->spec->adopt_runner_id, (long long)o->registered.runner_id),
                    true);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The object was made anew, and brought its token Secret along: from a backup, or from another cluster */

/* The former object went by force, and its token Secret follows, held by our finalizer: its runner goes as well. */
static struct action bury_the_former(const struct observed *o, struct arena *a)
{
    assert(o->children[CHILD_TOKEN_SECRET].inherited && o->children[CHILD_TOKEN_SECRET].terminating);
    if (!o->children[CHILD_TOKEN_SECRET].held)
        return act_pass;
    if (o->memory->deregistered || is_users_own(&o->registered))
        return release_token_secret(o, a);
    return act_call(GITLAB_DEREGISTER, o->registered.url, o->values[READ_TOKEN].value, o->registered.runner_id);
}

/* Who has a token that GitLab takes owns the runner. A Secret with another is somebody else's, as any other. */
struct action inherit_a_token_secret(const struct observed *o, struct arena *a)
{
    const struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];
    const struct observed_value *token = &o->values[READ_TOKEN];

    if (!secret->inherited || o->memory->not_inherited || is_damaged(&o->registered))
        return act_pass;
    struct action act = need_tls(o, a);
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
