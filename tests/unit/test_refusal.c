/* GitLab's refusals: what each means, for which calls, and that its own words and a remedy are passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/mem.h"
#include "files.h"
#include "gitlab/api.h"
#include "reasons.h"

#define URL  "https://gitlab.example.com"
#define HTML "<html><title>502 Bad Gateway</title></html>"

/* The calls as letters: Register, Create, Verify, reseT, Update, Deregister, reMove, Show, versIon, rOtate, Find. */
static const char letters[] = "RCVTUDMSIOF";

static const struct {
    const char *ops;
    long status;
    const char *body;
    enum err_kind kind;
    const char *reason;
    const char *words; /* GitLab's own, as they must be in the text; "": none */
} cases[] = {
    /* Certificates, by a proxy that has not asked GitLab. */
    {"RCVTUDMSIOF", 400, "<html><title>400 No required SSL certificate was sent</title></html>", ERR_DENIED,
     "ClientCertificateRequired", "spec.clientCertificateSecretRef"},
    {"RCVTUDMSIOF", 400, "<html><title>400 The SSL certificate error</title></html>", ERR_DENIED,
     "ClientCertificateRefused", "spec.clientCertificateSecretRef"},

    /* Tokens. */
    {"R", 403, "{\"message\":\"403 Forbidden - invalid token supplied\"}", ERR_DENIED, "RegistrationTokenRejected",
     "(403 Forbidden - invalid token supplied)"},
    {"R", 403, "{\"message\":\"403 Forbidden\"}", ERR_DENIED, "RegistrationTokenRejected", "(403 Forbidden)"},
    {"R", 410, "{\"message\":\"410 Gone - runner registration disallowed\"}", ERR_DENIED, "RegistrationTokensDisabled",
     "(410 Gone - runner registration disallowed)"},
    {"VO", 403, "{\"message\":\"403 Forbidden\"}", ERR_DENIED, "RunnerTokenRejected", "(403 Forbidden)"},
    {"CTUMSIF", 401, "{\"message\":\"401 Unauthorized\"}", ERR_DENIED, "AccessTokenRejected", "(401 Unauthorized)"},
    {"CTUMSIF", 401, "{\"error\":\"invalid_token\",\"error_description\":\"Token was revoked.\"}", ERR_DENIED,
     "AccessTokenRejected", "(Token was revoked.)"},
    {"CTUMSIF", 403,
     "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges\","
     "\"scope\":\"create_runner api read_api\"}",
     ERR_DENIED, "InsufficientScope", "(The request requires higher privileges)"},
    {"CTUMSIF", 403, "{\"message\":\"403 Forbidden - Insufficient permissions\"}", ERR_DENIED,
     "InsufficientPermissions", "(403 Forbidden - Insufficient permissions)"},
    {"CTUMSIF", 403, "{\"message\":\"403 Forbidden - Your account has been blocked.\"}", ERR_DENIED,
     "AccessTokenRejected", "unblocked"},
    {"TUMS", 403, "{\"message\":\"403 Forbidden - No access granted\"}", ERR_DENIED, "InsufficientPermissions",
     "(403 Forbidden - No access granted)"},
    {"T", 403, "{\"error\":\"Not permitted to reset\"}", ERR_DENIED, "InsufficientPermissions",
     "(Not permitted to reset)"},
    {"O", 403, "{\"error\":\"Not permitted to reset\"}", ERR_DENIED, "RejectedByGitLab", "stays good"},
    {"O", 422, "{\"message\":\"422 Unprocessable Entity\"}", ERR_INVALID, "RejectedByGitLab",
     "spec.tokenRotation.policy"},
    {"C", 403, "{\"message\":\"403 Forbidden - Insufficient permissions\"}", ERR_DENIED, "InsufficientPermissions",
     "only an administrator will do"},
    {"M", 403, "{\"message\":\"403 Forbidden - Runner associated with more than one project\"}", ERR_DENIED,
     "InsufficientPermissions", "an administrator has to delete it"},

    /* What is not there. */
    {"TUS", 404, "{\"message\":\"404 Runner Not Found\"}", ERR_NOT_FOUND, "RunnerNotFound", "(404 Runner Not Found)"},
    {"TUS", 404, "{\"message\":\"404 Not found\"}", ERR_NOT_FOUND, "RunnerNotFound",
     "(404 Not found)"}, /* older GitLabs */
    {"F", 404, "{\"message\":\"404 Group Not Found\"}", ERR_INVALID, "RejectedByGitLab", "(404 Group Not Found)"},
    {"F", 404, "{\"message\":\"404 Project Not Found\"}", ERR_INVALID, "RejectedByGitLab", "(404 Project Not Found)"},
    {"RCVTUDMSIOF", 404, "{\"error\":\"404 Not Found\"}", ERR_INVALID, "UnsupportedGitLab", "(404 Not Found)"},
    {"R", 404, "{\"error\":\"404 Not Found\"}", ERR_INVALID, "UnsupportedGitLab", "accessTokenSecretRef"},
    {"C", 404, "{\"error\":\"404 Not Found\"}", ERR_INVALID, "UnsupportedGitLab", "older than 16.0"},
    {"RCVTUDMSIOF", 404, "<html>404: Runner</html>", ERR_INVALID, "NotGitLab", ""},
    {"RCVTUDMSIOF", 404, "", ERR_INVALID, "NotGitLab", ""},
    {"RCVTUDMSIOF", 405, "", ERR_INVALID, "NotGitLab", ""},

    /* What GitLab does not like. */
    {"RCVTUDMSIOF", 400, "{\"error\":\"tag_list is invalid, group_id is missing\"}", ERR_INVALID, "RejectedByGitLab",
     "(tag_list is invalid, group_id is missing)"},
    {"RCVTUDMSIOF", 400, "{\"message\":{\"tags_list\":[\"can not be empty\",\"is short\"],\"base\":[\"no\"]}}",
     ERR_INVALID, "RejectedByGitLab", "(tags_list: can not be empty, is short; base: no)"},
    {"RCVTUDMSIOF", 400, "{\"message\":[\"one\"]}", ERR_INVALID, "RejectedByGitLab", ""},
    {"RCVTUDMSIOF", 400, "{\"message\":{\"maximum_timeout\":\"is odd\",\"n\":[1,null]}}", ERR_INVALID,
     "RejectedByGitLab", "maximum_timeout"},
    {"R", 400,
     "{\"message\":{\"runner_namespaces.base\":[\"Maximum number of ci registered group runners (1000) exceeded\"]}}",
     ERR_INVALID, "RunnerLimitReached", "runner_namespaces.base: Maximum number of ci registered group runners (1000)"},
    {"C", 400, "{\"message\":\"400 Bad request - Maximum number of ci registered project runners (50) exceeded\"}",
     ERR_INVALID, "RunnerLimitReached", "limit raised"},
    {"C", 400, "{\"message\":\"400 Bad request - Missing/invalid group\"}", ERR_INVALID, "RejectedByGitLab",
     "spec.scope.groupId"},
    {"C", 400, "{\"message\":\"400 Bad request - Missing/invalid project\"}", ERR_INVALID, "RejectedByGitLab",
     "spec.scope.projectId"},
    {"RU", 400, "{\"message\":{\"tags_list\":[\"can not be empty when runner is not allowed to pick untagged jobs\"]}}",
     ERR_INVALID, "RejectedByGitLab", "give spec.tags, or set spec.runUntagged"},
    {"C", 400,
     "{\"message\":\"400 Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs\"}",
     ERR_INVALID, "RejectedByGitLab", "give spec.tags, or set spec.runUntagged"},
    {"RCU", 400, "{\"message\":{\"tags_list\":[\"Too many tags specified. Please limit the number of tags to 50\"]}}",
     ERR_INVALID, "RejectedByGitLab", "at most 50"},
    {"RCU", 400, "{\"message\":{\"maximum_timeout\":[\"needs to be at least 10 minutes\"]}}", ERR_INVALID,
     "RejectedByGitLab", "spec.maximumTimeoutSeconds must be 600 or more"},
    {"RCU", 400, "{\"message\":{\"description\":[\"is too long (maximum is 1024 characters)\"]}}", ERR_INVALID,
     "RejectedByGitLab", "shorten spec.description"},
    {"RCVTUDMSIOF", 422, "{\"message\":\"Runner is orphaned\"}", ERR_INVALID, "RejectedByGitLab",
     "(Runner is orphaned)"},

    /* What may be better later. */
    {"RCVTUDMSIOF", 409, "{\"message\":\"409 Conflict: Resource lock\"}", ERR_RETRY, "ResourceLocked",
     "(409 Conflict: Resource lock)"},
    {"RVTUDMS", 429, "{\"message\":\"Executing database migrations. Please retry later.\"}", ERR_RETRY, "RateLimited",
     "(Executing database migrations. Please retry later.)"},
    {"RCVTUDMSIOF", 429, "Retry later\n", ERR_RETRY, "RateLimited", ""},
    {"RCVTUDMSIOF", 429,
     "{\"message\":{\"error\":\"This endpoint has been requested too many times. Try again later.\"}}", ERR_RETRY,
     "RateLimited", "too many times"},
    {"RCVTUDMSIOF", 500, "{\"message\":\"500 Internal Server Error\"}", ERR_RETRY, "ServerError",
     "(500 Internal Server Error)"},
    {"RCVTUDMSIOF", 502, HTML, ERR_RETRY, "ServerError", ""},
    {"RCVTUDMSIOF", 503, "", ERR_RETRY, "ServerError", ""},
    {"RCVTUDMSIOF", 599, "", ERR_RETRY, "ServerError", ""},

    /* Where a credential must not go, and answers that GitLab does not give. */
    {"RCVTUDMSIOF", 301, "", ERR_INVALID, "Redirected", ""},
    {"RCVTUDMSIOF", 302, "<a href=\"https://login.example.com/\">", ERR_INVALID, "Redirected", ""},
    {"RCVTUDMSIOF", 308, "", ERR_INVALID, "Redirected", ""},
    {"RCVTUDMSIOF", 200, HTML, ERR_RETRY, "UnexpectedAnswer", ""},
    {"RCVTUDMSIOF", 206, "", ERR_RETRY, "UnexpectedAnswer", ""},
    {"RVD", 401, "", ERR_RETRY, "UnexpectedAnswer", ""},
    /* … and pages of proxies and firewalls, which prove nothing, whatever their status. */
    {"RCVTUDMSIOF", 400, HTML, ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 401, HTML, ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 403, HTML, ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 403, "{\"blocked\":true}", ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 407, "", ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 410, HTML, ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 413, HTML, ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 422, HTML, ERR_RETRY, "UnexpectedAnswer", "a proxy or firewall"},
    {"RCVTUDMSIOF", 418, "{}", ERR_RETRY, "UnexpectedAnswer", ""},
    {"RCVTUDMSIOF", 600, "", ERR_RETRY, "UnexpectedAnswer", ""},
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
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (enum gitlab_op_kind op = GITLAB_OP_REGISTER; op <= GITLAB_OP_FIND; op++) {
            struct err err = classify(op, i, 0);
            assert_int_equal(strncmp(err.text, URL " answered ", strlen(URL " answered ")), 0);
            assert_null(strstr(err.text, "()"));
            const char *remedy = strrchr(err.text, ':');
            assert_true(strlen(remedy) > strlen(": it is"));
            assert_int_equal(strlen(err.reason),
                             strspn(err.reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));
        }
}

