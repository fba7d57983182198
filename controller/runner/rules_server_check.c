/* What becomes of a registered runner at GitLab: asked for now and then, and what was found is put right. Rules of the
 * registration's table. */
#include "runner/rules.h"

#include <string.h>

#include "base/arena.h"
#include "runner/expiry.h"

enum { OVERDUE_MS = 60 * 1000 };

static bool by_access_token(const struct observed *o)
{
    return o->spec->authentication == AUTH_ACCESS_TOKEN;
}

static bool token_is_dead(const struct observed *o)
{
    return o->memory->check.refusals >= CONFIRMATIONS;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Asking */

/* By id, where the credential gives the right, which changes nothing at GitLab. */
static bool asks_by_id(const struct observed *o)
{
    bool at_hand = o->values[READ_CREDENTIAL].lookup == LOOKUP_UNKNOWN || credential_value(o);
    bool refused = o->memory->check.credential_status && o->memory->check.refused_due_ms == o->memory->check.due_ms;

    return by_access_token(o) && at_hand && !o->memory->check.try_token && !refused;
}

/* With its token, which GitLab takes for a sign of life: so only while managers give one anyway, or after a doubt. */
static bool asks_by_token(const struct observed *o)
{
    return o->memory->check.try_token || o->ready_replicas > 0;
}

struct action ask_gitlab(const struct observed *o, struct arena *a)
{
    if (o->now_ms < o->memory->check.due_ms)
        return act_pass;
    struct action act = try_tls(o);
    if (act.kind == ACT_PASS)
        act = need_client_certificate(o, a); /* one that has expired meanwhile is told */
    if (act.kind == ACT_PASS && asks_by_id(o))
        act = credential_value(o) ? act_call(GITLAB_SHOW, o->spec->url, credential_value(o), o->registered.runner_id)
                                  : act_read(READ_CREDENTIAL);
    else if (act.kind == ACT_PASS && asks_by_token(o) && o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        act = act_read(READ_TOKEN);
    else if (act.kind == ACT_PASS && asks_by_token(o) && o->values[READ_TOKEN].lookup == LOOKUP_FOUND)
        act = act_call(GITLAB_TRY, o->spec->url, o->values[READ_TOKEN].value, o->registered.runner_id);
    return act;
}

/* Its version, or until when the access token lives. */
struct action ask_what_is_seldom_asked(const struct observed *o, struct arena *a)
{
    const struct server_check *c = &o->memory->check;

    (void)a;
    if ((!c->wants_version && !c->wants_self) || !by_access_token(o))
        return act_pass;
    if (o->values[READ_CREDENTIAL].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_CREDENTIAL);
    if (!credential_value(o))
        return act_pass;
    return act_call(c->wants_version ? GITLAB_VERSION : GITLAB_SELF, o->spec->url, credential_value(o), 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Proof */

bool is_proven(const struct observed *o, const char *rule)
{
    const struct attempt *failed = failed_attempt(o, rule);

    return server_check_is_proof(&o->memory->check, o->now_ms) || (failed && o->now_ms < failed->retry_at_ms);
}

struct action prove(enum gitlab_call what, const char *url, const char *token, int64_t runner_id)
{
    struct action act = act_call(what, url, token, runner_id);

    act.rule = "proof";
    return act;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Finding it gone */

/* Its id and its token, or what the credential lets us know of them, are unknown to GitLab. A refused access token is
 * waited for: with a better one the runner may be found and get a new token. */
static bool is_runner_gone(const struct observed *o)
{
    const struct server_check *c = &o->memory->check;

    switch (o->spec->authentication) {
    case AUTH_REGISTRATION_TOKEN:
        return token_is_dead(o);
    case AUTH_ACCESS_TOKEN:
        return c->absences >= CONFIRMATIONS ||
               (token_is_dead(o) && (c->absences || c->shown == SHOWN_FOREIGN || c->credential_status == 403));
    case AUTH_RUNNER_TOKEN: /* not ours to make another one */
        break;
    }
    return false;
}

struct action replace_a_runner_that_is_gone(const struct observed *o, struct arena *a)
{
    if (!is_runner_gone(o))
        return act_pass;
    return act_report("RunnerLost",
                      arena_printf(a,
                                   "GitLab does not know runner %lld at %s, or its token, any more: it is registered "
                                   "anew; if a runner of this number is still there, delete it",
                                   (long long)o->registered.runner_id, o->registered.url));
}

/* The runner is there and ours, but somebody has reset its token: with an access token it gets a new one. */
struct action renew_a_dead_token(const struct observed *o, struct arena *a)
{
    if (!token_is_dead(o))
        return act_pass;
    if (!by_access_token(o))
        return act_wait("RunnerTokenRejected",
                        "GitLab refuses the runner token, again and again: it was reset or has expired, or the runner "
                        "was deleted; put a valid one into the Secret that authentication.runnerTokenSecretRef names",
                        true);
    struct action act = need_credential(o, a);
    if (act.kind == ACT_PASS)
        act = need_tls(o, a);
    if (act.kind != ACT_PASS)
        return act;
    if (o->memory->check.shown == SHOWN_OURS)
        return is_proven(o, "dead-token")
                   ? act_call(GITLAB_RESET, o->spec->url, credential_value(o), o->registered.runner_id)
                   : prove(GITLAB_SHOW, o->spec->url, credential_value(o), o->registered.runner_id);
    if (!o->memory->check.credential_status)
        return act_pass;
    return act_wait("AccessTokenRejected",
                    "GitLab refuses the runner's token, and the access token that could renew it: put a valid access "
                    "token into the Secret that authentication.accessTokenSecretRef names",
                    true);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Rotation */

bool is_rotation_requested(const struct observed *o)
{
    const char *honoured = o->registered.rotation ? o->registered.rotation : "";

    return o->spec->steering.rotate && strcmp(o->spec->steering.rotate, honoured) != 0;
}

/* Not before the managers can be given the new one: the former is not valid any more from that moment on.
 *
 * The token itself is the proof that it may be replaced. If the answer is lost the next attempt is refused, and then
 * the token is found to be dead as any other. */
struct action rotate_the_token(const struct observed *o, struct arena *a)
{
    bool due = expiry_rotation_time(o) && o->now >= expiry_rotation_time(o);
    bool unmarked = by_access_token(o) && !*o->registered.told_hash; /* if its answer were lost nobody could find it */

    if (is_users_own(&o->registered) || o->memory->check.refusals || unmarked || (!due && !is_rotation_requested(o)))
        return act_pass;
    struct action act = need_cache(o, a);
    if (act.kind == ACT_PASS)
        act = need_tls(o, a);
    if (act.kind == ACT_PASS)
        act = need_token(o, a);
    if (act.kind == ACT_PASS)
        act = act_call(GITLAB_ROTATE, o->spec->url, o->values[READ_TOKEN].value, o->registered.runner_id);
    return act;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * When to look again */

static int64_t earlier(int64_t a, int64_t b)
{
    return a && (!b || a < b) ? a : b;
}

/* Monotonic, of a time that is still to come; else 0. */
static int64_t at(const struct observed *o, int64_t time)
{
    return time > o->now ? o->now_ms + (time - o->now) * 1000 : 0;
}

/* Also one that is over by now began with the turn. */
static int64_t end_of_pause(const struct observed *o)
{
    int64_t end = o->spec->steering.paused_until;

    if (!o->paused_for_a_while || end == FOR_EVER)
        return 0;
    return end > o->now ? at(o, end) : o->now_ms + 1;
}

int64_t next_look(const struct observed *o, bool retries, struct arena *a)
{
    if (o->deleting || !o->spec || o->spec->suspend || !is_registered(o, a))
        return 0;
    int64_t late = retries ? 0 : o->now_ms + OVERDUE_MS,
            check = o->memory->check.due_ms > o->now_ms ? o->memory->check.due_ms : late;
    return earlier(earlier(at(o, expiry_rotation_time(o)), end_of_pause(o)),
                   earlier(at(o, expiry_warning_time(o)), check));
}
