/* GitLab, as far as a registration goes: runners, tokens, and who may do what. */
#include "base/time.h"
#include "world.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"

const char *server_url(int server)
{
    return server ? "https://two.example.com" : "https://one.example.com";
}

enum { LIFE_S = 4 * 3600 };

static int64_t end_of_a_token(const struct world *w)
{
    return w->scenario->options[OPT_EXPIRES] ? w->now_ms / 1000 + LIFE_S : 0;
}

static struct remote_runner *add_runner(struct world *w, int server, bool ours)
{
    struct server *s = &w->servers[server];
    struct remote_runner *r = &s->runners[s->len++];

    *r = (struct remote_runner){.id = s->len, .alive = true, .ours = ours, .mark = ours ? OUR_UID : NOBODY};
    r->expires_at = ours ? end_of_a_token(w) : 0;
    snprintf(r->token, sizeof(r->token), "glrt-%c%d", "ab"[server], s -> len);
    return r;
}

/* Runners of other people, with the same ids here and there; and one that a user made and holds the token of. */
void gitlab_init(struct world *w)
{
    for (int s = 0; s < SERVERS; s++) {
        for (int i = 0; i < 2 + 4 * s; i++)
            add_runner(w, s, false);
        struct remote_runner *theirs = add_runner(w, s, false);
        theirs->by_user = true;
        theirs->project = 7;
        snprintf(theirs->token, sizeof(theirs->token), "glrt-user");
    }
}

static struct server *server_of(struct world *w, const char *url)
{
    for (int s = 0; s < SERVERS; s++)
        if (url && strcmp(url, server_url(s)) == 0)
            return &w->servers[s];
    return NULL;
}

static struct remote_runner *by_token(const struct world *w, struct server *server, const char *token)
{
    for (int i = 0; server && i < server->len; i++) {
        struct remote_runner *r = &server->runners[i];
        bool expired = r->expires_at && w->now_ms / 1000 >= r->expires_at;
        if (r->alive && !expired && strcmp(r->token, token) == 0)
            return r;
    }
    return NULL;
}

struct remote_runner *gitlab_runner(struct world *w, const char *url, const char *token)
{
    return by_token(w, server_of(w, url), token);
}

static void change_token(struct world *w, struct remote_runner *r)
{
    snprintf(r->token, sizeof(r->token), "glrt-%lld-%u", (long long)r->id, world_random(w, 1u << 30));
    r->expires_at = end_of_a_token(w);
}

/* The last of ours that lives. */
static struct remote_runner *present_runner(struct world *w)
{
    struct remote_runner *ret = NULL;

    for (int s = 0; s < SERVERS; s++)
        for (int i = 0; i < w->servers[s].len; i++)
            if (w->servers[s].runners[i].alive && w->servers[s].runners[i].ours)
                ret = &w->servers[s].runners[i];
    return ret;
}

void gitlab_forsake(struct world *w, bool by_force)
{
    const struct object *secret = &w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN];
    struct remote_runner *r = gitlab_runner(w, secret->url, secret->token);

    if (!r || w->process.memory.issued)
        return;
    bool just_inherited = option(w, OPT_START) == START_RESTORED && json_int_or(w->api.status, "runnerId", 0) != r->id;
    if (secret->owner == FORMER_UID || (by_force && just_inherited))
        r->ours = false;
}

void gitlab_meddle(struct world *w, enum remote what)
{
    struct remote_runner *r = present_runner(w);

    world_trace(w, "somebody at GitLab: %d to runner %lld", what, r ? (long long)r->id : 0);
    if (!r)
        return;
    r->alive = what != REMOTE_DELETED;
    r->paused = r->paused || what == REMOTE_PAUSED;
    if (what == REMOTE_UNMARKED || what == REMOTE_REPLACED)
        r->mark = NOBODY;
    if (what == REMOTE_RESET)
        gitlab_forsake(w, false);
    if (what == REMOTE_RESET || what == REMOTE_REPLACED)
        change_token(w, r);
    r->ours = r->ours && what != REMOTE_REPLACED;
    r->replaced_ms = what == REMOTE_REPLACED ? w->now_ms : 0;
}

