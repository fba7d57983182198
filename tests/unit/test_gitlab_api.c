/* Calls to GitLab over real HTTP: what is sent, byte for byte, and what is made of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "gitlab/api.h"
#include "net/http.h"
#include "net/loop.h"
#include "tiny_server.h"

enum { GUARD_MS = 60000 * SLOWNESS, EXCHANGES_MAX = 32, TEXT_MAX = 4096 };

#define LETS_IN  "400 Bad Request", "{\"error\":\"token is missing\"}"
#define LETS_SEE "200 OK", "{\"version\":\"19.3.1\"}"
#define NO       "{\"message\":\"403 Forbidden - No access granted\"}"
#define GONE     "{\"message\":\"404 Runner Not Found\"}"
#define DEAD     "{\"message\":\"403 Forbidden\"}"

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
    {GITLAB_OP_SELF, NULL, "GET /root/api/v4/personal_access_tokens/self", NULL, true, "200 OK"},
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
            empty                            ? ""
            : sent[i].op == GITLAB_OP_VERIFY ? "{\"id\":42,\"token\":\"secret-token\"}"
                                             : "{\"id\":42,\"token\":\"glrt-new\",\"version\":\"19.3.1\"}");
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
         "{\"id\":9007199254740991,\"token\":\"glrt-t1_x.y\",\"token_expires_at\":null}", 9007199254740991,
         "glrt-t1_x.y", NULL},
        {GITLAB_OP_VERIFY, "200 OK", "{\"id\":3,\"token\":\"secret-token\"}", 3, "secret-token", NULL},
        {GITLAB_OP_RESET, "201 Created", "{\"token\":\"fresh\",\"token_expires_at\":\"2027-01-02T03:04:05Z\"}", 42,
         "fresh", "2027-01-02T03:04:05Z"},
        {GITLAB_OP_ROTATE, "201 Created", "{\"token\":\"fresh\",\"token_expires_at\":null}", 42, "fresh", NULL},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"description\":\"d\"}", 42, NULL, NULL},
        {GITLAB_OP_UPDATE, "200 OK", "{\"id\":42,\"description\":\"d\"}", 42, NULL, NULL},
        {GITLAB_OP_UPDATE, "200 OK", "{\"id\":42,\"token\":\"a b\",\"token_expires_at\":\"soon\"}", 42, NULL, NULL},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"token\":\"a b\",\"token_expires_at\":\"soon\"}", 42, NULL, NULL},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"expires_at\":\"2027-01-02\"}", 42, NULL, NULL},
        {GITLAB_OP_SELF, "200 OK", "{\"id\":5,\"expires_at\":\"2027-01-02\"}", 42, NULL, "2027-01-02"},
        {GITLAB_OP_LIST, "200 OK", "[]", 42, NULL, NULL},
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

/* A refusal proves something when it is in GitLab's very words, and the same server lets us in otherwise. */
static void believes_what_gitlab_itself_refuses(void **state)
{
    static const struct {
        enum gitlab_op_kind op;
        const char *status, *body;   /* of the call */
        const char *also, *its_body; /* of the question whether we are let in; NULL: it is not asked */
        const char *reason;          /* "": it is done */
        bool proven;
    } cases[] = {
        {GITLAB_OP_SHOW, "404 Not Found", GONE, LETS_SEE, "RunnerNotFound", true},
        {GITLAB_OP_SHOW, "404 Not Found", "{\"message\":\"404 Not found\"}", LETS_SEE, "RunnerNotFound", true},
        {GITLAB_OP_SHOW, "404 Not Found", GONE, "403 Forbidden", DEAD, "Unconfirmed", false},
        {GITLAB_OP_SHOW, "404 Not Found", GONE, "403 Forbidden", "{\"error\":\"insufficient_scope\"}", "RunnerNotFound",
         true}, /* GitLab knows the access token */
        {GITLAB_OP_SHOW, "404 Not Found", "{\"error\":\"404 Not Found\"}", NULL, NULL, "UnsupportedGitLab", false},
        {GITLAB_OP_SHOW, "404 Not Found", "{\"message\":\"Not Found\"}", NULL, NULL, "RunnerNotFound", false},
        {GITLAB_OP_SHOW, "404 Not Found", "<html>\"message\"</html>", NULL, NULL, "NotGitLab", false},
        {GITLAB_OP_SHOW, "404 Not Found", "", NULL, NULL, "NotGitLab", false},
        {GITLAB_OP_SHOW, "403 Forbidden", NO, LETS_SEE, "InsufficientPermissions", true},
        {GITLAB_OP_SHOW, "403 Forbidden", DEAD, NULL, NULL, "InsufficientPermissions", false}, /* too many IPs */
        {GITLAB_OP_SHOW, "500 Oh", "{\"message\":\"500 Internal Server Error\"}", NULL, NULL, "ServerError", false},
        {GITLAB_OP_VERIFY, "403 Forbidden", DEAD, LETS_IN, "RunnerTokenRejected", true},
        {GITLAB_OP_VERIFY, "403 Forbidden", DEAD, "403 Forbidden", DEAD, "Unconfirmed", false}, /* an IP restriction */
        {GITLAB_OP_VERIFY, "403 Forbidden", DEAD, "403 Forbidden", "<html>", "Unconfirmed", false},
        {GITLAB_OP_VERIFY, "403 Forbidden", DEAD, "400 Bad Request", "<html>", "Unconfirmed", false},
        {GITLAB_OP_VERIFY, "403 Forbidden", DEAD, "502 Bad Gateway", "", "ServerError", false},
        {GITLAB_OP_VERIFY, "403 Forbidden", "<html>no entry</html>", NULL, NULL, "UnexpectedAnswer", false},
        {GITLAB_OP_VERIFY, "403 Forbidden", "{\"message\":\"403 Forbidden - your IP address is not allowed\"}", NULL,
         NULL, "RunnerTokenRejected", false},
        {GITLAB_OP_ROTATE, "403 Forbidden", DEAD, LETS_IN, "RunnerTokenRejected", true},
        {GITLAB_OP_ROTATE, "403 Forbidden", "{\"error\":\"Not permitted to reset\"}", NULL, NULL, "RejectedByGitLab",
         false}, /* the token itself is good */
        {GITLAB_OP_FIND, "403 Forbidden", DEAD, LETS_SEE, "InsufficientPermissions", true},
        {GITLAB_OP_FIND, "403 Forbidden", DEAD, "403 Forbidden", DEAD, "Unconfirmed", false},
        /* Gone is what was wanted. */
        {GITLAB_OP_DEREGISTER, "403 Forbidden", DEAD, LETS_IN, "", true},
        {GITLAB_OP_DEREGISTER, "403 Forbidden", DEAD, "403 Forbidden", DEAD, "Unconfirmed", false},
        {GITLAB_OP_DEREGISTER, "403 Forbidden", "<html>Forbidden</html>", NULL, NULL, "UnexpectedAnswer", false},
        {GITLAB_OP_DEREGISTER, "403 Forbidden", "", NULL, NULL, "UnexpectedAnswer", false},
        {GITLAB_OP_DEREGISTER, "404 Not Found", GONE, NULL, NULL, "NotGitLab", false},
        {GITLAB_OP_REMOVE, "404 Not Found", GONE, LETS_SEE, "", true},
        {GITLAB_OP_REMOVE, "404 Not Found", GONE, "404 Not Found", GONE, "Unconfirmed", false},
        {GITLAB_OP_REMOVE, "404 Not Found", "{\"error\":\"404 Not Found\"}", NULL, NULL, "UnsupportedGitLab", false},
        {GITLAB_OP_REMOVE, "404 Not Found", "<html>Runner</html>", NULL, NULL, "NotGitLab", false},
        {GITLAB_OP_REMOVE, "403 Forbidden", NO, LETS_SEE, "InsufficientPermissions", true},
        {GITLAB_OP_REMOVE, "200 OK", "<html>Please sign in</html>", NULL, NULL, "UnexpectedAnswer", false},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        say(1, cases[i].also, cases[i].its_body);
        const struct gitlab_answer *answer = call(w, cases[i].op);
        if (strcmp(answer->err.reason, cases[i].reason) != 0 || answer->proven != cases[i].proven)
            fail_msg("%s %s, %s: %s%s", cases[i].status, cases[i].body, cases[i].also ? cases[i].also : "",
                     answer->err.text, answer->proven ? ", proven" : "");
        assert_int_equal(answer->unknown, !*cases[i].reason);
        assert_int_equal(script.len, cases[i].also ? 2 : 1);
    }
}

