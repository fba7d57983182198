/* The subcommands of gitlab-runner-controller. Each parses its own arguments and returns the exit code. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,  /* it could not be done: the message says why      */
    EXIT_USAGE = 2,   /* the command line is wrong                       */
    EXIT_INVALID = 3, /* validate: at least one object is not valid      */
};

int cli_run(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_validate(int argc, char **argv);
int cli_import(int argc, char **argv);

#endif
