/* Points in time and durations as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/time.h"

enum { DAY_S = 24 * 3600 };

static void assert_read(const char *text, int64_t seconds)
{
    if (time_parse(text) != seconds)
        fail_msg("\"%s\" was read as %lld, not as %lld", text, (long long)time_parse(text), (long long)seconds);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Points in time */

static const struct {
    int64_t seconds;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00Z"},          {951782400, "2000-02-29T00:00:00Z"},  {1767323045, "2026-01-02T03:04:05Z"},
    {2147483648, "2038-01-19T03:14:08Z"}, {4102444800, "2100-01-01T00:00:00Z"}, {253402300799, "9999-12-31T23:59:59Z"},
};

static void writes_and_reads_times(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        assert_string_equal(time_format(times[i].seconds, &a), times[i].text);
        assert_read(times[i].text, times[i].seconds);
    }
    assert_string_equal(time_format(INT64_MIN, &a), "1970-01-01T00:00:00Z");
    assert_string_equal(time_format(-1, &a), "1970-01-01T00:00:00Z");
    assert_string_equal(time_format(253402300800, &a), "9999-12-31T23:59:59Z");
    assert_string_equal(time_format(INT64_MAX, &a), "9999-12-31T23:59:59Z");
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Each day that there is, by a calendar of our own, and each that there is not. */
static void every_day_of_four_centuries(void **state)
{
    int64_t seconds = 0;
    char text[64];

    (void)state;
    for (int year = 1970; year <= 2400; year++)
        for (int month = 0; month <= 13; month++)
            for (int day = 0; day <= 32; day++) {
                struct arena a cleanup_arena = {0};
                bool exists = month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month);
                snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
                if (day_parse(text) != (exists ? seconds : -1))
                    fail_msg("%s was read as %lld", text, (long long)day_parse(text));
                snprintf(text, sizeof(text), "%04d-%02d-%02dT23:59:59Z", year, month, day);
                assert_read(text, exists ? seconds + DAY_S - 1 : -1);
                if (exists)
                    assert_string_equal(time_format(seconds + DAY_S - 1, &a), text);
                seconds += exists ? DAY_S : 0;
            }
}

static void every_second_of_a_day(void **state)
{
    char text[64];

    (void)state;
    for (int n = 0; n < 1000000; n++) {
        int hour = n / 10000, minute = n / 100 % 100, second = n % 100;
        bool exists = hour < 24 && minute < 60 && second <= 60;
        snprintf(text, sizeof(text), "1970-01-02T%02d:%02d:%02dZ", hour, minute, second);
        assert_read(text, exists ? DAY_S + hour * 3600 + minute * 60 + second : -1);
    }
    assert_read("2016-12-31T23:59:60Z", 1483228800); /* a leap second */
}

static void every_offset(void **state)
{
    char text[64];

    (void)state;
    for (int sign = -1; sign <= 1; sign += 2)
        for (int n = 0; n < 10000; n++) {
            int hours = n / 100, minutes = n % 100, offset = sign * (hours * 3600 + minutes * 60);
            snprintf(text, sizeof(text), "2026-01-02T03:04:05%c%02d:%02d", sign < 0 ? '-' : '+', hours, minutes);
            assert_read(text, hours < 24 && minutes < 60 ? 1767323045 - offset : -1);
        }
}

/* GitLab writes milliseconds, and the offset of the time zone that its administrator has set. */
static void reads_fractions_and_small_letters(void **state)
{
    static const char *const same[] = {
        "2026-01-02T03:04:05.0Z",        "2026-01-02T03:04:05.000Z",    "2026-01-02T03:04:05.999999Z",
        "2026-01-02T04:04:05.123+01:00", "2026-01-01T19:34:05.9-07:30", "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05-00:00",
    };
    char text[2000] = "2026-01-02T03:04:05.";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        assert_read(same[i], 1767323045);
    for (size_t len = strlen(text); len < sizeof(text) - 2; len++) {
        text[len] = '9';
        text[len + 1] = 'Z';
        assert_read(text, 1767323045);
    }
}

static void times_before_1970_are_none(void **state)
{
    static const char *const early[] = {"1969-12-31T23:59:59Z", "1969-12-31T23:59:58.5Z", "1970-01-01T00:00:59+00:01",
                                        "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z",   "0000-00-00T00:00:00Z"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(early); i++)
        assert_read(early[i], -1);
    assert_read("1969-12-31T23:01:00-01:00", 60);
    assert_read("9999-12-31T23:59:59-23:59", 253402300799 + 23 * 3600 + 59 * 60);
}

