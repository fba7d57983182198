#include "runner/spec.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "runner/extra_config.h"
#include "runner/affinity.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/pod_spec.h"
#include "runner/proxy.h"
#include "runner/shape.h"
#include "runner/spec_parts.h"

enum { NAME_MAX_LEN = 200, TAG_MAX_LEN = 255 };

/* ------------------------------------------------------------------------------------------------------------------
 * Where and how it registers.
 */

/* Without slashes at the end. */
static const char *trimmed_url(const char *url, struct arena *a)
{
    size_t len = url ? strlen(url) : 0;

    while (len && url[len - 1] == '/')
        len--;
    return url ? arena_strndup(a, url, len) : NULL;
}

static const struct {
    const char *member, *key, *name;
} modes[] = {
    [AUTH_REGISTRATION_TOKEN] = {"registrationTokenSecretRef", "runner-registration-token", "RegistrationToken"},
    [AUTH_ACCESS_TOKEN] = {"accessTokenSecretRef", "access-token", "AccessToken"},
    [AUTH_RUNNER_TOKEN] = {"runnerTokenSecretRef", "runner-token", "RunnerToken"},
};

#define MODES "registrationTokenSecretRef, accessTokenSecretRef and runnerTokenSecretRef"

const char *authentication_name(enum authentication mode)
{
    assert(mode < ARRAY_LEN(modes));
    return modes[mode].name;
}

/* Reads {name, key}; an absent one leaves *ret alone. */
static void read_ref(struct json_object *json, const char *path, const char *key, struct key_ref *ret)
{
    struct json_object *ref = json_get(json, path);

    if (ref)
        *ret = (struct key_ref){.name = json_str_or(ref, "name", ""), .key = json_str_or(ref, "key", key)};
}

/* False when it is not known how the runner registers, so that nothing can be said of what goes with it. */
static bool read_authentication(struct json_object *json, struct spec *spec, struct arena *a, struct err *err)
{
    int given = 0;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *path = arena_printf(a, "authentication.%s", modes[i].member);
        if (!json_get(json, path))
            continue;
        given++;
        spec->authentication = (enum authentication)i;
        read_ref(json, path, modes[i].key, &spec->credential);
    }
    if (given > 1)
        spec_invalid(err, "spec.authentication must have exactly one of " MODES "; it has %d", given);
    if (!given)
        spec_invalid(err, "spec.authentication is missing one of " MODES ": name the Secret that has the token");
    if (given == 1 && spec->adopt_runner_id && spec->authentication != AUTH_ACCESS_TOKEN)
        spec_invalid(err,
                     "spec.authentication.adoptRunnerId goes with accessTokenSecretRef only: no other token gives a "
                     "right to a runner that exists");
    return given == 1;
}

static const struct {
    const char *name;
    const char *id; /* the member that says which; NULL: none */
} scopes[] = {
    [SCOPE_UNSET] = {"", NULL},
    [SCOPE_INSTANCE] = {"Instance", NULL},
    [SCOPE_GROUP] = {"Group", "groupId"},
    [SCOPE_PROJECT] = {"Project", "projectId"},
};

const char *scope_text(const struct spec *spec, struct arena *a)
{
    assert(spec->scope < ARRAY_LEN(scopes));
    const char *name = scopes[spec->scope].name;

    return scopes[spec->scope].id ? arena_printf(a, "%s/%" PRId64, name, spec->scope_id) : name;
}

static enum scope_type scope_parse(const char *name)
{
    enum scope_type type = SCOPE_PROJECT;

    while (type != SCOPE_UNSET && strcmp(scopes[type].name, name) != 0)
        type--;
    return type;
}

/* groupId belongs to Group, projectId to Project: each there if and only if the type asks for it. */
static bool validate_scope_id(struct json_object *scope, const struct spec *spec, enum scope_type type, struct err *err)
{
    struct json_object *id = json_member(scope, scopes[type].id);
    const char *owner = type == SCOPE_GROUP ? "group" : "project";

    if (id && spec->scope != type)
        return spec_invalid(err, "spec.scope.%s belongs to the type %s: take it out or change the type",
                            scopes[type].id, scopes[type].name);
    if (!id)
        return spec->scope != type ||
               spec_invalid(err, "spec.scope.%s is missing: give the number that GitLab shows on the %s's page",
                            scopes[type].id, owner);
    return true;
}

