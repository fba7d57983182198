#include "operator/values.h"

#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "gitlab/policy.h"
#include "kube/object_text.h"
#include "net/http.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/token_kind.h"

struct value_source value_source_of(const struct observed *o, enum readable what, struct arena *a)
{
    switch (what) {
    case READ_CREDENTIAL:
        return (struct value_source){KIND_SECRET, o->spec->credential.name, o->spec->credential.key};
    case READ_CA:
        return (struct value_source){o->spec->ca_in_config_map ? KIND_CONFIG_MAP : KIND_SECRET, o->spec->ca.name,
                                     o->spec->ca.key};
    case READ_CLIENT_CERT:
        return (struct value_source){KIND_SECRET, o->spec->client_cert.name, o->spec->client_cert.key};
    case READ_CLIENT_KEY:
        return (struct value_source){KIND_SECRET, o->spec->client_key.name, o->spec->client_key.key};
    case READ_CONFIG:
        return (struct value_source){KIND_SECRET, child_name(CHILD_CONFIG_SECRET, &o->owner, a), KEY_CONFIG};
    case READ_CACHE:
        return (struct value_source){KIND_SECRET, cache_secret_name(o->spec->cache), NULL};
    case READ_ACCOUNT:
        return (struct value_source){KIND_SERVICE_ACCOUNT, o->spec->manager.service_account_name, NULL};
    case READ_TOKEN:
    case READ_COUNT:
        break;
    }
    return (struct value_source){KIND_SECRET, child_name(CHILD_TOKEN_SECRET, &o->owner, a), KEY_RUNNER_TOKEN};
}

/* A Secret's value is bytes. A NUL among them must not hide what follows: it becomes another control character. */
static char *decoded(const char *data, struct arena *a)
{
    size_t len = 0;
    char *text = base64_decode(data, &len, a);

    for (char *nul; text && (nul = memchr(text, '\0', len));)
        *nul = '\001';
    return text;
}

/* Of an object that is too large as a whole nothing was read. */
static void refuse_large_ca(struct observed_value *v, bool too_large)
{
    const char *complaint = too_large                   ? "is in an object that is too large to be read"
                            : v->lookup == LOOKUP_FOUND ? http_ca_refuses(v->value)
                                                        : NULL;

    if (complaint)
        *v = (struct observed_value){.lookup = LOOKUP_INVALID, .complaint = complaint, .version = v->version};
}

/* What GitLab would not take, or could not be shown to it. The certificate was read first. */
static void refuse_bad_pair(const struct observed *o, struct observed_value *v, enum readable what, struct arena *a)
{
    bool cert = what == READ_CLIENT_CERT;

    if (v->lookup != LOOKUP_FOUND || (!cert && what != READ_CLIENT_KEY))
        return;
    v->complaint = cert ? http_client_cert_refuses(v->value, o->now, a)
                        : http_client_key_refuses(v->value, o->values[READ_CLIENT_CERT].value);
    if (v->complaint)
        *v = (struct observed_value){.lookup = LOOKUP_INVALID, .complaint = v->complaint, .version = v->version};
}

/* Credentials go into headers, bodies and config.toml. */
static void refuse_what_is_no_token(struct observed_value *v, enum readable what)
{
    bool token = what == READ_CREDENTIAL || what == READ_TOKEN || what == READ_CONFIG;

    if (v->lookup != LOOKUP_FOUND || !token)
        return;
    v->complaint = charset_refuses(CHARSET_TOKEN, v->value, strlen(v->value));
    if (v->complaint)
        *v = (struct observed_value){.lookup = LOOKUP_INVALID, .complaint = v->complaint, .version = v->version};
}

static struct observed_value value_of(const struct value_source *source, struct json_object *object, struct arena *a)
{
    struct json_object *data = json_get(object, "data"), *member = source->key ? json_member(data, source->key) : data;
    struct observed_value v = {.lookup = LOOKUP_NO_KEY,
                               .version = arena_strdup(a, json_str_or(object, "metadata.resourceVersion", ""))};

