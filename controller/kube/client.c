/* The life of a call:
 *
 *   kube_start ─► HELD ──begin──► FLYING ──on_call_done──► ANSWERED: told, freed
 *                  ▲ │               │                        ▲
 *                  │ └── a plugin fails ──────────────────────┘
 *                  └── 401, 429, 5xx with Retry-After, lost: again, in its time
 *                                                       kube_cancel (in any state) ─► freed
 *
 *   1. A call is in the list of its state, held or flying; request is not 0 in FLYING alone.
 *   2. held is in order of start, also for those that come back to it, and begins in this order.
 *   3. Whatever is repeated here had no effect (401, 429) or may have it twice: all but POST, and a POST that is
 *      repeatable. What else failed goes to the caller, who looks again before it repeats: any other POST without an
 *      answer is never repeated.
 *   4. A 429 holds up all calls, a 5xx with Retry-After its own. */
#include "kube/client.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/list.h"
#include "base/machine.h"
#include "base/mem.h"
#include "kube/client_stats.h"
#include "kube/config.h"
#include "kube/credentials.h"
#include "kube/limit.h"
#include "kube/liveness.h"
#include "kube/object_text.h"
#include "net/loop.h"

enum {
    REQUEST_TIMEOUT_MS = 60 * 1000,
    REFUSAL_MAX = 64 << 10,
    DATA_MAX = 384 << 10, /* of what is let through of an answer that is too large            */
    REPEATS_MAX = 10,
    BUSY_MS = 1000,                 /* the pause after a 429 that names none                        */
    PATIENCE_MS = 60 * 1000,        /* who is sent away for longer is told so, and decides          */
    SUSPECT_SILENCE_MS = 30 * 1000, /* what a stream may keep silent when its peer is in doubt      */
};

struct kube_client {
    struct loop *loop;
    struct http *http;
    struct kube_config *config;
    struct credentials *credentials;
    struct list held, flying; /* calls                                                   */
    struct loop_timer *timer; /* armed when a held call may begin later without an event */
    struct limit limit;
    struct liveness *liveness;
    int64_t distrusted_ms; /* when the connections were given up last                    */
    int64_t throttled_ms;  /* how long calls have waited, all together                   */
    struct kube_stats stats;
    uint64_t last_id;
};

enum call_state { CALL_HELD, CALL_FLYING, CALL_ANSWERED };

/* One call. The texts are in mem. */
struct call {
    struct list node;
    struct kube_client *client;
    enum call_state state;
    uint64_t id, request;
    struct kube_request what; /* done NULL: a stream */
    struct kube_stream stream;
    int64_t held_ms, not_before_ms, began_ms;
    unsigned repeats;
    bool renewed;        /* it was repeated with another credential already */
    unsigned generation; /* of the credential that it was sent with         */
    bool resent;         /* … and because its connection broke              */
    struct kube_call counts;
    struct object_text answer; /* what has come of it */
    int64_t date_s;            /* … and when, by the server's clock */
    bool told;                 /* … or was passed on  */
    struct arena mem;
};

