/* Mistakes that a person can make in a GitLabRunner: one value in the wrong place, of a wrong kind, or missing. They
 * are generated from the kind's schema, and listed by hand where a rule is not in the schema. */
#ifndef TESTS_MISTAKES_H
#define TESTS_MISTAKES_H

#include "golden.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "runner/complaints.h"

struct mistake {
    const char *path;          /* of the value, as people write it: spec.tags[0] */
    const char *told;          /* the path that the complaint begins with        */
    struct json_object *value; /* NULL with `out`: it is taken out               */
    bool out;
    const char *needs; /* the path of what must be right for it to be seen as a mistake; NULL: nothing */
    bool as_it_is;     /* in the fullest object of the tests, without any room being made for it */
};

enum { MISTAKES_MAX = 4000 };

struct mistakes {
    struct mistake items[MISTAKES_MAX];
    size_t len;
    struct arena *a;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Paths */

/* The next step of a path: a member's name, or a place in a list. */
struct step {
    char name[300];
    size_t at;
    bool in_list;
};

static inline bool next_step(const char **path, struct step *ret)
{
    const char *p = *path;

    if (!*p)
        return false;
    ret->in_list = *p == '[';
    if (ret->in_list) {
        ret->at = strtoul(p + 1, NULL, 10);
        p = strchr(p, ']') + 1;
    } else {
        size_t len = strcspn(p, ".[");
        snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, p);
        p += len;
    }
    *path = p + (*p == '.');
    return true;
}

static inline struct json_object *step_into(struct json_object *from, const struct step *step)
{
    return step->in_list ? json_at(from, step->at) : json_member(from, step->name);
}

static inline void put_at(struct json_object *into, const struct step *step, struct json_object *value)
{
    if (step->in_list)
        json_object_array_put_idx(into, step->at, value);
    else
        json_object_object_add(into, step->name, value);
}

/* Puts the value, which the tree then owns, at the path; whatever is missing on the way is made. */
static inline void put(struct json_object *object, const char *path, struct json_object *value)
{
    struct step step;

    while (next_step(&path, &step) && *path) {
        struct json_object *inner = step_into(object, &step);
        if (!inner || !json_object_is_type(inner, *path == '[' ? json_type_array : json_type_object)) {
            inner = *path == '[' ? json_object_new_array() : json_object_new_object();
            put_at(object, &step, inner);
        }
        object = inner;
    }
    put_at(object, &step, value);
}

static inline struct json_object *look(struct json_object *object, const char *path)
{
    struct step step;

    while (object && next_step(&path, &step))
        object = step_into(object, &step);
    return object;
}

static inline void take_out(struct json_object *object, const char *path)
{
    struct step step;

    while (next_step(&path, &step) && *path)
        object = step_into(object, &step);
    json_object_object_del(object, step.name);
}

