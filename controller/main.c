/* The table of contents of the program. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", cli_run, "run the operator: watch GitLabRunners and reconcile them"},
    {"render", cli_render, "print the objects that a GitLabRunner leads to, offline"},
    {"validate", cli_validate, "check GitLabRunner files, offline"},
};

static void usage(FILE *out)
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

/* What jitter is drawn from: processes that were started together do not try again together. */
static void seed_random(void)
{
    unsigned seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
        srand(seed);
}

/* glibc keeps some freed blocks of each size for the next request, and malloc_trim() passes over them: after a burst of
 * work they lie scattered, and hold hundreds of pages. Only what the environment says at the program's start turns this
 * off; whoever has set it already is not overruled. */
static void restart_without_block_cache(char **argv)
{
    char program[4096] = "";

    if (getenv("GLIBC_TUNABLES") || readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
        return;
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    execv(program, argv); /* where that cannot be, it takes more memory */
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "run") == 0)
        restart_without_block_cache(argv);
    seed_random();
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        version_print();
        return EXIT_OK;
    }
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    usage(asked ? stdout : stderr);
    return asked ? EXIT_OK : EXIT_USAGE;
}
