/* ACT_READ: a value that lives in a Secret or ConfigMap, and what is wrong with it. */
#include <assert.h>
#include <string.h>

#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "gitlab/policy.h"
#include "kube/object_text.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "runner/cache.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "runner/token_kind.h"

struct source {
    enum kind kind;
    const char *name;
    const char *key; /* NULL: all of them, see READ_CACHE */
};

static struct source source_of(struct turn *turn, enum readable what)
{
    const struct observed *o = &turn->observed;

    switch (what) {
    case READ_CREDENTIAL:
        return (struct source){KIND_SECRET, o->spec->credential.name, o->spec->credential.key};
    case READ_CA:
        return (struct source){o->spec->ca_in_config_map ? KIND_CONFIG_MAP : KIND_SECRET, o->spec->ca.name,
                               o->spec->ca.key};
    case READ_CLIENT_CERT:
        return (struct source){KIND_SECRET, o->spec->client_cert.name, o->spec->client_cert.key};
    case READ_CLIENT_KEY:
        return (struct source){KIND_SECRET, o->spec->client_key.name, o->spec->client_key.key};
    case READ_CONFIG:
        return (struct source){KIND_SECRET, child_name(CHILD_CONFIG_SECRET, &o->owner, &turn->mem), KEY_CONFIG};
    case READ_CACHE:
        return (struct source){KIND_SECRET, cache_secret_name(o->spec->cache), NULL};
    case READ_ACCOUNT:
        return (struct source){KIND_SERVICE_ACCOUNT, o->spec->manager.service_account_name, NULL};
    case READ_TOKEN:
    case READ_COUNT:
        break;
    }
    return (struct source){KIND_SECRET, child_name(CHILD_TOKEN_SECRET, &o->owner, &turn->mem), KEY_RUNNER_TOKEN};
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
static void refuse_bad_pair(struct turn *turn, struct observed_value *v, enum readable what)
{
    bool cert = what == READ_CLIENT_CERT;

    if (v->lookup != LOOKUP_FOUND || (!cert && what != READ_CLIENT_KEY))
        return;
    v->complaint = cert ? http_client_cert_refuses(v->value, loop_wall(turn->ctx->loop), &turn->mem)
                        : http_client_key_refuses(v->value, turn->observed.values[READ_CLIENT_CERT].value);
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

static struct observed_value value_of(struct turn *turn, const struct source *source, struct json_object *object)
{
    struct json_object *data = json_get(object, "data"), *member = source->key ? json_member(data, source->key) : data;
    struct observed_value v = {.lookup = LOOKUP_NO_KEY,
                               .version =
                                   arena_strdup(&turn->mem, json_str_or(object, "metadata.resourceVersion", ""))};

    if (source->kind == KIND_SERVICE_ACCOUNT) {
        v.value = arena_strdup(&turn->mem, json_str_or(object, "metadata.uid", ""));
        v.lookup = LOOKUP_FOUND;
        return v;
    }
    if (!member)
        return v;
    if (!source->key) {
        v.value = arena_strdup(&turn->mem, json_text(data));
        v.lookup = LOOKUP_FOUND;
        return v;
    }
    char *text = source->kind == KIND_SECRET ? decoded(json_string(member), &turn->mem)
                                             : arena_strdup(&turn->mem, json_string(member));
    const char *trimmed = text ? charset_trim(text) : "";
    v.value = *trimmed ? trimmed : NULL;
    v.lookup = v.value ? LOOKUP_FOUND : LOOKUP_EMPTY;
    return v;
}

/* What belongs elsewhere is told by how it begins, and goes nowhere. */
static void refuse_another_kind(struct turn *turn, struct observed_value *v)
{
    const struct spec *spec = turn->observed.spec;
    const char *complaint = v->lookup != LOOKUP_FOUND
                                ? NULL
                                : token_complaint(spec->authentication, &spec->credential, v->value, &turn->mem);

    if (complaint)
        *v = (struct observed_value){.lookup = LOOKUP_WRONG_KIND, .complaint = complaint, .version = v->version};
}

/* Who may write the spec may not be who may say where the Secret goes. False: it goes nowhere. */
static bool keep_to_hosts(struct turn *turn, struct json_object *hosts, struct observed_value *value)
{
    const struct spec *spec = turn->observed.spec;

    if (!hosts || policy_lists(json_string(hosts), spec->url, spec_address_of(spec, spec->url, &turn->mem)))
        return true;
    *value = (struct observed_value){.lookup = LOOKUP_NOT_FOR_HOST, .version = value->version};
    return false;
}

/* Nor who may say who is trusted with it. */
static void bind_value(struct turn *turn, enum readable what, struct json_object *secret, struct observed_value *value)
{
    struct json_object *hosts = json_member(json_get(secret, "metadata.annotations"), ANNOTATION_ALLOWED_HOSTS);
    struct json_object *ca = json_member(json_get(secret, "data"), KEY_CA);
    bool client = what == READ_CLIENT_CERT || what == READ_CLIENT_KEY;

    if ((!client && what != READ_CREDENTIAL) || !keep_to_hosts(turn, hosts, value) || !hosts || client)
        return;
    value->bound = true;
    value->ca_pem = ca ? base64_decode(json_string(ca), NULL, &turn->mem) : NULL;
    if (value->ca_pem && http_ca_refuses(value->ca_pem))
        value->ca_pem = ""; /* no certificate: InvalidCA */
}

/* Nobody would tell of the end of an account that the watch does not show. */
static void learn_what_was_read(struct turn *turn, const struct source *source, struct json_object *object)
{
    if (source->kind == KIND_SERVICE_ACCOUNT)
        return;
    if (object)
        turn_learn_presence(turn, source->kind, object);
    else
        turn_learn_absence(turn, source->kind, turn->observed.owner.ns, source->name);
}

static void on_read(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum readable what = turn->asked.read;
    const struct source source = source_of(turn, what);
    struct observed_value *value = &turn->observed.values[what];

    turn->request = 0;
    if (reply->err.kind == ERR_NOT_FOUND) {
        learn_what_was_read(turn, &source, NULL);
        *value = (struct observed_value){.lookup = LOOKUP_NO_OBJECT};
    } else if (reply->err.kind != ERR_NONE) {
        perform_kube_failed(turn, &reply->err);
        return;
    } else {
        learn_what_was_read(turn, &source, reply->object);
        *value = value_of(turn, &source, reply->object);
        bind_value(turn, what, reply->object, value);
        if (what == READ_CONFIG && value->lookup == LOOKUP_FOUND) {
            value->value = config_toml_token(value->value, &turn->mem);
            value->lookup = value->value ? LOOKUP_FOUND : LOOKUP_EMPTY;
        }
    }
    refuse_what_is_no_token(value, what);
    if (what == READ_CREDENTIAL)
        refuse_another_kind(turn, value);
    refuse_bad_pair(turn, value, what);
    if (what == READ_CA)
        refuse_large_ca(value, object_too_large(reply->object));
    assert((value->lookup == LOOKUP_FOUND) == (value->value != NULL));
    if (what == READ_TOKEN && !(reply->object && perform_is_ours(turn, source.kind, reply->object)))
        learn_token_absent(&turn->state->memory);
    perform_succeeded(turn);
}

void perform_read(struct turn *turn)
{
    const struct source source = source_of(turn, turn->asked.read);
    assert(source.name);
    const char *all = source.kind == KIND_SERVICE_ACCOUNT ? NULL : "*";

    turn_get(turn, source.kind, turn->observed.owner.ns, source.name, source.key ? source.key : all, on_read);
}