/* The question itself gives nothing away, and changes nothing. */
static void asks_whether_it_is_let_in(void **state)
{
    struct world *w = *state;

    say(0, "403 Forbidden", DEAD);
    say(1, LETS_IN);
    call(w, GITLAB_OP_DEREGISTER);
    assert_asked(1, "DELETE /root/api/v4/runners");
    assert_body(script.exchanges[1].request, "{}");
    assert_null(strstr(script.exchanges[1].request, "secret-token"));
    say(0, "404 Not Found", GONE);
    say(1, LETS_SEE);
    call(w, GITLAB_OP_REMOVE);
    assert_asked(1, "GET /root/api/v4/version");
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
    say(0, "404 Not Found", GONE);
    say(1, LETS_SEE);
    assert_int_equal(call(w, GITLAB_OP_SHOW)->err.kind, ERR_NOT_FOUND);
    say(0, "200 OK", "{\"version\":\"10.6.2\",\"revision\":\"1a2b\"}");
    assert_int_equal(call(w, GITLAB_OP_VERSION)->err.kind, ERR_NONE);
    assert_string_equal(w->body, "{\"version\":\"10.6.2\",\"revision\":\"1a2b\"}");
}

/* What is read of an answer is as GitLab has it, in kind, length and range; or it is no answer. */
static void reads_nothing_that_is_not_as_gitlab_has_it(void **state)
{
    static const struct {
        enum gitlab_op_kind op;
        const char *status, *body;
    } cases[] = {
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":\"5\",\"token\":\"t\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":-1,\"token\":\"t\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":0,\"token\":\"t\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":9223372036854775807,\"token\":\"t\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":1.5,\"token\":\"t\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"token\":\"t\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"a b\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"a\\nb\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"a\\u0000b\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"a\\\"\\n[[runners]]\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"\xc3\xa4\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":{\"a\":1}}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"t\",\"token_expires_at\":[]}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"t\",\"token_expires_at\":\"soon\"}"},
        {GITLAB_OP_CREATE, "201 Created", "{\"id\":5,\"token\":\"t\",\"token_expires_at\":7}"},
        {GITLAB_OP_VERIFY, "200 OK", "{\"id\":42,\"token\":\"another\"}"},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":43}"}, /* the answer to somebody else */
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"tag_list\":\"a\"}"},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"tag_list\":[7]}"},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"maintenance_note\":[]}"},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"paused\":\"no\"}"},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"contacted_at\":\"\\u001b[2J\"}"},
        {GITLAB_OP_SHOW, "200 OK", "{\"id\":42,\"projects\":[{}]}"},
        {GITLAB_OP_UPDATE, "200 OK", "{\"id\":43}"},
        {GITLAB_OP_VERSION, "200 OK", "{\"version\":\"<b>\"}"},
        {GITLAB_OP_VERSION, "200 OK", "{\"version\":19}"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        const struct gitlab_answer *answer = call(w, cases[i].op);
        if (strcmp(answer->err.reason, "UnexpectedAnswer") != 0)
            fail_msg("%s: %s", cases[i].body, answer->err.text);
        assert_true(answer->ambiguous);
        assert_int_equal(answer->err.kind, ERR_RETRY);
    }
}

