#include "gitlab/op.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/charset.h"
#include "base/clock.h"
#include "base/followed.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "net/loop.h"

enum { TIMEOUT_MS = 30 * 1000 };

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
    loop_timer_destroy(op->pace);
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
    assert(op->state != OP_ASKING);
    struct gitlab_answer told = *result;

    told.date_s = op->date_s;
    op->done(op->arg, &told);
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

int64_t page_after(const char *text, int64_t page)
{
    char *end;
    long long next = strtoll(text, &end, 10);

    return !*text ? 0 : *end || next <= page ? -1 : next;
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
    op->date_s = reply->date_s ? reply->date_s : op->date_s;
    op_enter(op, OP_RESTING);
    op->failure = failure_of(op, reply);
    gate_end(op->gitlab->gate, &op->pass, transport_of(reply), answer_of(reply), &op->failure);
    assert(op->on_reply && op->state == OP_RESTING);
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
    assert(op->state == OP_RESTING && !op->request);
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

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

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

struct gitlab_op *op_create(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done, void *arg)
{
    struct gitlab_op *op = mem_alloc(sizeof(*op));

    *op = (struct gitlab_op){.gitlab = gitlab, .done = done, .arg = arg, .asked_us = clock_us(), .pass.go = on_gate};
    op->proxied = door_is_proxied(gitlab, call->url, call->address);
    copy_call(op, call);
    if (call->place)
        gate_hand_over(call->place, &op->pass);
    return op;
}

void op_refuse(struct gitlab_op *op, const struct err *err)
{
    op_enter(op, OP_AT_GATE);
    gate_refuse(op->gitlab->gate, &op->pass, err);
}

int64_t gitlab_asked_us(const struct gitlab_op *op)
{
    return op->asked_us;
}