/* Whether one path is the other, or leads into it. */
static inline bool leads_into(const char *path, const char *other)
{
    size_t len = strlen(path);

    return strncmp(path, other, len) == 0 && (!other[len] || other[len] == '.' || other[len] == '[');
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The object that a mistake is made in */

static inline struct json_object *merged(struct json_object *into, struct json_object *change)
{
    json_each (it, change) {
        struct json_object *there = json_member(into, it.key);
        if (json_object_is_type(it.value, json_type_object) && json_object_is_type(there, json_type_object))
            merged(there, it.value);
        else if (it.value)
            json_object_object_add(into, it.key, json_copy(it.value));
        else
            json_object_object_del(into, it.key);
    }
    return into;
}

/* What the fullest object of the tests has to be changed to, so that a field can be in it at all. */
static const struct {
    const char *field, *change;
} rooms[] = {
    {"spec.authentication.registrationTokenSecretRef",
     "{'authentication': {'accessTokenSecretRef': null, 'registrationTokenSecretRef': {'name': 'n'}}, 'scope': null}"},
    {"spec.authentication.runnerTokenSecretRef",
     "{'authentication': {'accessTokenSecretRef': null, 'runnerTokenSecretRef': {'name': 'n'}}, 'scope': null, "
     "'description': null, 'tags': null, 'runUntagged': null, 'locked': null, 'paused': null, 'accessLevel': null, "
     "'maximumTimeoutSeconds': null, 'maintenanceNote': null}"},
    {"spec.podSecurity", "{'privileged': null, 'volumes': null}"},
    {"spec.serviceAccount", "{'serviceAccountName': null, 'namespace': null}"},
    {"spec.manager.serviceAccount", "{'manager': {'serviceAccountName': null}}"},
    {"spec.scope.groupId", "{'scope': {'type': 'Group', 'groupId': 1, 'projectId': null}}"},
    {"spec.caSecretRef", "{'caConfigMapRef': null, 'caSecretRef': {'name': 'n'}}"},
    {"spec.cache.gcs", "{'cache': {'type': 'gcs', 's3': null, 'gcs': {'bucketName': 'b'}}}"},
    {"spec.cache.azure", "{'cache': {'type': 'azure', 's3': null, 'azure': {'containerName': 'c', "
                         "'credentialsSecretRef': {'name': 'n'}}}}"},
    {"spec.cache.azure.accountName",
     "{'cache': {'type': 'azure', 's3': null, 'azure': {'containerName': 'c', 'accountName': 'a'}}}"},
    {"spec.manager.podSpec.containers[0].command", "{'manager': {'podSpec': {'containers': [{'name': 'other'}]}}}"},
    {"spec.manager.podSpec.containers[0].args", "{'manager': {'podSpec': {'containers': [{'name': 'other'}]}}}"},
    {"spec.manager.podSpec.containers[0].lifecycle", "{'manager': {'podSpec': {'containers': [{'name': 'other'}]}}}"},
    {"spec.volumes[0].persistentVolumeClaim",
     "{'volumes': [{'name': 'h', 'mountPath': '/h', 'persistentVolumeClaim': {'claimName': 'c'}}]}"},
    {"spec.volumes[0].configMap", "{'volumes': [{'name': 'h', 'mountPath': '/h', 'configMap': {'name': 'c'}}]}"},
    {"spec.volumes[0].secret", "{'volumes': [{'name': 'h', 'mountPath': '/h', 'secret': {'secretName': 'c'}}]}"},
    {"spec.volumes[0].emptyDir", "{'volumes': [{'name': 'h', 'mountPath': '/h', 'emptyDir': {}}]}"},
    {"spec.volumes[0].csi", "{'volumes': [{'name': 'h', 'mountPath': '/h', 'csi': {'driver': 'd'}}]}"},
    {"spec.volumes[0].nfs", "{'volumes': [{'name': 'h', 'mountPath': '/h', 'nfs': {'server': 's', 'path': '/'}}]}"},
    {"spec.manager.podDisruptionBudget.maxUnavailable", "{'manager': {'podDisruptionBudget': {'minAvailable': null}}}"},
};

/* NULL: it can be as it is. */
static inline const char *room_for(const char *path)
{
    const char *change = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
        if (leads_into(rooms[i].field, path))
            change = rooms[i].change;
    return change;
}

/* The fullest object of the tests, read once. */
static inline struct json_object *fullest(void)
{
    static struct arena kept;
    static struct json_object *object;

    if (!object)
        object = read_json(DATA "render/full.json", &kept);
    return object;
}

/* A copy of it, in which the field can be. */
static inline struct json_object *base_for(const char *path, struct arena *a)
{
    struct json_object *object = arena_json(a, json_copy(fullest()));

    if (room_for(path))
        merged(json_get(object, "spec"), quoted_json(room_for(path), a));
    return object;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * From the schema */

/* The schema as it is in the CRD: what the program has of it was made from that. */
static inline struct json_object *schema_read(struct arena *a)
{
    const char *text = read_file("crds/gitlabrunners.yaml", a);
    struct err err = {0};
    struct json_object *documents = arena_json(a, yaml_read("crd", text, strlen(text), YAML_TYPED, &err));

    return json_get(json_at(json_get(json_at(documents, 0), "spec.versions"), 0), "schema.openAPIV3Schema");
}

/* Something of the right kind, with what is required. */
static inline struct json_object *example_of(struct json_object *schema)
{
    const char *type = json_str_or(schema, "type", "");
    struct json_object *words = json_get(schema, "enum");

    for (size_t i = 0; i < json_len(words); i++)
        if (strcmp(json_string(json_at(words, i)), "Exists") == 0)
            return json_copy(json_at(words, i)); /* which goes without values */
    for (size_t i = 0; i < json_len(words); i++)
        if (*json_string(json_at(words, i)))
            return json_copy(json_at(words, i));
    if (strcmp(type, "array") == 0)
        return json_build("[%o]", example_of(json_get(schema, "items")));
    if (strcmp(type, "integer") == 0)
        return json_object_new_int64(json_int_or(schema, "minimum", 1));
    if (strcmp(type, "boolean") == 0)
        return json_object_new_boolean(true);
    if (json_bool_or(schema, "x-kubernetes-int-or-string", false))
        return json_object_new_int(1);
    if (strcmp(type, "object") != 0)
        return json_object_new_string("1");
    struct json_object *object = json_object_new_object(), *required = json_get(schema, "required");
    for (size_t i = 0; i < json_len(required); i++) {
        const char *name = json_string(json_at(required, i));
        json_object_object_add(object, name, example_of(json_member(json_get(schema, "properties"), name)));
    }
    return object;
}

/* The way to a mistake's value is made of what is required there. */
static inline void make_room(struct json_object *object, struct json_object *schema, const char *path, struct arena *a)
{
    const char *whole = path;
    struct step step;

    while (next_step(&path, &step) && *path) {
        schema = step.in_list ? json_get(schema, "items")
                 : json_member(json_get(schema, "properties"), step.name)
                     ? json_member(json_get(schema, "properties"), step.name)
                     : json_get(schema, "additionalProperties");
        const char *here = arena_strndup(a, whole, (size_t)(path - whole) - (path[-1] == '.'));
        if (!look(object, here) && schema)
            put(object, here, example_of(schema));
    }
}

static inline void add_mistake(struct mistakes *m, const char *path, const char *told, struct json_object *value,
                               bool out)
{
    assert_true(m->len < MISTAKES_MAX);
    m->items[m->len++] = (struct mistake){.path = path, .told = told, .value = arena_json(m->a, value), .out = out};
}

static inline struct json_object *long_text(int64_t len, struct arena *a)
{
    char *text = arena_alloc(a, (size_t)len + 1);

    memset(text, '1', (size_t)len);
    return json_object_new_string(text);
}

/* What is wrong with a value by itself. */
static inline void bad_values(struct mistakes *m, struct json_object *schema, const char *path)
{
    bool text = strcmp(json_str_or(schema, "type", ""), "string") == 0;

    if (json_get(schema, "type"))
        add_mistake(m, path, path, text ? json_object_new_int(1) : json_object_new_string("text"), false);
    if (json_bool_or(schema, "x-kubernetes-int-or-string", false))
        add_mistake(m, path, path, json_object_new_double(0.5), false);
    if (json_get(schema, "enum"))
        add_mistake(m, path, path, json_object_new_string("no-such-choice"), false);
    if (json_int_or(schema, "minLength", 0))
        add_mistake(m, path, path, json_object_new_string(""), false);
    if (json_get(schema, "maxLength"))
        add_mistake(m, path, path, long_text(json_int_or(schema, "maxLength", 0) + 1, m->a), false);
    if (json_get(schema, "minimum"))
        add_mistake(m, path, path, json_object_new_int64(json_int_or(schema, "minimum", 0) - 1), false);
    if (json_get(schema, "maximum"))
        add_mistake(m, path, path, json_object_new_int64(json_int_or(schema, "maximum", 0) + 1), false);
    if (json_int_or(schema, "minItems", 0))
        add_mistake(m, path, path, json_object_new_array(), false);
}

static inline void mistakes_in(struct mistakes *m, struct json_object *schema, const char *path);

static inline void mistakes_below(struct mistakes *m, struct json_object *schema, const char *path)
{
    struct json_object *required = json_get(schema, "required");
    bool free = json_bool_or(schema, "x-kubernetes-preserve-unknown-fields", false) ||
                json_get(schema, "additionalProperties") || !json_get(schema, "properties");

    for (size_t i = 0; i < json_len(required); i++) {
        const char *inner = arena_printf(m->a, "%s.%s", path, json_string(json_at(required, i)));
        add_mistake(m, inner, inner, NULL, true);
    }
    if (!free) {
        const char *inner = arena_printf(m->a, "%s.qqqqqqqqqqqqqqqqqqqq", path);
        add_mistake(m, inner, inner, json_object_new_string("x"), false);
    }
    json_each (it, json_get(schema, "properties"))
        mistakes_in(m, it.value, arena_printf(m->a, "%s.%s", path, it.key));
    if (json_get(schema, "items"))
        mistakes_in(m, json_get(schema, "items"), arena_printf(m->a, "%s[0]", path));
    if (json_object_is_type(json_get(schema, "additionalProperties"), json_type_object))
        mistakes_in(m, json_get(schema, "additionalProperties"), arena_printf(m->a, "%s.key", path));
}

static inline void mistakes_in(struct mistakes *m, struct json_object *schema, const char *path)
{
    bad_values(m, schema, path);
    mistakes_below(m, schema, path);
}

#endif
