/* A GitLab that says anything: one call (the first character is its kind) and the answers to what it asks (peer.h).
 * However it ends, it ends once, with an error that can be told to people or with an answer as GitLab's are. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "fuzz.h"
#include "gitlab/api.h"
#include "peer.h"

enum { STEPS_MAX = 400 };

struct call {
    enum gitlab_op_kind op;
    unsigned ends;
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static bool issues_a_token(enum gitlab_op_kind op)
{
    return op == GITLAB_OP_REGISTER || op == GITLAB_OP_CREATE || op == GITLAB_OP_RESET || op == GITLAB_OP_ROTATE;
}

static void on_end(void *arg, const struct gitlab_answer *answer)
{
    struct call *call = arg;
    struct err err = answer->err;

    call->ends++;
    if (err.kind != ERR_NONE) {
        gitlab_explain(&err);
        gitlab_explain_proxy(&err);
        expect(*err.reason && *err.text && charset_admits(CHARSET_PROSE, err.text));
        return;
    }
    expect(!issues_a_token(call->op) || charset_admits(CHARSET_ISSUED, answer->token));
    expect(!answer->expiration || charset_admits(CHARSET_TIME, answer->expiration));
    expect(answer->id >= 0 && answer->next_page >= 0);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct json_object *attributes = arena_json(a, json_build("{description: 'd', tag_list: ['a']}"));

    if (len == 0 || *text < 'A' || *text > 'A' + (char)GITLAB_OP_RUNNING)
        return;
    struct call call = {.op = (enum gitlab_op_kind)(*text - 'A')};
    struct loop *loop = peer_begin(text + 1);
    struct gitlab *gitlab = gitlab_create(loop, peer_http(), NULL);
    const struct gitlab_request request = {.op = call.op,
                                           .url = "https://gitlab.test",
                                           .token = "glpat-0123456789abcdefghij",
                                           .runner_id = len % 2 ? 7 : 0,
                                           .page = 1,
                                           .attributes = attributes,
                                           .runner_type = "project_type",
                                           .scope_id = 3,
                                           .mark = "gitlab-runners.dev/uid: uid-1",
                                           .ns = "ci"};
    struct gitlab_op *op = gitlab_start(gitlab, &request, on_end, &call);
    peer_run(STEPS_MAX);
    expect(call.ends <= 1);
    if (!call.ends)
        gitlab_cancel(op);
    gitlab_destroy(gitlab);
    peer_end();
}
