/* Checks about GitLab's hosts, as the operator has seen them: what a laptop sees of them proves nothing. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/time.h"
#include "plugin/doctor.h"
#include "runner/explain.h"
#include "runner/status.h"

enum { URGENT_S = 2 * 24 * 3600 };

static bool condition_is(const struct doctor_runner *r, const char *condition, const char *status)
{
    return strcmp(doctor_condition(r, condition, "status"), status) == 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is the same with many runners is told once */

struct alike {
    const struct doctor_runner *first;
    size_t len;
};

/* What makes runners alike; NULL: this one is not concerned. */
typedef const char *alike_key_fn(const struct doctor_runner *r, struct arena *a);

static void tell_each_kind(struct doctor *d, alike_key_fn *key_of,
                           void (*tell)(struct doctor *d, const struct doctor_runner *first, size_t len))
{
    const struct doctor_view *v = d->view;
    struct alike **of_runner = arena_alloc(d->a, (v->runners_len + 1) * sizeof(struct alike *));
    struct map kinds = {0};

    for (size_t i = 0; i < v->runners_len; i++) {
        const char *key = key_of(&v->runners[i], d->a);
        struct alike *kind = key ? map_get(&kinds, key) : NULL;
        if (key && !kind) {
            kind = arena_alloc(d->a, sizeof(*kind));
            kind->first = &v->runners[i];
            map_set(&kinds, key, kind);
        }
        if (kind)
            kind->len++;
        of_runner[i] = kind;
    }
    map_finish(&kinds);
    for (size_t i = 0; i < v->runners_len; i++)
        if (of_runner[i] && of_runner[i]->first == &v->runners[i])
            tell(d, &v->runners[i], of_runner[i]->len);
}

static const char *and_others(const struct doctor *d, const struct doctor_runner *r, size_t len)
{
    return len > 1 ? arena_printf(d->a, "%s and %zu more", r->key, len - 1) : r->key;
}

