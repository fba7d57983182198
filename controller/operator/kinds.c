#include "operator/kinds.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "kube/managed_fields.h"
#include "kube/object_text.h"
#include "runner/cache.h"
#include "runner/names.h"

#define NO_FIELDS "{}" /* somebody has taken them all */
#define OURS      LABEL_MANAGED_BY "=" FIELD_MANAGER

#define OUR_ANNOTATIONS GROUP "/*"

/* Kubernetes' own limits of names. */
enum { NAMESPACE_MAX = 63, NAME_MAX = 253 };
enum { ANNOTATION_MAX = 4096, FIELDS_MAX = 16 << 10, MESSAGE_MAX = 1024 }; /* that are kept */

static const struct {
    struct kube_resource resource;
    const char *selector;
} kinds[KIND_COUNT] = {
    [KIND_RUNNER] = {{KIND, API_VERSION, PLURAL, true, false, "metadata.managedFields", OUR_ANNOTATIONS}, NULL},
    [KIND_SECRET] = {{"Secret", "v1", "secrets", true, true, NULL, OUR_ANNOTATIONS}, NULL},
    [KIND_CONFIG_MAP] = {{"ConfigMap", "v1", "configmaps", true, true, NULL, OUR_ANNOTATIONS}, NULL},
    [KIND_NAMESPACE] = {{"Namespace", "v1", "namespaces", false, true, NULL, OUR_ANNOTATIONS}, NULL},
    [KIND_SERVICE_ACCOUNT] = {{"ServiceAccount", "v1", "serviceaccounts", true, true, NULL, OUR_ANNOTATIONS}, OURS},
    [KIND_ROLE_BINDING] = {{"RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", true, true, NULL,
                            OUR_ANNOTATIONS},
                           OURS},
    [KIND_DEPLOYMENT] = {{"Deployment", "apps/v1", "deployments", true, false, "spec", OUR_ANNOTATIONS}, OURS},
    [KIND_DISRUPTION_BUDGET] = {{"PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", true, true, NULL,
                                 OUR_ANNOTATIONS},
                                OURS},
};

const struct kube_resource *kind_resource(enum kind kind)
{
    return &kinds[kind].resource;
}

struct store *kinds_store_create(void)
{
    static const char *names[KIND_COUNT];

    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        names[kind] = kind_resource(kind)->kind;
    return store_create(names, KIND_COUNT);
}

const char *kind_selector(enum kind kind)
{
    return kinds[kind].selector;
}

enum kind kind_of_child(enum child child)
{
    return kind_by_name(child_kind(child));
}

/* children: a bit each. */
static bool is_named_as_one_of(unsigned children, enum kind kind, const char *name, const struct owner *owner,
                               struct arena *a)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (children >> child & 1 && kind_of_child(child) == kind && strcmp(child_name(child, owner, a), name) == 0)
            return true;
    return false;
}

bool kind_has_child_named(enum kind kind, const char *name, const struct owner *owner, struct arena *a)
{
    static_assert(CHILD_COUNT <= 32, "a bit each");
    return is_named_as_one_of(~0u, kind, name, owner, a);
}

enum kind kind_by_name(const char *name)
{
    enum kind kind = 0;

    while (kind < KIND_COUNT && strcmp(kinds[kind].resource.kind, name) != 0)
        kind++;
    return kind;
}

static struct json_object *our_fields(struct json_object *object)
{
    return managed_fields_of(json_get(object, "metadata.managedFields"), FIELD_MANAGER);
}

/* NULL, too, when it is longer than any that we look at. */
static const char *annotation(struct json_object *object, const char *key)
{
    struct json_object *pair = json_member(json_get(object, "metadata.annotations"), key);
    const char *value = pair ? json_string(pair) : NULL;

    return value && strlen(value) <= ANNOTATION_MAX ? value : NULL;
}

static struct json_object *parsed(const char *text, struct arena *a)
{
    struct err ignored;

