#include "runner/render.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "runner/render_parts.h"
#include "runner/rights.h"

enum { LABEL_MAX = 63, LABEL_HASH_LEN = 8, CHILD_NAME_MAX = 253, DIGEST_LEN = 16 };

static const struct {
    const char *api_version, *kind;
    const char *name; /* behind the owner's */
} children[] = {
    [CHILD_TOKEN_SECRET] = {"v1", "Secret", "runner-token"},
    [CHILD_CONFIG_SECRET] = {"v1", "Secret", "runner-config"},
    [CHILD_SERVICE_ACCOUNT] = {"v1", "ServiceAccount", "runner"},
    [CHILD_JOBS_ACCOUNT] = {"v1", "ServiceAccount", "jobs"},
    [CHILD_ROLE_BINDING... CHILD_LAST_FEATURE_BINDING] = {"rbac.authorization.k8s.io/v1", "RoleBinding", "runner"},
    [CHILD_DEPLOYMENT] = {"apps/v1", "Deployment", "runner"},
    [CHILD_DISRUPTION_BUDGET] = {"policy/v1", "PodDisruptionBudget", "runner"},
};

static bool is_of_a_feature(enum child child)
{
    return child >= CHILD_FEATURE_BINDING && child <= CHILD_LAST_FEATURE_BINDING;
}

static enum feature feature_of(enum child child)
{
    assert(child >= CHILD_FEATURE_BINDING && child <= CHILD_LAST_FEATURE_BINDING);
    return (enum feature)(child - CHILD_FEATURE_BINDING);
}

bool child_is_binding(enum child child)
{
    return child == CHILD_ROLE_BINDING || is_of_a_feature(child);
}

bool child_wanted(enum child child, const struct spec *spec)
{
    if (child == CHILD_DISRUPTION_BUDGET)
        return spec->manager.disruption_budget;
    if (child == CHILD_JOBS_ACCOUNT)
        return spec->account;
    if (is_of_a_feature(child))
        return feature_is_wanted(feature_of(child), spec);
    return child != CHILD_SERVICE_ACCOUNT || !spec->manager.service_account_name;
}

const char *child_kind(enum child child)
{
    assert(child < CHILD_COUNT);
    return children[child].kind;
}

static const char *names_joined(const char *one, char between, const char *other, struct arena *a)
{
    size_t one_len = strlen(one), len = strlen(other);
    char *text = arena_alloc(a, one_len + len + 2);

    memcpy(text, one, one_len);
    text[one_len] = between;
    memcpy(text + one_len + 1, other, len);
    return text;
}

static const char *child_suffix(enum child child, struct arena *a)
{
    assert(child < CHILD_COUNT);
    const char *name = children[child].name;

    return is_of_a_feature(child) ? names_joined(name, '-', feature_facts[feature_of(child)].name, a) : name;
}

/* What no object may be called is cut, and told from others with the same beginning by a digest at its end: so it is
 * nobody's whole name, and only its annotations say whose it is. */
static const char *bounded_name(const char *name, struct arena *a)
{
    size_t len = strlen(name);

    if (len <= CHILD_NAME_MAX)
        return name;
    return arena_printf(a, "%.*s.%.*s", CHILD_NAME_MAX - DIGEST_LEN - 1, name, DIGEST_LEN, digest_short(name, len, a));
}

/* A RoleBinding lives among the jobs, where it may meet those of other namespaces' runners: its name says whose it is.
 * A namespace's name has no dot, so no two owners come to the same name. */
const char *child_name(enum child child, const struct owner *owner, struct arena *a)
{
    const char *name = names_joined(owner->name, '-', child_suffix(child, a), a);

    return child_is_binding(child) ? bounded_name(names_joined(owner->ns, '.', name, a), a) : name;
}

