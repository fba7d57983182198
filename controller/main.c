/* The table of contents of the program. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jitter.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "version.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", cli_run, "run the operator: watch GitLabRunners and reconcile them"},
    {"render", cli_render, "print the objects that a GitLabRunner leads to, offline"},
    {"validate", cli_validate, "check GitLabRunner files, offline"},
    {"import", cli_import, "make GitLabRunners of a config.toml, offline"},
};

static void main_usage(FILE *out)
{
    fprintf(out, "Usage: gitlab-runner-controller COMMAND [OPTION...]\n\n"
                 "A Kubernetes operator that registers GitLab Runners and keeps their managers running.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(out,
            "  %-10s %s\n\nEach command has its own --help.\n"
            "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 invalid objects (validate, render).\n",
            "version", "print the version, and those of the libraries");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    jitter_seed();
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        version_print();
        return EXIT_OK;
    }
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    main_usage(asked ? stdout : stderr);
    return asked ? EXIT_OK : EXIT_USAGE;
}