    return text && *text ? arena_json(a, json_parse(text, strlen(text), &ignored)) : NULL;
}

struct json_object *record_kept(const struct record *record, struct arena *a)
{
    return parsed(record->text, a);
}

size_t record_cost(const struct record *record)
{
    return json_cost(record->text, strlen(record->text));
}

struct json_object *record_fields(const struct record *record, struct arena *a)
{
    return parsed(record->fields, a);
}

struct json_object *runner_object(const struct record *record, struct arena *a)
{
    struct json_object *kept = record_kept(record, a);

    return arena_json(
        a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s, uid: %s}, kept: %o, spec: %o}",
                      API_VERSION, KIND, record->ns, record->name, record->uid, json_ref(kept),
                      json_ref(json_get(kept, "spec"))));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is kept of each kind */

static bool has_finalizer(struct json_object *object)
{
    struct json_object *finalizers = json_get(object, "metadata.finalizers");

    for (size_t i = 0; i < json_len(finalizers); i++)
        if (strcmp(json_string(json_at(finalizers, i)), FINALIZER) == 0)
            return true;
    return false;
}

static struct json_object *keep_runner(struct json_object *object)
{
    return json_build("{generation: %d, finalizer: %b, deletionTimestamp: %s, rotateToken: %s, forceDelete: %s, "
                      "setAtGitLab: %s, tooLarge: %s, spec: %o, status: %o}",
                      json_int_or(object, "metadata.generation", 0), has_finalizer(object),
                      json_str(object, "metadata.deletionTimestamp"), annotation(object, ANNOTATION_ROTATE_TOKEN),
                      annotation(object, ANNOTATION_FORCE_DELETE), annotation(object, ANNOTATION_SET_AT_GITLAB),
                      object_too_large(object), json_ref(json_get(object, "spec")),
                      json_ref(json_get(object, "status")));
}

/* What the condition of this type says when it has that status; NULL: it has not. */
static const char *condition_message(struct json_object *object, const char *type, const char *status)
{
    struct json_object *conditions = json_get(object, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++) {
        struct json_object *c = json_at(conditions, i);
        if (strcmp(json_str_or(c, "type", ""), type) == 0 && strcmp(json_str_or(c, "status", ""), status) == 0)
            return json_str_or(c, "message", "");
    }
    return NULL;
}

static void keep_message(struct json_object *kept, const char *member, const char *message)
{
    cleanup_free char *copy = message ? mem_strdup(message) : NULL;

    json_set_str(kept, member, copy ? shorten(copy, MESSAGE_MAX) : NULL);
}

static void keep_deployment(struct json_object *kept, struct json_object *object)
{
    json_set_int(kept, "replicas", json_int_or(object, "status.replicas", 0));
    json_set_int(kept, "ready", json_int_or(object, "status.readyReplicas", 0));
    json_set_int(kept, "available", json_int_or(object, "status.availableReplicas", 0));
    json_set_int(kept, "updated", json_int_or(object, "status.updatedReplicas", 0));
    json_set_bool(kept, "observed",
                  json_int_or(object, "status.observedGeneration", -1) >=
                      json_int_or(object, "metadata.generation", 0));
    keep_message(kept, "problem", condition_message(object, "Progressing", "False"));
    keep_message(kept, "failure", condition_message(object, "ReplicaFailure", "True"));
}

static void keep_registration_of(struct json_object *kept, struct json_object *object)
{
    static const struct {
        const char *annotation, *member;
    } members[] = {
        {ANNOTATION_RUNNER_ID, "runnerId"},
        {ANNOTATION_URL, "url"},
        {ANNOTATION_AUTHENTICATION, "authentication"},
        {ANNOTATION_SCOPE, "scope"},
        {ANNOTATION_TOLD_HASH, "toldHash"},
        {ANNOTATION_TOKEN_EXPIRATION, "expiration"},
        {ANNOTATION_TOKEN_OBTAINED, "obtained"},
        {ANNOTATION_ROTATE_TOKEN, "rotation"},
    };

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_put_member(kept, members[i].member, annotation(object, members[i].annotation));
}