static bool read_scope(struct json_object *json, struct spec *spec, struct err *err)
{
    struct json_object *scope = json_get(json, "scope");
    const char *type = json_str_or(scope, "type", "");

    if (spec->authentication != AUTH_ACCESS_TOKEN)
        return !scope || spec_invalid(err,
                                      "spec.scope goes with accessTokenSecretRef only: the token of %s has a scope "
                                      "of its own, take spec.scope out",
                                      modes[spec->authentication].member);
    if (!json_member(scope, "type"))
        return spec_invalid(err,
                            "spec.scope%s is missing: with accessTokenSecretRef the type is Instance, or Group with "
                            "groupId, or Project with projectId",
                            scope ? ".type" : "");
    spec->scope = scope_parse(type);
    if (spec->scope == SCOPE_UNSET)
        return false; /* as is said of its shape */
    if (scopes[spec->scope].id)
        spec->scope_id = json_int_or(scope, scopes[spec->scope].id, 0);
    bool group = validate_scope_id(scope, spec, SCOPE_GROUP, err),
         project = validate_scope_id(scope, spec, SCOPE_PROJECT, err);
    return group && project;
}

static bool read_ca(struct json_object *json, struct spec *spec, struct err *err)
{
    spec->ca_in_config_map = json_get(json, "caConfigMapRef");
    if (spec->ca_in_config_map && json_get(json, "caSecretRef"))
        return spec_invalid(err, "spec.caConfigMapRef is there beside spec.caSecretRef: keep one of the two");
    read_ref(json, spec->ca_in_config_map ? "caConfigMapRef" : "caSecretRef", KEY_CA, &spec->ca);
    return true;
}