    if (source->kind == KIND_SERVICE_ACCOUNT) {
        v.value = arena_strdup(a, json_str_or(object, "metadata.uid", ""));
        v.lookup = LOOKUP_FOUND;
        return v;
    }
    if (!member)
        return v;
    if (!source->key) {
        v.value = arena_strdup(a, json_text(data));
        v.lookup = LOOKUP_FOUND;
        return v;
    }
    char *text = source->kind == KIND_SECRET ? decoded(json_string(member), a) : arena_strdup(a, json_string(member));
    const char *trimmed = text ? charset_trim(text) : "";
    v.value = *trimmed ? trimmed : NULL;
    v.lookup = v.value ? LOOKUP_FOUND : LOOKUP_EMPTY;
    return v;
}

/* What belongs elsewhere is told by how it begins, and goes nowhere. */
static void refuse_another_kind(const struct observed *o, struct observed_value *v, struct arena *a)
{
    const struct spec *spec = o->spec;
    const char *complaint =
        v->lookup != LOOKUP_FOUND ? NULL : token_complaint(spec->authentication, &spec->credential, v->value, a);

    if (complaint)
        *v = (struct observed_value){.lookup = LOOKUP_WRONG_KIND, .complaint = complaint, .version = v->version};
}

/* Who may write the spec may not be who may say where the Secret goes. False: it goes nowhere. */
static bool keep_to_hosts(const struct observed *o, struct json_object *hosts, struct observed_value *value,
                          struct arena *a)
{
    const struct spec *spec = o->spec;

    if (!hosts || policy_lists(json_string(hosts), spec->url, spec_address_of(spec, spec->url, a)))
        return true;
    *value = (struct observed_value){.lookup = LOOKUP_NOT_FOR_HOST, .version = value->version};
    return false;
}

/* Nor who may say who is trusted with it. */
static void bind_value(const struct observed *o, enum readable what, struct json_object *secret,
                       struct observed_value *value, struct arena *a)
{
    struct json_object *hosts = json_member(json_get(secret, "metadata.annotations"), ANNOTATION_ALLOWED_HOSTS);
    struct json_object *ca = json_member(json_get(secret, "data"), KEY_CA);
    bool client = what == READ_CLIENT_CERT || what == READ_CLIENT_KEY;

    if ((!client && what != READ_CREDENTIAL) || !keep_to_hosts(o, hosts, value, a) || !hosts || client)
        return;
    value->bound = true;
    value->ca_pem = ca ? base64_decode(json_string(ca), NULL, a) : NULL;
    if (value->ca_pem && http_ca_refuses(value->ca_pem))
        value->ca_pem = ""; /* no certificate: InvalidCA */
}

/* A whole config.toml was read for its token, which is for the GitLab that it names and no other. spec NULL: it is
 * invalid, and names none. */
static void take_token_of_config(struct observed_value *v, const struct spec *spec, struct arena *a)
{
    v->value = spec ? config_toml_token(v->value, spec->url, a) : NULL;
    v->lookup = v->value ? LOOKUP_FOUND : LOOKUP_EMPTY;
}

void value_learn(struct observed *o, enum readable what, struct json_object *object, struct arena *a)
{
    const struct value_source source = value_source_of(o, what, a);
    struct observed_value *value = &o->values[what];

    *value = object ? value_of(&source, object, a) : (struct observed_value){.lookup = LOOKUP_NO_OBJECT};
    if (object)
        bind_value(o, what, object, value, a);
    if (what == READ_CONFIG && value->lookup == LOOKUP_FOUND)
        take_token_of_config(value, o->spec, a);
    refuse_what_is_no_token(value, what);
    if (what == READ_CREDENTIAL)
        refuse_another_kind(o, value, a);
    refuse_bad_pair(o, value, what, a);
    if (what == READ_CA)
        refuse_large_ca(value, object_too_large(object));
}
