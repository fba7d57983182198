/* A GitLab that says anything: the first character is the kind of a call, as a capital letter, or of the first of many
 * at once; the rest are the answers to what they ask (peer.h). However a call ends, it ends once, with an error that
 * can be told to people or with an answer as GitLab's are, and no place at the gate stays taken. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gitlab/api.h"
#include "peer.h"

enum { STEPS_MAX = 400, CALLS = 48, TICK_MS = 400 };

struct call {
    enum gitlab_op_kind op;
    const char *ns;
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

static struct gitlab_op *start(struct gitlab *gitlab, struct call *call, const char *url, int64_t runner_id)
{
    cleanup_arena struct arena a = {0};
    const struct gitlab_request request = {.op = call->op,
                                           .url = url,
                                           .token = "glpat-0123456789abcdefghij",
                                           .runner_id = runner_id,
                                           .page = 1,
                                           .attributes =
                                               arena_json(&a, json_build("{description: 'd', tag_list: ['a']}")),
                                           .runner_type = runner_id ? "project_type" : "group_type",
                                           .scope_id = 3,
                                           .mark = "gitlab-runners.dev/uid: uid-1",
                                           .ns = call->ns};

    return gitlab_start(gitlab, &request, on_end, call);
}

static void call_once(enum gitlab_op_kind kind, struct loop *loop, int64_t runner_id)
{
    struct call call = {.op = kind, .ns = "ci"};
    struct gitlab *gitlab = gitlab_create(loop, peer_http(), NULL);
    struct gitlab_op *op = start(gitlab, &call, "https://gitlab.test", runner_id);

    peer_run(STEPS_MAX);
    expect(call.ends <= 1);
    if (!call.ends)
        gitlab_cancel(op);
    gitlab_destroy(gitlab);
}

/* Time goes by. */
static void on_tick(void *arg)
{
    (void)arg;
}

/* Of one kind, then of others, to servers of which one is behind a proxy and one may not be called, by two namespaces
 * and at most two at a host at a time. Half of them come later, the first of all is taken back. */
static void call_many(enum gitlab_op_kind first, struct loop *loop, int64_t runner_id)
{
    static const char *const urls[] = {"https://gitlab.test", "https://gitlab.test/below", "http://proxied.test",
                                       "https://forbidden.example"};
    const struct gitlab_settings settings = {
        .concurrency = 2,
        .policy = {.allowed_hosts = "*.test"},
        .egress = {.proxy = "http://proxy.test:3128", .no_proxy = "gitlab.test"},
    };
    struct call calls[CALLS] = {{.ends = 0}};
    struct gitlab_op *ops[CALLS];
    struct gitlab *gitlab = gitlab_create(loop, peer_http(), &settings);
    struct loop_timer *tick = loop_timer_create(loop, on_tick, NULL);

    for (size_t i = 0; i < CALLS; i++) {
        size_t others = i < CALLS / 2 ? 0 : i / ARRAY_LEN(urls);
        calls[i].op = (enum gitlab_op_kind)((first + others) % (GITLAB_OP_RUNNING + 1));
        calls[i].ns = i % 8 == 7 ? "ops" : "ci";
        ops[i] = start(gitlab, &calls[i], urls[i % ARRAY_LEN(urls)], runner_id);
        expect(gitlab_inside(gitlab) + gitlab_waiting(gitlab) <= i + 1);
        if (i == 0)
            gitlab_cancel(ops[i]);
        loop_timer_set(tick, i < CALLS / 2 ? -1 : TICK_MS);
        peer_run(i < CALLS / 2 ? 0 : 8);
    }
    peer_run(STEPS_MAX);
    for (size_t i = 0; i < CALLS; i++) {
        expect(calls[i].ends <= (i != 0));
        if (i != 0 && !calls[i].ends)
            gitlab_cancel(ops[i]);
    }
    loop_timer_destroy(tick);
    expect(gitlab_inside(gitlab) == 0 && gitlab_waiting(gitlab) == 0);
    gitlab_destroy(gitlab);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    (void)a;
    for (int kind = 0; len > 0 && kind <= GITLAB_OP_RUNNING; kind++)
        if (*text == 'A' + kind || *text == 'a' + kind) {
            struct loop *loop = peer_begin(text + 1);
            (*text == 'A' + kind ? call_once : call_many)((enum gitlab_op_kind)kind, loop, len % 2 ? 7 : 0);
            peer_end();
        }
}
