#include "plugin/plugin.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "plugin/command.h"
#include "plugin/complete.h"
#include "plugin/session.h"
#include "plugin/terminal.h"

enum { OTHERS_MAX = 8 };

/* A line each. */
/* clang-format off */
static const struct plugin_command *const commands[] = {
    &list_command,
    &explain_command,
    &diff_command,
    &jobs_command,
    &logs_command,
    &ui_command,
    &doctor_command,
    &orphans_command,
    &pause_command,
    &resume_command,
    &drain_command,
    &rotate_command,
    &restart_command,
    &completion_command,
    &version_command,
};
/* clang-format on */

static const struct plugin_command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

bool plugin_has(const char *name)
{
    return find_command(name) != NULL;
}

void plugin_list_commands(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
}

void plugin_list_exits(FILE *out)
{
    fputs("Exit codes: 0 good; 1 a finding, a difference, not found, refused; 2 wrong usage, or it could not run;\n"
          "3 the deadline is over; 4 incomplete, since rights are missing. They are the same for each -o.\n",
          out);
}

int plugin_complete(const char *const *others, int argc, char **argv)
{
    cleanup_arena struct arena a = {0};
    const char *words[ARRAY_LEN(commands) + OTHERS_MAX + 1] = {NULL};
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        words[len++] = arena_printf(&a, "%s\t%s", commands[i]->name, commands[i]->summary);
    for (; *others && len < ARRAY_LEN(words) - 1; others++)
        words[len++] = *others;
    return complete_words(commands, ARRAY_LEN(commands), words, argc, argv);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What commands tell beside their data */

void not_seen(struct plugin_call *call, const char *what, const char *needs)
{
    assert(*what && *needs);
    for (size_t i = 0; i < call->not_seen_len; i++)
        if (strcmp(call->not_seen[i].what, what) == 0 && strcmp(call->not_seen[i].needs, needs) == 0)
            return;
    if (call->not_seen_len == NOT_SEEN_MAX)
        return;
    call->not_seen[call->not_seen_len].what = harmless(what, call->a);
    call->not_seen[call->not_seen_len++].needs = harmless(needs, call->a);
}

static void tell_not_seen(const struct plugin_call *call)
{
    for (size_t i = 0; i < call->not_seen_len && !call->not_seen_told; i++)
        fprintf(stderr, "NOT SEEN %s: needs %s\n", call->not_seen[i].what, call->not_seen[i].needs);
}

bool is_forbidden(const struct err *err)
{
    return err->kind == ERR_DENIED && err->code == 403;
}

enum plugin_exit failed(const struct plugin_call *call, const char *what, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", harmless(what, call->a), harmless(err->text, call->a));
    if (is_forbidden(err))
        return EXIT_INCOMPLETE;
    return err->kind == ERR_NOT_FOUND || err->kind == ERR_CONFLICT || err->code == 422 ? EXIT_FINDING : EXIT_COULD_NOT;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One run */

static size_t tables_of(const struct plugin_command *command, struct option_table *tables, void *own,
                        struct plugin_options *o)
{
    tables[0] = (struct option_table){command->rows, command->rows_len, own};
    return 1 + plugin_option_tables(tables + 1, command->takes, o);
}

static void print_examples(const struct plugin_command *command, const char *program, FILE *out)
{
    fprintf(out, "\nExample:\n");
    for (const char *at = command->example; *at;) {
        size_t len = strcspn(at, "\n");
        fprintf(out, "  %s %.*s\n", program, (int)len, at);
        at += len + (at[len] != '\0');
    }
}

static void print_help(const struct plugin_call *call, const struct option_table *tables, size_t len, FILE *out)
{
    const struct plugin_command *command = call->command;

    fprintf(out, "Usage: %s %s %s%s[OPTION...]\n\n%s\n\n", call->program, command->name,
            command->args ? command->args : "", command->args ? " " : "", command->about);
    options_help(tables, len, out);
    print_examples(command, call->program, out);
    fputc('\n', out);
    if (command->exits)
        fprintf(out, "Here: %s\n", command->exits);
    plugin_list_exits(out);
    fprintf(out, "Rights needed: %s\n", command->rights);
}

static bool check_args(const struct plugin_call *call)
{
    const struct plugin_command *command = call->command;
    bool few = call->args_len<command->args_min, many = call->args_len> command->args_max;

    if (few)
        fprintf(stderr, "%s: give %s; %s %s -h tells more\n", command->name, command->args, call->program,
                command->name);
    if (many)
        fprintf(stderr, "%s: %s is too much; %s %s -h tells more\n", command->name, call->args[command->args_max],
                call->program, command->name);
    return !few && !many;
}

static enum plugin_exit run_command(struct plugin_call *call)
{
    struct err err = {0};

    if (!call->command->offline) {
        call->session = session_open(call->options, &err);
        if (!call->session)
            return failed(call, call->command->name, &err), EXIT_COULD_NOT;
    }
    enum plugin_exit code = call->command->run(call);
    session_close(call->session);
    tell_not_seen(call);
    return code == EXIT_GOOD && call->not_seen_len ? EXIT_INCOMPLETE : code;
}

int plugin_run_command(const char *program, const struct plugin_command *command, int argc, char **argv)
{
    cleanup_arena struct arena a = {0};
    struct option_table tables[OPTION_TABLES_MAX];
    struct plugin_options options;
    struct plugin_call call = {.program = program, .command = command, .options = &options, .a = &a};
    assert(command);
    void *own = arena_alloc(&a, call.command->own_size + 1);
    size_t len = tables_of(call.command, tables, own, &options);
    int first = argc;

    log_setup(LOG_ERROR, false);
    switch (options_read(tables, len, argc, argv, &first)) {
    case OPTIONS_HELP:
        return print_help(&call, tables, len, stdout), EXIT_GOOD;
    case OPTIONS_WRONG:
        fprintf(stderr, "%s %s -h tells more\n", program, argv[0]);
        return EXIT_COULD_NOT;
    case OPTIONS_GOOD:
        break;
    }
    call.own = own;
    call.args = argv + first;
    call.args_len = (size_t)(argc - first);
    return check_args(&call) ? (int)run_command(&call) : EXIT_COULD_NOT;
}

int plugin_run(const char *program, int argc, char **argv)
{
    return plugin_run_command(program, find_command(argv[0]), argc, argv);
}
