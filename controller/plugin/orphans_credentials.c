/* The access tokens by which runners are looked for: those that GitLabRunners name, or the one on the command line. A
 * token goes where its object, and its Secret's owner, let it go, and nowhere else. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "gitlab/policy.h"
#include "net/http.h"
#include "net/loop.h"
#include "plugin/command.h"
#include "plugin/fetch.h"
#include "plugin/orphans.h"
#include "plugin/session.h"
#include "plugin/terminal.h"
#include "runner/names.h"
#include "runner/spec.h"
#include "runner/token_kind.h"

enum { READ_MS = 30 * 1000, CREDENTIALS_MAX = 256, PARTS = 3 };

/* ---------------------------------------------------------------------------------------------------------------------
 * Which there are */

static bool is_the_same(const struct orphan_credential *one, const struct orphan_credential *other)
{
    return strcmp(one->ns, other->ns) == 0 && strcmp(one->secret, other->secret) == 0 &&
           strcmp(one->key, other->key) == 0 && strcmp(one->url, other->url) == 0;
}

static void note_credential(struct orphan_credentials *all, const struct orphan_credential *c)
{
    for (size_t i = 0; i < all->len; i++)
        if (is_the_same(&all->items[i], c))
            return;
    if (all->len < CREDENTIALS_MAX)
        all->items[all->len++] = *c;
}

