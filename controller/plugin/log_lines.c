#include "plugin/log_lines.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

void log_lines_init(struct log_lines *l)
{
    buf_init(&l->line, LOG_LINE_MAX);
}

void log_lines_finish(struct log_lines *l)
{
    buf_finish(&l->line);
}

/* Whether a line of gitlab-runner's, as text or JSON, is about the job of this number. */
static bool is_line_of_job(const char *line, const char *job)
{
    static const char *const before[] = {" job=", "\"job\":"};
    size_t len = strlen(job);

    for (size_t i = 0; i < ARRAY_LEN(before); i++)
        for (const char *at = line; (at = strstr(at, before[i])); at++) {
            const char *number = at + strlen(before[i]);
            if (strncmp(number, job, len) == 0 && !isdigit((unsigned char)number[len]))
                return true;
        }
    return false;
}

static void print_line_of(const struct log_lines *l, const char *time, const char *text)
{
    cleanup_arena struct arena a = {0};
    const char *line = harmless(text, &a);

    if (l->job && !is_line_of_job(line, l->job))
        return;
    printf("%s%s |%s %s%s%s\n", tone_begin(l->terminal, l->tone), harmless(l->pod, &a), tone_end(l->terminal, l->tone),
           l->with_times ? harmless(time, &a) : "", l->with_times ? " " : "", line);
}

/* "TIME text"; the kubelet's times have all the same length, so they compare as texts. */
static void take_line(struct log_lines *l)
{
    assert(l->pod && l->line.len <= LOG_LINE_MAX);
    char *space = memchr(l->line.data, ' ', l->line.len);

    if (space && space - l->line.data < LOG_TIME_SIZE) {
        *space = '\0';
        if (strcmp(l->line.data, l->last) > 0) {
            strcpy(l->last, l->line.data);
            print_line_of(l, l->line.data, space + 1);
        }
    } else if (l->line.len) {
        print_line_of(l, "", l->line.data);
    }
    buf_clear(&l->line);
    l->line.full = false;
}

void log_lines_add(struct log_lines *l, const char *bytes, size_t len)
{
    for (const char *end = bytes + len; bytes < end;) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t part = (size_t)((stop ? stop : end) - bytes), room = LOG_LINE_MAX - l->line.len;
        buf_add(&l->line, bytes, part < room ? part : room);
        bytes += part + (stop != NULL);
        if (stop)
            take_line(l);
    }
    fflush(stdout);
}

void log_lines_end(struct log_lines *l)
{
    if (l->line.len)
        take_line(l);
    fflush(stdout);
}
