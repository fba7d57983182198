/* GitLab's answers: the first byte chooses the call and the status, the rest is the body. Whatever it is, it becomes a
 * message for people, and nothing is read of it that is not as GitLab has it. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "fuzz.h"
#include "gitlab/op.h"

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void read_answer(enum gitlab_op_kind op, const char *text, size_t len, struct arena *a)
{
    struct err err;
    struct json_object *body = arena_json(a, json_parse(text, len, &err));
    const char *token = json_str(body, "token"), *version = json_str(body, "version");

    if (answer_complaint(op, body))
        return;
    if (op == GITLAB_OP_CREATE || op == GITLAB_OP_VERIFY)
        expect(charset_admits(CHARSET_ISSUED, token) && json_int_or(body, "id", 0) > 0);
    if (op == GITLAB_OP_VERSION)
        expect(charset_admits(CHARSET_VERSION, version));
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    static const long statuses[] = {200, 201, 204, 302, 400, 401, 403, 404, 405, 410, 422, 429, 500, 502, 599, 0};

    if (len == 0)
        return;
    unsigned first = (unsigned char)text[0];
    enum gitlab_op_kind op = (enum gitlab_op_kind)(first % (GITLAB_OP_FIND + 1));
    const struct http_reply reply = {
        .status = statuses[first / 16], .content_type = "", .body = text + 1, .len = len - 1, .next_page = ""};
    struct err err = gitlab_classify(op, "https://my.gitlab.com", reply.status, reply.body, reply.len, 0);

    gitlab_explain(&err);
    expect(charset_admits(CHARSET_PROSE, err.text));
    refusal_is_in_gitlabs_words(op, &reply);
    read_answer(op, reply.body, reply.len, a);
}