void gitlab_mark(struct world *w, int uid)
{
    struct remote_runner *r = present_runner(w);

    if (r)
        r->mark = uid;
}

void gitlab_hear(struct world *w)
{
    const struct object *config = &w->api.children[CHILD_CONFIG_SECRET][PLACE_OWN];
    const struct object *managers = &w->api.children[CHILD_DEPLOYMENT][PLACE_OWN];

    for (int s = 0; s < SERVERS && config->exists && managers->rolled_out && managers->replicas; s++) {
        struct remote_runner *r = by_token(w, &w->servers[s], config->token);
        if (r)
            r->contacted_at = w->now_ms / 1000;
    }
}

static struct remote_runner *by_id(struct server *server, int64_t id)
{
    return id > 0 && id <= server->len && server->runners[id - 1].alive ? &server->runners[id - 1] : NULL;
}

/* The ledger has its token, so that it goes one day. */
static bool is_in_the_ledger(struct world *w, const struct remote_runner *r)
{
    bool ret = false;

    for (int i = 0; i < LEDGER_MAX && w->api.ledger[i].runner_id; i++)
        ret = ret || gitlab_runner(w, w->api.ledger[i].url, w->api.ledger[i].token) == r;
    return ret;
}

struct leaked world_leaked(struct world *w)
{
    const struct object *secret = &w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN];
    bool restored = secret->owner == FORMER_UID; /* and waits for the next object of this name */
    const struct remote_runner *held = w->api.exists || restored ? gitlab_runner(w, secret->url, secret->token) : NULL;
    struct leaked leaked = {0};

    for (int s = 0; s < SERVERS; s++)
        for (int i = 0; i < w->servers[s].len; i++) {
            const struct remote_runner *r = &w->servers[s].runners[i];
            bool is_leaked = r->alive && r->ours && r != held && !is_in_the_ledger(w, r);
            leaked.count += is_leaked;
            leaked.unmarked += is_leaked && r->mark != OUR_UID;
        }
    return leaked;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What each call does.
 */
static void refuse(struct call_answer *reply, enum err_kind kind, int code, const char *reason)
{
    err_set(&reply->err, kind, reason, "GitLab answered %d", code);
    reply->err.code = code;
    reply->proven = code == 403 || code == 404;
}

static void give(struct world *w, struct call_answer *reply, const struct remote_runner *r)
{
    reply->id = r->id;
    reply->expiration = r->expires_at ? time_format(r->expires_at, &w->mem) : NULL;
    reply->token = arena_strdup(&w->mem, r->token);
}

/* The rights of a credential are in its text. */
static bool may(const struct action *act, const char *right, struct call_answer *reply)
{
    if (act->gitlab.token && strcmp(act->gitlab.token, right) == 0)
        return true;
    if (strcmp(right, "access") == 0)
        refuse(reply, ERR_DENIED, 401, "AccessTokenRejected");
    else
        refuse(reply, ERR_DENIED, 403, "RegistrationTokenRejected");
    reply->proven = false; /* it is about the credential */
    return false;
}

static void remember_attributes(struct world *w, struct remote_runner *r)
{
    snprintf(r->attributes, sizeof(r->attributes), "%s", attributes_hash(&w->observed.attributes, &w->mem));
    r->told = w->turn_wish;
    r->paused = w->observed.attributes.paused;
    r->mark = OUR_UID;
}

