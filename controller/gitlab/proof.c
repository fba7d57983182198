/* Whether a refusal is GitLab's own. Who believes that a runner is gone, or its token dead, lets go of it or makes
 * another one; and what stands before GitLab (a firewall, an IP restriction) refuses with the same status, even in the
 * same words. So a refusal counts when it is in the very words that GitLab has for it, and when the same server, at the
 * same time, answers a question as GitLab does that it would refuse as well if it was for us. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "gitlab/op.h"

#define OP(name) (1u << GITLAB_OP_##name)

enum {
    BY_OWN_TOKEN = OP(VERIFY) | OP(ROTATE) | OP(DEREGISTER),
    BY_ID = OP(SHOW) | OP(RESET) | OP(UPDATE) | OP(REMOVE) | OP(FIND),
    ANSWER_MAX = 16 << 10,
};

/* The sources are GitLab's lib/api/ci/runner.rb, runners.rb and their helpers. */
static const struct {
    unsigned ops;
    long status;
    const char *member, *words;
} own_words[] = {
    {BY_OWN_TOKEN, 403, "message", "403 Forbidden"}, /* unknown, expired, or its runner deleted */
    {BY_ID, 404, "message", "404 Runner Not Found"},
    {BY_ID, 404, "message", "404 Not found"}, /* older GitLabs */
    {BY_ID, 403, "message", "403 Forbidden - No access granted"},
    {OP(FIND), 403, "message", "403 Forbidden"}, /* a list that is not for everybody */
    {BY_ID, 403, "error", "insufficient_scope"},
};

bool refusal_is_in_gitlabs_words(enum gitlab_op_kind op, const struct http_reply *reply)
{
    struct err ignored;

    if (reply->err.kind != ERR_NONE || (reply->status != 403 && reply->status != 404))
        return false;
    cleanup_json struct json_object *body = json_parse(reply->body, reply->len, &ignored);
    for (size_t i = 0; i < ARRAY_LEN(own_words); i++)
        if ((own_words[i].ops & (1u << op)) && own_words[i].status == reply->status &&
            strcmp(json_str_or(body, own_words[i].member, ""), own_words[i].words) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The question */

/* Where the token is missing GitLab says so, before it looks at anything else: the call has no effect. */
static bool misses_the_token(const struct http_reply *reply, struct json_object *body)
{
    return reply->status == 400 && strstr(json_str_or(body, "error", ""), "token is missing");
}

/* An access token that is let in sees the version, or lacks a scope for it. */
static bool lets_the_token_in(const struct http_reply *reply, struct json_object *body)
{
    return reply->status == 200
               ? !answer_complaint(GITLAB_OP_VERSION, body)
               : reply->status == 403 && strcmp(json_str_or(body, "error", ""), "insufficient_scope") == 0;
}

static bool is_asked_by_own_token(const struct gitlab_op *op)
{
    return BY_OWN_TOKEN & (1u << op->call.op);
}

static void on_proof(struct gitlab_op *op, const struct http_reply *reply)
{
    bool came = reply->err.kind == ERR_NONE;
    struct err err;
    cleanup_json struct json_object *body = came ? json_parse(reply->body, reply->len, &err) : NULL;
    bool (*is_let_in)(const struct http_reply *, struct json_object *) =
        is_asked_by_own_token(op) ? misses_the_token : lets_the_token_in;

    if (!came || reply->status == 429 || reply->status >= 500) {
        op_answer_error(op, &op->failure, false);
    } else if (is_let_in(reply, body)) {
        op->doubted.proven = true;
        op_answer(op, &op->doubted);
    } else {
        err_set(
            &err, ERR_RETRY, "Unconfirmed",
            "%s refuses the call, but also (%ld) what GitLab refuses nobody: an IP restriction or a firewall may be "
            "in the way. Nothing is concluded; it is tried again",
            op->call.url, reply->status);
        err.code = (int)reply->status;
        op_answer_error(op, &err, false);
    }
}

/* The call itself once more, by a runner's own token, but without the token. */
static void send_without_token(struct gitlab_op *op, op_reply_fn *on_reply)
{
    const struct op_shape *shape = op_shape(op->call.op);
    const struct op_message message = {
        .method = shape->method, .path = shape->path, .body = "{}", .max_answer = shape->max_answer};

    op_send(op, &message, on_reply);
}

void op_prove(struct gitlab_op *op, const struct gitlab_answer *doubted)
{
    assert(op->call.op != GITLAB_OP_VERSION && op->call.op != GITLAB_OP_SELF);
    static const struct op_message of_the_version = {"GET", "/version", NULL, true, ANSWER_MAX};

    op->doubted = *doubted;
    if (is_asked_by_own_token(op))
        send_without_token(op, on_proof);
    else
        op_send(op, &of_the_version, on_proof);
}
