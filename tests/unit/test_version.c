/* Resource versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "kube/version.h"

static const char *const malformed[] = {"",   "0",  "00", "01",  "-1",  "+1",  " 1",
                                        "1 ", "1a", "a",  "1.0", "0x1", "1\n", "99999999999999999999x"};
/* From old to new. */
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
            assert_int_equal(kube_version_newer(ordered[i], ordered[n]), i > n);
}

static void compares_nothing_to_what_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        for (size_t n = 0; n < ARRAY_LEN(ordered); n++) {
            assert_false(kube_version_newer(malformed[i], ordered[n]));
            assert_false(kube_version_newer(ordered[n], malformed[i]));
        }
        for (size_t n = 0; n < ARRAY_LEN(malformed); n++)
            assert_false(kube_version_newer(malformed[i], malformed[n]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_version_from_anything_else),
        cmocka_unit_test(orders_versions_of_any_length),
        cmocka_unit_test(compares_nothing_to_what_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
