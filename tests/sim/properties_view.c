/* Whoever has seen all there was to see knows each object that concerns it, as it is now, and none that is gone. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "operator/kinds.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

struct view {
    struct story *story;
    int replica;
    enum kind kind;
    const struct store *store;
};

/* Of some namespaces alone it is not known what is in others; nor of a reference what it leads to, until somebody wants
 * to know. */
static bool is_shown(const struct view *v, struct json_object *object, const char *ns, const char *name)
{
    bool served = !v->story->plan.setup[SETUP_SCOPE] || strcmp(ns, OPERATOR_NAMESPACE) != 0;

    return served && kind_shows(v->kind, object) && kind_concerns(v->kind, ns, name, v->store) &&
           store_knows(v->store, v->kind, ns, name);
}

static void check_known(void *arg, struct json_object *object)
{
    const struct view *v = arg;
    const char *ns = json_str_or(object, "metadata.namespace", ""), *name = json_str_or(object, "metadata.name", ""),
               *version = json_str_or(object, "metadata.resourceVersion", "");

    if (!is_shown(v, object, ns, name))
        return;
    const struct record *record = store_get(v->store, v->kind, ns, name);
    if (!record || strcmp(record->version, version) != 0)
        sim_broken(v->story->sim, PROPERTY_VIEW, "replica %d: %s %s/%s is of version %s, and known as of %s",
                   v->replica, kind_resource(v->kind)->plural, ns, name, version, record ? record->version : "none");
}

static void check_there(void *arg, const struct record *record)
{
    const struct view *v = arg;

    if (!api_object(v->story->api, kind_resource(v->kind)->plural, record->ns, record->name))
        sim_broken(v->story->sim, PROPERTY_VIEW, "replica %d: there is no %s %s/%s, and it is known", v->replica,
                   kind_resource(v->kind)->plural, record->ns, record->name);
}

/* Namespaces of which some are served, and Secrets that are read by name, are looked at now and then only. */
static bool is_watched(const struct story *story, enum kind kind)
{
    return !(kind == KIND_NAMESPACE && story->plan.setup[SETUP_SCOPE]) &&
           !(kind == KIND_SECRET && story->plan.setup[SETUP_SECRETS]);
}

static void check_replica(struct story *story, int replica)
{
    struct view v = {.story = story, .replica = replica, .store = replica_store(story->replicas[replica])};

    for (v.kind = 0; v.kind < KIND_COUNT; v.kind++) {
        if (!is_watched(story, v.kind))
            continue;
        api_each(story->api, kind_resource(v.kind)->plural, check_known, &v);
        store_each(v.store, v.kind, check_there, &v);
    }
}

void view_check(struct story *story)
{
    for (int i = 0; i < story->replicas_len; i++)
        if (replica_runs(story->replicas[i]))
            check_replica(story, i);
}
