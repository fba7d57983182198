#include "base/time.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

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

/* Each 'd' stands for a digit, anything else for itself in either case. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape; text++, shape++)
        if (*shape == 'd' ? !isdigit((unsigned char)*text) : toupper((unsigned char)*text) != *shape)
            return false;
    return true;
}

static int digits_value(const char *text, int digits)
{
    int value = 0;

    while (digits--)
        value = value * 10 + (*text++ - '0');
    return value;
}

/* "Z", "+hh:mm" or "-hh:mm", and nothing more, as seconds east of UTC. */
static bool offset_parse(const char *text, int64_t *ret)
{
    *ret = 0;
    if (has_shape(text, "Z"))
        return !text[1];
    if ((*text != '+' && *text != '-') || !has_shape(text + 1, "dd:dd") || text[6])
        return false;
    int hours = digits_value(text + 1, 2), minutes = digits_value(text + 4, 2);
    *ret = (*text == '-' ? -60 : 60) * (hours * 60 + minutes);
    return hours < 24 && minutes < 60;
}

/* The minute of "dddd-dd-ddTdd:dd" in UTC; false when there is none such: February 30 becomes another day. */
static bool minute_parse(const char *text, int64_t *ret)
{
    const struct tm asked = {.tm_year = digits_value(text, 4) - 1900,
                             .tm_mon = digits_value(text + 5, 2) - 1,
                             .tm_mday = digits_value(text + 8, 2),
                             .tm_hour = digits_value(text + 11, 2),
                             .tm_min = digits_value(text + 14, 2)};
    struct tm tm = asked;

    *ret = timegm(&tm);
    return tm.tm_mon == asked.tm_mon && tm.tm_mday == asked.tm_mday && tm.tm_hour == asked.tm_hour &&
           tm.tm_min == asked.tm_min;
}

int64_t time_parse(const char *text)
{
    int64_t minute, offset;

    if (!text || !has_shape(text, "dddd-dd-ddTdd:dd:dd"))
        return -1;
    int second = digits_value(text + 17, 2);
    const char *rest = text + 19;
    if (has_shape(rest, ".d"))
        rest += 1 + strspn(rest + 1, DIGITS);
    if (!minute_parse(text, &minute) || second > 60 || !offset_parse(rest, &offset))
        return -1;
    int64_t seconds = minute + second - offset;
    return seconds < 0 ? -1 : seconds;
}

int64_t day_parse(const char *text)
{
    char time[] = "2026-01-02T00:00:00Z";

    if (!text || !has_shape(text, "dddd-dd-dd") || text[10])
        return -1;
    memcpy(time, text, 10);
    return time_parse(time);
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
