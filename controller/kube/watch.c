/* From state to state: what the end of a request leads to. */
#include "kube/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/escape.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"
#include "kube/version.h"
#include "kube/watch_parts.h"
#include "net/loop.h"

enum {
    HEALTHY_MS = 2 * 60 * 1000,
    RELIST_GAP_MS = 10 * 1000, /* a server that forgets every version at once is not asked without pause */
};
static const struct backoff pauses = {1600, 60 * 1000, 50};

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
    if (!kube_version_valid(version) || (w->version && !kube_version_newer(version, w->version)))
        return;
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

static enum list_way usual_way(const struct watch *w)
{
    return w->no_streamed_lists ? LIST_PAGED : LIST_STREAMED;
}

void watch_list_done(struct watch *w, const char *version)
{
    assert(kube_version_valid(version) && !w->page);
    w->listed = w->synced = w->moved = true;
    w->way = usual_way(w);
    w->problem = (struct err){0};
    w->counts.lists++;
    w->handler.list_end(w->handler.arg);
    watch_reach(w, version);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes next */

static void begin_watch(struct watch *w)
{
    assert(!w->request && !w->line.size);
    w->odd = w->moved = false;
    if (!w->listed && w->way != LIST_STREAMED)
        watch_list(w);
    else
        watch_stream(w);
}

/* What the server asks for, or up to a tenth more. */
static void pause_then_begin(struct watch *w, const struct err *err)
{
    int64_t asked = jitter(err->retry_after_ms, err->retry_after_ms / 10);

    if (w->state == WATCH_LIST)
        w->way = usual_way(w);
    watch_enter(w, WATCH_PAUSE);
    w->problem = *err;
    w->counts.pauses++;
    log_event(LOG_WARN, "watch", "interrupted", "kind", w->resource->kind, "reason", err->reason, "error", err->text,
              NULL);
    loop_timer_set(w->timer, backoff_pause(&pauses, ++w->failures, asked, jitter_random()));
}

/* Servers before 1.27 do not know the parameters of streamed lists, later ones may have them switched off. */
static bool refuses_streamed_lists(const struct watch *w, const struct err *err)
{
    return w->state == WATCH_SYNC && (err->code == 400 || err->code == 422);
}

/* The server has forgotten our version; or, after a change of servers, has not reached it. Neither goes away by itself,
 * and the newest state is what is wanted anyway. The second comes as a timeout, with only the text to tell it by. */
static bool needs_a_list(const struct err *err)
{
    return err->kind == ERR_EXPIRED || strcasestr(err->text, "too large resource version");
}

static void list_anew(struct watch *w, const struct err *err)
{
    int64_t since = loop_now(w->loop) - w->relisted_ms;

    w->listed = false;
    w->way = usual_way(w);
    if (w->relisted_ms && since < RELIST_GAP_MS) {
        pause_then_begin(w, err);
        return;
    }
    log_event(LOG_DEBUG, "watch", "lists anew", "kind", w->resource->kind, "reason", err->reason, NULL);
    w->relisted_ms = loop_now(w->loop);
    begin_watch(w);
}

void watch_go_on(struct watch *w, const struct err *err)
{
    assert(w->state != WATCH_IDLE && w->state != WATCH_PAUSE);
    bool page_expired = err->kind == ERR_EXPIRED && w->page;
    bool was_healthy = w->state == WATCH_STREAM && loop_now(w->loop) - w->began_ms >= HEALTHY_MS;

    w->request = 0;
    if (was_healthy)
        w->failures = 0;
    if (err->kind != ERR_NONE)
        watch_set(&w->page, NULL);
    if (refuses_streamed_lists(w, err)) {
        log_event(LOG_INFO, "watch", "the server knows no streamed lists", "kind", w->resource->kind, "error",
                  err->text, NULL);
        w->no_streamed_lists = true;
        w->way = LIST_PAGED;
        begin_watch(w);
    } else if (page_expired) {
        w->way = LIST_WHOLE;
        begin_watch(w);
    } else if (needs_a_list(err)) {
        list_anew(w, err);
    } else if (err->kind != ERR_NONE) {
        pause_then_begin(w, err);
    } else {
        begin_watch(w);
    }
}

static void on_watch_timer(void *arg)
{
    struct watch *w = arg;

    if (w->state == WATCH_SYNC) {
        watch_stream_give_up(w);
        w->way = LIST_PAGED;
    }
    begin_watch(w);
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

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler)
{
    struct watch *w = mem_alloc(sizeof(*w));

    *w = (struct watch){.loop = loop, .client = client, .resource = resource, .handler = *handler};
    watch_set(&w->ns, ns);
    watch_set(&w->selector, selector);
    object_text_init(&w->line, resource, true, 0);
    w->timer = loop_timer_create(loop, on_watch_timer, w);
    return w;
}

void watch_start(struct watch *w)
{
    if (w->state == WATCH_IDLE)
        begin_watch(w);
}

void watch_list_again(struct watch *w)
{
    if (w->state != WATCH_STREAM)
        return;
    kube_cancel(w->client, w->request);
    w->request = 0;
    object_text_clear(&w->line);
    w->listed = false;
    w->way = usual_way(w);
    begin_watch(w);
}

void watch_destroy(struct watch *w)
{
    if (!w)
        return;
    if (w->request)
        kube_cancel(w->client, w->request);
    loop_timer_destroy(w->timer);
    object_text_finish(&w->line);
    json_sieve_finish(&w->page_text);
    free(w->version);
    free(w->page);
    free(w->ns);
    free(w->selector);
    free(w);
}

bool watch_synced(const struct watch *w)
{
    return w->synced;
}

const char *watch_state_name(const struct watch *w)
{
    return watch_states[w->state];
}

const char *watch_problem(const struct watch *w)
{
    return w->problem.text;
}

const char *watch_version(const struct watch *w)
{
    return w->version ? w->version : "";
}

struct watch_counts watch_counts(const struct watch *w)
{
    return w->counts;
}
