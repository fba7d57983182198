#include "runner/token_kind.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"

/* Of which authentication it is the token. */
enum { NONE = -1 };

static const struct token_kind {
    const char *prefix, *what;
    int belongs; /* enum authentication */
} kinds[] = {
    {"glrt-", "a runner authentication token", AUTH_RUNNER_TOKEN},
    {"glrtr-", "the authentication token of a runner that was registered", AUTH_RUNNER_TOKEN},
    {"GR1348941", "a registration token", AUTH_REGISTRATION_TOKEN},
    {"glpat-", "an access token", AUTH_ACCESS_TOKEN},
    {"gldt-", "a deploy token", NONE},
    {"glcbt-", "a job's token", NONE},
    {"gloas-", "an OAuth application's secret", NONE},
    {"glft-", "a feed token", NONE},
    {"glimt-", "a token for incoming mail", NONE},
    {"glptt-", "a pipeline trigger token", NONE},
    {"glagent-", "a token of the agent for Kubernetes", NONE},
    {"glsoat-", "a SCIM token", NONE},
    {"glffct-", "a token of feature flags' clients", NONE},
    {"glwt-", "a workspace token", NONE},
};

static const struct {
    const char *field, *takes, *besides;
} ways[] = {
    [AUTH_REGISTRATION_TOKEN] = {"registrationTokenSecretRef", "a registration token", ""},
    [AUTH_ACCESS_TOKEN] = {"accessTokenSecretRef", "an access token", " with spec.scope"},
    [AUTH_RUNNER_TOKEN] = {"runnerTokenSecretRef", "a runner's authentication token",
                           ", where tags and the like are set at GitLab"},
};

static const struct token_kind *kind_of(const char *token)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strncmp(token, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return &kinds[i];
    return NULL;
}

const char *token_complaint(enum authentication mode, const struct key_ref *ref, const char *token, struct arena *a)
{
    assert(mode < ARRAY_LEN(ways));
    const struct token_kind *kind = kind_of(token);
    const char *inside = kind ? NULL : base64_decode(token, NULL, a);

    if (mode == AUTH_RUNNER_TOKEN && strchr(token, '$'))
        return "holds a $, where gitlab-runner would put the value of a variable: put the token there as GitLab shows "
               "it";
    if (inside && (kind = kind_of(inside)))
        return arena_printf(a,
                            "holds %s (%s) in base64, which a Secret's data needs once and not twice; put it there as "
                            "it is, by stringData or kubectl create secret --from-literal",
                            kind->what, kind->prefix);
    if (!kind || kind->belongs == (int)mode)
        return NULL;
    if (kind->belongs == NONE)
        return arena_printf(a, "holds %s (%s), which makes and runs no runner; authentication.%s needs %s", kind->what,
                            kind->prefix, ways[mode].field, ways[mode].takes);
    return arena_printf(a,
                        "holds %s (%s), which belongs in authentication.%s: {name: %s, key: %s}%s; "
                        "authentication.%s needs %s",
                        kind->what, kind->prefix, ways[kind->belongs].field, ref->name, ref->key,
                        ways[kind->belongs].besides, ways[mode].field, ways[mode].takes);
}
