/* When a token is replaced: by what the spec says, and by how long it lives. */
#include "golden.h"

#include "base/mem.h"
#include "base/time.h"
#include "runner/expiry.h"
#include "runner/memory.h"
#include "runner/spec.h"

#define OBTAINED "2026-01-01T00:00:00Z"
#define ENDS     "2026-01-11T00:00:00Z" /* after ten days */

static const struct row {
    const char *name, *obtained, *ends;
    enum rotation_policy policy;
    int percent; /* of its life that are left */
    enum authentication by;
    const char *replaced; /* NULL: never */
} rows[] = {
    {"when a quarter of its life is left", OBTAINED, ENDS, ROTATION_AUTO, 25, AUTH_ACCESS_TOKEN,
     "2026-01-08T12:00:00Z"},
    {"when a half is", OBTAINED, ENDS, ROTATION_AUTO, 50, AUTH_REGISTRATION_TOKEN, "2026-01-06T00:00:00Z"},
    {"a day before, if it is not known since when it lives", NULL, ENDS, ROTATION_AUTO, 25, AUTH_ACCESS_TOKEN,
     "2026-01-10T00:00:00Z"},
    {"not at once again if it has ended as it began", ENDS, ENDS, ROTATION_AUTO, 25, AUTH_ACCESS_TOKEN,
     "2026-01-11T00:10:00Z"},
    {"not if nobody is to", OBTAINED, ENDS, ROTATION_DISABLED, 25, AUTH_ACCESS_TOKEN, NULL},
    {"not if it has no end", OBTAINED, NULL, ROTATION_AUTO, 25, AUTH_ACCESS_TOKEN, NULL},
    {"not if it is the user's", OBTAINED, ENDS, ROTATION_AUTO, 25, AUTH_RUNNER_TOKEN, NULL},
};

static void is_replaced(void **state)
{
    const struct row *row = *state;
    struct arena a cleanup_arena = {0};
    const struct spec spec = {
        .authentication = row->by, .rotation_policy = row->policy, .rotate_at_percent = row->percent};
    const struct observed o = {.spec = &spec,
                               .registered = {.authentication = authentication_name(row->by),
                                              .obtained = row->obtained,
                                              .expiration = row->ends}};
    int64_t time = expiry_rotation_time(&o);

    assert_string_equal(time ? time_format(time, &a) : "never", row->replaced ? row->replaced : "never");
}

/* A week before, or when a quarter of its life is left; not where it is replaced in time. */
static void who_has_to_replace_it_is_told(void **state)
{
    static const struct {
        enum rotation_policy policy;
        const char *now, *words; /* NULL: nothing is told */
    } cases[] = {
        {ROTATION_DISABLED, "2026-01-08T11:59:59Z", NULL},
        {ROTATION_DISABLED, "2026-01-08T12:00:00Z",
         "the runner's token expires at 2026-01-11T00:00:00Z, and spec.tokenRotation.policy is Disabled"},
        {ROTATION_DISABLED, ENDS, "the runner's token has expired at 2026-01-11T00:00:00Z"},
        {ROTATION_AUTO, ENDS, NULL},
    };
    struct arena a cleanup_arena = {0};
    const struct memory memory = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct spec spec = {
            .authentication = AUTH_ACCESS_TOKEN, .rotation_policy = cases[i].policy, .rotate_at_percent = 25};
        struct observed o = {.spec = &spec,
                             .memory = &memory,
                             .registered = {.authentication = authentication_name(AUTH_ACCESS_TOKEN),
                                            .obtained = OBTAINED,
                                            .expiration = ENDS}};
        o.now = time_parse(cases[i].now);
        const char *said = expiry_warning(&o, &a);
        assert_int_equal(said != NULL, cases[i].words != NULL);
        if (said)
            assert_memory_equal(said, cases[i].words, strlen(cases[i].words));
    }
}

#define GIVEN  AUTH_RUNNER_TOKEN
#define ACCESS AUTH_ACCESS_TOKEN
#define RESET_IT                                                                                                       \
    ": reset it at GitLab and put the new one into Secret ci/my-gitlab, key token, or use "                            \
    "authentication.accessTokenSecretRef, by which the operator replaces it itself"
#define ASK_FOR_IT                                                                                                     \
    ", and spec.tokenRotation.policy is Disabled: set it to Auto, or ask for a new token by the annotation "           \
    "gitlab-runners.dev/rotate-token"
#define ANOTHER                                                                                                        \
    ": put another one into Secret ci/my-gitlab, key token; without it nothing can be changed at GitLab, and a "       \
    "runner that is lost is not found"