/* Texts without measure, and what takes a thousand times its length once it is read. */
static void reads_no_more_than_an_answer_has(void **state)
{
    enum { LONG = 60000 };
    static const char *const around[][2] = {
        {"{\"id\":5,\"token\":\"", "\"}"},
        {"{\"id\":5,\"token\":\"t\",\"token_expires_at\":\"", "\"}"},
        {"{\"id\":5,\"token\":\"t\",\"a\":[", "{}]}"},
    };
    static const char *const complaints[] = {"; token)", "; token_expires_at)", "; TooLarge)"};
    struct world *w = *state;
    static char body[1 << 20]; /* the server may still be sending when the answer was refused */

    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        size_t len = (size_t)sprintf(body, "%s", around[i][0]);
        while (len < LONG)
            len += (size_t)sprintf(body + len, "%s", i == 2 ? "{}," : "7");
        strcpy(body + len, around[i][1]);
        say(0, "201 Created", body);
        assert_string_equal(call(w, GITLAB_OP_CREATE)->err.reason, "UnexpectedAnswer");
        assert_non_null(strstr(w->answer.err.text, complaints[i]));
    }
    memset(body, ' ', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    say(0, "201 Created", body);
    assert_string_equal(call(w, GITLAB_OP_CREATE)->err.reason, "ResponseTooLarge");
    assert_true(w->answer.ambiguous);
}

