/* GitLab's refusals: what each means, for which calls, and that its own words and a remedy are passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "gitlab/api.h"

#define URL  "https://gitlab.example.com"
#define HTML "<html><title>502 Bad Gateway</title></html>"

/* The calls as letters: Register, Create, Verify, reseT, Update, Show, rOtate, versioN, Deregister, reMove, Find. */
static const char letters[] = "RCVTUSONDMF";

static const struct {
    const char *ops;
    long status;
    const char *body;
    enum err_kind kind;
    const char *reason;
    const char *words; /* GitLab's own, as they must be in the text; "": none */
} cases[] = {
    /* Tokens. */
    {"R", 403, "{\"message\":\"403 Forbidden - invalid token supplied\"}", ERR_DENIED, "RegistrationTokenRejected",
     "(403 Forbidden - invalid token supplied)"},
    {"R", 403, "{\"message\":\"403 Forbidden\"}", ERR_DENIED, "RegistrationTokenRejected", "(403 Forbidden)"},
    {"R", 410, "{\"message\":\"410 Gone - runner registration disallowed\"}", ERR_DENIED, "RegistrationTokensDisabled",
     "(410 Gone - runner registration disallowed)"},
    {"VO", 403, "{\"message\":\"403 Forbidden\"}", ERR_DENIED, "RunnerTokenRejected", "(403 Forbidden)"},
    {"CTUSNMF", 401, "{\"message\":\"401 Unauthorized\"}", ERR_DENIED, "AccessTokenRejected", "(401 Unauthorized)"},
    {"CTUSNMF", 401, "{\"error\":\"invalid_token\",\"error_description\":\"Token was revoked.\"}", ERR_DENIED,
     "AccessTokenRejected", "(Token was revoked.)"},
    {"CTUSNMF", 403,
     "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges\","
     "\"scope\":\"create_runner api read_api\"}",
     ERR_DENIED, "InsufficientScope", "(The request requires higher privileges)"},
    {"CTUSNMF", 403, "{\"message\":\"403 Forbidden - Insufficient permissions\"}", ERR_DENIED,
     "InsufficientPermissions", "(403 Forbidden - Insufficient permissions)"},
    {"CTUSNMF", 403, HTML, ERR_DENIED, "InsufficientPermissions", ""},

    /* What is not there. */
    {"TUS", 404, "{\"message\":\"404 Runner Not Found\"}", ERR_NOT_FOUND, "RunnerNotFound", "(404 Runner Not Found)"},
    {"TUS", 404, "{\"message\":\"404 Not found\"}", ERR_NOT_FOUND, "RunnerNotFound",
     "(404 Not found)"}, /* older GitLabs */
    {"F", 404, "{\"message\":\"404 Group Not Found\"}", ERR_INVALID, "RejectedByGitLab", "(404 Group Not Found)"},
    {"F", 404, "{\"message\":\"404 Project Not Found\"}", ERR_INVALID, "RejectedByGitLab", "(404 Project Not Found)"},
    {"RCVTUSONDMF", 404, "{\"error\":\"404 Not Found\"}", ERR_INVALID, "NotGitLab", "(404 Not Found)"},
    {"RCVTUSONDMF", 404, "<html>404: Runner</html>", ERR_INVALID, "NotGitLab", ""},
    {"RCVTUSONDMF", 404, "", ERR_INVALID, "NotGitLab", ""},
    {"RCVTUSONDMF", 405, "", ERR_INVALID, "NotGitLab", ""},

    /* What GitLab does not like. */
    {"RCVTUSONDMF", 400, "{\"error\":\"tag_list is invalid, group_id is missing\"}", ERR_INVALID, "RejectedByGitLab",
     "(tag_list is invalid, group_id is missing)"},
    {"RCVTUSONDMF", 400, "{\"message\":{\"tags_list\":[\"can not be empty\",\"is short\"],\"base\":[\"no\"]}}",
     ERR_INVALID, "RejectedByGitLab", "(tags_list: can not be empty, is short; base: no)"},
    {"RCVTUSONDMF", 400, "{\"message\":[\"one\"]}", ERR_INVALID, "RejectedByGitLab", ""},
    {"RCVTUSONDMF", 400, "{\"message\":{\"maximum_timeout\":\"is odd\",\"n\":[1,null]}}", ERR_INVALID,
     "RejectedByGitLab", "maximum_timeout"},
    {"RCVTUSONDMF", 422, "{\"message\":\"Runner is orphaned\"}", ERR_INVALID, "RejectedByGitLab",
     "(Runner is orphaned)"},

    /* What may be better later. */
    {"RCVTUSONDMF", 429, "Retry later\n", ERR_RETRY, "RateLimited", ""},
    {"RCVTUSONDMF", 429,
     "{\"message\":{\"error\":\"This endpoint has been requested too many times. Try again later.\"}}", ERR_RETRY,
     "RateLimited", "too many times"},
    {"RCVTUSONDMF", 500, "{\"message\":\"500 Internal Server Error\"}", ERR_RETRY, "ServerError",
     "(500 Internal Server Error)"},
    {"RCVTUSONDMF", 502, HTML, ERR_RETRY, "ServerError", ""},
    {"RCVTUSONDMF", 503, "", ERR_RETRY, "ServerError", ""},
    {"RCVTUSONDMF", 599, "", ERR_RETRY, "ServerError", ""},

    /* Where a credential must not go, and answers that GitLab does not give. */
    {"RCVTUSONDMF", 301, "", ERR_INVALID, "Redirected", ""},
    {"RCVTUSONDMF", 302, "<a href=\"https://login.example.com/\">", ERR_INVALID, "Redirected", ""},
    {"RCVTUSONDMF", 308, "", ERR_INVALID, "Redirected", ""},
    {"RCVTUSONDMF", 200, HTML, ERR_RETRY, "UnexpectedAnswer", ""},
    {"RCVTUSONDMF", 206, "", ERR_RETRY, "UnexpectedAnswer", ""},
    {"RVOD", 401, "", ERR_RETRY, "UnexpectedAnswer", ""},
    {"D", 403, HTML, ERR_RETRY, "UnexpectedAnswer", ""},
    {"RCVTUSONDMF", 418, "{}", ERR_RETRY, "UnexpectedAnswer", ""},
    {"RCVTUSONDMF", 600, "", ERR_RETRY, "UnexpectedAnswer", ""},
};