static void call_enter(struct call *call, enum call_state to)
{
    static const char *const names[] = {[CALL_HELD] = "held", [CALL_FLYING] = "flying", [CALL_ANSWERED] = "answered"};
    static const unsigned next[] = {
        [CALL_HELD] = MACHINE_TO(CALL_FLYING) | MACHINE_TO(CALL_ANSWERED),
        [CALL_FLYING] = MACHINE_TO(CALL_HELD) | MACHINE_TO(CALL_ANSWERED),
        [CALL_ANSWERED] = 0,
    };
    static const struct machine machine = MACHINE("call", names, next);

    machine_step(&machine, call->state, to);
    assert((to == CALL_FLYING) == (call->request != 0));
    call->state = to;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Calls begin */

static const char *const *headers_of(const struct call *call, struct arena *a)
{
    const struct kube_request *what = &call->what;
    const char *ours[3] = {NULL};

    ours[0] = arena_printf(a, "Accept: %s", what->accept ? what->accept : "application/json");
    if (what->body)
        ours[1] = arena_printf(a, "Content-Type: %s", what->content_type ? what->content_type : "application/json");
    return credentials_headers(call->client->credentials, ours, a);
}

static bool on_data(void *arg, const char *bytes, size_t len)
{
    struct call *call = arg;

    liveness_heard(call->client->liveness);
    call->told = call->what.data != NULL;
    if (call->stream.data)
        return call->stream.data(call->stream.arg, bytes, len);
    if (call->what.data)
        return call->what.data(call->what.arg, bytes, len);
    object_text_add(&call->answer, bytes, len);
    return true;
}

static void on_call_status(void *arg, long status)
{
    struct call *call = arg;

    liveness_heard(call->client->liveness);
    kube_stats_answered(&call->client->stats, &call->counts, status);
}

static void on_call_done(void *arg, const struct http_reply *reply);

static bool is_stream(const struct call *call)
{
    return call->what.done == NULL;
}

/* Whom the limit and its pauses do not concern. */
static bool is_exempt(const struct call *call)
{
    return is_stream(call) || call->what.urgent;
}

/* What must not have its effect twice. */
static bool is_single(const struct call *call)
{
    return strcmp(call->what.method, "POST") == 0 && !call->what.repeatable;
}

static struct http_request request_of(struct call *call, struct arena *a)
{
    const struct kube_client *client = call->client;
    const struct kube_request *what = &call->what;

    return (struct http_request){
        .method = what->method,
        .url = arena_printf(a, "%s%s", client->config->server, what->path),
        .headers = headers_of(call, a),
        .body = what->body,
        .body_len = what->body ? strlen(what->body) : 0,
        .fenced = !what->urgent && strcmp(what->method, "GET") != 0,
        .once = is_single(call),
        .proxy = client->config->proxy_url,
        .tls = credentials_tls(client->credentials),
        .timeout_ms = what->timeout_ms,
        .idle_timeout_ms = call->stream.idle_timeout_ms,
        .max_body = REFUSAL_MAX,
        .on_data = on_data,
        .on_status = on_call_status,
        .on_done = on_call_done,
        .arg = call,
    };
}

static void begin_call(struct call *call)
{
    assert(call->state == CALL_HELD && !list_empty(&call->node));
    cleanup_arena struct arena a = {0};
    struct kube_client *client = call->client;
    const struct http_request request = request_of(call, &a);
    int64_t now = loop_now(client->loop), waited_ms = now - call->held_ms;

    call->counts = (struct kube_call){
        .method = request.method, .sent = request.body_len, .began_us = clock_us(), .streamed = is_stream(call)};
    call->began_ms = now;
    call->generation = credentials_generation(client->credentials);
    client->throttled_ms += waited_ms;
    kube_stats_held(&client->stats, &call->counts, waited_ms);
    list_remove(&call->node);
    list_append(&client->flying, &call->node);
    if (!is_exempt(call))
        limit_begin(&client->limit);
    call->request = http_start(client->http, &request);
    call_enter(call, CALL_FLYING);
}

/* INT64_MAX: when something else has ended. */
static int64_t may_begin_ms(const struct call *call, int64_t now)
{
    const struct limit *limit = &call->client->limit;

    if (call->not_before_ms > now)
        return call->not_before_ms;
    if (is_exempt(call) || limit_admits(limit, now))
        return now;
    return limit->resume_ms > now ? limit->resume_ms : INT64_MAX;
}

static void begin_held_calls(struct kube_client *client)
{
    int64_t now = loop_now(client->loop), next = INT64_MAX;

    if (list_empty(&client->held))
        return;
    enum exec_state state = credentials_need(client->credentials);
    if (state != EXEC_HAVE) {
        loop_timer_set(client->timer, state == EXEC_FAILED ? 0 : -1);
        return;
    }
    list_each_safe (node, after, &client->held) {
        struct call *call = container_of(node, struct call, node);
        int64_t at = may_begin_ms(call, now);
        if (at <= now)
            begin_call(call);
        else if (at < next)
            next = at;
    }
    loop_timer_set(client->timer, next == INT64_MAX ? -1 : next - now);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Calls end */

static void call_free(struct call *call)
{
    list_remove(&call->node);
    object_text_finish(&call->answer);
    arena_finish(&call->mem);
    free(call);
}

/* A 2xx that is not JSON: cut off, or not the API server. */
static struct json_object *parse_reply(struct call *call, struct err *err)
{
    struct json_object *object = object_text_parse(&call->answer, err);
    const char *too_large = call->what.resource ? NULL : object_too_large(object);

    if (too_large)
        err_set(err, ERR_RETRY, "TooLarge", "the API server's answer: %s", too_large);
    else if (err->kind == ERR_INVALID)
        err->kind = ERR_RETRY;
    return object;
}

/* From now on its id is unknown. */
static void answer_call(struct call *call, const struct err *err)
{
    struct kube_reply result = {.err = *err, .size = call->answer.size, .date_s = call->date_s};
    cleanup_json struct json_object *object = NULL;

    call_enter(call, CALL_ANSWERED);
    list_remove(&call->node);
    if (is_stream(call)) {
        call->stream.end(call->stream.arg, err);
    } else {
        if (err->kind == ERR_NONE && !call->what.data)
            object = parse_reply(call, &result.err);
        result.object = result.err.kind == ERR_NONE ? object : NULL;
        call->what.done(call->what.arg, &result);
    }
    call_free(call);
}

/* The place among the held ones that it had. */
static void hold(struct call *call)
{
    assert(call->state == CALL_HELD && !call->request);
    struct list *held = &call->client->held, *before = held->next;

    while (before != held && container_of(before, struct call, node)->id < call->id)
        before = before->next;
    object_text_clear(&call->answer);
    call->held_ms = loop_now(call->client->loop);
    list_remove(&call->node);
    list_append(before, &call->node);
}

/* As long as the server asks, or up to a tenth more, so that not all come back at the same moment. */
static int64_t with_jitter(const struct http_reply *reply)
{
    return jitter(reply->retry_after_ms, reply->retry_after_ms / 10);
}

/* What the answer says about the server, for all that follow. */
static void learn_from_reply(const struct call *call, const struct http_reply *reply)
{
    struct kube_client *client = call->client;
    int64_t now = loop_now(client->loop);
    bool busy = reply->status == 429;

    if (reply->err.kind == ERR_DENIED) /* by TLS: perhaps certificates have rotated */
        credentials_reread(client->credentials);
    if (busy)
        limit_pause(&client->limit, reply->retry_after_ms ? with_jitter(reply) : BUSY_MS, now);
    if (busy || reply->status == 503 || reply->status == 504 || reply->mute)
        limit_cut(&client->limit, call->began_ms, now);
    else if (reply->status / 100 == 2 && !is_exempt(call))
        limit_raise(&client->limit);
    if (reply->mute && call->began_ms >= client->distrusted_ms) { /* those that began earlier are on old connections */
        client->distrusted_ms = now + 1;
        http_distrust(client->http, client->config->server, SUSPECT_SILENCE_MS);
    }
}

static bool was_sent_away(const struct call *call, const struct http_reply *reply)
{
    bool no_effect = reply->status == 429, again = no_effect || (reply->status >= 500 && !is_single(call));

    return again && !is_exempt(call) && reply->retry_after_ms > 0 && reply->retry_after_ms <= PATIENCE_MS &&
           call->repeats < REPEATS_MAX;
}

/* The connection broke (a server that restarts or sends us away, and requests that crossed its GOAWAY): once. */
static bool was_lost(const struct call *call, const struct http_reply *reply)
{
    bool lost = reply->err.kind == ERR_RETRY && strcmp(reply->err.reason, "ConnectionLost") == 0;

    return lost && reply->sent && !reply->mute && !call->resent && !call->told && !is_exempt(call) && !is_single(call);
}

/* True when the call is to be sent again, at call->not_before_ms. */
static bool repeats(struct call *call, const struct http_reply *reply)
{
    if (reply->status == 401 && !call->renewed) {
        call->renewed = true;
        return credentials_renew(call->client->credentials, call->generation);
    }
    if (was_lost(call, reply)) {
        call->resent = true;
        return true;
    }
    if (!was_sent_away(call, reply))
        return false;
    call->repeats++;
    if (reply->status != 429) /* which is the limit's affair */
        call->not_before_ms = loop_now(call->client->loop) + with_jitter(reply);
    return true;
}

static void on_call_done(void *arg, const struct http_reply *reply)
{
    struct call *call = arg;
    struct kube_client *client = call->client;
    struct err err = reply->err;

    assert(call->state == CALL_FLYING);
    call->request = 0;
    call->date_s = reply->date_s;
    kube_stats_ended(&client->stats, &call->counts, reply, call->answer.size);
    if (!is_exempt(call))
        limit_end(&client->limit);
    learn_from_reply(call, reply);
    if (err.kind == ERR_NONE)
        err = kube_classify(reply->status, reply->body, reply->len, reply->retry_after_ms);
    if (repeats(call, reply)) {
        kube_stats_repeated(&client->stats, &call->counts, reply->status);
        call_enter(call, CALL_HELD);
        hold(call);
    } else {
        answer_call(call, &err);
    }
    begin_held_calls(client);
}

/* Without a credential nothing can be asked. Calls that start meanwhile have their own turn. */
static void fail_held(struct kube_client *client)
{
    uint64_t last = client->last_id;

    while (!list_empty(&client->held)) {
        struct call *call = container_of(client->held.next, struct call, node);
        if (call->id > last)
            break;
        answer_call(call, credentials_error(client->credentials));
    }
}

static void on_call_timer(void *arg)
{
    struct kube_client *client = arg;

    if (credentials_need(client->credentials) == EXEC_FAILED)
        fail_held(client);
    begin_held_calls(client);
}

/* A plugin has ended. */
static void on_credential(void *arg)
{
    struct kube_client *client = arg;

    loop_timer_set(client->timer, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

/* Whatever comes, it came; what does not come is seen by learn_from_reply(). */
static void on_sign(void *arg, const struct kube_reply *reply)
{
    (void)arg, (void)reply;
}

static void ask_for_a_sign(void *arg)
{
    const struct kube_request request = {
        .method = "GET", .path = "/version", .timeout_ms = LIVENESS_ANSWER_MS, .urgent = true, .done = on_sign};

    kube_start(arg, &request);
}

struct kube_client *kube_client_create(struct loop *loop, struct http *http, struct kube_config *config)
{
    struct kube_client *client = mem_alloc(sizeof(*client));

    *client = (struct kube_client){.loop = loop, .http = http, .config = config};
    list_init(&client->held);
    list_init(&client->flying);
    client->liveness = liveness_create(loop, ask_for_a_sign, client);
    limit_init(&client->limit);
    kube_stats_init(&client->stats, config->server);
    client->timer = loop_timer_create(loop, on_call_timer, client);
    client->credentials = credentials_create(loop, http, config, on_credential, client);
    return client;
}

static void cancel(struct call *call)
{
    assert(call->state != CALL_ANSWERED);
    if (call->state == CALL_FLYING)
        http_cancel(call->client->http, call->request);
    if (call->state == CALL_FLYING && !is_exempt(call))
        limit_end(&call->client->limit);
    call_free(call);
}

void kube_client_destroy(struct kube_client *client)
{
    if (!client)
        return;
    struct list *const lists[] = {&client->held, &client->flying};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        list_each_safe (node, after, lists[i])
            cancel(container_of(node, struct call, node));
    }
    liveness_destroy(client->liveness);
    credentials_destroy(client->credentials);
    loop_timer_destroy(client->timer);
    free(client);
}

static uint64_t start_kube_call(struct kube_client *client, const struct kube_request *what,
                                const struct kube_stream *stream)
{
    struct call *call = mem_alloc(sizeof(*call));
    struct arena *a = &call->mem;

    call->client = client;
    call->id = ++client->last_id;
    call->what = *what;
    call->what.method = arena_strdup(a, what->method);
    call->what.path = arena_strdup(a, what->path);
    call->what.content_type = arena_strdup(a, what->content_type);
    call->what.accept = arena_strdup(a, what->accept);
    call->what.body = arena_strdup(a, what->body);
    call->what.data_key = arena_strdup(a, what->data_key);
    call->stream = *stream;
    object_text_init(&call->answer, what->resource, false, what->answer_max);
    if (what->data_key)
        object_text_keep(&call->answer, "data", call->what.data_key, DATA_MAX);
    list_init(&call->node);
    hold(call);
    begin_held_calls(client);
    return client->last_id;
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    assert(request->method && *request->path == '/' && request->done);
    struct kube_request what = *request;

    if (what.timeout_ms <= 0)
        what.timeout_ms = REQUEST_TIMEOUT_MS;
    return start_kube_call(client, &what, &(struct kube_stream){0});
}

uint64_t kube_stream(struct kube_client *client, const struct kube_stream *stream)
{
    assert(stream->data && stream->end);
    const struct kube_request what = {.method = "GET", .path = stream->path, .accept = stream->accept};

    liveness_begin(client->liveness);
    return start_kube_call(client, &what, stream);
}

static struct call *find_call(struct list *calls, uint64_t id)
{
    list_each (node, calls) {
        struct call *call = container_of(node, struct call, node);
        if (call->id == id)
            return call;
    }
    return NULL;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    struct call *call = find_call(&client->flying, id);

    if (!call)
        call = find_call(&client->held, id);
    if (!call)
        return;
    cancel(call);
    loop_timer_set(client->timer, 0); /* its place is free */
}

const struct kube_stats *kube_stats(const struct kube_client *client)
{
    return &client->stats;
}

struct kube_traffic kube_traffic(const struct kube_client *client)
{
    return (struct kube_traffic){
        .limit = (unsigned)client->limit.size,
        .in_flight = client->limit.in_flight,
        .held = (unsigned)list_len(&client->held),
        .throttled_ms = client->throttled_ms,
        .ca_reloads = client->config->ca_reloads,
    };
}
