#include "base/time.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#define DIGITS "0123456789"
static const int64_t last_second = 253402300799; /* of the year 9999 */

/* ---------------------------------------------------------------------------------------------------------------------
 * Points in time: writing */

const char *time_format(int64_t seconds, struct arena *a)
{
    time_t t = seconds < 0 ? 0 : seconds < last_second ? seconds : last_second;
    char text[sizeof("2026-01-02T03:04:05Z")];
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return arena_strdup(a, text);
}

const char *time_format_us(int64_t us, unsigned digits, struct arena *a)
{
    assert(digits >= 1 && digits <= 6);
    int64_t fraction = us < 0 ? 0 : us % 1000000;

    for (unsigned i = digits; i < 6; i++)
        fraction /= 10;
    return arena_printf(a, "%.19s.%0*lldZ", time_format(us / 1000000, a), (int)digits, (long long)fraction);
}

const char *age_text(int64_t seconds, struct arena *a)
{
    static const struct unit {
        int64_t from, of;
        char letter;
    } units[] = {{2 * 86400, 86400, 'd'}, {2 * 3600, 3600, 'h'}, {2 * 60, 60, 'm'}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (seconds >= units[i].from)
            return arena_printf(a, "%lld%c", (long long)(seconds / units[i].of), units[i].letter);
    return arena_printf(a, "%llds", (long long)(seconds > 0 ? seconds : 0));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * … and reading */

/* Reads so many digits; -1: they are not there, or are more than `most`. */
static int digits_read(const char **at, int count, int most)
{
    int value = 0;

    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = 10 * value + (**at - '0');
    }
    return value <= most ? value : -1;
}

static bool passes(const char **at, const char *any)
{
    bool is_there = **at && strchr(any, **at);

    *at += is_there;
    return is_there;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    assert(month >= 1 && month <= 12);
    return days[month - 1] + leap;
}

bool date_read(const char **at, struct tm *ret)
{
    int year = digits_read(at, 4, 9999), month = passes(at, "-") ? digits_read(at, 2, 12) : -1;

    if (year < 0 || month < 1 || !passes(at, "-"))
        return false;
    ret->tm_year = year - 1900;
    ret->tm_mon = month - 1;
    ret->tm_mday = digits_read(at, 2, days_of(year, month));
    return ret->tm_mday > 0;
}

bool clock_read(const char **at, struct tm *ret)
{
    ret->tm_hour = digits_read(at, 2, 23);
    ret->tm_min = ret->tm_hour >= 0 && passes(at, ":") ? digits_read(at, 2, 59) : -1;
    ret->tm_sec = ret->tm_min >= 0 && passes(at, ":") ? digits_read(at, 2, 60) : -1;
    if (ret->tm_sec < 0 || !passes(at, "."))
        return ret->tm_sec >= 0;
    size_t fraction = strspn(*at, DIGITS);
    *at += fraction;
    return fraction > 0;
}

bool offset_read(const char **at, int64_t *ret)
{
    int sign = **at == '-' ? -60 : 60;

    *ret = 0;
    if (passes(at, "Zz"))
        return true;
    int hours = passes(at, "+-") ? digits_read(at, 2, 23) : -1;
    int minutes = hours >= 0 && passes(at, ":") ? digits_read(at, 2, 59) : -1;
    *ret = sign * (hours * 60 + minutes);
    return minutes >= 0;
}

static int64_t since_1970(struct tm *tm, int64_t offset)
{
    int64_t seconds = timegm(tm) - offset;

    return seconds < 0 ? -1 : seconds;
}

int64_t time_parse(const char *text)
{
    struct tm tm = {0};
    int64_t offset;

    if (!text || !date_read(&text, &tm) || !passes(&text, "Tt") || !clock_read(&text, &tm) ||
        !offset_read(&text, &offset) || *text)
        return -1;
    return since_1970(&tm, offset);
}

int64_t day_parse(const char *text)
{
    struct tm tm = {0};

    return text && date_read(&text, &tm) && !*text ? since_1970(&tm, 0) : -1;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Durations, each step as in Go, so that what is too long is so for both */

static const uint64_t longest = 1ull << 63; /* of a negative one */

/* The digits that *text begins with, which is moved behind them; false: too many. */
static bool whole_parse(const char **text, uint64_t *ret)
{
    for (*ret = 0; isdigit((unsigned char)**text); ++*text) {
        if (*ret > longest / 10)
            return false;
        *ret = *ret * 10 + (uint64_t)(**text - '0');
        if (*ret > longest)
            return false;
    }
    return true;
}

/* … behind a point, in units of 1 / *scale; digits that nothing can hold do not count. */
static double fraction_parse(const char **text, double *scale)
{
    uint64_t value = 0;

    for (*scale = 1; isdigit((unsigned char)**text); ++*text)
        if (value <= (longest - 10) / 10) {
            value = value * 10 + (uint64_t)(**text - '0');
            *scale *= 10;
        }
    return (double)value;
}

/* The unit that *text begins with, which is moved behind it, in nanoseconds; 0: none. */
static uint64_t unit_parse(const char **text)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ns", 1},       {"us", 1000},      {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
                 {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000}};
    size_t len = strcspn(*text, "." DIGITS);

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strlen(units[i].name) == len && memcmp(*text, units[i].name, len) == 0) {
            *text += len;
            return units[i].ns;
        }
    return 0;
}

/* One number with its unit. */
static bool part_parse(const char **text, uint64_t *ret)
{
    size_t whole = strspn(*text, DIGITS), point = (*text)[whole] == '.';
    bool empty = !whole && !strspn(*text + whole + point, DIGITS);
    double scale;

    if (empty || !whole_parse(text, ret))
        return false;
    *text += point;
    double fraction = fraction_parse(text, &scale);
    uint64_t unit = unit_parse(text);
    if (!unit || *ret > longest / unit)
        return false;
    *ret = *ret * unit + (uint64_t)(fraction * ((double)unit / scale));
    return *ret <= longest;
}

bool duration_parse(const char *text, int64_t *ret_ns)
{
    bool negative = *text == '-';
    uint64_t total = 0, part;

    text += negative || *text == '+';
    *ret_ns = 0;
    if (strcmp(text, "0") == 0)
        return true;
    do {
        if (!part_parse(&text, &part) || part > longest - total)
            return false;
        total += part;
    } while (*text);
    *ret_ns = (int64_t)(negative ? 0 - total : total);
    return negative || total < longest;
}
