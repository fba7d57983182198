#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/charset.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"

/* Values end before the line does, so that there is room for keys and quotes, which are constants of the program. */
enum { VALUES_END = 7 * 1024, LINE_MAX_BYTES = 8 * 1024 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* Global, so that no function needs an argument for it: how logs are written, and the last of them. */
static struct log_levels threshold = {.others = LOG_INFO};
static bool as_json = true;
static char *recent[LOG_RECENT_MAX];
static size_t recent_total;

void log_setup(enum log_level level, bool json)
{
    threshold = (struct log_levels){.others = level};
    as_json = json;
}

void log_set_levels(const struct log_levels *levels)
{
    threshold = *levels;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Levels, by component */

static bool is_same_text(const char *text, size_t len, const char *wanted)
{
    return strlen(wanted) == len && strncmp(text, wanted, len) == 0;
}

static bool parse_level(const char *text, size_t len, enum log_level *ret)
{
    for (enum log_level level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (is_same_text(text, len, level_names[level])) {
            *ret = level;
            return true;
        }
    }
    return false;
}

/* The place of a name in LOG_COMPONENTS, -1 when it is not there. */
static int component_index(const char *name, size_t len)
{
    const char *known = LOG_COMPONENTS;

    for (int i = 0; *known; i++) {
        size_t known_len = strcspn(known, ",");
        if (known_len == len && strncmp(known, name, len) == 0)
            return i;
        known += known_len;
        known += strspn(known, ", ");
    }
    return -1;
}

static bool parse_item(const char *item, size_t len, struct log_levels *ret)
{
    const char *equals = memchr(item, '=', len);

    if (!equals)
        return parse_level(item, len, &ret->others);
    size_t name_len = (size_t)(equals - item);
    int i = component_index(item, name_len);
    if (i < 0)
        return false;
    assert(i < LOG_COMPONENTS_MAX);
    ret->of[i].set = true;
    return parse_level(equals + 1, len - name_len - 1, &ret->of[i].level);
}

bool log_levels_parse(const char *text, struct log_levels *ret)
{
    *ret = (struct log_levels){.others = LOG_INFO};
    for (;; text++) {
        size_t len = strcspn(text, ",");
        if (!parse_item(text, len, ret))
            return false;
        text += len;
        if (!*text)
            return true;
    }
}

bool log_enabled(enum log_level level, const char *component)
{
    assert(level <= LOG_DEBUG);
    int i = component_index(component, strlen(component));

    return level <= (i >= 0 && threshold.of[i].set ? threshold.of[i].level : threshold.others);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines */

/* Text inside of quotes: a line of the log stays one line, and UTF-8, and does nothing to a terminal, whatever a server
 * sent; it ends where it would become too long. */
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
            buf_add(line, text, charset_prose_len(text));
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
    cleanup_arena struct arena a = {0};
    const char *stamp = time_format_us(clock_wall_us(), 3, &a);

    if (as_json) {
        buf_addf(line, "{\"ts\":\"%s\",\"level\":\"%s\",\"logger\":\"%s\",\"msg\":\"", stamp, level_names[level],
                 component);
        add_escaped(line, message);
        buf_adds(line, "\"");
    } else {
        buf_addf(line, "%s %-5s %s: %s", stamp, level_names[level], component, message);
    }
}

static void remember_line(const char *line)
{
    char **place = &recent[recent_total++ % LOG_RECENT_MAX];

    free(*place);
    *place = mem_strdup(line);
}

void log_event(enum log_level level, const char *component, const char *message, ...)
{
    if (!log_enabled(level, component))
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

    buf_adds(&line, as_json ? "}" : "");
    fprintf(stderr, "%s\n", line.data);
    if (level <= LOG_WARN)
        remember_line(line.data);
    buf_finish(&line);
}

const char *log_recent(size_t i)
{
    size_t len = recent_total < LOG_RECENT_MAX ? recent_total : LOG_RECENT_MAX;

    return i < len ? recent[(recent_total - len + i) % LOG_RECENT_MAX] : NULL;
}
