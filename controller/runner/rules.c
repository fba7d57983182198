/* What several rules need. */
#include "runner/rules.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "runner/cache.h"
#include "runner/names.h"

/* Passes when the value is at hand; else reads it, or says what is wrong with it. */
static struct action need_value(const struct observed *o, enum readable what, const char *kind,
                                const struct key_ref *ref, struct arena *a)
{
    const char *reason = strcmp(kind, "Secret") == 0 ? "SecretNotFound" : "ConfigMapNotFound";

    assert(ref->name && (o->values[what].lookup == LOOKUP_FOUND) == (o->values[what].value != NULL));
    switch (o->values[what].lookup) {
    case LOOKUP_FOUND:
        return act_pass;
    case LOOKUP_UNKNOWN:
        return act_read(what);
    case LOOKUP_NO_OBJECT:
        return act_wait(reason,
                        arena_printf(a, "%s %s/%s does not exist; create it with the key %s", kind, o->owner.ns,
                                     ref->name, ref->key),
                        true);
    case LOOKUP_NO_KEY:
        return act_wait("KeyNotFound",
                        arena_printf(a, "%s %s/%s has no key %s; add it, or name another key in the spec", kind,
                                     o->owner.ns, ref->name, ref->key),
                        true);
    case LOOKUP_EMPTY:
        return act_wait(
            "ValueEmpty",
            arena_printf(a, "key %s of %s %s/%s is empty; put the value there", ref->key, kind, o->owner.ns, ref->name),
            true);
    case LOOKUP_INVALID:
        return act_wait("ValueInvalid",
                        arena_printf(a,
                                     "key %s of %s %s/%s %s, so it is no token and is not sent; put the token there "
                                     "alone",
                                     ref->key, kind, o->owner.ns, ref->name, o->values[what].complaint),
                        true);
    case LOOKUP_WRONG_KIND:
        return act_wait("WrongKindOfToken",
                        arena_printf(a, "key %s of Secret %s/%s %s; nothing was sent", ref->key, o->owner.ns, ref->name,
                                     o->values[what].complaint),
                        true);
    case LOOKUP_NOT_FOR_HOST:
        return act_wait(
            "CredentialNotForHost",
            arena_printf(a,
                         "%s %s/%s may not be sent to %s: its annotation %s does not list the host, or the address "
                         "that spec.hostAliases gives it; correct the spec, or have it added there",
                         kind, o->owner.ns, ref->name, o->spec->url, ANNOTATION_ALLOWED_HOSTS),
            true);
    }
    return act_pass;
}

struct action need_credential(const struct observed *o, struct arena *a)
{
    return need_value(o, READ_CREDENTIAL, "Secret", &o->spec->credential, a);
}

static struct action need_ca(const struct observed *o, struct arena *a)
{
    const char *kind = o->spec->ca_in_config_map ? "ConfigMap" : "Secret";

    if (!o->spec->ca.name)
        return act_pass;
    if (o->values[READ_CA].lookup == LOOKUP_INVALID)
        return act_wait(
            "InvalidCA",
            arena_printf(a,
                         "key %s of %s %s/%s %s; GitLab's own authority is enough, the system's are trusted "
                         "anyway",
                         o->spec->ca.key, kind, o->owner.ns, o->spec->ca.name, o->values[READ_CA].complaint),
            true);
    return need_value(o, READ_CA, kind, &o->spec->ca, a);
}

static struct action need_client(const struct observed *o, enum readable what, const struct key_ref *ref,
                                 struct arena *a)
{
    const struct observed_value *value = &o->values[what];

    if (!ref->name)
        return act_pass;
    if (value->lookup == LOOKUP_NO_KEY)
        return act_wait(
            "KeyNotFound",
            arena_printf(
                a,
                "Secret %s/%s has no key %s; spec.clientCertificateSecretRef names a Secret with " KEY_CLIENT_CERT
                " and " KEY_CLIENT_KEY ", such as one of the type kubernetes.io/tls",
                o->owner.ns, ref->name, ref->key),
            true);
    if (value->lookup == LOOKUP_INVALID)
        return act_wait("InvalidClientCertificate",
                        arena_printf(a, "key %s of Secret %s/%s, which spec.clientCertificateSecretRef names, %s",
                                     ref->key, o->owner.ns, ref->name, value->complaint),
                        true);
    return need_value(o, what, "Secret", ref, a);
}

