#include "runner/expiry.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/time.h"
#include "runner/names.h"

enum { DAY_S = 24 * 3600, WARNED_S = 7 * DAY_S, AGAIN_S = 600 };

static bool is_given(const struct observed *o)
{
    return strcmp(o->registered.authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;
}

/* Otherwise the runner is about to be taken over, and its token is ours then. */
static bool is_to_be_given(const struct observed *o)
{
    assert(o->spec);
    return o->spec->authentication == AUTH_RUNNER_TOKEN;
}

int64_t expiry_end(const struct observed *o)
{
    int64_t end = time_parse(o->registered.expiration);

    return end > 0 ? end : 0;
}

/* How long the token lives; 0: not known. */
static int64_t life(const struct observed *o)
{
    int64_t begin = time_parse(o->registered.obtained);

    return begin > 0 && begin < expiry_end(o) ? expiry_end(o) - begin : 0;
}

/* Of a token whose life is not known: a day before. One that has ended as it began, by our clock, is not replaced again
 * and again: of two clocks one is wrong. */
static int64_t day_before(const struct observed *o)
{
    int64_t begin = time_parse(o->registered.obtained), due = expiry_end(o) - DAY_S;

    return begin > 0 && due < begin + AGAIN_S ? begin + AGAIN_S : due;
}

int64_t expiry_rotation_time(const struct observed *o)
{
    int64_t end = expiry_end(o);

    assert(o->spec && o->spec->rotate_at_percent >= 0 && o->spec->rotate_at_percent <= 100);
    if (!end || is_given(o) || o->spec->rotation_policy == ROTATION_DISABLED)
        return 0;
    return life(o) ? end - life(o) * o->spec->rotate_at_percent / 100 : day_before(o);
}

/* The user's to replace in any case. */
static int64_t credential_warning_time(const struct observed *o)
{
    bool ends = o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN && o->memory->check.credential_end;

    return ends ? o->memory->check.credential_end - WARNED_S : 0;
}

static int64_t token_warning_time(const struct observed *o)
{
    int64_t quarter = life(o) / 4;

    if (!o->spec || !expiry_end(o) || expiry_rotation_time(o) || (is_given(o) && !is_to_be_given(o)))
        return 0;
    return expiry_end(o) - (quarter && quarter < WARNED_S ? quarter : WARNED_S);
}

int64_t expiry_warning_time(const struct observed *o)
{
    int64_t token = token_warning_time(o), credential = credential_warning_time(o);

    return token && (!credential || token < credential) ? token : credential;
}

static const char *credential_warning(const struct observed *o, struct arena *a)
{
    if (!credential_warning_time(o) || o->now < credential_warning_time(o))
        return NULL;
    return arena_printf(
        a,
        "the access token %s at %s: put another one into Secret %s/%s, key %s; without it nothing can be "
        "changed at GitLab, and a runner that is lost is not found",
        o->now < o->memory->check.credential_end ? "expires" : "has expired",
        time_format(o->memory->check.credential_end, a), o->owner.ns, o->spec->credential.name,
        o->spec->credential.key);
}

const char *expiry_warning(const struct observed *o, struct arena *a)
{
    if (!token_warning_time(o) || o->now < token_warning_time(o))
        return credential_warning(o, a);
    const char *ends = arena_printf(a, "the runner's token %s at %s",
                                    o->now < expiry_end(o) ? "expires" : "has expired", time_format(expiry_end(o), a));
    if (!is_given(o))
        return arena_printf(a,
                            "%s, and spec.tokenRotation.policy is Disabled: set it to Auto, or ask for a new token by "
                            "the annotation " ANNOTATION_ROTATE_TOKEN,
                            ends);
    return arena_printf(a,
                        "%s: reset it at GitLab and put the new one into Secret %s/%s, key %s, or use "
                        "authentication.accessTokenSecretRef, by which the operator replaces it itself",
                        ends, o->owner.ns, o->spec->credential.name, o->spec->credential.key);
}