static struct err classify(enum gitlab_op_kind op, size_t i, int64_t retry_after_ms)
{
    return gitlab_classify(op, URL, cases[i].status, cases[i].body, strlen(cases[i].body), retry_after_ms);
}

static void knows_what_each_refusal_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (enum gitlab_op_kind op = GITLAB_OP_REGISTER; op <= GITLAB_OP_FIND; op++) {
            if (!strchr(cases[i].ops, letters[op]))
                continue;
            struct err err = classify(op, i, 0);
            if (err.kind != cases[i].kind || strcmp(err.reason, cases[i].reason) != 0 ||
                !strstr(err.text, cases[i].words))
                fail_msg("%c %ld %s: %s, %s, \"%s\"", letters[op], cases[i].status, cases[i].body,
                         err_kind_name(err.kind), err.reason, err.text);
            assert_int_equal(err.code, cases[i].status);
        }
}

/* "URL answered STATUS (WORDS): REMEDY", with no empty parentheses. */
static void says_who_answered_what_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = classify(GITLAB_OP_FIND, i, 0);
        assert_int_equal(strncmp(err.text, URL " answered ", strlen(URL " answered ")), 0);
        assert_null(strstr(err.text, "()"));
        const char *remedy = strrchr(err.text, ':');
        assert_true(strlen(remedy) > strlen(": it is"));
        assert_int_equal(strlen(err.reason),
                         strspn(err.reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));
    }
}

static void keeps_the_time_to_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(classify(GITLAB_OP_CREATE, i, 90000).retry_after_ms, 90000);
}

/* Every status that there can be, from every call, is some refusal; only a 3xx or 4xx asks a person to act. */
static void has_a_row_for_everything(void **state)
{
    (void)state;
    for (long status = 0; status < 1000; status++)
        for (enum gitlab_op_kind op = GITLAB_OP_REGISTER; op <= GITLAB_OP_FIND; op++) {
            struct err err = gitlab_classify(op, URL, status, "{}", 2, 0);
            assert_int_not_equal(err.kind, ERR_NONE);
            assert_true(err.kind == ERR_RETRY || (status >= 300 && status < 500));
        }
}

static void explains_what_to_do_when_no_answer_came(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_RETRY, "HostNotFound", "gitlab.example.com: not found");
    gitlab_explain(&err);
    assert_non_null(strstr(err.text, "not found; check spec.url"));
    assert_non_null(strstr(err.text, "hostAliases"));
    err_set(&err, ERR_RETRY, "Timeout", "nothing came");
    gitlab_explain(&err);
    assert_string_equal(err.text, "nothing came");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_each_refusal_means),
        cmocka_unit_test(says_who_answered_what_and_what_to_do),
        cmocka_unit_test(keeps_the_time_to_wait),
        cmocka_unit_test(has_a_row_for_everything),
        cmocka_unit_test(explains_what_to_do_when_no_answer_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