#define LONG_TYPE "text/html; of=a-page-that-somebody-has-put-in-the-place-of-all-answers"

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
    say(0, "200 OK\r\nContent-Type: " LONG_TYPE, "<html>Please sign in</html>");
    assert_int_equal(call(w, GITLAB_OP_VERSION)->err.kind, ERR_RETRY);
    assert_non_null(strstr(w->answer.err.text, shown(LONG_TYPE, 60).text)); /* no more of it */
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Looking for the runner that carries our mark */

#define QUERY "?type=group_type&status=never_contacted&per_page=20&page="

/* A page, then its runners, then the next page: what has been looked at is not kept. */
static void finds_a_runner_on_the_second_page(void **state)
{
    struct world *w = *state;

    say(0, "200 OK\r\nX-Next-Page: 2", "[{\"id\":5},{\"id\":6}]");
    say(1, "200 OK", "{\"id\":5,\"maintenance_note\":null}");
    say(2, "404 Not Found", GONE); /* deleted meanwhile */
    say(3, "200 OK\r\nX-Next-Page: ", "[{\"id\":7}]");
    say(4, "200 OK", "{\"id\":7,\"maintenance_note\":\"Ask us.\\nour-mark\"}");
    assert_string_equal(call(w, GITLAB_OP_FIND)->err.text, "");
    assert_int_equal(w->answer.id, 7);
    assert_int_equal(script.len, 5);
    assert_asked(0, "GET /root/api/v4/groups/7/runners" QUERY "1");
    assert_asked(1, "GET /root/api/v4/runners/5");
    assert_asked(2, "GET /root/api/v4/runners/6");
    assert_asked(3, "GET /root/api/v4/groups/7/runners" QUERY "2");
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

    say(0, "404 Not Found", GONE);
    say(1, "200 OK\r\nX-Next-Page: ", "[]");
    say(2, LETS_SEE);
    assert_int_equal(run(w, &find)->id, 0);
    assert_int_equal(w->answer.err.kind, ERR_NONE);
    assert_asked(1, "GET /root/api/v4/groups/7/runners" QUERY "1");
    assert_asked(2, "GET /root/api/v4/version");
}

static const struct gitlab_answer *read_page(struct world *w, enum gitlab_op_kind op, int64_t page)
{
    const struct gitlab_request list = {.op = op, .url = w->url, .token = "secret-token", .page = page};

    return run(w, &list);
}

