#include "runner/pod_spec.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/spec_parts.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Lists whose entries are told apart by one of their members, as Kubernetes has them. They have no two meanings: `env`
 * is a list in containers only.
 */
static const struct keyed_list {
    const char *name, *key;
    bool in_container;
    bool deep;        /* entries are merged, not replaced */
    const char *also; /* a member that tells them apart, too; NULL: none */
} keyed_lists[] = {
    {"containers", "name", false, true, NULL},
    {"initContainers", "name", false, true, NULL},
    {"volumes", "name", false, false, NULL},
    {"imagePullSecrets", "name", false, false, NULL},
    {"hostAliases", "ip", false, false, NULL},
    {"topologySpreadConstraints", "topologyKey", false, false, "whenUnsatisfiable"},
    {"env", "name", true, false, NULL},
    {"ports", "containerPort", true, false, "protocol"},
    {"volumeMounts", "mountPath", true, false, NULL},
    {"volumeDevices", "devicePath", true, false, NULL},
};

static const struct keyed_list *keyed_list(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(keyed_lists); i++)
        if (strcmp(keyed_lists[i].name, name) == 0)
            return &keyed_lists[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Validation.
 */

/* What the manager could not work without. */
static const struct owned {
    const char *list; /* of the manager's container, or of the pod; NULL: the member itself */
    const char *name; /* of the member, or the key of the list's entry                      */
    bool in_container;
    const char *remedy;
} owned[] = {
    {NULL, "serviceAccountName", false, "use manager.serviceAccountName, so that it gets the rights, too"},
    {NULL, "serviceAccount", false, "use manager.serviceAccountName, so that it gets the rights, too"},
    {NULL, "automountServiceAccountToken", false, "the manager makes the jobs' pods with that token, take it out"},
    {NULL, "restartPolicy", false, "the pods of a Deployment are always restarted, take it out"},
    {"volumes", CONFIG_VOLUME, false, "this volume is the operator's, use another name"},
    {"volumes", FOLDER_VOLUME, false, "this volume is the operator's, use another name"},
    {NULL, "command", true, "the operator starts gitlab-runner itself, take it out"},
    {NULL, "args", true, "the operator starts gitlab-runner itself, take it out"},
    {NULL, "lifecycle", true, "the operator lets the running jobs finish by it, take it out"},
    {"env", "HOME", true, "the operator sets this variable, take it out"},
    {"env", "POD_UID", true, "the operator sets this variable, take it out"},
    {"volumeMounts", CONFIG_MOUNT, true, "the operator has config.toml there, use another path"},
    {"volumeMounts", CONFIG_FOLDER, true, "the operator has config.toml there, use another path"},
};

/* The entry whose key has the value; the list's length: there is none. */
static size_t entry_at(struct json_object *list, const char *key, const char *value)
{
    size_t i = 0;

    while (i < json_len(list) && strcmp(json_str_or(json_at(list, i), key, ""), value) != 0)
        i++;
    return i;
}

static bool validate_owned(struct json_object *patch, bool in_container, const char *path, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        const struct owned *o = &owned[i];
        struct json_object *list = o->list ? json_member(patch, o->list) : NULL;
        assert(!o->list || keyed_list(o->list));
        size_t at = o->list ? entry_at(list, keyed_list(o->list)->key, o->name) : 0;
        if (o->in_container != in_container)
            continue;
        if (!o->list && json_member(patch, o->name))
            ok = spec_invalid(err, "%s.%s: %s", path, o->name, o->remedy);
        if (at < json_len(list))
            ok = spec_invalid(err, "%s.%s[%zu] is %s: %s", path, o->list, at, o->name, o->remedy);
    }
    return ok;
}

static bool validate_entry(const struct keyed_list *list, struct json_object *entry, const char *path, struct err *err)
{
    struct json_object *key = json_member(entry, list->key);
    bool number = strcmp(list->key, "containerPort") == 0;

    if (!json_object_is_type(entry, json_type_object))
        return spec_invalid(err, "%s must be an object", path);
    if (!json_object_is_type(key, number ? json_type_int : json_type_string))
        return spec_invalid(err, "%s.%s is missing, or is not %s", path, list->key, number ? "a number" : "text");
    return true;
}

/* Which entry was the first with this one's key; itself, when it is. What Kubernetes lets somebody create twice, nobody
 * may apply. */
static size_t first_with_key(const struct keyed_list *list, struct json_object *seen, struct json_object *entry,
                             size_t i, struct arena *a)
{
    static const char the_default[] = "TCP"; /* of a port's protocol; the other one has to be there */
    struct json_object *value = json_member(entry, list->key);

    if (!value)
        return i;
    const char *also = list->also ? json_str_or(entry, list->also, the_default) : "",
               *key = arena_printf(a, "%s %s", json_text(value), also);
    return json_first_seen(seen, key, i);
}

