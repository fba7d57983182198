/* A command of the kubectl plugin. To make one:
 *
 *   1. plugin/NAME.c: a struct of its own options, rows for them, `const struct plugin_command NAME_command`, and a
 *      function that asks the cluster by call->session (plugin/session.h) and prints by plugin/table.h or
 *      plugin/output.h.
 *   2. Declare it below, and enter it into the table of plugin/plugin.c.
 *
 * Data goes to stdout, talk to stderr. What is unknown is shown as "?", never as 0. What may not be seen is told with
 * not_seen(), and the rest is done all the same. Text of others passes through plugin/table.h or harmless(), so that no
 * escape code in it reaches a terminal. */
#ifndef PLUGIN_COMMAND_H
#define PLUGIN_COMMAND_H

#include <stddef.h>

#include "base/err.h"
#include "base/options.h"
#include "plugin/options.h"

struct arena;
struct session;

/* The same for every command and every -o. */
enum plugin_exit {
    EXIT_GOOD = 0,
    EXIT_FINDING = 1,    /* a finding, a difference, not found, refused */
    EXIT_COULD_NOT = 2,  /* wrong usage, or it could not be run at all  */
    EXIT_DEADLINE = 3,   /* --timeout is over                           */
    EXIT_INCOMPLETE = 4, /* something may not be seen                   */
};

struct plugin_call;

struct plugin_command {
    const char *name;              /* a word                                                          */
    const char *args;              /* beside options, for the usage: "NAME", "[NAME...]"; NULL: none  */
    const char *summary;           /* half a line, for the list of commands                           */
    const char *about;             /* what it does, in lines of at most 120 characters                */
    const char *example;           /* command lines without the program's name, one a line            */
    const char *exits;             /* what its exit codes mean beside the general ones; NULL: nothing */
    const char *rights;            /* needed in the cluster: "list gitlabrunners; list pods for JOBS" */
    const struct option_row *rows; /* its own options, which count more than the common ones of the same name */
    size_t rows_len, own_size;     /* of the struct that they fill, which begins as zeroes                    */
    unsigned takes;                /* which common options: plugin/options.h                                  */
    size_t args_min, args_max;
    bool offline; /* call->session is NULL */
    enum plugin_exit (*run)(struct plugin_call *call);
};

enum { NOT_SEEN_MAX = 16 };

/* One run of a command; all of it is lent until it returns. */
struct plugin_call {
    const char *program; /* as the user knows it: "kubectl glr" */
    const struct plugin_command *command;
    const struct plugin_options *options;
    const void *own; /* its own options, own_size bytes */
    char **args;     /* args_len texts: what is no option */
    size_t args_len;
    struct session *session;
    struct arena *a; /* ends with the call */
    struct {
        const char *what, *needs;
    } not_seen[NOT_SEEN_MAX];
    size_t not_seen_len;
    bool not_seen_told; /* the command prints them itself */
};

/* What the caller may not see, and the right that it takes: not_seen(call, "jobs", "list pods"). Once each. After the
 * command it is said on stderr, and EXIT_GOOD becomes EXIT_INCOMPLETE. Both texts are copied,
 * as harmless() has them. */
void not_seen(struct plugin_call *call, const char *what, const char *needs);
/* The right is missing (403). */
bool is_forbidden(const struct err *err);
/* Says on stderr what failed, "what: text", and returns the exit code that it means. */
enum plugin_exit failed(const struct plugin_call *call, const char *what, const struct err *err);

extern const struct plugin_command completion_command;
extern const struct plugin_command diff_command; /* cli/diff.c, since it reads files */
extern const struct plugin_command doctor_command;
extern const struct plugin_command explain_command;
extern const struct plugin_command jobs_command;
extern const struct plugin_command list_command;
extern const struct plugin_command logs_command;
extern const struct plugin_command ui_command;
extern const struct plugin_command orphans_command;
extern const struct plugin_command pause_command, resume_command, drain_command; /* pause.c */
extern const struct plugin_command rotate_command, restart_command;              /* rotate.c */
extern const struct plugin_command version_command;

#endif
