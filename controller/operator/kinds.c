#include "operator/kinds.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/managed_fields.h"
#include "runner/cache.h"
#include "runner/names.h"

#define OURS LABEL_MANAGED_BY "=" FIELD_MANAGER

#define OUR_ANNOTATIONS GROUP "/*"
#define FIELDS          "metadata.managedFields[].fieldsV1"

enum { ANNOTATION_MAX = 4096 }; /* that we look at */

static const struct {
    struct kube_resource resource;
    const char *selector;
} kinds[KIND_COUNT] = {
    [KIND_RUNNER] = {{KIND, API_VERSION, PLURAL, true, false, "metadata.managedFields", OUR_ANNOTATIONS, "status"},
                     NULL},
    [KIND_SECRET] = {{"Secret", "v1", "secrets", true, true, NULL, OUR_ANNOTATIONS, FIELDS}, NULL},
    [KIND_CONFIG_MAP] = {{"ConfigMap", "v1", "configmaps", true, true, NULL, OUR_ANNOTATIONS, FIELDS}, NULL},
    [KIND_NAMESPACE] = {{"Namespace", "v1", "namespaces", false, true, NULL, OUR_ANNOTATIONS, FIELDS}, NULL},
    [KIND_SERVICE_ACCOUNT] = {{"ServiceAccount", "v1", "serviceaccounts", true, true, NULL, OUR_ANNOTATIONS, FIELDS},
                              OURS},
    [KIND_ROLE_BINDING] = {{"RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", true, true, NULL,
                            OUR_ANNOTATIONS, FIELDS},
                           OURS},
    [KIND_DEPLOYMENT] = {{"Deployment", "apps/v1", "deployments", true, false, "spec", OUR_ANNOTATIONS, FIELDS}, OURS},
    [KIND_DISRUPTION_BUDGET] = {{"PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", true, true, NULL,
                                 OUR_ANNOTATIONS, FIELDS},
                                OURS},
};

const struct kube_resource *kind_resource(enum kind kind)
{
    assert(kind < KIND_COUNT);
    return &kinds[kind].resource;
}

const char *kind_selector(enum kind kind)
{
    assert(kind < KIND_COUNT);
    return kinds[kind].selector;
}

enum kind kind_of_child(enum child child)
{
    static uint8_t found[CHILD_COUNT]; /* each one more; 0: nobody has asked yet */

    assert(child < CHILD_COUNT);
    if (!found[child])
        found[child] = (uint8_t)(kind_by_name(child_kind(child)) + 1);
    assert(found[child] <= KIND_COUNT);
    return (enum kind)(found[child] - 1);
}

bool kind_has_one_named(unsigned children, enum kind kind, const char *name, const struct owner *owner, struct arena *a)
{
    static_assert(CHILD_COUNT <= 32, "a bit each");
    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (children >> child & 1 && kind_of_child(child) == kind && strcmp(child_name(child, owner, a), name) == 0)
            return true;
    return false;
}

bool kind_has_child_named(enum kind kind, const char *name, const struct owner *owner, struct arena *a)
{
    return kind_has_one_named(~0u, kind, name, owner, a);
}

enum kind kind_by_name(const char *name)
{
    enum kind kind = 0;

    while (kind < KIND_COUNT && strcmp(kinds[kind].resource.kind, name) != 0)
        kind++;
    return kind;
}

const char *kind_fields(struct json_object *object)
{
    return managed_fields_of(json_get(object, "metadata.managedFields"), FIELD_MANAGER);
}

const char *kind_annotation(struct json_object *object, const char *key)
{
    struct json_object *pair = json_member(json_get(object, "metadata.annotations"), key);
    const char *value = pair ? json_string(pair) : NULL;

    return value && strlen(value) <= ANNOTATION_MAX ? value : NULL;
}

/* By its name one of ours, whether its GitLabRunner is there or not. */
static bool is_our_secret(const char *name)
{
    cleanup_arena struct arena a = {0};

    return secret_owner(name, &a) || strncmp(name, LEDGER_NAME, strlen(LEDGER_NAME)) == 0;
}

bool kind_concerns(enum kind kind, const char *ns, const char *name, const struct store *store)
{
    if (kind != KIND_SECRET && kind != KIND_CONFIG_MAP)
        return true;
    return (kind == KIND_SECRET && is_our_secret(name)) || references_have(store_references(store), kind, ns, name);
}

/* The first of the members that is there, as the name in a reference of the spec. */
static const char *name_in(struct json_object *spec, const char *const members[], struct arena *a)
{
    const char *name = NULL;

    for (; *members && !name; members++)
        name = json_str(spec, arena_printf(a, "%s.name", *members));
    return name && strlen(name) <= KUBE_NAME_MAX ? name : NULL;
}

size_t kind_references(struct json_object *runner, bool secrets_by_name, struct reference ret[static REFERENCES_MAX],
                       struct arena *a)
{
    static const char
        *const credentials[] = {"authentication.registrationTokenSecretRef", "authentication.accessTokenSecretRef",
                                "authentication.runnerTokenSecretRef", NULL},
               *const ca_secrets[] = {"caSecretRef", NULL}, *const ca_config_maps[] = {"caConfigMapRef", NULL},
               *const client_secrets[] = {"clientCertificateSecretRef", NULL};
    struct json_object *spec = json_get(runner, "spec");
    const struct owner owner = {.ns = json_str_or(runner, "metadata.namespace", ""),
                                .name = json_str_or(runner, "metadata.name", "")};
    const char *cache = cache_secret_name(json_get(spec, "cache")), *jobs = json_str_or(spec, "namespace", owner.ns);
    const struct reference all[] = {
        {.kind = KIND_SECRET, .ns = owner.ns, .name = name_in(spec, credentials, a)},
        {.kind = KIND_SECRET, .ns = owner.ns, .name = name_in(spec, ca_secrets, a)},
        {.kind = KIND_CONFIG_MAP, .ns = owner.ns, .name = name_in(spec, ca_config_maps, a)},
        {.kind = KIND_SECRET, .ns = owner.ns, .name = name_in(spec, client_secrets, a)},
        {.kind = KIND_SECRET, .ns = owner.ns, .name = cache && strlen(cache) <= KUBE_NAME_MAX ? cache : NULL},
        {.kind = KIND_NAMESPACE, .ns = "", .name = owner.ns},
        {.kind = KIND_NAMESPACE,
         .ns = "",
         .name = strcmp(jobs, owner.ns) && strlen(jobs) <= KUBE_NAMESPACE_MAX ? jobs : NULL},
        {.kind = KIND_SECRET, .ns = owner.ns, .name = child_name(CHILD_TOKEN_SECRET, &owner, a)},
        {.kind = KIND_SECRET, .ns = owner.ns, .name = child_name(CHILD_CONFIG_SECRET, &owner, a)},
    };
    size_t len = ARRAY_LEN(all) - (secrets_by_name ? 0 : 2);

    static_assert(ARRAY_LEN(all) <= REFERENCES_MAX, "references.h");
    memcpy(ret, all, len * sizeof(*ret));
    return len;
}

static bool has_our_label(struct json_object *object)
{
    struct json_object *label = json_member(json_get(object, "metadata.labels"), LABEL_MANAGED_BY);

    return label && strcmp(json_string(label), FIELD_MANAGER) == 0;
}

bool kind_shows(enum kind kind, struct json_object *object)
{
    return !kinds[kind].selector || has_our_label(object);
}

bool kind_is_made_by_us(struct json_object *object)
{
    return has_our_label(object) && kind_fields(object);
}