struct action need_client_certificate(const struct observed *o, struct arena *a)
{
    struct action act = need_client(o, READ_CLIENT_CERT, &o->spec->client_cert, a);

    return act.kind == ACT_PASS ? need_client(o, READ_CLIENT_KEY, &o->spec->client_key, a) : act;
}

struct action need_tls(const struct observed *o, struct arena *a)
{
    struct action act = need_ca(o, a);

    return act.kind == ACT_PASS ? need_client_certificate(o, a) : act;
}

struct json_object *cache_data(const struct observed *o, struct arena *a)
{
    return arena_json(a, json_parse_text(o->values[READ_CACHE].value));
}

struct action need_cache(const struct observed *o, struct arena *a)
{
    struct json_object *data = cache_data(o, a);
    const struct key_ref ref = {.name = cache_secret_name(o->spec->cache),
                                .key = cache_missing_key(o->spec->cache, data, a)};
    const char *quoted = cache_quoted_key(o->spec->cache, data, a);
    bool was_read = o->values[READ_CACHE].lookup == LOOKUP_FOUND || o->values[READ_CACHE].lookup == LOOKUP_NO_KEY;

    if (ref.name && was_read && !ref.key && quoted)
        return act_wait("ValueInvalid",
                        arena_printf(a,
                                     "key %s of Secret %s/%s has quotation marks around its content; put it there "
                                     "without",
                                     quoted, o->owner.ns, ref.name),
                        true);

    if (!ref.name || (was_read && !ref.key))
        return act_pass;
    if (!was_read)
        return need_value(o, READ_CACHE, "Secret", &ref, a);
    if (!json_member(data, ref.key))
        return act_wait("KeyNotFound",
                        arena_printf(a, "Secret %s/%s has no key %s, which the cache needs; add it", o->owner.ns,
                                     ref.name, ref.key),
                        true);
    return act_wait("ValueEmpty",
                    arena_printf(a, "key %s of Secret %s/%s has nothing that the cache could use; put the value there",
                                 ref.key, o->owner.ns, ref.name),
                    true);
}

static struct action try_ca(const struct observed *o)
{
    return o->spec && o->spec->ca.name && o->values[READ_CA].lookup == LOOKUP_UNKNOWN ? act_read(READ_CA) : act_pass;
}

/* A key is of use only with its certificate. */
static struct action try_client(const struct observed *o)
{
    const struct observed_value *cert = &o->values[READ_CLIENT_CERT], *key = &o->values[READ_CLIENT_KEY];

    if (!o->spec || !o->spec->client_cert.name)
        return act_pass;
    if (cert->lookup == LOOKUP_UNKNOWN)
        return act_read(READ_CLIENT_CERT);
    return cert->lookup == LOOKUP_FOUND && key->lookup == LOOKUP_UNKNOWN ? act_read(READ_CLIENT_KEY) : act_pass;
}

/* For calls that are made with these or, if they cannot be had, without. */
struct action try_tls(const struct observed *o)
{
    struct action act = try_ca(o);

    return act.kind == ACT_PASS ? try_client(o) : act;
}

/* The token Secret lacks something that only a new one can have. */
struct action need_a_new_secret(const struct observed *o, const char *reason, const char *lacks, struct arena *a)
{
    return act_wait(reason,
                    arena_printf(a, "Secret %s/%s has lost its %s; delete it, and it is written anew", o->owner.ns,
                                 child_name(CHILD_TOKEN_SECRET, &o->owner, a), lacks),
                    true);
}

/* The runner's own token. */
struct action need_token(const struct observed *o, struct arena *a)
{
    if (o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_TOKEN);
    if (o->values[READ_TOKEN].lookup != LOOKUP_FOUND)
        return need_a_new_secret(o, "TokenMissing", "content", a);
    return act_pass;
}

const char *credential_value(const struct observed *o)
{
    assert(!o->values[READ_CREDENTIAL].value || o->values[READ_CREDENTIAL].lookup == LOOKUP_FOUND);
    return o->values[READ_CREDENTIAL].value;
}