static void reads_lists_page_by_page(void **state)
{
    struct world *w = *state;

    say(0, "200 OK\r\nX-Next-Page: 2\r\nDate: Thu, 01 Jan 1970 00:02:00 GMT", "[{\"id\":5},{\"id\":6}]");
    assert_int_equal(read_page(w, GITLAB_OP_LIST, 1)->next_page, 2);
    assert_int_equal(w->answer.date_s, 120);
    assert_string_equal(w->body, "[{\"id\":5},{\"id\":6}]");
    assert_asked(0, "GET /root/api/v4/runners?per_page=50&page=1");
    say(0, "200 OK", "[]");
    assert_int_equal(read_page(w, GITLAB_OP_LIST_ALL, 3)->err.kind, ERR_NONE);
    assert_int_equal(w->answer.next_page, 0);
    assert_asked(0, "GET /root/api/v4/runners/all?per_page=50&page=3");
    say(0, "200 OK", "[{\"id\":1}]");
    assert_int_equal(call(w, GITLAB_OP_RUNNING)->err.kind, ERR_NONE);
    assert_asked(0, "GET /root/api/v4/runners/42/jobs?status=running&per_page=1");
}

static void believes_no_list_that_is_none_of_gitlabs(void **state)
{
    static const struct {
        const char *status, *body;
    } cases[] = {
        {"200 OK", "{}"},        {"200 OK", "[{}]"},
        {"200 OK", "[7]"},       {"200 OK\r\nX-Next-Page: 1", "[{\"id\":5}]"},
        {"200 OK", "<html>"},    {"200 OK\r\nX-Next-Page: x", "[{\"id\":5}]"},
        {"403 Forbidden", DEAD}, {"502 Bad Gateway", ""},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].status, cases[i].body);
        assert_int_not_equal(read_page(w, GITLAB_OP_LIST_ALL, 1)->err.kind, ERR_NONE);
    }
}

static void looks_where_the_runner_would_be(void **state)
{
    static const char *const where[][2] = {
        {"instance_type", "GET /root/api/v4/runners/all?type=instance_type&status=never_contacted&per_page=20&page=1"},
        {"project_type",
         "GET /root/api/v4/projects/7/runners?type=project_type&status=never_contacted&per_page=20&page=1"},
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
        const char *list_status, *list, *status, *details;
    } cases[] = {
        {"200 OK", "<html>Please sign in</html>", NULL, NULL},
        {"200 OK", "", NULL, NULL},
        {"200 OK", "{\"message\":\"maintenance\"}", NULL, NULL},
        {"200 OK", "[{\"id\":\"5\"}]", NULL, NULL},
        {"200 OK", "[{\"id\":-5}]", NULL, NULL},
        {"200 OK", "[{}]", NULL, NULL},
        {"200 OK", "[7]", NULL, NULL},
        {"200 OK\r\nX-Next-Page: 1", "[{\"id\":5}]", NULL, NULL}, /* the same again */
        {"200 OK\r\nX-Next-Page: 0", "[{\"id\":5}]", NULL, NULL},
        {"200 OK\r\nX-Next-Page: -2", "[{\"id\":5}]", NULL, NULL},
        {"200 OK\r\nX-Next-Page: x", "[{\"id\":5}]", NULL, NULL},
        {"200 OK\r\nX-Next-Page: 2", "[]", NULL, NULL}, /* and so on for ever */
        {"200 OK", "[{\"id\":5}]", "200 OK", "<html>Please sign in</html>"},
        {"200 OK", "[{\"id\":5}]", "200 OK", ""},
        {"200 OK", "[{\"id\":5}]", "200 OK", "[]"},
        {"200 OK", "[{\"id\":5}]", "200 OK", "{\"id\":6}"}, /* the answer to somebody else */
        /* What stands before GitLab does not say whose a runner is. */
        {"200 OK", "[{\"id\":5}]", "403 Forbidden", "<html>Blocked by the firewall</html>"},
        {"200 OK", "[{\"id\":5}]", "404 Not Found", "<html>Blocked by the firewall</html>"},
        {"200 OK", "[{\"id\":5}]", "403 Forbidden", "{\"message\":\"403 Forbidden - IP\"}"},
        {"200 OK", "[{\"id\":5}]", "403 Forbidden", DEAD}, /* an IP restriction */
        {"200 OK", "[{\"id\":5}]", "404 Not Found", "{\"error\":\"404 Not Found\"}"},
        {"200 OK", "[{\"id\":5}]", "404 Not Found", GONE}, /* nor when nobody is let in */
        {"200 OK", "[{\"id\":5}]", "403 Forbidden", NO},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        say(0, cases[i].list_status, cases[i].list);
        say(1, cases[i].status, cases[i].details);
        say(2, "403 Forbidden", DEAD);
        if (call(w, GITLAB_OP_FIND)->err.kind == ERR_NONE)
            fail_msg("%s %s %s: id %lld", cases[i].list_status, cases[i].list, cases[i].details ? cases[i].details : "",
                     (long long)w->answer.id);
    }
}

