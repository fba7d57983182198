/* Whether a runner at GitLab may be removed: every combination of what can be known of it. */
#include "golden.h"

#include "base/mem.h"
#include "plugin/orphans.h"

enum { NOW = 1800000000, DAY = 24 * 3600 };

/* It may go when this cluster had the object, and has it no more, and nothing has happened for a day: said in other
 * words than the rule's. */
static bool may_go(const struct orphan_facts *f)
{
    bool ours = f->trace || f->vouched,
         quiet = f->contacted ? f->contacted <= NOW - DAY : f->created && f->created <= NOW - DAY;

    return !f->object && f->all_seen && ours && !f->in_ledger && f->jobs == 0 && quiet;
}

static void removes_what_was_ours_and_is_quiet(void **state)
{
    static const char *const objects[] = {NULL, "ci/builds"}, *const traces[] = {NULL, "Secret ci/x"};
    static const int64_t times[] = {0, NOW - 2 * DAY, NOW - DAY, NOW - DAY + 1, NOW, NOW + 60};
    cleanup_arena struct arena a = {0};
    size_t gone = 0, all = 0;

    (void)state;
    for (unsigned bits = 0; bits < 32; bits++)
        for (int jobs = -1; jobs <= 1; jobs++)
            for (size_t c = 0; c < ARRAY_LEN(times); c++)
                for (size_t m = 0; m < ARRAY_LEN(times); m++) {
                    const struct orphan_facts f = {.object = objects[bits & 1],
                                                   .trace = traces[bits >> 1 & 1],
                                                   .all_seen = bits & 4,
                                                   .vouched = bits & 8,
                                                   .in_ledger = bits & 16,
                                                   .jobs = jobs,
                                                   .contacted = times[c],
                                                   .created = times[m],
                                                   .now = NOW};
                    const char *kept = orphan_is_kept(&f, &a);
                    all++;
                    gone += !kept;
                    if (!kept != may_go(&f))
                        fail_msg("bits %u, jobs %d, contact %zu, made %zu: %s", bits, jobs, c, m, kept ? kept : "goes");
                    assert_true(!kept || strlen(kept) > 10);
                }
    assert_int_equal(all, 32 * 3 * 36);
    assert_int_equal(
        gone, 3 * (2 * 6 + 2)); /* ours by a trace, a word or both; contact long ago, or never and made long ago */
}

static void says_why_one_stays(void **state)
{
    const struct orphan_facts gone = {.all_seen = true, .trace = "t", .contacted = 1, .now = NOW};
    struct orphan_facts f = gone;
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_null(orphan_is_kept(&f, &a));
    f.object = "ci/builds";
    assert_non_null(strstr(orphan_is_kept(&f, &a), "ci/builds"));
    f = gone;
    f.trace = NULL;
    assert_non_null(strstr(orphan_is_kept(&f, &a), "--uid"));
    f = gone;
    f.jobs = 1;
    assert_string_equal(orphan_is_kept(&f, &a), "jobs run on it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removes_what_was_ours_and_is_quiet),
        cmocka_unit_test(says_why_one_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
