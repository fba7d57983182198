/* What the token Secret is to say of a runner whose token was just got, or which was told new attributes. */
#include <assert.h>

#include "runner/learn_parts.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/time.h"

/* What a call has to do with the registration that the token Secret tells of. */
enum {
    MAKES_TOKEN = 1, /* the answer has a token that nobody had before                       */
    KEEPS_TOKEN = 2, /* it stays the token that is there                                    */
    KEEPS_PLACE = 4, /* so do url, credential and scope: another rule sees to them          */
    TELLS = 8,       /* GitLab was told the attributes                                      */
    KEEPS_TOLD = 16, /* what it was told before holds                                       */
    UNTOLD = 32,     /* what it was told before is not known, at least not under this uid   */
};

static bool has_effect(const struct lesson *l, unsigned effect)
{
    static const unsigned effects[GITLAB_REMOVE + 1] = {
        [GITLAB_REGISTER] = MAKES_TOKEN | TELLS,
        [GITLAB_CREATE] = MAKES_TOKEN | TELLS,
        [GITLAB_RESTORE] = UNTOLD,
        [GITLAB_RESET] = MAKES_TOKEN,
        [GITLAB_UPDATE] = KEEPS_TOKEN | TELLS,
        [GITLAB_ROTATE] = MAKES_TOKEN | KEEPS_TOLD,
        [GITLAB_KEEP] = KEEPS_TOKEN | KEEPS_TOLD | UNTOLD,
        [GITLAB_INHERIT] = KEEPS_TOKEN | KEEPS_PLACE | UNTOLD,
    };

    assert(l->asked->gitlab.call <= GITLAB_REMOVE);
    return effects[l->asked->gitlab.call] & effect;
}

/* GitLab cannot be asked what it was told before the Secret was lost, or before our mark became another; so without the
 * right to tell it again it is taken to be what the spec says. */
static const char *told_hash(const struct lesson *l)
{
    const struct observed *o = l->o;
    bool is_taken_for_told = has_effect(l, UNTOLD) && o->spec->authentication == AUTH_REGISTRATION_TOKEN;

    if (has_effect(l, KEEPS_TOLD) && *o->registered.told_hash)
        return o->registered.told_hash;
    return has_effect(l, TELLS) || is_taken_for_told ? attributes_hash(&o->attributes, l->a) : "";
}

/* Since when the token lives; NULL when that makes no difference, or is not known. */
static const char *obtained_time(const struct lesson *l)
{
    bool counts = has_effect(l, MAKES_TOKEN) && l->answer->expiration;

    return counts ? time_format(l->o->now, l->a) : NULL;
}

static void keep_token(struct registration *r, const struct observed *o)
{
    r->token = o->values[READ_TOKEN].value;
    r->expiration = o->registered.expiration;
    r->obtained = o->registered.obtained;
    r->rotation = o->registered.rotation;
}

static void keep_place(struct registration *r, const struct observed *o)
{
    r->url = o->registered.url;
    r->authentication = o->registered.authentication;
    r->scope = o->registered.scope;
    r->inputs = NULL;
}

static void issue(struct lesson *l)
{
    const struct observed *o = l->o;
    struct registration r = {
        .runner_id = l->answer->id,
        .token = l->answer->token,
        .url = o->spec->url,
        .authentication = authentication_name(o->spec->authentication),
        .scope = scope_text(o->spec, l->a),
        .told_hash = told_hash(l),
        .expiration = l->answer->expiration,
        .obtained = obtained_time(l),
        .rotation = o->spec->steering.rotate,
        .inputs = token_inputs_text(o, l->a),
    };

    if (has_effect(l, KEEPS_TOKEN))
        keep_token(&r, o);
    if (has_effect(l, KEEPS_PLACE))
        keep_place(&r, o);
    memory_issue(l->m, &r);
    assert(!l->m->issued || l->m->issued->token);
    memory_doubt(l->m, DOUBT_NONE);
    l->m->deregistered = false;
}

/* The Secret says already what it would say now. */
static bool is_saved(const struct lesson *l)
{
    return l->asked->gitlab.call == GITLAB_UPDATE && registration_is_right(l->o, l->a);
}

void learn_issued(struct lesson *l)
{
    bool saved = is_saved(l);

    learn_renewed(l);
    if (!saved)
        issue(l);
}