static void make(struct world *w, struct server *server, struct call_answer *reply)
{
    if (!w->api.finalizer)
        world_violate(w, "a runner is made before anything promises to clean it up");
    if (server->len == RUNNERS_MAX) {
        world_violate(w, "runners are made again and again");
        return;
    }
    struct remote_runner *r = add_runner(w, (int)(server - w->servers), true);
    remember_attributes(w, r);
    r->project = w->observed.spec->authentication == AUTH_ACCESS_TOKEN ? (int)w->observed.spec->scope_id
                 : w->scenario->options[OPT_ELSEWHERE]                 ? 9
                                                                       : 7;
    w->journal.made++;
    w->journal.untraceable += w->turn_wish != w->api.wish && world_moves(w);
    give(w, reply, r);
}

static enum gitlab_trouble trouble_now(const struct world *w, const struct server *server)
{
    int given = option(w, OPT_GITLAB);
    bool first = server == &w->servers[0];

    if (given == GITLAB_DOWN_FOREVER || (given == GITLAB_ONE_DOWN_FOREVER && first))
        return GITLAB_DOWN;
    if (given == GITLAB_GONE_FOREVER)
        return GITLAB_GONE;
    return w->now_ms < w->heals_at && given < GITLAB_DOWN_FOREVER ? (enum gitlab_trouble)given : GITLAB_FINE;
}

static void make_by_registration(struct world *w, struct server *server, const struct action *act,
                                 struct call_answer *reply)
{
    if (trouble_now(w, server) == GITLAB_GONE)
        refuse(reply, ERR_DENIED, 410, "RegistrationTokensDisabled");
    else if (may(act, "registration", reply))
        make(w, server, reply);
}

/* The runner that calls itself; NULL when that is refused. */
static struct remote_runner *verify(struct world *w, struct server *server, const struct action *act,
                                    struct call_answer *reply)
{
    struct remote_runner *r = by_token(w, server, act->gitlab.token);

    if (!r) {
        refuse(reply, ERR_DENIED, 403, "RunnerTokenRejected");
        return NULL;
    }
    r->contacted = true;
    r->contacted_at = w->now_ms / 1000;
    give(w, reply, r);
    return r;
}

/* Their config.toml cannot be written anew. */
static bool managers_cannot_be_told(struct world *w)
{
    const struct spec *spec = &world_turn_wish(w)->spec;

    return (spec->cache && w->process.seen.cache.trouble) ||
           (spec->ca.name && api_ca(&w->process.seen, world_turn_wish(w))->trouble);
}

static void rotate(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    struct remote_runner *r = verify(w, server, act, reply);

    if (!r)
        return;
    if (!r->ours)
        world_violate(w, "somebody else's runner %lld gets a new token", (long long)r->id);
    if (managers_cannot_be_told(w))
        world_violate(w, "the managers are left with the former token");
    change_token(w, r);
    w->journal.rotated++;
    give(w, reply, r);
}

static const char *shown_note(struct world *w, const struct remote_runner *r)
{
    return r->mark ? arena_printf(&w->mem, MARK_PREFIX "uid-%d", r->mark) : "of nobody's";
}

/* The access token lacks the role, or the scope, which GitLab words in another way than what it says of a runner. */
static bool may_look(const struct world *w, struct call_answer *reply)
{
    int lacks = option(w, OPT_NO_SEARCH);

    if (!lacks)
        return true;
    refuse(reply, ERR_DENIED, 403, lacks == 1 ? "InsufficientPermissions" : "InsufficientScope");
    return false;
}

/* As GitLab shows it to those who may see everything. */
static void show(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    struct remote_runner *r = by_id(server, act->gitlab.runner_id);
    const struct wish *told = &w->scenario->wishes[r ? r->told : 0];

    if (!may_look(w, reply))
        return;
    if (!r) {
        refuse(reply, ERR_NOT_FOUND, 404, "RunnerNotFound");
        return;
    }
    reply->id = r->id;
    reply->body = arena_json(&w->mem, json_copy(attributes_json(&told->spec.attributes, &w->mem)));
    json_set_bool(reply->body, "paused", r->paused);
    json_set_str(reply->body, "maintenance_note", shown_note(w, r));
    json_set_str(reply->body, "runner_type", "project_type");
    json_set(reply->body, "projects", json_build("[{id: %d}]", (int64_t)r->project));
    json_set_str(reply->body, "contacted_at", r->contacted_at ? time_format(r->contacted_at, &w->mem) : NULL);
}

