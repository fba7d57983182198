#include "gitlab/api.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mark.h"
#include "base/mem.h"
#include "net/http.h"

enum { TIMEOUT_MS = 30 * 1000, BODY_MAX = 1 << 20, CANDIDATES_MAX = 1000 };

struct gitlab {
    struct http *http;
    struct gate *gate;
    struct gitlab_policy policy;
    size_t calls;
};

/* A call in flight. The arena holds copies of everything in it, and ends with it. */
struct gitlab_op {
    struct gitlab *gitlab;
    struct gitlab_request call;
    gitlab_done_fn *done;
    void *arg;
    struct gate_pass pass;
    struct http_request next_request; /* goes out when the gate lets it through      */
    void (*on_done)(void *arg, const struct http_reply *reply);
    uint64_t request; /* in flight; 0: none                               */
    struct arena mem;
    /* GITLAB_OP_FIND: the runners whose notes are read one by one: those that never asked for a job are listed. */
    int64_t *candidates;
    size_t len, next;
    bool listed;
};

/* How each call is put. Runner and registration tokens travel in the body, access tokens in a header. */
struct shape {
    const char *method, *path; /* %lld: runner id */
    bool token_in_body, attributes;
    int ok;
    const char *needs; /* the member without which the body is not GitLab's answer; NULL: none is read */
};

static const struct shape shapes[] = {
    [GITLAB_OP_REGISTER] = {"POST", "/runners", true, true, 201, "token"},
    [GITLAB_OP_CREATE] = {"POST", "/user/runners", false, true, 201, "token"},
    [GITLAB_OP_VERIFY] = {"POST", "/runners/verify", true, false, 200, "token"},
    [GITLAB_OP_RESET] = {"POST", "/runners/%lld/reset_authentication_token", false, false, 201, "token"},
    [GITLAB_OP_UPDATE] = {"PUT", "/runners/%lld", false, true, 200, "id"},
    [GITLAB_OP_DEREGISTER] = {"DELETE", "/runners", true, false, 204, NULL},
    [GITLAB_OP_REMOVE] = {"DELETE", "/runners/%lld", false, false, 204, NULL},
    [GITLAB_OP_SHOW] = {"GET", "/runners/%lld", false, false, 200, "id"},
    [GITLAB_OP_VERSION] = {"GET", "/version", false, false, 200, "version"},
    [GITLAB_OP_ROTATE] = {"POST", "/runners/reset_authentication_token", true, false, 201, "token"},
    [GITLAB_OP_FIND] = {"GET", "/runners/%lld", false, false, 200, "id"},
};

struct gitlab *gitlab_create(struct loop *loop, struct http *http, const struct gitlab_settings *settings)
{
    struct gitlab *gitlab = mem_alloc(sizeof(*gitlab));
    unsigned concurrency = settings ? settings->concurrency : 0;

    gitlab->http = http;
    gitlab->gate = gate_create(loop, concurrency ? concurrency : GATE_CONCURRENCY);
    if (settings)
        gitlab->policy = settings->policy;
    return gitlab;
}

void gitlab_destroy(struct gitlab *gitlab)
{
    if (!gitlab)
        return;
    gate_destroy(gitlab->gate);
    free(gitlab);
}

bool gitlab_host(const struct gitlab *gitlab, size_t i, struct gate_info *ret)
{
    return gate_info(gitlab->gate, i, ret);
}

size_t gitlab_calls(const struct gitlab *gitlab)
{
    return gitlab->calls;
}

enum gate_verdict gitlab_enter(struct gitlab *gitlab, struct gate_pass *pass, const struct gate_door *door,
                               struct err *ret_err)
{
    if (!policy_allows_url(&gitlab->policy, door->url, door->address, ret_err))
        return GATE_REFUSE;
    return gate_enter(gitlab->gate, pass, door, ret_err);
}

void gitlab_step_back(struct gitlab *gitlab, struct gate_pass *pass)
{
    gate_cancel(gitlab->gate, pass);
}

static void op_free(struct gitlab_op *op)
{
    gate_cancel(op->gitlab->gate, &op->pass);
    op->gitlab->calls--;
    free(op->candidates);
    arena_finish(&op->mem);
    free(op);
}

void gitlab_cancel(struct gitlab_op *op)
{
    http_cancel(op->gitlab->http, op->request);
    op_free(op);
}

static void answer(struct gitlab_op *op, const struct gitlab_answer *result)
{
    op->done(op->arg, result);
    op_free(op);
}

