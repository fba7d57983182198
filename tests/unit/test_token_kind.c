/* Tokens of another kind, under each of the three references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"
#include "runner/token_kind.h"

static const struct key_ref ref = {.name = "old", .key = "token"};

enum { MODES = 3 };
static const char *const fields[MODES] = {[AUTH_REGISTRATION_TOKEN] = "authentication.registrationTokenSecretRef",
                                          [AUTH_ACCESS_TOKEN] = "authentication.accessTokenSecretRef",
                                          [AUTH_RUNNER_TOKEN] = "authentication.runnerTokenSecretRef"};

/* home: the way it belongs to; -1: none. */
static const struct {
    const char *token, *prefix;
    int home;
} tokens[] = {
    {"glrt-AbCdEfGhIjKlMnOpQrSt", "glrt-", AUTH_RUNNER_TOKEN},
    {"glrt-t1_AbCdEfGhIjKlMnOpQrSt", "glrt-", AUTH_RUNNER_TOKEN},
    {"glrtr-t3_AbCdEfGhIjKlMnOpQrSt", "glrtr-", AUTH_RUNNER_TOKEN},
    {"GR1348941AbCdEfGhIjKlMnOpQrSt", "GR1348941", AUTH_REGISTRATION_TOKEN},
    {"glpat-AbCdEfGhIjKlMnOpQrSt", "glpat-", AUTH_ACCESS_TOKEN},
    {"glpat-bzox.01.AbCdEfGhIjKlMnOpQrSt", "glpat-", AUTH_ACCESS_TOKEN},
    {"gldt-AbCdEfGhIjKlMnOpQrSt", "gldt-", -1},
    {"glcbt-64_AbCdEfGhIjKlMnOpQrSt", "glcbt-", -1},
    {"gloas-AbCdEfGhIjKlMnOpQrSt", "gloas-", -1},
    {"glft-AbCdEfGhIjKlMnOpQrSt", "glft-", -1},
    {"glimt-AbCdEfGhIjKlMnOpQrSt", "glimt-", -1},
    {"glptt-AbCdEfGhIjKlMnOpQrSt", "glptt-", -1},
    {"glagent-AbCdEfGhIjKlMnOpQrSt", "glagent-", -1},
    {"glsoat-AbCdEfGhIjKlMnOpQrSt", "glsoat-", -1},
    {"glffct-AbCdEfGhIjKlMnOpQrSt", "glffct-", -1},
    {"glwt-AbCdEfGhIjKlMnOpQrSt", "glwt-", -1},
};

/* It says what it is and where it belongs, and nothing of what is secret. */
static void each_is_told_where_it_is_not_at_home(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        for (int mode = 0; mode < MODES; mode++) {
            const char *told = token_complaint((enum authentication)mode, &ref, tokens[i].token, &a);
            if (mode == tokens[i].home) {
                assert_null(told);
                continue;
            }
            assert_non_null(told);
            assert_non_null(strstr(told, tokens[i].prefix));
            assert_non_null(strstr(told, fields[tokens[i].home < 0 ? mode : tokens[i].home]));
            assert_null(strstr(told, "AbCdEf"));
        }
}

static void put_into_base64_twice(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        for (int mode = 0; mode < MODES; mode++) {
            const char *coded = base64_encode(tokens[i].token, strlen(tokens[i].token), &a);
            const char *told = token_complaint((enum authentication)mode, &ref, coded, &a);
            assert_non_null(told);
            assert_non_null(strstr(told, "in base64"));
        }
}

/* Instances choose prefixes of their own, old tokens have none, and nobody knows what comes. */
static void what_may_be_right_is_let_through(void **state)
{
    static const char *const may_be[] = {
        "AbCdEfGhIjKlMnOpQrSt", "acme-AbCdEfGhIjKl", "glrt",       "GLRT-AbCdEf", "gr1348941AbCd",
        "t1_AbCdEfGhIjKlMnOp",  "glnew-AbCdEfGhIjK", "xglpat-Abc", "YWJjZGVm",    "0123456789abcdef0123456789abcdef",
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(may_be); i++)
        for (int mode = 0; mode < MODES; mode++)
            assert_null(token_complaint((enum authentication)mode, &ref, may_be[i], &a));
}

/* gitlab-runner expands it when it loads config.toml. */
static void a_runners_token_has_no_variable(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_non_null(strstr(token_complaint(AUTH_RUNNER_TOKEN, &ref, "glrt-$HOME", &a), "holds a $"));
    assert_null(token_complaint(AUTH_RUNNER_TOKEN, &ref, "glrt-HOME", &a));
}

static void the_remedy_is_what_to_write(void **state)
{
    static const struct {
        enum authentication mode;
        const char *token, *told;
    } cases[] = {
        {AUTH_REGISTRATION_TOKEN, "glrt-AbCdEf",
         "holds a runner authentication token (glrt-), which belongs in authentication.runnerTokenSecretRef: {name: "
         "old, key: token}, where tags and the like are set at GitLab; authentication.registrationTokenSecretRef needs "
         "a registration token"},
        {AUTH_RUNNER_TOKEN, "glpat-AbCdEf",
         "holds an access token (glpat-), which belongs in authentication.accessTokenSecretRef: {name: old, key: "
         "token} "
         "with spec.scope; authentication.runnerTokenSecretRef needs a runner's authentication token"},
        {AUTH_ACCESS_TOKEN, "gldt-AbCdEf",
         "holds a deploy token (gldt-), which makes and runs no runner; authentication.accessTokenSecretRef needs an "
         "access token"},
        {AUTH_ACCESS_TOKEN, "Z2xydC1BYkNkRWY=",
         "holds a runner authentication token (glrt-) in base64, which a Secret's data needs once and not twice; put "
         "it "
         "there as it is, by stringData or kubectl create secret --from-literal"},
        {AUTH_RUNNER_TOKEN, "glrt-$HOME",
         "holds a $, where gitlab-runner would put the value of a variable: put the token there as GitLab shows it"},
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(token_complaint(cases[i].mode, &ref, cases[i].token, &a), cases[i].told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_told_where_it_is_not_at_home), cmocka_unit_test(put_into_base64_twice),
        cmocka_unit_test(what_may_be_right_is_let_through),     cmocka_unit_test(a_runners_token_has_no_variable),
        cmocka_unit_test(the_remedy_is_what_to_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
