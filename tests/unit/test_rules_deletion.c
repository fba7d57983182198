/* How long a deletion waits for GitLab. */
#include "golden.h"

#include "base/time.h"
#include "runner/memory.h"
#include "runner/rules.h"
#include "runner/spec.h"

static int64_t waits_until(const struct spec *spec)
{
    static const struct memory memory;
    const struct observed o = {.memory = &memory, .spec = spec, .deleting = true, .deletion_time = 1000, .now = 1000};

    return deletion_patience(&o);
}

static void as_long_as_the_spec_says(void **state)
{
    const struct spec soon = {.deregistration_deadline = 60}, never = {.deregistration_deadline = 0};

    (void)state;
    assert_int_equal(waits_until(&soon), 1060);
    assert_int_equal(waits_until(&never), 1000);
}

static void a_quarter_of_an_hour_when_it_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(waits_until(NULL), 1900);
}

/* When it ends of which the status says that the managers have ended then. */
static int64_t waits_when_drained(int64_t at)
{
    cleanup_arena struct arena a = {0};
    static const struct memory memory;
    const struct spec spec = {.deregistration_deadline = 60, .manager.termination_grace_period = 600};
    const struct observed o = {
        .memory = &memory,
        .spec = &spec,
        .deleting = true,
        .deletion_time = 10000,
        .now = 10000,
        .status = arena_json(&a, json_build("{conditions: [{type: 'Drained', status: 'True', lastTransitionTime: %s}]}",
                                            time_format(at, &a)))};

    return deletion_patience(&o);
}

static void from_when_the_managers_have_ended(void **state)
{
    (void)state;
    assert_int_equal(waits_when_drained(10000), 10060);
    assert_int_equal(waits_when_drained(10300), 10360);
}

/* A clock was wrong when it was written down, or a Deployment has come and gone again. */
static void within_the_time_that_managers_have(void **state)
{
    (void)state;
    assert_int_equal(waits_when_drained(10660), 10720);
    assert_int_equal(waits_when_drained(10661), 10720);
    assert_int_equal(waits_when_drained(400000), 10720);
    assert_int_equal(waits_when_drained(9999), 10060);
    assert_int_equal(waits_when_drained(0), 10060);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_long_as_the_spec_says),
        cmocka_unit_test(a_quarter_of_an_hour_when_it_cannot_be_read),
        cmocka_unit_test(from_when_the_managers_have_ended),
        cmocka_unit_test(within_the_time_that_managers_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
