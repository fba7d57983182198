/* base/log.h: lines go to whoever looks on, and into the story when it is told. */
#include "base/log.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "tests/sim/sabotage.h"
#include "tests/sim/sim_parts.h"

enum { LINE_MAX_BYTES = 4096 };

void log_setup(enum log_level level, bool json)
{
    (void)level, (void)json;
}

void log_set_levels(const struct log_levels *levels)
{
    (void)levels;
}

bool log_levels_parse(const char *text, struct log_levels *ret)
{
    (void)text;
    *ret = (struct log_levels){.others = LOG_INFO};
    return true;
}

bool log_enabled(enum log_level level, const char *component)
{
    const struct sim *sim = sim_current();

    (void)component;
    return level <= LOG_INFO || (sim && sim->telling > 1);
}

static size_t add_pairs(char *line, size_t len, va_list args)
{
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        if (value && len < LINE_MAX_BYTES)
            len += (size_t)format_into(line + len, LINE_MAX_BYTES - len, " %s=\"%s\"", key, value);
    }
    return len;
}

void log_event(enum log_level level, const char *component, const char *message, ...)
{
    static const char *const marks[] = {"E", "W", "I", "D"};
    struct sim *sim = sim_current();
    char line[LINE_MAX_BYTES];
    va_list args;

    if (!sim || !log_enabled(level, component))
        return;
    size_t len = (size_t)format_into(line, sizeof(line), "%s %s: %s", marks[level], component, message);
    va_start(args, message);
    add_pairs(line, len, args);
    va_end(args);
    if (sabotage_is(SABOTAGE_LOG) && strcmp(component, "reconcile") == 0)
        strcpy(line, "glrt-AnywhereButInItsSecret");
    sim_tell(sim, "  [%d] %s", sim_current_replica(), line);
    if (sim->log)
        sim->log(sim->log_arg, sim_current_replica(), line);
}

const char *log_recent(size_t i)
{
    (void)i;
    return NULL;
}