/* The two are in one Secret, under the names that its type has for them. */
static void read_client_certificate(struct json_object *json, struct spec *spec)
{
    read_ref(json, "clientCertificateSecretRef", KEY_CLIENT_CERT, &spec->client_cert);
    read_ref(json, "clientCertificateSecretRef", KEY_CLIENT_KEY, &spec->client_key);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What GitLab keeps.
 */

/* A runner token lets nobody change what GitLab keeps, so a wish that can never come true is refused. */
static bool validate_kept_at_gitlab(struct json_object *json, const struct spec *spec, struct err *err)
{
    static const char *const kept[] = {"description", "tags",        "runUntagged",           "locked",
                                       "paused",      "accessLevel", "maximumTimeoutSeconds", "maintenanceNote"};

    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(kept) && spec->authentication == AUTH_RUNNER_TOKEN; i++)
        if (json_member(json, kept[i]))
            ok = spec_invalid(err,
                              "spec.%s is kept at GitLab, where a runner token cannot change it: take it out "
                              "and set it at GitLab, or authenticate by accessTokenSecretRef",
                              kept[i]);
    return ok;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those entries that are texts. */
static void read_strings(struct json_object *list, struct strings *ret, struct arena *a)
{
    ret->items = arena_alloc(a, json_len(list) * sizeof(*ret->items));
    for (size_t i = 0; i < json_len(list); i++)
        if (json_object_is_type(json_at(list, i), json_type_string))
            ret->items[ret->len++] = json_object_get_string(json_at(list, i));
}

static bool validate_tag(const char *tag, size_t i, struct err *err)
{
    bool framed = *tag && (isspace((unsigned char)*tag) || isspace((unsigned char)tag[strlen(tag) - 1]));

    if (*tag && utf8_count(tag) <= TAG_MAX_LEN && !strchr(tag, ',') && !framed)
        return true;
    return spec_invalid(err, "spec.tags[%zu] must have 1 to %d characters, no comma and no space at its ends: \"%s\"",
                        i, TAG_MAX_LEN, shown(tag, 60).text);
}

static bool read_tags(struct json_object *json, struct strings *tags, struct arena *a, struct err *err)
{
    struct json_object *list = json_get(json, "tags");
    bool ok = true;

    read_strings(list, tags, a);
    for (size_t i = 0; i < json_len(list); i++)
        if (json_object_is_type(json_at(list, i), json_type_string))
            ok = validate_tag(json_string(json_at(list, i)), i, err) && ok;
    qsort(tags->items, tags->len, sizeof(*tags->items), by_text); /* a set: their order is no change */
    return ok;
}

static const char *note_with_mark(const char *note, const struct owner *owner, struct arena *a)
{
    if (!owner->uid)
        return note;
    return arena_printf(a, "%s%s%s%s", note ? note : "", note ? "\n" : "", MARK_PREFIX, owner->uid);
}

static void read_attributes(struct json_object *json, const struct owner *owner, struct spec *spec, struct arena *a,
                            struct err *err)
{
    struct attributes *at = &spec->attributes;
    bool asked = json_member(json, "runUntagged"), tagged = read_tags(json, &at->tags, a, err) && at->tags.len;

    if (!asked)
        at->run_untagged = at->tags.len == 0;
    if (!at->run_untagged && !tagged && json_len(json_get(json, "tags")) == 0)
        spec_invalid(err, "spec.runUntagged is false and spec.tags is empty, so the runner could run no job: add a tag "
                          "or take runUntagged out");
    if (!at->description)
        at->description = arena_printf(a, "%s/%s", owner->ns, owner->name);
    bool protected = at->access_level && strcmp(at->access_level, "RefProtected") == 0;
    at->access_level = protected ? "ref_protected" : "not_protected";
    at->maintenance_note = note_with_mark(at->maintenance_note, owner, a);
}

struct json_object *attributes_json(const struct attributes *at, struct arena *a)
{
    struct json_object *tags = json_object_new_array();
    struct json_object *json = json_build(
        "{description: %s, tag_list: %o, run_untagged: %b, locked: %b, paused: %b, access_level: %s, "
        "maintenance_note: %s}",
        at->description, tags, at->run_untagged, at->locked, at->paused, at->access_level, at->maintenance_note);

    for (size_t i = 0; i < at->tags.len; i++) {
        assert(i == 0 || strcmp(at->tags.items[i - 1], at->tags.items[i]) < 0);
        json_object_array_add(tags, json_object_new_string(at->tags.items[i]));
    }
    json_set(json, "maximum_timeout", at->maximum_timeout ? json_object_new_int64(at->maximum_timeout) : NULL);
    return arena_json(a, json);
}

const char *attributes_hash(const struct attributes *attributes, struct arena *a)
{
    const char *text = json_text(attributes_json(attributes, a));

    return digest_short(text, strlen(text), a);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Names that DNS does not know.
 */
static void read_host_aliases(struct spec *spec, struct arena *a)
{
    size_t len = json_len(spec->host_aliases_json);

    spec->host_aliases = arena_alloc(a, len * sizeof(*spec->host_aliases));
    spec->host_aliases_len = len;
    for (size_t i = 0; i < len; i++) {
        struct json_object *entry = json_at(spec->host_aliases_json, i);
        spec->host_aliases[i].ip = json_str_or(entry, "ip", "");
        read_strings(json_get(entry, "hostnames"), &spec->host_aliases[i].hostnames, a);
    }
}

static const char *url_host(const char *url, struct arena *a)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    if (*host == '[')
        return arena_strndup(a, host + 1, strcspn(host + 1, "]"));
    return arena_strndup(a, host, strcspn(host, ":/"));
}

const char *spec_address_of(const struct spec *spec, const char *url, struct arena *a)
{
    const char *host = url_host(url, a);

    for (size_t i = 0; i < spec->host_aliases_len; i++) {
        const struct strings *names = &spec->host_aliases[i].hostnames;
        for (size_t n = 0; n < names->len; n++)
            if (strcasecmp(names->items[n], host) == 0)
                return spec->host_aliases[i].ip;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The whole.
 */
struct owner owner_of(struct json_object *object)
{
    return (struct owner){
        .ns = json_str_or(object, "metadata.namespace", "default"),
        .name = json_str_or(object, "metadata.name", ""),
        .uid = json_str(object, "metadata.uid"),
    };
}

/* False when there are no fields to say anything about. */
static bool validate_object(struct json_object *object, const struct owner *owner, struct err *err)
{
    const char *version = json_str_or(object, "apiVersion", ""), *kind = json_str_or(object, "kind", "");

    if (strcmp(version, API_VERSION) != 0 || strcmp(kind, KIND) != 0)
        spec_invalid(err, "kind: this must be a %s of %s, not a \"%s\" of \"%s\"", KIND, API_VERSION,
                     shown(kind, 60).text, shown(version, 60).text);
    if (!*owner->name || strlen(owner->name) > NAME_MAX_LEN)
        spec_invalid(err, "metadata.name must have 1 to %d characters: the names of what is made from it are longer",
                     NAME_MAX_LEN);
    return json_object_is_type(json_get(object, "spec"), json_type_object);
}

/* Children in another namespace are RoleBindings only. */
static bool validate_jobs_account(const struct spec *spec, const struct owner *owner, struct err *err)
{
    if (!spec->account || strcmp(spec->namespace, owner->ns) == 0)
        return true;
    return spec_invalid(
        err,
        "spec.serviceAccount: the operator makes no account in another namespace than the object's own: "
        "make one in namespace %s, and name it in spec.serviceAccountName",
        shown(spec->namespace, 63).text);
}

/* Each of these says all that is wrong with its own part, and relies on no other. */
static void read_spec(struct json_object *object, const struct owner *owner, struct spec *ret, struct arena *a,
                      struct err *err)
{
    struct json_object *json = json_get(object, "spec");

    ret->json = json;
    spec_read_fields(json, ret);
    ret->url = trimmed_url(ret->url, a);
    if (!ret->namespace)
        ret->namespace = owner->ns;
    if (read_authentication(json, ret, a, err)) {
        read_scope(json, ret, err);
        validate_kept_at_gitlab(json, ret, err);
    }
    read_ca(json, ret, err);
    read_client_certificate(json, ret);
    read_attributes(json, owner, ret, a, err);
    read_host_aliases(ret, a);
    spec_validate_shapes(ret, err);
    affinity_validate(ret->affinity, a, err);
    if (!cache_validate(ret->cache, err))
        ret->cache = NULL; /* nothing could be made of it */
    proxy_validate(&ret->proxy, err);
    pod_spec_validate(ret->manager.pod_spec, a, err);
    validate_jobs_account(ret, owner, err);
    steering_read(json_get(object, "metadata.annotations"), ret, a);
    ret->config = extra_config_without_emptied(ret->config, a);
    extra_config_validate(owner, ret, json, &ret->warnings, a, err);
    if (ret->config)
        ret->config = extra_config_said(ret->config, &ret->config_left_out, a);
}

/* What is under these is made into gitlab-runner's own tables, which may have no room for it. */
bool spec_is_of_jobs_pod(const char *path)
{
    static const char *const fields[] = {"spec.volumes",   "spec.tolerations", "spec.affinity",
                                         "spec.resources", "spec.environment", "spec.hostAliases"};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strncmp(path, fields[i], strlen(fields[i])) == 0)
            return true;
    return false;
}

static void complain_of_unknown(struct complaints *all, const struct shape *in, const char *name,
                                const struct shape_place *at)
{
    const char *path = shape_path(at, all->a), *near = shape_near(in, name);

    if (near)
        complaints_add_unknown(all, arena_printf(all->a, "%s is not known: did you mean %s?", path, near),
                               arena_printf(all->a, "%s.%s", shape_path(at->in, all->a), near));
    else
        complaints_add(all, arena_printf(all->a, "%s is not known: " NO_SUCH_SETTING, path));
}

/* An API server drops what is not known, and so do we; but the jobs' pods would not be as somebody thinks. */
static const struct shape *known_member(struct shape_walk *w, const struct shape *in, const char *name,
                                        struct json_object *value, const struct shape_place *at)
{
    const struct shape *known = shape_of_member(in, name);

    (void)value;
    if (!known && !in->open && w->bounds && spec_is_of_jobs_pod(shape_path(at, w->all->a)))
        complain_of_unknown(w->all, in, name, at);
    return known;
}

bool spec_read_with(struct json_object *object, shape_member_fn *member, struct spec *ret, struct complaints *all,
                    struct arena *a)
{
    struct owner owner = owner_of(object);
    struct err err = {.all = all};
    struct shape_walk walk = {.all = all, .member = member};

    *ret = (struct spec){0};
    shape_walk(&walk, &crd_shape, object, "");
    if (validate_object(object, &owner, &err))
        read_spec(object, &owner, ret, a, &err);
    walk.bounds = true;
    shape_walk(&walk, &crd_shape, object, "");
    return all->len == 0;
}

bool spec_read_all(struct json_object *object, struct spec *ret, struct complaints *all, struct arena *a)
{
    return spec_read_with(object, known_member, ret, all, a);
}

bool spec_parse(struct json_object *object, struct spec *ret, struct arena *a, struct err *err)
{
    struct complaints all = {.a = a};

    spec_read_all(object, ret, &all, a);
    if (spec_judge_all(object, ret, &all, a))
        return true;
    complaints_settle(&all, object);
    assert(all.len > 0);
    err_set(err, ERR_INVALID, "InvalidSpec", "%s", all.items[0].text);
    err->all = memcpy(arena_alloc(a, sizeof(all)), &all, sizeof(all));
    return false;
}
