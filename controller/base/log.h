/* Structured logs: one line an event, JSON by default, on standard error.
 *
 * Library layers do not log; who acts does. A value that may hold a token must never be passed here. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sets what is printed and how; json = false prints `level message key=value …`. */
void log_setup(enum log_level level, bool json);
/* "error", "warn", "info", "debug" → level; false for anything else. */
bool log_level_parse(const char *text, enum log_level *ret);
bool log_enabled(enum log_level level);

/* log_event(LOG_INFO, "watch", "listed", "kind", kind, "count", text, NULL): component, message, then pairs of
 * strings, ended by NULL. A pair whose value is NULL is left out. */
void log_event(enum log_level level, const char *component, const char *message, ...) __attribute__((sentinel));

#endif
