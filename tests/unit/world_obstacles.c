#include "world_obstacles.h"

#include <string.h>

#include "base/mem.h"
#include "runner/names.h"

bool trouble_lasts(const struct world *w, enum option which)
{
    int v = w->scenario->options[which];

    return v && v % 2 == 0;
}

bool server_is_dead(const struct world *w, const char *url)
{
    int how = w->scenario->options[OPT_GITLAB];

    return how == GITLAB_DOWN_FOREVER || (how == GITLAB_ONE_DOWN_FOREVER && strcmp(url, server_url(0)) == 0);
}

/* The spec, as long as it asks for anything. */
static const struct spec *wished(const struct world *w)
{
    const struct wish *wish = world_wish(w);

    return wish->valid ? &wish->spec : NULL;
}

static const char *value_reason(enum value_trouble trouble, const char *absent)
{
    static const char *const reasons[VALUE_TROUBLES] = {
        [VALUE_NO_KEY] = "KeyNotFound",
        [VALUE_EMPTY] = "ValueEmpty",
        [VALUE_NOT_FOR_HOST] = "CredentialNotForHost",
        [VALUE_INVALID] = "ValueInvalid",
        [VALUE_WRONG_KIND] = "WrongKindOfToken",
    };

    return trouble == VALUE_MISSING ? absent : reasons[trouble];
}

static const char *credential_reason(struct world *w)
{
    static const char *const refusals[] = {
        [AUTH_REGISTRATION_TOKEN] = "RegistrationTokenRejected",
        [AUTH_ACCESS_TOKEN] = "AccessTokenRejected",
        [AUTH_RUNNER_TOKEN] = "RunnerTokenRejected",
    };
    const struct spec *spec = wished(w);

    if (!spec || !trouble_lasts(w, OPT_CREDENTIAL))
        return NULL;
    enum value_trouble trouble = w->api.credentials[spec->authentication].trouble;
    return trouble == VALUE_WRONG ? refusals[spec->authentication] : value_reason(trouble, "SecretNotFound");
}

static const char *ca_reason(struct world *w)
{
    const struct spec *spec = wished(w);

    if (!spec || !spec->ca.name || !trouble_lasts(w, OPT_CA_TROUBLE))
        return NULL;
    return value_reason(w->api.ca[spec->ca_in_config_map].trouble,
                        spec->ca_in_config_map ? "ConfigMapNotFound" : "SecretNotFound");
}

static const char *cache_reason(struct world *w)
{
    const struct spec *spec = wished(w);
    bool used = spec && spec->cache && trouble_lasts(w, OPT_CACHE_TROUBLE);

    return used ? value_reason(w->api.cache.trouble, "SecretNotFound") : NULL;
}

static const char *place_reason(struct world *w)
{
    const struct spec *spec = wished(w);
    enum place place = spec ? place_by_name(spec->namespace) : PLACE_OWN;

    if (!spec || !trouble_lasts(w, OPT_PLACE_TROUBLE))
        return NULL;
    return w->api.places[place].missing  ? "NamespaceNotFound"
           : w->api.places[place].closed ? "NamespaceNotAllowed"
                                         : NULL;
}

/* The server that the spec asks for stays down; or the one that a runner of ours is to leave, or was restored from. */
static const char *server_reason(struct world *w)
{
    const struct spec *spec = wished(w);
    const struct object *secret = &w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN];
    bool dead = (spec && server_is_dead(w, spec->url)) || (secret->exists && server_is_dead(w, secret->url));

    return dead ? "ConnectionRefused" : NULL;
}

static const char *switch_reason(struct world *w)
{
    const struct spec *spec = wished(w);
    bool off = w->scenario->options[OPT_GITLAB] == GITLAB_GONE_FOREVER;

    return spec && spec->authentication == AUTH_REGISTRATION_TOKEN && off ? "RegistrationTokensDisabled" : NULL;
}

/* A child that is wanted, or was, may not be written. */
static const char *denial_reason(struct world *w)
{
    return w->scenario->options[OPT_API] == API_DENIED_FOREVER ? "Forbidden" : NULL;
}

/* Somebody else's object of that name stays. */
static const char *name_reason(struct world *w)
{
    const struct spec *spec = wished(w);

    for (enum child child = 0; child < CHILD_COUNT && spec; child++) {
        const struct object *object = &w->api.children[child][world_place(w, child)];
        if (object->exists && object->owner != OUR_UID && world_wish(w)->wanted[child].wanted)
            return "NameConflict";
    }
    return NULL;
}

/* GitLab keeps what the spec does not say any more, and a registration token gives no right to tell it. */
static const char *attributes_reason(struct world *w)
{
    struct arena a cleanup_arena = {0};
    const struct spec *spec = wished(w);
    const struct object *secret = &w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN];

    if (!spec || spec->authentication != AUTH_REGISTRATION_TOKEN || !secret->exists)
        return NULL;
    const struct attributes wanted = world_attributes(w);
    return strcmp(secret->told_hash, attributes_hash(&wanted, &a)) != 0 ? "UpdateNeedsAccessToken" : NULL;
}

static const char *(*const reasons[])(struct world *w) = {
    credential_reason, ca_reason,     cache_reason, place_reason,      server_reason,
    switch_reason,     denial_reason, name_reason,  attributes_reason,
};

bool needs_a_person(struct world *w)
{
    bool ret = false;

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        ret = ret || reasons[i](w);
    return ret;
}

bool reason_is_expected(struct world *w, const char *reason)
{
    bool ret = false;

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        ret = ret || (reasons[i](w) && strcmp(reasons[i](w), reason) == 0);
    return ret;
}
