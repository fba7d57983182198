#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/utf8.h"

/* Values end before the line does, so that there is room for keys and quotes, which are constants of the program. */
enum { VALUES_END = 7 * 1024, LINE_MAX_BYTES = 8 * 1024 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* The one thing in the program that is global: how logs are written. */
static enum log_level threshold = LOG_INFO;
static bool as_json = true;

void log_setup(enum log_level level, bool json)
{
    threshold = level;
    as_json = json;
}

bool log_level_parse(const char *text, enum log_level *ret)
{
    for (enum log_level level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (strcmp(text, level_names[level]) == 0) {
            *ret = level;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return level <= threshold;
}

/* Text inside of quotes: a line of the log stays one line, and UTF-8, whatever a server sent; it ends where it would
 * become too long. */
static void add_escaped(struct buf *line, const char *text)
{
    for (size_t len; *text && line->len < VALUES_END; text += len ? len : 1) {
        unsigned char c = (unsigned char)*text;
        len = utf8_len(text);
        if (c == '"' || c == '\\')
            buf_addf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(line, "\\u%04x", c);
        else
            buf_add(line, text, len);
    }
}

static void add_pair(struct buf *line, const char *key, const char *value)
{
    buf_addf(line, as_json ? ",\"%s\":\"" : " %s=\"", key);
    add_escaped(line, value);
    buf_adds(line, "\"");
}

static void add_head(struct buf *line, enum log_level level, const char *component, const char *message)
{
    struct timespec now;
    struct tm tm;
    char stamp[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    if (as_json) {
        buf_addf(line, "{\"ts\":\"%s.%03ldZ\",\"level\":\"%s\",\"logger\":\"%s\",\"msg\":\"", stamp,
                 now.tv_nsec / 1000000, level_names[level], component);
        add_escaped(line, message);
        buf_adds(line, "\"");
    } else {
        buf_addf(line, "%s.%03ldZ %-5s %s: %s", stamp, now.tv_nsec / 1000000, level_names[level], component, message);
    }
}

void log_event(enum log_level level, const char *component, const char *message, ...)
{
    if (!log_enabled(level))
        return;

    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    add_head(&line, level, component, message);

    va_list args;
    va_start(args, message);
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        if (value)
            add_pair(&line, key, value);
    }
    va_end(args);

    fprintf(stderr, "%s%s\n", line.data, as_json ? "}" : "");
    buf_finish(&line);
}
