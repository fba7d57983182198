/* `validate`: what the API server and the operator would refuse, before it is in a cluster. */
#include <getopt.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/json.h"
#include "cli/cli.h"
#include "version.h"
#include "cli/load.h"
#include "runner/complaints.h"
#include "runner/spec.h"

struct options {
    const char **files;
    size_t len;
};

static void validate_usage(FILE *out)
{
    fprintf(out, "Usage: %s validate -f FILE...\n\n", program_name());
    fputs("Checks GitLabRunners: against the schema of their kind, unknown fields included, and against what the "
          "operator\n"
          "asks of them. Needs no cluster.\n\n"
          "  -f, --filename FILE      YAML or JSON, \"-\": standard input; may be given more than once\n"
          "  --help\n\n"
          "Prints a line for each object, or for each of its errors, and one for each warning: what is valid, and will "
          "not\n"
          "work as it is meant. Objects of other kinds are counted only.\n"
          "Exit codes: 0 all are valid, 1 a file cannot be read or no GitLabRunner is there, 2 wrong usage, 3 errors "
          "found.\n",
          out);
}

/* EXIT_OK or EXIT_USAGE to end with, -1 to go on. FILEs may also stand alone, as a shell's *.yaml leaves them. */
static int parse_validate_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"filename", required_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};

    for (int opt; (opt = getopt_long(argc, argv, "f:h", longs, NULL)) != -1;) {
        if (opt == 'h')
            return validate_usage(stdout), EXIT_OK;
        if (opt != 'f')
            return validate_usage(stderr), EXIT_USAGE;
        o->files[o->len++] = optarg;
    }
    while (optind < argc)
        o->files[o->len++] = argv[optind++];
    return o->len ? -1 : (validate_usage(stderr), EXIT_USAGE);
}

static bool validate(const struct loaded *item, struct arena *a)
{
    struct complaints all = {.a = a};
    const char *name = loaded_name(item, a);
    struct spec spec;
    bool ok = loaded_validate(item, &spec, &all);

    loaded_complain(item, &all, stdout);
    if (spec.config_left_out)
        printf("%s: note: no wish, but what gitlab-runner writes by itself, so passed over: %s\n", name,
               spec.config_left_out);
    for (size_t i = 0; i < spec.warnings.len; i++)
        printf("%s: warning: %s\n", name, spec.warnings.texts[i]);
    if (ok)
        printf("%s: valid\n", name);
    return ok;
}

int cli_validate(int argc, char **argv)
{
    cleanup_arena struct arena a = {0};
    cleanup_load struct load load = {0};
    struct options o = {.files = arena_alloc(&a, (size_t)argc * sizeof(*o.files))};
    int code = parse_validate_options(argc, argv, &o);

    if (code >= 0)
        return code;
    code = load_files(&load, o.files, o.len, &a);
    for (size_t i = 0; i < load.len; i++)
        if (!validate(&load.items[i], &a))
            code = EXIT_INVALID;
    if (load.skipped)
        printf("not checked, being of other kinds: %zu\n", load.skipped);
    return code;
}
