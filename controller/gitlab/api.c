#include "gitlab/op.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/clock.h"
#include "base/followed.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "net/http.h"

enum {
    TIMEOUT_MS = 30 * 1000,
    ANSWER_MAX = 64 << 10, /* most have some hundred bytes; pages of proxies have more, and are told of */
    SHOWN_MAX = 128 << 10, /* a runner as GitLab shows it: some 500 projects that share one */
};

/* How each call is put. Runner and registration tokens travel in the body, access tokens in a header. */
struct shape {
    const char *method, *path; /* %lld: runner id */
    bool token_in_body, attributes;
    int ok;
    size_t max_answer;
};

static const struct shape shapes[] = {
    [GITLAB_OP_REGISTER] = {"POST", "/runners", true, true, 201, ANSWER_MAX},
    [GITLAB_OP_CREATE] = {"POST", "/user/runners", false, true, 201, ANSWER_MAX},
    [GITLAB_OP_VERIFY] = {"POST", "/runners/verify", true, false, 200, ANSWER_MAX},
    [GITLAB_OP_RESET] = {"POST", "/runners/%lld/reset_authentication_token", false, false, 201, ANSWER_MAX},
    [GITLAB_OP_UPDATE] = {"PUT", "/runners/%lld", false, true, 200, SHOWN_MAX},
    [GITLAB_OP_DEREGISTER] = {"DELETE", "/runners", true, false, 204, ANSWER_MAX},
    [GITLAB_OP_REMOVE] = {"DELETE", "/runners/%lld", false, false, 204, ANSWER_MAX},
    [GITLAB_OP_SHOW] = {"GET", "/runners/%lld", false, false, 200, SHOWN_MAX},
    [GITLAB_OP_VERSION] = {"GET", "/version", false, false, 200, ANSWER_MAX},
    [GITLAB_OP_SELF] = {"GET", "/personal_access_tokens/self", false, false, 200, ANSWER_MAX},
    [GITLAB_OP_ROTATE] = {"POST", "/runners/reset_authentication_token", true, false, 201, ANSWER_MAX},
};

struct gitlab *gitlab_create(struct loop *loop, struct http *http, const struct gitlab_settings *settings)
{
    struct gitlab *gitlab = mem_alloc(sizeof(*gitlab));
    unsigned concurrency = settings ? settings->concurrency : 0;

    gitlab->loop = loop;
    gitlab->http = http;
    digest_key_make(&gitlab->callers);
    gitlab->gate = gate_create(loop, concurrency ? concurrency : GATE_CONCURRENCY);
    if (!settings)
        return gitlab;
    gitlab->policy = settings->policy;
    gitlab->egress = settings->egress;
    gitlab->proxy_auth = followed_create(settings->egress.auth_file);
    gitlab->proxy_ca = followed_create(settings->egress.ca_file);
    return gitlab;
}

void gitlab_destroy(struct gitlab *gitlab)
{
    if (!gitlab)
        return;
    gate_destroy(gitlab->gate);
    followed_destroy(gitlab->proxy_auth);
    followed_destroy(gitlab->proxy_ca);
    free(gitlab);
}

const char *gitlab_proxy(const struct gitlab *gitlab, const struct host **ret_fares)
{
    *ret_fares = gate_proxy(gitlab->gate);
    return gitlab->egress.proxy;
}

size_t gitlab_sights(const struct gitlab *gitlab, struct gate_sight ret[static GATE_SIGHTS + 1])
{
    return gate_sights(gitlab->gate, ret);
}

int64_t gitlab_asked_us(const struct gitlab_op *op)
{
    return op->asked_us;
}

size_t gitlab_inside(const struct gitlab *gitlab)
{
    return gitlab ? gate_inside(gitlab->gate) : 0;
}

size_t gitlab_waiting(const struct gitlab *gitlab)
{
    return gitlab ? gate_waiting(gitlab->gate) : 0;
}