/* Lists tell who never asked for a job; others are found by their id alone. */
static void find(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    if (!may_look(w, reply))
        return;
    for (int i = 0; i < server->len; i++) {
        const struct remote_runner *r = &server->runners[i];
        if (r->alive && r->mark == OUR_UID && (!r->contacted || r->id == act->gitlab.runner_id))
            reply->id = r->id;
    }
}

/* A user made it, and gave us its token. */
static bool is_given_to_us(const struct world *w, const struct remote_runner *r)
{
    const char *token = w->observed.values[READ_TOKEN].value;

    return r->by_user && w->observed.registered.runner_id == r->id && token && strcmp(r->token, token) == 0;
}

/* By id, with an access token; NULL when that is refused. */
static struct remote_runner *administer(struct world *w, struct server *server, const struct action *act,
                                        struct call_answer *reply)
{
    struct remote_runner *r = by_id(server, act->gitlab.runner_id);

    /* Proof is as old as that; the number is not in use again so soon. */
    bool just_gone = r && !r->ours && r->replaced_ms && w->now_ms - r->replaced_ms <= PROOF_MS;

    if (!r || just_gone)
        refuse(reply, ERR_NOT_FOUND, 404, "RunnerNotFound");
    else if (is_given_to_us(w, r))
        r->ours = true, r->by_user = false;
    else if (!r->ours)
        world_violate(w, "somebody else's runner %lld is touched", (long long)r->id);
    return just_gone ? NULL : r;
}

static void reset(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    struct remote_runner *r = administer(w, server, act, reply);

    if (!r)
        return;
    change_token(w, r);
    give(w, reply, r);
}

static void update(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    struct remote_runner *r = administer(w, server, act, reply);

    if (!r)
        return;
    remember_attributes(w, r);
    reply->id = r->id;
}

/* A token or id that GitLab does not know is as good as one that it has just removed. */
static void remove_runner(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    struct remote_runner *r = act->gitlab.call == GITLAB_REMOVE ? by_id(server, act->gitlab.runner_id)
                                                                : gitlab_runner(w, act->gitlab.url, act->gitlab.token);

    reply->unknown = !r;
    if (!r)
        return;
    if (!r->ours)
        world_violate(w, "somebody else's runner %lld is removed", (long long)r->id);
    r->alive = false;
}