static void answer_error(struct gitlab_op *op, const struct err *err, bool ambiguous)
{
    answer(op, &(struct gitlab_answer){.err = *err, .ambiguous = ambiguous});
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One request */

/* Bodies of calls that are refused by GitLab's own JSON are proof; a proxy's page is not. */
static bool is_gitlabs_own(const struct http_reply *reply)
{
    struct err ignored;
    cleanup_json struct json_object *body = json_parse(reply->body, reply->len, &ignored);

    return json_get(body, "message") != NULL;
}

static bool says_gone(const struct gitlab_op *op, const struct http_reply *reply)
{
    long gone = op->call.op == GITLAB_OP_DEREGISTER ? 403 : op->call.op == GITLAB_OP_REMOVE ? 404 : 0;

    return reply->status == gone && is_gitlabs_own(reply);
}

/* The body is the answer to this call: it has what the call is made for, a number or a text. */
static bool is_whole(const struct gitlab_op *op, const struct gitlab_answer *answer)
{
    const char *needs = shapes[op->call.op].needs;

    if (!needs)
        return true;
    if (strcmp(needs, "id") == 0)
        return json_int_or(answer->body, "id", 0) != 0;
    return *json_str_or(answer->body, needs, "") && (answer->id || strcmp(needs, "token") != 0);
}

/* What a reply that is not the expected one means. */
static struct err failure_of(const struct gitlab_op *op, const struct http_reply *reply)
{
    struct err err = reply->err;

    if (err.kind == ERR_NONE)
        return gitlab_classify(op->call.op, op->call.url, reply->status, reply->body, reply->len,
                               reply->retry_after_ms);
    gitlab_explain(&err);
    return err;
}

/* False, with the answer given, unless the reply has the expected status. */
static bool expect_ok(struct gitlab_op *op, const struct http_reply *reply)
{
    bool came = reply->err.kind == ERR_NONE;
    bool may_be_done = came ? reply->status >= 500 || reply->status / 100 == 2 : reply->sent;

    if (came && reply->status == shapes[op->call.op].ok)
        return true;
    const struct err err = failure_of(op, reply);
    answer(op, &(struct gitlab_answer){
                   .err = err,
                   .ambiguous = may_be_done,
                   .proven = came && reply->status >= 400 && reply->status < 500 && is_gitlabs_own(reply),
               });
    return false;
}

static void answer_unreadable(struct gitlab_op *op, const struct http_reply *reply)
{
    struct err err;

    err_set(&err, ERR_RETRY, "UnexpectedAnswer",
            "%s answered %ld, but not in GitLab's JSON (%s): check that spec.url is a GitLab server", op->call.url,
            reply->status, reply->content_type);
    answer_error(op, &err, true);
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct gitlab_op *op = arg;
    struct gitlab_answer result = {.id = op->call.runner_id};
    struct err ignored;

    if (says_gone(op, reply)) {
        result.unknown = true;
        answer(op, &result);
        return;
    }
    if (!expect_ok(op, reply))
        return;
    result.body = arena_json(&op->mem, reply->len ? json_parse(reply->body, reply->len, &ignored) : NULL);
    result.id = json_int_or(result.body, "id", op->call.runner_id);
    result.token = json_str(result.body, "token");
    result.expiration = json_str(result.body, "token_expires_at");
    if (is_whole(op, &result))
        answer(op, &result);
    else
        answer_unreadable(op, reply);
}

/* What the fence has held back says nothing about anybody. */
static bool is_fenced(const struct http_reply *reply)
{
    return strcmp(reply->err.reason, "Fenced") == 0;
}

/* Whether the host can be connected to. A certificate that one caller does not trust, or an address that nobody may
 * call, is no failure of it. */
static enum host_outcome transport_of(const struct http_reply *reply)
{
    if (is_fenced(reply))
        return HOST_DROPPED;
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
    const struct err err = failure_of(op, reply);

    op->request = 0;
    gate_end(op->gitlab->gate, &op->pass, transport_of(reply), answer_of(reply), &err);
    op->on_done(op, reply);
}

/* Without a place, or with one that a breaker has made worthless since. */
static void on_gate(struct gate_pass *pass, const struct err *refusal)
{
    struct gitlab_op *op = container_of(pass, struct gitlab_op, pass);
    struct err err;

    if (refusal)
        answer_error(op, refusal, false);
    else if (gate_begin(op->gitlab->gate, pass, &err))
        op->request = http_start(op->gitlab->http, &op->next_request);
    else
        gate_refuse(op->gitlab->gate, pass, &err);
}

/* The call keeps its place from its first request to its last. */
static void pass_the_gate(struct gitlab_op *op)
{
    const struct gate_door door = {.url = op->call.url, .address = op->call.address, .ns = op->call.ns};
    struct gate *gate = op->gitlab->gate;
    struct err err;
    enum gate_verdict verdict = op->pass.inside ? GATE_GO : gate_enter(gate, &op->pass, &door, &err);

    if (verdict == GATE_GO)
        on_gate(&op->pass, NULL);
    else if (verdict == GATE_REFUSE)
        gate_refuse(gate, &op->pass, &err);
}

static void send(struct gitlab_op *op, const char *method, const char *path, const char *body,
                 void (*on_done)(void *arg, const struct http_reply *reply))
{
    const struct gitlab_request *call = &op->call;
    const char **headers = arena_alloc(&op->mem, 4 * sizeof(*headers));
    size_t n = 0;

    headers[n++] = "Accept: application/json";
    if (body)
        headers[n++] = "Content-Type: application/json";
    if (!shapes[call->op].token_in_body)
        headers[n++] = arena_printf(&op->mem, "PRIVATE-TOKEN: %s", call->token);
    op->on_done = on_done;
    op->next_request = (struct http_request){
        .method = method,
        .url = arena_printf(&op->mem, "%s/api/v4%s", call->url, path),
        .headers = headers,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .fenced = true,
        .once = strcmp(method, "POST") == 0,
        .alone = strcmp(method, "POST") == 0,
        .connect_to = call->address,
        .refuse_address = policy_refuses_address,
        .policy = &op->gitlab->policy,
        .tls = {.ca_pem = call->ca_pem},
        .timeout_ms = TIMEOUT_MS,
        .max_body = BODY_MAX,
        .on_done = on_http_done,
        .arg = op,
    };
    pass_the_gate(op);
}

static const char *body_of(struct gitlab_op *op)
{
    const struct gitlab_request *call = &op->call;
    const struct shape *shape = &shapes[call->op];

    if (!shape->token_in_body && !shape->attributes)
        return NULL;
    struct json_object *body = arena_json(&op->mem, shape->attributes ? json_copy(call->attributes) : json_build("{}"));
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

static const char *runner_path(struct gitlab_op *op, const char *path, int64_t id)
{
    const char *place = strstr(path, "%lld");

    return place ? arena_printf(&op->mem, "%.*s%lld%s", (int)(place - path), path, (long long)id, place + 4) : path;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * GITLAB_OP_FIND: lists do not show maintenance notes, so the runners that never asked for a job (ours cannot have, if
 * nobody ever had its token) are read one by one; before them, the one that may have, if its id is known. */

static void find_next(struct gitlab_op *op);
static void list_page(struct gitlab_op *op, const char *page);

static void on_details(void *arg, const struct http_reply *reply)
{
    struct gitlab_op *op = arg;
    struct err ignored;

    if (reply->err.kind == ERR_NONE && (reply->status == 403 || reply->status == 404)) {
        find_next(op); /* not ours to see, or gone meanwhile */
        return;
    }
    if (!expect_ok(op, reply))
        return;
    struct json_object *runner = arena_json(&op->mem, json_parse(reply->body, reply->len, &ignored));
    int64_t id = json_int_or(runner, "id", 0);
    if (!id)
        answer_unreadable(op, reply);
    else if (has_mark(json_str_or(runner, "maintenance_note", ""), op->call.mark))
        answer(op, &(struct gitlab_answer){.id = id});
    else
        find_next(op);
}

static void find_next(struct gitlab_op *op)
{
    if (op->next < op->len) {
        send(op, "GET", runner_path(op, shapes[GITLAB_OP_FIND].path, op->candidates[op->next++]), NULL, on_details);
    } else if (!op->listed) {
        op->listed = true;
        list_page(op, "1");
    } else {
        answer(op, &(struct gitlab_answer){.id = 0});
    }
}

static void find_begin(struct gitlab_op *op)
{
    if (op->call.runner_id) {
        op->candidates = mem_alloc(sizeof(*op->candidates));
        op->candidates[op->len++] = op->call.runner_id;
    }
    find_next(op);
}

static void on_list(void *arg, const struct http_reply *reply)
{
    struct gitlab_op *op = arg;
    struct err ignored;

    if (!expect_ok(op, reply))
        return;
    struct json_object *runners = arena_json(&op->mem, json_parse(reply->body, reply->len, &ignored));
    size_t n = json_len(runners);
    if (!json_object_is_type(runners, json_type_array)) {
        answer_unreadable(op, reply);
        return;
    }
    op->candidates = mem_resize(op->candidates, (op->len + n) * sizeof(*op->candidates));
    for (size_t i = 0; i < n; i++)
        op->candidates[op->len++] = json_int_or(json_at(runners, i), "id", 0);
    if (reply->next_page[0] && op->len < CANDIDATES_MAX)
        list_page(op, reply->next_page);
    else
        find_next(op);
}

static void list_page(struct gitlab_op *op, const char *page)
{
    const char *type = op->call.runner_type;
    const char *where = strcmp(type, "group_type") == 0
                            ? arena_printf(&op->mem, "/groups/%lld/runners", (long long)op->call.scope_id)
                        : strcmp(type, "project_type") == 0
                            ? arena_printf(&op->mem, "/projects/%lld/runners", (long long)op->call.scope_id)
                            : "/runners/all";

    send(op, "GET", arena_printf(&op->mem, "%s?type=%s&status=never_contacted&per_page=100&page=%s", where, type, page),
         NULL, on_list);
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

    *op = (struct gitlab_op){.gitlab = gitlab, .done = done, .arg = arg, .pass.go = on_gate};
    copy_call(op, call);
    gitlab->calls++;
    if (call->place)
        gate_hand_over(call->place, &op->pass);
    if (!policy_allows_url(&gitlab->policy, call->url, call->address, &err))
        gate_refuse(gitlab->gate, &op->pass, &err);
    else if (call->op == GITLAB_OP_FIND)
        find_begin(op);
    else
        send(op, shapes[call->op].method, runner_path(op, shapes[call->op].path, call->runner_id), body_of(op),
             on_reply);
    return op;
}
