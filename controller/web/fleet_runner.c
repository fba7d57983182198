#include "web/fleet_runner.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/key.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/time.h"
#include "kube/store.h"
#include "net/loop.h"
#include "operator/kinds.h"
#include "runner/job_pods.h"
#include "runner/names.h"
#include "runner/trouble.h"
#include "web/fleet_list.h"
#include "web/fleet_look.h"

enum {
    KEPT_MS = 2000,
    LOOKS_MAX = 8,
    TEXT_MAX = 512 << 10,
    CONFIG_MAX = 128 << 10,
    EVENTS_MAX = 30, /* that are shown, the newest */
};

enum part { PART_MANAGERS, PART_JOBS, PART_EVENTS, PARTS };

struct detail;

/* One of the lists that are read for it. */
struct detail_part {
    struct detail *detail;
    struct fleet_list *list; /* NULL: it has ended */
    struct json_object *items;
};

/* A runner that is looked at, and how it looked. */
struct detail {
    struct list node, readers;
    struct fleet_runners *runners;
    char *key;
    struct arena mem;         /* until it is complete */
    struct observed observed; /* its memory may be gone by the time that the lists have come: what needs it is said … */
    struct json_object *said; /* … at once */
    struct detail_part parts[PARTS];
    unsigned waits; /* lists that have not ended */
    struct buf text;
    bool complete;
    int64_t until_ms; /* it is kept, when it is complete */
};

struct detail_reader {
    struct list node;
    struct detail *detail;
    struct serve_stream *stream;
    size_t written;
};

struct fleet_runners {
    const struct reconciler *rec;
    struct list details;
    struct loop_timer *sweep;
};

static const struct kube_resource pods = {.kind = "Pod", .api_version = "v1", .plural = "pods", .namespaced = true};
static const struct kube_resource events = {
    .kind = "Event", .api_version = "events.k8s.io/v1", .plural = "events", .namespaced = true};

static const struct json_keep pod_keeps[] = {
    {{"metadata", "name"}, 300, false},
    {{"metadata", "namespace"}, 100, false},
    {{"metadata", "creationTimestamp"}, 64, false},
    {{"metadata", "deletionTimestamp"}, 64, false},
    {{"metadata", "labels"}, 4 << 10, false},
    {{"metadata", "annotations"}, 4 << 10, false},
    {{"spec", "nodeName"}, 300, false},
    {{"status", "phase"}, 32, false},
    {{"status", "conditions"}, 2 << 10, false},
    {{"status", "containerStatuses"}, 3 << 10, false},
    {{"status", "initContainerStatuses"}, 2 << 10, false},
};

