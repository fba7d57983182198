/* The log of one manager's pod, as it comes, made into lines that people may see. */
#ifndef PLUGIN_LOG_LINES_H
#define PLUGIN_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "plugin/terminal.h"

enum { LOG_LINE_MAX = 64 << 10, LOG_TIME_SIZE = 40 };

struct log_lines {
    const char *pod; /* what each line begins with; lent       */
    const char *job; /* lines about this job alone; NULL: all  */
    bool with_times; /* each line shows its time               */
    enum tone tone;  /* of the pod's name                      */
    const struct terminal *terminal;
    struct buf line;          /* what has come of one            */
    char last[LOG_TIME_SIZE]; /* the time of the last whole line */
};

void log_lines_init(struct log_lines *l);
void log_lines_finish(struct log_lines *l);
/* Bytes of a log whose lines begin with their times ("timestamps=true"). Prints whole lines to stdout; of one that is
 * longer than 64 KiB the beginning. Lines that are not newer than `last` were shown before a connection broke. */
void log_lines_add(struct log_lines *l, const char *bytes, size_t len);
/* The log has ended: what is left is a line, too. */
void log_lines_end(struct log_lines *l);

#endif
