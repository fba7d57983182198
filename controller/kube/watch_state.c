/* What a watch is at, what it has reached, and what it tells of that. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"
#include "kube/version.h"
#include "kube/watch_parts.h"

static const char *const watch_states[] = {
    [WATCH_IDLE] = "idle",     [WATCH_SYNC] = "sync",   [WATCH_LIST] = "list",
    [WATCH_STREAM] = "stream", [WATCH_PAUSE] = "pause",
};

void watch_enter(struct watch *w, enum watch_state to)
{
    static const unsigned asking = MACHINE_TO(WATCH_SYNC) | MACHINE_TO(WATCH_LIST) | MACHINE_TO(WATCH_STREAM);
    static const unsigned next[] = {
        [WATCH_IDLE] = MACHINE_TO(WATCH_SYNC),
        [WATCH_SYNC] = asking | MACHINE_TO(WATCH_PAUSE),
        [WATCH_LIST] = asking | MACHINE_TO(WATCH_PAUSE),
        [WATCH_STREAM] = asking | MACHINE_TO(WATCH_PAUSE),
        [WATCH_PAUSE] = asking,
    };
    static const struct machine machine = MACHINE("watch", watch_states, next);

    machine_step(&machine, w->state, to);
    assert(to != WATCH_STREAM || w->state == WATCH_SYNC || (w->listed && w->version)); /* so nothing is missed */
    assert(to != WATCH_PAUSE || !w->request);
    w->state = to;
}

const char *watch_state_name(const struct watch *w)
{
    return watch_states[w->state];
}

void watch_set(char **text, const char *value)
{
    char *copy = value ? mem_strdup(value) : NULL;

    free(*text);
    *text = copy;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is told */

void watch_pass_over(struct watch *w, const char *what)
{
    if (!w->odd)
        log_event(LOG_WARN, "watch", "passed over what makes no sense", "kind", w->resource->kind, "what", what, NULL);
    w->odd = true;
}

static bool is_object_of(struct json_object *object, const char *kind, const char *api_version)
{
    return strcmp(json_str_or(object, "kind", kind), kind) == 0 &&
           strcmp(json_str_or(object, "apiVersion", api_version), api_version) == 0;
}

/* The items of some lists have no kind. */
static bool is_of_the_kind(const struct watch *w, struct json_object *object)
{
    const struct kube_resource *r = w->resource;

    return *json_str_or(object, "metadata.name", "") &&
           kube_version_valid(json_str_or(object, "metadata.resourceVersion", "")) &&
           (is_object_of(object, r->kind, r->api_version) ||
            (r->metadata_only && is_object_of(object, "PartialObjectMetadata", "meta.k8s.io/v1")));
}

void watch_tell(struct watch *w, enum watch_type type, struct json_object *object)
{
    w->counts.too_large += object_too_large(object) != NULL;
    if (is_of_the_kind(w, object))
        w->handler.object(w->handler.arg, type, object);
    else
        watch_pass_over(w, json_str_or(object, "kind", "an object without a name or version"));
}

void watch_reach(struct watch *w, const char *version)
{
    if (w->version && !kube_version_newer(version, w->version))
        return; /* the first is the list's */
    assert(kube_version_valid(version));
    assert(w->state == WATCH_STREAM || w->state == WATCH_LIST); /* SYNC becomes STREAM first */
    w->moved = true;
    watch_set(&w->version, version);
    w->handler.reached(w->handler.arg, version);
}

/* A 200 without a list's version is some proxy's: no proof that nothing is there. Nor is a view of the past. */
struct err watch_judge_list(const struct watch *w, const char *version)
{
    struct err err = {0};

    if (!kube_version_valid(version))
        err_set(&err, ERR_RETRY, "NotAList", "what came is not a list: check the server's address and proxies");
    else if (w->version && kube_version_newer(w->version, version))
        err_set(&err, ERR_RETRY, "StaleList", "the server is behind: its list is of version %s, %s was seen", version,
                w->version);
    return err;
}

void watch_list_done(struct watch *w, const char *version)
{
    assert(kube_version_valid(version) && !w->page);
    w->listed = w->synced = w->moved = true;
    w->problem = (struct err){0};
    w->counts.lists++;
    w->handler.list_end(w->handler.arg, version);
    watch_reach(w, version);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Parts of requests */

const char *watch_path(const struct watch *w, const char *query, struct arena *a)
{
    const char *path = kube_path(w->resource, w->ns, NULL, NULL, a);
    const char *selector = w->selector ? arena_printf(a, "labelSelector=%s", percent_escaped(w->selector, a)) : "";

    return arena_printf(a, "%s%s%s%s%s", path, *query || *selector ? "?" : "", query, *query && *selector ? "&" : "",
                        selector);
}

const char *watch_accept(const struct watch *w, const char *suffix, struct arena *a)
{
    return w->resource->metadata_only ? arena_printf(a, KUBE_AS_METADATA("%s"), suffix) : NULL;
}
