/* How long a deletion waits for GitLab. */
#include "golden.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_long_as_the_spec_says),
        cmocka_unit_test(a_quarter_of_an_hour_when_it_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