/* Many pages are looked at as they come, and no faster than is good for the server. */
static void looks_at_many_pages(void **state)
{
    enum { PAGES = 8 };
    struct world *w = *state;
    char pages[PAGES][64], ids[PAGES][64], runners[PAGES][64];
    int64_t began = loop_now(w->loop);

    for (int i = 0; i < PAGES; i++) {
        snprintf(pages[i], sizeof(pages[i]), "200 OK\r\nX-Next-Page: %d", i + 2);
        snprintf(ids[i], sizeof(ids[i]), "[{\"id\":%d}]", i + 5);
        snprintf(runners[i], sizeof(runners[i]), "{\"id\":%d}", i + 5);
        say((size_t)i * 2, i == PAGES - 1 ? "200 OK" : pages[i], ids[i]);
        say((size_t)i * 2 + 1, "200 OK", runners[i]);
    }
    assert_int_equal(call(w, GITLAB_OP_FIND)->id, 0);
    assert_int_equal(w->answer.err.kind, ERR_NONE);
    assert_int_equal(script.len, 2 * PAGES);
    assert_true(loop_now(w->loop) - began >= (2 * PAGES - 1) * 50);
}

static void gives_up_looking_when_gitlab_refuses(void **state)
{
    struct world *w = *state;

    say(0, "403 Forbidden", "{\"error\":\"insufficient_scope\"}");
    say(1, "403 Forbidden", "{\"error\":\"insufficient_scope\"}");
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
    gitlab_cancel(op);
    assert_int_equal(gitlab_inside(w->gitlab) + gitlab_waiting(w->gitlab), 0);
    assert_int_equal(http_fenced_in_flight(w->http), 0);
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
    assert_int_equal(http_fenced_in_flight(w->http), 1);
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
    struct gate_sight sights[GATE_SIGHTS + 1];

    for (int i = 0; i < 5; i++) {
        say(0, i % 2 ? NULL : "502 Bad Gateway", "<html>");
        assert_int_equal(call(w, GITLAB_OP_CREATE)->err.kind, ERR_RETRY);
        assert_int_equal(script.len, 1);
    }
    const struct gitlab_answer *answer = call(w, GITLAB_OP_CREATE);
    assert_string_equal(answer->err.reason, "ServerError");
    assert_true(answer->err.untried);
    assert_int_equal(answer->err.kind, ERR_RETRY);
    assert_non_null(strstr(answer->err.text, "answered 502"));
    assert_true(answer->err.retry_after_ms > 0);
    assert_false(answer->ambiguous); /* nothing was sent */
    assert_int_equal(script.len, 0);
    assert_int_equal(gitlab_sights(w->gitlab, sights), 1);
    assert_string_equal(host_state_name(sights[0].transport->state), "closed"); /* it can be connected to */
    assert_int_equal(sights[0].held, 1);
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

static const struct gitlab_answer *verify_with(struct world *w, const char *token)
{
    return run(w, &(struct gitlab_request){.op = GITLAB_OP_VERIFY, .url = w->url, .token = token});
}

/* For the credential that was told so, and for what it asked for. */
static void one_that_is_told_to_wait_waits(void **state)
{
    struct world *w = *state;

    say(0, "429 Too Many Requests\r\nRetry-After: 30", "Retry later\n");
    assert_string_equal(verify_with(w, "glrt-1")->err.reason, "RateLimited");
    assert_string_equal(verify_with(w, "glrt-1")->err.reason, "RateLimited");
    assert_int_equal(script.len, 0);
    assert_in_range(w->answer.err.retry_after_ms, 20000, 45000);
    assert_int_equal(w->answer.err.code, 429);
    say(0, "200 OK", "{\"id\":42,\"token\":\"glrt-2\"}");
    assert_int_equal(verify_with(w, "glrt-2")->err.kind, ERR_NONE);
}

/* Such as one that a firewall has no liking for. */
static void a_path_that_fails_closes_no_other(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 5; i++) {
        say(0, "500 Internal Server Error", "{}");
        assert_string_equal(call(w, GITLAB_OP_UPDATE)->err.reason, "ServerError");
        say(0, "200 OK", "{\"id\":42}");
        assert_int_equal(call(w, GITLAB_OP_SHOW)->err.kind, ERR_NONE);
    }
    assert_true(call(w, GITLAB_OP_UPDATE)->err.untried);
    assert_int_equal(call(w, GITLAB_OP_SHOW)->err.kind, ERR_NONE);
}

