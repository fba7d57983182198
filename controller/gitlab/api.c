#include "gitlab/api.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/followed.h"
#include "base/json.h"
#include "base/mem.h"
#include "gitlab/op.h"

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

void gitlab_follow(struct gitlab *gitlab, void (*called)(void *arg, const char *host), void *arg)
{
    gate_follow(gitlab->gate, called, arg);
}

size_t gitlab_sights(const struct gitlab *gitlab, struct gate_sight ret[static GATE_SIGHTS + 1])
{
    return gate_sights(gitlab->gate, ret);
}

size_t gitlab_inside(const struct gitlab *gitlab)
{
    return gitlab ? gate_inside(gitlab->gate) : 0;
}

size_t gitlab_waiting(const struct gitlab *gitlab)
{
    return gitlab ? gate_waiting(gitlab->gate) : 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One call */

/* What was to be done is done already: GitLab knows neither token nor runner. */
static bool is_gone(const struct gitlab_op *op, long status)
{
    return (op->call.op == GITLAB_OP_DEREGISTER && status == 403) || (op->call.op == GITLAB_OP_REMOVE && status == 404);
}

/* False, and the call has ended: what GitLab names is no page after this one. */
static bool find_next_page(struct gitlab_op *op, const struct http_reply *reply, struct gitlab_answer *result)
{
    struct err err;

    result->next_page = op->call.page ? page_after(reply->next_page, op->call.page) : 0;
    if (result->next_page >= 0)
        return true;
    err_set(&err, ERR_RETRY, "UnexpectedAnswer", "%s: page %lld of a list names another one that is none", op->call.url,
            (long long)op->call.page);
    op_answer_error(op, &err, false);
    return false;
}

static void on_answer(struct gitlab_op *op, const struct http_reply *reply)
{
    struct gitlab_answer result = {.id = op->call.runner_id};
    int ok = op_shape(op->call.op)->ok;

    if (refusal_is_in_gitlabs_words(op->call.op, reply)) {
        result.unknown = is_gone(op, reply->status);
        if (!result.unknown)
            result.err = op->failure;
        op_prove(op, &result);
        return;
    }
    if (!op_expect(op, reply, ok))
        return;
    if (ok != 204 && !(result.body = op_read(op, reply)))
        return;
    if (!find_next_page(op, reply, &result))
        return;
    if (answer_names_runner(op->call.op))
        result.id = json_int_or(result.body, "id", 0);
    if (answer_gives_token(op->call.op))
        result.token = json_str(result.body, "token");
    if (result.token)
        result.expiration = json_str(result.body, "token_expires_at");
    if (op->call.op == GITLAB_OP_SELF)
        result.expiration = json_str(result.body, "expires_at");
    op_answer(op, &result);
}

static const char *body_of(const struct gitlab_op *op, struct arena *a)
{
    const struct gitlab_request *call = &op->call;
    const struct op_shape *shape = op_shape(call->op);

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

static void send_call(struct gitlab_op *op)
{
    cleanup_arena struct arena a = {0};
    const struct op_shape *shape = op_shape(op->call.op);
    int64_t page = op->call.page;
    const struct op_message message = {.method = shape->method,
                                       .path = runner_path(shape->path, page ? page : op->call.runner_id, &a),
                                       .body = body_of(op, &a),
                                       .with_token = !shape->token_in_body,
                                       .max_answer = shape->max_answer};

    op_send(op, &message, on_answer);
}

struct gitlab_op *gitlab_start(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done,
                               void *arg)
{
    struct gitlab_op *op = op_create(gitlab, call, done, arg);
    struct err err;

    if (!door_admits(gitlab, call->url, call->address, &err))
        op_refuse(op, &err);
    else if (call->op == GITLAB_OP_FIND)
        search_begin(op);
    else
        send_call(op);
    return op;
}