static void add_of_object(struct orphan_credentials *all, struct json_object *object, struct arena *a)
{
    const struct owner owner = owner_of(object);
    struct spec *spec = arena_alloc(a, sizeof(*spec));
    struct err invalid = {0};
    char host[256] = "";

    if (!spec_parse(object, spec, a, &invalid) || spec->authentication != AUTH_ACCESS_TOKEN ||
        !http_url_is_valid(spec->url, host, sizeof(host), &invalid))
        return;
    const struct orphan_credential c = {
        .ns = owner.ns,
        .secret = spec->credential.name,
        .key = spec->credential.key,
        .url = spec->url,
        .address = spec_address_of(spec, spec->url, a),
        .host = arena_strdup(a, host),
        .ca_ref_kind = !spec->ca.name           ? NULL
                       : spec->ca_in_config_map ? "configmaps"
                                                : "secrets",
        .ca_ref_name = spec->ca.name,
        .ca_ref_key = spec->ca.key,
        .client_secret = spec->client_cert.name,
    };
    note_credential(all, &c);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What their Secrets hold */

/* The text of a key; NULL: it is not there, or empty. */
static const char *value_of_key(struct json_object *object, const char *key, bool secret, struct arena *a)
{
    const char *raw = json_string(json_member(json_get(object, "data"), key));
    char *text = secret ? base64_decode(raw, NULL, a) : arena_strdup(a, raw);

    text = text ? charset_trim(text) : NULL;
    return text && *text ? text : NULL;
}

/* NULL: it may be sent; else why not. */
static const char *token_is_refused(const struct orphan_credential *c, struct json_object *secret, struct arena *a)
{
    struct json_object *hosts = json_member(json_get(secret, "metadata.annotations"), ANNOTATION_ALLOWED_HOSTS);
    const struct key_ref ref = {c->secret, c->key};

    if (!c->token)
        return arena_printf(a, "it has no key %s", c->key);
    if (charset_refuses(CHARSET_TOKEN, c->token, strlen(c->token)))
        return arena_printf(a, "its key %s %s", c->key, charset_refuses(CHARSET_TOKEN, c->token, strlen(c->token)));
    if (hosts && !policy_lists(json_string(hosts), c->url, c->address))
        return arena_printf(a, "its annotation %s does not list the host of %s", ANNOTATION_ALLOWED_HOSTS, c->url);
    return token_complaint(AUTH_ACCESS_TOKEN, &ref, c->token, a);
}

/* As operator/perform_read.c has it: of a credential that is bound to hosts, its Secret says whom to trust. */
static bool take_values(struct plugin_call *call, struct orphan_credential *c, const struct fetch *read,
                        struct json_object *ca, struct json_object *client)
{
    struct arena *a = call->a;
    struct json_object *secret = read->object,
                       *hosts = json_member(json_get(secret, "metadata.annotations"), ANNOTATION_ALLOWED_HOSTS);
    const char *name = arena_printf(a, "Secret %s/%s", c->ns, c->secret);

    if (!secret) {
        if (is_forbidden(&read->err))
            not_seen(call, name, "get secrets");
        else
            fprintf(stderr, "%s is not used: %s\n", harmless(name, a), harmless(read->err.text, a));
        return false;
    }
    c->token = value_of_key(secret, c->key, true, a);
    const char *why = token_is_refused(c, secret, a);
    if (why) {
        fprintf(stderr, "%s is not used: %s\n", harmless(name, a), harmless(why, a));
        return false;
    }
    bool from_config_map = c->ca_ref_kind && strcmp(c->ca_ref_kind, "configmaps") == 0;
    c->ca_pem = hosts || !c->ca_ref_kind ? value_of_key(secret, KEY_CA, true, a)
                                         : value_of_key(ca, c->ca_ref_key, !from_config_map, a);
    c->client_cert = value_of_key(client, KEY_CLIENT_CERT, true, a);
    c->client_key = value_of_key(client, KEY_CLIENT_KEY, true, a);
    return true;
}

static const char *object_path(const struct orphan_credential *c, const char *plural, const char *name, struct arena *a)
{
    const struct kube_resource r = {.kind = "", .api_version = "v1", .plural = plural, .namespaced = true};

    return kube_path(&r, c->ns, name, NULL, a);
}

static size_t ask_parts(const struct orphan_credential *c, struct fetch *asks, struct arena *a)
{
    size_t len = 0;

    asks[len++].path = object_path(c, "secrets", c->secret, a);
    if (c->ca_ref_kind)
        asks[len++].path = object_path(c, c->ca_ref_kind, c->ca_ref_name, a);
    if (c->client_secret)
        asks[len++].path = object_path(c, "secrets", c->client_secret, a);
    return len;
}

static void read_values(struct plugin_call *call, struct orphan_credentials *all)
{
    struct arena *a = call->a;
    struct fetch *asks = arena_alloc(a, (all->len * PARTS + 1) * sizeof(*asks));
    size_t len = 0, at = 0, kept = 0;

    for (size_t i = 0; i < all->len; i++)
        len += ask_parts(&all->items[i], &asks[len], a);
    fetch_all(session_loop(call->session), session_client(call->session), asks, len, READ_MS, a);
    for (size_t i = 0; i < all->len; i++) {
        struct orphan_credential c = all->items[i];
        const struct fetch *secret = &asks[at++], *ca = c.ca_ref_kind ? &asks[at++] : NULL,
                           *client = c.client_secret ? &asks[at++] : NULL;
        if (take_values(call, &c, secret, ca ? ca->object : NULL, client ? client->object : NULL))
            all->items[kept++] = c;
    }
    assert(at == len && kept <= all->len);
    all->len = kept;
}

void orphan_credentials_of(struct plugin_call *call, const struct cluster_uids *uids, const char *ns,
                           struct orphan_credentials *ret)
{
    *ret = (struct orphan_credentials){.items = arena_alloc(call->a, CREDENTIALS_MAX * sizeof(*ret->items))};
    for (size_t i = 0; i < json_len(uids->runners); i++) {
        struct json_object *object = json_at(uids->runners, i);
        if (!ns || strcmp(json_str_or(object, "metadata.namespace", ""), ns) == 0)
            add_of_object(ret, object, call->a);
    }
    read_values(call, ret);
}

bool orphan_credential_named(struct plugin_call *call, const char *name, const char *url,
                             struct orphan_credentials *ret)
{
    struct arena *a = call->a;
    const char *slash = strchr(name, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    char host[256] = "";
    struct err err = {0};

    if (!slash || slash == name || !slash[1] || (second && !second[1])) {
        fprintf(stderr, "orphans: --credential must be NAMESPACE/SECRET or NAMESPACE/SECRET/KEY\n");
        return false;
    }
    if (!url || !http_url_is_valid(url, host, sizeof(host), &err)) {
        fprintf(stderr, "orphans: --credential needs --url, GitLab's address%s%s\n", url ? ": " : "",
                url ? err.text : "");
        return false;
    }
    char *trimmed = arena_strdup(a, url);
    for (size_t len = strlen(trimmed); len && trimmed[len - 1] == '/'; len--)
        trimmed[len - 1] = '\0';
    *ret = (struct orphan_credentials){.items = arena_alloc(a, sizeof(*ret->items)), .len = 1};
    ret->items[0] = (struct orphan_credential){
        .ns = arena_strndup(a, name, (size_t)(slash - name)),
        .secret = second ? arena_strndup(a, slash + 1, (size_t)(second - slash - 1)) : arena_strdup(a, slash + 1),
        .key = second ? arena_strdup(a, second + 1) : "access-token",
        .url = trimmed,
        .host = arena_strdup(a, host),
    };
    read_values(call, ret);
    return ret->len == 1;
}