static void refuses_what_is_no_time(void **state)
{
    static const char *const wrong[] = {
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05 UTC",
        "2026-01-02T03:04Z",
        "2026-1-2T3:4:5Z",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z ",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05.5.5Z",
        "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05+01",
        "2026-01-02T03:04:05+1:00",
        "2026-01-02T03:04:05+01:00x",
        "2026-01-02T03:04:05+01:00Z",
        "2026-01-02T03:04:05ZZ",
        "+2026-01-02T03:04:05Z",
        "-026-01-02T03:04:05Z",
        "12026-01-02T03:04:05Z",
        "20260102T030405Z",
        "99999999999999999999999999999999",
        "never",
    };

    (void)state;
    assert_int_equal(time_parse(NULL), -1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_read(wrong[i], -1);
}

/* Each beginning of a time, and a time with any other byte in any place. What is read is another time of that shape. */
static void refuses_what_is_nearly_a_time(void **state)
{
    static const char good[] = "2026-01-02T03:04:05.5+01:00";

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(good); i++) {
        char text[sizeof(good)] = {0};
        memcpy(text, good, i);
        assert_read(text, -1);
        memcpy(text, good, sizeof(good));
        for (int byte = 1; byte < 256; byte++) {
            text[i] = (char)byte;
            bool digit = byte >= '0' && byte <= '9', wanted = good[i] >= '0' && good[i] <= '9';
            bool other = strchr("Tt", byte) ? good[i] == 'T' : strchr("+-", byte) && strchr("+-", good[i]);
            if (digit ? !wanted && time_parse(text) != -1 : !other && byte != good[i] && time_parse(text) != -1)
                fail_msg("\"%s\" was read", text);
        }
    }
}

static void a_day_has_no_time_of_day(void **state)
{
    static const char *const wrong[] = {"",
                                        "2026-01",
                                        "2026-01-0",
                                        "2026-01-02Z",
                                        "2026-01-02 ",
                                        "2026-02-30",
                                        " 2026-01-02",
                                        "2026-1-002",
                                        "2026-01-02T00:00:00Z",
                                        "1969-12-31",
                                        "2026-01-02T00:00:00.0000000000Z"};

    (void)state;
    assert_int_equal(day_parse("2026-01-02"), 1767312000);
    assert_int_equal(day_parse(NULL), -1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (day_parse(wrong[i]) != -1)
            fail_msg("\"%s\" was read", wrong[i]);
}

static void writes_fractions(void **state)
{
    struct arena a cleanup_arena = {0};
    int64_t us = 1767323045000006, now = clock_wall_us();

    (void)state;
    assert_string_equal(time_format_us(us, 6, &a), "2026-01-02T03:04:05.000006Z");
    assert_string_equal(time_format_us(us + 999993, 3, &a), "2026-01-02T03:04:05.999Z");
    assert_string_equal(time_format_us(us + 999994, 1, &a), "2026-01-02T03:04:06.0Z");
    assert_string_equal(time_format_us(-5, 6, &a), "1970-01-01T00:00:00.000000Z");
    assert_int_equal(time_parse(time_format_us(now, 6, &a)), now / 1000000);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Durations: as Go's time.ParseDuration() reads them */

static const struct {
    const char *text;
    int64_t ns;
} durations[] = {
    {"0", 0},
    {"-0", 0},
    {"+0", 0},
    {"0s", 0},
    {"1s", 1000000000},
    {"-1.5s", -1500000000},
    {"+5s", 5000000000},
    {"1h30m", 5400000000000},
    {"90s", 90000000000},
    {"1.5h", 5400000000000},
    {".5s", 500000000},
    {"5.s", 5000000000},
    {"1ns", 1},
    {"1us", 1000},
    {"1\xc2\xb5"
     "s",
     1000},
    {"1\xce\xbc"
     "s",
     1000},
    {"1ms", 1000000},
    {"1m", 60000000000},
    {"3s2h1m", 7263000000000},
    {"0.000000001s", 1},
    {"0.0000000019s", 1},
    {"0.33333333333333333333333333333333s", 333333333},
    {"0.100000000000000000000h", 360000000000},
    {"9223372036854775807ns", INT64_MAX},
    {"-9223372036854775808ns", INT64_MIN},
    {"9223372036.854775807s", INT64_MAX},
    {"-9223372036.854775808s", INT64_MIN},
    {"2562047h47m16.854775807s", INT64_MAX},
    {"0.5m", 30000000000},
};

static const char *const no_durations[] = {
    "",
    "-",
    "+",
    "00",
    "1",
    ".s",
    "1.2.3s",
    "1min",
    "1d",
    "1S",
    "1 s",
    " 1s",
    "1s ",
    "1m1",
    "1m-1s",
    "--1s",
    "9223372036854775808ns",
    "9223372036854775809ns",
    "-9223372036854775809ns",
    "9223372036.854775808s",
    "2562047h47m16.854775808s",
    "2562048h",
    "9999999999999999999999999h",
    "18446744073709551616ns",
    "9223372036854775807ns1ns",
    "1e3s",
    "0x1s",
    "1,5s",
    "1.5",
};

static void reads_what_go_reads(void **state)
{
    int64_t ns;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(durations); i++)
        if (!duration_parse(durations[i].text, &ns) || ns != durations[i].ns)
            fail_msg("\"%s\" was read as %lld", durations[i].text, (long long)ns);
}

static void refuses_what_go_refuses(void **state)
{
    int64_t ns;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(no_durations); i++)
        if (duration_parse(no_durations[i], &ns))
            fail_msg("\"%s\" was read as %lld", no_durations[i], (long long)ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_times),
        cmocka_unit_test(every_day_of_four_centuries),
        cmocka_unit_test(every_second_of_a_day),
        cmocka_unit_test(every_offset),
        cmocka_unit_test(reads_fractions_and_small_letters),
        cmocka_unit_test(times_before_1970_are_none),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(refuses_what_is_nearly_a_time),
        cmocka_unit_test(a_day_has_no_time_of_day),
        cmocka_unit_test(writes_fractions),
        cmocka_unit_test(reads_what_go_reads),
        cmocka_unit_test(refuses_what_go_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