static const struct record *owner_record(const struct store *store, const char *text)
{
    struct key key;

    return key_parse(text, &key) && strcmp(key.kind, KIND) == 0 ? store_get(store, KIND_RUNNER, key.ns, key.name)
                                                                : NULL;
}

/* Whose child an object is: key and uid of a GitLabRunner; key NULL: nobody's. */
struct link {
    const char *key, *uid;
};

static bool leads_to_a_runner(const struct link *link, const struct store *store)
{
    const struct record *record = link->key ? owner_record(store, link->key) : NULL;

    return record && link->uid && strcmp(record->uid, link->uid) == 0;
}

static const char *runner_key(const char *ns, const char *name, struct arena *a)
{
    return arena_strdup(a, key_text(KIND, ns, name).text);
}

/* By our annotations, which anybody may write. Release 0.1.0 knew of one kind of owner, and wrote none. */
static struct link said_link(struct json_object *object, struct arena *a)
{
    const char *text = annotation(object, ANNOTATION_OWNER);
    struct key key;

    if (!text || !key_parse(text, &key) || (*key.kind && strcmp(key.kind, KIND) != 0))
        return (struct link){.key = NULL};
    return (struct link){runner_key(key.ns, key.name, a), annotation(object, ANNOTATION_OWNER_UID)};
}

/* By its controller, where that is a GitLabRunner. */
static struct link controller_of(struct json_object *object, struct arena *a)
{
    struct json_object *references = json_get(object, "metadata.ownerReferences");

    for (size_t i = 0; i < json_len(references); i++) {
        struct json_object *reference = json_at(references, i);
        if (json_bool_or(reference, "controller", false) && strcmp(json_str_or(reference, "kind", ""), KIND) == 0)
            return (struct link){
                .key = runner_key(json_str_or(object, "metadata.namespace", ""), json_str_or(reference, "name", ""), a),
                .uid = json_str(reference, "uid")};
    }
    return (struct link){.key = NULL};
}

/* Whether an annotation is as it should be, or somebody else has changed it or taken it out: then it is not among the
 * fields that we applied any more. One of ours with another value was true when it was written. */
static bool is_right_or_taken(struct json_object *object, const char *key, const char *value, const char *right,
                              struct arena *a)
{
    struct json_object *manifest = arena_json(a, json_build("{metadata: {annotations: {}}}"));

    json_put_member(json_get(manifest, "metadata.annotations"), key, right);
    return (value && strcmp(value, right) == 0) || !fields_own(our_fields(object), manifest);
}

/* In another namespace than its owner's a RoleBinding has no controller, but its name says whose it is, also when
 * nobody of that name is there (any more). Not who made it: that is told by the fields that are still ours. */
static struct link named_link(enum kind kind, struct json_object *object, const struct store *store, struct arena *a)
{
    const char *name = json_str_or(object, "metadata.name", "");
    const char *key = kind == KIND_ROLE_BINDING ? role_binding_owner(name, a) : NULL;
    const char *uid = annotation(object, ANNOTATION_OWNER_UID);
    const struct record *record = key ? owner_record(store, key) : NULL;

    if (!key || !our_fields(object) || !is_right_or_taken(object, ANNOTATION_OWNER, said_link(object, a).key, key, a) ||
        (record && !is_right_or_taken(object, ANNOTATION_OWNER_UID, uid, record->uid, a)))
        return (struct link){.key = NULL};
    return (struct link){.key = key, .uid = record ? record->uid : uid};
}

static bool may_have_an_owner(enum kind kind)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (kind_of_child(child) == kind)
            return true;
    return false;
}

/* Anybody may write annotations: what they say must at least be possible. Only RoleBindings are in other namespaces
 * than their owners. */
