/* Calls to GitLab over real HTTP: what is sent, byte for byte, and what is made of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "gitlab/api.h"
#include "net/http.h"
#include "net/loop.h"
#include "tiny_server.h"

enum { GUARD_MS = 10000, EXCHANGES_MAX = 8, TEXT_MAX = 4096 };

/* ---------------------------------------------------------------------------------------------------------------------
 * A GitLab that answers by a script, and keeps what it was asked */

static struct {
    struct {
        const char *status, *body; /* status NULL: hangs up instead */
        char request[TEXT_MAX];
    } exchanges[EXCHANGES_MAX];
    size_t len;
} script;

static bool respond(struct tiny_conn *c)
{
    size_t i = script.len++;

    if (i >= EXCHANGES_MAX || !script.exchanges[i].body)
        return tiny_answer(c, "500 Not In The Script", "");
    snprintf(script.exchanges[i].request, TEXT_MAX, "%s", c->request);
    return script.exchanges[i].status && tiny_answer(c, script.exchanges[i].status, script.exchanges[i].body);
}

static void say(size_t i, const char *status, const char *body)
{
    script.exchanges[i].status = status;
    script.exchanges[i].body = body;
}

/* "METHOD /path" of a request that came. */
static void assert_asked(size_t i, const char *what)
{
    const char *request = script.exchanges[i].request;

    if (strncmp(request, what, strlen(what)) != 0 || strncmp(request + strlen(what), " HTTP/1.1\r\n", 11) != 0)
        fail_msg("not %s, but %s", what, request);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One call */

struct world {
    struct loop *loop;
    struct http *http;
    struct gitlab *gitlab;
    struct loop_timer *guard;
    struct tiny_server server;
    char url[64];
    int answers;
    struct gitlab_answer answer; /* its texts point to the next members */
    char token[64], expiration[64], body[256];
};

static void on_guard(void *arg)
{
    (void)arg;
    fail_msg("no answer within %d ms", GUARD_MS);
}

static const char *keep(char text[static 64], const char *value)
{
    return value ? (snprintf(text, 64, "%s", value), text) : NULL;
}

static void on_answer(void *arg, const struct gitlab_answer *answer)
{
    struct world *w = arg;

    w->answers++;
    w->answer = *answer;
    w->answer.token = keep(w->token, answer->token);
    w->answer.expiration = keep(w->expiration, answer->expiration);
    snprintf(w->body, sizeof(w->body), "%s", answer->body ? json_text(answer->body) : "");
    loop_stop(w->loop);
}

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    memset(&script, 0, sizeof(script));
    w->loop = loop_create();
    w->http = http_create(w->loop, "tester/1");
    w->gitlab = gitlab_create(w->loop, w->http, &(struct gitlab_settings){.policy.allow_loopback = true});
    w->guard = loop_timer_create(w->loop, on_guard, w);
    w->server.respond = respond;
    tiny_start(&w->server, NULL, NULL);
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d/root", w->server.port);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    gitlab_destroy(w->gitlab);
    http_destroy(w->http);
    loop_timer_destroy(w->guard);
    loop_destroy(w->loop);
    tiny_stop(&w->server);
    free(w);
    return 0;
}

/* The operator with other settings, as if it had been started anew. */
static void configure(struct world *w, const struct gitlab_settings *settings)
{
    gitlab_destroy(w->gitlab);
    w->gitlab = gitlab_create(w->loop, w->http, settings);
}

static const struct gitlab_answer *run(struct world *w, const struct gitlab_request *call)
{
    script.len = 0;
    w->answers = 0;
    gitlab_start(w->gitlab, call, on_answer, w);
    assert_int_equal(w->answers, 0); /* never from within */
    loop_timer_set(w->guard, GUARD_MS);
    loop_run(w->loop);
    loop_timer_set(w->guard, -1);
    assert_int_equal(w->answers, 1);
    return &w->answer;
}

/* A call of each kind, with the same contents. */
static const struct gitlab_answer *call_with(struct world *w, enum gitlab_op_kind op, const char *type)
{
    cleanup_json struct json_object *attributes =
        json_build("{description: 'd \"x\"', tag_list: [a, b], run_untagged: false}");
    const struct gitlab_request call = {.op = op,
                                        .url = w->url,
                                        .token = "secret-token",
                                        .runner_id = op == GITLAB_OP_FIND ? 0 : 42,
                                        .attributes = attributes,
                                        .runner_type = type,
                                        .scope_id = 7,
                                        .mark = "our-mark"};

    return run(w, &call);
}