struct action name_conflict(const struct observed *o, enum child child, struct arena *a)
{
    const char *ns = child_namespace(child, &o->owner, o->spec);

    assert(o->children[child].foreign);
    return act_wait(
        "NameConflict",
        arena_printf(a,
                     "%s %s/%s exists and was not made for this GitLabRunner; it is left alone. Delete or rename one",
                     child_kind(child), ns, child_name(child, &o->owner, a)),
        true);
}

/* Without these two annotations nobody knows whose runner it is, or where. */
bool is_damaged(const struct registration *r)
{
    return !r->url[0] || !r->authentication[0];
}

/* Made by the user, who gave us its token. */
bool is_users_own(const struct registration *r)
{
    return strcmp(r->authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;
}

/* Takes our finalizer off the token Secret. What it holds is written once more, because what an apply leaves out is
 * removed. */
struct action release_token_secret(const struct observed *o, struct arena *a)
{
    struct registration last = o->registered;

    assert(o->children[CHILD_TOKEN_SECRET].held);
    if (o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN)
        return act_read(READ_TOKEN);
    last.token = o->values[READ_TOKEN].value;
    struct json_object *manifest = render_token_secret(&o->owner, &last, a);
    json_set(manifest, "metadata.finalizers", json_build("[]"));
    struct action act = act_apply(CHILD_TOKEN_SECRET, manifest, o->children[CHILD_TOKEN_SECRET].uid);
    act.apply.release = true;
    return act;
}

/* From here on somebody has to clean up at GitLab when the object goes. Written once more before a doubt is acted on:
 * the API server refuses it when the object is not as the watch shows it. */
struct action hold_finalizer(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->finalizer && o->memory->doubt != DOUBT_SUSPECTED ? act_pass : act_finalizer(true);
}

/* Nothing is looked for, or given up, while the token may only be out of the watch's sight. */
struct action read_an_unseen_token(const struct observed *o, struct arena *a)
{
    bool in_vain = o->force_delete && refused_attempt(o, "read-token");
    bool unseen = o->values[READ_TOKEN].unseen && !in_vain;

    (void)a;
    return unseen || o->memory->doubt == DOUBT_SUSPECTED || o->memory->doubt == DOUBT_UNREAD ? act_read(READ_TOKEN)
                                                                                             : act_pass;
}

static struct action look_first(const struct observed *o, struct arena *a)
{
    enum readable what = 0;

    (void)a;
    while (what < READ_COUNT && !o->values[what].unseen)
        what++;
    return what < READ_COUNT ? act_read(what) : act_pass;
}

/* clang-format off */
const struct rule unseen_rules[] = {
    {"unseen", look_first, "all that the spec names was looked for", NULL},
    {NULL,     NULL,       NULL,                                     NULL},
};
/* clang-format on */

static bool status_says(const struct observed *o, const char *field, const char *value)
{
    return strcmp(json_str_or(o->status, field, ""), value) == 0;
}

/* The status tells of the last registration, and that it was for the url, mode and scope that the spec asks for. */
bool was_registered(const struct observed *o, struct arena *a)
{
    return status_says(o, "url", o->spec->url) &&
           status_says(o, "authentication", authentication_name(o->spec->authentication)) &&
           status_says(o, "scope", scope_text(o->spec, a));
}

bool status_tells(const struct observed *o, const struct registration *r)
{
    return json_int_or(o->status, "runnerId", 0) == r->runner_id && status_says(o, "url", r->url) &&
           status_says(o, "authentication", r->authentication) && status_says(o, "scope", r->scope);
}

/* Looks for the runner that carries our mark, first at the one that was registered last. */
struct action find_lost_runner(const struct observed *o, struct arena *a)
{
    int64_t last = was_registered(o, a) ? json_int_or(o->status, "runnerId", 0) : 0;

    return act_call(GITLAB_FIND, o->spec->url, credential_value(o), last);
}

bool is_lost_elsewhere(const struct observed *o, struct arena *a)
{
    const struct lost *lost = o->memory->lost;

    assert(!lost || o->memory->doubt >= DOUBT_LOST);
    if (!lost || !o->spec)
        return false;
    return o->spec->authentication == AUTH_RUNNER_TOKEN || strcmp(lost->url, o->spec->url) != 0 ||
           (*lost->scope && strcmp(lost->scope, scope_text(o->spec, a)) != 0);
}

struct action report_possible_orphan(const struct observed *o, struct arena *a)
{
    const char *known = o->spec ? o->spec->url : json_str_or(o->status, "url", "GitLab"),
               *url = o->memory->lost ? o->memory->lost->url : known;

    return act_report(
        "PossibleOrphan",
        arena_printf(a,
                     "an earlier registration at %s may not have been recorded; if a runner there has '%s%s' in its "
                     "maintenance note and never ran, delete it",
                     url, MARK_PREFIX, o->owner.uid));
}

struct action report_orphan(const struct registration *r, const char *why, struct arena *a)
{
    return act_report("OrphanedRunner", arena_printf(a, "runner %lld was left behind at %s: %s",
                                                     (long long)r->runner_id, r->url[0] ? r->url : "GitLab", why));
}

/* No answer, such as when the API server's certificate is not trusted, or that of a server that has no time: it says
 * nothing of what was asked for. Not so a 500, by which it says for ever that a Secret cannot be decrypted. */
static bool was_not_heard(const struct err *err)
{
    bool busy = err->code == 429 || (err->code >= 502 && err->code <= 504);

    return err->code ? busy : err->kind == ERR_RETRY || err->kind == ERR_DENIED;
}

const struct attempt *refused_attempt(const struct observed *o, const char *rule)
{
    const struct attempt *failed = failed_attempt(o, rule);

    return failed && !was_not_heard(&failed->err) ? failed : NULL;
}

/* What the ledger is to have is read, if it can be. */
static struct action read_for_the_ledger(const struct observed *o, const char *token)
{
    if (!token && o->values[READ_TOKEN].lookup == LOOKUP_UNKNOWN && !refused_attempt(o, "read-token"))
        return act_read(READ_TOKEN);
    return refused_attempt(o, "read-ca") ? act_pass : try_ca(o);
}

/* Without a token that is good, or a ledger that may be written, there is nothing but the report. */
struct action leave_behind(const struct observed *o, const struct registration *r, const char *why, struct arena *a)
{
    const struct attempt *failed = failed_attempt(o, "record");
    bool writable = !failed || failed->err.kind == ERR_RETRY || was_not_heard(&failed->err),
         dead = o->memory->check.refusals >= CONFIRMATIONS;
    const char *token = r->token ? r->token : o->values[READ_TOKEN].value;

    if (!writable || dead || is_damaged(r))
        return report_orphan(r, why, a);
    struct action act = read_for_the_ledger(o, token);
    if (act.kind != ACT_PASS)
        return act;
    if (!token)
        return report_orphan(r, why, a);
    return (struct action){.kind = ACT_RECORD,
                           .rule = "record",
                           .record = {.runner_id = r->runner_id,
                                      .url = r->url,
                                      .token = token,
                                      .ca_pem = o->values[READ_CA].value,
                                      .address = o->spec ? spec_address_of(o->spec, r->url, a) : NULL,
                                      .why = why}};
}

struct action remove_binding(const struct observed *o, enum child child, struct arena *a)
{
    const struct observed_child *binding = &o->children[child];

    assert(child_is_binding(child));
    if (!binding->exists || binding->terminating)
        return act_pass;
    return (struct action){.kind = ACT_DELETE,
                           .delete = {.kind = child_kind(child),
                                      .ns = o->spec->namespace,
                                      .uid = binding->uid,
                                      .name = child_name(child, &o->owner, a)}};
}

struct action remove_role_bindings(const struct observed *o, struct arena *a)
{
    struct action act = act_pass;

    for (enum child child = CHILD_ROLE_BINDING; child <= CHILD_LAST_FEATURE_BINDING && act.kind == ACT_PASS; child++)
        act = remove_binding(o, child, a);
    return act;
}

struct action remove_strays(const struct observed *o, struct arena *a)
{
    (void)a;
    return o->stray.kind ? (struct action){.kind = ACT_DELETE, .delete = o->stray} : act_pass;
}
