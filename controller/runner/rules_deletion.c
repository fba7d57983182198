/* Deletion: the table at the end says in which order a runner goes. */
#include "runner/rules.h"

#include <string.h>

#include "base/arena.h"

/* The registration as it is known last, with its token if that is at hand: what was just issued may not be in its
 * Secret yet. */
static struct registration newest_registration(const struct observed *o)
{
    struct registration r = o->issued.token ? o->issued : o->registered;

    if (!o->issued.token && o->values[READ_TOKEN].lookup == LOOKUP_FOUND)
        r.token = o->values[READ_TOKEN].value;
    return r;
}

/* GitLab has refused the token, which may only have been reset: an access token can tell, and remove it by its id. It
 * goes to spec.url alone. */
static struct action remove_by_id(const struct observed *o, const struct registration *r, struct arena *a)
{
    bool elsewhere = strcmp(r->url, o->spec->url) != 0;

    if (o->check.absences || o->check.shown == SHOWN_FOREIGN)
        return act_pass;
    if (!elsewhere && o->values[READ_CREDENTIAL].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_CREDENTIAL);
    if (elsewhere || !credential_value(o) || o->check.credential_status)
        return report_orphan(r, "GitLab refuses its token, and there is no access token to remove it with", a);
    return is_proven(o, "deregister") ? act_call(GITLAB_REMOVE, r->url, credential_value(o), r->runner_id)
                                      : prove(GITLAB_SHOW, r->url, credential_value(o), r->runner_id);
}

/* A deleted runner leaves GitLab, by its own token, before it loses its finalizer. */
static struct action deregister(const struct observed *o, struct arena *a)
{
    const struct registration r = newest_registration(o);
    bool known = o->issued.token || o->children[CHILD_TOKEN_SECRET].exists;
    bool stays = o->spec && o->spec->deletion_policy == DELETION_ORPHAN;

    if (!o->finalizer || !known || o->deregistered || stays || is_users_own(&r))
        return act_pass;
    if (o->now >= deletion_deadline(o) && last_failed(o)) /* not before a try */
        return report_orphan(&r, last_failed(o)->err.text, a);
    if (try_ca(o).kind != ACT_PASS)
        return try_ca(o);
    if (o->check.refusals >= CONFIRMATIONS && o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN)
        return remove_by_id(o, &r, a);
    if (!r.token && o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_TOKEN);
    if (!r.token || is_damaged(&r))
        return report_orphan(&r, "its token Secret has lost what is needed to deregister it", a);
    return act_call(GITLAB_DEREGISTER, r.url, r.token, r.runner_id);
}

/* A runner may be at GitLab whose token nobody has, and nobody wants it to stay there. */
static bool may_have_lost_one(const struct observed *o)
{
    bool may = o->doubt != DOUBT_NONE && (o->doubt != DOUBT_SEARCHED || o->found_id);
    bool stays =
        o->spec && (o->spec->deletion_policy == DELETION_ORPHAN || o->spec->authentication == AUTH_RUNNER_TOKEN);

    return may && !stays && !o->deregistered;
}

/* A registration that was lost in a crash, and whose object is deleted now, must not stay at GitLab either. */
static struct action remove_a_lost_registration(const struct observed *o, struct arena *a)
{
    bool can_look = o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN && o->doubt != DOUBT_UNSEARCHABLE &&
                    o->now < deletion_deadline(o);

    if (!o->finalizer || !may_have_lost_one(o))
        return act_pass;
    if (!can_look)
        return report_possible_orphan(o, a);

    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_ca(o, a);
    if (act.kind != ACT_PASS)
        return act;
    return o->doubt == DOUBT_SEARCHED ? act_call(GITLAB_REMOVE, o->spec->url, credential_value(o), o->found_id)
                                      : find_lost_runner(o, a);
}

/* What the garbage collector cannot see, because it is in another namespace than its owner. */
static struct action remove_what_is_elsewhere(const struct observed *o, struct arena *a)
{
    struct action act = act_pass;

    if (o->finalizer && o->spec && strcmp(o->spec->namespace, o->owner.ns) != 0)
        act = remove_role_binding(o, a);
    return act.kind != ACT_PASS ? act : remove_strays(o, a);
}

/* Nobody needs the token any more; but whose finalizer was taken off by hand may have a successor, who does. */
static struct action forget_the_token(const struct observed *o, struct arena *a)
{
    return o->finalizer && o->children[CHILD_TOKEN_SECRET].held ? release_token_secret(o, a) : act_pass;
}

static struct action release(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->finalizer && !o->gone ? act_finalizer(false) : act_pass;
}

/* Order matters: a rule relies on all rules above it. */
/* clang-format off */
const struct rule deletion_rules[] = {
    {"unseen",     read_an_unseen_token      }, /* the token, if only the watch does not show it                */
    {"deregister", deregister                }, /* GitLab forgets the runner …                                  */
    {"lost",       remove_a_lost_registration}, /* … also one whose token was lost                              */
    {"elsewhere",  remove_what_is_elsewhere  }, /* objects in other namespaces are gone                         */
    {"forget",     forget_the_token          }, /* the token Secret may go                                      */
    {"release",    release                   }, /* the object may go; its children follow by garbage collection */
    {NULL,         NULL},
};
/* clang-format on */
