/* The table of contents of the program. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jitter.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "cli/cli.h"
#include "plugin/plugin.h"
#include "version.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", cli_run, "run the operator: watch GitLabRunners and reconcile them"},
    {"render", cli_render, "print the objects that a GitLabRunner leads to"},
    {"validate", cli_validate, "check GitLabRunner files, offline"},
    {"import", cli_import, "make GitLabRunners of what another manager runs by"},
};

/* The name that kubectl finds plugins by, and how a user calls it then. */
#define PLUGIN_PROGRAM "kubectl-glr"
#define PLUGIN_CALLED  "kubectl glr"

static bool is_plugin(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strcmp(slash ? slash + 1 : path, PLUGIN_PROGRAM) == 0;
}

static void main_usage(FILE *out, bool plugin)
{
    fprintf(out, "Usage: %s COMMAND [OPTION...]\n\n%s\n\n", program_name(),
            plugin ? "Shows and steers the GitLabRunners of a cluster, as kubectl does."
                   : "A Kubernetes operator that registers GitLab Runners and keeps their managers running.");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!plugin || commands[i].run != cli_run)
            fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    if (plugin) {
        plugin_list_commands(out);
        fputs("\nEach command has its own --help. ", out);
        plugin_list_exits(out);
        return;
    }
    fprintf(
        out,
        "  %-10s %s\n\nEach command has its own --help.\n"
        "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 invalid objects (validate, render).\n"
        "Called as kubectl-glr it is a plugin of kubectl, whose commands it knows by this name, too: kubectl-glr -h.\n",
        "version", "print the version, and those of the libraries");
}

static int complete(int argc, char **argv)
{
    const char *words[ARRAY_LEN(commands) + 1] = {NULL};
    char texts[ARRAY_LEN(commands)][120];
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s\t%s", commands[i].name, commands[i].help);
        if (commands[i].run != cli_run)
            words[len++] = texts[i];
    }
    return plugin_complete(words, argc, argv);
}

/* The program's own words go before the plugin's; `version` is the one of whose name it is called by. */
static int run_by_name(const char *name, bool plugin, int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc, argv);
    if (!plugin && strcmp(name, "version") == 0)
        return version_print(), EXIT_OK;
    if (strcmp(name, "__complete") == 0)
        return complete(argc, argv);
    if (plugin_has(name))
        return plugin_run(program_name(), argc, argv);
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (!asked && *name)
        fprintf(stderr, "%s: %s is no command%s\n\n", program_name(), shown(name, 60).text,
                *name == '-' ? ": flags stand behind it" : "");
    main_usage(asked ? stdout : stderr, plugin);
    return asked ? EXIT_OK : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    bool plugin = is_plugin(argv[0]);
    char *name = argc > 1 ? argv[1] : "";

    jitter_seed();
    if (plugin)
        program_name_set(PLUGIN_CALLED);
    if (plugin && strcmp(name, "--version") == 0)
        return plugin_run(program_name(), 2, (char *[]){"version", "--client", NULL});
    if (strcmp(name, "--version") == 0)
        name = "version";
    return run_by_name(name, plugin, argc > 1 ? argc - 1 : argc, argc > 1 ? argv + 1 : argv);
}