/* NULL: the name does not end with a '-' and this. */
static const char *name_before(const char *suffix, const char *name, struct arena *a)
{
    size_t len = strlen(name), cut = strlen(suffix) + 1;
    bool ends = len > cut && name[len - cut] == '-' && strcmp(name + len - cut + 1, suffix) == 0;

    return ends ? arena_strndup(a, name, len - cut) : NULL;
}

const char *role_binding_owner(const char *name, struct arena *a)
{
    const char *dot = strchr(name, '.');

    for (enum child child = CHILD_ROLE_BINDING; dot && child <= CHILD_LAST_FEATURE_BINDING; child++) {
        const char *owner = name_before(child_suffix(child, a), dot + 1, a);
        if (owner)
            return arena_printf(a, KIND "/%.*s/%s", (int)(dot - name), name, owner);
    }
    return NULL;
}

const char *secret_owner(const char *name, struct arena *a)
{
    const char *owner = NULL;

    for (enum child child = 0; !owner && child < CHILD_COUNT; child++)
        if (strcmp(children[child].kind, "Secret") == 0)
            owner = name_before(children[child].name, name, a);
    return owner;
}

const char *child_namespace(enum child child, const struct owner *owner, const struct spec *spec)
{
    assert(child < CHILD_COUNT && owner->ns);
    return child_is_binding(child) ? spec->namespace : owner->ns;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What all children have in common.
 */

/* A name as a label's value: cut where it is too long, and told from others with the same beginning by a hash. */
static const char *label_value(const char *name, struct arena *a)
{
    size_t len = strlen(name);

    if (len <= LABEL_MAX)
        return name;
    return arena_printf(a, "%.*s-%.*s", LABEL_MAX - LABEL_HASH_LEN - 1, name, LABEL_HASH_LEN,
                        digest_short(name, len, a));
}

struct json_object *render_selector(const struct owner *owner, struct arena *a)
{
    return json_build("{'" LABEL_NAME "': %s, '" LABEL_RUNNER "': %s}", APP_NAME, label_value(owner->name, a));
}

struct json_object *render_labels(const struct owner *owner, struct arena *a)
{
    struct json_object *labels = render_selector(owner, a);

    json_put_member(labels, LABEL_INSTANCE, label_value(owner->name, a));
    json_put_member(labels, LABEL_MANAGED_BY, FIELD_MANAGER);
    return labels;
}

const char *selector_text(const struct owner *owner, struct arena *a)
{
    return arena_printf(a, LABEL_NAME "=" APP_NAME "," LABEL_RUNNER "=%s", label_value(owner->name, a));
}

/* An owner in another namespace, or one that no server has seen, cannot be referred to. */
static struct json_object *owner_references(const struct owner *owner, const char *ns)
{
    if (!owner->uid || strcmp(owner->ns, ns) != 0)
        return NULL;
    return json_build("[{apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true, blockOwnerDeletion: false}]",
                      API_VERSION, KIND, owner->name, owner->uid);
}

struct json_object *render_frame(enum child child, const struct owner *owner, const struct spec *spec, struct arena *a)
{
    const char *ns = child_namespace(child, owner, spec);

    assert(*ns && *owner->name);
    return json_build("{apiVersion: %s, kind: %s, metadata: {name: %s, namespace: %s, labels: %o, "
                      "annotations: {'" ANNOTATION_OWNER "': %s, '" ANNOTATION_OWNER_UID "': %s}, "
                      "ownerReferences: %o}}",
                      children[child].api_version, children[child].kind, child_name(child, owner, a), ns,
                      render_labels(owner, a), key_text(KIND, owner->ns, owner->name).text, owner->uid,
                      owner_references(owner, ns));
}

static void add_absent(struct json_object *to, struct json_object *users)
{
    json_each (it, users)
        if (!json_member(to, it.key))
            json_object_object_add(to, it.key, json_ref(it.value));
}

void render_add_metadata(struct json_object *manifest, struct json_object *labels, struct json_object *annotations)
{
    add_absent(json_get(manifest, "metadata.labels"), labels);
    add_absent(json_get(manifest, "metadata.annotations"), annotations);
}

static void annotate(struct json_object *manifest, const char *key, const char *value)
{
    json_put_member(json_get(manifest, "metadata.annotations"), key, value);
}

/* Adds ANNOTATION_APPLIED_HASH; the manifest belongs to the arena afterwards. */
static struct json_object *seal(struct json_object *manifest, struct arena *a)
{
    assert(manifest && !manifest_hash(manifest));
    const char *text = json_text_sorted(manifest);

    annotate(manifest, ANNOTATION_APPLIED_HASH, digest_short(text, strlen(text), a));
    return arena_json(a, manifest);
}

const char *manifest_hash(struct json_object *manifest)
{
    struct json_object *hash = json_member(json_get(manifest, "metadata.annotations"), ANNOTATION_APPLIED_HASH);

    return json_object_get_string(hash);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Secrets: sealed with placeholders, then filled, so that the fingerprint knows neither tokens nor the inputs'
 * versions.
 */
static void put_data(struct json_object *manifest, const char *key, const char *text, struct arena *a)
{
    struct json_object *data = json_member(manifest, "data");

    json_put_member(data, key, base64_encode(text, strlen(text), a));
}

struct json_object *render_token_secret(const struct owner *owner, const struct registration *r, struct arena *a)
{
    const struct {
        const char *key, *value;
    } facts[] = {
        {ANNOTATION_RUNNER_ID, arena_printf(a, "%lld", (long long)r->runner_id)},
        {ANNOTATION_URL, r->url},
        {ANNOTATION_AUTHENTICATION, r->authentication},
        {ANNOTATION_SCOPE, r->scope},
        {ANNOTATION_TOLD_HASH, r->told_hash},
        {ANNOTATION_TOKEN_EXPIRATION, r->expiration},
        {ANNOTATION_TOKEN_OBTAINED, r->obtained},
        {ANNOTATION_ROTATE_TOKEN, r->rotation},
    };
    struct json_object *manifest = render_frame(CHILD_TOKEN_SECRET, owner, NULL, a);

    json_set(manifest, "metadata.finalizers", json_build("[%s]", FINALIZER));
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        annotate(manifest, facts[i].key, facts[i].value);
    json_set_str(manifest, "type", "Opaque");
    json_set(manifest, "data", json_object_new_object());
    put_data(manifest, KEY_RUNNER_TOKEN, TOKEN_PLACEHOLDER, a);
    seal(manifest, a);
    if (r->token)
        put_data(manifest, KEY_RUNNER_TOKEN, r->token, a);
    annotate(manifest, ANNOTATION_INPUTS, r->inputs);
    return manifest;
}

static void put_config(struct json_object *manifest, const struct owner *owner, const struct spec *spec,
                       const struct config_inputs *in, struct arena *a)
{
    put_data(manifest, KEY_CONFIG, render_config_toml(owner, spec, in, a), a);
    if (spec->ca.name)
        put_data(manifest, KEY_CA, in->ca_pem ? in->ca_pem : CA_PLACEHOLDER, a);
    if (!spec->client_cert.name)
        return;
    put_data(manifest, KEY_CLIENT_CERT, in->client_cert ? in->client_cert : CERT_PLACEHOLDER, a);
    put_data(manifest, KEY_CLIENT_KEY, in->client_key ? in->client_key : KEY_PLACEHOLDER, a);
}

static struct json_object *config_secret(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    const struct config_inputs placeholders = {0};
    struct json_object *manifest = render_frame(CHILD_CONFIG_SECRET, owner, spec, a);

    json_set_str(manifest, "type", "Opaque");
    json_set(manifest, "data", json_object_new_object());
    put_config(manifest, owner, spec, &placeholders, a);
    return manifest;
}

struct json_object *render_config_secret(const struct owner *owner, const struct spec *spec,
                                         const struct config_inputs *in, struct arena *a)
{
    struct json_object *manifest = seal(config_secret(owner, spec, a), a);

    assert(manifest_hash(manifest));
    put_config(manifest, owner, spec, in, a);
    annotate(manifest, ANNOTATION_INPUTS, in->inputs);
    return manifest;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The manager's rights: the executor's ClusterRoles, in the namespace of the jobs only.
 */
const char *render_account_name(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    const char *own = spec->manager.service_account_name;

    return own ? own : child_name(CHILD_SERVICE_ACCOUNT, owner, a);
}

const char *render_jobs_account_name(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    return spec->account ? child_name(CHILD_JOBS_ACCOUNT, owner, a) : spec->service_account_name;
}

/* What an account is to clouds stands in its annotations. */
static struct json_object *service_account(enum child child, const struct owner *owner, const struct spec *spec,
                                           struct arena *a)
{
    struct json_object *manifest = render_frame(child, owner, spec, a);
    bool jobs = child == CHILD_JOBS_ACCOUNT;

    render_add_metadata(manifest, jobs ? spec->account_labels : spec->manager.account_labels,
                        jobs ? spec->account_annotations : spec->manager.account_annotations);
    return manifest;
}

static struct json_object *role_binding(enum child child, const struct owner *owner, const struct spec *spec,
                                        struct arena *a)
{
    const char *role = is_of_a_feature(child) ? feature_role(feature_of(child), a) : EXECUTOR_CLUSTER_ROLE;
    struct json_object *manifest = render_frame(child, owner, spec, a);

    json_set(manifest, "roleRef",
             json_build("{apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: %s}", role));
    json_set(manifest, "subjects",
             json_build("[{kind: 'ServiceAccount', name: %s, namespace: %s}]", render_account_name(owner, spec, a),
                        owner->ns));
    return manifest;
}

/* A manager that is not ready protects nothing, so it is no reason to hold up the draining of its node. */
static struct json_object *disruption_budget(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    struct json_object *budget = spec->manager.disruption_budget;
    struct json_object *manifest = render_frame(CHILD_DISRUPTION_BUDGET, owner, spec, a);

    json_set(manifest, "spec",
             json_build("{minAvailable: %o, maxUnavailable: %o, selector: {matchLabels: %o}, "
                        "unhealthyPodEvictionPolicy: 'AlwaysAllow'}",
                        json_ref(json_get(budget, "minAvailable")), json_ref(json_get(budget, "maxUnavailable")),
                        render_selector(owner, a)));
    return manifest;
}

/* ------------------------------------------------------------------------------------------------------------------
 */

static struct json_object *draft(enum child child, const struct owner *owner, const struct spec *spec,
                                 const struct render_settings *settings, struct arena *a)
{
    if (child_is_binding(child))
        return role_binding(child, owner, spec, a);
    switch (child) {
    case CHILD_CONFIG_SECRET:
        return config_secret(owner, spec, a);
    case CHILD_SERVICE_ACCOUNT:
    case CHILD_JOBS_ACCOUNT:
        return service_account(child, owner, spec, a);
    case CHILD_DEPLOYMENT:
        return render_deployment(owner, spec, settings, a);
    case CHILD_DISRUPTION_BUDGET:
        return disruption_budget(owner, spec, a);
    case CHILD_TOKEN_SECRET: /* needs what only a registration knows */
    case CHILD_ROLE_BINDING:
    case CHILD_FEATURE_BINDING:
    case CHILD_LAST_FEATURE_BINDING:
    case CHILD_COUNT:
        break;
    }
    return NULL;
}

struct json_object *render_child(enum child child, const struct owner *owner, const struct spec *spec,
                                 const struct render_settings *settings, struct arena *a)
{
    assert(child != CHILD_TOKEN_SECRET);
    return seal(draft(child, owner, spec, settings, a), a);
}