static bool validate_entries(const struct keyed_list *list, struct json_object *entries, const char *path,
                             struct arena *a, struct err *err)
{
    cleanup_json struct json_object *seen = json_object_new_object();
    bool ok = true;

    for (size_t i = 0; i < json_len(entries); i++) {
        const char *at = arena_printf(a, "%s.%s[%zu]", path, list->name, i);
        bool good = validate_entry(list, json_at(entries, i), at, err);
        size_t first = first_with_key(list, seen, json_at(entries, i), i, a);
        if (good && first < i)
            good = spec_invalid(err, "%s is there twice: it has the %s of %s[%zu]", at, list->key, list->name, first);
        ok = good && ok;
    }
    return ok;
}

static bool validate_lists(struct json_object *patch, bool in_container, const char *path, struct arena *a,
                           struct err *err)
{
    bool ok = true;

    for (size_t l = 0; l < ARRAY_LEN(keyed_lists); l++) {
        const struct keyed_list *list = &keyed_lists[l];
        struct json_object *entries = json_member(patch, list->name);
        if (list->in_container != in_container || !entries)
            continue;
        if (!json_is_array(entries))
            ok = spec_invalid(err, "%s.%s must be a list", path, list->name);
        ok = validate_entries(list, entries, path, a, err) && ok;
    }
    return ok;
}

static bool validate_containers(struct json_object *patch, const char *list, bool may_be_ours, struct arena *a,
                                struct err *err)
{
    struct json_object *containers = json_member(patch, list);
    bool ok = true;

    for (size_t i = 0; i < json_len(containers); i++) {
        struct json_object *c = json_at(containers, i);
        const char *path = arena_printf(a, "spec.manager.podSpec.%s[%zu]", list, i);
        bool ours = may_be_ours && strcmp(json_str_or(c, "name", ""), MANAGER_CONTAINER) == 0;
        ok = validate_lists(c, true, path, a, err) && ok;
        ok = (!ours || validate_owned(c, true, path, err)) && ok;
    }
    return ok;
}

bool pod_spec_validate(struct json_object *patch, struct arena *a, struct err *err)
{
    static const char path[] = "spec.manager.podSpec";

    if (!patch)
        return true;
    bool lists = validate_lists(patch, false, path, a, err), others = validate_owned(patch, false, path, err);
    bool ours = validate_containers(patch, "containers", true, a, err);
    return validate_containers(patch, "initContainers", false, a, err) && lists && others && ours;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The merge.
 */
static struct json_object *merged(const char *name, struct json_object *base, struct json_object *patch);

/* Without nulls, which say nothing, and which server-side apply would never own. */
static struct json_object *clean(struct json_object *value)
{
    struct json_object *ret = NULL;

    if (json_is_array(value)) {
        ret = json_object_new_array();
        for (size_t i = 0; i < json_len(value); i++)
            if (json_at(value, i))
                json_append(ret, clean(json_at(value, i)));
        return ret;
    }
    return json_object_is_type(value, json_type_object) ? merged("", value, NULL) : json_ref(value);
}

static struct json_object *merged_objects(struct json_object *base, struct json_object *patch)
{
    struct json_object *ret = json_object_new_object();

    json_each (it, base)
        if (it.value)
            json_object_object_add(ret, it.key, merged(it.key, it.value, json_member(patch, it.key)));
    json_each (it, patch)
        if (it.value && !json_member(base, it.key))
            json_object_object_add(ret, it.key, clean(it.value));
    return ret;
}

static struct json_object *entry_of(struct json_object *list, const char *key, struct json_object *entry)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (json_same(json_member(json_at(list, i), key), json_member(entry, key)))
            return json_at(list, i);
    return NULL;
}

/* Ours keep their order, new ones follow. */
static struct json_object *merged_lists(const struct keyed_list *list, struct json_object *base,
                                        struct json_object *patch)
{
    struct json_object *ret = json_object_new_array();

    for (size_t i = 0; i < json_len(base); i++) {
        struct json_object *entry = json_at(base, i), *other = entry_of(patch, list->key, entry);
        json_append(ret, other && !list->deep ? clean(other) : merged("", entry, other));
    }
    for (size_t i = 0; i < json_len(patch); i++)
        if (!entry_of(base, list->key, json_at(patch, i)))
            json_append(ret, clean(json_at(patch, i)));
    return ret;
}

static struct json_object *merged(const char *name, struct json_object *base, struct json_object *patch)
{
    const struct keyed_list *list = keyed_list(name);
    bool objects = json_object_is_type(base, json_type_object);

    if (objects && (!patch || json_object_is_type(patch, json_type_object)))
        return merged_objects(base, patch);
    if (list && json_is_array(base) && json_is_array(patch))
        return merged_lists(list, base, patch);
    return clean(patch ? patch : base);
}

struct json_object *pod_spec_merged(struct json_object *pod, struct json_object *patch)
{
    assert(json_object_is_type(pod, json_type_object));
    return merged("", pod, patch);
}
