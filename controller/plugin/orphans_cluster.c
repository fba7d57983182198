/* What this cluster has, and what it still knows of what it had. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "gitlab/place.h"
#include "net/loop.h"
#include "operator/kinds.h"
#include "plugin/command.h"
#include "plugin/fetch.h"
#include "plugin/installation.h"
#include "plugin/orphans.h"
#include "plugin/session.h"
#include "runner/names.h"

enum { LOOK_MS = 30 * 1000, LEDGERS_MAX = 4 };

#define OURS "?labelSelector=app.kubernetes.io%2Fmanaged-by%3D" FIELD_MANAGER

const char *runner_at_host(const char *url, int64_t id, struct arena *a)
{
    const struct place place = place_of(url);

    return arena_printf(a, "%s:%d %lld", place.host, place.port, (long long)id);
}

static void note_object(struct cluster_uids *uids, struct json_object *object, struct arena *a)
{
    const char *ns = json_str_or(object, "metadata.namespace", ""), *name = json_str_or(object, "metadata.name", ""),
               *uid = json_str_or(object, "metadata.uid", ""),
               *url = json_str_or(object, "status.url", json_str_or(object, "spec.url", ""));
    char *key = arena_printf(a, "%s/%s", ns, name);
    int64_t id = json_int_or(object, "status.runnerId", 0);

    if (*uid)
        map_set(&uids->objects, uid, key);
    if (id)
        map_set(&uids->in_use, runner_at_host(url, id, a), key);
}

static void note_trace(struct cluster_uids *uids, const char *uid, const char *what, struct arena *a)
{
    if (*uid && !map_get(&uids->traces, uid))
        map_set(&uids->traces, uid, arena_strdup(a, what));
}

static void note_children(struct cluster_uids *uids, const struct fetch *f, const char *kind, struct arena *a)
{
    for (size_t i = 0; i < json_len(f->object); i++) {
        struct json_object *child = json_at(f->object, i);
        const char *uid = json_string(json_member(json_get(child, "metadata.annotations"), ANNOTATION_OWNER_UID));
        note_trace(uids, uid,
                   arena_printf(a, "%s %s/%s", kind, json_str_or(child, "metadata.namespace", ""),
                                json_str_or(child, "metadata.name", "")),
                   a);
    }
}

static void note_events(struct cluster_uids *uids, const struct fetch *f, struct arena *a)
{
    for (size_t i = 0; i < json_len(f->object); i++) {
        struct json_object *about = json_get(json_at(f->object, i), "involvedObject");
        note_trace(
            uids, json_str_or(about, "uid", ""),
            arena_printf(a, "Event about %s/%s", json_str_or(about, "namespace", ""), json_str_or(about, "name", "")),
            a);
    }
}

/* Without the tokens, which nobody here needs. */
static void note_ledger(struct cluster_uids *uids, struct json_object *secret, struct arena *a)
{
    json_each (it, json_get(secret, "data")) {
        struct json_object *entry = json_parse_text(base64_decode(json_string(it.value), NULL, a));
        if (!entry)
            continue;
        json_remove(entry, "token");
        json_append(uids->ledger, entry);
        note_trace(uids, json_str_or(entry, "uid", ""), "the ledger", a);
    }
}

/* Where operators are: their Deployments, or a Lease of one that is a process somewhere else. */
static size_t operators_namespaces(struct plugin_call *call, const char *ret[static LEDGERS_MAX])
{
    struct fetch asks[] = {
        {.path = "/apis/apps/v1/deployments?labelSelector=" OPERATOR_SELECTOR, .list = true},
        {.path = "/apis/coordination.k8s.io/v1/leases?fieldSelector=metadata.name%3D" OPERATOR_NAME, .list = true},
    };
    size_t len = 0;

    fetch_all(session_loop(call->session), session_client(call->session), asks, ARRAY_LEN(asks), LOOK_MS, call->a);
    if (is_forbidden(&asks[0].err) && !asks[1].object)
        not_seen(call, "the ledger of runners left behind", "list deployments");
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        for (size_t n = 0; n < json_len(asks[i].object); n++) {
            const char *ns = json_str_or(json_at(asks[i].object, n), "metadata.namespace", "");
            bool known = len == LEDGERS_MAX;
            for (size_t k = 0; k < len; k++)
                known |= strcmp(ret[k], ns) == 0;
            if (!known)
                ret[len++] = ns;
        }
    return len;
}

