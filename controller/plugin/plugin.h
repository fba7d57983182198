/* The program as a plugin of kubectl: its commands by name. */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include <stdbool.h>
#include <stdio.h>

/* Whether there is a command of this name. */
bool plugin_has(const char *name);
/* Runs it: argv[0] is its name, and there is such a command; program: what the user has called, "kubectl glr". Returns
 * the exit code. */
int plugin_run(const char *program, int argc, char **argv);
struct plugin_command;
/* The same with one that is none of the plugin's own, such as the half of `render` that asks a cluster. */
int plugin_run_command(const char *program, const struct plugin_command *command, int argc, char **argv);
/* A line for each command. */
void plugin_list_commands(FILE *out);
/* What the exit codes are, in one line. */
void plugin_list_exits(FILE *out);

/* `__complete`: what a shell may complete (plugin/complete.h). others: "name\tsummary" of the commands that are not
 * here, ended by NULL. Returns the exit code. */
int plugin_complete(const char *const *others, int argc, char **argv);

#endif