static bool is_proxied(const struct gitlab *gitlab, const char *url, const char *address)
{
    return egress_is_proxied(&gitlab->egress, url, address);
}

/* Behind a proxy nobody sees the address, so what is asked of it is judged beforehand. */
static bool is_allowed(const struct gitlab *gitlab, const char *url, const char *address, struct err *ret_err)
{
    return policy_allows_url(&gitlab->policy, url, address, ret_err) &&
           (!is_proxied(gitlab, url, address) || policy_allows_through_proxy(&gitlab->policy, url, address, ret_err));
}

static uint64_t caller_of(const struct gitlab *gitlab, const struct gitlab_request *call)
{
    return (digest_keyed(&gitlab->callers, call->token ? call->token : "") & ~UINT64_C(0xff)) | (uint64_t)call->op;
}

struct gate_door gitlab_door(const struct gitlab *gitlab, const struct gitlab_request *call)
{
    return (struct gate_door){.url = call->url,
                              .address = call->address,
                              .ns = call->ns ? call->ns : "",
                              .caller = caller_of(gitlab, call),
                              .proxied = is_proxied(gitlab, call->url, call->address)};
}

enum gate_verdict gitlab_enter(struct gitlab *gitlab, struct gate_pass *pass, const struct gate_door *door,
                               struct err *ret_err)
{
    if (!is_allowed(gitlab, door->url, door->address, ret_err))
        return GATE_REFUSE;
    return gate_enter(gitlab->gate, pass, door, ret_err);
}

void gitlab_step_back(struct gitlab *gitlab, struct gate_pass *pass)
{
    gate_cancel(gitlab->gate, pass);
}

static void op_enter(struct gitlab_op *op, enum op_state to)
{
    static const char *const names[] = {[OP_RESTING] = "resting", [OP_AT_GATE] = "at the gate", [OP_ASKING] = "asking"};
    static const unsigned next[] = {
        [OP_RESTING] = MACHINE_TO(OP_AT_GATE),
        [OP_AT_GATE] = MACHINE_TO(OP_ASKING),
        [OP_ASKING] = MACHINE_TO(OP_RESTING),
    };
    static const struct machine machine = MACHINE("op", names, next);

    machine_step(&machine, op->state, to);
    assert((to == OP_ASKING) == (op->request != 0));
    op->state = to;
}

static void op_free(struct gitlab_op *op)
{
    gate_cancel(op->gitlab->gate, &op->pass);
    search_free(op->search);
    arena_finish(&op->step);
    arena_finish(&op->mem);
    free(op);
}

void gitlab_cancel(struct gitlab_op *op)
{
    http_cancel(op->gitlab->http, op->request);
    op_free(op);
}

void op_answer(struct gitlab_op *op, const struct gitlab_answer *result)
{
    op->done(op->arg, result);
    op_free(op);
}