/* Only what the proxy is told matters to it; and its own address is the administrator's choice. */
static void a_proxy_makes_the_calls(void **state)
{
    struct world *w = *state;
    char proxy[64];

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", w->server.port);
    configure(w, &(struct gitlab_settings){.egress = {.proxy = proxy, .no_proxy = "10.0.0.0/8"}});
    snprintf(w->url, sizeof(w->url), "http://gitlab.test/root");
    say(0, "201 Created", "{\"id\":9,\"token\":\"glrt-x\",\"token_expires_at\":null}");
    assert_int_equal(call(w, GITLAB_OP_CREATE)->err.kind, ERR_NONE);
    assert_asked(0, "POST http://gitlab.test/root/api/v4/user/runners");
}

static void a_proxys_refusals_are_its_own(void **state)
{
    static const struct {
        const char *status, *body, *reason;
    } cases[] = {
        {"407 Proxy Authentication Required", "", "ProxyRefused"},
        {"403 Forbidden", "<html>", "ProxyRefused"},
        {"403 Forbidden", NO, "InsufficientPermissions"},
    };
    struct world *w = *state;
    char proxy[64];

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", w->server.port);
    snprintf(w->url, sizeof(w->url), "http://gitlab.test/root");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        configure(w, &(struct gitlab_settings){.egress = {.proxy = proxy}});
        say(0, cases[i].status, cases[i].body);
        const struct gitlab_answer *answer = call(w, GITLAB_OP_CREATE);
        assert_string_equal(answer->err.reason, cases[i].reason);
        assert_int_equal(answer->err.kind, ERR_DENIED);
        assert_true(i == 2 || strstr(answer->err.text, "--gitlab-proxy-auth-file"));
    }
}

static void a_proxy_is_asked_for_nothing_that_is_not_allowed(void **state)
{
    static const char *const urls[] = {"http://169.254.169.254", "http://127.0.0.1:1",
                                       "http://metadata.google.internal", "https://localhost"};
    struct world *w = *state;
    char proxy[64];

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", w->server.port);
    configure(w, &(struct gitlab_settings){.egress = {.proxy = proxy}});
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        snprintf(w->url, sizeof(w->url), "%s", urls[i]);
        assert_string_equal(call(w, GITLAB_OP_CREATE)->err.reason, "AddressNotAllowed");
        assert_int_equal(script.len, 0);
    }
}

