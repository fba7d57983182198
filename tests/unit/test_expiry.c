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

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows) + 1] = {cmocka_unit_test(who_has_to_replace_it_is_told)};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[1 + i] = (struct CMUnitTest){rows[i].name, is_replaced, NULL, NULL, (void *)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
