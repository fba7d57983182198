/* Structured logs: one line an event, JSON by default, on standard error.
 *
 * Who fails returns a struct err and does not log; what acts on its own (a watch, the Lease, the operator) does. A
 * value that may hold a token must never be passed here. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_COMPONENTS_MAX = 16 };

/* What is printed: of the components that are named, and of the others. */
struct log_levels {
    enum log_level others;
    struct {
        bool set;
        enum log_level level;
    } of[LOG_COMPONENTS_MAX];
};

/* The components, which `--log-level info,watch=debug` may name, for messages: "run, watch, …". */
#define LOG_COMPONENTS "run, watch, reconcile, lease, event, orphans"

/* Sets what is printed, of all components, and how; json = false prints `level message key=value …`. */
void log_setup(enum log_level level, bool json);
void log_set_levels(const struct log_levels *levels);
/* "info,watch=debug": items separated by commas, each a level for all or COMPONENT=LEVEL; without one for all it is
 * info. False when an item is neither, and *ret is anything then. */
bool log_levels_parse(const char *text, struct log_levels *ret);
bool log_enabled(enum log_level level, const char *component);

/* log_event(LOG_INFO, "watch", "listed", "kind", kind, "count", text, NULL): component, message, then pairs of
 * strings, ended by NULL. A pair whose value is NULL is left out. */
void log_event(enum log_level level, const char *component, const char *message, ...) __attribute__((sentinel));

enum { LOG_RECENT_MAX = 32 };

/* The i-th of the last LOG_RECENT_MAX warnings and errors, as it was printed and without the end of the line, the
 * oldest first; NULL when there are not so many. */
const char *log_recent(size_t i);

#endif
