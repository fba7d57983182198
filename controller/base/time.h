/* Points in time as RFC 3339 writes them, and durations as Go does. Pure: none of these looks at a clock. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct arena;

/* Seconds since 1970 in UTC: "2026-01-02T03:04:05Z". What is before 1970 or after the year 9999 is written as the
 * nearest that is not. */
const char *time_format(int64_t seconds, struct arena *a);
/* Microseconds since 1970, as above, with so many digits (1 to 6) of a fraction, cut off:
 * "2026-01-02T03:04:05.000006Z", which Kubernetes calls MicroTime. */
const char *time_format_us(int64_t us, unsigned digits, struct arena *a);
/* How long something has lasted, as kubectl shows an age: "90s", "14m", "5h", "40d". What is less than nothing is "0s".
 */
const char *age_text(int64_t seconds, struct arena *a);
/* Any RFC 3339 time as seconds since 1970, without its fraction; -1: it is none, NULL, or before 1970. A leap second is
 * the first one of the next minute. */
int64_t time_parse(const char *text);
/* The beginning of a day ("2026-01-02") in UTC; -1 as above. */
int64_t day_parse(const char *text);

/* What both consist of, for who reads them within other texts: what *at begins with goes into the members of *ret that
 * it is about, and *at moves behind it. False: it is not there, or no calendar and no clock has it; *at is anywhere
 * then. */
bool date_read(const char **at, struct tm *ret);
/* "03:04:05.678"; the fraction, which may be missing, is passed over. A leap second is one. */
bool clock_read(const char **at, struct tm *ret);
/* "Z", "+01:00": seconds east of UTC. */
bool offset_read(const char **at, int64_t *ret);

/* What Go's time.ParseDuration() takes: numbers with units, such as "1h30m" or "-1.5s", or "0"; and no other. False:
 * it is none, or too long for 64 bits of nanoseconds (292 years). */
bool duration_parse(const char *text, int64_t *ret_ns);

#endif