static void carry_out(struct world *w, struct server *server, const struct action *act, struct call_answer *reply)
{
    switch (act->gitlab.call) {
    case GITLAB_REGISTER:
        make_by_registration(w, server, act, reply);
        return;
    case GITLAB_VERIFY:
    case GITLAB_RESTORE:
    case GITLAB_TRY:
    case GITLAB_KEEP:
    case GITLAB_INHERIT:
        verify(w, server, act, reply);
        return;
    case GITLAB_ROTATE:
        rotate(w, server, act, reply);
        return;
    case GITLAB_SHOW:
    case GITLAB_INSPECT:
        if (may(act, "access", reply))
            show(w, server, act, reply);
        return;
    case GITLAB_VERSION:
        if (may(act, "access", reply))
            reply->body = arena_json(&w->mem, json_build("{version: '17.3.1-ee'}"));
        return;
    case GITLAB_SELF:
        if (may(act, "access", reply))
            reply->body = arena_json(&w->mem, json_build("{id: 1}"));
        return;
    case GITLAB_DEREGISTER:
        remove_runner(w, server, act, reply);
        return;
    case GITLAB_CREATE:
        if (may(act, "access", reply))
            make(w, server, reply);
        return;
    case GITLAB_FIND:
        if (may(act, "access", reply))
            find(w, server, act, reply);
        return;
    case GITLAB_RESET:
        if (may(act, "access", reply))
            reset(w, server, act, reply);
        return;
    case GITLAB_UPDATE:
    case GITLAB_CLAIM:
        if (may(act, "access", reply))
            update(w, server, act, reply);
        return;
    case GITLAB_REMOVE:
        if (may(act, "access", reply))
            remove_runner(w, server, act, reply);
        return;
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * What goes wrong on the way.
 */
static const struct failure_shape {
    bool done, ambiguous;
    int code;
    int64_t retry_after_ms;
    const char *reason;
} failures[GITLAB_TROUBLES] = {
    [GITLAB_DOWN] = {false, false, 0, 0, "ConnectionRefused"},
    [GITLAB_ERROR] = {false, true, 500, 0, "ServerError"},
    [GITLAB_BUSY] = {false, false, 429, 20000, "RateLimited"},
    [GITLAB_LOSSY] = {true, true, 0, 0, "ConnectionLost"},
    [GITLAB_LOSING] = {false, true, 0, 0, "ConnectionLost"},
    [GITLAB_GARBAGE] = {true, true, 200, 0, "UnexpectedAnswer"},
    [GITLAB_BEHIND] = {false, false, 404, 0, "NotGitLab"},
};

static bool trusts(const struct world *w)
{
    return !option(w, OPT_CA) || w->observed.values[READ_CA].value;
}

static struct call_answer fail(const struct failure_shape *how)
{
    struct call_answer reply = {.ambiguous = how->ambiguous};

    refuse(&reply, how->code == 404 ? ERR_INVALID : ERR_RETRY, how->code, how->reason);
    reply.proven = false;
    reply.err.retry_after_ms = how->retry_after_ms;
    return reply;
}

/* The token that the user gave is for the host of spec.url, whatever host is called. */
static bool leaks_the_credential(const struct observed *o, const struct action *act)
{
    const char *credential = o->values[READ_CREDENTIAL].value;

    return credential && strcmp(credential, act->gitlab.token) == 0 &&
           (!o->spec || strcmp(o->spec->url, act->gitlab.url) != 0);
}

/* One strange answer: a replica that is behind, a database that is being restored. */
static bool lies(struct world *w, const struct action *act, struct call_answer *reply)
{
    bool by_id = act->gitlab.call == GITLAB_SHOW;

    if (!by_id && act->gitlab.call != GITLAB_TRY)
        return false;
    if (++w->looks != w->lie_at)
        return false;
    refuse(reply, by_id ? ERR_NOT_FOUND : ERR_DENIED, by_id ? 404 : 403,
           by_id ? "RunnerNotFound" : "RunnerTokenRejected");
    return true;
}

struct call_answer gitlab_call_made(struct world *w, const struct action *act)
{
    struct server *server = server_of(w, act->gitlab.url);
    enum gitlab_trouble now = trouble_now(w, server);
    bool strikes = failures[now].reason && (now == GITLAB_DOWN || world_random(w, 4) > 0);
    struct call_answer reply = {.id = act->gitlab.runner_id};

    w->journal.calls[act->gitlab.call]++;
    if (!server || !act->gitlab.token || !*act->gitlab.token) {
        world_violate(w, "GitLab is called without a server or a token");
        return reply;
    }
    if (leaks_the_credential(&w->observed, act))
        world_violate(w, "the credential goes to another host than that of spec.url");
    if (!trusts(w)) {
        refuse(&reply, ERR_DENIED, 0, "UntrustedCertificate");
        return reply;
    }
    if (lies(w, act, &reply))
        return reply;
    if (act->gitlab.call == GITLAB_FIND)
        reply.id = 0;
    if (!strikes || failures[now].done)
        carry_out(w, server, act, &reply);
    if (!strikes)
        return reply;
    w->journal.lost_answers += failures[now].done;
    return fail(&failures[now]);
}