static bool may_be(const struct link *link, enum kind kind, struct json_object *object)
{
    struct key key;

    return link->key && key_parse(link->key, &key) && *key.ns && strlen(key.name) <= NAME_MAX &&
           (kind == KIND_ROLE_BINDING || strcmp(key.ns, json_str_or(object, "metadata.namespace", "")) == 0);
}

/* Our annotations say it, so does the controller, and so may the name: where somebody has changed the one, it is known
 * by another, and is put right. The owner's uid is compared when it is used. */
static struct link owner_link(enum kind kind, struct json_object *object, const struct store *store, struct arena *a)
{
    struct link said = said_link(object, a);

    if (leads_to_a_runner(&said, store))
        return said;
    struct link controller = controller_of(object, a);
    if (leads_to_a_runner(&controller, store))
        return controller;
    struct link named = named_link(kind, object, store, a);
    return named.key || !may_be(&said, kind, object) ? named : said;
}

static struct json_object *keep_child(enum kind kind, struct json_object *object)
{
    struct json_object *kept = json_build("{hash: %s, inputs: %s}", annotation(object, ANNOTATION_APPLIED_HASH),
                                          annotation(object, ANNOTATION_INPUTS));

    json_set_bool(kept, "terminating", json_get(object, "metadata.deletionTimestamp") != NULL);
    json_set_bool(kept, "held", has_finalizer(object));
    if (kind == KIND_SECRET)
        keep_registration_of(kept, object);
    if (kind == KIND_DEPLOYMENT)
        keep_deployment(kept, object);
    return kept;
}

static struct json_object *keep_namespace(struct json_object *object)
{
    struct json_object *level = json_member(json_get(object, "metadata.labels"), LABEL_POD_SECURITY);

    return json_build("{allowedFrom: %s, podSecurity: %s, deletionTimestamp: %s}",
                      annotation(object, ANNOTATION_ALLOWED_FROM), level ? json_string(level) : NULL,
                      json_str(object, "metadata.deletionTimestamp"));
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
    return name && strlen(name) <= NAME_MAX ? name : NULL;
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
        {.kind = KIND_SECRET, .ns = owner.ns, .name = cache && strlen(cache) <= NAME_MAX ? cache : NULL},
        {.kind = KIND_NAMESPACE, .ns = "", .name = owner.ns},
        {.kind = KIND_NAMESPACE,
         .ns = "",
         .name = strcmp(jobs, owner.ns) && strlen(jobs) <= NAMESPACE_MAX ? jobs : NULL},
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
    return has_our_label(object) && our_fields(object);
}

static bool is_token_secret(enum kind kind, struct json_object *object, const char *owner, struct arena *a)
{
    struct key key;
    const struct owner named = {.name = key_parse(owner, &key) ? key.name : ""};

    return kind == KIND_SECRET &&
           strcmp(json_str_or(object, "metadata.name", ""), child_name(CHILD_TOKEN_SECRET, &named, a)) == 0;
}

/* Of the token Secret nobody looks at them: what is in it comes from GitLab, and is not to be written over. Of an
 * object that is too large they are not known. */