/* However much a server says, the time and memory for it grow with its length, and the message does not. */
static void says_little_of_much(void **state)
{
    enum { LEN = 60000 };
    static const char *const around[][4] = {
        {"{\"message\":{", "\"", "\":1,", "\"z\":1}}"},
        {"{\"message\":{\"a\":[", "\"", "\",", "1]}}"},
        {"{\"message\":\"", "", " ", "\"}"},
        {"{\"error\":\"", "", " ", "\"}"},
        {"{\"message\":{\"", "", "", "\":[\"x\"]}}"},
        {"{\"message\":{\"a\":[\"", "", "", "\"]}}"},
        {"{\"message\":", "{\"", "\":", "1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        cleanup_free char *body = mem_alloc(LEN + 100);
        size_t len = (size_t)sprintf(body, "%s", around[i][0]);
        for (unsigned n = 0; len < LEN; n++)
            len += (size_t)sprintf(body + len, "%s%x%s", around[i][1], n, around[i][2]);
        len += (size_t)sprintf(body + len, "%s", around[i][3]);
        struct err err = gitlab_classify(GITLAB_OP_CREATE, URL, 400, body, len, 0);
        assert_true(err.kind == ERR_INVALID || err.kind == ERR_RETRY);
        assert_true(strlen(err.text) < 400);
        assert_non_null(strstr(err.text, ": correct the field that GitLab names")
                            ?: strstr(err.text, "; it is tried again"));
    }
}

static void shows_nothing_that_a_terminal_would_obey(void **state)
{
    static const char body[] = "{\"message\":\"\\u001b[2J\\u001b]0;pwn\\u0007\\u202e\\u0000zz\\nline2\\u009b31m\"}";

    (void)state;
    struct err err = gitlab_classify(GITLAB_OP_CREATE, URL, 400, body, strlen(body), 0);
    assert_true(charset_admits(CHARSET_PROSE, err.text));
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

static bool is_documented(const char *page, const char *reason)
{
    char word[64];

    snprintf(word, sizeof(word), "`%s`", reason);
    return strstr(page, word) != NULL;
}

/* A reason that a person sees is in the list, and on the page for people. */
static void each_refusal_is_on_the_page_for_people(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *page = read_file("docs/conditions.md", &a);

    (void)state;
    assert_non_null(page);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!reason_is_known(cases[i].reason) || !is_documented(page, cases[i].reason))
            fail_msg("%s is not in tests/data/reasons.txt or docs/conditions.md", cases[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_each_refusal_means),
        cmocka_unit_test(says_who_answered_what_and_what_to_do),
        cmocka_unit_test(keeps_the_time_to_wait),
        cmocka_unit_test(says_little_of_much),
        cmocka_unit_test(shows_nothing_that_a_terminal_would_obey),
        cmocka_unit_test(has_a_row_for_everything),
        cmocka_unit_test(each_refusal_is_on_the_page_for_people),
        cmocka_unit_test(explains_what_to_do_when_no_answer_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
