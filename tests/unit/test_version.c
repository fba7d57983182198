/* Resource versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "kube/version.h"

/* From old to new; what is on one line is equally old, being no version at all. */
static const char *const malformed[] = {"",   "0",  "00", "01",  "-1",  "+1",  " 1",
                                        "1 ", "1a", "a",  "1.0", "0x1", "1\n", "99999999999999999999x"};
static const char *const ordered[] = {
    "1",
    "2",
    "9",
    "10",
    "11",
    "99",
    "100",
    "9223372036854775807", /* 2^63 - 1 */
    "9223372036854775808",
    "18446744073709551615", /* 2^64 - 1 */
    "18446744073709551616",
    "99999999999999999999",
    "100000000000000000000",
    "123456789012345678901234567890123456789",
    "123456789012345678901234567890123456790",
};

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void knows_a_version_from_anything_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
        if (kube_version_valid(malformed[i]))
            fail_msg("\"%s\"", malformed[i]);
    for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
        if (!kube_version_valid(ordered[i]))
            fail_msg("\"%s\"", ordered[i]);
}

static void orders_versions_of_any_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
        for (size_t n = 0; n < ARRAY_LEN(ordered); n++)
            assert_int_equal(sign(kube_version_compare(ordered[i], ordered[n])), sign((int)i - (int)n));
}

static void takes_what_is_malformed_for_older_than_any(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        for (size_t n = 0; n < ARRAY_LEN(ordered); n++) {
            assert_true(kube_version_compare(malformed[i], ordered[n]) < 0);
            assert_true(kube_version_compare(ordered[n], malformed[i]) > 0);
        }
        for (size_t n = 0; n < ARRAY_LEN(malformed); n++)
            assert_int_equal(kube_version_compare(malformed[i], malformed[n]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_version_from_anything_else),
        cmocka_unit_test(orders_versions_of_any_length),
        cmocka_unit_test(takes_what_is_malformed_for_older_than_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