static void read_ledgers(struct plugin_call *call, struct cluster_uids *uids)
{
    struct fetch asks[LEDGERS_MAX] = {0};
    const char *namespaces[LEDGERS_MAX];
    size_t len = operators_namespaces(call, namespaces);

    for (size_t i = 0; i < len; i++)
        asks[i].path = arena_printf(call->a, "/api/v1/namespaces/%s/secrets/" LEDGER_NAME, namespaces[i]);
    fetch_all(session_loop(call->session), session_client(call->session), asks, len, LOOK_MS, call->a);
    for (size_t i = 0; i < len; i++) {
        if (asks[i].object)
            note_ledger(uids, asks[i].object, call->a);
        else if (is_forbidden(&asks[i].err))
            not_seen(call, "the ledger of runners left behind", "get secret " LEDGER_NAME);
    }
}

/* Those of the namespace that was asked for, where not all may be listed. */
static void read_one_namespace(struct plugin_call *call, struct cluster_uids *uids, const struct err *err)
{
    const char *ns = session_namespace(call->session);
    struct err why = *err;

    if (ns)
        uids->runners =
            session_list(call->session, kube_path(kind_resource(KIND_RUNNER), ns, NULL, NULL, call->a), call->a, &why);
    if (uids->runners)
        not_seen(call, "GitLabRunners of other namespaces", "list gitlabrunners in all namespaces");
    else if (is_forbidden(&why))
        not_seen(call, "GitLabRunners", "list gitlabrunners");
    else
        failed(call, "GitLabRunners", &why);
}

void cluster_uids_read(struct plugin_call *call, struct cluster_uids *ret)
{
    static const char *const needs[] = {NULL, "list secrets", "list deployments", "list rolebindings", "list events"};
    struct fetch asks[] = {
        {.path = "/apis/" API_VERSION "/" PLURAL, .list = true},
        {.path = "/api/v1/secrets" OURS, .list = true, .accept = KUBE_AS_METADATA("List")},
        {.path = "/apis/apps/v1/deployments" OURS, .list = true, .accept = KUBE_AS_METADATA("List")},
        {.path = "/apis/rbac.authorization.k8s.io/v1/rolebindings" OURS,
         .list = true,
         .accept = KUBE_AS_METADATA("List")},
        {.path = "/api/v1/events?fieldSelector=involvedObject.kind%3D" KIND, .list = true},
    };
    static const char *const kinds[] = {NULL, "Secret", "Deployment", "RoleBinding"};

    *ret = (struct cluster_uids){.ledger = arena_json(call->a, json_object_new_array())};
    fetch_all(session_loop(call->session), session_client(call->session), asks, ARRAY_LEN(asks), LOOK_MS, call->a);
    ret->runners = asks[0].object;
    ret->all_seen = ret->runners && !asks[0].cut;
    if (!ret->runners)
        read_one_namespace(call, ret, &asks[0].err);
    for (size_t i = 0; i < json_len(ret->runners); i++)
        note_object(ret, json_at(ret->runners, i), call->a);
    for (size_t i = 1; i < ARRAY_LEN(asks); i++) {
        if (!asks[i].object && is_forbidden(&asks[i].err))
            not_seen(call, "traces of former GitLabRunners", needs[i]);
        else if (i < ARRAY_LEN(kinds))
            note_children(ret, &asks[i], kinds[i], call->a);
        else
            note_events(ret, &asks[i], call->a);
    }
    read_ledgers(call, ret);
}

void cluster_uids_finish(struct cluster_uids *uids)
{
    map_finish(&uids->objects);
    map_finish(&uids->traces);
    map_finish(&uids->in_use);
}
