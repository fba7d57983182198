#include "web/debug_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "version.h"
#include "operator/errand.h"
#include "operator/informers.h"
#include "operator/kinds.h"
#include "kube/lease.h"
#include "kube/queue.h"
#include "net/loop.h"
#include "operator/state.h"
#include "runner/names.h"

enum { SOME_MAX = 100 };

static int64_t ms_since(int64_t begin_us)
{
    return (clock_us() - begin_us) / 1000;
}

static void add_watch(void *arg, const struct informer_facts *informer)
{
    json_append(arg, json_build("{kind: %s, namespace: %s, state: %s, synced: %b, resourceVersion: %s, problem: %s, "
                                "lists: %d, watches: %d, shortWatches: %d, pauses: %d}",
                                informer->kind, *informer->ns ? informer->ns : NULL, informer->state, informer->synced,
                                informer->version, informer->problem, (int64_t)informer->counts.lists,
                                (int64_t)informer->counts.watches, (int64_t)informer->counts.short_watches,
                                (int64_t)informer->counts.pauses));
}

static struct json_object *watches_json(const struct reconciler_view *view)
{
    struct json_object *watches = json_build("[]");

    informers_each(view->informers, add_watch, watches);
    return watches;
}

static struct json_object *lease_json(const struct lease *lease)
{
    return json_build("{name: %s, leading: %b, term: %d, renewalOverdue: %b, slowPaths: %d}", lease_name(lease),
                      lease_is_leading(lease), (int64_t)lease_term(lease), lease_renewal_overdue(lease),
                      (int64_t)lease_slow_paths(lease));
}

static struct json_object *requests_json(const struct kube_client *client)
{
    const struct kube_traffic traffic = kube_traffic(client);

    return json_build("{max: %d, inFlight: %d, held: %d, heldMs: %d}", (int64_t)traffic.limit,
                      (int64_t)traffic.in_flight, (int64_t)traffic.held, traffic.throttled_ms);
}

static struct json_object *queue_json(const struct reconciler_view *view)
{
    int64_t next = queue_next_ms(view->queue, QUEUE_ROUTINE), now = loop_now(view->ctx->loop);

    return json_build("{depth: %d, delayed: %d, oldestMs: %d, nextInMs: %d}", (int64_t)queue_depth(view->queue),
                      (int64_t)queue_delayed(view->queue), (int64_t)(view->oldest_seconds * 1000),
                      next < 0     ? -1
                      : next > now ? next - now
                                   : 0);
}

static struct json_object *turn_json(const struct turn *turn)
{
    const char *awaits = turn->request || turn->reading ? "API server" : "nothing";

    return json_build("{runner: %s, reconcileID: %s, cause: %s, rule: %s, action: %s, awaits: %s, ageMs: %d, "
                      "awaitsMs: %d, steps: %d}",
                      key_path(turn->state->key), turn->id, turn->cause, turn->asked.rule,
                      act_kind_name(turn->asked.kind), awaits, ms_since(turn->began_us), ms_since(turn->asked_us),
                      (int64_t)turn->steps);
}

static struct json_object *errand_json(const struct errand *errand)
{
    static const char *const stages[] = {[ERRAND_IN_LINE] = "in line",
                                         [ERRAND_LET_IN] = "let in",
                                         [ERRAND_CALLING] = "calling",
                                         [ERRAND_ANSWERED] = "answered"};
    bool calls = errand->call != NULL;

    return json_build("{runner: %s, reconcileID: %s, cause: %s, stage: %s, rule: %s, call: %s, ageMs: %d}",
                      key_path(errand->state->key), errand->id, errand->cause, stages[errand->stage],
                      calls ? errand->asked.rule : NULL, calls ? gitlab_call_name(errand->asked.gitlab.call) : NULL,
                      ms_since(errand->began_us));
}

/* SOME_MAX of them: of those that wait there may be thousands. */
static struct json_object *errands_json(const struct reconciler_view *view)
{
    struct json_object *errands = json_build("[]");

    list_each (node, view->errands)
        if (json_len(errands) < SOME_MAX)
            json_append(errands, errand_json(container_of(node, struct errand, node)));
    return errands;
}

static struct json_object *turns_json(const struct reconciler_view *view)
{
    struct json_object *turns = json_build("[]");

    list_each (node, view->turns)
        json_append(turns, turn_json(turn_of(container_of(node, struct work, node))));
    return turns;
}

/* What failed and is to be tried again; SOME_MAX of them all together. */
static void add_failures(struct json_object *failures, const struct state *state, int64_t now_ms)
{
    const struct troubles *troubles = memory_troubles(&state->memory);

    for (size_t i = 0; i < troubles->len && json_len(failures) < SOME_MAX; i++) {
        const struct failure *failed = &troubles->failures[i];
        const struct attempt *attempt = &failed->attempt;
        json_append(failures, json_build("{runner: %s, rule: %s, reason: %s, error: %s, times: %d, retryInMs: %d}",
                                         key_path(state->key), attempt->rule, attempt->err.reason, attempt->err.text,
                                         (int64_t)failed->count, attempt->retry_at_ms - now_ms));
    }
}

static struct json_object *failures_json(const struct reconciler_view *view)
{
    struct json_object *failures = json_build("[]");
    const char *key;
    void *state;

    for (size_t i = 0; map_iter(&view->states->by_key, &i, &key, &state);)
        add_failures(failures, state, loop_now(view->ctx->loop));
    return failures;
}

