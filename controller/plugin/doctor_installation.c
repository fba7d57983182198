/* Checks about the kind and the operator. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/shorten.h"
#include "base/time.h"
#include "plugin/doctor.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "runner/shape.h"
#include "runner/status.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * The kind */

static struct json_object *served_version(const struct doctor *d)
{
    struct json_object *versions = json_get(doctor_source(d, SOURCE_KIND), "spec.versions");

    for (size_t i = 0; i < json_len(versions); i++)
        if (strcmp(json_str_or(json_at(versions, i), "name", ""), VERSION_V1BETA1) == 0)
            return json_at(versions, i);
    return NULL;
}

void check_kind_is_there(struct doctor *d)
{
    if (doctor_source(d, SOURCE_KIND))
        doctor_fact(d, NULL, "kind %s %s", KIND, VERSION_V1BETA1);
    else
        doctor_find(d, NULL, NULL, NULL, "there is no kind %s in this cluster", KIND);
}

static bool kind_is_not(const struct doctor *d, const char *condition)
{
    const char *status = condition_get(json_get(doctor_source(d, SOURCE_KIND), "status"), condition, "status");

    return status && strcmp(status, "False") == 0;
}

void check_kind_is_served(struct doctor *d)
{
    struct json_object *kind = doctor_source(d, SOURCE_KIND), *version = served_version(d),
                       *stored = json_get(kind, "status.storedVersions");

    if (!kind)
        return;
    if (!json_bool_or(version, "served", false))
        doctor_find(d, NULL, NULL, NULL, "%s is not served", API_VERSION);
    if (kind_is_not(d, "Established") || kind_is_not(d, "NamesAccepted"))
        doctor_find(d, NULL, NULL, "kubectl describe crd " PLURAL "." GROUP,
                    "the kind is not established: another one may have its names");
    for (size_t i = 0; i < json_len(stored); i++)
        if (strcmp(json_string(json_at(stored, i)), VERSION_V1BETA1) != 0)
            doctor_find_as(d, LEVEL_WARNING, NULL, NULL, NULL,
                           "objects may be stored in version %s still: it has to be served until they are written anew",
                           shown(json_string(json_at(stored, i)), 60).text);
}

enum { FIELDS_MAX = 10 };

/* Fields of one that the other lacks, as "spec.a, spec.b"; *n counts. */
static const char *with_field(const char *all, const char *path, const char *name, size_t *n, struct arena *a)
{
    if ((*n)++ >= FIELDS_MAX)
        return all;
    return arena_printf(a, "%s%s%s.%s", all, *all ? ", " : "", path, shown(name, 60).text);
}

static const char *unknown_to_cluster(const struct shape *shape, struct json_object *schema, const char *path,
                                      const char *all, size_t *n, struct arena *a)
{
    struct json_object *properties = json_get(schema, "properties");

    if (shape->open || !properties)
        return all;
    for (const struct shape_member *m = shape->members; m && m->name; m++) {
        struct json_object *property = json_member(properties, m->name);
        if (!property)
            all = with_field(all, path, m->name, n, a);
        else if (m->shape->members && m->shape->type == SHAPE_OBJECT)
            all = unknown_to_cluster(m->shape, property, arena_printf(a, "%s.%s", path, m->name), all, n, a);
    }
    return all;
}

static const char *unknown_to_us(const struct shape *shape, struct json_object *schema, const char *path,
                                 const char *all, size_t *n, struct arena *a)
{
    if (shape->open || !shape->members)
        return all;
    json_each (it, json_get(schema, "properties")) {
        const struct shape_member *m = shape_member(shape, it.key);
        if (!m)
            all = with_field(all, path, it.key, n, a);
        else if (m->shape->members && m->shape->type == SHAPE_OBJECT)
            all = unknown_to_us(m->shape, it.value, arena_printf(a, "%s.%s", path, it.key), all, n, a);
    }
    return all;
}