static const struct gitlab_answer *call(struct world *w, enum gitlab_op_kind op)
{
    return call_with(w, op, "group_type");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is sent */

#define ATTRIBUTES "description: 'd \"x\"', tag_list: [a, b], run_untagged: false"

static const struct {
    enum gitlab_op_kind op;
    const char *type, *line;
    const char *body; /* as a format of json_build(); NULL: none */
    bool by_header;   /* the token is in PRIVATE-TOKEN, not in the body */
    const char *status;
} sent[] = {
    {GITLAB_OP_REGISTER, NULL, "POST /root/api/v4/runners", "{" ATTRIBUTES ", token: secret-token}", false,
     "201 Created"},
    {GITLAB_OP_CREATE, "instance_type", "POST /root/api/v4/user/runners",
     "{" ATTRIBUTES ", runner_type: instance_type}", true, "201 Created"},
    {GITLAB_OP_CREATE, "group_type", "POST /root/api/v4/user/runners",
     "{" ATTRIBUTES ", runner_type: group_type, group_id: 7}", true, "201 Created"},
    {GITLAB_OP_CREATE, "project_type", "POST /root/api/v4/user/runners",
     "{" ATTRIBUTES ", runner_type: project_type, project_id: 7}", true, "201 Created"},
    {GITLAB_OP_VERIFY, NULL, "POST /root/api/v4/runners/verify", "{token: secret-token}", false, "200 OK"},
    {GITLAB_OP_RESET, NULL, "POST /root/api/v4/runners/42/reset_authentication_token", NULL, true, "201 Created"},
    {GITLAB_OP_UPDATE, NULL, "PUT /root/api/v4/runners/42", "{" ATTRIBUTES "}", true, "200 OK"},
    {GITLAB_OP_SHOW, NULL, "GET /root/api/v4/runners/42", NULL, true, "200 OK"},
    {GITLAB_OP_ROTATE, NULL, "POST /root/api/v4/runners/reset_authentication_token", "{token: secret-token}", false,
     "201 Created"},
    {GITLAB_OP_VERSION, NULL, "GET /root/api/v4/version", NULL, true, "200 OK"},
    {GITLAB_OP_DEREGISTER, NULL, "DELETE /root/api/v4/runners", "{token: secret-token}", false, "204 No Content"},
    {GITLAB_OP_REMOVE, NULL, "DELETE /root/api/v4/runners/42", NULL, true, "204 No Content"},
    {GITLAB_OP_SHOW, NULL, "GET /root/api/v4/runners/42", NULL, true, "200 OK"},
    {GITLAB_OP_VERSION, NULL, "GET /root/api/v4/version", NULL, true, "200 OK"},
};

static void assert_body(const char *request, const char *format)
{
    const char *body = strstr(request, "\r\n\r\n") + 4;
    struct err err = {0};

    if (!format) {
        assert_string_equal(body, "");
        assert_null(strstr(request, "\r\nContent-Type: application/json"));
        return;
    }
    cleanup_json struct json_object *got = json_parse(body, strlen(body), &err), *wanted = json_build(format);
    if (!json_same(got, wanted))
        fail_msg("not %s, but %s", json_text(wanted), body);
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
}

static void puts_each_call_as_gitlab_wants_it(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
        bool empty = strncmp(sent[i].status, "204", 3) == 0;
        say(0, sent[i].status,
            empty ? "" : "{\"id\":42,\"token\":\"glrt-new\",\"token_expires_at\":null,\"version\":\"19.3.1\"}");
        const struct gitlab_answer *answer = call_with(w, sent[i].op, sent[i].type);
        const char *request = script.exchanges[0].request;
        assert_string_equal(answer->err.text, "");
        assert_int_equal(answer->err.kind, ERR_NONE);
        assert_int_equal(script.len, 1);
        assert_asked(0, sent[i].line);
        assert_body(request, sent[i].body);
        assert_int_equal(strstr(request, "\r\nPRIVATE-TOKEN: secret-token\r\n") != NULL, sent[i].by_header);
        assert_non_null(strstr(request, "\r\nAccept: application/json\r\n"));
        const char *token = strstr(request, "secret-token");
        assert_int_equal(token != NULL, true);
        assert_null(strstr(token + 1, "secret-token")); /* in one place only */
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is made of the answers */

static void tells_what_gitlab_issued(void **state)
{
    static const struct {
        enum gitlab_op_kind op;
        const char *status, *body;
        int64_t id;
        const char *token, *expiration;
    } cases[] = {
        {GITLAB_OP_REGISTER, "201 Created",
         "{\"id\":9,\"token\":\"t\",\"token_expires_at\":\"2027-01-02T03:04:05.678Z\"}", 9, "t",
         "2027-01-02T03:04:05.678Z"},
        {GITLAB_OP_CREATE, "201 Created",
         "{\"id\":9007199254740993,\"token\":\"glrt-t1_x.y\",\"token_expires_at\":null}", 9007199254740993,
         "glrt-t1_x.y", NULL},
        {GITLAB_OP_VERIFY, "200 OK", "{\"id\":3,\"token\":\"t\"}", 3, "t", NULL},
        {GITLAB_OP_RESET, "201 Created", "{\"token\":\"fresh\",\"token_expires_at\":\"2027-01-02T03:04:05Z\"}", 42,
         "fresh", "2027-01-02T03:04:05Z"},
        {GITLAB_OP_ROTATE, "201 Created", "{\"token\":\"fresh\",\"token_expires_at\":null}", 42, "fresh", NULL},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"description\":\"d\"}", 42, NULL, NULL},
        {GITLAB_OP_UPDATE, "200 OK", "{\"id\":42,\"description\":\"d\"}", 42, NULL, NULL},
        {GITLAB_OP_DEREGISTER, "204 No Content", "", 42, NULL, NULL},
        {GITLAB_OP_REMOVE, "204 No Content", "", 42, NULL, NULL},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        const struct gitlab_answer *answer = call(w, cases[i].op);
        assert_int_equal(answer->err.kind, ERR_NONE);
        assert_false(answer->ambiguous);
        assert_int_equal(answer->id, cases[i].id);
        assert_int_equal(answer->token == NULL, cases[i].token == NULL);
        assert_string_equal(answer->token ? answer->token : "", cases[i].token ? cases[i].token : "");
        assert_string_equal(answer->expiration ? answer->expiration : "",
                            cases[i].expiration ? cases[i].expiration : "");
    }
}

/* A refusal proves something when GitLab itself has spoken; a page of something in between does not. */
static void tells_gitlabs_own_refusals_from_others(void **state)
{
    static const struct {
        enum gitlab_op_kind op;
        const char *status, *body;
        bool proven;
    } cases[] = {
        {GITLAB_OP_SHOW, "404 Not Found", "{\"message\":\"404 Runner Not Found\"}", true},
        {GITLAB_OP_SHOW, "404 Not Found", "{\"message\":\"404 Not found\"}", true}, /* older GitLabs */
        {GITLAB_OP_SHOW, "404 Not Found", "{\"error\":\"404 Not Found\"}", false},  /* no such route */
        {GITLAB_OP_SHOW, "404 Not Found", "<html>\"message\"</html>", false},
        {GITLAB_OP_SHOW, "404 Not Found", "", false},
        {GITLAB_OP_VERIFY, "403 Forbidden", "{\"message\":\"403 Forbidden\"}", true},
        {GITLAB_OP_VERIFY, "403 Forbidden", "<html>no entry</html>", false},
        {GITLAB_OP_ROTATE, "403 Forbidden", "{\"error\":\"Not permitted to reset\"}", false},
        {GITLAB_OP_SHOW, "500 Oh", "{\"message\":\"500 Internal Server Error\"}", false},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        const struct gitlab_answer *answer = call(w, cases[i].op);
        assert_int_not_equal(answer->err.kind, ERR_NONE);
        if (answer->proven != cases[i].proven)
            fail_msg("%s %s is %sproof", cases[i].status, cases[i].body, answer->proven ? "" : "no ");
    }
}

/* Gone is what was wanted; but only GitLab's own JSON proves it. */
static void takes_gone_for_deregistered(void **state)
{
    static const struct {
        enum gitlab_op_kind op;
        const char *status, *body;
        bool done;
    } cases[] = {
        {GITLAB_OP_DEREGISTER, "403 Forbidden", "{\"message\":\"403 Forbidden\"}", true},
        {GITLAB_OP_DEREGISTER, "403 Forbidden", "<html>Forbidden</html>", false},
        {GITLAB_OP_DEREGISTER, "403 Forbidden", "", false},
        {GITLAB_OP_DEREGISTER, "404 Not Found", "{\"message\":\"404 Runner Not Found\"}", false},
        {GITLAB_OP_REMOVE, "404 Not Found", "{\"message\":\"404 Runner Not Found\"}", true},
        {GITLAB_OP_REMOVE, "404 Not Found", "{\"error\":\"404 Not Found\"}", false},
        {GITLAB_OP_REMOVE, "404 Not Found", "<html>Runner</html>", false},
        {GITLAB_OP_REMOVE, "403 Forbidden", "{\"message\":\"403 Forbidden - No access granted\"}", false},
        {GITLAB_OP_REMOVE, "200 OK", "<html>Please sign in</html>", false},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        if ((call(w, cases[i].op)->err.kind == ERR_NONE) != cases[i].done)
            fail_msg("%s %s: %s", cases[i].status, cases[i].body, w->answer.err.text);
    }
}

/* After some answers it is open whether a runner was made: such a call must not simply be repeated. */
static void says_when_it_may_have_happened_all_the_same(void **state)
{
    static const struct {
        const char *status, *body;
        enum err_kind kind;
        bool ambiguous;
    } cases[] = {
        {"201 Created", "{\"id\":1,\"token\":\"t\"}", ERR_NONE, false},
        {"201 Created", "{\"id\":1,\"tok", ERR_RETRY, true},
        {"201 Created", "{\"id\":1}", ERR_RETRY, true},
        {"201 Created", "{\"id\":1,\"token\":\"\"}", ERR_RETRY, true},
        {"201 Created", "{\"id\":1,\"token\":7}", ERR_RETRY, true},
        {"201 Created", "[]", ERR_RETRY, true},
        {"201 Created", "", ERR_RETRY, true},
        {"200 OK", "<html>Please sign in</html>", ERR_RETRY, true},
        {"500 Internal Server Error", "", ERR_RETRY, true},
        {"502 Bad Gateway", "<html></html>", ERR_RETRY, true},
        {NULL, "hangs up", ERR_RETRY, true},
        {"400 Bad Request", "{\"error\":\"x\"}", ERR_INVALID, false},
        {"401 Unauthorized", "{\"message\":\"401 Unauthorized\"}", ERR_DENIED, false},
        {"302 Found", "", ERR_INVALID, false},
        {"429 Too Many Requests", "", ERR_RETRY, false},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        const struct gitlab_answer *answer = call(w, GITLAB_OP_CREATE);
        if (answer->err.kind != cases[i].kind || answer->ambiguous != cases[i].ambiguous)
            fail_msg("%s %s: %s", cases[i].status ? cases[i].status : "", cases[i].body, answer->err.text);
        assert_int_equal(script.len, 1); /* never sent again by itself */
    }
}

static void is_not_ambiguous_when_nothing_was_sent(void **state)
{
    struct world *w = *state;

    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:1");
    const struct gitlab_answer *answer = call(w, GITLAB_OP_CREATE);
    assert_int_equal(answer->err.kind, ERR_RETRY);
    assert_string_equal(answer->err.reason, "ConnectionRefused");
    assert_non_null(strstr(answer->err.text, "check host and port of spec.url"));
    assert_false(answer->ambiguous);
}

static void keeps_the_time_to_wait(void **state)
{
    struct world *w = *state;

    say(0, "429 Too Many Requests\r\nRetry-After: 17", "Retry later\n");
    assert_int_equal(call(w, GITLAB_OP_UPDATE)->err.retry_after_ms, 17000);
    assert_string_equal(w->answer.err.reason, "RateLimited");
}

static void shows_a_runner_as_gitlab_has_it(void **state)
{
    struct world *w = *state;

    say(0, "200 OK", "{\"id\":42,\"paused\":true,\"tag_list\":[\"a\"]}");
    assert_int_equal(call(w, GITLAB_OP_SHOW)->err.kind, ERR_NONE);
    assert_string_equal(w->body, "{\"id\":42,\"paused\":true,\"tag_list\":[\"a\"]}");
    say(0, "404 Not Found", "{\"message\":\"404 Runner Not Found\"}");
    assert_int_equal(call(w, GITLAB_OP_SHOW)->err.kind, ERR_NOT_FOUND);
    say(0, "200 OK", "{\"version\":\"10.6.2\",\"revision\":\"1a2b\"}");
    assert_int_equal(call(w, GITLAB_OP_VERSION)->err.kind, ERR_NONE);
    assert_string_equal(w->body, "{\"version\":\"10.6.2\",\"revision\":\"1a2b\"}");
}

/* A page that is not GitLab's says nothing about an update either. */
static void wants_to_read_what_gitlab_answers(void **state)
{
    static const enum gitlab_op_kind ops[] = {GITLAB_OP_UPDATE, GITLAB_OP_VERIFY, GITLAB_OP_SHOW, GITLAB_OP_VERSION};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        say(0, "200 OK\r\nContent-Type: text/html", "<html>Please sign in</html>");
        assert_int_equal(call(w, ops[i])->err.kind, ERR_RETRY);
        assert_string_equal(w->answer.err.reason, "UnexpectedAnswer");
        assert_non_null(strstr(w->answer.err.text, "text/html"));
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Looking for the runner that carries our mark */

#define QUERY "?type=group_type&status=never_contacted&per_page=100&page="

static void finds_a_runner_on_the_second_page(void **state)
{
    struct world *w = *state;

    say(0, "200 OK\r\nX-Next-Page: 2", "[{\"id\":5},{\"id\":6}]");
    say(1, "200 OK\r\nX-Next-Page: ", "[{\"id\":7}]");
    say(2, "200 OK", "{\"id\":5,\"maintenance_note\":null}");
    say(3, "404 Not Found", "{\"message\":\"404 Runner Not Found\"}"); /* deleted meanwhile */
    say(4, "200 OK", "{\"id\":7,\"maintenance_note\":\"Ask us.\\nour-mark\"}");
    assert_string_equal(call(w, GITLAB_OP_FIND)->err.text, "");
    assert_int_equal(w->answer.id, 7);
    assert_int_equal(script.len, 5);
    assert_asked(0, "GET /root/api/v4/groups/7/runners" QUERY "1");
    assert_asked(1, "GET /root/api/v4/groups/7/runners" QUERY "2");
    assert_asked(2, "GET /root/api/v4/runners/5");
    assert_asked(3, "GET /root/api/v4/runners/6");
    assert_asked(4, "GET /root/api/v4/runners/7");
    for (size_t i = 0; i < script.len; i++)
        assert_non_null(strstr(script.exchanges[i].request, "\r\nPRIVATE-TOKEN: secret-token\r\n"));
}

/* One that has asked for jobs is not in the list. */
static void looks_at_the_runner_that_is_known_first(void **state)
{
    struct world *w = *state;
    const struct gitlab_request find = {.op = GITLAB_OP_FIND,
                                        .url = w->url,
                                        .token = "t",
                                        .runner_type = "group_type",
                                        .scope_id = 7,
                                        .runner_id = 9,
                                        .mark = "our-mark"};

    say(0, "200 OK", "{\"id\":9,\"maintenance_note\":\"our-mark\"}");
    assert_int_equal(run(w, &find)->id, 9);
    assert_asked(0, "GET /root/api/v4/runners/9");
    assert_int_equal(script.len, 1);

    say(0, "404 Not Found", "{\"message\":\"404 Runner Not Found\"}");
    say(1, "200 OK\r\nX-Next-Page: ", "[]");
    assert_int_equal(run(w, &find)->id, 0);
    assert_asked(1, "GET /root/api/v4/groups/7/runners" QUERY "1");
}

static void looks_where_the_runner_would_be(void **state)
{
    static const char *const where[][2] = {
        {"instance_type", "GET /root/api/v4/runners/all?type=instance_type&status=never_contacted&per_page=100&page=1"},
        {"project_type",
         "GET /root/api/v4/projects/7/runners?type=project_type&status=never_contacted&per_page=100&page=1"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(where); i++) {
        say(0, "200 OK", "[]");
        call_with(w, GITLAB_OP_FIND, where[i][0]);
        assert_int_equal(w->answer.err.kind, ERR_NONE);
        assert_int_equal(w->answer.id, 0);
        assert_asked(0, where[i][1]);
        assert_int_equal(script.len, 1);
    }
}

/* What could not be read may have been ours: not to have found it is no proof that it is not there. */
static void does_not_take_a_strange_answer_for_none(void **state)
{
    static const struct {
        const char *list, *details;
    } cases[] = {
        {"<html>Please sign in</html>", NULL},           {"", NULL},           {"{\"message\":\"maintenance\"}", NULL},
        {"[{\"id\":5}]", "<html>Please sign in</html>"}, {"[{\"id\":5}]", ""}, {"[{\"id\":5}]", "[]"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, "200 OK", cases[i].list);
        say(1, "200 OK", cases[i].details);
        const struct gitlab_answer *answer = call(w, GITLAB_OP_FIND);
        if (answer->err.kind != ERR_RETRY)
            fail_msg("%s %s: id %lld", cases[i].list, cases[i].details ? cases[i].details : "", (long long)answer->id);
    }
}

static void gives_up_looking_when_gitlab_refuses(void **state)
{
    struct world *w = *state;

    say(0, "403 Forbidden", "{\"error\":\"insufficient_scope\"}");
    assert_int_equal(call(w, GITLAB_OP_FIND)->err.kind, ERR_DENIED);
    assert_string_equal(w->answer.err.reason, "InsufficientScope");
    say(0, "200 OK", "[{\"id\":5}]");
    say(1, "500 Internal Server Error", "");
    assert_int_equal(call(w, GITLAB_OP_FIND)->err.kind, ERR_RETRY);
    assert_int_equal(script.len, 2);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void can_be_cancelled(void **state)
{
    struct world *w = *state;
    const struct gitlab_request find = {
        .op = GITLAB_OP_FIND, .url = w->url, .token = "t", .runner_type = "instance_type", .mark = "m"};

    say(0, "200 OK", "[]");
    struct gitlab_op *op = gitlab_start(w->gitlab, &find, on_answer, w);
    assert_int_equal(gitlab_calls(w->gitlab), 1);
    gitlab_cancel(op);
    assert_int_equal(gitlab_calls(w->gitlab), 0);
    assert_int_equal(http_in_flight(w->http), 0);
    assert_int_equal(w->answers, 0);
}

static bool is_closed(void *arg)
{
    (void)arg;
    return false;
}

/* It is no doubt whether GitLab has done what it was not asked for. */
static void calls_nobody_behind_a_closed_fence(void **state)
{
    struct world *w = *state;

    http_fence(w->http, is_closed, NULL);
    for (int op = GITLAB_OP_REGISTER; op <= GITLAB_OP_FIND; op++) {
        assert_string_equal(call(w, (enum gitlab_op_kind)op)->err.reason, "Fenced");
        assert_false(w->answer.ambiguous);
    }
    assert_int_equal(script.len, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A host that is down, and places where no GitLab may be */

/* What waits for its turn is sent as whole as what does not. */
static void waits_for_a_place_with_all_it_has(void **state)
{
    enum { CALLS = 3 };
    struct world *w = *state;
    const struct gitlab_request show = {.op = GITLAB_OP_SHOW, .url = w->url, .token = "secret-token", .runner_id = 42};

    configure(w, &(struct gitlab_settings){.concurrency = 1, .policy.allow_loopback = true});
    for (int i = 0; i < CALLS; i++) {
        say(i, "200 OK", "{\"id\":42}");
        gitlab_start(w->gitlab, &show, on_answer, w);
    }
    assert_int_equal(http_in_flight(w->http), 1);
    loop_timer_set(w->guard, GUARD_MS);
    while (w->answers < CALLS) {
        loop_run(w->loop);
        assert_int_equal(w->answer.err.kind, ERR_NONE);
        assert_non_null(strstr(script.exchanges[w->answers - 1].request, "\r\nPRIVATE-TOKEN: secret-token\r\n"));
    }
    loop_timer_set(w->guard, -1);
    assert_int_equal(script.len, CALLS);
}

static void leaves_a_host_alone_that_keeps_failing(void **state)
{
    struct world *w = *state;
    struct gate_info info;

    for (int i = 0; i < 5; i++) {
        say(0, i % 2 ? NULL : "502 Bad Gateway", "<html>");
        assert_int_equal(call(w, GITLAB_OP_CREATE)->err.kind, ERR_RETRY);
        assert_int_equal(script.len, 1);
    }
    const struct gitlab_answer *answer = call(w, GITLAB_OP_CREATE);
    assert_string_equal(answer->err.reason, "GitLabUnavailable");
    assert_int_equal(answer->err.kind, ERR_RETRY);
    assert_non_null(strstr(answer->err.text, "has failed 5 times in a row"));
    assert_non_null(strstr(answer->err.text, "answered 502"));
    assert_true(answer->err.retry_after_ms > 0);
    assert_false(answer->ambiguous); /* nothing was sent */
    assert_int_equal(script.len, 0);
    assert_true(gitlab_host(w->gitlab, 0, &info));
    assert_string_equal(host_state_name(info.host->state), "closed"); /* it can be connected to */
    assert_int_equal(info.open, 1);
    assert_false(gitlab_host(w->gitlab, 1, &info));
}

static void a_refusal_is_no_failure_of_the_host(void **state)
{
    static const char *const statuses[] = {"400 Bad Request", "401 Unauthorized", "403 Forbidden",
                                           "404 Not Found",   "302 Found",        "422 Unprocessable"};
    struct world *w = *state;

    for (size_t i = 0; i < 3 * ARRAY_LEN(statuses); i++) {
        say(0, statuses[i % ARRAY_LEN(statuses)], "{}");
        call(w, GITLAB_OP_CREATE);
        assert_int_equal(script.len, 1);
    }
}

static void one_that_is_told_to_wait_speaks_for_all(void **state)
{
    struct world *w = *state;

    say(0, "429 Too Many Requests\r\nRetry-After: 30", "Retry later\n");
    assert_string_equal(call(w, GITLAB_OP_UPDATE)->err.reason, "RateLimited");
    assert_string_equal(call(w, GITLAB_OP_VERIFY)->err.reason, "RateLimited");
    assert_int_equal(script.len, 0);
    assert_in_range(w->answer.err.retry_after_ms, 20000, 45000);
    assert_int_equal(w->answer.err.code, 429);
}

static void is_never_called_where_it_must_not(void **state)
{
    static const struct {
        struct gitlab_policy policy;
        const char *reason, *remedy;
    } cases[] = {
        {{0}, "AddressNotAllowed", "spec.hostAliases"},
        {{.allowed_hosts = "127.0.0.1"}, "AddressNotAllowed", "127.0.0.1 is a loopback address"},
        {{.allow_loopback = true, .allowed_hosts = "*.example.com"}, "HostNotAllowed", "--allowed-gitlab-hosts"},
        {{.allow_loopback = true, .require_https = true}, "HTTPSRequired", "--require-https"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        configure(w, &(struct gitlab_settings){.policy = cases[i].policy});
        for (enum gitlab_op_kind op = GITLAB_OP_REGISTER; op <= GITLAB_OP_FIND; op++) {
            const struct gitlab_answer *answer = call(w, op);
            assert_string_equal(answer->err.reason, cases[i].reason);
            assert_int_equal(answer->err.kind, ERR_DENIED); /* a person has to act */
            assert_non_null(strstr(answer->err.text, cases[i].remedy));
            assert_false(answer->ambiguous);
        }
        assert_int_equal(w->server.connections, 0); /* no token, and not even a connection */
    }
}

/* An alias is an address that the user chooses. */
static void an_alias_leads_nowhere_else_either(void **state)
{
    static const char *const aliases[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"};
    struct world *w = *state;

    configure(w, NULL);
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        char url[64];
        snprintf(url, sizeof(url), "http://gitlab.test:%d", w->server.port);
        const struct gitlab_request remove = {
            .op = GITLAB_OP_REMOVE, .url = url, .address = aliases[i], .token = "t", .runner_id = 1};
        assert_string_equal(run(w, &remove)->err.reason, "AddressNotAllowed");
    }
    assert_int_equal(w->server.connections, 0);
}

/* Each object's CA counts for its own calls: one that trusts another must not use a connection that is there. */
static void no_token_goes_over_what_another_ca_has_vouched_for(void **state)
{
    struct world *w = *state;
    struct identity ca = identity_make("our authority", NULL, NULL, -DAY, DAY);
    struct identity other = identity_make("another authority", NULL, NULL, -DAY, DAY);
    struct identity id = identity_make("gitlab", "DNS:gitlab.test", &ca, -DAY, DAY);
    struct tiny_server server = {.respond = respond};
    char url[64];

    tiny_start(&server, &id, NULL);
    snprintf(url, sizeof(url), "https://gitlab.test:%d", server.port);
    struct gitlab_request show = {
        .op = GITLAB_OP_SHOW, .url = url, .address = "127.0.0.1", .token = "t", .runner_id = 1, .ca_pem = ca.cert_pem};
    say(0, "200 OK", "{\"id\":1}");
    assert_int_equal(run(w, &show)->err.kind, ERR_NONE);
    show.ca_pem = other.cert_pem;
    assert_string_equal(run(w, &show)->err.reason, "UntrustedCertificate");
    assert_int_equal(script.len, 0);
    show.ca_pem = NULL;
    assert_string_equal(run(w, &show)->err.reason, "UntrustedCertificate");
    assert_int_equal(script.len, 0);
    http_close_idle(w->http);
    tiny_stop(&server);
    identity_free(&id);
    identity_free(&other);
    identity_free(&ca);
}

static void trusts_the_given_ca_at_the_given_address(void **state)
{
    struct world *w = *state;
    struct identity ca = identity_make("our authority", NULL, NULL, -DAY, DAY);
    struct identity id = identity_make("gitlab", "DNS:gitlab.test", &ca, -DAY, DAY);
    struct tiny_server server = {.respond = respond};
    char url[64];

    tiny_start(&server, &id, NULL);
    snprintf(url, sizeof(url), "https://gitlab.test:%d", server.port);
    say(0, "204 No Content", "");
    struct gitlab_request remove = {
        .op = GITLAB_OP_REMOVE, .url = url, .address = "127.0.0.1", .token = "t", .runner_id = 1};
    assert_string_equal(run(w, &remove)->err.reason, "UntrustedCertificate");
    assert_non_null(strstr(w->answer.err.text, "caSecretRef"));
    assert_int_equal(script.len, 0); /* the token was not told to it */
    remove.ca_pem = ca.cert_pem;
    assert_int_equal(run(w, &remove)->err.kind, ERR_NONE);
    http_close_idle(w->http);
    tiny_stop(&server);
    identity_free(&id);
    identity_free(&ca);
}

#define api_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        api_test(puts_each_call_as_gitlab_wants_it),
        api_test(tells_what_gitlab_issued),
        api_test(tells_gitlabs_own_refusals_from_others),
        api_test(takes_gone_for_deregistered),
        api_test(says_when_it_may_have_happened_all_the_same),
        api_test(is_not_ambiguous_when_nothing_was_sent),
        api_test(keeps_the_time_to_wait),
        api_test(shows_a_runner_as_gitlab_has_it),
        api_test(wants_to_read_what_gitlab_answers),
        api_test(finds_a_runner_on_the_second_page),
        api_test(looks_at_the_runner_that_is_known_first),
        api_test(looks_where_the_runner_would_be),
        api_test(does_not_take_a_strange_answer_for_none),
        api_test(gives_up_looking_when_gitlab_refuses),
        api_test(can_be_cancelled),
        api_test(calls_nobody_behind_a_closed_fence),
        api_test(waits_for_a_place_with_all_it_has),
        api_test(leaves_a_host_alone_that_keeps_failing),
        api_test(a_refusal_is_no_failure_of_the_host),
        api_test(one_that_is_told_to_wait_speaks_for_all),
        api_test(is_never_called_where_it_must_not),
        api_test(an_alias_leads_nowhere_else_either),
        api_test(no_token_goes_over_what_another_ca_has_vouched_for),
        api_test(trusts_the_given_ca_at_the_given_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