static const char *plural(size_t len)
{
    return len == 1 ? "" : "s";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Whether it is reached */

static const char *reached_key(const struct doctor_runner *r, struct arena *a)
{
    return condition_is(r, "GitLabReachable", "True") ? arena_printf(a, "%s", r->host) : NULL;
}

static void tell_reached(struct doctor *d, const struct doctor_runner *r, size_t len)
{
    doctor_fact(d, r->host, "seen by the operator: it answers; %zu runner%s", len, plural(len));
}

static const char *cut_off_key(const struct doctor_runner *r, struct arena *a)
{
    return condition_is(r, "GitLabReachable", "False")
               ? arena_printf(a, "%s %s", r->host, doctor_condition(r, "GitLabReachable", "reason"))
               : NULL;
}

static void tell_cut_off(struct doctor *d, const struct doctor_runner *r, size_t len)
{
    doctor_find(d, r->host, and_others(d, r, len), remedy_of(doctor_condition(r, "GitLabReachable", "reason")),
                "seen by the operator since %s: %s: %s", doctor_condition(r, "GitLabReachable", "lastTransitionTime"),
                doctor_condition(r, "GitLabReachable", "reason"), doctor_condition(r, "GitLabReachable", "message"));
}

void check_host_is_reached(struct doctor *d)
{
    tell_each_kind(d, reached_key, tell_reached);
    tell_each_kind(d, cut_off_key, tell_cut_off);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Credentials */

static const char *secret_of(const struct doctor_runner *r, struct arena *a)
{
    return r->spec ? arena_printf(a, "Secret %s/%s", r->owner.ns, r->spec->credential.name) : r->key;
}

static const char *credential_key(const struct doctor_runner *r, struct arena *a)
{
    return arena_printf(a, "%s %s %s", r->host, secret_of(r, a), r->spec ? r->spec->credential.key : "");
}

/* The condition that tells of it; NULL: nothing is wrong with it. */
static const char *bad_credential(const struct doctor_runner *r)
{
    static const char *const reasons[] = {
        "SecretNotFound",      "KeyNotFound",
        "ValueEmpty",          "ValueInvalid",
        "WrongKindOfToken",    "CredentialNotForHost",
        "AccessTokenRejected", "RegistrationTokenRejected",
        "InsufficientScope",   "InsufficientPermissions",
        "RunnerTokenRejected", "RegistrationTokensDisabled",
    };
    static const char *const conditions[] = {"Ready", "GitLabReachable"};

    for (size_t c = 0; c < ARRAY_LEN(conditions); c++)
        for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
            if (strcmp(doctor_condition(r, conditions[c], "reason"), reasons[i]) == 0)
                return conditions[c];
    return NULL;
}

static const char *bad_credential_key(const struct doctor_runner *r, struct arena *a)
{
    const char *condition = bad_credential(r);

    return condition ? arena_printf(a, "%s %s", credential_key(r, a), doctor_condition(r, condition, "reason")) : NULL;
}

static void tell_bad_credential(struct doctor *d, const struct doctor_runner *r, size_t len)
{
    const char *condition = bad_credential(r);

    doctor_find(d, r->host, secret_of(r, d->a), remedy_of(doctor_condition(r, condition, "reason")), "%s, of %s: %s",
                doctor_condition(r, condition, "reason"), and_others(d, r, len),
                doctor_condition(r, condition, "message"));
}

void check_credentials(struct doctor *d)
{
    tell_each_kind(d, bad_credential_key, tell_bad_credential);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What ends */

#define OF_ACCESS_TOKEN "the access token "

/* As runner/expiry.c words it. */
static bool access_token_ends(const struct doctor_runner *r)
{
    return strncmp(doctor_condition(r, "TokenExpiring", "message"), OF_ACCESS_TOKEN, strlen(OF_ACCESS_TOKEN)) == 0;
}

/* The time that a message tells of, 0: none. */
static int64_t time_in(const char *message, struct arena *a)
{
    enum { LENGTH = 20 }; /* 2026-01-02T03:04:05Z */
    const char *at = strstr(message, " at ");
    int64_t time = at && strlen(at) >= 4 + LENGTH ? time_parse(arena_strndup(a, at + 4, LENGTH)) : -1;

    return time > 0 ? time : 0;
}

static size_t users_of(const struct doctor *d, const struct doctor_runner *r)
{
    const char *key = credential_key(r, d->a);
    size_t len = 0;

    for (size_t i = 0; i < d->view->runners_len; i++)
        len += strcmp(credential_key(&d->view->runners[i], d->a), key) == 0;
    return len;
}

static const char *ending_access_token_key(const struct doctor_runner *r, struct arena *a)
{
    return access_token_ends(r) ? credential_key(r, a) : NULL;
}

static void tell_ending_access_token(struct doctor *d, const struct doctor_runner *r, size_t len)
{
    const char *message = doctor_condition(r, "TokenExpiring", "message");
    int64_t end = time_in(message, d->a);
    size_t users = users_of(d, r);

    (void)len;
    doctor_find_as(d, end && end < d->view->now + URGENT_S ? LEVEL_ERROR : LEVEL_WARNING, r->host, secret_of(r, d->a),
                   NULL, "%zu runner%s use%s it; %s", users, plural(users), users == 1 ? "s" : "", message);
}

void check_access_tokens_end(struct doctor *d)
{
    tell_each_kind(d, ending_access_token_key, tell_ending_access_token);
}

void check_runner_tokens_end(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        int64_t end = time_parse(json_str(r->status, "tokenExpirationTime"));
        if (end > 0 && end < d->view->now)
            doctor_find_as(d, LEVEL_ERROR, r->host, r->key, NULL, "the runner's token has ended at %s",
                           json_str(r->status, "tokenExpirationTime"));
        else if (condition_is(r, "TokenExpiring", "True") && !access_token_ends(r))
            doctor_find(d, r->host, r->key, NULL, "%s", doctor_condition(r, "TokenExpiring", "message"));
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What does not go together, or not safely */

static const char *skew_key(const struct doctor_runner *r, struct arena *a)
{
    return condition_is(r, "VersionSkew", "True")
               ? arena_printf(a, "%s %s", r->host, doctor_condition(r, "VersionSkew", "message"))
               : NULL;
}

static void tell_skew(struct doctor *d, const struct doctor_runner *r, size_t len)
{
    doctor_find(d, r->host, and_others(d, r, len), NULL, "%s: %s", doctor_condition(r, "VersionSkew", "reason"),
                doctor_condition(r, "VersionSkew", "message"));
}

void check_version_skew(struct doctor *d)
{
    tell_each_kind(d, skew_key, tell_skew);
}

static const char *http_key(const struct doctor_runner *r, struct arena *a)
{
    return strncmp(r->url, "http://", 7) == 0 ? arena_strdup(a, r->url) : NULL;
}

static void tell_http(struct doctor *d, const struct doctor_runner *r, size_t len)
{
    doctor_find(d, r->host, and_others(d, r, len), NULL, "%s is not https", r->url);
}

void check_plain_http(struct doctor *d)
{
    tell_each_kind(d, http_key, tell_http);
}