/* The tables of fields are made from the kind of this program's release. */
void check_kind_fields(struct doctor *d)
{
    struct json_object *schema = json_get(served_version(d), "schema.openAPIV3Schema.properties.spec");
    const struct shape *spec = shape_find(&crd_shape, "spec");
    size_t lacks_len = 0, has_len = 0;

    if (!schema)
        return;
    const char *lacks = unknown_to_cluster(spec, schema, "spec", "", &lacks_len, d->a),
               *has = unknown_to_us(spec, schema, "spec", "", &has_len, d->a);
    if (lacks_len)
        doctor_find(d, NULL, NULL, "apply the kind of this release: kubectl apply -k crds",
                    "the kind in the cluster is older than this program, %s; it lacks %zu fields: %s", d->view->program,
                    lacks_len, lacks);
    if (has_len)
        doctor_find(d, NULL, NULL, "use the plugin of the operator's release",
                    "the kind in the cluster is newer than this program, %s, which does not know %zu fields: %s",
                    d->view->program, has_len, has);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The operator */

static const char *operator_key(const struct doctor_operator *o, struct arena *a)
{
    return o->outside ? arena_printf(a, "Lease %s/%s", o->ns, o->name)
                      : arena_printf(a, "Deployment %s/%s", o->ns, o->name);
}

void check_operator_is_there(struct doctor *d)
{
    const struct doctor_view *v = d->view;

    if (!v->operators_len)
        doctor_find(d, NULL, NULL, NULL, "no operator is there; %zu GitLabRunners stay as they are", v->runners_len);
    for (size_t i = 0; i < v->operators_len; i++)
        if (v->operators[i].outside)
            doctor_fact(d, NULL, "an operator outside of the cluster, with the Lease %s/%s", v->operators[i].ns,
                        v->operators[i].name);
}

void check_operator_is_ready(struct doctor *d)
{
    const struct doctor_view *v = d->view;

    for (size_t i = 0; i < v->operators_len; i++) {
        const struct doctor_operator *o = &v->operators[i];
        if (o->outside)
            continue;
        if (!o->wanted)
            doctor_find(d, NULL, operator_key(o, d->a),
                        arena_printf(d->a, "kubectl scale -n %s deployment %s --replicas=1", o->ns, o->name),
                        "it is scaled to no pods: nobody serves GitLabRunners");
        else if (o->ready < o->wanted)
            doctor_find_as(
                d, o->ready ? LEVEL_WARNING : LEVEL_ERROR, NULL, operator_key(o, d->a),
                arena_printf(d->a, "kubectl describe pods -n %s -l app.kubernetes.io/name=" FIELD_MANAGER, o->ns),
                "%lld of %lld pods are ready", (long long)o->ready, (long long)o->wanted);
        else
            doctor_fact(d, NULL, "operator %s x%lld ready", o->version, (long long)o->ready);
    }
}

static bool serve_the_same(const struct doctor_operator *one, const struct doctor_operator *other)
{
    char ns[NAMESPACE_SIZE];

    if (!one->namespaces || !other->namespaces)
        return true;
    for (const char *at = one->namespaces; namespaces_next(&at, ns);)
        if (namespaces_have(other->namespaces, ns))
            return true;
    return false;
}

static bool acts(const struct doctor_operator *o)
{
    return o->outside || o->wanted > 0;
}

void check_operators_agree(struct doctor *d)
{
    const struct doctor_view *v = d->view;

    for (size_t i = 0; i < v->operators_len; i++)
        for (size_t j = i + 1; j < v->operators_len; j++) {
            const struct doctor_operator *one = &v->operators[i], *other = &v->operators[j];
            if (acts(one) && acts(other) && strcmp(one->ns, other->ns) != 0 && serve_the_same(one, other))
                doctor_find(d, NULL, operator_key(one, d->a), NULL, "it and %s serve the same namespaces",
                            operator_key(other, d->a));
        }
}

void check_lease(struct doctor *d)
{
    const struct doctor_view *v = d->view;

    for (size_t i = 0; i < v->operators_len; i++) {
        const struct doctor_operator *o = &v->operators[i];
        const char *holder = json_str_or(o->lease, "spec.holderIdentity", "");
        int64_t renewed = time_parse(json_str(o->lease, "spec.renewTime"));
        if (!acts(o) || !o->elects)
            continue;
        if (!*holder)
            doctor_find(d, NULL, operator_key(o, d->a), NULL, "nobody holds its Lease: nobody acts");
        else if (lease_is_stale(o->lease, v->now))
            doctor_find(d, NULL, operator_key(o, d->a), NULL,
                        "its Lease is held by %s, who renewed it last %lld seconds ago", shown(holder, 120).text,
                        (long long)(v->now - renewed));
        else
            doctor_fact(d, NULL, "%s leads", shown(holder, 60).text);
    }
}

/* Minor versions between the two; -1: not to be compared. */
static int minors_between(const char *one, const char *other)
{
    int major[2], minor[2];

    if (sscanf(one, "%d.%d", &major[0], &minor[0]) != 2 || sscanf(other, "%d.%d", &major[1], &minor[1]) != 2)
        return -1;
    if (minor[0] < 0 || minor[1] < 0)
        return -1;
    if (major[0] != major[1])
        return 100;
    return minor[0] > minor[1] ? minor[0] - minor[1] : minor[1] - minor[0];
}

/* The same image in all pods of one installation; during a roll there are two for a moment. */
static bool pods_differ(const struct doctor *d, const char *ns)
{
    struct json_object *pods = doctor_source(d, SOURCE_OPERATOR_PODS);
    const char *first = NULL;

    for (size_t i = 0; i < json_len(pods); i++) {
        struct json_object *pod = json_at(pods, i), *containers = json_get(pod, "spec.containers");
        const char *image = json_str_or(json_at(containers, 0), "image", "");
        int64_t made = time_parse(json_str(pod, "metadata.creationTimestamp"));
        if (strcmp(json_str_or(pod, "metadata.namespace", ""), ns) != 0 || d->view->now - made < 300)
            continue;
        if (first && strcmp(first, image) != 0)
            return true;
        first = image;
    }
    return false;
}

void check_versions(struct doctor *d)
{
    const struct doctor_view *v = d->view;

    doctor_fact(d, NULL, "plugin %s", d->view->program);
    for (size_t i = 0; i < v->operators_len; i++) {
        const struct doctor_operator *o = &v->operators[i];
        if (minors_between(o->version, d->view->program) > 1)
            doctor_find(d, NULL, operator_key(o, d->a), NULL, "the operator is of version %s, this program of %s",
                        o->version, d->view->program);
        if (!o->outside && pods_differ(d, o->ns))
            doctor_find(d, NULL, operator_key(o, d->a),
                        arena_printf(d->a, "kubectl rollout status -n %s deployment %s", o->ns, o->name),
                        "its pods have run different images for more than five minutes");
    }
}