static const char *keep_fields(enum kind kind, struct json_object *object, const char *owner, struct arena *a)
{
    struct json_object *fields = our_fields(object);

    if (!*owner || is_token_secret(kind, object, owner, a) || object_too_large(object))
        return NULL;
    const char *kept = fields ? json_text(fields) : NO_FIELDS;
    return strlen(kept) <= FIELDS_MAX ? kept : NO_FIELDS; /* not as we wrote them, so we write them again */
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a record counts for in its namespace's share: about what it takes, in bytes */

enum {
    BESIDE_STRINGS = 130, /* a record, and its place in the store                                             */
    RUNNER_USUAL = 2048,  /* a GitLabRunner with a usual status; so it grows to that without asking            */
    RUNNER_BESIDE = 2560, /* its state, its references and place in the queue; and usual children, which …     */
    CHILD_USUAL = 384,    /* … are free up to this                                                             */
    NAMES_USUAL = 40,     /* bytes of the names of a runner and its namespace; what is longer …                */
    NAMES_TIMES = 8,      /* … is in so many keys and names of all that                                        */
};

static size_t length(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const struct record *known_owner(const struct record *record, const struct store *store)
{
    const struct record *owner = owner_record(store, record->owner);

    return owner && strcmp(owner->uid, record->owner_uid) == 0 ? owner : NULL;
}

/* By its name, too: anybody may say that an object is somebody's child. What not every runner has is not usual. */
static bool is_usual_child(enum kind kind, const struct record *record, const struct store *store, struct arena *a)
{
    static const unsigned usual = 1u << CHILD_TOKEN_SECRET | 1u << CHILD_CONFIG_SECRET | 1u << CHILD_SERVICE_ACCOUNT |
                                  1u << CHILD_ROLE_BINDING | 1u << CHILD_DEPLOYMENT;
    const struct record *known = known_owner(record, store);
    const struct owner owner = {.ns = known ? known->ns : "", .name = known ? known->name : ""};

    return known && is_named_as_one_of(usual, kind, record->name, &owner, a);
}

/* What is left out may have been given rights in another namespace, whose owner may withdraw them at any time. */
static bool is_a_right_elsewhere(enum kind kind, const struct record *r, const struct store *store, struct arena *a)
{
    const char *text = kind == KIND_ROLE_BINDING ? role_binding_owner(r->name, a) : NULL;
    struct key key;

    return text && key_parse(text, &key) && strcmp(text, r->owner) == 0 && strcmp(key.ns, r->ns) != 0 &&
           (owner_record(store, text) || shares_left_out(store_shares(store), key.ns));
}

/* Of a runner, beside its record. */
static size_t beside_runner(const struct record *r)
{
    size_t names = length(r->ns) + length(r->name);

    return RUNNER_BESIDE + (names > NAMES_USUAL ? NAMES_TIMES * (names - NAMES_USUAL) : 0);
}

static unsigned price_of(enum kind kind, const struct record *r, const struct store *store, struct arena *a)
{
    size_t size = BESIDE_STRINGS + 2 * length(r->ns) + length(r->name) + length(r->uid) + length(r->version) +
                  length(r->owner_uid) + length(r->text) + length(r->fields);

    if (kind == KIND_RUNNER)
        return (unsigned)((size > RUNNER_USUAL ? size : RUNNER_USUAL) + beside_runner(r));
    if (kind == KIND_NAMESPACE || is_a_right_elsewhere(kind, r, store, a))
        return 0; /* Namespaces are not made by those who live in them */
    if (!is_usual_child(kind, r, store, a))
        return (unsigned)size;
    return (unsigned)(size > CHILD_USUAL ? size - CHILD_USUAL : 0);
}

struct record kind_record(enum kind kind, struct json_object *object, const struct store *store, struct arena *a)
{
    struct link link = may_have_an_owner(kind) ? owner_link(kind, object, store, a) : (struct link){.key = NULL};
    const char *owner = link.key ? link.key : "";
    struct json_object *kept = kind == KIND_RUNNER      ? keep_runner(object)
                               : *owner                 ? keep_child(kind, object)
                               : kind == KIND_NAMESPACE ? keep_namespace(object)
                                                        : NULL;

    struct record record = {
        .ns = json_str_or(object, "metadata.namespace", ""),
        .name = json_str_or(object, "metadata.name", ""),
        .uid = json_str_or(object, "metadata.uid", ""),
        .version = json_str_or(object, "metadata.resourceVersion", ""),
        .owner = owner,
        .owner_uid = *owner && link.uid ? link.uid : "",
        .text = kept ? json_text(arena_json(a, kept)) : "",
        .fields = keep_fields(kind, object, owner, a),
    };
    record.price = price_of(kind, &record, store, a);
    return record;
}