/* What is told from then on, and not a second earlier. */
static void each_end_is_told_in_time(void **state)
{
    static const struct {
        enum authentication was, is;
        enum rotation_policy policy;
        const char *obtained, *ends, *access_ends;
        const char *time, *told; /* NULL: never */
    } cases[] = {
        {GIVEN, GIVEN, ROTATION_AUTO, OBTAINED, ENDS, NULL, "2026-01-08T12:00:00Z",
         "the runner's token expires at 2026-01-11T00:00:00Z" RESET_IT},
        {GIVEN, GIVEN, ROTATION_AUTO, NULL, ENDS, NULL, "2026-01-04T00:00:00Z",
         "the runner's token expires at 2026-01-11T00:00:00Z" RESET_IT},
        {GIVEN, GIVEN, ROTATION_AUTO, "2025-01-01T00:00:00Z", ENDS, NULL, "2026-01-04T00:00:00Z",
         "the runner's token expires at 2026-01-11T00:00:00Z" RESET_IT},
        {ACCESS, ACCESS, ROTATION_DISABLED, NULL, ENDS, NULL, "2026-01-04T00:00:00Z",
         "the runner's token expires at 2026-01-11T00:00:00Z" ASK_FOR_IT},
        {ACCESS, ACCESS, ROTATION_AUTO, OBTAINED, ENDS, ENDS, "2026-01-04T00:00:00Z",
         "the access token expires at 2026-01-11T00:00:00Z" ANOTHER},
        {ACCESS, ACCESS, ROTATION_DISABLED, OBTAINED, ENDS, "2026-01-20T00:00:00Z", "2026-01-08T12:00:00Z",
         "the runner's token expires at 2026-01-11T00:00:00Z" ASK_FOR_IT},
        {ACCESS, ACCESS, ROTATION_DISABLED, OBTAINED, ENDS, "2026-01-12T00:00:00Z", "2026-01-05T00:00:00Z",
         "the access token expires at 2026-01-12T00:00:00Z" ANOTHER},
        {GIVEN, GIVEN, ROTATION_AUTO, OBTAINED, NULL, ENDS, NULL, NULL},  /* nothing needs that one */
        {GIVEN, ACCESS, ROTATION_AUTO, OBTAINED, ENDS, NULL, NULL, NULL}, /* it is about to be taken over */
        {ACCESS, ACCESS, ROTATION_AUTO, OBTAINED, ENDS, NULL, NULL, NULL},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct memory memory = {.check.credential_end =
                                          cases[i].access_ends ? time_parse(cases[i].access_ends) : 0};
        const struct spec spec = {.authentication = cases[i].is,
                                  .rotation_policy = cases[i].policy,
                                  .rotate_at_percent = 25,
                                  .credential = {"my-gitlab", "token"}};
        struct observed o = {.owner = {.ns = "ci"},
                             .spec = &spec,
                             .memory = &memory,
                             .registered = {.authentication = authentication_name(cases[i].was),
                                            .obtained = cases[i].obtained,
                                            .expiration = cases[i].ends}};
        int64_t time = expiry_warning_time(&o);
        assert_string_equal(time ? time_format(time, &a) : "never", cases[i].time ? cases[i].time : "never");
        o.now = (time ? time : time_parse(ENDS)) - 1;
        assert_null(expiry_warning(&o, &a));
        o.now++;
        const char *told = expiry_warning(&o, &a);
        assert_string_equal(told ? told : "nothing", cases[i].told ? cases[i].told : "nothing");
    }
}

static void an_access_token_that_has_ended_is_told_so(void **state)
{
    const struct memory memory = {.check.credential_end = time_parse(ENDS)};
    const struct spec spec = {.authentication = ACCESS, .credential = {"my-gitlab", "token"}};
    const struct observed o = {.owner = {.ns = "ci"},
                               .spec = &spec,
                               .memory = &memory,
                               .registered = {.authentication = authentication_name(ACCESS)},
                               .now = time_parse(ENDS)};
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_string_equal(expiry_warning(&o, &a), "the access token has expired at 2026-01-11T00:00:00Z" ANOTHER);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows) + 3] = {
        cmocka_unit_test(who_has_to_replace_it_is_told),
        cmocka_unit_test(each_end_is_told_in_time),
        cmocka_unit_test(an_access_token_that_has_ended_is_told_so),
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[3 + i] = (struct CMUnitTest){rows[i].name, is_replaced, NULL, NULL, (void *)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