static void a_dead_proxy_is_told_as_such(void **state)
{
    struct world *w = *state;

    configure(w, &(struct gitlab_settings){.egress = {.proxy = "http://127.0.0.1:1"}});
    for (int i = 0; i < 8; i++) {
        snprintf(w->url, sizeof(w->url), "http://gitlab-%d.test/root", i % 3);
        assert_string_equal(call(w, GITLAB_OP_CREATE)->err.reason, "ProxyUnreachable");
        assert_int_equal(w->answer.err.kind, ERR_RETRY);
        assert_non_null(strstr(w->answer.err.text, "--gitlab-proxy"));
        assert_false(w->answer.ambiguous);
    }
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

/* What the URL alone forbids has no place in line, either. */
static void who_must_not_be_called_is_not_waited_for(void **state)
{
    static const struct {
        struct gitlab_policy policy;
        const char *reason;
    } cases[] = {
        {{.allow_loopback = true, .allowed_hosts = "*.example.com"}, "HostNotAllowed"},
        {{.allow_loopback = true, .require_https = true}, "HTTPSRequired"},
    };
    const struct gate_door door = {.url = "http://127.0.0.1:1", .ns = "ci"};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gate_pass pass = {.server = NULL};
        struct err err = {0};
        configure(w, &(struct gitlab_settings){.policy = cases[i].policy});
        assert_int_equal(gitlab_enter(w->gitlab, &pass, &door, &err), GATE_REFUSE);
        assert_string_equal(err.reason, cases[i].reason);
    }
}

static void nobody_is_inside_where_there_is_no_gitlab(void **state)
{
    struct world *w = *state;

    assert_int_equal(gitlab_inside(NULL) + gitlab_waiting(NULL), 0);
    assert_int_equal(gitlab_inside(w->gitlab) + gitlab_waiting(w->gitlab), 0);
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
        api_test(believes_what_gitlab_itself_refuses),
        api_test(asks_whether_it_is_let_in),
        api_test(reads_nothing_that_is_not_as_gitlab_has_it),
        api_test(reads_no_more_than_an_answer_has),
        api_test(looks_at_many_pages),
        api_test(says_when_it_may_have_happened_all_the_same),
        api_test(is_not_ambiguous_when_nothing_was_sent),
        api_test(keeps_the_time_to_wait),
        api_test(shows_a_runner_as_gitlab_has_it),
        api_test(wants_to_read_what_gitlab_answers),
        api_test(finds_a_runner_on_the_second_page),
        api_test(looks_at_the_runner_that_is_known_first),
        api_test(looks_where_the_runner_would_be),
        api_test(reads_lists_page_by_page),
        api_test(believes_no_list_that_is_none_of_gitlabs),
        api_test(does_not_take_a_strange_answer_for_none),
        api_test(gives_up_looking_when_gitlab_refuses),
        api_test(can_be_cancelled),
        api_test(calls_nobody_behind_a_closed_fence),
        api_test(waits_for_a_place_with_all_it_has),
        api_test(leaves_a_host_alone_that_keeps_failing),
        api_test(a_refusal_is_no_failure_of_the_host),
        api_test(one_that_is_told_to_wait_waits),
        api_test(a_path_that_fails_closes_no_other),
        api_test(is_never_called_where_it_must_not),
        api_test(who_must_not_be_called_is_not_waited_for),
        api_test(nobody_is_inside_where_there_is_no_gitlab),
        api_test(a_proxy_makes_the_calls),
        api_test(a_proxys_refusals_are_its_own),
        api_test(a_proxy_is_asked_for_nothing_that_is_not_allowed),
        api_test(a_dead_proxy_is_told_as_such),
        api_test(an_alias_leads_nowhere_else_either),
        api_test(no_token_goes_over_what_another_ca_has_vouched_for),
        api_test(trusts_the_given_ca_at_the_given_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
