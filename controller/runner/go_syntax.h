/* Whether Go's libraries, which gitlab-runner reads some texts of config.toml with, take a text. */
#ifndef RUNNER_GO_SYNTAX_H
#define RUNNER_GO_SYNTAX_H

#include <stdbool.h>

/* Whether regexp.Compile() takes a pattern. Programs that would be too large for it are not found out. */
bool go_regexp_compiles(const char *pattern);

/* Whether github.com/gorhill/cronexpr, by which gitlab-runner reads periods, parses an expression: five fields
 * (minute, hour, day of the month, month, day of the week), a year behind them, and then seconds before them. */
bool go_cron_parses(const char *expression);

/* Whether time.LoadLocation() finds a zone of that name where the database of Go is: "", "Local" and the names of IANA,
 * case and all. */
bool go_time_zone_exists(const char *name);
/* The zone that may be meant; NULL: none. */
const char *go_time_zone_near(const char *name);

/* Generated from Go's sources by hack/gitlab-runner/config-keys: sorted, ended by NULL. */
extern const char *const go_time_zones[];
extern const char *const go_unicode_groups[]; /* of \p{…}: letters and digits alone, the first in upper case */

#endif