/* NULL: GitLab is called directly. */
static struct json_object *proxy_json(const struct reconciler_view *view)
{
    const struct host *fares;
    const char *url = gitlab_proxy(view->ctx->gitlab, &fares);
    int64_t left = url ? fares->open_until_ms - loop_now(view->ctx->loop) : 0;

    if (!url)
        return NULL;
    return json_build("{url: %s, state: %s, failures: %d, error: %s, retryInMs: %d}", url,
                      host_state_name(fares->state), (int64_t)fares->failures,
                      *fares->last.text ? fares->last.text : NULL, fares->state == HOST_OPEN && left > 0 ? left : 0);
}

static struct json_object *host_json(const struct gate_sight *sight, int64_t now_ms)
{
    const struct host *host = sight->transport;
    int64_t left = host ? host->open_until_ms - now_ms : 0;
    bool failed = host && host->failures;

    return json_build("{host: %s, state: %s, failures: %d, error: %s, retryInMs: %d, inFlight: %d, waiting: %d, "
                      "heldCredentials: %d}",
                      sight->name, host ? host_state_name(host->state) : NULL, host ? (int64_t)host->failures : 0,
                      failed ? host->last.text : NULL, sight->open && left > 0 ? left : 0, (int64_t)sight->inside,
                      (int64_t)sight->waiting, (int64_t)sight->held);
}

static struct json_object *hosts_json(const struct reconciler_view *view)
{
    struct json_object *hosts = json_build("[]");
    struct gate_sight sights[GATE_SIGHTS + 1];
    size_t len = gitlab_sights(view->ctx->gitlab, sights);

    for (size_t i = 0; i < len; i++)
        json_append(hosts, host_json(&sights[i], loop_now(view->ctx->loop)));
    return hosts;
}

static struct json_object *objects_json(const struct reconciler_view *view)
{
    struct json_object *objects = json_build("{}");

    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        json_set_int(objects, kind_resource(kind)->kind, (int64_t)store_count(view->ctx->store, kind));
    return objects;
}

/* A text that should be JSON as such; else as a string. */
static struct json_object *json_or_text(const char *text)
{
    struct json_object *parsed = json_parse_text(text);

    return parsed ? parsed : json_build("%s", text);
}

static struct json_object *problems_json(void)
{
    struct json_object *problems = json_build("[]");
    const char *line;

    for (size_t i = 0; (line = log_recent(i)); i++)
        json_append(problems, json_or_text(line));
    return problems;
}

static struct json_object *state_json(const struct reconciler_view *view)
{
    const struct stats *stats = view->ctx->stats;
    int64_t uptime = loop_wall(view->ctx->loop) - (int64_t)stats->start;
    struct json_object *state =
        json_build("{version: %s, instance: %s, uptimeSeconds: %d, synced: %b, stopping: %b, turnsBegun: %d}",
                   version_text(), view->ctx->instance, uptime, view->synced, view->draining, (int64_t)stats->turns);

    if (view->ctx->lease)
        json_set(state, "lease", lease_json(view->ctx->lease));
    json_set(state, "watches", watches_json(view));
    json_set(state, "objects", objects_json(view));
    json_set(state, "requests", requests_json(view->ctx->client));
    json_set(state, "queue", queue_json(view));
    json_set(state, "turns", turns_json(view));
    json_set_int(state, "specBytes", (int64_t)spec_cache_bytes(view->ctx->specs));
    json_set(state, "gitlabCalls", errands_json(view));
    json_set(state, "gitlabHosts", hosts_json(view));
    json_set(state, "gitlabProxy", proxy_json(view));
    json_set(state, "failures", failures_json(view));
    json_set(state, "problems", problems_json());
    return state;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One runner */

static void add_record(void *arg, unsigned kind, const struct record *record)
{
    cleanup_arena struct arena a = {0};

    json_append(arg, json_build("{kind: %s, namespace: %s, name: %s, uid: %s, resourceVersion: %s, kept: %o}",
                                kind_resource(kind)->kind, record->ns, record->name, record->uid, record->version,
                                kept_json(kind, record)));
}

static struct json_object *records_json(const struct store *store, const struct key *key)
{
    struct json_object *records = json_build("[]");
    const struct record *record = store_get(store, KIND_RUNNER, key->ns, key->name);
    if (record)
        add_record(records, KIND_RUNNER, record);
    store_each_owned(store, key_text(KIND, key->ns, key->name).text, add_record, records);
    return records;
}

static struct json_object *runner_json(const struct reconciler_view *view, const struct key *key)
{
    const struct key_text text = key_text(KIND, key->ns, key->name);
    const struct state *state = map_get(&view->states->by_key, text.text);
    struct json_object *failures = json_build("[]");

    if (state)
        add_failures(failures, state, loop_now(view->ctx->loop));
    return json_build("{runner: %s, records: %o, failures: %o}", key_path(text.text),
                      records_json(view->ctx->store, key), failures);
}

/* ------------------------------------------------------------------------------------------------------------------ */

int debug_state_page(const struct reconciler *rec, const struct serve_request *request, struct buf *body)
{
    const struct reconciler_view view = reconciler_view(rec);
    char text[512];
    bool one = serve_parameter(request, "key", text, sizeof(text));
    struct key key;

    if (one && !key_parse(text, &key)) {
        buf_adds(body, "key must be NAMESPACE/NAME\n");
        return 400;
    }
    cleanup_json struct json_object *state = one ? runner_json(&view, &key) : state_json(&view);
    buf_adds(body, json_text(state));
    buf_adds(body, "\n");
    return 200;
}
