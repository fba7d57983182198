/* Checks about the namespaces in which jobs run. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "plugin/doctor.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "runner/pod_security.h"

/* By name; map_finish() ends it. */
static struct map namespaces_by_name(const struct doctor *d)
{
    struct json_object *list = doctor_source(d, SOURCE_NAMESPACES);
    struct map by_name = {0};

    for (size_t i = 0; i < json_len(list); i++)
        map_set(&by_name, json_str_or(json_at(list, i), "metadata.name", ""), json_at(list, i));
    return by_name;
}

static const char *marked(struct json_object *namespace, const char *kind, const char *key)
{
    return json_string(json_member(json_get(namespace, kind), key));
}

void check_namespaces_are_there(struct doctor *d)
{
    struct map by_name = namespaces_by_name(d);
    size_t elsewhere = 0;

    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        struct json_object *namespace = map_get(&by_name, r->jobs_ns);
        elsewhere += strcmp(r->jobs_ns, r->owner.ns) != 0;
        if (!namespace && !r->deleting)
            doctor_find(d, r->jobs_ns, r->key, NULL, "namespace %s, where its jobs are to run, does not exist",
                        r->jobs_ns);
        else if (json_str(namespace, "metadata.deletionTimestamp") && !r->deleting)
            doctor_find(d, r->jobs_ns, r->key, NULL, "namespace %s, where its jobs run, is being deleted", r->jobs_ns);
    }
    if (elsewhere)
        doctor_fact(d, NULL, "%zu of %zu runners have their jobs in another namespace than their own", elsewhere,
                    d->view->runners_len);
    map_finish(&by_name);
}

void check_consent(struct doctor *d)
{
    struct map by_name = namespaces_by_name(d);

    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        struct json_object *namespace = map_get(&by_name, r->jobs_ns);
        bool open = strcmp(r->jobs_ns, r->owner.ns) == 0 || !namespace ||
                    namespace_lets_in(marked(namespace, "metadata.annotations", ANNOTATION_ALLOWED_FROM), r->owner.ns);
        if (!open)
            doctor_find(d, r->jobs_ns, r->key,
                        arena_printf(d->a, "its owner opens it: kubectl annotate namespace %s %s=%s", r->jobs_ns,
                                     ANNOTATION_ALLOWED_FROM, r->owner.ns),
                        "namespace %s is not open to the jobs of namespace %s", r->jobs_ns, r->owner.ns);
    }
    map_finish(&by_name);
}

void check_pod_security(struct doctor *d)
{
    struct map by_name = namespaces_by_name(d);

    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        struct json_object *namespace = map_get(&by_name, r->jobs_ns);
        const char *level = marked(namespace, "metadata.labels", LABEL_POD_SECURITY);
        const char *why =
            r->spec && *level && !r->deleting ? pod_security_forbids(&r->owner, r->spec, level, d->a) : NULL;
        if (why)
            doctor_find(d, r->jobs_ns, r->key, NULL, "%s", why);
    }
    map_finish(&by_name);
}