static const struct json_keep event_keeps[] = {
    {{"type"}, 32, false},
    {{"reason"}, 200, false},
    {{"note"}, 2 << 10, false},
    {{"eventTime"}, 64, false},
    {{"series"}, 200, false},
    {{"deprecatedCount"}, 16, false},
    {{"deprecatedLastTimestamp"}, 64, false},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What of it is kept for how long */

static void end_detail(struct detail *d)
{
    assert(list_empty(&d->readers));
    for (enum part part = 0; part < PARTS; part++) {
        fleet_list_cancel(d->parts[part].list);
        json_object_put(d->parts[part].items);
    }
    list_remove(&d->node);
    json_object_put(d->said);
    arena_finish(&d->mem);
    buf_finish(&d->text);
    free(d->key);
    free(d);
}

static void sweep_details(void *arg)
{
    struct fleet_runners *runners = arg;
    int64_t now = loop_now(reconciler_view(runners->rec).ctx->loop);

    list_each_safe (node, after, &runners->details) {
        struct detail *d = container_of(node, struct detail, node);
        if (d->complete && list_empty(&d->readers) && now >= d->until_ms)
            end_detail(d);
    }
    if (!list_empty(&runners->details))
        loop_timer_set(runners->sweep, KEPT_MS / 2);
}

static struct detail *find_detail(const struct fleet_runners *runners, const char *key)
{
    int64_t now = loop_now(reconciler_view(runners->rec).ctx->loop);

    list_each (node, &runners->details) {
        struct detail *d = container_of(node, struct detail, node);
        if (strcmp(d->key, key) == 0 && (!d->complete || now < d->until_ms))
            return d;
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Its end: all is said */

static int newest_first(const void *a, const void *b)
{
    int64_t of_a = json_int_or(*(struct json_object *const *)a, "last", 0),
            of_b = json_int_or(*(struct json_object *const *)b, "last", 0);

    return (of_a < of_b) - (of_a > of_b);
}

static void bound_events(struct json_object *list)
{
    size_t len = json_len(list);

    if (!list)
        return;
    json_object_array_sort(list, newest_first);
    if (len > EVENTS_MAX)
        json_object_array_del_idx(list, EVENTS_MAX, len - EVENTS_MAX);
}

static void complete_detail(struct detail *d)
{
    static const char *const names[] = {[PART_MANAGERS] = "managers", [PART_JOBS] = "jobs", [PART_EVENTS] = "events"};
    const struct context *ctx = reconciler_view(d->runners->rec).ctx;
    cleanup_json struct json_object *json = take(d->said);
    const char *config = fleet_look_config(&d->observed, &d->mem);

    bound_events(d->parts[PART_EVENTS].items);
    for (enum part part = 0; part < PARTS; part++)
        json_set(json, names[part], take(d->parts[part].items));
    json_set(json, "config", config && strlen(config) <= CONFIG_MAX ? json_build("%s", config) : NULL);
    if (!buf_addf(&d->text, "%s\n", json_text(json)))
        buf_adds(&d->text, "{\"headline\":\"there is more to be said of it than fits here\"}\n");
    arena_finish(&d->mem);
    d->complete = true;
    d->until_ms = loop_now(ctx->loop) + KEPT_MS;
    list_each (node, &d->readers)
        serve_stream_wake(container_of(node, struct detail_reader, node)->stream);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

static void on_part(void *arg, bool read, bool whole)
{
    struct detail_part *part = arg;

    (void)whole;
    part->list = NULL;
    if (!read) {
        json_object_put(part->items);
        part->items = NULL;
    }
    assert(part->detail->waits > 0);
    if (--part->detail->waits == 0)
        complete_detail(part->detail);
}

static void add_manager_pod(void *arg, struct json_object *pod)
{
    cleanup_arena struct arena a = {0};
    struct detail_part *part = arg;
    const struct observed *o = &part->detail->observed;
    const struct trouble_context in = {&o->owner, o->spec};
    struct trouble why = o->spec ? trouble_of_pod(pod, &in, &a) : (struct trouble){.reason = NULL};
    const char *phase = json_str_or(pod, "status.phase", "Unknown");

    json_append(part->items, json_build("{pod: %s, node: %s, state: %s, reason: %s}",
                                        json_str_or(pod, "metadata.name", ""), json_str(pod, "spec.nodeName"),
                                        json_str(pod, "metadata.deletionTimestamp") ? "Ending" : phase,
                                        why.reason ? arena_printf(&a, "%s: %s", why.reason, why.message) : NULL));
}

static const char *unless_blank(const char *text)
{
    return *text ? text : NULL;
}

static void add_job_pod(void *arg, struct json_object *pod)
{
    cleanup_arena struct arena a = {0};
    struct detail_part *part = arg;

    if (!job_pod_is_live(pod))
        return;
    const struct job job = job_of_pod(pod, &a);
    struct json_object *json = json_build("{id: %s, project: %s, stage: %s, name: %s, state: %s, pod: %s, node: %s}",
                                          unless_blank(job.id), unless_blank(job.project), unless_blank(job.stage),
                                          unless_blank(job.name), job.state, job.pod, unless_blank(job.node));
    if (job.since >= 0)
        json_set_int(json, "since", job.since);
    json_append(part->items, json);
}

static void add_seen_event(void *arg, struct json_object *event)
{
    struct detail_part *part = arg;
    const char *last = json_str(event, "series.lastObservedTime");
    int64_t count = json_int_or(event, "series.count", json_int_or(event, "deprecatedCount", 1));

    last = last ? last : json_str(event, "deprecatedLastTimestamp");
    last = last ? last : json_str(event, "eventTime");
    struct json_object *json =
        json_build("{type: %s, reason: %s, message: %s, count: %d}", json_str_or(event, "type", ""),
                   json_str_or(event, "reason", ""), json_str_or(event, "note", ""), count > 0 ? count : 1);
    if (last)
        json_set_int(json, "last", time_parse(last));
    json_append(part->items, json);
}

static void begin_part(struct detail *d, enum part at, const char *path, const struct json_keep *keeps, size_t len,
                       void (*each)(void *arg, struct json_object *object))
{
    struct detail_part *part = &d->parts[at];
    const struct fleet_list_want want = {
        .path = path, .keeps = keeps, .keeps_len = len, .pages_max = 2, .each = each, .done = on_part, .arg = part};

    *part = (struct detail_part){.detail = d, .items = json_build("[]")};
    part->list = fleet_list_start(reconciler_view(d->runners->rec).ctx->client, &want);
    d->waits++;
}

static void begin_parts(struct detail *d)
{
    cleanup_arena struct arena a = {0};
    const struct owner *owner = &d->observed.owner;
    const char *jobs_ns = d->observed.spec ? d->observed.spec->namespace : owner->ns;
    const char *of_jobs =
        arena_printf(&a, LABEL_JOB_POD ",%s=%s", LABEL_JOB_RUNNER, job_pods_label(owner->ns, owner->name, &a));
    const char *about = arena_printf(&a, "regarding.kind=" KIND ",regarding.name=%s", owner->name);

    begin_part(d, PART_MANAGERS,
               arena_printf(&a, "%s?limit=100&labelSelector=%s", kube_path(&pods, owner->ns, NULL, NULL, &a),
                            percent_escaped(selector_text(owner, &a), &a)),
               pod_keeps, ARRAY_LEN(pod_keeps), add_manager_pod);
    begin_part(d, PART_JOBS,
               arena_printf(&a, "%s?limit=100&labelSelector=%s", kube_path(&pods, jobs_ns, NULL, NULL, &a),
                            percent_escaped(of_jobs, &a)),
               pod_keeps, ARRAY_LEN(pod_keeps), add_job_pod);
    begin_part(d, PART_EVENTS,
               arena_printf(&a, "%s?limit=100&fieldSelector=%s", kube_path(&events, owner->ns, NULL, NULL, &a),
                            percent_escaped(about, &a)),
               event_keeps, ARRAY_LEN(event_keeps), add_seen_event);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Readers */

static struct detail *begin_detail(struct fleet_runners *runners, const struct record *runner, const char *key)
{
    const struct reconciler_view view = reconciler_view(runners->rec);

    if (list_len(&runners->details) >= LOOKS_MAX)
        sweep_details(runners);
    if (list_len(&runners->details) >= LOOKS_MAX)
        return NULL;
    struct detail *d = mem_alloc(sizeof(*d));
    d->runners = runners;
    d->key = mem_strdup(key);
    list_init(&d->readers);
    list_init(&d->node);
    buf_init(&d->text, TEXT_MAX);
    fleet_look(&view, runner, &d->observed, &d->mem);
    d->said = fleet_look_json(&d->observed, &d->mem);
    list_append(&runners->details, &d->node);
    loop_timer_set(runners->sweep, KEPT_MS / 2);
    begin_parts(d);
    return d;
}

static int refuse_look(struct buf *words, int status, const char *message)
{
    cleanup_json struct json_object *json = json_build("{message: %s}", message);

    buf_addf(words, "%s\n", json_text(json));
    return status;
}

/* The status of a refusal, or 200. */
static int may_look(struct auth *auth, const struct serve_request *request, const char *ns, struct buf *words)
{
    struct auth_user *who = auth ? auth_hold(auth, request) : NULL;
    bool known = !auth || who, may = known && auth_may_see(who, ns);

    if (!known)
        refuse_look(words, 503, "too many others look: try again");
    else if (!may)
        auth_refuse(auth, request, 403, words);
    auth_release(who);
    return !known ? 503 : may ? 200 : 403;
}

int fleet_runner_begin(struct fleet_runners *runners, struct auth *auth, const struct serve_request *request,
                       struct serve_stream *stream, void **ret_reader, struct buf *words)
{
    char ns[KUBE_NAMESPACE_MAX + 1], name[KUBE_NAME_MAX + 1];

    if (!serve_parameter(request, "namespace", ns, sizeof(ns)) || !serve_parameter(request, "name", name, sizeof(name)))
        return refuse_look(words, 400, "ask with ?namespace=NAMESPACE&name=NAME");
    int status = may_look(auth, request, ns, words);
    if (status != 200)
        return status;
    const struct key_text key = key_text(KIND, ns, name);
    const struct record *runner = store_get(reconciler_view(runners->rec).ctx->store, KIND_RUNNER, ns, name);
    if (!runner)
        return refuse_look(words, 404, "there is no such GitLabRunner");
    struct detail *d = find_detail(runners, key.text);
    if (!d)
        d = begin_detail(runners, runner, key.text);
    if (!d)
        return refuse_look(words, 503, "others are looked at: try again in some seconds");
    struct detail_reader *reader = mem_alloc(sizeof(*reader));
    *reader = (struct detail_reader){.detail = d, .stream = stream};
    list_init(&reader->node);
    list_append(&d->readers, &reader->node);
    *ret_reader = reader;
    return 200;
}

bool fleet_runner_next(void *arg, struct buf *piece)
{
    struct detail_reader *reader = arg;
    const struct buf *text = &reader->detail->text;
    size_t left = text->len - reader->written, len = left < SERVE_PIECE_MAX ? left : SERVE_PIECE_MAX;

    if (!reader->detail->complete)
        return true;
    buf_add(piece, text->data + reader->written, len);
    reader->written += len;
    return reader->written < text->len;
}

/* Whoever comes within two seconds still finds it. */
void fleet_runner_end(void *arg)
{
    struct detail_reader *reader = arg;
    struct detail *d = reader->detail;

    list_remove(&reader->node);
    free(reader);
    if (!d->complete && list_empty(&d->readers))
        end_detail(d);
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct fleet_runners *fleet_runners_create(const struct reconciler *rec)
{
    struct fleet_runners *runners = mem_alloc(sizeof(*runners));

    *runners = (struct fleet_runners){.rec = rec};
    list_init(&runners->details);
    runners->sweep = loop_timer_create(reconciler_view(rec).ctx->loop, sweep_details, runners);
    return runners;
}

void fleet_runners_destroy(struct fleet_runners *runners)
{
    if (!runners)
        return;
    list_each_safe (node, after, &runners->details)
        end_detail(container_of(node, struct detail, node));
    loop_timer_destroy(runners->sweep);
    free(runners);
}