void op_answer_error(struct gitlab_op *op, const struct err *err, bool ambiguous)
{
    op_answer(op, &(struct gitlab_answer){.err = *err, .ambiguous = ambiguous});
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Replies */

/* Plain http is the proxy's to forward, or to refuse: with a status that GitLab never has, or in no words of GitLab's.
 */
static bool is_refused_by_proxy(const struct gitlab_op *op, const struct http_reply *reply, const struct err *err)
{
    bool forwarded = op->proxied && !op->call.address && strncasecmp(op->call.url, "http:", 5) == 0;
    bool others = reply->status == 403 && strcmp(err->reason, "UnexpectedAnswer") == 0;

    return forwarded && (reply->status == 407 || others);
}

/* What a reply that is not the expected one means. */
static struct err failure_of(const struct gitlab_op *op, const struct http_reply *reply)
{
    struct err err = reply->err;

    if (err.kind == ERR_NONE) {
        size_t len = reply->status / 100 == 2 ? 0 : reply->len; /* a good answer is read elsewhere */
        err = gitlab_classify(op->call.op, op->call.url, reply->status, len ? reply->body : "", len,
                              reply->retry_after_ms);
        if (is_refused_by_proxy(op, reply, &err))
            err_set(&err, ERR_DENIED, "ProxyRefused", "%s: the proxy answered %ld", op->call.url, reply->status);
        else
            return err;
    }
    gitlab_explain(&err);
    return err;
}

/* The server may have done what was asked for, whatever it says. */
static bool may_be_done(const struct http_reply *reply)
{
    return reply->err.kind == ERR_NONE ? reply->status >= 500 || reply->status / 100 == 2 : reply->sent;
}

bool op_expect(struct gitlab_op *op, const struct http_reply *reply, int status)
{
    if (reply->err.kind == ERR_NONE && reply->status == status)
        return true;
    op_answer_error(op, &op->failure, may_be_done(reply));
    return false;
}

static const char *content_of(const struct http_reply *reply, struct arena *a)
{
    return *reply->content_type ? charset_to_prose(arena_printf(a, "%s", shown(reply->content_type, 60).text))
                                : "no type";
}

/* It is about what was asked for, and not the answer to somebody else's call. */
static const char *mistaken(const struct gitlab_op *op, struct json_object *body)
{
    static const unsigned by_id = 1u << GITLAB_OP_UPDATE | 1u << GITLAB_OP_SHOW | 1u << GITLAB_OP_FIND;

    if ((by_id & (1u << op->call.op)) && json_int_or(body, "id", 0) != op->call.runner_id)
        return "id";
    if (op->call.op == GITLAB_OP_VERIFY && strcmp(json_str_or(body, "token", ""), op->call.token) != 0)
        return "token";
    return NULL;
}

struct json_object *op_read(struct gitlab_op *op, const struct http_reply *reply)
{
    struct err err, unread;
    struct json_object *body = arena_json(&op->step, json_parse(reply->body, reply->len, &unread));
    const char *complaint = body ? answer_complaint(op->call.op, body) : unread.reason;

    if (!complaint)
        complaint = mistaken(op, body);
    if (!complaint)
        return body;
    err_set(&err, ERR_RETRY, "UnexpectedAnswer",
            "%s answered %ld, but not in GitLab's JSON (%s; %s): check that spec.url is a GitLab server", op->call.url,
            reply->status, content_of(reply, &op->step), complaint);
    op_answer_error(op, &err, true);
    return NULL;
}

/* What was to be done is done already: GitLab knows neither token nor runner. */
static bool is_gone(const struct gitlab_op *op, long status)
{
    return (op->call.op == GITLAB_OP_DEREGISTER && status == 403) || (op->call.op == GITLAB_OP_REMOVE && status == 404);
}

static void on_answer(struct gitlab_op *op, const struct http_reply *reply)
{
    struct gitlab_answer result = {.id = op->call.runner_id};

    if (refusal_is_in_gitlabs_words(op->call.op, reply)) {
        result.unknown = is_gone(op, reply->status);
        if (!result.unknown)
            result.err = op->failure;
        op_prove(op, &result);
        return;
    }
    if (!op_expect(op, reply, shapes[op->call.op].ok))
        return;
    if (shapes[op->call.op].ok != 204 && !(result.body = op_read(op, reply)))
        return;
    result.id = json_int_or(result.body, "id", op->call.runner_id);
    result.token = json_str(result.body, "token");
    result.expiration = json_str(result.body, op->call.op == GITLAB_OP_SELF ? "expires_at" : "token_expires_at");
    op_answer(op, &result);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One request */

/* What the fence has held back says nothing about anybody. */
static bool is_fenced(const struct http_reply *reply)
{
    return strcmp(reply->err.reason, "Fenced") == 0;
}

static bool is_cut_off(const struct http_reply *reply)
{
    return strcmp(reply->err.reason, PROXY_UNREACHABLE) == 0;
}

/* Whether the host can be connected to. A certificate that one caller does not trust, or an address that nobody may
 * call, is no failure of it. */
static enum host_outcome transport_of(const struct http_reply *reply)
{
    if (is_fenced(reply))
        return HOST_DROPPED;
    if (is_cut_off(reply))
        return HOST_BLOCKED;
    return reply->err.kind == ERR_RETRY && !reply->sent ? HOST_FAILED : HOST_ANSWERED;
}

/* What it has answered this caller. */
static enum host_outcome answer_of(const struct http_reply *reply)
{
    if (is_fenced(reply) || (reply->err.kind != ERR_NONE && !reply->sent))
        return HOST_DROPPED;
    if (reply->err.kind == ERR_RETRY || reply->status >= 500)
        return HOST_FAILED;
    return reply->status == 429 ? HOST_LIMITED : HOST_ANSWERED;
}

static void on_http_done(void *arg, const struct http_reply *reply)
{
    struct gitlab_op *op = arg;

    op->request = 0;
    op_enter(op, OP_RESTING);
    op->failure = failure_of(op, reply);
    gate_end(op->gitlab->gate, &op->pass, transport_of(reply), answer_of(reply), &op->failure);
    op->on_reply(op, reply);
}

/* Without a place, or with one that a breaker has made worthless since. */
static void on_gate(struct gate_pass *pass, const struct err *refusal)
{
    struct gitlab_op *op = container_of(pass, struct gitlab_op, pass);
    struct err err;

    if (refusal) {
        op_answer_error(op, refusal, false);
        return;
    }
    op->asked_us = clock_us();
    if (!gate_begin(op->gitlab->gate, pass, &err)) {
        gate_refuse(op->gitlab->gate, pass, &err);
        return;
    }
    op->request = http_start(op->gitlab->http, &op->next_request);
    op_enter(op, OP_ASKING);
}

/* The call keeps its place from its first request to its last. */
static void pass_the_gate(struct gitlab_op *op)
{
    const struct gate_door door = gitlab_door(op->gitlab, &op->call);
    struct gate *gate = op->gitlab->gate;
    struct err err;
    bool inside = op->pass.state == PASS_INSIDE;
    enum gate_verdict verdict = inside ? GATE_GO : gate_enter(gate, &op->pass, &door, &err);

    op_enter(op, OP_AT_GATE);
    if (verdict == GATE_GO)
        on_gate(&op->pass, NULL);
    else if (verdict == GATE_REFUSE)
        gate_refuse(gate, &op->pass, &err);
}

/* Without credentials that can be read it is asked all the same: its answer says what it lacks. */
static void go_through_the_proxy(struct gitlab_op *op)
{
    struct err unread;

    op->next_request.proxy = op->gitlab->egress.proxy;
    op->next_request.proxy_auth = followed_text(op->gitlab->proxy_auth, &unread);
    op->next_request.proxy_ca = followed_text(op->gitlab->proxy_ca, &unread);
}

void op_send(struct gitlab_op *op, const struct op_message *message, op_reply_fn *on_reply)
{
    const struct gitlab_request *call = &op->call;
    bool post = strcmp(message->method, "POST") == 0;

    arena_finish(&op->step);
    const char **headers = arena_alloc(&op->step, 4 * sizeof(*headers)), *body = arena_strdup(&op->step, message->body);
    size_t n = 0;
    headers[n++] = "Accept: application/json";
    if (body)
        headers[n++] = "Content-Type: application/json";
    if (message->with_token)
        headers[n++] = arena_printf(&op->step, "PRIVATE-TOKEN: %s", call->token);
    op->on_reply = on_reply;
    op->next_request = (struct http_request){
        .method = message->method,
        .url = arena_printf(&op->step, "%s/api/v4%s", call->url, message->path),
        .headers = headers,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .fenced = true,
        .once = post,
        .alone = post,
        .connect_to = call->address,
        .refuse_address = op->proxied ? NULL : policy_refuses_address, /* that of the proxy is the administrator's */
        .policy = &op->gitlab->policy,
        .tls = {.ca_pem = call->ca_pem,
                .client_cert = call->client_cert,
                .client_key = call->client_key,
                .tells_demand = true},
        .timeout_ms = TIMEOUT_MS,
        .max_body = message->max_answer,
        .on_done = on_http_done,
        .arg = op,
    };
    if (op->proxied)
        go_through_the_proxy(op);
    pass_the_gate(op);
}

static const char *body_of(const struct gitlab_op *op, struct arena *a)
{
    const struct gitlab_request *call = &op->call;
    const struct shape *shape = &shapes[call->op];

    if (!shape->token_in_body && !shape->attributes)
        return NULL;
    struct json_object *body = arena_json(a, shape->attributes ? json_copy(call->attributes) : json_build("{}"));
    if (shape->token_in_body)
        json_set_str(body, "token", call->token);
    if (call->op == GITLAB_OP_CREATE) {
        json_set_str(body, "runner_type", call->runner_type);
        if (strcmp(call->runner_type, "group_type") == 0)
            json_set_int(body, "group_id", call->scope_id);
        if (strcmp(call->runner_type, "project_type") == 0)
            json_set_int(body, "project_id", call->scope_id);
    }
    return json_text(body);
}

static const char *runner_path(const char *path, int64_t id, struct arena *a)
{
    const char *place = strstr(path, "%lld");

    return place ? arena_printf(a, "%.*s%lld%s", (int)(place - path), path, (long long)id, place + 4) : path;
}

void op_send_without_token(struct gitlab_op *op, op_reply_fn *on_reply)
{
    const struct shape *shape = &shapes[op->call.op];
    const struct op_message message = {
        .method = shape->method, .path = shape->path, .body = "{}", .max_answer = shape->max_answer};

    op_send(op, &message, on_reply);
}

static void send_call(struct gitlab_op *op)
{
    cleanup_arena struct arena a = {0};
    const struct shape *shape = &shapes[op->call.op];
    const struct op_message message = {.method = shape->method,
                                       .path = runner_path(shape->path, op->call.runner_id, &a),
                                       .body = body_of(op, &a),
                                       .with_token = !shape->token_in_body,
                                       .max_answer = shape->max_answer};

    op_send(op, &message, on_answer);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void copy_call(struct gitlab_op *op, const struct gitlab_request *call)
{
    struct arena *a = &op->mem;

    op->call = *call;
    op->call.ns = arena_strdup(a, call->ns ? call->ns : "");
    op->call.url = arena_strdup(a, call->url);
    op->call.address = arena_strdup(a, call->address);
    op->call.ca_pem = arena_strdup(a, call->ca_pem);
    op->call.client_cert = arena_strdup(a, call->client_cert);
    op->call.client_key = arena_strdup(a, call->client_key);
    op->call.token = arena_strdup(a, call->token);
    op->call.runner_type = arena_strdup(a, call->runner_type);
    op->call.mark = arena_strdup(a, call->mark);
    op->call.attributes = arena_json(a, json_copy(call->attributes));
}

struct gitlab_op *gitlab_start(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done,
                               void *arg)
{
    struct gitlab_op *op = mem_alloc(sizeof(*op));
    struct err err;

    *op = (struct gitlab_op){.gitlab = gitlab, .done = done, .arg = arg, .asked_us = clock_us(), .pass.go = on_gate};
    op->proxied = is_proxied(gitlab, call->url, call->address);
    copy_call(op, call);
    if (call->place)
        gate_hand_over(call->place, &op->pass);
    if (!is_allowed(gitlab, call->url, call->address, &err)) {
        op_enter(op, OP_AT_GATE);
        gate_refuse(gitlab->gate, &op->pass, &err);
    } else if (call->op == GITLAB_OP_FIND)
        search_begin(op);
    else
        send_call(op);
    return op;
}
